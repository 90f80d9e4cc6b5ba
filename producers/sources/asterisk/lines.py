"""A line of queue_log: ``epoch|callid|queue|agent|VERB|data…``, cut into its parts, whatever it holds."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from producers.contract import Reason, Rejected
from schemas.identity import PseudonymKey

NO_CALL = frozenset({"", "NONE", "MANAGER", "REALTIME", "CLI"})
"""What stands for the call where a line is about none."""

_EPOCH = re.compile(r"([1-9][0-9]{9})(?:\.([0-9]{1,9}))?")
_UNIQUE_ID = re.compile(r"(?:([A-Za-z0-9_-]{1,64})-)?[1-9][0-9]{9}\.[0-9]{1,8}")
_NUMBER_DIGITS = 7
"""A name with this many digits may be a telephone number that is in the wrong field."""
_SECONDS = re.compile(r"-?[0-9]{1,7}")
_HELD = re.compile(r"held=([0-9]{1,9})")
_VERB_LIKE = re.compile(r"[A-Z][A-Z0-9_]{3,39}")
_HIGHEST_VERB_FIELD = 8
_HIDDEN = re.compile(r"(?i)anonymous|unknown|unavailable|restricted|private|withheld|hidden|asterisk")


@dataclass(frozen=True, slots=True)
class LogLine:
    """The parts of a line; ``time`` in UTC."""

    time: datetime
    callid: str
    queue: str
    verb: str
    data: tuple[str, ...]

    @property
    def about_a_call(self) -> bool:
        """Whether the line is about a call."""
        return self.callid not in NO_CALL


def parse(payload: bytes, verbs: frozenset[str]) -> LogLine | Rejected:
    """Return the parts of a line. ``verbs`` are those that are known.

    An agent's name may hold a bar; the verb is then further to the right.
    """
    fields = payload.decode("utf-8", "replace").split("|")
    if len(fields) < 5:
        return Rejected(Reason.MISSING_FIELD, f"the line has {len(fields)} fields, at least 5 needed")
    time = _time(fields[0].strip())
    if time is None:
        return Rejected(Reason.BAD_TIME, "the epoch is not a number of seconds since 1970")
    at = 4
    if fields[4] not in verbs and not _VERB_LIKE.fullmatch(fields[4]):
        at = next((i for i in range(5, min(len(fields), _HIGHEST_VERB_FIELD)) if fields[i] in verbs), 4)
    return LogLine(time, fields[1].strip(), fields[2].strip(), fields[at].strip(), tuple(fields[at + 1 :]))


def second_of(line: bytes) -> str | None:
    """Return the second at which a line was written, as text; None where it names none."""
    epoch = line[:32].partition(b"|")[0].partition(b".")[0].decode("ascii", "replace").strip()
    return epoch if _EPOCH.fullmatch(epoch) else None


def seconds(data: tuple[str, ...], at: int) -> int | Rejected | None:
    """Return a span in seconds; None where the field is missing, or negative (the clock was set back)."""
    text = data[at].strip() if at < len(data) else ""
    if not text:
        return None
    if not _SECONDS.fullmatch(text):
        return Rejected(Reason.BAD_VALUE, f"data field {at + 1} is not a whole number of seconds")
    return int(text) if int(text) >= 0 else None


def talk_of_transfer(data: tuple[str, ...]) -> int | None:
    """Return the seconds of talk in the data of a transfer; None where an old version gives none.

    They end with hold time, talk time and (later) position. What stands before that differs, and may hold
    bars, so they are read from the end.
    """
    tail = [text.strip() for text in data[2:]]
    while tail and not tail[-1]:
        tail.pop()
    for size in (3, 2):
        if len(tail) >= size and all(_SECONDS.fullmatch(text) for text in tail[-size:]):
            talk = int(tail[1 - size])
            return talk if talk >= 0 else None
    return None


def without_hold(data: tuple[str, ...]) -> tuple[tuple[str, ...], int | None]:
    """Return the data of an end, and the milliseconds on hold; None where they are not told.

    Only our own listener to the manager interface tells them, as a last field ``held=…``.
    """
    match = _HELD.fullmatch(data[-1]) if data else None
    return (data[:-1], int(match[1])) if match else (data, None)


def caller_of(data: tuple[str, ...], country_code: str) -> str:
    """Return the caller's number from the data of ENTERQUEUE, as the exchange shows it; empty if hidden.

    They are url, number, position and (later) name; the first versions end with the number. The url may
    hold bars, so the number is what stands before the position.
    """
    places = [i for i in range(2, len(data)) if re.fullmatch(r"[1-9][0-9]{0,3}", data[i].strip())]
    at = places[0] - 1 if places else 1
    shown = data[at].strip() if at < len(data) else ""
    bracketed = re.search(r"<([^<>]*)>", shown)
    number = (bracketed[1] if bracketed else shown).strip()
    if _HIDDEN.fullmatch(number):
        return ""
    if re.fullmatch(re.escape(country_code) + r"[1-9][0-9]{6,12}", number):
        return "+" + number
    return number


def leg_id(system: str, callid: str, key: PseudonymKey) -> str:
    """Return the id of a call's leg.

    A call id that is not of Asterisk's own form may hold anything, a number too, and so becomes a pseudonym.
    """
    match = _UNIQUE_ID.fullmatch(callid)
    plain = match is not None and not _may_be_number(match[1] or "")
    return f"{system}:{callid if plain else 'h-' + key.pseudonym('callid ' + callid)[-32:]}"


def own_slug(name: str, key: PseudonymKey) -> str | None:
    """Return a queue's own name as a slug; None where the line names none."""
    if name in NO_CALL:
        return None
    ascii_only = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9._-]+", "-", ascii_only).strip("._-")[:64]
    if not slug or _may_be_number(slug):
        return "queue-" + key.pseudonym("queue " + name)[-8:]
    return slug


def _may_be_number(text: str) -> bool:
    return sum(character.isdigit() for character in text) >= _NUMBER_DIGITS


def _time(text: str) -> datetime | None:
    match = _EPOCH.fullmatch(text)
    if match is None:
        return None
    fraction = int((match[2] or "").ljust(6, "0")[:6])
    return datetime.fromtimestamp(int(match[1]), UTC) + timedelta(microseconds=fraction)
