"""What ``kommuncenter dlq`` says: lines for people, JSON for programs; no record but where asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from kommuncenter.deadletters.letters import Group, Outcome, Stored, Try
from kommuncenter.deadletters.replay import TRIED, Fate, Replayed
from schemas.deadletter import MOST_SEALED_BYTES, LetterKind, Original
from schemas.timebase import STOCKHOLM, local_day
from schemas.topics import DEAD_LETTERS, EVENTS_PREFIX, LEGS

PERSONAL = (
    "The record may hold personal data. Show it to nobody who need not see it, and put it into no ticket, "
    "chat or log."
)


def plain(text: str) -> str:
    """Return text in one line that steers no terminal: control and formatting characters are written out."""
    shown = (c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in text)
    return "".join(shown)


def local(instant: datetime) -> str:
    """Return an instant as it is told in Sweden, to the second."""
    return f"{instant.astimezone(STOCKHOLM):%Y-%m-%d %H:%M:%S}"


def counted(number: int, what: str) -> str:
    """Return a number and what it counts, in one or in many."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def group_lines(groups: Sequence[Group]) -> Iterator[str]:
    """Yield two lines per group, and one for all."""
    for group in groups:
        yield plain(f"{group.instance}  {group.reason}  {group.detail}")
        kept = "all kept" if group.kept == group.letters else f"{group.kept} kept"
        found = f"{local(group.first)} to {local(group.last)}"
        yield f"  {counted(group.letters, 'letter')}, {kept}; found {found}; such as {group.example}"
    letters = sum(group.letters for group in groups)
    yield f"{counted(letters, 'letter')} in {counted(len(groups), 'group')}." if groups else "No dead letter."


def letter_lines(found: Sequence[Stored]) -> Iterator[str]:
    """Yield one line per letter, and one for all."""
    for one in found:
        letter = one.letter
        told = f"{letter.id}  {local(letter.at)}  {letter.instance}  {letter.reason}  {letter.place}"
        yield plain(told + ("" if one.kept else "  (not kept)") + ("  (replayed)" if one.replayed_at else ""))
    yield f"{counted(len(found), 'letter')}." if found else "No dead letter."


def as_json(rows: Iterable[object]) -> str:
    """Return rows as a JSON document and a line break; times are ISO 8601 in UTC."""
    return json.dumps(list(rows), default=_json, ensure_ascii=False, indent=2) + "\n"


def groups_json(groups: Sequence[Group]) -> str:
    """Return groups as JSON."""
    return as_json(asdict(group) for group in groups)


def letters_json(found: Sequence[Stored]) -> str:
    """Return letters one by one as JSON, without their records."""
    return as_json(
        {
            **one.letter.model_dump(mode="json", exclude={"sealed"}),
            "kept": one.kept,
            "replayed_at": one.replayed_at,
        }
        for one in found
    )


def _json(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def shown(one: Stored, tries: Sequence[Try], payload_days: int | None) -> Iterator[str]:
    """Yield all that is known of a letter but its record."""
    letter = one.letter
    is_record = letter.kind is LetterKind.RECORD
    told = {
        "id": letter.id,
        "instance": letter.instance if is_record else f"{letter.instance} (a topic)",
        "place": letter.place,
        "reason": letter.reason,
        "detail": letter.detail,
        "size": counted(letter.size, "byte"),
        "hash": letter.sha256,
        "found": local(letter.at),
        "record": _kept(one, payload_days),
        "state": f"replayed {local(one.replayed_at)}" if one.replayed_at else "open",
    }
    for name, value in told.items():
        yield plain(f"{name:<9} {value}")
    for tried in tries:
        if tried.outcome is Outcome.REPLAYED:
            what = f"replayed as {counted(tried.events, 'event' if is_record else 'message')}"
        else:
            what = f"rejected again: {tried.reason}: {tried.detail}"
        yield plain(f"{'tried':<9} {local(tried.at)}: {what}")


def _kept(one: Stored, payload_days: int | None) -> str:
    """Say whether the record is kept, until when, or why not."""
    letter = one.letter
    until = letter.at + timedelta(days=payload_days) if payload_days is not None else None
    if one.kept:
        return "kept, sealed" + (f", until {local(until)[:10]}" if until else "")
    if letter.size > MOST_SEALED_BYTES:
        return f"not kept: it is larger than {MOST_SEALED_BYTES // 1024} KiB"
    return f"not kept: dropped by policy, or older than {payload_days} days" if until else "not kept: dropped"


def record_lines(original: Original) -> Iterator[str]:
    """Yield the record itself and what its reader knew. Personal data: only where asked for."""
    known = {
        "received": original.received_at.isoformat() if original.received_at else None,
        "nth": original.nth or None,
        "sequence": original.sequence or None,
        "partition": original.partition,
        **original.attributes,
    }
    for name, value in known.items():
        if value is not None:
            yield plain(f"{name:<9} {value}")
    yield ""
    yield from map(plain, original.payload.decode("utf-8", "backslashreplace").split("\n"))


class _Line(NamedTuple):
    """Letters that are told of together."""

    instance: str
    kind: LetterKind
    fate: Fate
    reason: str
    detail: str


class Summary:
    """What a replay did, letter by letter, and what is left to do."""

    def __init__(self, late_before: datetime, state_dir: Path) -> None:
        """Take the instant before which events may come too late, and where processes keep their state."""
        self._late_before = late_before
        self._state_dir = state_dir
        self._letters: Counter[_Line] = Counter()
        self._sent: Counter[_Line] = Counter()
        self._first_place: dict[_Line, str] = {}
        self._late: list[datetime] = []

    def add(self, one: Replayed) -> None:
        """Count a letter."""
        line = _Line(one.letter.instance, one.letter.kind, one.fate, one.reason, one.detail)
        self._letters[line] += 1
        self._sent[line] += 1 if one.message else len(one.events)
        self._first_place.setdefault(line, one.letter.place)
        self._late += [at for at in one.times if at < self._late_before]

    @property
    def all_replayed(self) -> bool:
        """Whether nothing is left."""
        return all(line.fate is Fate.REPLAYED for line in self._letters)

    def lines(self, *, dry_run: bool) -> Iterator[str]:
        """Yield a line per instance and fate, then what to know."""
        if not self._letters:
            yield "No dead letter."
        for line, letters in sorted(self._letters.items()):
            would = "would be " if dry_run and line.fate in TRIED else ""
            yield plain(f"{line.instance}: {letters} {would}{self._told(line)}")
        if self._late:
            events, limit = counted(len(self._late), "event"), local_day(self._late_before)
            yield (
                f"{events} from before {limit}, perhaps too late for days that are frozen: what is late "
                f"counts after `kommuncenter rebuild --since {local_day(min(self._late))}`."
            )
        if dry_run:
            yield "Dry run: nothing was sent, and nothing was marked."

    def _told(self, line: _Line) -> str:
        if line.fate is Fate.REPLAYED:
            what = "event" if line.kind is LetterKind.RECORD else "message"
            return f"replayed as {counted(self._sent[line], what)}"
        if line.fate is Fate.REJECTED:
            return f"rejected again: {line.reason}: {line.detail}"
        if line.fate is Fate.HINDERED:
            return f"can't be replayed: {line.detail}"
        return f"without their record. {self._how_to_read_again(line)}"

    def _how_to_read_again(self, line: _Line) -> str:
        """Say how what was not kept is read again from where it stands."""
        if line.instance in {LEGS, DEAD_LETTERS}:
            return "Start the worker and the sources again: they send what has not arrived."
        source = line.instance.removeprefix(EVENTS_PREFIX)
        command = f"KC_STATE_DIR={self._state_dir / 'again'} kommuncenter source run {source}"
        return (
            f"Read the source again, from {self._first_place[line]} on: `{command}` reads it from its "
            "beginning, beside the one that runs. End it when it is through; what has been counted is not "
            "counted again."
        )
