"""Puts together what an attacker would know: this report, the public ones before it, and the calendar.

A quantity that has the same value in two reports is one number: the attacker is taken to know that it did not
change. Where a correction changed it, the two values are two numbers, each with the sums of its report.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dashboards.report.disclosure.calendar import Span, fitted, overlap, pieces, span_of
from dashboards.report.disclosure.facts import Facts
from dashboards.report.disclosure.ledger import Issue, Ledger, Told
from dashboards.report.disclosure.system import Known, Relation, System, is_few, sum_relation
from dashboards.report.document import Quantity, Sum, without_version

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A measure for somebody, whatever the period."""


@dataclass
class Knowledge:
    """The numbers by quantity and value; ``system()`` is what protect works on."""

    places: dict[tuple[Quantity, int], int] = field(default_factory=dict)
    truth: list[int] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    public: set[int] = field(default_factory=set)
    sensitive: set[int] = field(default_factory=set)
    relations: dict[Relation, None] = field(default_factory=dict)
    newest: dict[Quantity, int] = field(default_factory=dict)
    """The latest value of each quantity that has been told of."""

    def place(self, name: Quantity, value: int, known: Known = Known.NOTHING) -> int:
        """Return the place of a number, made when it is new.

        What a correction says of an earlier version is the same number as what that version told.
        """
        at = self.places.setdefault((without_version(name), value), len(self.truth))
        if at == len(self.truth):
            self.truth.append(value)
            self.known.append(known)
        return at

    def learn(self, name: Quantity, value: int) -> None:
        """Take down the latest value of a quantity; what a correction says of an earlier version is none."""
        if name == without_version(name):
            self.newest[name] = value

    def system(self) -> System:
        """Return the numbers and relations."""
        names = [str(name) for name, _ in self.places]
        return System(names, self.truth, self.known, list(self.relations), frozenset(self.public))


def knowledge_of(facts: Facts, ledger: Ledger) -> Knowledge:
    """Return what would be known if all of a report's cells were printed but the small counts."""
    knowledge = Knowledge()
    for issue in _that_matter(facts, ledger):
        _take_issue(knowledge, issue)
    for name, value in facts.values.items():
        _take_new(knowledge, facts, name, value)
    for found in facts.sums:
        _take_sum(knowledge, found, facts.values)
    for series in _series(knowledge.newest):
        _take_calendar(knowledge, series)
    return knowledge


def _take_issue(knowledge: Knowledge, issue: Issue) -> None:
    values = {told.quantity: told.value for told in issue.told}
    for told in issue.told:
        at = knowledge.place(told.quantity, told.value, told.known)
        knowledge.known[at] = _more(knowledge.known[at], told.known)
        if knowledge.known[at] is not Known.NOTHING:
            knowledge.public.add(at)
        if told.guarded:
            knowledge.sensitive.add(at)
        knowledge.learn(told.quantity, told.value)
    for found in issue.sums:
        _take_sum(knowledge, found, values)


def _more(one: Known, other: Known) -> Known:
    """Return what tells more of a number."""
    order = (Known.VALUE, Known.FEW, Known.NOT_FEW, Known.NOTHING)
    return min(one, other, key=order.index)


def _take_new(knowledge: Knowledge, facts: Facts, name: Quantity, value: int) -> None:
    at = knowledge.place(name, value)
    knowledge.learn(name, value)
    told = name in facts.told
    if is_few(value) and (told or name in facts.rests):
        knowledge.sensitive.add(at)
    if at not in knowledge.public and told:
        few = Known.FEW if name in facts.named else Known.NOTHING
        knowledge.known[at] = few if is_few(value) else Known.VALUE


def _take_sum(knowledge: Knowledge, found: Sum, values: dict[Quantity, int]) -> None:
    whole, *parts = (knowledge.place(name, values[name]) for name in (found.whole, *found.parts))
    relation = sum_relation(whole, parts)
    if relation:
        knowledge.relations[relation] = None


def _series(names: Iterable[Quantity]) -> Iterator[list[Quantity]]:
    found: dict[Series, list[Quantity]] = defaultdict(list)
    for name in names:
        if span_of(name.period) is not None:
            found[name.measure, name.where].append(name)
    yield from (names for names in found.values() if len(names) > 1)


def _take_calendar(knowledge: Knowledge, series: list[Quantity]) -> None:
    """Add what periods of one series tell of one another; nothing where corrections made them disagree."""
    spans = {span: name for name in series if (span := span_of(name.period)) is not None}
    if len(pieces(list(spans))) == len(spans):
        return  # nothing overlaps
    counts = fitted({span: knowledge.newest[name] for span, name in spans.items()})
    if counts is None:
        return
    at: dict[Span, int] = {}
    for cut, count in counts.items():
        name = spans.get(cut) or Quantity(f"{series[0].measure} {cut[0]}–{cut[1]}", "", series[0].where)
        at[cut] = knowledge.place(name, count)
    for span, name in spans.items():
        parts = [place for cut, place in at.items() if overlap(cut, span)]
        whole = knowledge.places[name, knowledge.newest[name]]
        if parts != [whole]:
            knowledge.relations[sum_relation(whole, parts)] = None


def _that_matter(facts: Facts, ledger: Ledger) -> list[Issue]:
    """Return the issues that share a number with the report, or a hidden number with one of these."""
    wanted = list(_spans(facts.values))
    left = list(ledger.issues)
    found: list[Issue] = []
    while True:
        index = defaultdict(list)
        for series, span in wanted:
            index[series].append(span)
        near = [issue for issue in left if _touches(index, issue.told)]
        if not near:
            return [issue for issue in ledger.issues if issue in found]
        found += near
        left = [issue for issue in left if issue not in near]
        hidden = (t.quantity for issue in near for t in issue.told if t.known is not Known.VALUE)
        wanted = list(_spans(hidden))


def _touches(index: dict[Series, list[Span]], told: Iterable[Told]) -> bool:
    spans = _spans(t.quantity for t in told)
    return any(overlap(span, other) for series, span in spans for other in index.get(series, ()))


def _spans(names: Iterable[Quantity]) -> Iterator[tuple[Series, Span]]:
    for name in names:
        span = span_of(name.period)
        if span is not None:
            yield (name.measure, name.where), span
