"""What every section is written from: the material, what it is called, and how its figures compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from dashboards.definitions import Definitions
from dashboards.labels import topic_label
from dashboards.report.comparison import Change, compare_counts, compare_means, compare_shares
from dashboards.report.cube import Slice
from dashboards.report.material import Material
from dashboards.report.period import Against
from dashboards.report.rising import Level
from dashboards.report.usual import usual_levels
from schemas.catalogue import UNKNOWN_UNIT, Catalogue
from schemas.metric import Metric, Unit
from schemas.metrics import CHANNEL_LABELS, METRICS, SPEED_OF_ANSWER
from schemas.statistics import Share
from schemas.timebase import day_start, local_day

NO_AREA = "Inget område registrerat"
NO_UNIT = "Okänd mottagare"


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of the period beside that of the one compared with.

    ``final_on`` is the local day from which a preliminary figure is final; None where it is final already.
    """

    metric: Metric
    now: Slice
    then: Slice
    change: Change
    final_on: date | None = None

    @property
    def share(self) -> Share | None:
        """The share now; None where there is none."""
        return self.metric.share(self.now.sums)

    @property
    def value(self) -> float | None:
        """The value now; None for an empty denominator."""
        return self.metric.value(self.now.sums)

    @property
    def former(self) -> float | None:
        """The value then."""
        return self.metric.value(self.then.sums)

    @property
    def hits(self) -> int:
        """The numerator now."""
        return self.metric.counts(self.now.sums)[0]


@dataclass(frozen=True)
class Context:
    """Material, catalogue, and by which formulas the installation goes."""

    material: Material
    catalogue: Catalogue
    definitions: Definitions

    @property
    def then_words(self) -> str:
        """What the period compared with is called: ``veckan före``, ``samma vecka i fjol``."""
        words = self.material.period.words
        return words.before if self.material.request.against is Against.BEFORE else words.last_year

    @property
    def then_heading(self) -> str:
        """The same as the heading of a column."""
        return self.then_words[0].upper() + self.then_words[1:]

    @property
    def this(self) -> str:
        """What the period is called: ``veckan``."""
        return self.material.period.words.this

    @property
    def then_name(self) -> str:
        """The name of the period compared with, as in ``Quantity``; empty where there is none."""
        compared = self.material.compared
        return compared.name if compared else ""

    @cached_property
    def figures(self) -> Mapping[str, Compared]:
        """All metrics by name."""
        return {metric.name: self._compared(metric) for metric in METRICS}

    @cached_property
    def levels(self) -> Mapping[str, Level]:
        """Where all contacts, and each topic's errands, stand against what is usual."""
        return usual_levels(self.material, self.catalogue)

    @property
    def service_level(self) -> Compared:
        """The service level by the installation's formula."""
        return self.figures[self.definitions.service_level.name]

    @property
    def first_contact(self) -> Compared:
        """First-contact resolution by the installation's W."""
        return self.figures[self.definitions.first_contact.name]

    def compared(self, metric: Metric, now: Slice, then: Slice | None) -> Compared:
        """Put a metric of two slices beside each other."""
        other = then if then is not None else self.nothing()
        final_on = self.final_on(metric)
        if final_on is None:
            change = _change(metric, now, other)
            if metric.unit is Unit.COUNT and self.then_from is not None:
                change = Change.UNKNOWN  # of a part of a period nothing follows for the number of the whole
            return Compared(metric, now, other, change)
        known = None not in (metric.value(now.sums), metric.value(other.sums))
        # What is still to come moves a preliminary figure in one direction only: it is not compared.
        return Compared(metric, now, other, Change.NOT_YET if known else Change.UNKNOWN, final_on)

    @cached_property
    def gaps(self) -> int:
        """On how many open days that have passed nobody made contact: there data are missing."""
        period, worked = self.material.period, set(self.material.worked())
        until = min(period.until, local_day(self.material.clock_now))
        days = (period.since + timedelta(days=n) for n in range((until - period.since).days))
        return sum(day not in worked and self.catalogue.opening(day) is not None for day in days)

    @cached_property
    def then_from(self) -> date | None:
        """The first day that is known of the period compared with, where open days before it are not."""
        compared, worked = self.material.compared, self.material.worked()
        if compared is None or not worked or not compared.since < worked[0] < compared.until:
            return None
        return worked[0] if self.open_days(compared.since, worked[0]) else None

    def nothing(self, where: tuple[tuple[str, str], ...] = ()) -> Slice:
        """Return what stands for someone of whom the period compared with had nothing."""
        return Slice(self.then_name, where=where, known=self.material.then is not None)

    def then_whole(self) -> Slice:
        """Return the sums of the whole centre in the period compared with."""
        then = self.material.then
        return then.whole() if then is not None else self.nothing()

    def then_chosen(self) -> Slice:
        """Return the same of the chosen area."""
        then = self.material.then
        return then.chosen() if then is not None else self.nothing()

    def then_by(self, *dimensions: str) -> Mapping[tuple[str, ...], Slice]:
        """Return the same by dimensions; empty where nothing is known."""
        then = self.material.then
        return then.by(*dimensions) if then is not None else {}

    def final_on(self, metric: Metric) -> date | None:
        """Return the local day from which a metric's figure is final; None where it is already."""
        ends = day_start(self.material.period.until) + timedelta(days=metric.final_after_days)
        return local_day(ends) if self.material.clock_now < ends else None

    def preliminary(self, metric: Metric) -> bool:
        """Tell whether a metric's time has not passed."""
        return self.final_on(metric) is not None

    def _compared(self, metric: Metric) -> Compared:
        then = self.material.then
        return self.compared(metric, self.material.now.of(metric), then.of(metric) if then else None)

    def topic_label(self, topic: str) -> str:
        """Return what people call a topic; one that has left the catalogue keeps its name."""
        return topic_label(topic, self.catalogue)

    def area_of_topic(self, topic: str) -> str:
        """Return the label of a topic's area; empty for an unknown topic."""
        known = self.catalogue.topics.get(topic)
        return self.catalogue.areas[known.area] if known else ""

    def sensitive(self, topic: str) -> bool:
        """Tell whether a topic leaves the centre only as part of its area."""
        known = self.catalogue.topics.get(topic)
        return known.sensitive if known else False

    def area_label(self, area: str) -> str:
        """Return what people call an area."""
        return self.catalogue.areas.get(area, area or NO_AREA)

    def unit_label(self, unit: str) -> str:
        """Return what people call a receiving unit."""
        known = self.catalogue.units.get(unit)
        return known.label if known else NO_UNIT if unit == UNKNOWN_UNIT else unit

    @staticmethod
    def channel_label(channel: str) -> str:
        """Return what people call a channel."""
        return CHANNEL_LABELS.get(channel, channel or CHANNEL_LABELS["unknown"])

    @property
    def limited(self) -> str:
        """The label of the area that the report is limited to; empty where it is not."""
        area = self.material.request.area
        return self.area_label(area) if area else ""

    def open_days(self, since: date, until: date) -> int:
        """Return on how many days the centre is open."""
        days = (since + timedelta(days=n) for n in range((until - since).days))
        return sum(self.catalogue.opening(day) is not None for day in days)


def _change(metric: Metric, now: Slice, then: Slice) -> Change:
    if metric.unit is Unit.SHARE:
        return compare_shares(metric.share(now.sums), metric.share(then.sums))
    if not then.known:
        return Change.UNKNOWN
    if metric.unit is Unit.COUNT:
        return compare_counts(metric.counts(now.sums)[0], metric.counts(then.sums)[0])
    if metric is SPEED_OF_ANSWER:
        values = metric.value(now.sums), metric.value(then.sums)
        return compare_means(*values, now.waits, then.waits)
    return Change.UNKNOWN
