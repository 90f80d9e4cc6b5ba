"""``verify``: figures against contacts, contacts against events, and the grains against one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from schemas.catalogue import Catalogue
from schemas.clickhouse.database import Database
from schemas.clickhouse.queries import OPEN_REBUILDS, Query
from schemas.clickhouse.tables import CONTACTS
from schemas.clock import Clock
from schemas.errors import ConfigurationError, RetriableError
from schemas.events import Event, events_adapter
from schemas.timebase import kept_from, local_day
from streams.verify.frozen import Former, freezing
from streams.verify.joining import THREAD_OPEN
from streams.verify.legs import NaiveLeg, legs_of, restarts_of
from streams.verify.naive import Row, day_of, facts_of
from streams.verify.sql import MOST_DIFFERENCES, Comparison, comparison_query
from streams.waiting import Lag, behind, still_pending

CONTACTS_AGAINST_EVENTS = "contacts against events"
ONE_PARTITION = "events of a leg in one partition"

Amount = int | str | None
"""A figure, or a contact's value as text; None where there is none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is stored otherwise than it ought to be. Holds no pseudonym."""

    what: str
    where: str
    figure: str
    stored: Amount
    recomputed: Amount


@dataclass(frozen=True, slots=True)
class Compared:
    """How much a comparison held against one another: rows or contacts, and values in them."""

    what: str
    rows: int
    values: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared from ``since`` (included) to ``until`` (not), local days, and what differs.

    ``differing`` is how many differences there are, of which ``differences`` holds at most 10 000 per
    comparison. ``late`` events are archived but counted nowhere until a rebuild (CORRECTIONS 12), which would
    also change ``awaiting_rebuild`` contacts of frozen days: they stand as they did when frozen. Before
    ``pseudonyms_from`` the figures that need a party can't be had from the facts any more.
    """

    since: date
    until: date
    pseudonyms_from: date
    events: int
    late: int
    awaiting_rebuild: int
    compared: tuple[Compared, ...]
    differences: tuple[Difference, ...]
    differing: int

    @property
    def equal(self) -> bool:
        """Tell whether nothing differs."""
        return self.differing == 0


@dataclass(frozen=True, slots=True)
class Kept:
    """For how many days events are kept, and pseudonyms in facts; None for ever."""

    events: int | None = None
    pseudonyms: int | None = None

    def first_day(self, now: datetime) -> date | None:
        """Return the first day whose every event is kept, and those of a thread that was open before it.

        None where events are kept for ever.
        """
        if self.events is None:
            return None
        return local_day(now - timedelta(days=self.events)) + timedelta(days=1) + THREAD_OPEN


@dataclass(frozen=True, slots=True)
class Verifier:
    """Compares, once the worker is through. Reads only."""

    database: Database
    catalogue: Catalogue
    clock: Clock
    lag: Lag
    kept: Kept = field(default_factory=Kept)

    def verify(
        self, since: date | None = None, until: date | None = None, wait: timedelta = timedelta(seconds=30)
    ) -> Verification:
        """Return what differs from ``since`` to ``until`` (not included); by default over all that is kept.

        Raises RetriableError if the worker is not through within ``wait``, and ConfigurationError for a
        range whose events have begun to expire (CORRECTIONS 12, 13). If the store changed while it was
        read, what differs is compared once more, and only what still differs is told.
        """
        begin, end = self._range(since, until)
        self._wait_until_through(wait)
        before = self._mark()
        found = self._compare(begin, end)
        if found.equal or self._mark() == before:
            return found
        self._wait_until_through(wait)
        return _lasting(found, self._compare(begin, end))

    def _range(self, since: date | None, until: date | None) -> tuple[date, date]:
        rows = self.database.rows(
            Query(
                """SELECT count(), min(day), max(day) FROM
(SELECT day FROM contacts_current UNION ALL SELECT day FROM service_days_current)"""
            )
        )
        count, oldest, newest = rows[0]
        today = local_day(self.clock.now())
        earliest = self.kept.first_day(self.clock.now())
        if since is not None and earliest is not None and since < earliest:
            raise ConfigurationError(
                f"--since {since}: the events of those days have begun to expire (retention.events_days = "
                f"{self.kept.events}); the first day that can be verified is {earliest}"
            )
        begin = since or max(earliest or date.min, oldest if count else today)
        end = until or max(today, newest if count else today) + timedelta(days=1)
        if begin >= end:
            raise ConfigurationError(
                f"nothing between {begin} and {end - timedelta(days=1)}; correct the days"
            )
        return begin, end

    def _pseudonyms_from(self) -> date:
        """Return the first day whose facts still name the party: the store blanks it after so many days."""
        return kept_from(self.clock.now(), self.kept.pseudonyms)

    def _wait_until_through(self, wait: timedelta) -> None:
        pending = still_pending(self._pending, wait)
        if pending:
            raise RetriableError(
                f"nothing was compared: {pending} after {wait.total_seconds():g} s; is a worker running? "
                "Wait longer with --wait"
            )

    def _pending(self) -> str:
        """Return what has to be done before anything can be compared; empty when all is done."""
        rebuilds = self.database.rows(OPEN_REBUILDS)
        if rebuilds:
            return f"the rebuild from {min(since for _, since, _ in rebuilds)} is not through"
        return behind(self.lag)

    def _mark(self) -> object:
        """Return something that changes whenever the worker writes."""
        sql = """SELECT 'contacts', partition, max(revision) FROM contacts GROUP BY partition
UNION ALL SELECT 'figures', partition, max(revision) FROM service_windows GROUP BY partition
UNION ALL SELECT 'events', partition, uniqExact(event_id) FROM events GROUP BY partition"""
        return sorted(tuple(row) for row in self.database.rows(Query(sql)))

    def _compare(self, since: date, until: date) -> Verification:
        events, late = self.database.rows(Query("SELECT countIf(NOT late), countIf(late) FROM events FINAL"))[
            0
        ]
        pseudonyms_from = self._pseudonyms_from()
        found = Verification(since, until, pseudonyms_from, int(events), int(late), 0, (), (), 0)
        for comparison in Comparison:
            found = self._figures(found, comparison)
        found = self._contacts(found)
        return self._places(found)

    def _figures(self, found: Verification, comparison: Comparison) -> Verification:
        """Compare sums in the store itself; only what differs is brought here."""
        query = comparison_query(
            comparison,
            found.since,
            found.until,
            pseudonyms_from=found.pseudonyms_from,
            internal_topics=[name for name, topic in self.catalogue.topics.items() if topic.internal],
        )
        rows, values, total, differing = self.database.rows(query)[0]
        told = [
            Difference(comparison.value, _place(*where), str(name), int(was), int(ought))
            for *where, name, was, ought in sorted(differing)
        ]
        return _with(found, Compared(comparison.value, int(rows), int(values)), told, int(total))

    def _contacts(self, found: Verification) -> Verification:
        """Fold the archive again and compare every contact, column by column."""
        legs = self._legs()
        ought = {
            str(row["contact_id"]): row
            for row in facts_of(legs, self.catalogue)
            if found.since <= day_of(row) < found.until
        }
        stored: dict[str, Row] = {}
        told: list[Difference] = []
        for row in self._stored(found.since, found.until):
            contact_id = str(row["contact_id"])
            if contact_id in stored:
                told.append(Difference(CONTACTS_AGAINST_EVENTS, contact_id, "contact", "twice", "once"))
            stored[contact_id] = row
        differ = {
            contact_id: differences
            for contact_id in sorted(stored.keys() | ought.keys())
            if (differences := _differences(stored.get(contact_id), ought.get(contact_id), found))
        }
        awaiting = self._awaiting_rebuild(found, legs, {i: (stored.get(i), ought.get(i)) for i in differ})
        told += [d for contact_id, ds in differ.items() if contact_id not in awaiting for d in ds]
        compared = Compared(CONTACTS_AGAINST_EVENTS, len(ought), len(ought) * len(_FACTS))
        found = replace(found, awaiting_rebuild=len(awaiting))
        return _with(found, compared, told[:MOST_DIFFERENCES], len(told))

    def _awaiting_rebuild(
        self,
        found: Verification,
        legs: Sequence[NaiveLeg],
        differ: Mapping[str, tuple[Row | None, Row | None]],
    ) -> set[str]:
        """Return those of the contacts that stand as they did when their day was frozen."""
        if not differ:
            return set()
        frozen = freezing(self.database)
        former = Former(self.database, self.catalogue, legs)

        def equal(stored: Row | None, folded: Row | None) -> bool:
            return not _differences(stored, folded, found)

        return {
            contact_id
            for contact_id, (stored, ought) in differ.items()
            if (since := frozen.since(day_of(stored or ought or {}))) is not None
            and former.stood(stored, ought, since, equal)
        }

    def _legs(self) -> list[NaiveLeg]:
        """Return the naive fold of the archive's legs, read a slice of them at a time."""
        restarts = restarts_of(self._events("type = 'kommuncenter.system.restarted'", {}))
        count = self.database.rows(Query("SELECT count() FROM events"))[0][0]
        slices = 1 + int(count) // 50_000
        legs = []
        for number in range(slices):
            mine = "type != 'kommuncenter.system.restarted' AND cityHash64(leg_id) % {of:UInt32} = {n:UInt32}"
            legs += legs_of(self._events(mine, {"of": slices, "n": number}), restarts)
        return legs

    def _events(self, condition: str, parameters: Mapping[str, object]) -> list[Event]:
        """Return archived events, late ones left out (CORRECTIONS 12)."""
        sql = f"SELECT payload FROM events FINAL WHERE NOT late AND {condition}"  # noqa: S608 - our own text
        payloads = [str(row[0]) for row in self.database.rows(Query(sql, parameters))]
        return events_adapter.validate_json(f"[{','.join(payloads)}]")

    def _stored(self, since: date, until: date) -> Iterator[Row]:
        sql = f"""SELECT {", ".join(_FACTS)} FROM contacts_current
WHERE day >= {{since:Date}} AND day < {{until:Date}}
ORDER BY day, contact_id"""  # noqa: S608 - names of columns
        for row in self.database.rows(Query(sql, {"since": since, "until": until})):
            yield dict(zip(_FACTS, map(_plain, row), strict=True))

    def _places(self, found: Verification) -> Verification:
        """A leg's events in two partitions would be folded by two owners at once."""
        sql = """SELECT leg_id, uniqExact(partition) AS partitions FROM events
WHERE type != 'kommuncenter.system.restarted' AND NOT late
GROUP BY leg_id HAVING partitions > 1 ORDER BY leg_id"""
        torn = [
            Difference(ONE_PARTITION, str(leg), "partitions", int(partitions), 1)
            for leg, partitions in self.database.rows(Query(sql))
        ]
        return _with(found, Compared(ONE_PARTITION, found.events, found.events), torn, len(torn))


_FACTS = tuple(name for name in CONTACTS.columns if name not in {"partition", "revision", "deleted"})


def _with(found: Verification, compared: Compared, told: Sequence[Difference], total: int) -> Verification:
    return replace(
        found,
        compared=(*found.compared, compared),
        differences=(*found.differences, *told),
        differing=found.differing + total,
    )


def _lasting(first: Verification, second: Verification) -> Verification:
    """Return the second with only what the first found as well: the rest was under way at the time."""
    before = set(first.differences)
    lasting = tuple(difference for difference in second.differences if difference in before)
    cut = second.differing > len(second.differences)
    return replace(second, differences=lasting, differing=second.differing if cut else len(lasting))


def _differences(stored: Row | None, ought: Row | None, found: Verification) -> list[Difference]:
    """Return in what a contact is stored otherwise than it ought to be."""
    if stored is not None and ought is not None:
        return _contact_differences(stored, ought, found.pseudonyms_from)
    row = stored or ought
    if row is None:
        return []
    summaries = [None if row is None else _summary(row) for row in (stored, ought)]
    return [Difference(CONTACTS_AGAINST_EVENTS, str(row["contact_id"]), "contact", *summaries)]


def _contact_differences(stored: Row, ought: Row, pseudonyms_from: date) -> list[Difference]:
    told = []
    for name in _FACTS:
        was, expected = stored[name], ought[name]
        if name == "legs":
            was = tuple(sorted(map(str, was))) if isinstance(was, tuple) else was
        if name == "party" and not was and day_of(stored) < pseudonyms_from:
            continue  # blanked by retention
        if not _same(was, expected):
            where = str(stored["contact_id"])
            told.append(
                Difference(CONTACTS_AGAINST_EVENTS, where, name, _text(name, was), _text(name, expected))
            )
    return told


def _plain(value: Any) -> object:
    """Return lists as tuples, however deep."""
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def _same(stored: object, ought: object) -> bool:
    """Compare; instants by whole milliseconds, which is what the store keeps."""
    if isinstance(stored, tuple) and isinstance(ought, tuple):
        return len(stored) == len(ought) and all(map(_same, stored, ought))
    if isinstance(stored, datetime) and isinstance(ought, datetime):
        return abs(stored - ought) <= timedelta(milliseconds=1)
    return stored == ought


def _text(column: str, value: object) -> str:
    """Return a value to be read; of a pseudonym no more than the id of its key."""
    if column == "party":
        return f"{str(value).partition(':')[0]}:…" if value else "none"
    if isinstance(value, tuple):
        return "[" + ", ".join(_text(column, part) for part in value) + "]"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
    return "none" if value is None else str(value)


def _summary(row: Row) -> str:
    return f"{row['channel']}, {row['outcome']}, {_text('arrived_at', row['arrived_at'])}"


def _place(place: date | datetime, channel: str, area: str, topic: str, unit: str) -> str:
    """Return a row's place to be read, such as ``2026-11-16T08:15Z telephone va-avfall``."""
    when = f"{place.astimezone(UTC):%Y-%m-%dT%H:%MZ}" if isinstance(place, datetime) else str(place)
    return " ".join(part for part in (when, channel, area, topic, unit) if part)
