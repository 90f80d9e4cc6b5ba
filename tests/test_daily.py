"""``kommuncenter verify --daily``: every night, whatever came of the night before, and recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
import structlog

from kommuncenter import schedule, wiring
from kommuncenter.commands import verify
from kommuncenter.settings import Settings
from schemas.errors import RetriableError
from schemas.timebase import STOCKHOLM
from streams.verify.compare import Compared, Verification
from streams.verify.record import Run

DAY = date(2026, 11, 16)


class StoppedError(Exception):
    """The test has seen enough."""


@dataclass
class Waiting:
    """A clock that jumps to what is waited for, and the runs that were recorded."""

    at: datetime = datetime(2026, 11, 16, 20, 0, tzinfo=UTC)
    runs: list[Run] = field(default_factory=list)
    nights: int = 0

    def now(self) -> datetime:
        """Return the instant."""
        return self.at

    def until(self, due: datetime, _clock: object) -> None:
        """Wait, for three nights."""
        if self.nights == 3:
            raise StoppedError
        self.nights += 1
        self.at = due

    def record(self, run: Run) -> None:
        """Record a run."""
        self.runs.append(run)


def found(differing: int) -> Verification:
    return Verification(DAY, DAY, DAY, 10, 0, 0, (Compared("figures", 1, 1),), (), differing)


def test_every_night_and_what_could_not_be_compared_leaves_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Waiting()
    results = iter([found(2), None, found(0)])

    def once() -> Verification:
        result = next(results)
        if result is None:
            raise RetriableError("the worker is behind")
        return result

    monkeypatch.setattr(schedule, "wait_until", waiting.until)
    monkeypatch.setattr(wiring, "clock", lambda _: waiting)
    monkeypatch.setattr(wiring, "verifications", lambda _: waiting)
    monkeypatch.setattr(verify, "log", structlog.wrap_logger(structlog.ReturnLogger()))
    with pytest.raises(StoppedError):
        verify.every_day(Settings.model_construct(), "03:15", once)
    assert [run.found.equal for run in waiting.runs] == [False, True]
    times = [run.at.astimezone(STOCKHOLM) for run in waiting.runs]
    assert [(time.hour, time.minute) for time in times] == [(3, 15), (3, 15)]
    assert times[1] - times[0] == timedelta(days=2)


def test_a_store_that_takes_no_record_does_not_hide_what_was_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full:
        """A log that can't be written to."""

        def record(self, _: Run) -> None:
            """Fail."""
            raise RetriableError("the disk is full")

    monkeypatch.setattr(wiring, "verifications", lambda _: Full())
    monkeypatch.setattr(wiring, "clock", lambda _: Waiting())
    assert verify._recorded(Settings.model_construct(), lambda: found(3)).differing == 3
    assert "not recorded: the disk is full" in capsys.readouterr().err
