"""Times of other systems: formats, zones, and the days on which clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.mapped import times

STOCKHOLM = ZoneInfo("Europe/Stockholm")
MORNING = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
EARLIEST, LATEST = (MORNING.replace(year=year, tzinfo=None) for year in (2000, 2100))


@pytest.mark.parametrize(
    ("value", "pattern", "expected"),
    [
        ("2026-11-24T08:00:00Z", "iso", MORNING),
        ("2026-11-24T08:00:00.000+0000", "iso", MORNING),
        ("2026-11-24T09:00:00+01:00", "iso", MORNING),
        (" 2026-11-24 09:00 ", "iso", MORNING),
        ("2026-11-24T09:00:00,250", "iso", MORNING.replace(microsecond=250_000)),
        ("2026-11-24T08:00:00.123456789Z", "iso", MORNING.replace(microsecond=123_456)),
        (1795507200, "epoch_s", MORNING),
        ("1795507200", "epoch_s", MORNING),
        (1795507200.25, "epoch_s", MORNING.replace(microsecond=250_000)),
        (1795507200250, "epoch_ms", MORNING.replace(microsecond=250_000)),
        ("1795507200250", "epoch_ms", MORNING.replace(microsecond=250_000)),
        ("24/11/2026 09.00", "%d/%m/%Y %H.%M", MORNING),
        ("2026-11-24 03:00 -0500", "%Y-%m-%d %H:%M %z", MORNING),
    ],
)
def test_a_time_is_read_as_it_is_written(value: object, pattern: str, expected: datetime) -> None:
    assert times.parse(value, pattern, STOCKHOLM) == expected


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-10-25T01:59", "2026-10-24T23:59"),
        # Comes twice: taken for the first, in summer time.
        ("2026-10-25T02:00", "2026-10-25T00:00"),
        ("2026-10-25T02:59", "2026-10-25T00:59"),
        ("2026-10-25T03:00", "2026-10-25T02:00"),
        ("2026-03-29T01:59", "2026-03-29T00:59"),
        # Does not exist: the instant at which clocks show 03:30.
        ("2026-03-29T02:30", "2026-03-29T01:30"),
        ("2026-03-29T03:30", "2026-03-29T01:30"),
        ("2026-07-01T12:00", "2026-07-01T10:00"),
    ],
)
def test_local_times_when_clocks_are_changed(local: str, utc: str) -> None:
    expected = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert times.parse(local, "iso", STOCKHOLM) == expected


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("2026-11-24", "iso"),
        ("tisdag", "iso"),
        ("1999-12-31T08:00:00Z", "iso"),
        (17, "iso"),
        (None, "iso"),
        (True, "epoch_s"),
        ("soon", "epoch_s"),
        (1e400, "epoch_s"),
        (float("nan"), "epoch_ms"),
        (10**30, "epoch_ms"),
        ("9" * 5000, "epoch_s"),
        ("1795507200250", "epoch_s"),
        ("24/11 09.00", "%d/%m/%Y %H.%M"),
        ("0001-01-01T00:00:00+14:00", "iso"),
    ],
)
def test_what_is_no_time_is_a_value_error(value: object, pattern: str) -> None:
    with pytest.raises(
        ValueError, match=r"no |not |date|Invalid|day|match|unconverted|format|directive|Exceeds"
    ):
        times.parse(value, pattern, STOCKHOLM)


@given(st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC)))
def test_every_instant_survives_every_format(at: datetime) -> None:
    whole = at.replace(microsecond=at.microsecond // 1000 * 1000)
    milliseconds = (whole - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution * 1000)
    assert times.parse(milliseconds, "epoch_ms", STOCKHOLM) == whole
    assert times.parse(whole.isoformat().replace(" ", "T"), "iso", STOCKHOLM) == whole
    assert times.parse(whole.strftime("%Y-%m-%dT%H:%M:%S.%f%z"), "iso", STOCKHOLM) == whole


@given(
    st.text() | st.integers() | st.floats() | st.none(),
    st.sampled_from(["iso", "epoch_s", "epoch_ms", "%d/%m/%Y"]),
)
def test_nothing_but_value_errors_is_raised(value: object, pattern: str) -> None:
    try:
        at = times.parse(value, pattern, STOCKHOLM)
    except ValueError:
        return
    assert 1999 < at.year <= 9000
    assert at.tzinfo is UTC


@pytest.mark.parametrize("pattern", ["iso", "epoch_s", "epoch_ms", "%Y-%m-%d %H:%M:%S", "%d.%m.%y %H:%M %z"])
def test_formats_that_are_known(pattern: str) -> None:
    assert times.check_format(pattern) == pattern


@pytest.mark.parametrize("pattern", ["ISO", "yyyy-mm-dd", "%H:%M", "%Q"])
def test_formats_that_are_refused(pattern: str) -> None:
    with pytest.raises(
        ValueError, match=r"no |not |date|Invalid|day|match|unconverted|format|directive|Exceeds"
    ):
        times.check_format(pattern)
