"""The simulation as a whole: day after day, all records in order of time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import count
from random import Random

from producers.simulator import scenarios
from producers.simulator.desk import About, errand_line, thanks_line
from producers.simulator.mail import MailDay, MailRoom
from producers.simulator.model import Errand, Model, Need, by_channel
from producers.simulator.queue_log import line
from producers.simulator.randomness import stream
from producers.simulator.records import Draft, Record, RecordKind
from producers.simulator.settings import SimulationSettings
from producers.simulator.telephony import Exchange
from producers.simulator.visits import Desk
from producers.simulator.worktime import WorkTime
from schemas.catalogue import Catalogue
from schemas.events import Channel
from schemas.identity import Pseudonymiser
from schemas.timebase import day_start, local_day

_LATE_REGISTRATION_SHARE = 0.05
_TWO_STEPS_SHARE = 0.02


def simulate(
    settings: SimulationSettings, catalogue: Catalogue, pseudonymiser: Pseudonymiser, first_day: date
) -> Iterator[Record]:
    """Yield what the systems of the centre write from the start of ``first_day`` (local) on.

    Lazy, in order of time, and without end unless ``settings.days`` is given: then until the end of the
    last day, which cuts off what would follow later. The same arguments give the same records, and fewer
    days give a prefix. Raises ConfigurationError where settings and catalogue don't fit.
    """
    settings.check(catalogue)
    return _records(_Centre(settings, catalogue, pseudonymiser, first_day), settings, first_day)


def _records(centre: _Centre, settings: SimulationSettings, first_day: date) -> Iterator[Record]:
    for number in count():
        if settings.days is not None and number >= settings.days:
            return
        yield from centre.day(first_day + timedelta(days=number))


class _Centre:
    """What goes on from one day to the next."""

    def __init__(
        self,
        settings: SimulationSettings,
        catalogue: Catalogue,
        pseudonymiser: Pseudonymiser,
        first_day: date,
    ) -> None:
        self._settings = settings
        self._work = WorkTime(catalogue)
        self._model = Model(settings, catalogue)
        self._exchange = Exchange(settings, catalogue)
        self._mail = MailRoom(settings, catalogue, self._work)
        self._desk = Desk(settings, pseudonymiser)
        self._start = day_start(first_day).timestamp()
        self._pending: list[tuple[float, int, Draft]] = []
        self._numbers = count()
        self._early: list[Need] = []
        self._needs: list[Need] = []
        self._open_day = first_day
        self._foresee(first_day)

    def day(self, day: date) -> Iterator[Record]:
        """Yield the records of a local day; days must follow one another."""
        end = day_start(day + timedelta(days=1)).timestamp()
        if day == self._open_day:
            self._work_through(day)
            self._foresee(day + timedelta(days=1))
        self._add(self._mail.automatic(day, day_start(day).timestamp()))
        for interval in self._settings.scenarios.telephony_silent:
            if local_day(interval.end) == day:
                self._add([line(interval.end.timestamp(), "NONE", "NONE", "NONE", "QUEUESTART")])
        doubled = day in self._settings.scenarios.doubled_visits
        while self._pending and self._pending[0][0] < end:
            record = heapq.heappop(self._pending)[2].record()
            yield record
            if doubled and record.kind is RecordKind.VISIT:
                yield record

    def _foresee(self, day: date) -> None:
        """Let the mails come that are sent between a closing and the next opening, on or after ``day``."""
        self._open_day = self._work.next_open_day(day)
        before = self._work.closing_before(self._open_day)
        early, self._needs = self._model.needs(self._open_day, before)
        # What came before the first day was answered elsewhere: no reply to a mail that nobody has.
        self._early = [need for need in early if need.at >= self._start]
        answered = self._mail.answer(self._open_day, "early", self._early)
        self._add([*answered.messages, *self._mail_registrations(self._open_day, "early", answered)])

    def _work_through(self, day: date) -> None:
        settings, needs = self._settings, by_channel(self._needs)
        calls = self._exchange.day(day, needs[Channel.TELEPHONE], self._model.volume(day))
        mails = self._mail.answer(day, "day", needs[Channel.EMAIL])
        visits = self._desk.day(day, needs[Channel.VISIT])
        drafts = [*calls.lines, *visits.lines, *mails.messages]
        rng = stream(settings.seed, "call registrations", day)
        for talk in calls.conversations:
            about = About(Channel.TELEPHONE, f"{settings.telephone_system}:{talk.leg}", talk.leg)
            drafts += _registrations(rng, about, talk.ended, talk.errands)
        rng = stream(settings.seed, "visit registrations", day)
        for visit in visits.served:
            about = About(Channel.VISIT, visit.leg, visit.leg)
            drafts += _registrations(rng, about, visit.at, visit.errands)
        drafts += self._mail_registrations(day, "day", mails)
        self._add(scenarios.apply(settings, day, drafts))
        self._model.will_repeat(day, [*self._early, *self._needs])

    def _mail_registrations(self, day: date, part: str, mails: MailDay) -> Iterator[Draft]:
        rng = stream(self._settings.seed, f"mail registrations {part}", day)
        for handled in mails.handled:
            about = About(Channel.EMAIL, handled.leg, handled.leg)
            if handled.thanks:
                yield thanks_line(about, handled.at)
            else:
                yield from _registrations(rng, about, handled.at, handled.errands)

    def _add(self, drafts: Iterable[Draft]) -> None:
        for draft in drafts:
            if draft.at >= self._start:
                heapq.heappush(self._pending, (draft.at, next(self._numbers), draft))


def _registrations(rng: Random, about: About, ended: float, errands: tuple[Errand, ...]) -> Iterator[Draft]:
    """Yield what the agent registers soon after the end; now and then later, or in two steps."""
    for number, errand in enumerate(errands, start=1):
        late, steps, soon = rng.random(), rng.random(), rng.uniform(5, 60)
        if not errand.registered:
            continue
        at = ended + soon + (3600 * rng.random() if late < _LATE_REGISTRATION_SHARE else 0)
        if steps < _TWO_STEPS_SHARE:
            yield errand_line(about, at, number, errand, done=False)
            at += 300
        yield errand_line(about, at, number, errand, done=True)
