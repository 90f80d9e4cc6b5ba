"""Every alarm goes off and is over again, driven by what happens: events, reports, runs of verify."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from kommuncenter.delivery.deliver import Deliverer, Outcome
from kommuncenter.delivery.letter import Letter
from kommuncenter.delivery.records import ClickHouseDeliveries
from kommuncenter.delivery.settings import DeliverySettings
from kommuncenter.delivery.smtp import InDoubtError
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.clickhouse.queries import Query
from schemas.errors import RetriableError
from schemas.events import Event
from streams.ports import Archived
from streams.progress import Fetched
from tests.alarms.centre import MINUTE, Centre, centre, local
from tests.alarms.grafana import NO_LABELS
from tests.histories import event
from tests.services.clickhouse import clickhouse

__all__ = ["clickhouse"]

pytestmark = pytest.mark.integration

TUESDAY = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
"""Eight in the morning, when the centre opens."""
CALL = {"channel": "telephone"}
MAIL = {"channel": "email"}


@pytest.fixture
def running(clickhouse: EmbeddedClickHouse) -> Iterator[Centre]:
    """A centre without a history, on a Tuesday at eight."""
    with centre(clickhouse, TUESDAY) as found:
        found.take(call("0", TUESDAY))  # a source that has never given anything is silent
        yield found


def call(name: str, at: datetime, wait: timedelta | None = timedelta(seconds=10)) -> list[Event]:
    """Return a call that waits so long for its answer, or one that still waits."""
    leg = f"pbx1:{name}"
    queued = event("contact.queued", leg, at, queue="kommuncenter", **CALL)
    return [queued] if wait is None else [queued, *answer(name, at + wait)]


def answer(name: str, at: datetime) -> list[Event]:
    """Return the answer of a call, and its end."""
    leg, end = f"pbx1:{name}", at + timedelta(minutes=2)
    return [event("contact.answered", leg, at, **CALL), event("contact.ended", leg, end, **CALL)]


def calls(since: datetime, until: datetime, every: timedelta, wait: timedelta) -> list[Event]:
    """Return answered calls at equal distances."""
    found, at = [], since
    while at < until:
        found += call(f"{at:%m%d%H%M%S}", at, wait)
        at += every
    return found


def mails(first: int, many: int, at: datetime) -> list[Event]:
    """Return so many mails."""
    return [
        event(
            "contact.received",
            f"kommun:{number:032x}",
            at + number * MINUTE,
            "mail",
            mailbox="kommun",
            message=f"{number:032x}",
            **MAIL,
        )
        for number in range(first, first + many)
    ]


def replies(to: Sequence[Event], at: datetime) -> list[Event]:
    """Return an answer to each mail."""
    return [
        event("contact.replied", mail.subject, at, "mail", mailbox="kommun", message=f"{number:032x}", **MAIL)
        for number, mail in enumerate(to, start=1000)
    ]


def test_nothing_alerts_while_all_is_well(running: Centre) -> None:
    running.take(calls(TUESDAY, TUESDAY + 20 * MINUTE, MINUTE, timedelta(seconds=10)))
    assert running.look(TUESDAY + 20 * MINUTE) == running.look(TUESDAY + 40 * MINUTE) == {}
    assert all(rule.instances for rule in running.alerting.rules.values()), "each says that it is well"


def test_surge(clickhouse: EmbeddedClickHouse) -> None:
    five_weeks = [TUESDAY - timedelta(weeks=n) for n in range(1, 6)]
    with centre(clickhouse, five_weeks[-1]) as running:
        running.watched = "kc-anstormning"
        quarter, ten = 15 * MINUTE, timedelta(seconds=10)
        for day in (*five_weeks, TUESDAY):
            running.take(calls(day, day + timedelta(hours=8), quarter, ten))
        running.proved(TUESDAY)
        leak = calls(TUESDAY + timedelta(seconds=30), TUESDAY + 4 * quarter, MINUTE, ten)
        running.take(leak)
        assert running.look(TUESDAY + quarter) == {}
        told = running.look(TUESDAY + quarter + 2 * MINUTE)
        assert told == {"kc-anstormning": [(("amne", "alla kontakter"),)]}
        running.looks(TUESDAY + 2 * quarter, TUESDAY + 8 * quarter, quarter)
        assert "kc-anstormning" in running.alerting.firing(), "an hour of quiet has not passed"
        assert running.look(TUESDAY + 8 * quarter + 2 * MINUTE) == {}


def test_silent_source(clickhouse: EmbeddedClickHouse) -> None:
    weeks, ten = [TUESDAY - timedelta(weeks=n) for n in range(5, 0, -1)], timedelta(seconds=10)
    with centre(clickhouse, weeks[0]) as running:
        running.watched = "kc-tyst-kalla"
        for day in weeks:
            running.take(calls(day, day + timedelta(hours=8), 3 * MINUTE, ten))
        last = local(TUESDAY, 10)
        running.proved(last)
        running.take(calls(TUESDAY, last, 3 * MINUTE, ten))
        assert running.looks(last, last + 24 * MINUTE, 6 * MINUTE) == {}
        told = running.looks(last + 28 * MINUTE, last + 32 * MINUTE, 2 * MINUTE)
        assert told == {"kc-tyst-kalla": [(("kalla", "pbx1"),)]}
        back = calls(last + 33 * MINUTE, last + 34 * MINUTE, MINUTE, ten)
        running.take(back)
        assert running.look(last + 36 * MINUTE) == {}


def test_the_night_and_a_closed_day_are_no_silence(clickhouse: EmbeddedClickHouse) -> None:
    weeks, ten = [TUESDAY - timedelta(weeks=n) for n in range(4, -1, -1)], timedelta(seconds=10)
    with centre(clickhouse, weeks[0]) as running:
        running.watched = "kc-tyst-kalla"
        for week in weeks:
            for day in (week, week + timedelta(days=1)):
                if day < TUESDAY + timedelta(days=1):
                    running.take(calls(day, day + timedelta(hours=8), 6 * MINUTE, ten))
        running.proved(TUESDAY)
        night = running.looks(local(TUESDAY, 16), local(TUESDAY, 23, 45), 120 * MINUTE)
        assert night == {}
        tomorrow = TUESDAY + timedelta(days=1)
        assert running.looks(local(tomorrow, 0), local(tomorrow, 8), 120 * MINUTE) == {}
        assert "kc-tyst-kalla" in running.looks(local(tomorrow, 9, 30), local(tomorrow, 9, 32))


def test_unread_source(running: Centre) -> None:
    running.watched = "kc-olast-kalla"
    assert running.look(TUESDAY) == {}
    running.reading = False
    assert running.looks(TUESDAY + MINUTE, TUESDAY + 10 * MINUTE) == {}
    told = running.looks(TUESDAY + 11 * MINUTE, TUESDAY + 12 * MINUTE)
    assert told == {"kc-olast-kalla": [(("kalla", "pbx1"),)]}
    running.reading = True
    assert running.look(TUESDAY + 13 * MINUTE) == {}


def test_service_level(running: Centre) -> None:
    running.watched = "kc-serviceniva"
    hour, slow = timedelta(hours=1), timedelta(seconds=200)
    running.take(calls(TUESDAY, TUESDAY + 8 * 2 * MINUTE, 2 * MINUTE, slow))
    assert running.looks(TUESDAY + 20 * MINUTE, TUESDAY + 35 * MINUTE, 5 * MINUTE) == {}, "nine say nothing"
    running.take(calls(TUESDAY + 36 * MINUTE, TUESDAY + hour, 2 * MINUTE, slow))
    assert running.looks(TUESDAY + hour, TUESDAY + hour + 9 * MINUTE, 3 * MINUTE) == {}
    assert running.look(TUESDAY + hour + 10 * MINUTE) == {"kc-serviceniva": [NO_LABELS]}
    quick = calls(TUESDAY + hour + 11 * MINUTE, TUESDAY + 3 * hour, 2 * MINUTE, timedelta(seconds=10))
    running.take(quick)
    assert running.look(TUESDAY + 3 * hour) == {}


def test_service_level_says_nothing_when_the_centre_is_closed(running: Centre) -> None:
    running.watched = "kc-serviceniva"
    closing = local(TUESDAY, 16)
    running.take(calls(closing - 40 * MINUTE, closing, 2 * MINUTE, timedelta(seconds=200)))
    assert running.looks(closing, closing + 60 * MINUTE, 5 * MINUTE) == {}


def test_longest_wait(running: Centre) -> None:
    running.watched = "kc-langsta-vantan"
    running.take(call("1", TUESDAY + MINUTE, wait=None))
    assert running.looks(TUESDAY + 2 * MINUTE, TUESDAY + 17 * MINUTE) == {}
    told = running.looks(TUESDAY + 18 * MINUTE, TUESDAY + 19 * MINUTE)
    assert told == {"kc-langsta-vantan": [(("kanal", "telefon"),)]}
    running.take(answer("1", TUESDAY + 20 * MINUTE))
    assert running.look(TUESDAY + 20 * MINUTE) == {}


def test_nobody_waits_when_the_centre_is_closed(running: Centre) -> None:
    running.watched = "kc-langsta-vantan"
    closing = local(TUESDAY, 16)
    running.take(call("1", closing - 5 * MINUTE, wait=None))
    assert running.looks(closing, closing + 60 * MINUTE, 5 * MINUTE) == {}


def test_overdue_mail(running: Centre) -> None:
    running.watched = "kc-forsenade-mejl"
    came = mails(1, 12, TUESDAY)
    running.take(came)
    due = TUESDAY + timedelta(days=1)
    assert running.looks(TUESDAY + 60 * MINUTE, due, timedelta(hours=3)) == {}
    running.take(replies(came[:2], due - timedelta(hours=1)))
    assert running.looks(due + 30 * MINUTE, due + 60 * MINUTE, 5 * MINUTE) == {}, "ten are not many"
    late = mails(20, 3, TUESDAY + 30 * MINUTE)
    running.take(late)
    assert running.looks(due + 65 * MINUTE, due + 75 * MINUTE, 5 * MINUTE) == {}, "it has to last"
    assert running.look(due + 80 * MINUTE) == {"kc-forsenade-mejl": [NO_LABELS]}
    running.take(replies([*came, *late], due + 85 * MINUTE))
    assert running.look(due + 90 * MINUTE) == {}


def test_rejected_records(running: Centre) -> None:
    running.watched = "kc-avvisade-poster"
    good = calls(TUESDAY, TUESDAY + 20 * MINUTE, MINUTE, timedelta(seconds=10))
    running.clock.at = TUESDAY + 20 * MINUTE
    running.take(good)
    assert running.look(TUESDAY + 21 * MINUTE) == {}
    for number in range(5):
        running.world.events.append_to(0, b"ENTERQUEUE in a new way: %d" % number)
    running.take([])
    told = running.looks(TUESDAY + 22 * MINUTE, TUESDAY + 23 * MINUTE)
    assert told == {"kc-avvisade-poster": [(("kalla", "pbx1"),)]}
    assert running.looks(TUESDAY + 80 * MINUTE, TUESDAY + 84 * MINUTE, 2 * MINUTE) == {}


def test_worker_away(running: Centre) -> None:
    running.watched = "kc-arbetare-borta"
    assert running.look(TUESDAY) == {}
    gone, running.worker = running.worker, None
    assert running.looks(TUESDAY + MINUTE, TUESDAY + 2 * MINUTE) == {}
    assert running.looks(TUESDAY + 3 * MINUTE, TUESDAY + 4 * MINUTE) == {"kc-arbetare-borta": [NO_LABELS]}
    running.start()
    assert running.look(TUESDAY + 5 * MINUTE) == {}
    assert gone is not running.worker


def test_a_worker_that_is_left_with_some_of_the_partitions_is_half_away(running: Centre) -> None:
    running.watched = "kc-arbetare-borta"
    running.start(0)
    told = running.looks(TUESDAY, TUESDAY + 3 * MINUTE)
    assert told == {"kc-arbetare-borta": [NO_LABELS]}


def test_lag(running: Centre) -> None:
    running.watched = "kc-efterslapning"
    place = ("kc.events.pbx1", 0)
    running.progress.fetched(place, Fetched(0, 9, TUESDAY.timestamp()))
    assert running.looks(TUESDAY + MINUTE, TUESDAY + 5 * MINUTE) == {}
    assert running.look(TUESDAY + 6 * MINUTE) == {"kc-efterslapning": [NO_LABELS]}
    running.progress.done(place, 9, 10)
    assert running.look(TUESDAY + 7 * MINUTE) == {}


def test_a_worker_that_waits_lags(running: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it waits for need not be the store: here it is refused, and the reports get through."""
    running.watched = "kc-efterslapning"
    store, worker = running.world.real, running.worker
    assert store is not None
    assert worker is not None

    failed, back, archive = asyncio.Event(), threading.Event(), store.archive

    def refuse(events: Sequence[Archived]) -> None:
        if back.is_set():
            return archive(events)
        running.runner.get_loop().call_soon_threadsafe(failed.set)
        raise RetriableError("the archive is away")

    async def begin() -> asyncio.Task[object]:
        batch = running.world.events.poll(9)
        task = asyncio.create_task(worker.take_events(batch))
        await failed.wait()
        return task

    async def end(task: asyncio.Task[object]) -> None:
        await task

    monkeypatch.setattr(store, "archive", refuse)
    running.clock.at = TUESDAY
    running.world.publish(call("1", TUESDAY))
    task = running.runner.run(begin())
    assert running.looks(TUESDAY, TUESDAY + 5 * MINUTE) == {}
    assert running.look(TUESDAY + 6 * MINUTE) == {"kc-efterslapning": [NO_LABELS]}
    back.set()
    running.runner.run(end(task))
    assert running.look(TUESDAY + 7 * MINUTE) == {}


def test_verify_failed(running: Centre) -> None:
    running.watched = "kc-kontroll-fel"
    running.take(calls(TUESDAY, TUESDAY + 20 * MINUTE, 5 * MINUTE, timedelta(seconds=10)))
    running.clock.at = TUESDAY + 20 * MINUTE
    assert running.verify()
    changed = "SELECT * REPLACE (offered + 1 AS offered, revision + 1 AS revision)"
    one = "SELECT * FROM service_days FINAL WHERE offered > 0 LIMIT 1"
    running.database.command(f"INSERT INTO service_days {changed} FROM ({one})")
    assert running.look(TUESDAY + 21 * MINUTE) == {}, "nobody has looked yet"
    assert not running.verify()
    assert running.look(TUESDAY + 22 * MINUTE) == {"kc-kontroll-fel": [NO_LABELS]}
    running.start()
    running.clock.at = TUESDAY + 23 * MINUTE
    assert running.verify()
    assert running.look(TUESDAY + 24 * MINUTE) == {}


def test_verify_away(running: Centre) -> None:
    running.watched = "kc-kontroll-utebliven"
    assert running.looks(TUESDAY, TUESDAY + timedelta(days=2), timedelta(hours=8)) == {}
    begun = TUESDAY + timedelta(days=2, minutes=1)
    assert running.looks(begun, begun + 55 * MINUTE, 5 * MINUTE) == {}
    assert running.look(begun + 60 * MINUTE) == {"kc-kontroll-utebliven": [NO_LABELS]}
    assert running.verify()
    assert running.look(begun + 61 * MINUTE) == {}


class Unsure:
    """A mail server that stops answering, until it is mended."""

    mended = False

    def send(self, *_: object) -> dict[str, int]:
        """Take a mail, or leave a doubt."""
        if not self.mended:
            raise InDoubtError("stopped answering")
        return {}


def test_a_report_in_doubt(running: Centre) -> None:
    running.watched = "kc-rapport-ej-levererad"
    settings = DeliverySettings(host="localhost", sender="k@kommun.example", recipients=("c@kommun.example",))
    server, log = Unsure(), ClickHouseDeliveries(running.database)
    deliverer = Deliverer(settings, log, server, running.clock)
    letter = Letter("2026-W47", "all", "Veckorapport", "Sammanfattning", {})
    running.clock.at = TUESDAY
    assert deliverer.deliver(letter) is Outcome.IN_DOUBT
    assert running.looks(TUESDAY, TUESDAY + 14 * MINUTE, 7 * MINUTE) == {}, "it may be under way"
    assert running.look(TUESDAY + 15 * MINUTE) == {"kc-rapport-ej-levererad": [NO_LABELS]}
    server.mended = True
    assert deliverer.resend(log.deliveries()[0], letter) is Outcome.SENT
    assert running.look(TUESDAY + 16 * MINUTE) == {}


def test_a_store_that_is_away_is_told_once(running: Centre) -> None:
    assert running.look(TUESDAY) == {}

    class Away:
        """A store that does not answer."""

        def rows(self, query: Query) -> Sequence[Sequence[object]]:
            """Fail."""
            raise RetriableError(query.sql[:9])

        def insert(self, *_: object) -> None:
            """Fail."""
            raise AssertionError

    for minute in range(1, 4):
        running.alerting.evaluate(Away(), TUESDAY + minute * MINUTE)
    assert running.alerting.firing() == {"kc-arbetare-borta": [NO_LABELS]}
    assert running.look(TUESDAY + 4 * MINUTE) == {}
