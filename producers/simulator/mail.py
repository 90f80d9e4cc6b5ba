"""The mailbox: what comes in, when and how the centre answers it, and what it passes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count
from random import Random

from producers.simulator.messages import Message
from producers.simulator.model import DAY_S, Errand, Need
from producers.simulator.randomness import poisson, stream
from producers.simulator.records import Draft, RecordKind
from producers.simulator.settings import SimulationSettings
from producers.simulator.worktime import WorkTime
from schemas.catalogue import Catalogue
from schemas.events import Automatic
from schemas.identity import message_ref

_HOUR_S = 3600.0
_TWICE_SHARE = 0.01
_WRONG_DATE_SHARE = 0.01
_ANSWERED_TOO_SHARE = 0.7
_AUTOMATIC = (
    (Automatic.AUTO_REPLY, 0.35),
    (Automatic.BULK, 0.30),
    (Automatic.SPAM, 0.25),
    (Automatic.BOUNCE, 0.10),
)


@dataclass(frozen=True, slots=True)
class Handled:
    """A mail that the centre dealt with at ``at``; ``thanks`` marks a message that only says thanks."""

    leg: str
    at: float
    errands: tuple[Errand, ...]
    thanks: bool = False


@dataclass(slots=True)
class MailDay:
    """What the mails of a day lead to, also on later days."""

    messages: list[Draft] = field(default_factory=list)
    handled: list[Handled] = field(default_factory=list)


class MailRoom:
    """The simulated mailbox."""

    def __init__(self, settings: SimulationSettings, catalogue: Catalogue, work: WorkTime) -> None:
        self._settings, self._catalogue, self._work = settings, catalogue, work
        self._own = catalogue.centre.addresses[0]
        solved = sum(profile.share * profile.solved for profile in settings.topics.values())
        self._never_of_unsolved = min(settings.email_never_share / max(1 - solved, 1e-9), 1.0)
        self._lately: deque[Message] = deque(maxlen=20)

    def answer(self, day: date, part: str, needs: Sequence[Need]) -> MailDay:
        """Return all that follows from some mails of ``day``; ``part`` names them apart from others of it."""
        result = MailDay()
        rng = stream(self._settings.seed, f"mail {part}", day)
        for number, need in enumerate(needs):
            thread = _Thread(self._settings, self._own, need, f"{day:%Y%m%d}.{part}.{number}")
            self._correspond(rng, thread, need, result)
        return result

    def automatic(self, day: date, midnight: float) -> Iterator[Draft]:
        """Yield the spam, bulk mail, automatic replies and bounces of a local day, open or not."""
        settings, rng = self._settings, stream(self._settings.seed, "automatic mail", day)
        for number in range(poisson(rng, settings.automatic_share * settings.errands_per_day * 5 / 7)):
            kind = rng.choices([one for one, _ in _AUTOMATIC], [share for _, share in _AUTOMATIC])[0]
            at = midnight + DAY_S * rng.random()
            message = Message(
                f"a{day:%Y%m%d}.{number}@utskick.example",
                "mailer-daemon@mx.example"
                if kind is Automatic.BOUNCE
                else f"utskick{number}@utskick.example",
                (self._own,),
                "Meddelande",
                at,
                automatic=kind,
            )
            replies = [reply for reply in self._lately if reply.date < at]
            if kind is Automatic.AUTO_REPLY and replies:
                answered = rng.choice(replies)
                message = replace(
                    message,
                    sender=answered.recipients[0],
                    references=(*answered.references, answered.message_id),
                )
            yield self._inbox(message, at)

    def _correspond(self, rng: Random, thread: _Thread, need: Need, result: MailDay) -> None:
        sent, errand = thread.first(self._catalogue.topics[need.errands[0].topic].label), need.errands[0]
        date_header = sent.date + (rng.uniform(-30, 5) * DAY_S if rng.random() < _WRONG_DATE_SHARE else 0)
        incoming = self._inbox(replace(sent, date=date_header), need.at + rng.uniform(1, 20))
        result.messages.append(incoming)
        if rng.random() < _TWICE_SHARE:
            name = f"{int(incoming.at) + 2}.{incoming.name.split('.')[1]}d.sim"
            result.messages.append(replace(incoming, at=incoming.at + 2, name=name))
        never = rng.random() < self._never_of_unsolved
        at = self._work.after(incoming.at, self._delay(rng))
        registered, answers_too, follows = rng.uniform(20, 240), rng.random(), rng.random()
        if not errand.solved and never:
            return
        leg = incoming.leg
        result.handled.append(Handled(leg, at + registered, need.errands))
        if not errand.solved and errand.unit is not None:
            unit = self._catalogue.units[errand.unit]
            result.messages.append(self._sent(thread.forward(sent, unit.addresses[0], at), at))
            if answers_too >= _ANSWERED_TOO_SHARE:
                return
        reply = thread.reply(sent, at + 5)
        result.messages.append(self._sent(reply, at + 5))
        self._lately.append(reply)
        if follows < self._settings.thanks_share + self._settings.counter_question_share:
            thanks = follows < self._settings.thanks_share
            self._follow_up(rng, thread, reply, result, thanks=thanks)

    def _follow_up(
        self, rng: Random, thread: _Thread, reply: Message, result: MailDay, *, thanks: bool
    ) -> None:
        back_at = reply.date + 60 + rng.expovariate(1 / (3 * _HOUR_S))
        back = thread.again(reply, back_at)
        draft = self._inbox(back, back_at)
        result.messages.append(draft)
        if thanks:
            read_at = self._work.after(draft.at, rng.uniform(60, 2 * _HOUR_S))
            result.handled.append(Handled(draft.leg, read_at, (), thanks=True))
        else:
            answer_at = self._work.after(draft.at, self._delay(rng))
            result.messages.append(self._sent(thread.reply(back, answer_at), answer_at))

    def _delay(self, rng: Random) -> float:
        """Return after how many seconds of opening hours an answered mail is answered."""
        settings = self._settings
        drawn = rng.random() * (1 - settings.email_never_share)
        if drawn < settings.email_within_2h_share:
            return 120 + (2 * _HOUR_S - 130) * float(rng.random() ** 1.5)
        if drawn < settings.email_within_day_share:
            return 2 * _HOUR_S + 6 * _HOUR_S * rng.random()
        return 8 * _HOUR_S + min(60 + rng.expovariate(1 / (6 * _HOUR_S)), 20 * _HOUR_S)

    def _inbox(self, message: Message, at: float) -> Draft:
        for late in self._settings.scenarios.late_mail:
            if late.holds(at):
                at = late.end.timestamp()
        return self._draft(RecordKind.INBOX, message, at)

    def _sent(self, message: Message, at: float) -> Draft:
        return self._draft(RecordKind.SENT, message, at)

    def _draft(self, kind: RecordKind, message: Message, at: float) -> Draft:
        reference = message_ref(message.message_id)
        # Delivery times are whole seconds: the name's is that of the record.
        name = f"{int(at)}.M{reference[:20]}.sim"
        return Draft(float(int(at)), kind, message.to_bytes(), f"{self._settings.mailbox}:{reference}", name)


class _Thread:
    """The messages of one correspondence, with ids that are stable."""

    def __init__(self, settings: SimulationSettings, own: str, need: Need, name: str) -> None:
        self._own, self._need, self._name = own, need, f"s{settings.seed}.{name}"
        self._numbers = count()
        self._subject = ""

    def first(self, subject: str) -> Message:
        self._subject = subject
        return Message(
            self._id(self._need.customer.address),
            self._need.customer.address,
            (self._own,),
            subject,
            self._need.at,
        )

    def again(self, reply: Message, at: float) -> Message:
        subject = f"SV: {self._subject}"
        address = self._need.customer.address
        return Message(self._id(address), address, (self._own,), subject, at, _chain(reply))

    def reply(self, to: Message, at: float) -> Message:
        return Message(self._id(self._own), self._own, (to.sender,), f"SV: {self._subject}", at, _chain(to))

    def forward(self, original: Message, unit: str, at: float) -> Message:
        subject = f"VB: {self._subject}"
        return Message(self._id(self._own), self._own, (unit,), subject, at, _chain(original))

    def _id(self, address: str) -> str:
        return f"{self._name}.{next(self._numbers)}@{address.partition('@')[2]}"


def _chain(message: Message) -> tuple[str, ...]:
    return (*message.references, message.message_id)
