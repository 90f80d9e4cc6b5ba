"""Reports as letters, and which of them are due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.report import period
from dashboards.report.content import scope_of
from dashboards.report.disclosure import Public
from dashboards.report.document import Document, Paragraph
from dashboards.report.material import Request
from dashboards.report.period import Period
from dashboards.report.render.text import plain, spoken
from kommuncenter import reporting, wiring
from kommuncenter.delivery.deliver import Deliverer, Outcome
from kommuncenter.delivery.letter import Letter
from kommuncenter.delivery.records import Delivery
from kommuncenter.reporting import Made
from kommuncenter.schedule import at_local, clock_time_of
from kommuncenter.settings import Settings
from schemas.errors import ConfigurationError
from schemas.timebase import local_day

SUMMARY = "avsnitt-sammanfattning"
_CLOSED: dict[str, Callable[[datetime], Period]] = {
    "week": lambda now: period.week_of(local_day(now)).before(),
    "month": lambda now: period.month_of(local_day(now)).before(),
    "tertial": lambda now: period.tertial_of(local_day(now)).before(),
}
"""The last period of a kind that is over."""


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports of an installation, as its settings say, and what delivers them."""

    settings: Settings
    deliverer: Deliverer

    def due(self, now: datetime) -> Iterator[Period]:
        """Yield the periods whose reports ought to have gone out by now, and may go out unasked."""
        for closed in self._closed(now):
            if now >= self._at(closed) and self.deliverer.due(closed.name, self.scope(closed)):
                yield closed

    def next_due(self, now: datetime) -> datetime:
        """Return when the next report falls due that has not by now."""
        chosen = self.settings.delivery
        days = (local_day(now) + timedelta(days=n) for n in range(140))
        at = clock_time_of("delivery.at", chosen.at)
        moments = (at_local(day, at) for day in days)
        return next(m for m in moments if m > now and any(self._at(c) == m for c in self._closed(m)))

    def deliver(self, chosen: Period, *, correction: bool = False) -> Outcome:
        """Make a report and deliver it. What is sent counts as published, but for a test."""
        letter, made, told = self.letter(chosen)
        outcome = self.deliverer.deliver(letter, correction=correction)
        self._publish(outcome, made, told)
        return outcome

    def resend(self, delivery: Delivery) -> Outcome:
        """Send a report again; raises ConfigurationError for one that the settings give no more."""
        chosen = period.named(delivery.which.period)
        if self.scope(chosen) != delivery.which.scope:
            raise ConfigurationError(
                f"{delivery.which.id}: the settings give another report now; send that by `deliver send`"
            )
        letter, made, told = self.letter(chosen)
        outcome = self.deliverer.resend(delivery, letter)
        self._publish(outcome, made, told)
        return outcome

    def scope(self, chosen: Period) -> str:
        """Return what besides the period sets the report apart."""
        whose = "public" if self.settings.delivery.public else "internal"
        return f"{scope_of(Request(chosen), wiring.definitions(self.settings))}|{whose}"

    def letter(self, chosen: Period) -> tuple[Letter, Made, Public | None]:
        """Return the report as a mail, and what it was made of. Raises what making a report raises."""
        settings = self.settings
        made = reporting.make(settings, Request(chosen))
        told = reporting.public(settings, made) if settings.delivery.public else None
        document = told.document if told else made.document
        files = reporting.rendered(made, document, settings.delivery.formats)
        letter = Letter(chosen.name, self.scope(chosen), subject_of(document), text_of(document), files)
        return letter, made, told

    def _publish(self, outcome: Outcome, made: Made, told: Public | None) -> None:
        if outcome is Outcome.SENT and not self.settings.delivery.test_recipient:
            reporting.record(self.settings, made, told)

    def _closed(self, now: datetime) -> Iterator[Period]:
        return (_CLOSED[kind](now) for kind in self.settings.delivery.periods)

    def _at(self, closed: Period) -> datetime:
        return at_local(closed.until, clock_time_of("delivery.at", self.settings.delivery.at))


def reports_of(settings: Settings) -> Reports:
    """Return what makes and delivers reports. Raises ConfigurationError where delivery is not set up."""
    return Reports(settings, wiring.deliverer(settings))


def subject_of(document: Document) -> str:
    """Return the subject, in one line."""
    return " ".join(f"{document.title} – {document.subtitle}".replace("\u00a0", " ").split())


def text_of(document: Document) -> str:
    """Return the summary's sentences as plain text, and what is attached."""
    [summary] = [section for section in document.sections if section.key == SUMMARY]
    sentences = [s for block in summary.blocks if isinstance(block, Paragraph) for s in block.sentences]
    said = [plain(pieces) for pieces in spoken(document, sentences)]
    lines = [f"{document.title}, {document.subtitle}", "", summary.heading, ""]
    lines += [f"- {sentence}" for sentence in said]
    lines += ["", "Hela rapporten, med definitioner, är bifogad.", f"Dataversion {document.data_version}."]
    return "\n".join(lines).replace("\u00a0", " ") + "\n"
