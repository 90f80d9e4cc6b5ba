"""The simulator as a whole: deterministic, lazy, in order of time, and no day depends on what comes after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.simulator import Record, RecordKind, SimulationSettings, simulate
from producers.simulator.population import Population
from producers.simulator.randomness import poisson, spread, stream
from producers.simulator.settings import Crisis, Scenarios, TopicProfile
from schemas.catalogue import Catalogue, load_catalogue
from schemas.errors import ConfigurationError
from schemas.identity import Pseudonymiser, PseudonymKey, normalise_address, normalise_number
from schemas.timebase import STOCKHOLM, day_start, local_day
from tests.producers.simulated import Oracle

CATALOGUE = load_catalogue()
PSEUDONYMISER = Pseudonymiser(PseudonymKey("t1", b"a secret of the tests"))

seeds = st.integers(0, 2**32)
first_days = st.dates(date(2024, 1, 2), date(2031, 12, 1))


def run(first_day: date, configured: SimulationSettings) -> Iterator[Record]:
    return simulate(configured, CATALOGUE, PSEUDONYMISER, first_day)


@settings(max_examples=10, deadline=None)
@given(seeds, first_days)
def test_same_seed_same_records(seed: int, first_day: date) -> None:
    configured = SimulationSettings(seed=seed, days=3)
    assert list(run(first_day, configured)) == list(run(first_day, configured))


@settings(max_examples=10, deadline=None)
@given(seeds, first_days, st.integers(1, 4), st.integers(1, 4))
def test_fewer_days_are_a_prefix(seed: int, first_day: date, days: int, more: int) -> None:
    short = list(run(first_day, SimulationSettings(seed=seed, days=days)))
    long = list(run(first_day, SimulationSettings(seed=seed, days=days + more)))
    assert long[: len(short)] == short
    end = day_start(first_day + timedelta(days=days))
    assert all(record.at >= end for record in long[len(short) :])


@settings(max_examples=10, deadline=None)
@given(seeds, first_days)
def test_in_order_of_time_and_within_the_days(seed: int, first_day: date) -> None:
    records = list(run(first_day, SimulationSettings(seed=seed, days=4)))
    assert all(before.at <= after.at for before, after in pairwise(records))
    assert all(record.at.tzinfo is UTC for record in records)
    assert {local_day(record.at) for record in records} <= {first_day + timedelta(days=n) for n in range(4)}


def test_another_seed_gives_other_records() -> None:
    first, second = (list(run(date(2026, 2, 2), SimulationSettings(seed=seed, days=1))) for seed in (1, 2))
    assert first != second


def test_goes_on_without_end_and_makes_no_more_than_is_taken() -> None:
    records = run(date(2026, 2, 2), SimulationSettings(seed=1))
    taken = list(islice(records, 20_000))
    assert local_day(taken[-1].at) > date(2026, 3, 2)


def test_nothing_before_the_first_day() -> None:
    records = list(run(date(2026, 2, 3), SimulationSettings(seed=3, days=2)))
    assert min(record.at for record in records) >= day_start(date(2026, 2, 3))


def test_mail_names_are_unique_and_begin_with_the_delivery_time() -> None:
    records = list(run(date(2026, 2, 2), SimulationSettings(seed=5, days=30)))
    mails = [record for record in records if record.kind in (RecordKind.INBOX, RecordKind.SENT)]
    assert len({record.name for record in mails}) == len(mails)
    for record in mails:
        epoch, unique, end = record.name.split(".")
        assert datetime.fromtimestamp(int(epoch), UTC) == record.at
        assert unique.isalnum()
        assert end == "sim"


def test_a_closed_day_has_mail_only() -> None:
    holiday = list(run(date(2026, 1, 1), SimulationSettings(seed=1, days=1)))
    assert holiday
    assert {record.kind for record in holiday} == {RecordKind.INBOX}


@pytest.mark.parametrize(("day", "utc_hour"), [(date(2026, 3, 27), 7), (date(2026, 3, 30), 6)])
def test_opening_hours_follow_local_time_over_the_change_of_clocks(day: date, utc_hour: int) -> None:
    oracle = Oracle().read(run(day, SimulationSettings(seed=4, days=1)))
    entered = [call.entered for call in oracle.calls.values() if call.entered]
    assert min(entered).hour == utc_hour
    assert max(entered).astimezone(STOCKHOLM).hour < 16


def test_the_days_around_the_change_of_clocks_have_23_and_25_hours() -> None:
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        records = list(run(day - timedelta(days=2), SimulationSettings(seed=4, days=5)))
        assert day_start(day + timedelta(days=1)) - day_start(day) == timedelta(hours=hours)
        assert any(local_day(record.at) == day for record in records)


def test_customers_differ_and_can_be_nobody() -> None:
    population = Population(9000, 0.12, CATALOGUE.internal)
    customers = [population.customer(index) for index in range(9000)]
    assert len({customer.number for customer in customers}) == 9000
    assert len({customer.address for customer in customers}) == 9000
    for customer in customers:
        assert normalise_number(customer.number) == customer.number
        assert normalise_address(customer.address) == customer.address
        assert len(customer.number) - 1 > 11
        assert not CATALOGUE.internal.address(customer.address)
    assert sum(customer.hidden for customer in customers) / 9000 == pytest.approx(0.12, abs=0.005)


@settings(max_examples=50)
@given(seeds, st.integers(0, 8999))
def test_every_way_of_showing_a_number_is_the_same_number(seed: int, index: int) -> None:
    population = Population(9000, 0.0, CATALOGUE.internal)
    customer = population.customer(index)
    shown = customer.caller_id(stream(seed, "shown", date(2026, 1, 1)))
    assert normalise_number(shown) == customer.number
    assert not CATALOGUE.internal.number(shown)


@settings(max_examples=50)
@given(seeds, st.integers(0, 200), st.floats(0, 1))
def test_spread_numbers_are_in_range(seed: int, number: int, evenness: float) -> None:
    points = spread(stream(seed, "spread", date(2026, 1, 1)), number, evenness)
    assert len(points) == number
    assert all(0 <= point < 1 for point in points)


def test_evenly_spread_numbers_fall_into_every_part() -> None:
    points = spread(stream(1, "spread", date(2026, 1, 1)), 100, 1.0)
    assert Counter(int(point * 100) for point in points) == Counter(range(100))


def test_poisson_counts_have_the_mean_and_the_variance() -> None:
    rng = stream(1, "poisson", date(2026, 1, 1))
    counts = [poisson(rng, 12.5) for _ in range(20_000)]
    mean = sum(counts) / len(counts)
    assert mean == pytest.approx(12.5, rel=0.01)
    assert sum((one - mean) ** 2 for one in counts) / len(counts) == pytest.approx(12.5, rel=0.04)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match=r"channel shares add up to 1\.040"):
        SimulationSettings(telephone_share=0.85)
    with pytest.raises(ValueError, match="topic shares"):
        SimulationSettings(topics={"koppling": TopicProfile(share=0.9, solved=0.3, units=("kansli",))})
    with pytest.raises(ValueError, match="minimum_agents"):
        SimulationSettings(minimum_agents=4, maximum_agents=3)
    with pytest.raises(ValueError, match="must rise"):
        SimulationSettings(email_within_2h_share=0.9)


def test_a_catalogue_that_lacks_something_is_refused() -> None:
    def refuse(catalogue: Catalogue, configured: SimulationSettings, says: str) -> None:
        with pytest.raises(ConfigurationError, match=says):
            simulate(configured, catalogue, PSEUDONYMISER, date(2026, 1, 1))

    topics = {name: topic for name, topic in CATALOGUE.topics.items() if name != "turism"}
    refuse(CATALOGUE.model_copy(update={"topics": topics}), SimulationSettings(), "turism")
    units = {name: unit for name, unit in CATALOGUE.units.items() if name != "kansli"}
    refuse(CATALOGUE.model_copy(update={"units": units}), SimulationSettings(), "kansli")
    odd = Crisis(start=datetime(2026, 1, 1, tzinfo=UTC), topic="siths-kort", factor=2)
    refuse(CATALOGUE, SimulationSettings(scenarios=Scenarios(crises=(odd,))), "siths-kort")
    internal = CATALOGUE.internal.model_copy(update={"number_pattern": "^9999$"})
    refuse(CATALOGUE.model_copy(update={"internal": internal}), SimulationSettings(), "number_pattern")
