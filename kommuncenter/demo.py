"""The whole way on one machine: each part a process of its own, fed by the simulated centre or a real log."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from pydantic import SecretStr
from rich.console import Console

from kommuncenter.clocks import ScaledClock
from kommuncenter.database import ClickHouseDatabase, migrate
from kommuncenter.demo_progress import CONTACTS, contacts_until, rows
from kommuncenter.embedded.broker import EmbeddedBroker
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from kommuncenter.embedded.processes import ChildProcess, free_port
from kommuncenter.lag import lag_of
from kommuncenter.settings import CONFIG_VARIABLE, DEMO_CONFIG, ClickHouseSettings, KafkaSettings
from producers.simulator import SimulationSettings, Writer, simulate
from schemas.catalogue import load_catalogue
from schemas.clickhouse.queries import Query
from schemas.errors import ConfigurationError, FatalError, RetriableError
from schemas.identity import Pseudonymiser, PseudonymKey
from schemas.timebase import STOCKHOLM
from schemas.topics import TopicPlan

LIVE_DAY = date(2026, 11, 24)
"""The day on which the simulated centre goes live: fixed, so that every run shows the same figures."""

PARTITIONS = 4
_EXAMPLE = "SELECT channel, count() FROM contacts_current GROUP BY channel"
_REJECTED = Query("SELECT id, place, reason, detail FROM dead_letters_current ORDER BY at, place")
_START_S = 60.0
_TAIL_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What a demo shows, and where it keeps its files."""

    directory: Path
    port: int = 8080
    weeks: int = 4
    speed: float = 12.0
    seed: int = 1
    start: time = time(10)
    """The local time at which the simulated centre goes live on its day."""
    queue_log: Path | None = None


@dataclass(slots=True)
class _Demo:
    """A demo under way: its files, its clock, its store and its processes."""

    plan: DemoPlan
    writer: Writer | None
    """The simulated centre, unless a real log is shown."""
    config: Path
    curl: Path
    clock: ScaledClock
    clickhouse: ClickHouseSettings
    lag: Callable[[], int]
    """How many records the worker has not done."""
    board_port: int
    desk_port: int
    children: dict[str, ChildProcess] = field(default_factory=dict)

    @property
    def sources(self) -> Sequence[str]:
        """The source instances."""
        return _sources(self.plan)

    def forget(self) -> None:
        """Remove the files with passwords, and with them what other commands take for a running demo."""
        self.config.unlink(missing_ok=True)
        self.curl.unlink(missing_ok=True)


def run_demo(plan: DemoPlan, console: Console) -> None:
    """Run until Ctrl-C or SIGTERM; every process that was started is ended before this returns.

    Raises ConfigurationError for what the user can mend, and FatalError where a part fails.
    """
    if plan.queue_log is not None and not plan.queue_log.is_file():
        raise ConfigurationError(f"{plan.queue_log}: no such file; give the path of an Asterisk queue_log")
    with _emptied(plan.directory) as directory, ExitStack() as stack, _stopped_by_signals():
        with console.status("Starting broker and store, creating tables …"):
            store, broker = _start_services(directory, stack)
            demo = _prepare(plan, directory, store, broker)
            stack.callback(demo.forget)
            migrate(demo.clickhouse)
        with console.status("Starting worker, sources, form and board …"):
            # The worker first: it is the one that the figures wait for.
            _start_part(demo, stack, "worker", "worker")
            _start_part(demo, stack, "sources", "source", "run", *demo.sources)
            _start_part(demo, stack, "board", "board")
            _start_part(demo, stack, "registration form", "source", "form", "desk")
            _await_pages(demo)
        _announce(demo, console)
        asyncio.run(_live(demo, console))
    console.print("The demo has ended, and every process with it.")


def _start_services(directory: Path, stack: ExitStack) -> tuple[EmbeddedClickHouse, EmbeddedBroker]:
    """Start store and broker side by side."""
    store, broker = EmbeddedClickHouse(directory / "clickhouse"), EmbeddedBroker()
    stack.callback(store.stop)
    stack.callback(broker.stop)
    with ThreadPoolExecutor(2) as pool:
        starting = (pool.submit(store.start), pool.submit(broker.start))
    for started in starting:
        started.result()
    return store, broker


@contextmanager
def _emptied(directory: Path) -> Iterator[Path]:
    """Give the demo's directory with only what this run puts there, locked against a second demo.

    Refuses a folder that holds anything but a demo's files.
    """
    marker = directory / ".kommuncenter-demo"
    if directory.exists() and any(directory.iterdir()) and not marker.exists():
        raise ConfigurationError(
            f"{directory}: holds files that no demo made, and a demo empties its folder; name another one"
        )
    directory.mkdir(parents=True, exist_ok=True)
    with marker.open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                f"{directory}: a demo is running there; end it, or give another --directory and --port"
            ) from error
        for entry in directory.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry != marker:
                entry.unlink()
        yield directory.resolve()


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Turn SIGTERM into the KeyboardInterrupt of Ctrl-C, and let either end the demo without a trace."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _sources(plan: DemoPlan) -> tuple[str, ...]:
    """Return the source instances: a real log comes without mail."""
    return ("telephony", "desk") if plan.queue_log else ("telephony", "desk", "mail")


def _writer(plan: DemoPlan, centre: Path) -> Writer:
    """Return the simulated centre with its files still empty."""
    first = LIVE_DAY - timedelta(days=LIVE_DAY.weekday(), weeks=plan.weeks)
    pseudonymiser = Pseudonymiser(PseudonymKey("demo", _key(plan).encode()))
    records = simulate(SimulationSettings(seed=plan.seed), load_catalogue(), pseudonymiser, first)
    return Writer(centre, records)


def _key(plan: DemoPlan) -> str:
    """Return the demo's pseudonym key: its persons are invented, and the same seed gives the same ones."""
    return f"invented persons of seed {plan.seed}"


def _live_from(plan: DemoPlan) -> datetime:
    if plan.queue_log is None:
        return datetime.combine(LIVE_DAY, plan.start, STOCKHOLM).astimezone(UTC)
    return last_epoch(plan.queue_log) or datetime.now(UTC)


def last_epoch(path: Path) -> datetime | None:
    """Return the last instant that stands in a queue_log; None where no line begins with one."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        lines = file.read().splitlines()
    for line in reversed(lines):
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(float(line.split(b"|")[0]), UTC)
    return None


def _prepare(plan: DemoPlan, directory: Path, store: EmbeddedClickHouse, broker: EmbeddedBroker) -> _Demo:
    """Write the settings that every part of the demo is given."""
    centre = directory / "centre"
    centre.mkdir()
    (centre / "visits.jsonl").touch()  # a real log comes without the simulated centre that makes it
    demo = _Demo(
        plan=plan,
        writer=None if plan.queue_log else _writer(plan, centre),
        config=directory / "kommuncenter.toml",
        curl=directory / "curl",
        clock=ScaledClock(_live_from(plan), datetime.now(UTC), plan.speed if plan.queue_log is None else 1.0),
        clickhouse=ClickHouseSettings(
            host=store.host, port=store.port, user=store.user, password=SecretStr(store.password)
        ),
        lag=lag_of(
            KafkaSettings(bootstrap_servers=broker.bootstrap_servers),
            TopicPlan(_sources(plan), PARTITIONS),
        ),
        board_port=plan.port or free_port(),
        desk_port=free_port(),
    )
    _write_private(demo.config, _settings_text(demo, centre, broker.bootstrap_servers))
    _write_private(demo.curl, f'user = "{store.user}:{store.password}"\n')
    return demo


def _write_private(path: Path, text: str) -> None:
    with open(path, "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        file.write(text)


def _settings_text(demo: _Demo, centre: Path, bootstrap_servers: str) -> str:
    telephony = demo.plan.queue_log.resolve() if demo.plan.queue_log else centre / "queue_log"
    sections: dict[str, Mapping[str, object]] = {
        "": {
            "state_dir": str(centre.parent / "state"),
            "clock": demo.clock.spec(),
            "desk_url": f"http://127.0.0.1:{demo.desk_port}/",
            "log_level": "info",
        },
        "kafka": {
            "bootstrap_servers": bootstrap_servers,
            "partitions": PARTITIONS,
            "session_timeout": 2.0,
            "rebalance_timeout": 2.0,
            "heartbeat": 0.3,
        },
        "clickhouse": {
            "host": demo.clickhouse.host,
            "port": demo.clickhouse.port,
            "user": demo.clickhouse.user,
            "password": demo.clickhouse.password.get_secret_value(),
        },
        "pseudonym": {"key_id": "demo", "key": _key(demo.plan)},
        "dead_letters": {"key": secrets.token_hex(32)},
        "board": {"port": demo.board_port},
        "desk": {"port": demo.desk_port},
        "sources.telephony": {"type": "asterisk", "path": str(telephony)},
        "sources.desk": {"type": "desk", "journal": str(centre / "visits.jsonl")},
    }
    if demo.plan.queue_log is None:
        sections["sources.mail"] = {"type": "mail", "poll_seconds": 0.5}
        sections["sources.mail.maildir"] = {"path": str(centre / "Maildir")}
    return "\n".join(_toml(name, values) for name, values in sections.items())


def _toml(section: str, values: Mapping[str, object]) -> str:
    """Return a table of plain values; a JSON string, number or truth value is one of TOML as well."""
    head = [f"[{section}]"] if section else []
    return "\n".join([*head, *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""])


def _start_part(demo: _Demo, stack: ExitStack, name: str, *arguments: str) -> None:
    """Start a part as a process of its own, with the demo's settings."""
    child = ChildProcess(
        name, [sys.executable, "-m", "kommuncenter", *arguments], env={CONFIG_VARIABLE: str(demo.config)}
    )
    child.start()
    stack.callback(child.stop)
    demo.children[name] = child


def _await_pages(demo: _Demo) -> None:
    """Wait until board and form answer."""
    for name, url in (
        ("board", f"http://127.0.0.1:{demo.board_port}/halsa"),
        ("registration form", f"http://127.0.0.1:{demo.desk_port}/"),
    ):
        demo.children[name].wait_until(partial(_answers, url), _START_S)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _announce(demo: _Demo, console: Console) -> None:
    usual = demo.config == DEMO_CONFIG.resolve()
    prefix = "" if usual else f"{CONFIG_VARIABLE}={demo.config} "
    console.print()
    console.print(f"  Live board          http://127.0.0.1:{demo.board_port}/", highlight=False)
    console.print(f"  Registration form   http://127.0.0.1:{demo.desk_port}/", highlight=False)
    week = demo.clock.now().astimezone(STOCKHOLM).date() - timedelta(days=7)
    year, number, _ = week.isocalendar()
    console.print(
        f"  Weekly report       {prefix}kommuncenter report --week {year}-W{number:02d} --out report.html",
        highlight=False,
        soft_wrap=True,
    )
    url = f"http://{demo.clickhouse.host}:{demo.clickhouse.port}/"
    console.print(
        f"  ClickHouse          curl -K {_shown(demo.curl)} {url} -d '{_EXAMPLE}'",
        highlight=False,
        soft_wrap=True,
    )
    console.print("  Ctrl-C ends it all.\n")


def _shown(path: Path) -> Path:
    with suppress(ValueError):
        return path.relative_to(Path.cwd())
    return path


async def _live(demo: _Demo, console: Console) -> None:
    """Write the weeks before, then live on, until a part ends or the user ends it."""
    database = ClickHouseDatabase(demo.clickhouse)
    shown = (
        _run_centre(demo, demo.writer, database, console)
        if demo.writer
        else _tell_about_log(database, console)
    )
    work = [asyncio.create_task(_watch(demo.children.values())), asyncio.create_task(shown)]
    try:
        await asyncio.gather(*work)
    finally:
        for task in work:
            task.cancel()


async def _run_centre(demo: _Demo, writer: Writer, database: ClickHouseDatabase, console: Console) -> None:
    until = _live_from(demo.plan)  # and not now: starting takes a while, and every run shows the same
    with console.status(f"The simulated centre lives through {demo.plan.weeks} weeks …"):
        written = await asyncio.to_thread(writer.write_until, until)
        contacts = await contacts_until(database, demo.lag, len(demo.sources), until)
    console.print(f"  {written} records of {demo.plan.weeks} weeks gave {contacts} contacts; now it is live.")

    async def sleep_until(instant: datetime) -> None:
        await asyncio.sleep(demo.clock.real_seconds_until(instant))

    await writer.run_live(demo.clock, sleep_until)


async def _tell_about_log(database: ClickHouseDatabase, console: Console) -> None:
    """Tell what became of a log: how many calls, and which lines were rejected and why."""
    told: set[str] = set()
    calls = -1
    while True:
        with suppress(RetriableError):
            calls = await _tell_calls(database, console, calls)
            told |= await _tell_rejected(database, console, told)
        await asyncio.sleep(1)


async def _tell_calls(database: ClickHouseDatabase, console: Console, before: int) -> int:
    [[calls]] = await rows(database, CONTACTS)
    if calls != before:
        console.print(f"  {calls} calls so far")
    return int(calls)


async def _tell_rejected(database: ClickHouseDatabase, console: Console, told: Collection[str]) -> set[str]:
    letters = await rows(database, _REJECTED)
    fresh = [row for row in letters if row[0] not in told]
    for _, place, reason, detail in fresh[: max(0, _TOLD - len(told))]:
        console.print(f"  rejected: {place}: {reason}: {detail}", markup=False, highlight=False)
    if fresh and len(told) + len(fresh) > _TOLD:
        console.print(f"  {len(letters)} lines are rejected in all; `kommuncenter dlq list` tells which")
    return {row[0] for row in fresh}


_TOLD = 20


async def _watch(children: Collection[ChildProcess]) -> None:
    """Raise FatalError when a part ends by itself."""
    while True:
        for child in children:
            if not child.running:
                raise FatalError(f"{child.name} ended by itself; its last lines:\n{child.tail()}")
        await asyncio.sleep(0.5)
