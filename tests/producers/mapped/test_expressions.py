"""Expressions: total, and exact about which fields they read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.mapped.expressions import Expression, covers, leaves, shown
from tests.producers.mapped.mappings import JSON

EXPRESSIONS = [
    "a",
    "a.b[0].c",
    "join('-', [a, b.c])",
    "a[?b > `1`].c | [0]",
    "sort_by(a, &b)[-1]",
    "!(a.b) && contains(c, 'x')",
    "*.a",
    "max_by(a, &b).c || to_number(d)",
    "a[].b[1:2]",
    "{x: a, y: [b, @]}",
    "(detail || @).case.id",
]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("a.b", {"a.b"}),
        ("a || b.c", {"a", "b.c"}),
        ("a && b", {"a", "b"}),
        ("!(a.b)", {"a.b"}),
        ("(detail || @).x", {"detail.x", "x"}),
        ("items[0].id", {"items[].id"}),
        ("items[?kind == 'a'].id", {"items[].kind", "items[].id"}),
        ("a[].b", {"a[].b"}),
        ("*.id", {"*.id"}),
        ("join('-', [a, b.c])", {"a", "b.c"}),
        ("sort_by(a, &b)[0].c", {"a", "b"}),
        ("a.b | [0]", {"a.b[]"}),
        ("{x: a.b}.x", {"a.b"}),
        ("'constant'", set()),
        ("`5`", set()),
        ("@", {""}),
    ],
)
def test_the_fields_that_are_read_are_known(text: str, paths: set[str]) -> None:
    assert {shown(path) for path in Expression.compile(text).paths()} == paths


def test_leaves_and_what_covers_them() -> None:
    record = {"a": {"b": 1, "c": []}, "d": [{"e": None}, {"f": "x"}], "g": {}}
    found = list(leaves(record))
    assert [shown(leaf) for leaf in found] == ["a.b", "a.c", "d[].e", "d[].f", "g"]
    assert [shown(leaf) for leaf in found if covers(("a",), leaf)] == ["a.b", "a.c"]
    assert [shown(leaf) for leaf in found if covers(("*", "b"), leaf)] == ["a.b"]
    assert [shown(leaf) for leaf in found if covers(("d", "[]", "e", "x"), leaf)] == []
    assert list(leaves([])) == [()]


@given(st.sampled_from(EXPRESSIONS), JSON)
def test_nothing_is_raised_whatever_is_evaluated(text: str, record: object) -> None:
    expression = Expression.compile(text)
    expression.evaluate(record)
    assert expression.holds(record) in {True, False}


@given(st.sampled_from(EXPRESSIONS), JSON)
def test_what_is_not_read_has_no_effect(text: str, record: object) -> None:
    """The paths are complete: without every other leaf of a plain record the value is the same."""
    expression = Expression.compile(text)
    if not isinstance(record, dict) or () in expression.paths():
        return
    first = {path[0] for path in expression.paths()}
    if "*" in first:
        return
    kept = {name: value for name, value in record.items() if name in first}
    assert repr(expression.evaluate(kept)) == repr(expression.evaluate(record))


@pytest.mark.parametrize("value", [None, False, "", [], {}])
def test_what_is_empty_does_not_hold(value: object) -> None:
    assert not Expression.compile("a").holds({"a": value})


@pytest.mark.parametrize("value", [0, True, "x", [0]])
def test_zero_holds_as_jmespath_has_it(value: object) -> None:
    assert Expression.compile("a").holds({"a": value})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.", "no JMESPath expression"),
        ("nofunction(", "no JMESPath expression"),
        ("!a.b", r"write !\(a.b\)"),
        ("x && f[?!a.b]", r"write !\(a.b\)"),
    ],
)
def test_a_wrong_expression_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Expression.compile(text)
