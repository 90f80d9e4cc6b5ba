"""Reads a story, line by line, into events.

A story is written so that a manager can read it, and in one way only::

    fredag 2026-11-20
    16:50 mejl A kommer in, från adress 1
    måndag 2026-11-23
    08:30 mejl B skickas av Kommuncenter, till adress 1, svar på A

    80 gånger, var 20 s:
      09:00:00 samtal T ställer sig i kö, dolt nummer
      09:00:30 samtal T får svar

Times are local. In the hour that a day has twice, ``sommartid`` or ``vintertid`` stands after the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pydantic import ValidationError

from kommuncenter.worked.phrases import KINDS, detail, message, span_ms, verb
from schemas.errors import ConfigurationError
from schemas.events import Event, event_adapter
from schemas.identity import stable_hash
from schemas.timebase import STOCKHOLM

WEEKDAYS = ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag")
_DAY = re.compile(rf"({'|'.join(WEEKDAYS)}) (\d{{4}}-\d\d-\d\d)")
_REPEAT = re.compile(r"(\d+) gånger, var (.+):")
_CLOCK = r"(\d\d:\d\d(?::\d\d(?:\.\d{3})?)?)(?: (sommartid|vintertid))?"
_LINE = re.compile(rf"{_CLOCK} +(.+)")
_ABOUT = re.compile(rf"({'|'.join(KINDS)}) ([A-Z][A-Z0-9]*) ([^,]+)((?:, [^,]+)*)")
_RESTART = "telefonväxeln startas om"


def read_story(text: str) -> list[Event]:
    """Return the events of a story, in its order. Raises ConfigurationError that names the line."""
    return list(_events(_numbered(text)))


def read_day(text: str) -> date:
    """Return the date of ``fredag 2026-11-20``; the weekday must be its own. Raises ConfigurationError."""
    match = _DAY.fullmatch(text.strip())
    if not match:
        raise ConfigurationError(f"{text!r}: a day is written as fredag 2026-11-20")
    day = date.fromisoformat(match[2])
    if WEEKDAYS[day.weekday()] != match[1]:
        raise ConfigurationError(f"{text!r}: {day} is a {WEEKDAYS[day.weekday()]}")
    return day


def read_clock(day: date, clock: str, season: str | None = None) -> datetime:
    """Return a local time as an instant in UTC.

    Raises ConfigurationError for a time that the day has twice (unless ``season`` says which) or not at all.
    """
    at = datetime.combine(day, time.fromisoformat(clock))
    both = {fold: at.replace(tzinfo=STOCKHOLM, fold=fold) for fold in (0, 1)}
    if both[0].astimezone(UTC).astimezone(STOCKHOLM).replace(tzinfo=None) != at:
        raise ConfigurationError(f"{day} {clock}: there is no such time that day")
    if (both[0].utcoffset() != both[1].utcoffset()) != (season is not None):
        raise ConfigurationError(f"{day} {clock}: say sommartid or vintertid just where the hour comes twice")
    return both[season == "vintertid"].astimezone(UTC)


Numbered = Iterator[tuple[int, str]]


def _numbered(text: str) -> Numbered:
    return ((n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip())


def _events(lines: Iterable[tuple[int, str]]) -> Iterator[Event]:
    day: date | None = None
    times, step, block = 0, timedelta(0), ""
    for number, line in lines:
        try:
            repeat = _REPEAT.fullmatch(line)
            if repeat:
                times, step = int(repeat[1]), timedelta(milliseconds=span_ms(repeat[2]))
                block = " "
            elif _DAY.fullmatch(line):
                day, block = read_day(line), ""
            elif day is None:
                raise ConfigurationError("a story begins with a day, such as måndag 2026-11-16")
            elif line.startswith("  ") and block:
                for nth in range(times):
                    yield _event(day, line.strip(), step * nth, f".{nth + 1}")
            else:
                block = ""
                yield _event(day, line, timedelta(0), "")
        except ValidationError as error:
            first = error.errors()[0]
            raise ConfigurationError(f"line {number}: {line.strip()!r}: {first['msg']}") from error
        except ConfigurationError as error:
            raise ConfigurationError(f"line {number}: {error}") from error


def _event(day: date, line: str, after: timedelta, suffix: str) -> Event:
    timed = _LINE.fullmatch(line)
    if not timed:
        raise ConfigurationError(f"{line!r}: a line is <time> <what> <name> <what it does>, <details>")
    at = read_clock(day, timed[1], timed[2]) + after
    if timed[3] == _RESTART:
        return _made("system.restarted", "pbx1", "pbx1:restart", at, {"channel": "telephone"})
    about = _ABOUT.fullmatch(timed[3])
    if not about:
        raise ConfigurationError(f"{timed[3]!r}: begin with one of {', '.join(KINDS)} and a name such as A")
    kind, name = about[1], about[2]
    source, channel = KINDS[kind]
    event_type, said = verb(kind, about[3])
    data: dict[str, Any] = {"channel": channel, **said}
    for phrase in about[4].split(", ")[1:]:
        data |= detail(phrase)
    if event_type in {"contact.received", "contact.replied"}:
        data = {"mailbox": "kommun", "message": message(name + suffix), **data}
    if event_type == "errand.registered":
        source = "desk"
        data.setdefault("errand", "e1")
    return _made(event_type, source, f"{_system(kind)}:{name}{suffix}", at, data)


def _system(kind: str) -> str:
    if kind == "mejl":
        return "mail"
    return "case" if kind == "ärende" else KINDS[kind][0]


def _made(event_type: str, source: str, leg: str, at: datetime, data: dict[str, Any]) -> Event:
    """Return the event; its id depends on its content alone, so that a line told twice is one event."""
    made = event_adapter.validate_python(
        {
            "type": f"kommuncenter.{event_type}",
            "id": stable_hash(source, leg, event_type, at.isoformat(), repr(sorted(data.items()))),
            "source": source,
            "subject": leg,
            "time": at,
            "data": data,
        }
    )
    unheard = data.keys() - type(made.data).model_fields.keys()
    if unheard:
        raise ConfigurationError(f"{', '.join(sorted(unheard))}: has no place in {event_type}")
    return made
