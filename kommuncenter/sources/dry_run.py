"""A dry run: what a source would make of a sample. Nothing is sent, and nothing is kept."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from producers import registry
from producers.conformance.cases import KEY, Case, Outcome, cut, numbered
from producers.conformance.json_input import json_object
from producers.contract import Broadcast, Context, Raw, Source, SourceSettings
from producers.runner import Rejection, normalise_all
from schemas.catalogue import Catalogue
from schemas.errors import ConfigurationError
from schemas.events import Event, event_adapter
from schemas.identity import Pseudonymiser

MAPPING = "source.toml"
"""The file that a mapped source consists of."""

_MOST_RECORDS = 200
"""So many records are looked at for fields that nobody reads: each is normalised once more for each field."""

FieldPath = tuple[str, ...]
"""Keys from the outermost in; ``[]`` is any item of a list."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What came of a sample."""

    records: int
    outcome: Outcome
    unread: Sequence[str] | None
    """Fields of the records that make no difference; None where the records are no JSON objects."""

    def as_json(self) -> str:
        """Return all of it as JSON."""
        said = {
            "records": self.records,
            "events": [event_adapter.dump_python(event, mode="json") for event in self.outcome.events],
            "rejections": self.outcome.rejected(),
            "unread": self.unread,
        }
        return json.dumps(said, ensure_ascii=False, indent=2) + "\n"


def dry_run(name: str, sample: Path, settings: Path | None, catalogue: Catalogue) -> DryRun:
    """Return what a source makes of a sample: a file, a folder with a record a file, or the folder of a case.

    ``settings`` is a TOML file; without it the source's own ``sample.toml`` gives what has no default.
    Pseudonyms are made with the key of the golden cases. Raises ConfigurationError.
    """
    source, folder = registry.load(name), registry.folder(name)
    if _is_case(sample):
        case = Case(source, sample)
        chosen, context, records = case.settings(), case.context(), case.records()
    else:
        chosen = _chosen_settings(source, folder, settings)
        context = Context(name, Pseudonymiser(KEY), catalogue, 1)
        records = list(_records(source, chosen, sample))
    if (folder / MAPPING).is_file():
        from producers.mapped.load import load_mapping
        from producers.mapped.unmapped import unmapped_fields

        mapped = load_mapping(folder / MAPPING)
        unread: Sequence[str] | None = unmapped_fields(mapped, [record.payload for record in records])
    else:
        unread = unread_fields(source, chosen, context, records[:_MOST_RECORDS])
    return DryRun(len(records), _outcome(source, chosen, context, records), unread)


def _chosen_settings(source: Source[Any], folder: Path, given: Path | None) -> SourceSettings:
    """Return the settings of a file, or of the source's sample; a mapping without one has its defaults."""
    sample = folder / "sample.toml"
    if given is None and not sample.is_file() and (folder / MAPPING).is_file():
        settings: SourceSettings = source.settings.model_validate({})
        return settings
    return read_settings(source, given or sample)


def read_settings(source: Source[Any], path: Path) -> SourceSettings:
    """Return a source's settings out of a TOML file. Raises ConfigurationError with the file and the key."""
    try:
        found: SourceSettings = source.settings.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise ConfigurationError(f"{path}: can't be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path}: {key}: {first['msg']}") from error
    return found


def unread_fields(
    source: Source[Any], settings: SourceSettings, context: Context, records: Iterable[Raw]
) -> Sequence[str] | None:
    """Return the fields of JSON records that make no difference to what comes of any of them.

    Each is taken out, and given another value, one at a time. None where no record is a JSON object.
    """
    seen: dict[FieldPath, bool] = {}
    found_json = False
    for record in records:
        content = json_object(record.payload)
        if content is None:
            continue
        found_json = True
        before = _outcome(source, settings, context, [record]).said()
        for path in dict.fromkeys(_paths(content, ())):
            if not seen.get(path, False):
                seen[path] = any(
                    _outcome(source, settings, context, [replace(record, payload=other)]).said() != before
                    for other in _without(record.payload, path)
                )
    return sorted(map(_shown, (path for path, read in seen.items() if not read))) if found_json else None


def event_rows(events: Iterable[Event]) -> Iterator[tuple[str, str, str, str]]:
    """Yield (time in UTC, kind, leg, what else it says) of events, for people."""
    for event in events:
        said = event.data.model_dump(mode="json", exclude_defaults=True, exclude={"channel", "position"})
        if said.get("party"):
            said["party"] = "known"
        details = ", ".join(f"{key}={_short(value)}" for key, value in said.items())
        kind = event.type.removeprefix("kommuncenter.")
        yield f"{event.time:%Y-%m-%d %H:%M:%S}", kind, event.subject, details


def summary(found: DryRun) -> str:
    """Return a line that says how much came of how much."""
    kinds = Counter(event.type.rpartition(".")[2] for event in found.outcome.events)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) or "none"
    return (
        f"{found.records} records; {len(found.outcome.events)} events ({told}); "
        f"{len(found.outcome.rejections)} rejected. Nothing was sent."
    )


def _is_case(path: Path) -> bool:
    return path.is_dir() and ((path / "input").is_dir() or any(path.glob("input.*")))


def _records(source: Source[Any], settings: SourceSettings, sample: Path) -> Iterable[Raw]:
    try:
        if sample.is_dir():
            return numbered(
                (path.name, path.read_bytes()) for path in sorted(sample.iterdir()) if path.is_file()
            )
        return cut(source, settings, sample.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{sample}: can't be read ({error.strerror})") from error


def _outcome(
    source: Source[Any], settings: SourceSettings, context: Context, records: Iterable[Raw]
) -> Outcome:
    results = list(normalise_all(source, settings, context, records))
    events = [r.event if isinstance(r, Broadcast) else r for r in results if not isinstance(r, Rejection)]
    return Outcome(events, [r for r in results if isinstance(r, Rejection)])


def _paths(value: object, path: FieldPath) -> Iterator[FieldPath]:
    """Yield the paths to what is no object or list itself; an empty one counts as a value."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _paths(item, (*path, str(key)))
    elif isinstance(value, list) and value:
        for item in value:
            yield from _paths(item, (*path, "[]"))
    elif path:
        yield path


def _without(payload: bytes, path: FieldPath) -> Iterator[bytes]:
    """Yield a record without a field, and with other values in it."""
    for value in (None, "x", 1):
        content = json.loads(payload)
        _change(content, path, value)
        yield json.dumps(content).encode()
    content = json.loads(payload)
    _change(content, path, ...)
    yield json.dumps(content).encode()


def _change(at: Any, path: FieldPath, value: object) -> None:
    """Set what the path leads to, wherever that is; take it out where the value is an ellipsis."""
    first, rest = path[0], path[1:]
    keys: list[Any] = list(range(len(at))) if first == "[]" else [first]
    for key in reversed(keys):
        if isinstance(at, dict) and key not in at:
            continue
        if rest:
            if isinstance(at[key], list if rest[0] == "[]" else dict):
                _change(at[key], rest, value)
        elif value is ...:
            del at[key]
        else:
            at[key] = value


def _shown(path: FieldPath) -> str:
    return ".".join(path).replace(".[]", "[]")


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"
