"""Delivering: the intent is recorded first, then the mail is sent, then that it is sent (CORRECTIONS 35).

A process that dies in between leaves an intent without an end: the delivery is in doubt, is shown, and is
sent again only when a person says so, under the same Message-ID.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import stamina
import structlog

from kommuncenter.delivery.letter import Letter, message_of
from kommuncenter.delivery.records import Delivery, DeliveryLog, Record, State, Step, Which, digest_of
from kommuncenter.delivery.settings import DeliverySettings
from kommuncenter.delivery.smtp import InDoubtError, Mailer, NeverSentError, NotSentError
from schemas.clock import Clock
from schemas.errors import ConfigurationError

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What came of being asked to deliver."""

    SENT = "sent"
    DONE_BEFORE = "done before"
    IN_DOUBT = "in doubt"
    YIELDED = "yielded"
    """Another process delivers it."""
    NOT_NOW = "not now"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Delivers letters. The log and the mailer are ports; both block."""

    settings: DeliverySettings
    log: DeliveryLog
    mailer: Mailer
    clock: Clock
    nonce: Callable[[], str] = lambda: secrets.token_hex(8)
    first_wait: float = 5.0
    """Between two tries in a row, in seconds; each further one is twice as long."""

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom it is for: in test mode that one address."""
        chosen = self.settings
        return (chosen.test_recipient,) if chosen.test_recipient else chosen.recipients

    def which(self, period: str, scope: str, correction: int = 0) -> Which:
        """Return the delivery of a report to the present recipients."""
        digests = tuple(map(digest_of, self.recipients))
        return Which(period, scope, digests, bool(self.settings.test_recipient), correction)

    def known(self, period: str, scope: str) -> Sequence[Delivery]:
        """Return the deliveries of a report, to whatever recipients, the latest first."""
        test = bool(self.settings.test_recipient)
        return [
            found
            for found in self.log.deliveries()
            if (found.which.period, found.which.scope, found.which.test) == (period, scope, test)
        ]

    def due(self, period: str, scope: str) -> bool:
        """Tell whether a report may go out unasked: none of it has been sent, is in doubt, or has failed.

        To whom it was sent does not matter: new recipients get the next one.
        """
        return all(found.state is State.OPEN for found in self.known(period, scope))

    def deliver(self, letter: Letter, *, correction: bool = False) -> Outcome:
        """Deliver a letter, unless it is or may be delivered. Asked for by the clock or by a person.

        Recipients who had it in an earlier delivery do not get it again. With ``correction`` it is a new
        delivery to all. Raises ConfigurationError for a correction of what was never sent.
        """
        known = self.known(letter.period, letter.scope)
        number = _corrections(known) + 1 if correction else 0
        if correction and not any(found.state is State.SENT for found in known):
            raise ConfigurationError(
                f"{letter.period}: was never sent, so there is nothing to correct; leave out --correction"
            )
        which = self.which(letter.period, letter.scope, number)
        mine = next((found for found in known if found.which.id == which.id), None)
        if mine is not None and mine.state is not State.OPEN:
            return {State.SENT: Outcome.DONE_BEFORE, State.IN_DOUBT: Outcome.IN_DOUBT}.get(
                mine.state, Outcome.FAILED
            )
        had = set() if correction else _had(known)
        left = [address for address in self.recipients if digest_of(address) not in had]
        return self._attempt(letter, which, left) if left else Outcome.DONE_BEFORE

    def resend(self, delivery: Delivery, letter: Letter) -> Outcome:
        """Send again what is in doubt or has failed; of what is sent, to those that the server refused.

        Raises ConfigurationError where the recipients stand in the settings no longer.
        """
        if not delivery.missing:
            return Outcome.DONE_BEFORE
        wanted = delivery.missing
        addresses = [address for address in self.recipients if digest_of(address) in wanted]
        if len(addresses) != len(wanted):
            raise ConfigurationError(
                f"{delivery.which.id}: was for recipients that delivery.recipients names no longer; the new "
                "ones get it by `kommuncenter deliver send`"
            )
        seen = {record.attempt for record in delivery.records}
        return self._attempt(letter, delivery.which, addresses, seen)

    def _attempt(
        self, letter: Letter, which: Which, recipients: Sequence[str], seen: Collection[str] = ()
    ) -> Outcome:
        """Claim, send, and record what became of it.

        ``seen`` are the attempts that the person knew of who asks for another; any other goes first.
        """
        attempt = self.nonce()
        self.log.add(Record(which, attempt, Step.INTENDED, self.clock.now()))
        [claimed] = self.log.deliveries(which.id)
        if claimed.going_on_or_sent() - {attempt, *seen}:
            self.log.add(Record(which, attempt, Step.YIELDED, self.clock.now()))
            return Outcome.YIELDED
        try:
            refused = self._sent(letter, which, recipients)
        except (NotSentError, NeverSentError) as error:
            transient = isinstance(error, NotSentError)
            failed = Record(
                which, attempt, Step.FAILED, self.clock.now(), transient=transient, reason=str(error)
            )
            self.log.add(failed)
            log.error("report_not_sent", period=letter.period, transient=transient, reason=str(error))
            return Outcome.NOT_NOW if transient else Outcome.FAILED
        except InDoubtError as error:
            log.error("report_in_doubt", period=letter.period, delivery=which.id, reason=str(error))
            return Outcome.IN_DOUBT
        self.log.add(Record(which, attempt, Step.SENT, self.clock.now(), refused))
        log.info("report_sent", period=letter.period, delivery=which.id, refused=len(refused))
        return Outcome.SENT

    def _sent(self, letter: Letter, which: Which, recipients: Sequence[str]) -> dict[str, int]:
        """Send, again and again while the server surely has not taken it; return who was refused."""
        chosen = self.settings
        message_id = f"<{which.id}@{chosen.sender.rpartition('@')[2]}>"
        message = message_of(
            letter,
            chosen.sender,
            recipients,
            message_id,
            self.clock.now(),
            test=which.test,
            correction=which.correction,
        )
        for attempt in stamina.retry_context(
            on=NotSentError,
            attempts=chosen.attempts,
            timeout=None,
            wait_initial=self.first_wait,
            wait_max=300.0,
        ):
            with attempt:
                refused = self.mailer.send(message, chosen.sender, recipients)
        return {digest_of(address): code for address, code in refused.items()}


def _corrections(known: Sequence[Delivery]) -> int:
    return max((found.which.correction for found in known), default=0)


def _had(known: Sequence[Delivery]) -> set[str]:
    """Return who has, or perhaps has, the report already."""
    return {
        who
        for found in known
        if found.state in {State.SENT, State.IN_DOUBT}
        for who in found.which.recipients
        if found.state is State.IN_DOUBT or who not in found.missing
    }
