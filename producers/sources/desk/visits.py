"""Who is waiting: a pure fold over the journal's lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from producers.sources.desk import records
from producers.sources.desk.records import Line
from schemas.events import Audience
from schemas.timebase import local_day


@dataclass(frozen=True, slots=True)
class Visit:
    """A visitor who has not gone yet. ``number`` counts the day's registrations from 1; times in UTC."""

    visit: str
    number: int
    arrived_at: datetime
    called_at: datetime | None = None
    audience: Audience | None = None


@dataclass(slots=True)
class DeskState:
    """What the journal says so far."""

    present: dict[str, Visit] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    _numbers: dict[str, int] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)

    def add(self, lines: Iterable[Line]) -> None:
        """Take in more lines. A key that is already known changes nothing."""
        for line in lines:
            if line.key not in self.keys:
                self.keys.add(line.key)
                self._apply(line)

    def waiting(self, now: datetime) -> list[Visit]:
        """Return today's visitors who are still here, in order of arrival."""
        today = local_day(now)
        here = [visit for visit in self.present.values() if local_day(visit.arrived_at) == today]
        return sorted(here, key=lambda visit: (visit.arrived_at, visit.number))

    def _apply(self, line: Line) -> None:
        if isinstance(line, records.Registered):
            self._arrive(line)
        elif isinstance(line, records.Called) and line.visit in self.present:
            here = self.present[line.visit]
            self.present[line.visit] = replace(here, called_at=here.called_at or line.at)
        elif isinstance(line, records.NoShow | records.Finished):
            self._gone.add(line.visit)
            self.present.pop(line.visit, None)

    def _arrive(self, line: records.Registered) -> None:
        day = local_day(line.at).isoformat()
        self._numbers[day] = number = self._numbers.get(day, 0) + 1
        if line.visit not in self._gone:
            self.present[line.visit] = Visit(line.visit, number, line.at, audience=line.audience)
