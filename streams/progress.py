"""How far a consumer is on its topics: what it has fetched, what of that is done, and how old the rest is."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fetched:
    """Records out of one poll: their offsets, and when the first came to its topic (s since 1970)."""

    first: int
    last: int
    came_at: float | None


@dataclass(frozen=True, slots=True)
class TopicProgress:
    """Where a worker is on a topic. ``lag`` is None until the broker has told how far the topic reaches."""

    topic: str
    partitions: int
    lag: int | None
    records: int
    """Done since the worker started."""


Place = tuple[str, int]
"""A topic and a partition."""


@dataclass(slots=True)
class Progress:
    """Counts what goes through; a few operations per batch.

    How far a partition reaches is told by the broker with each fetch. That is out of date while nothing is
    fetched, and an embedded broker may tell too little: it reaches at least as far as what was fetched.
    """

    _under_way: dict[Place, deque[Fetched]] = field(default_factory=dict)
    _next: dict[Place, int] = field(default_factory=dict)
    _records: Counter[str] = field(default_factory=Counter)

    def fetched(self, place: Place, batch: Fetched) -> None:
        """Take note of records that are handed on."""
        self._under_way.setdefault(place, deque()).append(batch)
        self._next.setdefault(place, batch.first)

    def done(self, place: Place, last: int, records: int) -> None:
        """Take note that everything up to an offset is done."""
        self._records[place[0]] += records
        self._next[place] = max(self._next.get(place, 0), last + 1)
        under_way = self._under_way.get(place, deque())
        while under_way and under_way[0].last <= last:
            under_way.popleft()

    def forget(self, places: Iterable[Place]) -> None:
        """Leave out what is another owner's from now on."""
        for place in places:
            self._under_way.pop(place, None)
            self._next.pop(place, None)

    def oldest(self, now: float) -> float:
        """Return how many seconds the oldest record that is not done has been on its topic; 0 for none."""
        ages = [
            now - batch.came_at
            for batches in self._under_way.values()
            for batch in batches
            if batch.came_at is not None
        ]
        return max(0.0, *ages) if ages else 0.0

    def topics(self, places: Iterable[Place], end_of: Callable[[Place], int | None]) -> list[TopicProgress]:
        """Return the progress on each topic of the assigned places; ``end_of`` gives what the broker told."""
        assigned: dict[str, list[Place]] = {}
        for place in places:
            assigned.setdefault(place[0], []).append(place)
        return [
            TopicProgress(topic, len(own), self._lag(own, end_of), self._records[topic])
            for topic, own in sorted(assigned.items())
        ]

    def _lag(self, places: Iterable[Place], end_of: Callable[[Place], int | None]) -> int | None:
        lags = []
        for place in places:
            end, under_way = end_of(place), self._under_way.get(place)
            if under_way:
                end = max(end or 0, under_way[-1].last + 1)
            if end is None:
                return None
            lags.append(max(0, end - self._next.get(place, end)))
        return sum(lags)
