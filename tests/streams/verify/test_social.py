"""Snapshots of social media: archived as every event, read as gauges, and in no contact and no figure."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from schemas.clickhouse.queries import Query
from schemas.clickhouse.social import SocialGauge, social_query
from schemas.events import SocialMetric, SocialSnapshot, SocialSnapshotData
from schemas.identity import stable_hash
from streams.core.stage1 import Stage1
from tests.histories import START
from tests.streams.test_worker import World, owner, work
from tests.streams.verify.conftest import Installed
from tests.streams.verify.test_compare import a_day

DAY = date(2026, 11, 2)


def snapshot(
    last: date,
    value: int,
    metric: SocialMetric = SocialMetric.FOLLOWERS,
    *,
    account: str = "kommun",
    days: int = 1,
    exported: datetime = datetime(2026, 11, 20, 8, tzinfo=UTC),
) -> SocialSnapshot:
    """Return a snapshot of an account of Facebook."""
    subject = f"social:facebook/{account}/{metric.value}/{last}"
    return SocialSnapshot(
        id=stable_hash(subject, str(days), str(value), exported.isoformat()),
        source="social",
        subject=subject,
        time=datetime(last.year, last.month, last.day, 23, tzinfo=UTC),
        data=SocialSnapshotData(
            network="facebook",
            account=account,
            metric=metric,
            first_day=last - timedelta(days=days - 1),
            last_day=last,
            value=value,
            exported_at=exported,
        ),
    )


def test_stage_1_makes_no_leg_of_a_snapshot() -> None:
    with_them, without = Stage1(partition=0, epoch=1), Stage1(partition=0, epoch=1)
    snapshots = [snapshot(DAY, 900), snapshot(DAY, 901)]
    assert with_them.apply([snapshots[0], *a_day(), snapshots[1]]) == without.apply(a_day())
    with_them.restore(snapshots)
    assert with_them.legs == without.legs


def test_a_snapshot_of_last_year_is_not_late_and_waits_for_no_rebuild() -> None:
    world = World()
    last_year = START.date() - timedelta(days=365)

    async def publish() -> None:
        world.publish(a_day())
        await work(world, 100)
        await owner(world)  # which has a horizon now
        world.publish([snapshot(last_year, 700)])
        await work(world, 100)

    asyncio.run(publish())
    late = [late for _, _, event, late in world.store.events.values() if isinstance(event, SocialSnapshot)]
    assert late == [False]


@pytest.mark.integration
def test_verify_finds_nothing_wrong_with_them_and_the_figures_are_those_without(installed: Installed) -> None:
    installed.fill([*a_day(), snapshot(DAY, 900), snapshot(DAY, 40, SocialMetric.REACH)])
    assert installed.verifier().verify().equal
    contacts = installed.database.rows(Query("SELECT count() FROM contacts_current"))[0][0]
    installed.empty()
    installed.fill(a_day())
    assert installed.database.rows(Query("SELECT count() FROM contacts_current"))[0][0] == contacts > 0


def gauges(installed: Installed, until: date, since: date) -> list[SocialGauge]:
    """Return what a reader is told."""
    return [SocialGauge(*row) for row in installed.database.rows(social_query(until, since))]


@pytest.mark.integration
def test_a_reader_gets_the_latest_value_and_the_change_between_two_days(installed: Installed) -> None:
    told = [
        snapshot(DAY, 900),
        snapshot(DAY + timedelta(days=7), 912),
        snapshot(DAY + timedelta(days=9), 930),
        snapshot(DAY + timedelta(days=7), 55, account="bibliotek"),
    ]
    installed.fill([*told, *told])
    assert gauges(installed, DAY + timedelta(days=8), DAY + timedelta(days=1)) == [
        SocialGauge("facebook", "bibliotek", "followers", 1, DAY + timedelta(days=7), 55, None, None),
        SocialGauge("facebook", "kommun", "followers", 1, DAY + timedelta(days=7), 912, DAY, 900),
    ]
    [_, kommun] = gauges(installed, DAY + timedelta(days=9), DAY)
    assert (kommun.value, kommun.change) == (930, 30)
    assert gauges(installed, DAY - timedelta(days=1), DAY - timedelta(days=2)) == []


@pytest.mark.integration
def test_the_last_export_counts_and_reach_of_a_day_and_of_a_month_are_two_gauges(
    installed: Installed,
) -> None:
    early, late = datetime(2026, 11, 10, 8, tzinfo=UTC), datetime(2026, 11, 17, 8, tzinfo=UTC)
    installed.fill(
        [
            snapshot(DAY, 80, SocialMetric.REACH, exported=late),
            snapshot(DAY, 95, SocialMetric.REACH, exported=early),
            snapshot(DAY, 1200, SocialMetric.REACH, days=28, exported=early),
        ]
    )
    found = [(gauge.days, gauge.value) for gauge in gauges(installed, DAY, DAY - timedelta(days=1))]
    assert found == [(1, 80), (28, 1200)]


@pytest.mark.integration
def test_snapshots_are_kept_when_their_events_have_expired(installed: Installed) -> None:
    installed.fill([snapshot(DAY, 900)])
    installed.database.command("TRUNCATE TABLE events")
    assert [gauge.value for gauge in gauges(installed, DAY, DAY)] == [900]
