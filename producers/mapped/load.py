"""Reads a ``source.toml``. What is wrong is told with the file, the line and the key."""

from __future__ import annotations

import tomllib
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from producers.mapped.kinds import KINDS, Kind, fits
from producers.mapped.locate import line_of
from producers.mapped.model import Common, EventRule, FieldSpec, Mapped, Tables, TypeSpec
from schemas.errors import ConfigurationError
from schemas.events import Audience, Channel

Problem = tuple[Sequence[str | int], str]
"""A key, and what is wrong with it."""

IGNORED = "ignored"
"""In a value table of event types: the record gives no event by this rule."""

_ENUMS: Mapping[str, TypeAdapter[object]] = {
    "audience": TypeAdapter(Audience),
    "channel": TypeAdapter(Channel),
}
_LISTED_ONLY = frozenset({"mailbox"})
"""Names that no catalogue lists, so that a value table has to."""


def load_mapping(path: Path) -> Mapped:
    """Return the mapping in ``path``. Raises ConfigurationError with the file, the line and the key."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: can't be read ({error}); check the file") from error
    return read_mapping(text, str(path), path.parent.name)


def read_mapping(text: str, shown: str, name: str | None = None) -> Mapped:
    """Return the mapping in ``text``; ``shown`` names it in errors. With ``name`` it has to be called so.

    Raises ConfigurationError with the file, the line and the key.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{shown}: not valid TOML: {error}") from error
    try:
        mapped = Mapped.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise _error(shown, text, first["loc"], first["msg"].removeprefix("Value error, ")) from error
    if name is not None and mapped.name != name:
        raise _error(shown, text, ("name",), f"is {mapped.name!r}, but the folder is called {name!r}")
    for key, reason in problems(mapped):
        raise _error(shown, text, key, reason)
    return mapped


def problems(mapped: Mapped) -> Iterator[Problem]:
    """Yield what is wrong with a mapping as a whole: names that stand nowhere, values that can't be."""
    yield from _common(mapped.record, ("record",), mapped.values)
    for index, rule in enumerate(mapped.event):
        at = ("event", index)
        yield from _common(rule, at, mapped.values)
        for part in ("leg", "time"):
            if getattr(rule, part) is None and getattr(mapped.record, part) is None:
                yield at, f"has no {part}, and [record] has none either"
        kinds = yield from _kinds(rule, at, mapped.values)
        yield from _data(rule, kinds, at, mapped.values)


def table_problems(mapped: Mapped, tables: Tables) -> Iterator[Problem]:
    """Yield what is wrong with value tables that an instance sets in place of the mapping's."""
    for name in tables:
        if name not in mapped.values:
            yield (name,), f"no such table; there are {_listed(mapped.values) or 'none'}"
            return
    together = {name: {**table, **tables.get(name, {})} for name, table in mapped.values.items()}
    for key, reason in problems(mapped.model_copy(update={"values": together})):
        yield key[1:], reason


def _common(given: Common, at: Sequence[str | int], tables: Tables) -> Iterator[Problem]:
    for name in ("leg", "audience", "channel"):
        spec = getattr(given, name)
        if spec is not None:
            yield from _table(spec, (*at, name), tables)
    for name, adapter in _ENUMS.items():
        spec = getattr(given, name)
        for key, value in _possible(spec, tables) if spec is not None else ():
            if not _valid(adapter, value):
                yield _place(spec, key, (*at, name)), f"{value!r} is no {name}"


def _kinds(
    rule: EventRule, at: Sequence[str | int], tables: Tables
) -> Generator[Problem, None, Sequence[Kind]]:
    """Yield problems with the rule's type, and return the kinds that it may be."""
    if isinstance(rule.type, TypeSpec):
        table = tables.get(rule.type.values)
        if table is None:
            yield (*at, "type", "values"), f"there is no [values.{rule.type.values}]"
            return ()
        named: list[tuple[Sequence[str | int], object]] = [
            (("values", rule.type.values, key), value) for key, value in table.items() if value != IGNORED
        ]
    else:
        named = [((*at, "type"), rule.type)]
    for place, value in named:
        if value not in KINDS:
            yield place, f"{value!r} is no kind of event; there are {_listed(KINDS)}"
    return [KINDS[str(value)] for _, value in named if value in KINDS]


def _data(
    rule: EventRule, kinds: Sequence[Kind], at: Sequence[str | int], tables: Tables
) -> Iterator[Problem]:
    for name, spec in rule.data.items():
        # An instance may add kinds to a table of types, so any kind's fields may stand beside one.
        possible = KINDS.values() if isinstance(rule.type, TypeSpec) else kinds
        able = [kind for kind in possible if name in kind.fields]
        if possible and not able:
            fields = {field for kind in possible for field in kind.fields}
            yield (*at, name), f"no field of {_listed(k.name for k in possible)}; there are {_listed(fields)}"
        yield from _table(spec, (*at, name), tables)
        if name in _LISTED_ONLY and spec.values is None and spec.expression.paths():
            yield (*at, name), "needs a value table, or to be a constant: it must hold no personal data"
        for key, value in _possible(spec, tables):
            if able and not any(fits(kind, name, value) for kind in able):
                yield _place(spec, key, (*at, name)), f"{value!r} can't be a {name}"
    for kind in kinds:
        for name in sorted(kind.required - set(rule.data)):
            yield at, f"{kind.name} needs {name}"


def _table(spec: FieldSpec, at: Sequence[str | int], tables: Tables) -> Iterator[Problem]:
    if spec.values is not None and spec.values not in tables:
        yield (*at, "values"), f"there is no [values.{spec.values}]"


def _possible(spec: FieldSpec, tables: Tables) -> Iterator[tuple[str | None, object]]:
    """Yield the values that a field is known to be able to have, each with its key in the table."""
    if spec.values is not None:
        yield from tables.get(spec.values, {}).items()
    elif not spec.expression.paths():
        yield None, spec.expression.evaluate({})


def _place(spec: FieldSpec, key: str | None, at: Sequence[str | int]) -> Sequence[str | int]:
    return at if key is None or spec.values is None else ("values", spec.values, key)


def _valid(adapter: TypeAdapter[object], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def _listed(names: object) -> str:
    return ", ".join(sorted(str(name) for name in names))  # type: ignore[attr-defined]


def _error(shown: str, text: str, key: Sequence[str | int], reason: str) -> ConfigurationError:
    written = ".".join(f"{part + 1}" if isinstance(part, int) else part for part in key)
    return ConfigurationError(f"{shown}:{line_of(text, key)}: {written or 'the mapping'}: {reason}")
