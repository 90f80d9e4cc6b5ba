"""The walk-through of adding a source in Python: its commands are run as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.commands import DOCS, run_page
from tests.docs.overlay import overlay
from tests.e2e.installation import installed

PAGE = DOCS / "new-source.md"
TEN_MINUTES_S = 600.0


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_source_in_python_in_ten_minutes(tmp_path: Path) -> None:
    environment = overlay(tmp_path / "environment")
    where = tmp_path / "here"
    where.mkdir()
    log = where / "queue_log"  # an installation has some source already; this one's log is empty
    log.touch()
    telephony = {"telephony": {"type": "asterisk", "path": str(log)}}
    with installed("embedded", where, telephony) as installation:
        store = installation.settings.clickhouse
        url = f"http://{store.user}:{store.password.get_secret_value()}@{store.host}:{store.port}/"
        finished = run_page(PAGE, where, timeout_s=350.0, variables={"CLICKHOUSE": url, **environment})
    assert finished.seconds < TEN_MINUTES_S
    said = finished.output
    assert "badhuset" in said
    assert "5 records; 4 events (2 queued, 1 answered, 1 ended); 1 rejected. Nothing was sent." in said
    assert "Fields that nobody reads: subject" in said
    assert (
        "5 records; 6 events (2 queued, 1 answered, 1 ended, 1 registered, 1 abandoned); 0 rejected." in said
    )
    assert "NO  badhuset: mutants" in said
    assert "no case notices source.TOPICS: ['TUR']: 'turism' -> 'fritid-kultur'" in said
    assert "7 passed" in said
    assert "abandoned\t1\t\\N\nanswered\t1\t40000\n" in said
    assert "The archive holds just what the source gives." in said
