"""On the engine: days freeze, are changed by hand or by what comes late, and are mended by a rebuild."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.catalogue import load_catalogue
from schemas.clickhouse.queries import Query
from schemas.errors import ConfigurationError, RetriableError
from schemas.events import Event
from schemas.legs import revision
from schemas.timebase import day_start, local_day
from streams.ports import Horizon
from streams.rebuild import Rebuilder
from streams.sink import ClickHouseStore
from streams.verify.compare import Kept, Verification, Verifier
from streams.worker import Worker
from tests.histories import START, event, party
from tests.services.clickhouse import clickhouse, migrated
from tests.streams.test_laws import PARTITIONS
from tests.streams.test_worker import World, finish, owner, work

__all__ = ["clickhouse"]

pytestmark = pytest.mark.integration

CALL = {"channel": "telephone"}
OPENED = local_day(START)
MONTHS_LATER = START + timedelta(days=50)
NO_WAIT = timedelta(0)


@dataclass
class SetClock:
    """Shows what it is set to, and a little more each time: no two instants are the same."""

    at: datetime = START

    def now(self) -> datetime:
        """Return the instant."""
        self.at += timedelta(milliseconds=1)
        return self.at


@dataclass
class Installed:
    """A store on the engine, topics, and workers that come and go."""

    database: ClickHouseDatabase
    clock: SetClock = field(default_factory=SetClock)
    kept: Kept = field(default_factory=lambda: Kept(pseudonyms=35))

    def __post_init__(self) -> None:
        self.store = ClickHouseStore(self.database, self.clock, settled=NO_WAIT, pseudonym_days=35)
        self.world = World(real=self.store)

    def take(self, events: Sequence[Event], at: datetime) -> None:
        """Let a new worker take over at an instant, and work events in."""
        self.clock.at = max(at, self.clock.at)
        self.world.publish(events)
        asyncio.run(work(self.world, 9))

    def verify(self) -> Verification:
        """Hold everything against everything."""
        return Verifier(self.database, load_catalogue(), self.clock, lambda: 0, self.kept).verify()

    def rebuilder(self) -> Rebuilder:
        """Return what asks for a rebuild."""
        return Rebuilder(self.database, self.clock, lambda: 0, PARTITIONS, self.kept)

    def rebuild(self, since: date) -> int:
        """Rebuild while a worker runs, which freezes the days again; return how many late events it took."""

        async def scene() -> int:
            worker = await owner(self.world)
            asked = self.rebuilder().ask(since)
            await self.renew(worker)
            self.rebuilder().see_through(asked, NO_WAIT)
            await self.renew(worker)
            return asked.late

        return asyncio.run(scene())

    async def renew(self, worker: Worker) -> None:
        """Let a running worker see that the horizon has moved, and do what there is to do."""
        assert await worker.renew()
        await worker.ready()
        await finish(self.world, worker, 9)
        assert not await worker.renew()

    def days(self) -> list[tuple[Any, ...]]:
        """Return the figures of all days."""
        sql = """SELECT day, channel, area, topic, unit, sum(offered), sum(errands), sum(fcr_final_7d),
    sum(traceable), sum(mail_due), sum(mail_in_time), sum(redial)
FROM service_days_current GROUP BY day, channel, area, topic, unit ORDER BY ALL"""
        return [tuple(row) for row in self.database.rows(Query(sql))]


@pytest.fixture
def installed(clickhouse: EmbeddedClickHouse) -> Iterator[Installed]:
    """An empty installation."""
    with migrated(clickhouse) as database:
        yield Installed(database)


def call(number: int, at: datetime, who: int | None = 1, talk: int = 200) -> list[Event]:
    """Return an answered call."""
    leg, told = f"pbx1:{number}", {"party": party(who)} if who else {}
    return [
        event("contact.queued", leg, at, queue="kommuncenter", **CALL, **told),
        event("contact.answered", leg, at + timedelta(seconds=20), **CALL),
        event("contact.ended", leg, at + timedelta(seconds=20 + talk), talk_ms=talk * 1000, **CALL),
    ]


def mail(number: int, at: datetime, *references: str) -> Event:
    """Return a message."""
    ref = f"{number:032x}"
    said = {"channel": "email", "mailbox": "kommun", "message": ref, "references": references}
    return event("contact.received", f"kommun:{ref}", at, "mail", party=party(2), **said)


def autumn() -> list[Event]:
    """Seven weeks with a call every other day, some of which repeat, and a thread that goes on and on."""
    events: list[Event] = []
    for number in range(0, 50, 2):
        events += call(number, START + timedelta(days=number, hours=number % 7), who=number % 5 or None)
        events.append(
            mail(number, START + timedelta(days=number, hours=9), *[f"{n:032x}" for n in range(number)])
        )
    return events


def test_days_freeze_while_a_worker_runs_and_what_reaches_over_stays(installed: Installed) -> None:
    installed.take([], START)

    async def scene() -> None:
        worker = await owner(installed.world)
        moved = 0
        for item in sorted(autumn(), key=lambda e: (e.time, e.id)):
            installed.clock.at = max(installed.clock.at, item.time)
            installed.world.publish([item])
            await finish(installed.world, worker, 9)
            if await worker.renew():
                moved += 1
                await worker.ready()
        assert moved > 10
        states = [future.result() for future in worker._owned.values()]
        assert min(len(state.one.legs) for state in states) > 0
        assert all(leg not in state.one.legs for state in states for leg in ("pbx1:0", "pbx1:2"))

    asyncio.run(scene())
    found = installed.verify()
    assert found.equal, found.differences
    assert (found.late, found.awaiting_rebuild) == (0, 0)
    assert found.events == len(autumn())


def test_what_a_zombie_wrote_does_not_come_to_light_when_the_horizon_has_passed_it(
    installed: Installed,
) -> None:
    installed.take(call(1, START), START)
    installed.take([], START)
    written = installed.days()
    installed.database.command(
        f"""INSERT INTO service_days (day, partition, channel, revision, offered)
VALUES ('{OPENED}', 0, 'visit', {revision(1, 999)}, 7)"""
    )
    assert installed.days() == written
    installed.take(call(2, MONTHS_LATER), MONTHS_LATER)
    installed.take([], MONTHS_LATER)
    assert installed.store.horizon().at > day_start(OPENED) + timedelta(days=7)
    assert [row for row in installed.days() if row[0] == OPENED] == written


def test_what_comes_late_counts_after_a_rebuild(installed: Installed) -> None:
    """CORRECTIONS 12: archived as late, told by verify, taken in by a rebuild."""
    installed.take([*call(1, START), *call(2, MONTHS_LATER)], MONTHS_LATER)
    late = call(3, START + timedelta(days=2))  # of the same person: the first call becomes a repeated one
    installed.take(late, MONTHS_LATER)
    found = installed.verify()
    assert (found.equal, found.late, found.awaiting_rebuild) == (True, 3, 0)
    before = installed.days()
    assert installed.rebuild(OPENED) == 3
    found = installed.verify()
    assert found.equal, found.differences
    assert (found.late, found.events) == (0, 9)
    assert len(installed.days()) == len(before) + 1
    solved_for_good = {row[0]: row[7] for row in installed.days() if row[6]}
    assert solved_for_good[OPENED] == 0
    assert not installed.rebuilder().open()


def test_what_changes_a_frozen_day_without_being_late_awaits_a_rebuild(installed: Installed) -> None:
    """A call of three weeks ago comes only now: its day is open, but that of the call it repeats is not."""
    first, then = START, START + timedelta(days=20)
    installed.take([*call(1, first), *call(2, first + timedelta(days=40))], first + timedelta(days=40))
    installed.take(call(3, then), first + timedelta(days=41))
    found = installed.verify()
    assert found.equal, found.differences
    assert (found.late, found.awaiting_rebuild) == (0, 1)
    assert installed.rebuild(OPENED) == 0
    found = installed.verify()
    assert (found.equal, found.awaiting_rebuild) == (True, 0)


@pytest.mark.parametrize(
    ("day", "change"),
    [
        (OPENED, "ALTER TABLE service_days UPDATE offered = offered + 6 WHERE channel = 'telephone'"),
        (OPENED, "ALTER TABLE service_windows DELETE WHERE channel = 'telephone'"),
        (OPENED, "ALTER TABLE contacts UPDATE taken = 0 WHERE contact_id = 'pbx1:1'"),
        (OPENED, "ALTER TABLE contacts DELETE WHERE contact_id = 'pbx1:1'"),
        (
            OPENED,
            "INSERT INTO service_days (day, partition, channel, revision, offered) "
            f"VALUES ('{OPENED}', 1, 'visit', {revision(900, 1)}, 7)",
        ),
        (
            local_day(MONTHS_LATER),
            "INSERT INTO service_days (day, partition, channel, revision, offered) "
            f"VALUES ('{local_day(MONTHS_LATER)}', 1, 'visit', {revision(900, 1)}, 7)",
        ),
    ],
    ids=[
        "a frozen day",
        "windows lost",
        "a contact changed",
        "a contact lost",
        "a row too many",
        "an open day",
    ],
)
def test_a_row_changed_by_hand_is_found_named_and_mended(
    installed: Installed, day: date, change: str
) -> None:
    """Part 2, 'Done when' 3."""
    installed.take([*call(1, START), *call(2, MONTHS_LATER)], MONTHS_LATER)
    installed.take([], MONTHS_LATER)
    assert installed.verify().equal
    installed.database.command(
        f"{change} SETTINGS mutations_sync = 2" if change.startswith("ALTER") else change
    )
    found = installed.verify()
    assert not found.equal
    assert any("pbx1:1" in d.where or str(day) in d.where for d in found.differences)
    installed.rebuild(day)
    found = installed.verify()
    assert found.equal, found.differences


def test_figures_of_closed_weeks_outlive_events_and_pseudonyms(installed: Installed) -> None:
    """Part 2: retention changes no figure, whoever takes over after it."""
    installed.take(autumn(), START + timedelta(days=50))
    installed.kept = Kept(events=60, pseudonyms=35)
    much_later = START + timedelta(days=120)
    installed.take(call(99, much_later), much_later)
    before = installed.days()
    expired = (much_later - timedelta(days=60)).strftime("%Y-%m-%d %H:%M:%S")
    nameless = local_day(much_later) - timedelta(days=35)
    for statement in (
        f"ALTER TABLE events DELETE WHERE occurred_at < '{expired}'",
        f"ALTER TABLE legs DELETE WHERE arrived_at < '{expired}'",
        f"ALTER TABLE contacts UPDATE party = '' WHERE day < '{nameless}'",
    ):
        installed.database.command(f"{statement} SETTINGS mutations_sync = 2")
    installed.take(call(100, much_later), much_later + timedelta(hours=1))
    assert [row for row in installed.days() if row[0] != local_day(much_later)] == [
        row for row in before if row[0] != local_day(much_later)
    ]
    assert installed.verify().equal
    with pytest.raises(ConfigurationError, match="have begun to expire"):
        installed.rebuilder().ask(OPENED)
    assert not installed.rebuilder().open()


def test_pseudonyms_of_old_days_are_not_written_again(installed: Installed) -> None:
    """A rebuild opens days whose parties the store has blanked."""
    installed.take([*call(1, START), *call(2, MONTHS_LATER)], MONTHS_LATER)
    installed.rebuild(OPENED)
    sql = "SELECT contact_id, party != '' FROM contacts_current ORDER BY contact_id"
    assert [tuple(row) for row in installed.database.rows(Query(sql))] == [("pbx1:1", 0), ("pbx1:2", 1)]
    assert installed.verify().equal


def test_a_rebuild_that_no_worker_takes_up_stays_open(installed: Installed) -> None:
    installed.take([*call(1, START), *call(2, MONTHS_LATER)], MONTHS_LATER)
    asked = installed.rebuilder().ask(OPENED)
    with pytest.raises(RetriableError, match="0 of 3 partitions are taken over"):
        installed.rebuilder().see_through(asked, NO_WAIT)
    assert installed.rebuilder().open() == [asked]
    installed.take([], MONTHS_LATER)  # the next worker that starts does it
    behind = Rebuilder(installed.database, installed.clock, lambda: 4, PARTITIONS)
    with pytest.raises(RetriableError, match="4 records behind"):
        behind.see_through(asked, NO_WAIT)
    installed.rebuilder().see_through(asked, NO_WAIT)
    assert not installed.rebuilder().open()


def test_the_horizon_waits_until_history_has_settled(installed: Installed) -> None:
    """Sources read history side by side: the fastest must not freeze the days of the slowest."""
    store = ClickHouseStore(installed.database, installed.clock)
    installed.take(call(1, START), START)
    assert store.horizon().at.year == 2000
    installed.clock.at = START + timedelta(hours=25)
    assert store.horizon() == Horizon(day_start(OPENED - timedelta(days=32)))
