"""The poller: runs while somebody listens, sends only what has changed, and outlives the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from dashboards.board.audience import Audience
from dashboards.board.drawing import Drawing
from dashboards.board.live import Live, Snapshot, Subscription
from dashboards.board.periods import Period
from dashboards.board.rendering import drawer
from schemas.catalogue import Catalogue
from tests.board.days import NOW, furnished
from tests.board.fakes import FakeStore, FixedClock, OpenContact

POLL = 0.01


def with_live(
    catalogue: Catalogue,
    store: FakeStore,
    work: Callable[[Live, FixedClock], Awaitable[None]],
    poll_seconds: float = POLL,
) -> None:
    """Run ``work`` with a poller over a store; the clock stands at NOW."""

    async def run() -> None:
        clock = FixedClock(NOW)
        live = Live(store, clock, catalogue, drawer(catalogue), poll_seconds=poll_seconds)
        try:
            await asyncio.wait_for(work(live, clock), 30)
        finally:
            await live.close()

    asyncio.run(run())


def drawn(snapshot: Snapshot) -> Drawing:
    """Return the drawing for a desk."""
    return snapshot.drawings[Audience.DESK]


async def newest_of(page: Subscription) -> Snapshot:
    """Wait for a page's next snapshot."""
    snapshot = await page.queue.get()
    assert snapshot is not None
    return snapshot


async def until(condition: Callable[[], bool]) -> None:
    """Return when a condition holds; it is looked at on every turn of the loop."""
    while not condition():  # noqa: ASYNC110 - what is waited for has no event to wait on
        await asyncio.sleep(POLL)


def test_nothing_is_read_while_nobody_listens(catalogue: Catalogue) -> None:
    store = furnished(catalogue, weeks=1)

    async def work(live: Live, _: FixedClock) -> None:
        assert store.queries == 0
        with live.subscribe(Period.TODAY) as page:
            await newest_of(page)
        await until(lambda: not live.polling)
        before = store.queries
        with live.subscribe(Period.TODAY) as page:
            assert live.polling
            assert store.queries == before
            await newest_of(page)  # it has started again

    with_live(catalogue, store, work)


def test_many_pages_share_one_reading(catalogue: Catalogue) -> None:
    store = furnished(catalogue, weeks=1)

    async def work(live: Live, _: FixedClock) -> None:
        snapshots = await asyncio.gather(*(live.current(Period.TODAY) for _ in range(50)))
        one_reading = store.queries
        assert len({drawn(snapshot).id for snapshot in snapshots}) == 1
        await live.current(Period.TODAY)
        assert store.queries == one_reading

    with_live(catalogue, store, work, poll_seconds=60)


def test_a_change_is_sent_once_and_the_same_picture_never(catalogue: Catalogue) -> None:
    store = furnished(catalogue, weeks=1)

    async def work(live: Live, clock: FixedClock) -> None:
        with live.subscribe(Period.TODAY) as page:
            first = await newest_of(page)
            before = store.queries
            await until(lambda: store.queries > before + 30)  # several readings later
            assert page.queue.empty()
            store.open.append(OpenContact("telephone", NOW - timedelta(seconds=5)))
            second = await newest_of(page)
            assert drawn(second).id != drawn(first).id
            assert second.picture is not None
            assert second.picture.waiting[0].waiting == 3
            with live.subscribe(Period.TODAY, last_id=drawn(second).id) as informed:
                before = store.queries
                await until(lambda: store.queries > before + 20)
                assert informed.queue.empty()

    with_live(catalogue, store, work)


def test_a_slow_page_gets_the_newest_only(catalogue: Catalogue) -> None:
    store = furnished(catalogue, weeks=1)
    store.open = []

    async def work(live: Live, _: FixedClock) -> None:
        with live.subscribe(Period.TODAY) as slow, live.subscribe(Period.TODAY) as quick:
            await newest_of(quick)
            for _turn in range(5):
                store.open.append(OpenContact("visit", NOW))
                newest = await newest_of(quick)
            assert slow.queue.qsize() == 1
            assert drawn(await newest_of(slow)).id == drawn(newest).id

    with_live(catalogue, store, work)


def test_periods_are_read_apart(catalogue: Catalogue) -> None:
    store = furnished(catalogue, weeks=2)

    async def work(live: Live, _: FixedClock) -> None:
        with live.subscribe(Period.TODAY) as today, live.subscribe(Period.LAST_WEEK) as last:
            one, other = await newest_of(today), await newest_of(last)
        assert one.picture is not None
        assert other.picture is not None
        assert (one.picture.period, other.picture.period) == (Period.TODAY, Period.LAST_WEEK)

    with_live(catalogue, store, work)


def test_the_last_good_picture_stays_while_the_store_is_away(catalogue: Catalogue) -> None:
    store = furnished(catalogue, weeks=1)

    async def work(live: Live, clock: FixedClock) -> None:
        with live.subscribe(Period.TODAY) as page:
            good = await newest_of(page)
            store.away()
            gone = await newest_of(page)
            assert (gone.picture, gone.away_since) == (good.picture, NOW)
            clock.at = NOW + timedelta(minutes=3)
            assert gone.shown_at == live.shown_at(Period.TODAY) == NOW
            assert "Statistiken går inte att nå" in drawn(gone).html
            clock.at = NOW + timedelta(minutes=3)
            later = await newest_of(page)
            assert later.away_since == NOW
            assert "3\u00a0minuter gamla" in drawn(later).html
            store.error = None
            back = await newest_of(page)
            assert back.away_since is None
            assert back.picture is not None
            assert back.picture.at == clock.at

    with_live(catalogue, store, work)


def test_a_fault_stops_no_page(catalogue: Catalogue) -> None:
    store = furnished(catalogue, weeks=1)

    async def work(live: Live, _: FixedClock) -> None:
        store.error = KeyError("a bug")
        with live.subscribe(Period.TODAY) as page:
            faulty: Snapshot = await newest_of(page)
            assert faulty.picture is None
            assert faulty.away_since == NOW
            store.error = None
            assert (await newest_of(page)).picture is not None

    with_live(catalogue, store, work)


def test_stopping_ends_every_page_and_those_that_come_after(catalogue: Catalogue) -> None:
    store = furnished(catalogue, weeks=1)

    async def work(live: Live, _: FixedClock) -> None:
        with live.subscribe(Period.TODAY) as early:
            await newest_of(early)
            live.stop()
            assert await early.queue.get() is None
            with live.subscribe(Period.TODAY) as late:
                assert await late.queue.get() is None
            await until(lambda: not live.polling)

    with_live(catalogue, store, work)
