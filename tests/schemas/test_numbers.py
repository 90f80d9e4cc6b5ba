"""Time, ids, pseudonyms, histogram and interval: the small things that figures rest on."""

from __future__ import annotations

import statistics
from datetime import date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.errors import ConfigurationError
from schemas.identity import (
    Pseudonymiser,
    PseudonymKey,
    murmur2,
    normalise_address,
    normalise_number,
    partition_for,
    stable_hash,
)
from schemas.measures import quantile_seconds, wait_bin
from schemas.metric import Metric, Unit
from schemas.metrics import METRICS
from schemas.statistics import wilson
from schemas.timebase import WINDOW, day_start, iso_week, iso_week_days, local_day, window_start
from tests.histories import instants

INSTANTS = instants(2000, 2040)


@given(INSTANTS)
def test_a_window_holds_its_instant_and_lies_in_one_local_day(instant: datetime) -> None:
    start = window_start(instant)
    assert start <= instant < start + WINDOW
    assert local_day(start) == local_day(instant)


@given(st.dates(date(2000, 1, 1), date(2040, 1, 1)))
def test_a_day_begins_at_its_first_instant(day: date) -> None:
    start = day_start(day)
    assert local_day(start) == day
    assert local_day(start - timedelta(microseconds=1)) == day - timedelta(days=1)
    hours = (day_start(day + timedelta(days=1)) - start) / timedelta(hours=1)
    assert hours in {23.0, 24.0, 25.0}


@given(st.dates(date(2000, 1, 1), date(2040, 1, 1)))
def test_iso_weeks_go_there_and_back(day: date) -> None:
    monday, end = iso_week_days(iso_week(day))
    assert monday <= day < end
    assert monday.weekday() == 0


@pytest.mark.parametrize("week", ["2026-W54", "2026-47", "W47", "", "2026-Wxx", "9999-W52", "2025-W53"])
def test_what_is_no_week_is_refused(week: str) -> None:
    with pytest.raises(ConfigurationError, match="no such ISO week"):
        iso_week_days(week)


def test_the_week_of_new_year_belongs_to_the_year_of_its_thursday() -> None:
    assert iso_week(date(2027, 1, 3)) == "2026-W53"
    assert iso_week_days("2026-W53")[0] == date(2026, 12, 28)


@pytest.mark.parametrize(
    ("raw", "normalised"),
    [
        ("070-174 06 05", "+46701740605"),
        ("+46 70 174 06 05", "+46701740605"),
        ("0046701740605", "+46701740605"),
        ("(08) 465 004 00", "+46846500400"),
        ("anonymous", None),
        ("", None),
        ("2001", None),
        ("+" + "1" * 16, None),
    ],
)
def test_numbers_become_e164_or_nothing(raw: str, normalised: str | None) -> None:
    assert normalise_number(raw) == normalised


def test_addresses_are_one_whatever_their_case_and_composition() -> None:
    assert normalise_address(" <Åsa@Post.Example> ") == normalise_address("åsa@post.example")
    assert normalise_address("no address") is None


def test_a_pseudonym_tells_its_key_and_not_its_number() -> None:
    old, new = PseudonymKey("k1", b"sixteen bytes at least"), PseudonymKey("k2", b"another sixteen bytes")
    party = Pseudonymiser(new, old).number("070-1740605")
    assert party is not None
    assert party.current.startswith("k2:")
    assert party.previous is not None
    assert party.previous == old.pseudonym("+46701740605")
    assert "1740605" not in party.model_dump_json()
    assert "sixteen" not in repr(new)
    with pytest.raises(ConfigurationError, match="give at least 16"):
        PseudonymKey("k1", b"short")
    with pytest.raises(ConfigurationError, match="key id"):
        PseudonymKey("K 1", b"sixteen bytes at least")


def test_murmur2_is_kafkas() -> None:
    """Golden vectors of the Java client (UtilsTest.testMurmur2); Java prints them signed."""
    golden = {
        b"21": -973932308,
        b"foobar": -790332482,
        b"a-little-bit-long-string": -985981536,
        b"a-little-bit-longer-string": -1486304829,
        b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
        b"abc": 479470107,
    }
    assert {key: murmur2(key) - (1 << 32) * (murmur2(key) >> 31) for key in golden} == golden
    assert 0 <= partition_for("k1:abc", 7) < 7


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_the_hash_depends_on_the_borders(one: list[str], other: list[str]) -> None:
    assume(all("\x1f" not in part for part in one + other))
    assert (stable_hash(*one) == stable_hash(*other)) == ("\x1f".join(one) == "\x1f".join(other))


@given(st.lists(st.integers(0, 7_200_000), min_size=1, max_size=60), st.sampled_from([0.5, 0.9]))
def test_quantiles_of_the_histogram_are_within_a_second_or_two_percent(
    waits: list[int], share: float
) -> None:
    """CORRECTIONS 32; against the exact order statistic."""
    histogram: dict[int, int] = {}
    for wait in waits:
        histogram[wait_bin(wait)] = histogram.get(wait_bin(wait), 0) + 1
    exact = sorted(waits)[max(0, -(-int(share * 1000) * len(waits) // 1000) - 1)] / 1000
    found = quantile_seconds(histogram, share)
    assert found is not None
    assert int(exact) <= found <= max(exact + 1, exact * 1.021 + 1)  # bins hold whole seconds


def test_no_calls_have_no_quantile() -> None:
    assert quantile_seconds({}, 0.5) is None


@given(st.integers(0, 7_200_000), st.integers(0, 7_200_000))
def test_bins_are_in_the_order_of_waits(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert wait_bin(low) <= wait_bin(high)


@pytest.mark.parametrize(("hits", "n", "low", "high"), [(7, 10, 40, 89), (510, 750, 65, 71)])
def test_wilson_gives_domains_examples(hits: int, n: int, low: int, high: int) -> None:
    """DOMAIN §2.5."""
    share = wilson(hits, n)
    assert share is not None
    assert (round(share.low * 100), round(share.high * 100)) == (low, high)


@given(st.integers(1, 100_000), st.data())
def test_wilson_holds_the_share_and_stays_within_bounds(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    share = wilson(hits, n)
    assert share is not None
    assert 0 <= share.low <= share.value + 1e-12
    assert share.value - 1e-12 <= share.high <= 1
    assert share.small == (n < 20)


def test_an_empty_denominator_gives_nothing() -> None:
    assert wilson(0, 0) is None
    for metric in METRICS:
        if metric.denominator:
            assert metric.value({}) is None
            assert metric.share({}) is None
        else:
            assert metric.value({}) == 0


def test_the_service_level_of_corrections_21() -> None:
    from schemas.service_level import SERVICE_LEVEL

    sums = {"answered_in_target": 80, "calls_answered": 80, "calls_abandoned": 15, "short_abandoned": 5}
    value = SERVICE_LEVEL.value(sums)
    assert value is not None
    assert round(value * 100, 1) == 84.2


def test_a_metric_of_an_unknown_measure_can_t_be_made() -> None:
    with pytest.raises(ValueError, match="no such measure: nonsense"):
        Metric("x", "x", "x", Unit.COUNT, ("nonsense",))


def test_metrics_have_names_and_labels_of_their_own() -> None:
    for attribute in ("name", "label_sv"):
        values = [getattr(metric, attribute) for metric in METRICS]
        assert len(set(values)) == len(values)
    assert statistics.mean(len(metric.description_sv) for metric in METRICS) > 20
