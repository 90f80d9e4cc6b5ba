"""The surge detector: what is improbable is told, what is usual is not, and more of it never less."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.statistics import negative_binomial_tail
from streams.core.surge import QUARTERS, Surge, Usual, surges, usual_of

QUIET = Usual((1.0,) * QUARTERS, 1.3)
EIGHT_AND_A_HALF = 34


def plain_tail(count: int, mean: float, excess: float) -> float:
    """P(X >= count) as 1 less the sum of the probabilities below, each from its definition."""
    size, success = mean / (excess - 1), 1 / excess
    below = (
        math.prod((size + i) / (i + 1) for i in range(k)) * success**size * (1 - success) ** k
        for k in range(count)
    )
    return 1 - math.fsum(below)


@given(st.integers(0, 30), st.floats(0.05, 20), st.floats(1.05, 6))
def test_the_tail_is_that_of_the_definition(count: int, mean: float, excess: float) -> None:
    assert negative_binomial_tail(count, mean, excess) == pytest.approx(
        plain_tail(count, mean, excess), abs=1e-9
    )


@given(st.floats(0.05, 20), st.floats(1.05, 6))
def test_mean_and_variance_are_what_was_asked_for(mean: float, excess: float) -> None:
    tails = [negative_binomial_tail(k, mean, excess) for k in range(1, 600)]
    assert sum(tails) == pytest.approx(mean, rel=1e-6)
    second = sum((2 * k - 1) * tail for k, tail in enumerate(tails, start=1))
    assert second - sum(tails) ** 2 == pytest.approx(mean * excess, rel=1e-6)


def test_two_quarters_in_a_row_are_an_alarm_and_one_is_none() -> None:
    assert surges({34: 6}, QUARTERS, QUIET) == []
    assert surges({34: 6, 36: 6}, 37, QUIET) == []
    assert surges({34: 6, 35: 6}, 36, QUIET) == [Surge(34, 35, 35, 12, 2.0)]


def test_one_quarter_far_out_is_an_alarm_at_once() -> None:
    (surge,) = surges({34: 12}, 35, QUIET)
    assert (surge.first, surge.noticed, surge.over) == (34, 34, False)
    assert surge.times == 12


def test_an_hour_of_a_rare_topic_is_an_alarm() -> None:
    """An errand in two hours: four within an hour are none, but six are, none of whose quarters is out."""
    rare = Usual((0.125,) * QUARTERS, 1.1)
    assert surges({34: 2, 36: 2}, 38, rare) == []
    (surge,) = surges({34: 2, 35: 2, 36: 2, 37: 1}, 38, rare)
    assert (surge.first, surge.noticed) == (34, 36)


def test_it_has_ended_after_a_quiet_hour_and_may_come_again() -> None:
    day = {34: 12, 35: 9, 60: 12}
    assert [s.over for s in surges(day, 39, QUIET)] == [False]
    assert [(s.first, s.last, s.over) for s in surges(day, 40, QUIET)] == [(34, 35, True)]
    again = surges(day, QUARTERS, QUIET)
    assert [(s.first, s.last, s.count, s.over) for s in again] == [(34, 35, 21, True), (60, 60, 12, True)]


def test_what_runs_at_midnight_is_over() -> None:
    (surge,) = surges({95: 12}, QUARTERS, QUIET)
    assert surge.over


def test_too_few_days_tell_nothing() -> None:
    assert usual_of([{34: 1}, {34: 2}]) is None
    assert usual_of([{34: 1}, {34: 2}, {}]) is not None


def test_uneven_days_make_it_patient() -> None:
    """The same mean, but from days that differ much: what would be out after even days is not."""
    even = usual_of([dict.fromkeys(range(QUARTERS), 3)] * 8)
    uneven = usual_of([dict.fromkeys(range(QUARTERS), n) for n in (0, 0, 6, 6, 1, 5, 3, 3)])
    assert even is not None
    assert uneven is not None
    assert even.means == uneven.means
    assert surges({40: 9, 41: 9}, 42, even)
    assert not surges({40: 9, 41: 9}, 42, uneven)


counts = st.dictionaries(st.integers(32, 32 + EIGHT_AND_A_HALF), st.integers(0, 12), max_size=12)


@given(counts, st.integers(32, 66), st.integers(1, 10))
@settings(max_examples=200)
def test_more_contacts_are_never_less_of_an_alarm(day: Mapping[int, int], quarter: int, more: int) -> None:
    """Whatever was noticed by a quarter is noticed by then if more came."""
    busier = {**day, quarter: day.get(quarter, 0) + more}
    for until in range(32, 70):
        if surges(day, until, QUIET):
            assert surges(busier, until, QUIET)


@given(counts)
def test_what_was_noticed_does_not_depend_on_what_comes_later(day: Mapping[int, int]) -> None:
    for until in range(32, 70):
        now, later = surges(day, until, QUIET), surges(day, QUARTERS, QUIET)
        assert [(s.first, s.noticed) for s in now] == [
            (s.first, s.noticed) for s in later if s.noticed < until
        ]
