"""What needs somebody to act right now: surges that go on, and mail past its time."""

from __future__ import annotations

from datetime import datetime

from schemas.clickhouse.queries import Between, Query


def surges_query(period: Between) -> Query:
    """Return the query for surges that began within a period of instants, the latest first (DOMAIN §2.6).

    Columns: topic (empty: all contacts), since, noticed_at, until, contacts, usual, over.
    """
    return Query(
        """SELECT topic, since, noticed_at, until, contacts, usual, over
FROM surges FINAL
WHERE since >= {since:DateTime64(3, 'UTC')} AND since < {until:DateTime64(3, 'UTC')}
ORDER BY since DESC, topic""",
        {"since": period.since, "until": period.until},
    )


OVERDUE_DAYS = 14
"""A mail that nobody has answered for longer is no work of today."""


def overdue_mail_query(now: datetime) -> Query:
    """Return the query for mail whose working day has passed and which nobody has answered yet.

    One row; columns: mails, first_due_at (NULL without any).
    """
    return Query(
        f"""SELECT count() AS mails, if(count() = 0, NULL, min(due_at)) AS first_due_at
FROM contacts_current
WHERE channel = 'email' AND counted AND NOT unlinked AND answered_at IS NULL AND replied_at IS NULL
    AND due_at <= {{now:DateTime64(3, 'UTC')}}
    AND day >= toDate({{now:DateTime64(3, 'UTC')}}) - {OVERDUE_DAYS}""",
        {"now": now},
    )
