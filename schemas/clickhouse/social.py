"""Reading snapshots of social media: gauges of accounts, never contacts and never summed (DOMAIN §3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from schemas.clickhouse.queries import Query


@dataclass(frozen=True, slots=True)
class SocialGauge:
    """An account's gauge as it stood on two days: a row of ``social_query``.

    ``days`` is how long a period the value is about: reach of a day and of a month are different gauges.
    ``day`` is the last day of that period. ``former`` and ``former_day`` are None where nothing was known.
    """

    network: str
    account: str
    metric: str
    days: int
    day: date
    value: int
    former_day: date | None
    former: int | None

    @property
    def change(self) -> int | None:
        """By how much it grew between the two days; None where that is not known."""
        return None if self.former is None else self.value - self.former


def social_query(until: date, since: date) -> Query:
    """Return the query for the gauges of all accounts at the end of ``until`` and of ``since`` (local days).

    The value at a day is that of the last period that had ended by then, as it was exported last. Gauges
    without any are left out. Its columns are SocialGauge's fields.
    """
    return Query(
        """SELECT network, account, metric, days,
    max(last_day) AS day,
    argMax(latest, last_day) AS value,
    maxOrNullIf(last_day, last_day <= {since:Date}) AS former_day,
    argMaxOrNullIf(latest, last_day, last_day <= {since:Date}) AS former
FROM
(
    SELECT network, account, metric, last_day, last_day - first_day + 1 AS days,
        argMax(value, (exported_at, value)) AS latest
    FROM social_snapshots
    WHERE last_day <= {until:Date}
    GROUP BY network, account, metric, first_day, last_day
)
GROUP BY network, account, metric, days
ORDER BY network, account, metric, days""",
        {"until": until, "since": since},
    )
