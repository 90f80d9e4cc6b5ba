"""The calendar of the centre as SQL: special days, and whether it is open at an instant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from schemas.catalogue import WEEKDAYS, Catalogue, DayKind
from schemas.clickhouse.queries import ZONE
from schemas.timebase import local_day


def instant_sql(now: datetime | str) -> str:
    """Return an instant: the parameter ``now``, or for GRAFANA the store's clock.

    Queries for Grafana read the clock by this expression only, so that a test can set it.
    """
    return "now64(3, 'UTC')" if isinstance(now, str) else "{now:DateTime64(3, 'UTC')}"


def special_days_sql(
    catalogue: Catalogue, now: datetime | str, kinds: Iterable[DayKind], days_back: int
) -> str:
    """Return the special days of some kinds as an array of dates; of the last ones only, if now is known."""
    wanted = set(kinds)
    days = [day for day, special in catalogue.days.items() if special.kind in wanted]
    if not isinstance(now, str):
        today = local_day(now)
        days = [day for day in days if timedelta(0) <= today - day <= timedelta(days=days_back)]
    listed = ", ".join(f"'{day.isoformat()}'" for day in sorted(days))
    return f"CAST([{listed}] AS Array(Date))"


def open_sql(catalogue: Catalogue, now: datetime | str) -> str:
    """Return the items of a WITH clause that define ``is_open`` for the instant ``now_at``."""
    hours = [catalogue.hours.get(day, (time(), time())) for day in WEEKDAYS]
    opens, closes = ([_minutes(pair[end]) for pair in hours] for end in (0, 1))
    closed = special_days_sql(catalogue, now, {DayKind.CLOSED}, days_back=1)
    return f"""toTimeZone(now_at, '{ZONE}') AS local_now,
    toHour(local_now) * 60 + toMinute(local_now) AS minute_now,
    toDayOfWeek(local_now) AS weekday_now,
    NOT has({closed}, toDate(local_now))
        AND minute_now >= {opens}[weekday_now] AND minute_now < {closes}[weekday_now] AS is_open"""


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
