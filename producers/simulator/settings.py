"""Settings of the simulated centre. The defaults are those of DOMAIN §5."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from schemas.catalogue import Catalogue
from schemas.errors import ConfigurationError
from schemas.events import Slug

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TopicProfile(_Model):
    """How often a topic comes, how often the centre solves it, and who gets it otherwise."""

    share: Share
    solved: Share
    units: tuple[Slug, ...]


def _topic(share: float, solved: float, *units: str) -> TopicProfile:
    return TopicProfile(share=share / 100, solved=solved / 100, units=units)


TOPICS: Mapping[str, TopicProfile] = {
    "koppling": _topic(
        16, 30, "utbildning", "omsorg", "samhallsbyggnad", "kultur-fritid", "ekonomi", "kansli"
    ),
    "skola-forskola": _topic(14, 75, "utbildning"),
    "omsorg": _topic(12, 50, "omsorg"),
    "gata-felanmalan": _topic(10, 90, "samhallsbyggnad"),
    "va-avfall": _topic(9, 85, "energi"),
    "bygg-miljo": _topic(8, 55, "samhallsbyggnad"),
    "fritid-kultur": _topic(8, 92, "kultur-fritid"),
    "buskort-p-tillstand": _topic(7, 85, "samhallsbyggnad"),
    "turism": _topic(6, 97, "kultur-fritid"),
    "ekonomi": _topic(4, 70, "ekonomi"),
    "jobb-naringsliv": _topic(3, 60, "naringsliv"),
    "politik-handlingar": _topic(2, 50, "kansli"),
    "vigsel": _topic(1, 95, "kansli"),
}


class Interval(_Model):
    """A stretch of time, aware; ``start`` belongs to it and ``end`` does not."""

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _ordered(self) -> Interval:
        if self.start >= self.end:
            raise ValueError(f"start {self.start} must be before end {self.end}")
        return self

    def holds(self, at: float) -> bool:
        """Tell whether an instant (seconds since 1970) falls into the stretch."""
        return self.start.timestamp() <= at < self.end.timestamp()


class Crisis(_Model):
    """More errands about one topic from an instant on."""

    start: AwareDatetime
    topic: Slug
    factor: Annotated[float, Field(ge=1)]
    """Times the usual rate of ``topic`` (or of everything, with ``of_total``) at the start."""
    of_total: bool = False
    half_life: timedelta | None = None
    """After this time half of the excess is left; None: the excess is even until closing of that day."""
    solved: Share = 0.85


def water_leak(start: datetime) -> Crisis:
    """Return DOMAIN's water leak: eight times the usual water errands, with a half-life of 4 hours."""
    return Crisis(start=start, topic="va-avfall", factor=8, half_life=timedelta(hours=4), solved=0.85)


def fire_ban(start: datetime) -> Crisis:
    """Return DOMAIN's fire ban: twice the usual errands until closing, the excess about the ban."""
    return Crisis(start=start, topic="bygg-miljo", factor=2, of_total=True, solved=0.95)


class Scenarios(_Model):
    """What goes wrong, and when. All of it is off by default."""

    crises: tuple[Crisis, ...] = ()
    telephony_silent: tuple[Interval, ...] = ()
    """The telephone system is down: no calls, open ones are lost, and it restarts at the end."""
    late_mail: tuple[Interval, ...] = ()
    """What is sent in the interval is delivered in one batch at its end."""
    doubled_visits: frozenset[date] = frozenset()
    """Every line of the desk is written twice."""
    clock_off: Mapping[date, timedelta] = {}
    """The telephone system's clock is wrong by so much."""
    missing_complete: Mapping[date, Share] = {}
    """So large a share of the conversations has no line about its end."""
    no_transfers: frozenset[date] = frozenset()
    """Transfers are made on the telephones themselves, and the log does not show them."""


class SimulationSettings(_Model):
    """The simulated centre. Rates are per open day of factor 1; hours are those of the catalogue."""

    seed: int = 1
    days: Annotated[int, Field(gt=0)] | None = None
    """Local days to simulate; None: without end."""
    errands_per_day: Positive = 150.0
    weekday_factors: tuple[float, float, float, float, float, float, float] = (
        1.25, 1.08, 1.00, 0.95, 0.72, 0.5, 0.5,
    )  # fmt: skip
    """Monday to Sunday; the last two matter only where the catalogue opens on those days."""
    month_factors: Mapping[int, Positive] = {7: 0.6, 8: 1.2}
    after_holiday_factor: Positive = 1.2
    hour_shares: tuple[Share, ...] = (0.11, 0.15, 0.17, 0.14, 0.09, 0.12, 0.13, 0.09)
    """Shares of equal parts of the opening hours."""

    evenness: Share = 0.3
    """Draws of channel, topic and outcome that are spread evenly over a day rather than independent. With
    0 a week varies just as binomial counts do; a little less lets a short demo show the published picture."""
    telephone_share: Share = 0.81
    email_share: Share = 0.12
    visit_share: Share = 0.07
    topics: Mapping[Slug, TopicProfile] = TOPICS
    registered_share: Share = 0.9
    """Errands that an agent registers; the outcome of the others is derived from the contact."""
    second_errand_share: Share = 0.04
    """Telephone and desk errands that come up in a contact about another one."""
    over_reach_share: Share = 0.03
    """Of the solved ones, those above the mandate."""
    under_reach_share: Share = 0.10
    """Of the handed over ones, those within the mandate."""

    customers: Annotated[int, Field(gt=0, le=9000)] = 9000
    repeat_after_solved: Share = 0.06
    repeat_after_handover: Share = 0.18
    hidden_share: Share = 0.12
    internal_share: Share = 0.08
    """On top of the errands."""
    automatic_share: Share = 0.03
    """Spam and automatic mail, on top of the errands."""

    minimum_agents: Annotated[int, Field(gt=0)] = 2
    maximum_agents: Annotated[int, Field(gt=0, le=8)] = 4
    talk_median_s: Positive = 150.0
    talk_sigma: Positive = 0.8
    patience_mean_s: Positive = 360.0
    redial_share: Share = 0.6
    """Of those who abandoned."""
    lost_share: Share = 0.036
    """Telephone errands that never get an answer with these settings, as measured over a year; so many
    more are simulated, for DOMAIN's shares are of the errands that reach the centre."""
    dropped_share: Share = 0.005
    """Calls that are cut soon after the answer, and made again."""
    transfer_share: Share = 0.75
    """Telephone handovers by transfer; the others by a ticket, which leaves no trace in the log."""

    email_in_hours_share: Share = 0.70
    email_within_2h_share: Share = 0.55
    email_within_day_share: Share = 0.85
    email_never_share: Share = 0.04
    thanks_share: Share = 0.08
    """Answered mails after which the sender writes thanks."""
    counter_question_share: Share = 0.03
    """Answered mails after which the sender asks further."""
    visit_wait_median_s: Positive = 180.0
    no_show_share: Share = 0.05
    named_visit_share: Share = 0.4
    """Visitors who give their telephone number, so that they can be followed."""

    queue: Slug = "kommuncenter"
    desk_queue: Slug = "koordinaten"
    telephone_system: Slug = "pbx1"
    mailbox: Slug = "kommun"
    scenarios: Scenarios = Scenarios()

    @model_validator(mode="after")
    def _consistent(self) -> SimulationSettings:
        channels = self.telephone_share + self.email_share + self.visit_share
        if abs(channels - 1) > 1e-9:
            raise ValueError(f"the channel shares add up to {channels:.3f}; make it 1")
        topics = sum(profile.share for profile in self.topics.values())
        if abs(topics - 1) > 1e-9:
            raise ValueError(f"the topic shares add up to {topics:.3f}; make it 1")
        if self.minimum_agents > self.maximum_agents:
            raise ValueError("minimum_agents is above maximum_agents")
        if not self.email_within_2h_share <= self.email_within_day_share <= 1 - self.email_never_share:
            raise ValueError("the e-mail answer shares must rise: within 2 h, within a day, 1 - never")
        return self

    def check(self, catalogue: Catalogue) -> None:
        """Raise ConfigurationError where the catalogue lacks a topic, unit or address that is used here."""
        wanted = set(self.topics) | {crisis.topic for crisis in self.scenarios.crises}
        if missing := wanted - set(catalogue.topics):
            raise ConfigurationError(f"simulation topics: not in the catalogue: {', '.join(sorted(missing))}")
        if missing := {crisis.topic for crisis in self.scenarios.crises} - set(self.topics):
            raise ConfigurationError(f"simulation crises: no profile for topic {', '.join(sorted(missing))}")
        for name in sorted({unit for profile in self.topics.values() for unit in profile.units}):
            unit = catalogue.units.get(name)
            if unit is None or not unit.extensions or not unit.addresses:
                raise ConfigurationError(
                    f"simulation unit {name}: the catalogue needs it with an extension and an address"
                )
        if not catalogue.centre.addresses or not catalogue.internal.domains:
            raise ConfigurationError(
                "simulation: the catalogue needs a centre address and an internal domain"
            )
