"""A store in memory at the board's port, and a clock that stands where it is put."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from schemas.clickhouse.queries import Query
from schemas.clickhouse.silence import SourceStatus
from schemas.errors import RetriableError
from schemas.measures import MEASURE_NAMES, WAIT_HISTOGRAM, wait_bin
from schemas.timebase import local_day, window_start

Key = tuple[datetime, str, str, str, str]
_SUM = re.compile(r"sum\(f\.(\w+)\)")
_STALE = timedelta(hours=2)


@dataclass
class FixedClock:
    """Tells the instant that it holds."""

    at: datetime

    def now(self) -> datetime:
        """Return the instant."""
        return self.at


@dataclass
class OpenContact:
    """A contact without an answer so far."""

    channel: str
    arrived_at: datetime


@dataclass
class FakeStore:
    """Answers the queries of ``schemas.clickhouse.queries`` from rows of the 15-minute grain in memory."""

    rows_: dict[Key, dict[str, int]] = field(default_factory=dict)
    waits: dict[Key, dict[int, int]] = field(default_factory=dict)
    open: list[OpenContact] = field(default_factory=list)
    sources: list[tuple[str, datetime, datetime | None, datetime | None]] = field(default_factory=list)
    letters: list[tuple[str, str, datetime]] = field(default_factory=list)
    statuses: list[SourceStatus] = field(default_factory=list)
    """How sources do by their rhythm, whenever it is asked."""
    surges: list[tuple[str, datetime, datetime, datetime, int, float, int]] = field(default_factory=list)
    overdue: tuple[int, datetime | None] = (0, None)
    error: Exception | None = None
    queries: int = 0

    def add(
        self,
        at: datetime,
        channel: str = "telephone",
        area: str = "",
        topic: str = "",
        unit: str = "",
        *,
        waited_s: Sequence[int] = (),
        **measures: int,
    ) -> None:
        """Add to the row in whose window ``at`` falls."""
        key = (window_start(at), channel, area, topic, unit)
        row = self.rows_.setdefault(key, {})
        for name, amount in measures.items():
            assert name in MEASURE_NAMES
            row[name] = row.get(name, 0) + amount
        bins = self.waits.setdefault(key, {})
        for seconds in waited_s:
            index = wait_bin(seconds * 1000)
            bins[index] = bins.get(index, 0) + 1

    def away(self) -> None:
        """Make every query fail as when the store is away."""
        self.error = RetriableError("the store is away")

    def rows(self, query: Query) -> Sequence[Sequence[Any]]:
        """Answer a query."""
        self.queries += 1
        if self.error:
            raise self.error
        answers: dict[str, Callable[[Mapping[str, Any]], Sequence[Sequence[Any]]]] = {
            "FROM surges": self._surges,
            "first_due_at": lambda _: [self.overdue],
            "contacts_current": lambda given: self._gauges(given["now"]),
            "rhythm AS": lambda _: [astuple(status) for status in self.statuses],
            "source_health": lambda given: [row for row in sorted(self.sources) if row[1] <= given["at"]],
            "dead_letters": self._letters,
        }
        for words, answer in answers.items():
            if words in query.sql:
                return answer(query.parameters)
        return self._sums(query)

    def _surges(self, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return [row for row in self.surges if parameters["since"] <= row[1] < parameters["until"]]

    def _gauges(self, now: Any) -> list[tuple[str, int, int, int]]:
        answer = []
        for channel in sorted({contact.channel for contact in self.open}):
            ages = [now - c.arrived_at for c in self.open if c.channel == channel and c.arrived_at <= now]
            fresh = [age for age in ages if age < _STALE]
            longest = max(fresh, default=timedelta()) // timedelta(milliseconds=1)
            answer.append((channel, len(fresh), longest, len(ages) - len(fresh)))
        return answer

    def _letters(self, parameters: Mapping[str, Any]) -> list[tuple[str, str, int]]:
        found: dict[tuple[str, str], int] = defaultdict(int)
        for instance, reason, at in self.letters:
            if parameters["since"] <= at < parameters["until"]:
                found[instance, reason] += 1
        return [(*key, n) for key, n in sorted(found.items())]

    def _sums(self, query: Query) -> list[list[Any]]:
        """Group as the statement says; a time column is the window, or the day that it falls on."""
        columns = re.split(r",\s*(?![^(]*\))", query.sql[len("SELECT ") : query.sql.index("\nFROM")])
        grouped = re.search(r"GROUP BY (.+)", query.sql)
        by = grouped[1].split(", ") if grouped else []
        days = "service_days_current" in query.sql
        since, until = query.parameters["since"], query.parameters["until"]
        groups: dict[tuple[Any, ...], list[Key]] = defaultdict(list)
        for key in self.rows_:
            at: date | datetime = local_day(key[0]) if days else key[0]
            names = {"window": at, "day": at} | dict(
                zip(("channel", "area", "topic", "unit"), key[1:], strict=True)
            )
            only = {name: query.parameters.get(f"only_{name}") for name in names}
            wanted = all(values is None or names[name] in values for name, values in only.items())  # type: ignore[operator]
            if wanted and since <= at < until:  # type: ignore[operator]
                groups[tuple(names[name] for name in by)].append(key)
        if not by and not groups:
            groups[()] = []
        return [
            [*group, *(self._column(column, keys) for column in columns[len(by) :])]
            for group, keys in sorted(groups.items())
        ]

    def _column(self, column: str, keys: Iterable[Key]) -> Any:
        if WAIT_HISTOGRAM in column:
            total: dict[int, int] = defaultdict(int)
            for key in keys:
                for index, calls in self.waits.get(key, {}).items():
                    total[index] += calls
            return dict(total)
        names = _SUM.findall(column)
        assert len(names) == 1, column
        return sum(self.rows_[key].get(names[0], 0) for key in keys)
