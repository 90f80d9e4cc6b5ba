"""Every worked case gives its figures, in whatever order and however often its events come."""

from __future__ import annotations

import random
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kommuncenter.worked.cases import Case, Expected, load_themes
from kommuncenter.worked.figures import Rows, read_scope, rows_of, written
from schemas.catalogue import load_catalogue
from schemas.events import Event
from schemas.measures import IDENTITY_RIGHT
from streams.core.rules import Rules
from tests.streams.verify.test_naive import expect_agreement

RULES = Rules(load_catalogue())
HERE = Path(__file__).parent
ROOT = HERE.parent.parent
THEMES = load_themes(HERE / "cases")
CASES = [case for theme in THEMES for case in theme.case]
every_case = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])


def found(rows: Rows, whole: Expected, parts: Mapping[str, Expected]) -> dict[str, Expected]:
    """Return the figures that a case names, as the rows give them, by scope."""
    return {
        scope: {name: written(rows, read_scope(scope), name, like) for name, like in wanted.items()}
        for scope, wanted in {"": whole, **parts}.items()
    }


@every_case
def test_the_figures_follow_from_the_story(case: Case) -> None:
    first, last = case.story(), case.sequel()
    rows = rows_of([first], RULES)
    assert found(rows, case.before, case.before_within) == {"": case.before, **case.before_within}
    rows = rows_of([first, last], RULES)
    assert found(rows, case.figures, case.within) == {"": case.figures, **case.within}


@every_case
def test_neither_order_nor_repetition_changes_them(case: Case) -> None:
    events = [*case.story(), *case.sequel()]
    expected = rows_of([events], RULES)
    shuffled = random.Random(case.id).sample(events + events, k=2 * len(events))
    cuts: Sequence[Sequence[Event]] = [shuffled[at : at + 7] for at in range(0, len(shuffled), 7)]
    assert rows_of([events[::-1]], RULES) == expected
    assert rows_of(cuts, RULES) == expected


@every_case
def test_every_row_keeps_the_identity(case: Case) -> None:
    """CORRECTIONS 22."""
    for amounts in rows_of([[*case.story(), *case.sequel()]], RULES).values():
        offered = amounts.measures.get("offered", 0)
        assert offered == sum(amounts.measures.get(name, 0) for name in IDENTITY_RIGHT)


LIMITS = ("target", "short_abandon", "dropped_talk", "dropped_gap", "redial_gap", "reopen_within")
MOVED = [*((limit, second) for limit in LIMITS for second in (-1, 1)), ("repeat_within", -1)]
"""A repeat that is looked for a second longer changes nothing: each W is held against it again."""


@pytest.mark.parametrize(("limit", "second"), MOVED)
def test_a_limit_that_is_a_second_off_is_noticed(limit: str, second: int) -> None:
    moved = getattr(RULES, limit) + timedelta(seconds=second)
    rules = replace(RULES, **{limit: moved})
    assert any(
        found(rows_of([case.story(), case.sequel()], rules), case.figures, case.within)
        != {"": case.figures, **case.within}
        for case in CASES
    )


@every_case
def test_the_naive_fold_agrees(case: Case) -> None:
    """CORRECTIONS 39."""
    expect_agreement([*case.story(), *case.sequel()])


def test_cases_have_names_of_their_own_and_say_something() -> None:
    assert len(CASES) >= 45
    assert max(Counter(case.id for case in CASES).values()) == 1
    assert max(Counter(case.title for case in CASES).values()) == 1
    for case in CASES:
        assert case.figures or case.within, case.id
        assert bool(case.later) >= bool(case.before or case.before_within), case.id


def test_the_cases_cover_every_sentence_of_the_definitions() -> None:
    listed = tomllib.loads((HERE / "sentences.toml").read_text(encoding="utf-8"))
    covered = {name for case in CASES for name in case.covers}
    assert covered == listed["sentence"].keys()
    assert not covered & listed["elsewhere"].keys()


def test_what_is_covered_elsewhere_is_there() -> None:
    listed = tomllib.loads((HERE / "sentences.toml").read_text(encoding="utf-8"))
    for place in listed["elsewhere"].values():
        path, _, test = place.partition("::")
        assert (ROOT / path).exists(), place
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), place
