"""Public reports: no count that is left out can be worked out, of one report or of all of them together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dashboards.report.disclosure import Ledger, Public, made_public
from dashboards.report.document import Quantity
from tests.report.disclosure.attacker import Attacker, Published
from tests.report.disclosure.centre import (
    CHANNELS,
    TOPICS,
    Centre,
    Errands,
    report,
    what_adds_up,
    what_is_printed,
)

WEEK = "2026-W47"
DAYS = ("2026-11-16", "2026-11-17", "2026-11-18")
DRAWN = (Phase.explicit, Phase.reuse, Phase.generate)
"""A centre of thirty numbers takes minutes to shrink, and says no more then."""
WEEKS = {"2026-W45": ("v45",), "2026-W46": ("v46",)}
MONTH = {"2026-11": ("v45", "v46", "the rest"), "rest": ("the rest",), **WEEKS}


@st.composite
def errands_of(draw: st.DrawFn, times: Sequence[str]) -> Errands:
    """Draw errands, many of them few, and how many were solved."""
    found = {}
    for when in times:
        for topic in TOPICS:
            for channel in CHANNELS:
                errands = draw(st.one_of(st.integers(0, 5), st.integers(0, 40)))
                found[when, topic, channel] = (errands, draw(st.integers(0, errands)))
    return found


class Audit:
    """Puts public reports together as an attacker would, and holds what they left out against it.

    A number with a place in two versions of a report that is the same in both is known to be the same: nobody
    is told so, but somebody may know what a correction was about. Of numbers that have no place in any, such
    as the solved of a channel and topic, nobody knows that.
    """

    def __init__(self) -> None:
        self.values: dict[Hashable, int] = {}
        self.few: set[Hashable] = set()
        self.hidden: set[Hashable] = set()
        self.small: set[Hashable] = set()
        self.sums: list[tuple[Hashable, list[Hashable]]] = []

    def add(self, public: Public, centre: Centre, period: str, version: str = "") -> None:
        placed = {quantity for cell in public.document.cells.values() for quantity in cell.of}
        placed |= {
            replace(quantity, measure="unsolved") for quantity in placed if quantity.measure == "solved"
        }

        def name(quantity: Quantity) -> Hashable:
            value = self.true_value(centre, quantity)
            return (quantity, value) if quantity in placed or not version else (quantity, value, version)

        printed = what_is_printed(public.document)
        self.values.update({name(quantity): value for quantity, value in printed.values.items()})
        self.few.update(map(name, printed.few))
        self.hidden.update(map(name, printed.hidden | printed.few))
        for whole, parts in what_adds_up(centre, period):
            self.sums.append((name(whole), [name(part) for part in parts]))

    def add_sum(self, centre: Centre, whole: Quantity, parts: Sequence[Quantity]) -> None:
        names = [(part, self.true_value(centre, part)) for part in (whole, *parts)]
        self.sums.append((names[0], list(names[1:])))

    @staticmethod
    def true_value(centre: Centre, quantity: Quantity) -> int:
        where = dict(quantity.where)
        topics = where.pop("topic", "").split("+")
        every = [{**where, "topic": topic} if topic else where for topic in topics]
        if quantity.measure != "unsolved":
            return sum(centre.count(quantity.measure, quantity.period, **one) for one in every)
        return sum(
            centre.count("errands", quantity.period, **one) - centre.count("solved", quantity.period, **one)
            for one in every
        )

    def check(self) -> None:
        """Fail where a number that was left out has one possible value, or a small one not all four."""
        published = Published(self.values, self.sums, frozenset(self.few), others=frozenset(self.hidden))
        attacker = Attacker(published)
        for name in self.hidden - set(self.values):
            if name in self.few:
                assert all(attacker.can_be(name, value) for value in range(1, 5)), name
            else:
                low, high = attacker.bounds(name)
                assert low < high, name


@settings(max_examples=25, deadline=None, phases=DRAWN)
@given(errands_of(DAYS))
def test_a_report_with_areas_channels_shares_and_days(errands: Errands) -> None:
    centre = Centre(errands, {WEEK: DAYS, **{day: (day,) for day in DAYS}})
    public = made_public(report(centre, WEEK, days=DAYS))
    audit = Audit()
    audit.add(public, centre, WEEK)
    for measure in ("errands", "solved"):
        audit.add_sum(centre, Quantity(measure, WEEK), [Quantity(measure, day) for day in DAYS])
    for day in DAYS:
        parts = [Quantity("solved", day), Quantity("unsolved", day)]
        audit.add_sum(centre, Quantity("errands", day), parts)
    audit.check()


def month_of_weeks(audit: Audit, centre: Centre) -> None:
    """Add what everybody knows: that a month is its weeks and the days around them."""
    wheres = [what for what, _ in what_adds_up(centre, "2026-11")]
    wheres += [part for _, parts in what_adds_up(centre, "2026-11") for part in parts]
    for whole in dict.fromkeys(wheres):
        parts = [Quantity(whole.measure, week, whole.where) for week in WEEKS]
        audit.add_sum(centre, whole, [*parts, Quantity(whole.measure, "rest", whole.where)])


@settings(max_examples=15, deadline=None, phases=DRAWN)
@given(errands_of(("v45", "v46", "the rest")))
def test_two_weeks_and_then_their_month(errands: Errands) -> None:
    centre = Centre(errands, MONTH)
    ledger, audit = Ledger(), Audit()
    for period in ("2026-W45", "2026-W46", "2026-11"):
        public = made_public(report(centre, period), ledger)
        ledger = ledger.with_issue(public.issue)
        audit.add(public, centre, period)
    month_of_weeks(audit, centre)
    audit.check()


@settings(max_examples=25, deadline=None, phases=DRAWN)
@given(
    errands_of(("v47",)),
    st.lists(
        st.tuples(st.sampled_from(list(TOPICS)), st.sampled_from(CHANNELS), st.integers(-3, 3)), max_size=3
    ),
)
def test_a_week_and_its_correction(errands: Errands, corrections: list[tuple[str, str, int]]) -> None:
    later = dict(errands)
    for topic, channel, change in corrections:
        n, solved = later["v47", topic, channel]
        corrected = max(n + change, 0)
        later["v47", topic, channel] = corrected, min(solved, corrected)
    ledger, audit = Ledger(), Audit()
    for version, known in enumerate((errands, later)):
        centre = Centre(known, {WEEK: ("v47",)})
        public = made_public(report(centre, WEEK, version=str(version)), ledger)
        ledger = ledger.with_issue(public.issue)
        audit.add(public, centre, WEEK, str(version))
    audit.check()
