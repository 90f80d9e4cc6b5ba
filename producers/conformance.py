"""The conformance kit: what every source must hold to, checked over its golden cases.

A case is a folder ``cases/<case>/`` beside the source's ``source.py``:

- ``input.<anything>``: one record a line; or ``input/``: one record a file, in the order of their names;
- ``expected.jsonl``: the events, one a line; ``rejected.jsonl``: ``{"place", "reason", "detail"}``;
- ``settings.toml``, ``catalogue.toml``: where the defaults and the shipped catalogue won't do;
- ``records.toml``: what the reader would say beside the payload, by record (``"line 3"`` or the file's name;
  ``"*"`` for all): ``received_at`` (a time with a zone) and ``[….attributes]``.

``python -m producers.conformance NAME`` writes the expected files anew, for a person to read and commit.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from producers import registry
from producers.contract import Broadcast, Context, Raw, Source, SourceSettings
from producers.runner import Rejection, normalise_all
from schemas.catalogue import load_catalogue
from schemas.errors import ConfigurationError
from schemas.events import Event, event_adapter, to_json
from schemas.identity import Pseudonymiser, PseudonymKey

CASES = "cases"
PARTITIONS = 8
KEY = PseudonymKey("test", b"the key of the golden cases only")

_ADDRESS = re.compile(rb"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_RESERVED_NUMBERS = re.compile(
    rb"(?:\+|00)?(?:46)?0?("
    rb"31[ -]?390[ -]?06[ -]?[0-4]\d|40[ -]?628[ -]?04[ -]?[0-4]\d|8[ -]?465[ -]?004[ -]?[0-4]\d|"
    rb"980[ -]?319[ -]?2[0-4]\d|70[ -]?174[ -]?06[ -]?(?:0[5-9]|[1-9]\d))(?!\d)"
)
"""Telephone numbers that are nobody's (reserved for fiction by the Swedish regulator); the part kept."""


@dataclass(frozen=True, slots=True)
class Case:
    """A golden case of a source."""

    source: Source[Any]
    folder: Path

    @property
    def name(self) -> str:
        """Return ``<source>/<case>``."""
        return f"{self.source.name}/{self.folder.name}"

    def settings(self) -> SourceSettings:
        """Return the case's settings, or the defaults. Raises ConfigurationError."""
        path = self.folder / "settings.toml"
        given = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
        try:
            settings: SourceSettings = self.source.settings.model_validate(given)
        except ValidationError as error:
            raise ConfigurationError(f"{self.name}: settings.toml: {error}") from error
        return settings

    def context(self) -> Context:
        """Return the fixed context of golden cases; the instance is called as the source."""
        path = self.folder / "catalogue.toml"
        catalogue = load_catalogue(path if path.exists() else None)
        return Context(self.source.name, Pseudonymiser(KEY), catalogue, PARTITIONS)

    def records(self) -> list[Raw]:
        """Return the records, numbered as a reader would: ``nth`` among the identical ones."""
        path = self.folder / "records.toml"
        told = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
        seen: Counter[bytes] = Counter()
        records = []
        for sequence, (place, payload) in enumerate(self._payloads()):
            beside = {**told.get("*", {}), **told.get(place, {})}
            attributes = {
                **told.get("*", {}).get("attributes", {}),
                **told.get(place, {}).get("attributes", {}),
            }
            records.append(
                Raw(payload, place, seen[payload], sequence, beside.get("received_at"), attributes)
            )
            seen[payload] += 1
        return records

    def run(self) -> Outcome:
        """Return what the source makes of the case."""
        results = list(normalise_all(self.source, self.settings(), self.context(), self.records()))
        events = [r.event if isinstance(r, Broadcast) else r for r in results if not isinstance(r, Rejection)]
        rejections = [r for r in results if isinstance(r, Rejection)]
        return Outcome(events, rejections)

    def expected_events(self) -> list[Event]:
        """Return the golden events."""
        return [event_adapter.validate_json(line) for line in _lines(self.folder / "expected.jsonl")]

    def expected_rejections(self) -> list[Mapping[str, str]]:
        """Return the golden rejections."""
        return [json.loads(line) for line in _lines(self.folder / "rejected.jsonl")]

    def write(self) -> None:
        """Write the golden files anew from what the source makes of the case."""
        outcome = self.run()
        _write(self.folder / "expected.jsonl", [to_json(event) for event in outcome.events])
        rejected = [json.dumps(row, ensure_ascii=False).encode() for row in outcome.rejected()]
        _write(self.folder / "rejected.jsonl", rejected)

    def _payloads(self) -> Iterator[tuple[str, bytes]]:
        folder = self.folder / "input"
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                yield path.name, path.read_bytes()
            return
        files = sorted(self.folder.glob("input.*"))
        if len(files) != 1:
            raise ConfigurationError(f"{self.name}: give one input.<anything>, or a folder input/")
        for number, line in enumerate(files[0].read_bytes().split(b"\n"), start=1):
            payload = line.removesuffix(b"\r")
            if payload:
                yield f"line {number}", payload


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a source made of a case."""

    events: Sequence[Event]
    rejections: Sequence[Rejection]

    def rejected(self) -> list[dict[str, str]]:
        """Return the rejections as they stand in the golden file."""
        return [
            {"place": r.record.place, "reason": str(r.why.reason), "detail": r.why.detail}
            for r in self.rejections
        ]

    def said(self) -> bytes:
        """Return all that leaves the source, as text."""
        return b"\n".join([*map(to_json, self.events), *(repr(r.why).encode() for r in self.rejections)])


def cases_of(name: str) -> tuple[Case, ...]:
    """Return the cases of a source, by name. Raises ConfigurationError for an unknown source."""
    source, folder = registry.load(name), registry.folder(name) / CASES
    found = sorted(path for path in folder.glob("*") if path.is_dir()) if folder.is_dir() else []
    return tuple(Case(source, path) for path in found)


def check_source(name: str) -> list[str]:
    """Return what is wrong with a source as a whole; empty where nothing is."""
    source, folder = registry.load(name), registry.folder(name)
    problems = [] if cases_of(name) else [f"{name}: has no cases"]
    problems += [
        f"{name}: {file} is missing" for file in ("README.md", "sample.toml") if not (folder / file).is_file()
    ]
    if (folder / "sample.toml").is_file():
        problems += _check_sample(name, source, folder / "sample.toml")
    return problems


def check_case(case: Case) -> list[str]:
    """Return what is wrong with a case; empty where nothing is."""
    outcome, again = case.run(), case.run()
    problems = []
    if list(outcome.events) != case.expected_events():
        problems.append(_difference("events", outcome.events, case.expected_events()))
    if outcome.rejected() != case.expected_rejections():
        problems.append(_difference("rejections", outcome.rejected(), case.expected_rejections()))
    if outcome.said() != again.said():
        problems.append("the same records gave something else the second time")
    by_id: dict[str, Event] = {}
    for event in outcome.events:
        if by_id.setdefault(event.id, event) != event:
            problems.append(f"two different events have the id {event.id}")
    problems += check_events(outcome.events, case.source.name)
    problems += check_leaks([record.payload for record in case.records()], outcome.said())
    return [f"{case.name}: {problem}" for problem in problems]


def check_events(events: Sequence[Event], instance: str) -> list[str]:
    """Return what is wrong with events of any source: times, names, and whether they can be read back."""
    problems = []
    for event in events:
        if event.time.utcoffset() != timedelta(0):
            problems.append(f"{event.id}: its time is not in UTC")
        if event.source != instance:
            problems.append(f"{event.id}: its source is {event.source!r}, not the instance")
        if event_adapter.validate_json(to_json(event)) != event:
            problems.append(f"{event.id}: is another one after it was written and read")
    return problems


def check_leaks(payloads: Sequence[bytes], said: bytes) -> list[str]:
    """Return which of the numbers and addresses in the input stand in the output, in any way of writing."""
    given = b"\n".join(payloads)
    digits = re.sub(rb"[ -]", b"", said)
    numbers = {re.sub(rb"[ -]", b"", match[1]) for match in _RESERVED_NUMBERS.finditer(given)}
    addresses = {match[0].lower() for match in _ADDRESS.finditer(given)}
    leaked = {n for n in numbers if n in digits} | {a for a in addresses if a in said.lower()}
    return [f"leaks {text.decode()}" for text in sorted(leaked)]


def _check_sample(name: str, source: Source[Any], path: Path) -> list[str]:
    """A sample's values are the defaults, so that it can be read as their documentation."""
    try:
        sample = source.settings.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        return [f"{name}: sample.toml: {error}"]
    return [
        f"{name}: sample.toml: {key} is not the default"
        for key, field in source.settings.model_fields.items()
        if not field.is_required()
        and key in sample.model_fields_set
        # What is None by default can only be shown with an example.
        and field.get_default(call_default_factory=True) is not None
        and getattr(sample, key) != field.get_default(call_default_factory=True)
    ]


def _difference(what: str, found: Sequence[object], expected: Sequence[object]) -> str:
    for number, (mine, golden) in enumerate(zip(found, expected, strict=False), start=1):
        if mine != golden:
            return f"{what}: no. {number} is {mine!r}, expected {golden!r}"
    return f"{what}: {len(found)} found, {len(expected)} expected"


def _lines(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines() if line.strip()] if path.exists() else []


def _write(path: Path, lines: Sequence[bytes]) -> None:
    if lines:
        path.write_bytes(b"".join(line + b"\n" for line in lines))
    else:
        path.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> int:
    """Write the golden files of the named sources anew."""
    for name in arguments:
        for case in cases_of(name):
            case.write()
            sys.stdout.write(f"{case.name}: written; read it before you commit it\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
