"""Writing YAML that people can read: the few shapes that provisioning files need, and no library for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

Value = str | float | bool | Mapping[str, "Value"] | Sequence["Value"]


def to_yaml(value: Mapping[str, Value]) -> str:
    """Return a mapping as a YAML document; texts of several lines as blocks, all others quoted."""
    return "\n".join(_mapping(value, 0)) + "\n"


def _mapping(value: Mapping[str, Value], depth: int) -> Iterator[str]:
    for key, item in value.items():
        yield from _entry(f"{'  ' * depth}{key}:", item, depth + 1)


def _sequence(value: Sequence[Value], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for item in value:
        if isinstance(item, Mapping):
            lines = list(_mapping(item, depth + 1))
            yield f"{pad}- {lines[0].lstrip()}"
            yield from lines[1:]
        elif isinstance(item, Sequence) and not isinstance(item, str):
            yield f"{pad}- [{', '.join(map(_scalar, item))}]"
        else:
            yield f"{pad}- {_scalar(item)}"


def _entry(start: str, item: Value, depth: int) -> Iterator[str]:
    if isinstance(item, Mapping):
        yield start
        yield from _mapping(item, depth)
    elif isinstance(item, str) and "\n" in item:
        yield f"{start} |-"
        yield from (f"{'  ' * depth}{line}".rstrip() for line in item.split("\n"))
    elif isinstance(item, Sequence) and not isinstance(item, str):
        yield start
        yield from _sequence(item, depth)
    else:
        yield f"{start} {_scalar(item)}"


def _scalar(value: Value) -> str:
    """A scalar of JSON is one of YAML as well."""
    return json.dumps(value, ensure_ascii=False)
