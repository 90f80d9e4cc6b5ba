"""Processes that deliver, and are killed (SIGKILL, by themselves) at a named point on the way."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from kommuncenter.database import ClickHouseDatabase
from kommuncenter.delivery.deliver import Deliverer
from kommuncenter.delivery.letter import Letter
from kommuncenter.delivery.records import ClickHouseDeliveries, Delivery, Record, Step
from kommuncenter.delivery.settings import DeliverySettings
from kommuncenter.delivery.smtp import SmtpMailer
from kommuncenter.settings import ClickHouseSettings

LETTER = Letter(
    "2026-W47", "all", "Veckorapport, vecka 47", "Sammanfattning.\n", {"rapport.html": b"<p>Rapport</p>"}
)
POINTS = (
    "before the intent",
    "after the intent",
    "before the mail",
    "in the middle of the mail",
    "after the answer",
    "before the mark",
    "after the mark",
)
TAKEN_BY_THEN = {"after the answer", "before the mark", "after the mark"}


class NowClock:
    """The real time."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)


def die() -> None:
    """End at once: no finally, no goodbye to the server."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingLog:
    """The real log, around whose steps the process may die."""

    def __init__(self, log: ClickHouseDeliveries, point: str) -> None:
        self._log, self._point = log, point

    def add(self, record: Record) -> None:
        """Add a step, if the process lives."""
        before, after = {
            Step.INTENDED: ("before the intent", "after the intent"),
            Step.SENT: ("before the mark", "after the mark"),
        }.get(record.step, ("", ""))
        if self._point == before:
            die()
        self._log.add(record)
        if self._point == after:
            die()

    def deliveries(self, delivery: str | None = None) -> Sequence[Delivery]:
        """Return what is known."""
        return self._log.deliveries(delivery)


class DyingMailer(SmtpMailer):
    """The real mailer, around whose mail the process may die."""

    def __init__(self, settings: DeliverySettings, point: str) -> None:
        super().__init__(settings)
        self._point = point

    def _content(self, server: smtplib.SMTP, message: EmailMessage) -> int:
        if self._point == "before the mail":
            die()
        if self._point == "in the middle of the mail":
            server.send(message.as_bytes()[:200])
            die()
        code = super()._content(server, message)
        if self._point == "after the answer":
            die()
        return code


def deliver(given: dict[str, Any]) -> None:
    """Deliver with the settings given, and die where it says."""
    settings = DeliverySettings.model_validate(given["delivery"])
    database = ClickHouseDatabase(ClickHouseSettings.model_validate(given["clickhouse"]))
    log = DyingLog(ClickHouseDeliveries(database), given["point"])
    Deliverer(settings, log, DyingMailer(settings, given["point"]), NowClock()).deliver(LETTER)


def main() -> None:
    """For each line of JSON deliver in a child, and tell how it ended: the modules are imported once."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            deliver(json.loads(line))
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
