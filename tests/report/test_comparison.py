"""When two figures differ, with and without the mix of topics."""

from __future__ import annotations

import random
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.report.comparison import (
    Change,
    compare_counts,
    compare_means,
    compare_shares,
    standardised,
)
from schemas.statistics import wilson

counts = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts)
def test_shares_compare_as_their_difference_says(first: tuple[int, int], second: tuple[int, int]) -> None:
    one, two = wilson(*first), wilson(*second)
    assert one is not None
    assert two is not None
    change = compare_shares(one, two)
    assert compare_shares(one, one) is Change.UNCHANGED
    mirrored = {Change.HIGHER: Change.LOWER, Change.LOWER: Change.HIGHER}
    assert compare_shares(two, one) is mirrored.get(change, change)
    if change is Change.HIGHER:
        assert one.value > two.value
    if one.low > two.high:
        assert change is Change.HIGHER


def test_shares_differ_as_newcombe_has_it() -> None:
    # 56/70 against 48/80: 0.20 (0.0524 to 0.3339), Newcombe (1998), table II, example (a), method 10.
    assert compare_shares(wilson(56, 70), wilson(48, 80)) is Change.HIGHER
    # 9/10 against 3/10: 0.60 (0.1705 to 0.8090), example (b).
    assert compare_shares(wilson(9, 10), wilson(3, 10)) is Change.HIGHER
    # 5/56 against 0/29: 0.0893 (-0.0381 to 0.1926), example (d).
    assert compare_shares(wilson(5, 56), wilson(0, 29)) is Change.UNCHANGED
    assert compare_shares(None, wilson(1, 2)) is Change.UNKNOWN


def test_counts_differ_when_chance_does_not_explain_it() -> None:
    assert compare_counts(760, 740) is Change.UNCHANGED
    assert compare_counts(900, 740) is Change.HIGHER
    assert compare_counts(0, 12) is Change.LOWER
    assert compare_counts(0, 0) is Change.UNKNOWN


def test_means_differ_when_their_spread_does_not_explain_it() -> None:
    short, long = dict.fromkeys(range(20, 40), 10), dict.fromkeys(range(30, 50), 10)
    assert compare_means(40.5, 30.5, long, short) is Change.HIGHER
    assert compare_means(31.0, 30.5, short, short) is Change.UNCHANGED
    assert compare_means(30.0, 40.0, {30: 1}, {40: 1}) is Change.UNKNOWN


# ---- the mix held still ------------------------------------------------------------------------------


def test_one_topic_has_no_mix_and_gives_newcombes_interval() -> None:
    found = standardised({"a": ((56, 70), (48, 80))})
    assert found is not None
    assert (found.value, found.then, found.covered) == (0.8, 0.6, 1.0)
    assert found.difference.low == pytest.approx(0.0524, abs=1e-4)
    assert found.difference.high == pytest.approx(0.3339, abs=1e-4)


def test_more_of_a_hard_topic_is_no_worse_service() -> None:
    found = standardised({"easy": ((90, 100), (270, 300)), "hard": ((90, 300), (30, 100))})
    assert found is not None
    assert compare_shares(wilson(180, 400), wilson(300, 400)) is Change.LOWER
    assert found.value == pytest.approx(0.75)
    assert found.difference.change is Change.UNCHANGED


def test_a_topic_of_one_period_only_is_left_out() -> None:
    found = standardised({"a": ((5, 10), (6, 10)), "gone": ((0, 0), (3, 30)), "new": ((9, 9), (0, 0))})
    assert found is not None
    assert (found.value, found.then, found.covered, found.topics) == (0.5, 0.6, 0.25, ("a",))
    assert standardised({"new": ((9, 9), (0, 0))}) is None


strata = st.dictionaries(st.sampled_from("abcdef"), st.tuples(counts, counts), min_size=1)


@given(strata)
def test_by_ones_own_mix_the_share_is_the_crude_one(
    given_strata: dict[str, tuple[tuple[int, int], tuple[int, int]]],
) -> None:
    same_mix = {name: (then, then) for name, (_, then) in given_strata.items()}
    found = standardised(same_mix)
    assert found is not None
    crude = sum(then[0] for _, then in same_mix.values()) / sum(then[1] for _, then in same_mix.values())
    assert isclose(found.value, crude, abs_tol=1e-12)
    assert found.difference.change is Change.UNCHANGED
    assert found.low - 1e-12 <= found.value <= found.high + 1e-12


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    chance = random.Random(11)
    truth = {"a": (0.9, 60), "b": (0.5, 40), "c": (0.7, 25)}
    weights = {"a": 30, "b": 50, "c": 20}
    wanted = sum(weights[name] * truth[name][0] for name in truth) / 100
    covered = 0
    for _ in range(400):
        drawn = {
            name: ((sum(chance.random() < p for _ in range(n)), n), (weights[name] // 2, weights[name]))
            for name, (p, n) in truth.items()
        }
        found = standardised(drawn)
        assert found is not None
        covered += found.low <= wanted <= found.high
    assert covered / 400 >= 0.93
