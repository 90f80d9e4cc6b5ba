"""Measures how soon an event is on the board: 200 log lines a second, 50 pages open, each part a process.

    python -m benchmarks.board [--pages 50] [--clients 0] [--events 200] [--seconds 30] [--weeks 4]

Runs ``kommuncenter demo`` (broker, store, worker, sources, board) with weeks of history, opens the board in
Chromium, and appends calls to the exchange's log. Every call raises "inkomna kontakter" on the page by
one, so the k-th call is on a page when the number there has risen by k. From the instant before the line is
written until the page's document has changed; what the screen does after that is not in it.

Fifty pages of Chromium take about one processor by themselves (13 ms for each page and update). On a small
machine, where they would stand in the way of what is measured, let some of the fifty be ``--clients``: they
listen to the same events and read the same HTML, but draw nothing. They are told apart in what is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from urllib.request import urlopen

import aiohttp
from playwright.sync_api import Browser, Page, sync_playwright

from kommuncenter.clocks import clock_from_spec
from kommuncenter.database import ClickHouseDatabase
from kommuncenter.settings import Settings
from schemas.clickhouse.queries import Query
from schemas.clock import Clock
from tests.services.browser import FLAGS, chromium_binary

LINES_A_CALL = 3
STEP_S = 0.015
START_S = 300.0

WATCH = """
(() => {
  window.seen = [];
  const number = () => {
    const found = document.querySelector(".figures .lead")?.textContent.match(/^\\s*([\\d\\s]+?)\\s*inkom/);
    return found ? Number(found[1].replace(/\\s/g, "")) : null;
  };
  addEventListener("DOMContentLoaded", () => {
    const note = () => {
      const shown = number();
      const last = window.seen.at(-1);
      if (shown !== null && (!last || last[1] !== shown)) window.seen.push([Date.now(), shown]);
    };
    note();
    new MutationObserver(note).observe(document.getElementById("main"), {
      childList: true, characterData: true, subtree: true,
    });
  });
})()
"""
"""Notes in a page when (ms since 1970) which number of contacts came to stand there."""


@dataclass
class Feed:
    """Appends calls to a queue_log at a steady rate; ``written`` holds when each began (s since 1970)."""

    log: Path
    clock: Clock
    events_a_second: float
    written: list[float] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Write until told to stop; what has been missed is made up for."""
        began, lines, pending = time.monotonic(), 0, []
        with self.log.open("ab", buffering=0) as file:
            while not self.stop.wait(STEP_S):
                while lines < (time.monotonic() - began) * self.events_a_second:
                    if not pending:
                        pending = self._call(len(self.written))
                        self.written.append(time.time())
                    file.write(pending.pop(0))
                    lines += 1

    def _call(self, number: int) -> list[bytes]:
        """Return the lines of a call, stamped as written in one go."""
        call = f"bench.{number}"
        at = f"{self.clock.now().timestamp():.6f}"
        caller = f"07{10_000_000 + number * 7 % 80_000_000:08d}"
        return [
            f"{at}|{call}|kommuncenter|{rest}\n".encode()
            for rest in (
                f"NONE|ENTERQUEUE||{caller}|1",
                "SIP/201|CONNECT|0|1.1|0",
                "SIP/201|COMPLETECALLER|0|0|1",
            )
        ]


@contextmanager
def demo(directory: Path, weeks: int) -> Iterator[tuple[str, Settings]]:
    """Run a demo that has lived through its weeks; give the board's address and the settings.

    Its day begins before the centre opens, so that nobody calls but we.
    """
    log = directory.parent / "demo.log"
    command = [sys.executable, "-c", "from kommuncenter.cli import app; app()", "demo"]
    command += [f"--directory={directory}", "--port=0"]
    with log.open("wb") as out:
        running = subprocess.Popen(
            [*command, f"--weeks={weeks}", "--speed=1", "--start=05:00"], stdout=out, stderr=out
        )
    try:
        board = _said(log, running, r"Live board\s+(http://\S+)")
        _said(log, running, r"(now it is live)")
        yield board, _settings(directory / "kommuncenter.toml")
    finally:
        if running.poll() is not None:  # what failed may well be the demo
            print(log.read_text(encoding="utf-8"))  # noqa: T201
        running.terminate()
        running.wait()


def _said(log: Path, running: subprocess.Popen[bytes], pattern: str) -> str:
    deadline = time.monotonic() + START_S
    while not (match := re.search(pattern, log.read_text(encoding="utf-8"))):
        if time.monotonic() > deadline or running.poll() is not None:
            raise SystemExit(f"the demo never said {pattern!r}:\n{log.read_text(encoding='utf-8')}")
        time.sleep(0.1)  # between two looks
    return match[1]


def _settings(path: Path) -> Settings:
    import tomllib

    return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Seen:
    """What one page showed: when (s since 1970), and by how many contacts it had risen by then."""

    at: Sequence[float]
    risen: Sequence[int]

    def delays(self, written: Sequence[float]) -> list[float]:
        """Return the seconds from the writing of each call until the page had risen by as many."""
        found = []
        for number, began in enumerate(written, start=1):
            index = bisect_left(self.risen, number)
            if index < len(self.risen):
                found.append(self.at[index] - began)
        return found


def _seen(page: Page, before: int) -> Seen:
    noted = page.evaluate("window.seen")
    return Seen([at / 1000 for at, _ in noted], [shown - before for _, shown in noted])


def _open(browser: Browser, url: str, pages: int) -> list[Page]:
    """Open pages, each with a profile of its own: a browser has six connections to a server, and no more."""
    opened = []
    for number in range(pages):
        context = browser.new_context(viewport={"width": 1400, "height": 900}, bypass_csp=True)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(url + ("?vy=vagg" if number % 2 else ""))
        page.locator('#connection[data-state="live"]').wait_for()
        opened.append(page)
    return opened


_SHOWN = re.compile(r'class="lead">\s*([\d\s\u00a0]+?)\s*inkom')


class Clients:
    """Listens as pages do, without drawing: notes when which number of contacts came."""

    def __init__(self, url: str, number: int) -> None:
        """Connect in a thread of its own."""
        self.noted: list[list[tuple[float, int]]] = [[] for _ in range(number)]
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen_all())

    async def _listen_all(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(
            timeout=timeout, connector=aiohttp.TCPConnector(limit=0), read_bufsize=1 << 20
        ) as session:
            await asyncio.gather(*(self._listen(session, noted) for noted in self.noted))

    async def _listen(self, session: aiohttp.ClientSession, noted: list[tuple[float, int]]) -> None:
        async with session.get(f"{self._url}events") as answer:
            async for line in answer.content:
                if line.startswith(b"data: "):
                    told = json.loads(line[6:])
                    html = told.get("html") or told.get("parts", {}).get("figures", "")
                    if match := _SHOWN.search(html):
                        noted.append((time.time(), int(re.sub(r"\D", "", match[1]))))

    def seen(self, before: int) -> list[Seen]:
        """Return what each client has heard since ``before``."""
        return [Seen([at for at, _ in noted], [n - before for _, n in noted]) for noted in self.noted]


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile of values, the nearest one above."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(arguments: argparse.Namespace, board: str, settings: Settings, directory: Path) -> None:
    """Open the pages, feed the log, and print."""
    clock = clock_from_spec(settings.clock)
    began = clock.now()
    feed = Feed(directory / "centre" / "queue_log", clock, arguments.events)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_binary(), args=list(FLAGS))
        pages = _open(browser, board, arguments.pages)
        clients = Clients(board, arguments.clients)
        before = pages[0].evaluate("window.seen.at(-1)[1]")
        writer = threading.Thread(target=feed.run, daemon=True)
        writer.start()
        pages[0].wait_for_timeout(arguments.seconds * 1000)
        feed.stop.set()
        writer.join()
        total = before + len(feed.written)
        for page in pages:
            page.wait_for_function(f"window.seen.at(-1)[1] >= {total}", timeout=60_000)
        seen = [_seen(page, before) for page in pages]
        browser.close()
    _print(arguments, feed, seen, clients.seen(before))
    _print_store(settings, board, began)


def _print(arguments: argparse.Namespace, feed: Feed, pages: Sequence[Seen], clients: Sequence[Seen]) -> None:
    print(  # noqa: T201
        f"{len(feed.written)} calls ({len(feed.written) * LINES_A_CALL} events) in {arguments.seconds} s, "
        f"history of {arguments.weeks} weeks"
    )
    for what, seen in (("pages of Chromium", pages), ("clients that draw nothing", clients)):
        delays = [delay for each in seen for delay in each.delays(feed.written)]
        if delays:
            updates = median(len(each.at) for each in seen)
            print(  # noqa: T201
                f"event to page, {len(seen)} {what}: median {median(delays):.3f} s, "
                f"p95 {quantile(delays, 0.95):.3f} s, max {max(delays):.3f} s "
                f"({len(delays)} pairs, an update in {arguments.seconds / updates:.2f} s)"
            )


def _print_store(settings: Settings, board: str, began: datetime) -> None:
    """Print how much of it was spent before the store had the event, and on the last reading."""
    rows = ClickHouseDatabase(settings.clickhouse).rows(
        Query(
            "SELECT quantiles(0.5, 0.95)(dateDiff('millisecond', occurred_at, archived_at) / 1000) "
            "FROM events WHERE source = 'telephony' AND occurred_at >= {since:DateTime64(3, 'UTC')}",
            {"since": began},
        )
    )
    middle, high = rows[0][0]
    with urlopen(f"{board}api/v1/health", timeout=30) as answer:  # noqa: S310 - our own board
        reading = json.load(answer)["reading_ms"]
    print(  # noqa: T201
        f"of which event to archive: median {middle:.3f} s, p95 {high:.3f} s; the board's last reading took "
        f"{reading} ms; load after {os.getloadavg()[0]:.1f}"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--clients", type=int, default=0, help="that listen without drawing")
    parser.add_argument("--events", type=float, default=200.0, help="a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--weeks", type=int, default=4)
    arguments = parser.parse_args()
    print(  # noqa: T201
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors, "
        f"load before {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary) / "demo"
        with demo(directory, arguments.weeks) as (board, settings):
            measure(arguments, board, settings, directory)


if __name__ == "__main__":
    main()
