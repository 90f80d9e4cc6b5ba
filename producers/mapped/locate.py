"""Which line of a TOML file a key stands on."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

Key = tuple[str | int, ...]
"""Names of tables and keys from the outside in; numbers count the tables of an array, and items, from 0."""


def line_of(text: str, key: Sequence[str | int]) -> int:
    """Return the line (from 1) on which ``key`` is set or, where it is missing, the table around it begins.

    ``text`` is valid TOML. The reading of TOML is left to tomllib, which tells no lines: the statement that
    sets a key is the one whose addition makes the key appear. Takes as many parsings as there are lines,
    which is only done to tell of an error.
    """
    lines = text.splitlines(keepends=True)
    wanted = _known(tomllib.loads(text), key)
    begins = 1
    for number in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue  # within a statement of several lines
        if _known(document, wanted) == wanted and wanted:
            return begins
        begins = number + 1
    return 1


def _known(document: object, key: Sequence[str | int]) -> Key:
    """Return as much of the key as the document has."""
    found: list[str | int] = []
    for part in key:
        if isinstance(document, dict) and part in document:
            document = document[str(part)]
        elif isinstance(document, list) and isinstance(part, int) and part < len(document):
            document = document[part]
        else:
            break
        found.append(part)
    return tuple(found)
