"""The report that the centre does get, made public: a solver knows all that adds up, and finds nothing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from dashboards.report.disclosure import made_public
from dashboards.report.disclosure.coarsen import coarsened
from dashboards.report.disclosure.facts import facts_of
from dashboards.report.document import Kind, Quantity, Shown
from tests.dashboards.samples import invented_days
from tests.report.disclosure.attacker import Attacker, Published
from tests.report.disclosure.centre import what_is_printed
from tests.report.reports import report_of

Sums = list[tuple[Hashable, list[Hashable]]]
DAYS = [(date(2026, 11, 16) + timedelta(days=ahead)).isoformat() for ahead in range(7)]


def week_of_days(values: Mapping[Quantity, int]) -> Sums:
    """Return what everybody knows of a week, for all that is told day by day."""
    found: Sums = []
    for week in (name for name in values if name.period == "2026-W47"):
        days = [replace(week, period=day) for day in DAYS]
        if all(day in values for day in days):
            assert values[week] == sum(values[day] for day in days)
            found.append((week, [*days]))
    return found


@pytest.mark.parametrize("size", [8, 25, 80])
def test_nothing_that_is_left_out_can_be_worked_out(size: int) -> None:
    internal = report_of(*invented_days(date(2026, 11, 9), 14, seed=size, size=size))
    public = made_public(internal).document
    printed = what_is_printed(public)
    left_out = (printed.few | printed.hidden) - printed.values.keys()
    assert left_out
    facts = facts_of(coarsened(internal), internal)
    sums: Sums = [(found.whole, list(found.parts)) for found in facts.sums]
    sums += week_of_days(facts.values)
    values: dict[Hashable, int] = dict(printed.values.items())
    attacker = Attacker(Published(values, sums, few=printed.few, others=frozenset(left_out)))
    for name in left_out & printed.few:
        assert all(attacker.can_be(name, value) for value in range(1, 5)), name
    for name in left_out - printed.few:
        low, high = attacker.bounds(name)
        assert low < high, name


def test_what_is_shown_is_what_the_internal_one_shows() -> None:
    internal = report_of(*invented_days(date(2026, 11, 9), 14, seed=2, size=25))
    public = made_public(internal).document
    shown = {key: cell for key, cell in public.cells.items() if cell.shown is Shown.FULL}
    assert {key for key in shown if key in internal.cells} > {"nyckeltal/errands/now"}
    for key, cell in shown.items():
        if key in internal.cells:
            assert cell == internal.cells[key]
        small = [cell.value] if cell.kind is Kind.COUNT else [cell.hits, cell.n]
        assert not any(number is not None and 1 <= number <= 4 for number in small), key
