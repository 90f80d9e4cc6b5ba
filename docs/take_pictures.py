"""Takes the pictures of the documentation: ``make pictures``.

Board and form are those of a running demo; the report is that of a simulated week with a water leak.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from dashboards.report.render.html import render_html
from dashboards.report.render.pdf import render_pages
from kommuncenter.clocks import clock_from_spec
from kommuncenter.database import ClickHouseDatabase
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from kommuncenter.settings import Settings
from schemas.clickhouse.tables import SURGES
from schemas.timebase import WINDOW, window_start
from tests.report.simulated_store import centre

PICTURES = Path(__file__).parent / "pictures"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
DEADLINE_S = 180.0


@dataclass(frozen=True)
class Picture:
    """What to show, and how wide and high."""

    name: str
    url: str
    width: int
    height: int
    scheme: str = "light"
    whole: bool = False
    until: str = "body"
    """What has to stand on the page first."""


def said(log: Path, pattern: str) -> str:
    """Wait until the demo says something, and return its first group."""
    deadline = time.monotonic() + DEADLINE_S
    while not (match := re.search(pattern, log.read_text(encoding="utf-8"))):
        if time.monotonic() > deadline:
            raise SystemExit(f"the demo never said {pattern!r}:\n{log.read_text(encoding='utf-8')}")
        time.sleep(0.2)  # between two looks
    return match[1]


def take(page: Page, picture: Picture) -> None:
    """Take one picture, once the page has its fonts and its chart."""
    page.set_viewport_size({"width": picture.width, "height": picture.height})
    page.emulate_media(color_scheme="dark" if picture.scheme == "dark" else "light")
    page.goto(picture.url)
    page.wait_for_load_state("load")
    page.locator(picture.until).first.wait_for()
    if "/?" in picture.url:
        page.locator("canvas").first.wait_for()
    page.screenshot(path=str(PICTURES / picture.name), full_page=picture.whole)


def report_pages(directory: Path) -> Path:
    """Take pictures of the report as PDF, of its first page and of one with pictures; return it as a page."""
    with EmbeddedClickHouse(directory / "store") as clickhouse, centre(clickhouse) as found:
        document = found.report()
    pages = render_pages(document)
    for name, number in (("report-pdf.png", 0), ("report-pdf-ladder.png", 4)):
        (PICTURES / name).write_bytes(pages[number])
    path = directory / "report.html"
    path.write_text(render_html(document), encoding="utf-8")
    return path


def invent_surge(config: Path) -> None:
    """Let the store know of a surge that began an hour ago: a real one takes an hour to come about."""
    settings = Settings.model_validate(tomllib.loads(config.read_text(encoding="utf-8")))
    now = clock_from_spec(settings.clock).now()
    since = window_start(now) - 4 * WINDOW
    row = (since, "va-avfall", since + 2 * WINDOW, window_start(now), 9, 1.5, 0, now)
    ClickHouseDatabase(settings.clickhouse).insert(SURGES, [[value] for value in row])


def main() -> None:
    """Start a demo, take the pictures, end it."""
    kommuncenter = (sys.executable, "-m", "kommuncenter")
    with tempfile.TemporaryDirectory() as temporary:
        directory, log = Path(temporary) / "demo", Path(temporary) / "log"
        with log.open("wb") as out:
            arguments = (f"--directory={directory}", "--port=0", "--start=14:30", "--speed=1", "--weeks=8")
            demo = subprocess.Popen([*kommuncenter, "demo", *arguments], stdout=out, stderr=out)
        try:
            board = said(log, r"Live board\s+(http://\S+)")
            form = said(log, r"Registration form\s+(http://\S+)")
            said(log, r"(now it is live)")
            report = report_pages(Path(temporary))
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
                page = browser.new_page()
                take(page, Picture("board.png", f"{board}?period=idag", 1400, 900, whole=True))
                invent_surge(directory / "kommuncenter.toml")
                for picture in (
                    Picture("wall.png", f"{board}?vy=vagg", 1920, 1080, "dark", until=".alarm.dalig"),
                    Picture("wall-light.png", f"{board}?vy=vagg", 1920, 1080, until=".alarm.dalig"),
                    Picture("telephone.png", f"{board}?period=idag", 390, 844, until=".alarm.dalig"),
                    Picture("form.png", form, 1000, 1100),
                    Picture("report.png", report.as_uri(), 900, 1250),
                ):
                    take(page, picture)
                browser.close()
        finally:
            demo.terminate()
            demo.wait()


if __name__ == "__main__":
    main()
