"""`kommuncenter demo` as its user meets it: pages, a visit, curl, the report, a log, and the end."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from kommuncenter.demo import last_epoch
from kommuncenter.settings import CONFIG_VARIABLE
from schemas.metrics import CHANNEL_GOALS
from schemas.statistics import wilson
from tests.services.brokers import require_embedded_broker
from tests.services.browser import assert_no_axe_violations, browser, page
from tests.services.clickhouse import require_clickhouse

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

DEADLINE_S = 120.0
KOMMUNCENTER = (sys.executable, "-m", "kommuncenter")


class Demo:
    """A demo that runs, what it prints, and its addresses."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        self.log = directory.with_suffix(".log")
        # Started in the background, a shell lets its jobs ignore Ctrl-C, and the demo would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [*KOMMUNCENTER, "demo", f"--directory={directory}", "--port=0", *arguments],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if not name.startswith("KC_")},
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """What it printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def until(self, pattern: str) -> str:
        """Wait until it prints something that matches, and return the first group."""
        deadline = time.monotonic() + DEADLINE_S
        while not (match := re.search(pattern, self.said)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the demo never said {pattern!r}; it said:\n{self.said}")
            time.sleep(0.1)  # between two looks
        return match[1] if match.groups() else match[0]

    def end(self) -> None:
        """Press Ctrl-C and wait for the end."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


@contextmanager
def running(directory: Path, *arguments: str) -> Iterator[Demo]:
    """Give a running demo; afterwards no process of it may be left."""
    require_clickhouse()
    require_embedded_broker()
    demo = Demo(directory, *arguments)
    try:
        yield demo
        assert len(processes_of(directory)) >= 6
        demo.end()
        assert demo.process.returncode == 0, demo.said
        assert "every process with it" in demo.said
        assert processes_of(directory) == []
        assert not (directory / "kommuncenter.toml").exists()
        assert not (directory / "curl").exists()
    finally:
        demo.process.kill()
        demo.process.wait()


def processes_of(directory: Path) -> list[str]:
    """Return the command lines of processes that know the demo's directory, by argument or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                known = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                children = _children_of_demo(entry, directory)
            except OSError:
                continue
            if str(directory).encode() in known or children:
                found.append((entry / "cmdline").read_bytes().decode(errors="replace"))
    return found


def _children_of_demo(entry: Path, directory: Path) -> bool:
    """Tell whether a process (the broker, say) was started by one that knows the directory."""
    parent = re.search(r"^PPid:\s*(\d+)", (entry / "status").read_text(), re.MULTILINE)
    if parent is None or parent[1] == "0":
        return False
    return str(directory).encode() in Path(f"/proc/{parent[1]}/cmdline").read_bytes()


@pytest.mark.browser
def test_the_simulated_centre_lives_and_a_visit_is_on_the_board_within_two_seconds(
    tmp_path: Path, page: Page
) -> None:
    with running(tmp_path / "demo", "--weeks=1", "--speed=0.1") as demo:
        board = demo.until(r"Live board\s+(http://\S+)")
        form = demo.until(r"Registration form\s+(http://\S+)")
        demo.until(r"now it is live")

        published_picture(demo)

        report = demo.directory / "report.html"
        subprocess.run(
            [*KOMMUNCENTER, "report", "--week", "2026-W47", "--out", str(report)],
            env={**os.environ, CONFIG_VARIABLE: str(demo.directory / "kommuncenter.toml")},
            check=True,
            capture_output=True,
        )
        assert "vecka\N{NO-BREAK SPACE}47" in report.read_text(encoding="utf-8")

        page.goto(board)
        waiting = page.locator("#gauge-visit .big")
        before = int(waiting.inner_text())
        assert_no_axe_violations(page)
        desk = page.context.new_page()
        desk.goto(form)
        assert_no_axe_violations(desk)
        desk.get_by_role("button", name="Ny besökare väntar").click()
        desk.get_by_role("status").wait_for()
        saved = time.monotonic()
        expect(waiting).to_have_text(str(before + 1), timeout=DEADLINE_S * 1000)
        print(f"a visit was on the board {time.monotonic() - saved:.2f} s after it was saved")  # noqa: T201


def published_picture(demo: Demo) -> None:
    """The simulated week shows 81/12/7 and 68 % within their intervals."""
    answer = ask(
        demo,
        "SELECT channel, sum(errands), sum(resolved_in_centre) FROM service_days_current "
        "WHERE day >= '2026-11-16' AND day < '2026-11-23' GROUP BY channel",
    )
    rows = {line.split("\t")[0]: [int(n) for n in line.split("\t")[1:]] for line in answer.splitlines()}
    errands = sum(row[0] for row in rows.values())
    resolved = wilson(sum(row[1] for row in rows.values()), errands)
    assert errands > 500
    assert resolved is not None
    assert resolved.covers(0.68)
    for channel, goal in CHANNEL_GOALS.items():
        share = wilson(rows[channel][0], errands)
        assert share is not None
        assert share.covers(goal)


def ask(demo: Demo, sql: str) -> str:
    """Ask the store as curl would, with the user and password of the file that the demo names."""
    url = demo.until(r"curl -K \S+ (http://\S+)")
    given = re.search(r'user = "(.+)"', (demo.directory / "curl").read_text())
    assert given is not None
    credentials = base64.b64encode(given[1].encode()).decode()
    request = Request(url, data=sql.encode(), headers={"Authorization": f"Basic {credentials}"})
    with urlopen(request, timeout=10) as answer:
        return str(answer.read().decode().strip())


LOG = """1795507200|NONE|NONE|NONE|QUEUESTART|
1795507260|1795507260.1|kommuncenter|NONE|ENTERQUEUE||0701740605|1
1795507275|1795507260.1|kommuncenter|SIP/1|CONNECT|15|1795507270.2|4
1795507375|1795507260.1|kommuncenter|SIP/1|COMPLETECALLER|15|100|1
1795507300|1795507300.3|kommuncenter|NONE|ENTERQUEUE||anonymous|1
1795507340|1795507300.3|kommuncenter|NONE|ABANDON|1|1|40
"""


def test_any_queue_log_runs_the_whole_way_and_the_board_shows_its_calls(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    log.write_text(LOG, encoding="utf-8")
    with running(tmp_path / "demo", "--queue-log", str(log)) as demo:
        board = demo.until(r"Live board\s+(http://\S+)")
        demo.until(r"2 calls so far")
        shown(board, "1 av 2 samtal")
        with log.open("a", encoding="utf-8") as more:
            more.write("1795507400|1795507400.5|kommuncenter|NONE|ENTERQUEUE||0701740606|1\n")
            more.write("nonsense that is no line of a log\n")
        demo.until(r"3 calls so far")
        demo.until(r"rejected: \S*queue_log line 8: \w+: ")


def test_a_file_of_nonsense_gives_rejections_with_line_and_reason_and_breaks_nothing(tmp_path: Path) -> None:
    log = tmp_path / "nonsense"
    log.write_bytes(b"not a log\n\xff\xfe\x00|||\nx|y|z\n" + b"0701740605 called\n" * 40)
    with running(tmp_path / "demo", "--queue-log", str(log)) as demo:
        board = demo.until(r"Live board\s+(http://\S+)")
        for line in (1, 2, 3):
            demo.until(rf"rejected: \S*nonsense line {line}: \w+: ")
        demo.until(r"43 lines are rejected in all")
        assert "0701740605" not in demo.said
        shown(board, "43")
        assert ask(demo, "SELECT count() FROM dead_letters FINAL WHERE reason != ''") == "43"
        assert ask(demo, "SELECT count() FROM contacts_current") == "0"


def shown(url: str, text: str) -> None:
    """Wait until a page shows a text."""
    deadline = time.monotonic() + DEADLINE_S
    said = ""
    while text not in said:
        assert time.monotonic() < deadline, f"{text!r} is not on the page:\n{said}"
        with urlopen(url, timeout=5) as answer:
            said = re.sub(
                r"<[^>]+>|\s+", " ", answer.read().decode("utf-8").replace("\N{NO-BREAK SPACE}", " ")
            )
            said = re.sub(r" +", " ", said)


def test_a_folder_that_is_no_demo_s_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine", encoding="utf-8")
    ended = subprocess.run(
        [*KOMMUNCENTER, "demo", "--directory", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "holds files that no demo made" in " ".join(ended.stderr.split())
    assert (tmp_path / "precious").exists()


def test_two_demos_in_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    log.write_text(LOG, encoding="utf-8")
    with running(tmp_path / "demo", "--queue-log", str(log)) as demo:
        demo.until(r"2 calls so far")
        second = subprocess.run(
            [*KOMMUNCENTER, "demo", "--directory", str(tmp_path / "demo")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 2
        assert "a demo is running there" in " ".join(second.stderr.split())
        assert ask(demo, "SELECT count() FROM contacts_current") == "2"


def test_the_last_instant_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    log.write_text(LOG + "nonsense\n", encoding="utf-8")
    found = last_epoch(log)
    assert found is not None
    assert found.timestamp() == 1795507340
    log.write_bytes(b"\xff\n")
    assert last_epoch(log) is None
