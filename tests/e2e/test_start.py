"""A worker that is started before the store is there waits for it (DESIGN, rule 5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.installation import installed

pytestmark = pytest.mark.integration


def test_a_worker_waits_for_the_store_and_then_takes_over(tmp_path: Path) -> None:
    with installed("embedded", tmp_path, {}, session_s=2.0) as installation:
        installation.store.kill()
        worker = installation.start("worker")
        installation.until(lambda: "is it running?" in worker.tail(), "the reason why it waits")
        assert worker.running
        installation.store.start()
        installation.until(
            lambda: installation.rows("SELECT count() FROM epochs WHERE state = 'active'")[0][0] == 6,
            "both stages of three partitions",
        )
        assert worker.running
