"""Mutants of a mapped source: its ``source.toml`` with one thing left out, turned round or exchanged."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from producers.conformance.code_mutants import Load
from producers.contract import Source
from producers.mapped.load import problems
from producers.mapped.model import Mapped
from producers.mapped.source import source_of

Key = tuple[str | int, ...]

_WORDS_ONLY = frozenset({"name", "description"})
_OTHERS: dict[str, Sequence[str]] = {"unlisted": ("reject", "none", "skip"), "unit": ("ms", "s", "min")}


def mapping_mutants(text: str) -> Iterator[tuple[str, Load]]:
    """Yield the name of each fault, and the source with it.

    A fault with which the mapping is refused, or means the same as before, is none.
    """
    document = tomllib.loads(text)
    right = Mapped.model_validate(document)
    for key, value in _parts(document):
        for said, change in _changes(key, value):
            changed = copy.deepcopy(document)
            change(_at(changed, key[:-1]), key[-1])
            mapped = _valid(changed)
            if mapped is not None and mapped != right:
                yield f"{_shown(document, key)}: {said}", _loader(mapped)


def _parts(value: object, at: Key = ()) -> Iterator[tuple[Key, object]]:
    """Yield the key of everything that a mapping says, and what it says.

    Value tables as a whole: they are lists of an installation's own codes, of which cases show some.
    """
    pairs: Sequence[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        pairs = [(key, inner) for key, inner in value.items() if at or key not in _WORDS_ONLY]
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    for key, inner in pairs:
        yield (*at, key), inner
        if at != ("values",):
            yield from _parts(inner, (*at, key))


_Change = Callable[[Any, Any], None]


def _changes(key: Key, value: object) -> Iterator[tuple[str, _Change]]:
    yield "left out", lambda place, own: place.pop(own)
    if key[-1] == "when":
        yield "turned round", _put(f"!({value})")
    if isinstance(value, bool):
        yield f"{value} -> {not value}", _put(not value)
    if key[0] == "values" and isinstance(value, dict):
        yield "emptied", _put({})
        results = list(value.values())
        yield "results exchanged", _put(dict(zip(value, results[1:] + results[:1], strict=True)))
    for other in _OTHERS.get(str(key[-1]), ()) if key[0] != "values" else ():
        if other != value:
            yield f"{value} -> {other}", _put(other)


def _put(value: object) -> _Change:
    def put(place: Any, own: Any) -> None:
        place[own] = value

    return put


def _at(document: Any, key: Key) -> Any:
    place = document
    for part in key:
        place = place[part]
    return place


def _valid(document: Any) -> Mapped | None:
    try:
        mapped = Mapped.model_validate(document)
    except ValidationError:
        return None
    return None if any(True for _ in problems(mapped)) else mapped


def _loader(mapped: Mapped) -> Load:
    def load() -> Source[Any]:
        return source_of(mapped)

    return load


def _shown(document: Any, key: Key) -> str:
    """Return a key as people read it: rules are numbered from 1, and called by what they give."""
    parts = [f"{part + 1}" if isinstance(part, int) else part for part in key]
    if key[0] == "event" and len(key) > 1:
        kind = document["event"][key[1]]["type"]
        parts[1] += f" ({kind if isinstance(kind, str) else 'by a table'})"
    return ".".join(parts)
