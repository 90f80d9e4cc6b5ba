"""What a rebuild would change: contacts of frozen days as they stood when their day was frozen.

An event may come in time for its own day and bear on a contact of a frozen one: a call of three weeks ago
that is read only now repeats one of seven weeks ago. The frozen contact keeps what was known of it. That is
no error, if it is just what the archive gave at some moment since the freezing, and only then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from schemas.catalogue import Catalogue
from schemas.clickhouse.database import Database
from schemas.clickhouse.queries import Query
from schemas.events import Event, SystemRestarted, event_adapter
from schemas.timebase import day_start
from streams.verify.legs import NaiveLeg, legs_of, restarts_of
from streams.verify.naive import Row, facts_of

UNDER_WAY = timedelta(minutes=1)
"""An event may have been archived before a day was frozen, and have reached its contact only afterwards."""

Equal = Callable[[Row | None, Row | None], bool]


@dataclass(frozen=True, slots=True)
class Freezing:
    """When the owners' horizons moved: (when, to which instant), in order of time, per partition."""

    moves: Sequence[Sequence[tuple[datetime, datetime]]]

    def since(self, day: date) -> datetime | None:
        """Return since when a local day is frozen in every partition; None where it is open in one."""
        at = [_frozen_since(moves, day_start(day + timedelta(days=1))) for moves in self.moves]
        if not at or None in at:
            return None
        return max(instant for instant in at if instant is not None)


def _frozen_since(moves: Iterable[tuple[datetime, datetime]], end: datetime) -> datetime | None:
    """A later owner may open a day again (for a rebuild); then it is frozen anew."""
    since = None
    for when, horizon in moves:
        if horizon < end:
            since = None
        elif since is None:
            since = when
    return since


def freezing(database: Database) -> Freezing:
    """Return how the horizon moved."""
    rows = database.rows(
        Query(
            """SELECT groupArray((recorded_at, horizon_from)) FROM
(SELECT * FROM epochs WHERE stage = 2 AND state = 'active' ORDER BY epoch)
GROUP BY partition"""
        )
    )
    return Freezing([[(when, horizon) for when, horizon in row[0]] for row in rows])


@dataclass(frozen=True, slots=True)
class Former:
    """Folds a few contacts as the archive stood at earlier moments."""

    database: Database
    catalogue: Catalogue
    legs: Sequence[NaiveLeg]
    """All legs, as the whole archive gives them."""
    _parties: dict[str, set[str]] = field(init=False, default_factory=dict)
    _legs_of: dict[str, set[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Look up once whose each leg is: there may be many contacts to look at."""
        for leg in self.legs:
            self._parties[leg.leg_id] = {party for party in (leg.party, leg.former_party) if party}
            for party in self._parties[leg.leg_id]:
                self._legs_of.setdefault(party, set()).add(leg.leg_id)

    def stood(self, stored: Row | None, ought: Row | None, since: datetime, equal: Equal) -> bool:
        """Tell whether a contact stands as the archive gave it at a moment since ``since``."""
        row = stored or ought
        assert row is not None, "a contact that is neither stored nor folded does not differ"
        told = self._told_of(row)
        moments = {at for at, _ in told if at >= since - UNDER_WAY}
        return any(
            equal(stored, self._folded(told, moment).get(str(row["contact_id"]))) for moment in moments
        )

    def _told_of(self, row: Row) -> list[tuple[datetime, Event]]:
        """Return the events that bear on a contact: of its legs, of its party's, and every restart."""
        named: Collection[str] = row["legs"]  # type: ignore[assignment]
        parties = {party for leg_id in named for party in self._parties.get(leg_id, ())}
        wanted = {leg_id for party in parties for leg_id in self._legs_of[party]}
        rows = self.database.rows(
            Query(
                """SELECT archived_at, payload FROM events FINAL
WHERE NOT late AND (leg_id IN {legs:Array(String)} OR type = 'kommuncenter.system.restarted')""",
                {"legs": sorted(wanted | set(named))},
            )
        )
        return [(at, event_adapter.validate_json(payload)) for at, payload in rows]

    def _folded(self, told: Iterable[tuple[datetime, Event]], moment: datetime) -> dict[str, Row]:
        """Return the contacts of what was archived before a moment."""
        known = [event for at, event in told if at < moment]
        restarts = restarts_of(event for event in known if isinstance(event, SystemRestarted))
        return {str(row["contact_id"]): row for row in facts_of(legs_of(known, restarts), self.catalogue)}
