"""The figures of one partition: sums of contributions in two grains, and which rows have to be written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from schemas.timebase import local_day
from streams.core.contributions import Amounts, Contribution, RowKey


class DayKey(NamedTuple):
    """Which row of the day grain: the local date and the dimensions."""

    day: date
    channel: str
    area: str
    topic: str
    unit: str


def day_key(key: RowKey) -> DayKey:
    """Return the day row in which a window row is contained."""
    return DayKey(local_day(key.window), *key[1:])


@dataclass(slots=True)
class Figures:
    """Sums of the contributions in force; a row is only ever handed out whole (DESIGN, rule 3)."""

    windows: dict[RowKey, Amounts] = field(default_factory=dict)
    days: dict[DayKey, Amounts] = field(default_factory=dict)

    def exchange(self, old: Contribution, new: Contribution) -> set[RowKey]:
        """Take ``old`` out, put ``new`` in, and return the rows that either touches."""
        for contribution, sign in ((old, -1), (new, 1)):
            for key, amounts in contribution.items():
                _into(self.windows, key, amounts, sign)
                _into(self.days, day_key(key), amounts, sign)
        return old.keys() | new.keys()

    def window(self, key: RowKey) -> Amounts:
        """Return the whole row; empty where nothing is left in it."""
        return self.windows.get(key, _EMPTY)

    def day(self, key: DayKey) -> Amounts:
        """Return the whole row of the day grain."""
        return self.days.get(key, _EMPTY)


_EMPTY = Amounts()


def _into(rows: dict, key: RowKey | DayKey, amounts: Amounts, sign: int) -> None:  # type: ignore[type-arg]
    row = rows.get(key)
    if row is None:
        row = rows[key] = Amounts()
    row.merge(amounts, sign)
    if row.empty:
        del rows[key]
