"""The runner: whatever is away and whenever it is stopped, nothing is lost and no place is too late."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.contract import (
    Batch,
    Broadcast,
    Context,
    Health,
    Lag,
    LagUnit,
    Normalised,
    Place,
    Raw,
    Reader,
    ReaderContext,
    ReaderState,
    Reason,
    Rejected,
    Source,
    SourceSettings,
)
from producers.journal import Journal
from producers.runner import Pace, Rejection, SourceRunner, normalise_all
from schemas.catalogue import load_catalogue
from schemas.errors import ConfigurationError, RetriableError
from schemas.events import Abandoned, AbandonedData, Channel, SystemRestarted, SystemRestartedData
from schemas.identity import Pseudonymiser, PseudonymKey, stable_hash
from tests.producers.fakes import NOW, FakeArchive, FakeHealth, FakePublisher, FixedClock

FAST = Pace(
    health=timedelta(milliseconds=5),
    confirm=timedelta(milliseconds=5),
    first_retry=timedelta(milliseconds=1),
    last_retry=timedelta(milliseconds=2),
    stop_grace=timedelta(seconds=5),
)
CONTEXT = Context("telephony", Pseudonymiser(PseudonymKey("test", b"0123456789abcdef")), load_catalogue(), 4)


@dataclass
class ListReader:
    """Reads numbered records in batches; fails at the given places, once each; then ends or waits."""

    batches_: list[list[bytes]]
    fails_at: set[int] = field(default_factory=set)
    waits: bool = False
    starts: list[Place | None] = field(default_factory=list)

    async def batches(self, start: Place | None) -> AsyncIterator[Batch]:
        self.starts.append(start)
        for number in range(int(start or 0), len(self.batches_)):
            if number in self.fails_at:
                self.fails_at.discard(number)
                raise RetriableError("the source is away")
            records = [Raw(payload, f"line {number}.{i}") for i, payload in enumerate(self.batches_[number])]
            yield Batch(str(number), str(number + 1), records)
            yield Batch(str(number + 1), str(number + 1), ())
        if self.waits:
            await asyncio.Event().wait()


@dataclass
class TellingReader(ListReader):
    """Tells a gap before anything else, and always the same lag, or that it can't look."""

    on_gap: Callable[[str], None] | None = None

    blind: bool = False

    def lag(self) -> Lag:
        if self.blind:
            raise PermissionError("the folder may not be read")
        return Lag(7, LagUnit.MESSAGES)

    async def batches(self, start: Place | None) -> AsyncIterator[Batch]:
        assert self.on_gap is not None
        self.on_gap("the file that was being read is gone")
        async for batch in ListReader.batches(self, start):
            yield batch


def normalise(raw: Raw, settings_: SourceSettings, context: Context) -> Normalised:
    """``bad`` is rejected, ``bug`` breaks the contract, ``none`` gives nothing, ``all`` goes everywhere."""
    if raw.payload.startswith(b"bad"):
        return Rejected(Reason.BAD_VALUE, "it is bad")
    if raw.payload.startswith(b"bug"):
        raise ValueError("070-1740605 in a message")
    if raw.payload.startswith(b"none"):
        return ()
    event_id = stable_hash(raw.payload.decode())
    if raw.payload.startswith(b"all"):
        data = SystemRestartedData(channel=Channel.TELEPHONE)
        return (
            Broadcast(SystemRestarted(id=event_id, source="telephony", subject="x:r", time=NOW, data=data)),
        )
    at = datetime(2026, 11, 24, 8, int(raw.payload[-2:]) % 60, tzinfo=UTC)
    return (
        Abandoned(
            id=event_id,
            source="telephony",
            subject="x:1",
            time=at,
            data=AbandonedData(channel=Channel.TELEPHONE),
        ),
    )


def source_of(reader: Reader) -> Source[SourceSettings]:
    def build(settings_: SourceSettings, context: ReaderContext) -> Reader:
        if isinstance(reader, TellingReader):
            reader.on_gap = context.on_gap
        return reader

    return Source("listed", Channel.TELEPHONE, SourceSettings, normalise, build)


@dataclass
class Bench:
    """A runner and all that is around it."""

    path: Path
    reader: ListReader
    publisher: FakePublisher = field(default_factory=FakePublisher)
    archive: FakeArchive = field(default_factory=FakeArchive)
    health: FakeHealth = field(default_factory=FakeHealth)
    pace: Pace = FAST

    def runner(self) -> SourceRunner:
        return SourceRunner(
            source=source_of(self.reader),
            settings=SourceSettings(),
            context=CONTEXT,
            publisher=self.publisher,
            journal=Journal(self.path, "telephony"),
            archive=self.archive,
            health=self.health,
            clock=FixedClock(),
            pace=self.pace,
        )

    def sent_ids(self) -> set[str]:
        return {e.event.id if isinstance(e, Broadcast) else e.id for e in self.publisher.sent}

    def wanted_ids(self) -> set[str]:
        records = [payload for batch in self.reader.batches_ for payload in batch]
        return {stable_hash(p.decode()) for p in records if not p.startswith((b"bad", b"bug", b"none"))}

    def go_on(self) -> Place | None:
        """Return where a new process would go on."""
        return Journal(self.path, "telephony").resume(self.archive)


def numbered(batches: int, size: int = 3) -> list[list[bytes]]:
    return [[b"call %02d%02d" % (batch, i) for i in range(size)] for batch in range(batches)]


def run(work: Awaitable[None], seconds: float = 30) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(work, seconds)

    asyncio.run(bounded())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what it waits for happens in threads
        await asyncio.sleep(0.001)


def test_everything_is_sent_and_the_last_report_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "j", ListReader([[b"call 01", b"none"], [b"bad 02", b"all 03"], [b"bug 04"]]))
    runner = bench.runner()
    states = [runner.state]
    run(runner.run())
    assert bench.sent_ids() == bench.wanted_ids()
    assert [*states, runner.state] == [ReaderState.STARTING, ReaderState.STOPPED]
    assert bench.publisher.closed
    last = bench.health.reports[-1]
    assert (last.instance, last.published, last.rejected) == ("telephony", 2, 2)
    assert last.last_event_at == NOW
    assert last.last_read_at == NOW
    assert last.last_sent_at == NOW
    assert (last.state, last.reason, last.gaps, last.lag) == (ReaderState.STOPPED, "", 0, None)


def test_rejections_say_place_and_reason_and_are_logged_without_what_stood_there(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "j", ListReader([[b"bad 0701740605", b"bug 0701740606"]]))
    with structlog.testing.capture_logs() as logs:
        run(bench.runner().run())
    letters = bench.publisher.letters
    assert [(letter.place, letter.reason) for letter in letters] == [
        ("line 0.0", "bad_value"),
        ("line 0.1", "unreadable"),
    ]
    assert letters[1].detail == "the normaliser failed with ValueError"
    everything = json.dumps(logs, default=str) + "".join(letter.model_dump_json() for letter in letters)
    assert "1740605" not in everything
    assert "1740606" not in everything
    assert [log["place"] for log in logs if log["event"] == "record_rejected"] == ["line 0.0", "line 0.1"]


def test_a_dead_letter_counts_as_arrived_only_when_the_archive_has_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "j", ListReader([[b"bad 01"], [b"call 02"]]))
    run(bench.runner().run())
    bench.archive.ids = bench.sent_ids()
    assert bench.go_on() == "0"
    run(bench.runner().run())
    bench.archive.ids |= {letter.id for letter in bench.publisher.letters}
    assert bench.go_on() == "2"


@given(st.sets(st.integers(0, 12)), st.sets(st.integers(0, 6)), st.integers(0, 3), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_whatever_is_away_for_a_while_nothing_is_lost(
    flushes: set[int], reads: set[int], archive_away: int, health_away: int
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(
            Path(folder) / "j",
            ListReader(numbered(6), fails_at=reads),
            FakePublisher(fails=lambda number: number in flushes),
            FakeArchive(away=archive_away),
            FakeHealth(away=health_away),
        )
        runner = bench.runner()
        run(runner.run())
        assert bench.sent_ids() == bench.wanted_ids()
        assert runner.report().published == 18
        bench.archive.away = 0
        assert bench.go_on() == "0"  # nothing of it is in the archive yet


@given(st.integers(0, 40), st.sets(st.integers(0, 60)))
@settings(max_examples=40, deadline=None)
def test_stopped_at_any_time_it_goes_on_from_where_nothing_is_missing(steps: int, failing: set[int]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        publisher = FakePublisher(fails=lambda number: number in failing)
        bench = Bench(Path(folder) / "j", ListReader(numbered(8), waits=True), publisher)

        async def stop_after() -> None:
            task = asyncio.create_task(bench.runner().run())
            for _ in range(steps):
                await asyncio.sleep(0)
                if publisher.flushes * 5 > steps:
                    break
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        run(stop_after())
        bench.archive.ids = bench.sent_ids()
        place = int(bench.go_on() or 0)
        below = {stable_hash(p.decode()) for batch in bench.reader.batches_[:place] for p in batch}
        assert below <= bench.sent_ids()

        bench.reader = ListReader(bench.reader.batches_)
        run(bench.runner().run())
        assert bench.sent_ids() == bench.wanted_ids()


def test_while_the_broker_is_away_it_waits_visibly(tmp_path: Path) -> None:
    away = threading.Event()
    away.set()
    bench = Bench(
        tmp_path / "j", ListReader(numbered(2), waits=True), FakePublisher(fails=lambda _: away.is_set())
    )
    runner = bench.runner()

    async def watch() -> None:
        task = asyncio.create_task(runner.run())
        await until(lambda: runner.state is ReaderState.WAITING and len(bench.health.reports) > 2)
        assert bench.health.reports[-1].published == 0
        assert bench.health.reports[-1].last_sent_at is None
        assert bench.health.reports[-1].reason == "the broker is away"
        away.clear()
        await until(lambda: runner.report().published == 6)
        await until(lambda: runner.state is ReaderState.READING)
        assert runner.report().reason == ""
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with structlog.testing.capture_logs() as logs:
        run(watch())
    waits = [log for log in logs if log["event"] == "broker_away"]
    assert waits[0]["reason"] == "the broker is away"


def test_the_journal_is_confirmed_while_it_runs(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "j", ListReader(numbered(5), waits=True))
    bench.archive.ids = bench.wanted_ids()

    async def watch() -> None:
        task = asyncio.create_task(bench.runner().run())
        await until(lambda: bench.publisher.flushes == 5 and (tmp_path / "j").read_bytes().count(b"\n") == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(watch())
    assert bench.go_on() == "5"


def test_no_blocking_call_is_made_on_the_event_loop(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "j", ListReader(numbered(1)))
    run(bench.runner().run())
    assert bench.publisher.thread.startswith("source-telephony")


def test_the_reader_is_started_again_from_the_last_place(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "j", ListReader(numbered(4), fails_at={2}))
    run(bench.runner().run())
    assert bench.reader.starts == [None, "2"]


def test_what_is_not_retriable_ends_it(tmp_path: Path) -> None:
    @dataclass
    class Misconfigured(ListReader):
        async def batches(self, start: Place | None) -> AsyncIterator[Batch]:
            raise ConfigurationError("there is no such file")
            yield

    bench = Bench(tmp_path / "j", Misconfigured([]))
    with pytest.raises(ConfigurationError, match="no such file"):
        run(bench.runner().run())
    assert bench.publisher.closed
    last = bench.health.reports[-1]
    assert (last.state, last.reason) == (ReaderState.STOPPED, "there is no such file")


def test_what_a_bug_says_is_reported_nowhere_for_it_may_be_personal(tmp_path: Path) -> None:
    @dataclass
    class Buggy(ListReader):
        async def batches(self, start: Place | None) -> AsyncIterator[Batch]:
            raise ValueError("070-1740605")
            yield

    bench = Bench(tmp_path / "j", Buggy([]))
    with pytest.raises(ValueError, match="1740605"):
        run(bench.runner().run())
    assert bench.health.reports[-1].reason == "ValueError"


def test_a_stop_is_not_held_up_by_a_store_that_does_not_answer(tmp_path: Path) -> None:
    answers = threading.Event()

    @dataclass
    class Hanging(FakeHealth):
        def report(self, health: Health) -> None:
            answers.wait()

    impatient = replace(FAST, stop_grace=timedelta(milliseconds=20))
    bench = Bench(tmp_path / "j", ListReader([], waits=True), health=Hanging(), pace=impatient)

    async def stop() -> None:
        task = asyncio.create_task(bench.runner().run())
        await until(lambda: bool(bench.reader.starts))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    try:
        run(stop(), seconds=10)
    finally:
        answers.set()
    assert bench.publisher.closed


def test_a_reader_may_tell_how_far_it_is_behind_and_what_it_has_missed(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "j", TellingReader(numbered(1)))
    with structlog.testing.capture_logs() as logs:
        run(bench.runner().run())
    last = bench.health.reports[-1]
    assert (last.lag, last.gaps) == (Lag(7, LagUnit.MESSAGES), 1)
    blind = Bench(tmp_path / "k", TellingReader(numbered(1), blind=True))
    run(blind.runner().run())
    assert blind.health.reports[-1].lag is None
    assert blind.sent_ids() == blind.wanted_ids()
    assert [log["what"] for log in logs if log["event"] == "input_may_be_lost"] == [
        "the file that was being read is gone"
    ]


def test_a_dry_run_gives_events_and_rejections_in_order_and_sends_nothing() -> None:
    records = [
        Raw(payload, payload.decode()) for payload in (b"call 01", b"bad 02", b"bug 03", b"none", b"all 04")
    ]
    results = list(normalise_all(source_of(ListReader([])), SourceSettings(), CONTEXT, records))
    kinds = [type(result).__name__ for result in results]
    assert kinds == ["Abandoned", "Rejection", "Rejection", "Broadcast"]
    assert isinstance(results[1], Rejection)
    assert results[1].record.place == "bad 02"
