"""Golden cases: a folder of input, and what the source must make of it."""

from __future__ import annotations

import functools
import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from producers import registry
from producers.contract import Broadcast, Context, Raw, Source, SourceSettings
from producers.runner import Rejection, normalise_all
from schemas.catalogue import Catalogue, load_catalogue
from schemas.errors import ConfigurationError
from schemas.events import Event, event_adapter, to_json
from schemas.identity import Pseudonymiser, PseudonymKey

CASES = "cases"
PARTITIONS = 8
KEY = PseudonymKey("test", b"the key of the golden cases only")
OTHER_KEY = PseudonymKey("test", b"to tell what a key is needed for")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a source made of records."""

    events: Sequence[Event]
    rejections: Sequence[Rejection]

    def rejected(self) -> list[dict[str, str]]:
        """Return the rejections as they stand in the golden file."""
        return [
            {"place": r.record.place, "reason": str(r.why.reason), "detail": r.why.detail}
            for r in self.rejections
        ]

    def said(self) -> bytes:
        """Return all that leaves the source, as text: events, and what is logged of rejections."""
        rejected = [json.dumps(row, ensure_ascii=False).encode() for row in self.rejected()]
        return b"\n".join([*map(to_json, self.events), *rejected])


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
        """Return the case's settings, or the defaults; what has none is as in the source's sample.

        Raises ConfigurationError.
        """
        kind, sample = self.source.settings, self.folder.parent.parent / "sample.toml"
        given = self._told("settings.toml")
        if any(field.is_required() and name not in given for name, field in kind.model_fields.items()):
            given = {**_required(kind, _toml(sample)), **given}
        try:
            settings: SourceSettings = kind.model_validate(given)
        except ValidationError as error:
            raise ConfigurationError(f"{self.name}: settings.toml: {error}") from error
        return settings

    def context(self, key: PseudonymKey = KEY) -> Context:
        """Return the fixed context of golden cases; the instance is called as the source."""
        path = self.folder / "catalogue.toml"
        catalogue = load_catalogue(path) if path.exists() else _shipped_catalogue()
        return Context(self.source.name, Pseudonymiser(key), catalogue, PARTITIONS)

    def records(self) -> list[Raw]:
        """Return the records, with what the reader would say beside them. Raises ConfigurationError."""
        told = self._told("records.toml")
        return [_beside(record, told) for record in self._cut()]

    def run(self, records: Iterable[Raw] | None = None, key: PseudonymKey = KEY) -> Outcome:
        """Return what the source makes of the case, or of other records in its place."""
        given = self.records() if records is None else records
        results = list(normalise_all(self.source, self.settings(), self.context(key), given))
        events = [r.event if isinstance(r, Broadcast) else r for r in results if not isinstance(r, Rejection)]
        rejections = [r for r in results if isinstance(r, Rejection)]
        return Outcome(events, rejections)

    def expected_events(self) -> list[Event]:
        """Return the golden events."""
        return [event_adapter.validate_json(line) for line in _lines(self.folder / "expected.jsonl")]

    def expected_rejections(self) -> list[Mapping[str, str]]:
        """Return the golden rejections."""
        return [json.loads(line) for line in _lines(self.folder / "rejected.jsonl")]

    def personal_texts(self) -> tuple[str, ...]:
        """Return the names and free text of which ``personal.toml`` says that they are in the input."""
        return tuple(self._told("personal.toml").get("texts", ()))

    def write(self) -> None:
        """Write the golden files anew from what the source makes of the case."""
        outcome = self.run()
        _write(self.folder / "expected.jsonl", [to_json(event) for event in outcome.events])
        rejected = [json.dumps(row, ensure_ascii=False).encode() for row in outcome.rejected()]
        _write(self.folder / "rejected.jsonl", rejected)

    def _told(self, file: str) -> dict[str, Any]:
        return _toml(self.folder / file)

    def _cut(self) -> Iterable[Raw]:
        folder = self.folder / "input"
        if folder.is_dir():
            return numbered((path.name, path.read_bytes()) for path in sorted(folder.iterdir()))
        files = sorted(self.folder.glob("input.*"))
        if len(files) != 1:
            raise ConfigurationError(f"{self.name}: give one input.<anything>, or a folder input/")
        return cut(self.source, self.settings(), files[0].read_bytes())


def cut(source: Source[Any], settings: SourceSettings, content: bytes) -> Iterable[Raw]:
    """Return the records of a whole file of input: as the source cuts it, else its lines."""
    return numbered(_by_line(content)) if source.records is None else source.records(content, settings)


def numbered(payloads: Iterable[tuple[str, bytes]]) -> Iterator[Raw]:
    """Yield (place, payload) as records, numbered as a reader would: ``nth`` among the identical ones."""
    seen: Counter[bytes] = Counter()
    for sequence, (place, payload) in enumerate(payloads):
        yield Raw(payload, place, seen[payload], sequence)
        seen[payload] += 1


def cases_of(name: str) -> tuple[Case, ...]:
    """Return the cases of a source, by name. Raises ConfigurationError for an unknown source."""
    return cases_in(registry.load(name), registry.folder(name))


def cases_in(source: Source[Any], folder: Path) -> tuple[Case, ...]:
    """Return the cases of a source that stands in ``folder``."""
    found = sorted(path for path in (folder / CASES).glob("*") if path.is_dir())
    return tuple(Case(source, path) for path in found)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not valid TOML: {error}") from error


def _required(settings: type[SourceSettings], sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the sample says of settings that have no default."""
    return {
        name: sample[name]
        for name, field in settings.model_fields.items()
        if field.is_required() and name in sample
    }


@functools.cache
def _shipped_catalogue() -> Catalogue:
    return load_catalogue()


def _beside(record: Raw, told: Mapping[str, Any]) -> Raw:
    """Return a record with what ``records.toml`` says of it."""
    general, special = told.get("*", {}), told.get(record.place, {})
    return replace(
        record,
        received_at={**general, **special}.get("received_at", record.received_at),
        attributes={**record.attributes, **general.get("attributes", {}), **special.get("attributes", {})},
    )


def _by_line(content: bytes) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        payload = line.removesuffix(b"\r")
        if payload:
            yield f"line {number}", payload


def _lines(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines() if line.strip()] if path.exists() else []


def _write(path: Path, lines: Sequence[bytes]) -> None:
    if lines:
        path.write_bytes(b"".join(line + b"\n" for line in lines))
    else:
        path.unlink(missing_ok=True)
