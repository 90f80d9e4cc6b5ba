"""Who makes contact when, about what, and what will become of it."""

from __future__ import annotations

import bisect
import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import accumulate, count
from random import Random

from producers.simulator.population import Customer, Population
from producers.simulator.randomness import poisson, spread, stream
from producers.simulator.settings import Crisis, SimulationSettings
from schemas.catalogue import Catalogue, DayKind
from schemas.events import Channel
from schemas.timebase import STOCKHOLM

DAY_S = 86_400.0
_REPEAT_WINDOW_S = 7 * DAY_S
_OTHER_CHANNEL_AFTER_S = 3 * DAY_S
_INTERNAL_TOPIC_SHARE = 0.3
_CHANNELS = (Channel.TELEPHONE, Channel.EMAIL, Channel.VISIT)
_COLLEAGUE_WEIGHTS = (85, 10, 5)
_LEVELS = (10, 20, 30, 40, 50, 60)


@dataclass(frozen=True, slots=True)
class Errand:
    """One matter: what it is and what will become of it once the centre has it.

    ``solved``: by the centre. Otherwise ``unit`` gets it, by transfer (or forward), or by a ticket.
    """

    topic: str
    solved: bool
    level: int
    unit: str | None
    registered: bool
    by_transfer: bool


@dataclass(frozen=True, slots=True)
class Need:
    """Somebody makes contact at ``at`` (seconds since 1970) with one or more errands."""

    at: float
    channel: Channel
    customer: Customer
    errands: tuple[Errand, ...]


class Repeats:
    """Those who will come back about the same topic: each waits for the next contact about it.

    A repeat takes the place of a contact that would have come anyhow, so neither volume nor shares change.
    """

    def __init__(self) -> None:
        self._due: dict[tuple[str, Channel], list[tuple[float, int, float, Customer]]] = defaultdict(list)
        self._count = count()

    def plan(self, need: Need, topic: str, delay: float) -> None:
        """Let the customer of ``need`` come back about ``topic`` from ``delay`` seconds on."""
        entry = (need.at + delay, next(self._count), need.at + _REPEAT_WINDOW_S, need.customer)
        heapq.heappush(self._due[topic, need.channel], entry)

    def take(self, topic: str, channel: Channel, at: float) -> Customer | None:
        """Return who comes back at ``at``; the telephone also takes over what other channels leave."""
        customer = self._first(topic, channel, at, at)
        if customer is None and channel is Channel.TELEPHONE:
            late = at - _OTHER_CHANNEL_AFTER_S
            customer = self._first(topic, Channel.EMAIL, at, late) or self._first(
                topic, Channel.VISIT, at, late
            )
        return customer

    def _first(self, topic: str, channel: Channel, at: float, due: float) -> Customer | None:
        waiting = self._due.get((topic, channel))
        while waiting and waiting[0][0] <= due:
            _, _, expires, customer = heapq.heappop(waiting)
            if at < expires:
                return customer
        return None


class Model:
    """Arrivals of one simulated centre. Call :meth:`needs` once for each open day, in order."""

    def __init__(self, settings: SimulationSettings, catalogue: Catalogue) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._population = Population(settings.customers, settings.hidden_share, catalogue.internal)
        self._repeats = Repeats()
        self._topics = list(settings.topics)
        self._cells, self._cell_edges = _cells(settings)
        self._hour_edges = list(accumulate(settings.hour_shares))
        self._internal_topics = [name for name, topic in catalogue.topics.items() if topic.internal]

    def volume(self, day: date) -> float:
        """Return the errands that are expected of an open day."""
        settings = self._settings
        expected = settings.errands_per_day * settings.weekday_factors[day.weekday()]
        expected *= settings.month_factors.get(day.month, 1.0)
        return expected * settings.after_holiday_factor if self._after_holiday(day) else expected

    def needs(self, day: date, previous_closing: float) -> tuple[list[Need], list[Need]]:
        """Return the needs that belong to an open day, each list in order of time.

        First the mails that come after the closing before and until this day's opening; then all of the
        opening hours. Empty on a closed day.
        """
        hours = self._catalogue.opening(day)
        if hours is None:
            return [], []
        opens, closes = hours[0].timestamp(), hours[1].timestamp()
        needs = [*self._outside(day, opens, closes, previous_closing), *self._colleagues(day, opens, closes)]
        needs += self._crises(day, opens, closes)
        needs.sort(key=lambda need: need.at)
        cut = bisect.bisect_left(needs, opens, key=lambda need: need.at)
        return needs[:cut], self._with_second_errands(day, needs[cut:])

    def will_repeat(self, day: date, needs: Sequence[Need]) -> None:
        """Plan which of the needs of a day come back within the week."""
        settings, rng = self._settings, stream(self._settings.seed, "repeats", day)
        for need in needs:
            for errand in need.errands:
                chance = settings.repeat_after_solved if errand.solved else settings.repeat_after_handover
                drawn, delay = rng.random(), min(rng.expovariate(1 / (1.5 * DAY_S)), 4 * DAY_S)
                if drawn < chance and not need.customer.internal:
                    self._repeats.plan(need, errand.topic, delay)

    def _after_holiday(self, day: date) -> bool:
        before = day - timedelta(days=1)
        while self._catalogue.opening(before) is None and (day - before).days < 14:
            special = self._catalogue.days.get(before)
            if before.weekday() < 5 and special and special.kind is DayKind.CLOSED:
                return True
            before -= timedelta(days=1)
        return False

    def _outside(self, day: date, opens: float, closes: float, before: float) -> Iterator[Need]:
        settings, rng = self._settings, stream(self._settings.seed, "arrivals", day)
        rates = (
            settings.telephone_share / (1 - settings.lost_share),
            settings.email_share,
            settings.visit_share / (1 - settings.no_show_share),
        )
        edges = list(accumulate(rates))
        number = poisson(rng, self.volume(day) * edges[-1])
        slots = []
        for channel_at, cell_at in zip(
            spread(rng, number, settings.evenness), spread(rng, number, settings.evenness), strict=True
        ):
            channel = _CHANNELS[bisect.bisect(edges, channel_at * edges[-1])]
            cell = bisect.bisect(self._cell_edges, cell_at * self._cell_edges[-1])
            at = self._time(rng, opens, closes)
            if channel is Channel.EMAIL and rng.random() >= settings.email_in_hours_share:
                at = _waking_time(rng, before, opens)
            slots.append((at, channel, *self._cells[cell]))
        for at, channel, topic, solved in sorted(slots):
            customer = self._population.anybody(rng)
            returning = self._repeats.take(topic, channel, at)
            errand = self._errand(rng, day, topic, solved=solved)
            yield Need(at, channel, returning or customer, (errand,))

    def _colleagues(self, day: date, opens: float, closes: float) -> Iterator[Need]:
        settings, rng = self._settings, stream(self._settings.seed, "colleagues", day)
        for _ in range(poisson(rng, self.volume(day) * settings.internal_share)):
            topic = rng.choice(self._topics)
            if self._internal_topics and rng.random() < _INTERNAL_TOPIC_SHARE:
                topic = rng.choice(self._internal_topics)
            channel = rng.choices(_CHANNELS, _COLLEAGUE_WEIGHTS)[0]
            errand = self._errand(rng, day, topic, solved=rng.random() < 0.8)
            at = self._time(rng, opens, closes)
            yield Need(at, channel, self._population.colleague(rng), (errand,))

    def _crises(self, day: date, opens: float, closes: float) -> Iterator[Need]:
        for number, crisis in enumerate(self._settings.scenarios.crises):
            rng = stream(self._settings.seed, f"crisis {number}", day)
            rate = self.volume(day) * (1 if crisis.of_total else self._settings.topics[crisis.topic].share)
            if (
                rate * (crisis.factor - 1) * _excess(crisis, opens) < 1e-3
                and opens > crisis.start.timestamp()
            ):
                continue
            for _ in range(poisson(rng, rate * (crisis.factor - 1))):
                at = self._time(rng, opens, closes)
                kept, drawn = _excess(crisis, at), rng.random()
                customer = self._population.anybody(rng)
                errand = self._errand(rng, day, crisis.topic, solved=rng.random() < crisis.solved)
                if drawn < kept:
                    yield Need(at, Channel.TELEPHONE, customer, (errand,))

    def _with_second_errands(self, day: date, needs: list[Need]) -> list[Need]:
        """Let some errands come up in the contact before them; those contacts are always registered."""
        rng = stream(self._settings.seed, "second errands", day)
        merged: list[Need] = []
        last: dict[Channel, int] = {}
        for need in needs:
            drawn, place = rng.random(), last.get(need.channel)
            single = need.channel is Channel.EMAIL or need.customer.internal
            if place is not None and not single and drawn < self._settings.second_errand_share:
                carrier = merged[place]
                if len(carrier.errands) == 1:
                    both = tuple(
                        replace(errand, registered=True) for errand in carrier.errands + need.errands
                    )
                    merged[place] = replace(carrier, errands=both)
                    continue
            if not single:
                last[need.channel] = len(merged)
            merged.append(need)
        return merged

    def _time(self, rng: Random, opens: float, closes: float) -> float:
        drawn = rng.random() * self._hour_edges[-1]
        part = bisect.bisect(self._hour_edges, drawn)
        return opens + (closes - opens) * (part + rng.random()) / len(self._hour_edges)

    def _errand(self, rng: Random, day: date, topic: str, *, solved: bool) -> Errand:
        settings = self._settings
        profile = settings.topics.get(topic)
        unit = None if solved or profile is None else rng.choice(profile.units)
        odd = rng.random() < (settings.over_reach_share if solved else settings.under_reach_share)
        mandate = self._catalogue.topics[topic].mandate_on(day)
        level = _level(rng, mandate, within=solved != odd)
        by_transfer = rng.random() < settings.transfer_share
        # A ticket leaves no trace in the telephone system: without a registration nobody would know.
        registered = rng.random() < settings.registered_share or not (solved or by_transfer)
        return Errand(topic, solved or unit is None, level, unit, registered, by_transfer)


def _cells(settings: SimulationSettings) -> tuple[list[tuple[str, bool]], list[float]]:
    """Return all pairs of topic and outcome, the solved ones first, and the running sums of their shares."""
    shares = {(topic, True): one.share * one.solved for topic, one in settings.topics.items()}
    shares |= {(topic, False): one.share * (1 - one.solved) for topic, one in settings.topics.items()}
    return list(shares), list(accumulate(shares.values()))


def _level(rng: Random, mandate: int | None, *, within: bool) -> int:
    if mandate is None:
        return rng.choice(_LEVELS[:3])
    return rng.choice([level for level in _LEVELS if (level <= mandate) == within] or [min(mandate, 60)])


def _excess(crisis: Crisis, at: float) -> float:
    """Return which part of the excess is there at an instant: 1 at the start, falling with the half-life."""
    start = crisis.start.timestamp()
    if at < start:
        return 0.0
    if crisis.half_life is None:
        same_day = datetime.fromtimestamp(at, STOCKHOLM).date() == crisis.start.astimezone(STOCKHOLM).date()
        return 1.0 if same_day else 0.0
    return float(0.5 ** ((at - start) / crisis.half_life.total_seconds()))


def _waking_time(rng: Random, start: float, end: float) -> float:
    """Return an instant between two, seldom at night."""
    while True:
        at = start + (end - start) * rng.random()
        if datetime.fromtimestamp(at, STOCKHOLM).hour >= 6 or rng.random() < 0.1:
            return at


def by_channel(needs: Sequence[Need]) -> Mapping[Channel, list[Need]]:
    """Return the needs of each channel, in the order given."""
    parts: dict[Channel, list[Need]] = {channel: [] for channel in Channel}
    for need in needs:
        parts[need.channel].append(need)
    return parts
