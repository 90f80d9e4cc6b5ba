"""The walk-through of adding a ticket system without Python: its commands are run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.request import urlopen

import pytest

from kommuncenter.embedded.processes import free_port
from tests.docs.commands import DOCS, run_page
from tests.e2e.installation import installed

PAGE = DOCS / "new-mapped-source.md"
TEN_MINUTES_S = 600.0
SEEN = "2 inkomna kontakter och 1 ärende."


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_ticket_system_in_ten_minutes(tmp_path: Path) -> None:
    hooks = free_port()
    page = tmp_path / PAGE.name
    page.write_text(PAGE.read_text("utf-8").replace(":8082/", f":{hooks}/"), "utf-8")
    # An installation has some source already; this one's log is empty.
    log = tmp_path / "queue_log"
    log.touch()
    telephony = {"telephony": {"type": "asterisk", "path": str(log)}}
    with installed("embedded", tmp_path, telephony, webhook={"port": hooks}) as installation:
        store = installation.settings.clickhouse
        url = f"http://{store.user}:{store.password.get_secret_value()}@{store.host}:{store.port}/"
        finished = run_page(page, tmp_path, timeout_s=240.0, variables={"CLICKHOUSE": url})
        assert finished.seconds < TEN_MINUTES_S
        assert "sources/wrong/source.toml:23: event.2.type: 'anserwed' is no kind of event" in finished.output
        assert "Fields that nobody reads: ticket.note" in finished.output
        assert "6 records; 6 events" in finished.output
        assert '{"records":3,"events":4,"rejected":[]}' in finished.output
        assert "abandoned\t1\t\\N\nanswered\t1\t40000\n" in finished.output
        board = free_port()
        installation.start("board", env={"KC_BOARD__PORT": str(board)})
        installation.until(lambda: SEEN in shown(board), "the figures on the board")


def shown(board: int) -> str:
    """Return the board's text without its tags; nothing while it does not answer yet."""
    try:
        with urlopen(f"http://127.0.0.1:{board}/", timeout=5) as answer:
            return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.read().decode()))
    except OSError:
        return ""
