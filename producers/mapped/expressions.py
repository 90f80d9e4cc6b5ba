"""JMESPath expressions of a mapping: compiled once, total, and able to tell which fields they read.

JMESPath and not CEL: it is pure Python without dependencies, widely used and kept up, and a path that is not
there gives null instead of an error. CEL's Python versions bring a parser generator and a regular-expression
library with them, or are compiled, and their missing fields are errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

Path = tuple[str, ...]
"""Where a field stands in a record: names from the outside in; ``[]`` is any item, ``*`` any name."""

ITEM = "[]"
ANY = "*"


@dataclass(frozen=True, slots=True)
class Expression:
    """A JMESPath expression. In pydantic models it is written as its text."""

    text: str
    _parsed: ParsedResult = field(repr=False, compare=False)

    @classmethod
    def compile(cls, text: str) -> Expression:
        """Return the expression of ``text``. Raises ValueError that says what is wrong with it."""
        try:
            parsed = jmespath.compile(text)
        except JMESPathError as error:
            reason = str(error).splitlines()[0].rstrip(":")
            raise ValueError(f"{text!r} is no JMESPath expression ({reason})") from error
        if _negates_too_little(parsed.parsed):
            raise ValueError(f"{text!r}: in JMESPath !a.b is (!a).b; write !(a.b)")
        return cls(text, parsed)

    def evaluate(self, record: object) -> Any:
        """Return the value in ``record``; None where there is none, or where it can't be computed.

        JMESPath raises of a function or a comparison that is given another type than it takes, which says
        no more than that the field is not what was expected.
        """
        try:
            return self._parsed.search(record)
        except Exception:  # besides its own errors it lets through TypeError, RecursionError and others
            return None

    def holds(self, record: object) -> bool:
        """Tell whether the value is true in JMESPath's sense: not null, false, or empty."""
        value = self.evaluate(record)
        return value is not None and value is not False and value not in ("", [], {})

    def paths(self) -> frozenset[Path]:
        """Return the fields whose values bear on the result."""
        used: set[Path] = set()
        used |= _walk(self._parsed.parsed, {()}, used)
        return frozenset(used)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read from its text."""
        return core_schema.no_info_after_validator_function(cls.compile, core_schema.str_schema())


def _negates_too_little(node: Mapping[str, Any]) -> bool:
    """Tell whether a path goes on behind a negation, which is never what was meant: its value is null."""
    children = node["children"]
    if node["type"] in {"subexpression", "index_expression"} and children[0]["type"] == "not_expression":
        return True
    # A slice has numbers for children.
    return any(_negates_too_little(child) for child in children if isinstance(child, dict))


def leaves(value: object, at: Path = ()) -> Iterator[Path]:
    """Yield the path of every scalar and every empty container in a record."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from leaves(inner, (*at, str(name)))
    elif isinstance(value, list) and value:
        for inner in value:
            yield from leaves(inner, (*at, ITEM))
    else:
        yield at


def covers(path: Path, leaf: Path) -> bool:
    """Tell whether who reads ``path`` reads ``leaf``."""
    return len(path) <= len(leaf) and all(
        mine in {ANY, theirs} for mine, theirs in zip(path, leaf, strict=False)
    )


def shown(path: Path) -> str:
    """Return a path as people write it: ``detail.items[].id``."""
    return ".".join(path).replace(f".{ITEM}", ITEM)


def _walk(node: Mapping[str, Any], bases: set[Path], used: set[Path]) -> set[Path]:
    """Return where the value of a node may stand, starting from ``bases``; add what it looks at besides."""
    kind, children = node["type"], node["children"]
    if kind in {"field", "index", "slice"}:
        step = str(node["value"]) if kind == "field" else ITEM
        return {(*base, step) for base in bases}
    if kind in {"identity", "current", "subexpression", "pipe", "index_expression"}:
        for child in children:
            bases = _walk(child, bases, used)
        return bases
    if kind.endswith("projection"):
        return _walk_projection(kind, children, bases, used)
    found = {path for child in children for path in _walk(child, bases, used)}
    if kind in {"or_expression", "and_expression", "flatten"}:
        return found
    used |= found  # comparisons, functions, negations and constructed values give something of their own
    return set()


def _walk_projection(
    kind: str, children: Sequence[Mapping[str, Any]], bases: set[Path], used: set[Path]
) -> set[Path]:
    step = ANY if kind == "value_projection" else ITEM
    items = {(*base, step) for base in _walk(children[0], bases, used)}
    if kind == "filter_projection":
        used |= _walk(children[2], items, used)
    return _walk(children[1], items, used)
