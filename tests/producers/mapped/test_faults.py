"""A fault in a shipped mapping is noticed by one of its golden cases: what the kit does for Python, for TOML.

Each fault leaves one thing out: a rule, a condition, a field, a line of a table. It is noticed when the
mapping can't be loaded any more, or a case gives something else.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from producers import registry
from producers.conformance import Case, cases_in
from producers.mapped.load import problems
from producers.mapped.model import Mapped
from producers.mapped.source import source_of

MAPPED = [name for name in registry.names() if registry.mapping(name) is not None]
WORDS_ONLY = frozenset({"name", "description"})

Key = tuple[str | int, ...]


def parts(value: object, at: Key = ()) -> Iterator[Key]:
    """Yield the key of everything that a mapping says and that can be left out."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if at or name not in WORDS_ONLY:
                yield (*at, name)
                yield from parts(inner, (*at, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield (*at, number)
            yield from parts(inner, (*at, number))


def without(document: dict[str, Any], key: Key) -> dict[str, Any]:
    """Return a document that does not say one thing."""
    changed = copy.deepcopy(document)
    place: Any = changed
    for part in key[:-1]:
        place = place[part]
    del place[key[-1]]
    return changed


def noticed(document: dict[str, Any], cases: tuple[Case, ...]) -> bool:
    """Tell whether a changed mapping is refused, or a golden case shows the change."""
    try:
        mapped = Mapped.model_validate(document)
    except ValidationError:
        return True
    if any(True for _ in problems(mapped)):
        return True
    source = source_of(mapped)
    for case in cases:
        changed = Case(source, case.folder)
        try:
            outcome = changed.run(case.records())
        except Exception:  # the case's own tables no longer fit the mapping
            return True
        if list(outcome.events) != case.expected_events():
            return True
        if outcome.rejected() != [dict(row) for row in case.expected_rejections()]:
            return True
    return False


def is_line(key: Key) -> bool:
    """Tell whether a key is a line of a value table: codes, of which a case shows some."""
    return len(key) == len(("values", "table", "line")) and key[0] == "values"


@pytest.mark.parametrize("name", MAPPED)
def test_what_is_left_out_of_a_mapping_is_noticed(name: str) -> None:
    path = registry.mapping(name)
    assert path is not None
    document = tomllib.loads(path.read_text("utf-8"))
    cases = cases_in(registry.load(name), registry.folder(name))
    assert not noticed(document, cases)
    unnoticed = {key for key in parts(document) if not noticed(without(document, key), cases)}
    assert {key for key in unnoticed if not is_line(key)} == set()
    for table, lines in document.get("values", {}).items():
        assert not lines or not {("values", table, line) for line in lines} <= unnoticed
