"""How soon a silent telephone system is noticed, and how often a source that works is called silent.

``python -m benchmarks.silence``: 200 weeks of the simulated centre, once as they are, and once with the
telephone system silent for three hours of each week, at another time of the week each time.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import quantiles

from producers.simulator import Record, RecordKind, Scenarios, SimulationSettings, simulate
from producers.simulator.settings import Interval
from schemas.catalogue import load_catalogue
from schemas.clickhouse.silence import SilenceRule
from schemas.identity import Pseudonymiser, PseudonymKey
from schemas.timebase import day_start
from tests.schemas.silence_oracle import Arrivals

CATALOGUE = load_catalogue()
PSEUDONYMISER = Pseudonymiser(PseudonymKey("b1", b"a secret of the benchmarks"))
CENTRES = {1: date(2025, 1, 6), 2: date(2026, 3, 2), 3: date(2024, 7, 1), 4: date(2026, 8, 3)}
"""Seed and first Monday of each simulated centre: every season begins one."""
LEARNING, WEEKS = 8, 50
SILENCE = timedelta(hours=3)
SLOTS = [timedelta(days=day, hours=hour) for hour in (10, 8, 12) for day in (0, 3, 1, 4, 2)]
CHANCES = (1e-3, 1e-4, 1e-5)
SOURCES = {
    RecordKind.QUEUE_LOG: "telephony",
    RecordKind.INBOX: "mail",
    RecordKind.SENT: "mail",
    RecordKind.VISIT: "desk",
}
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Heard:
    """What a source told: when something new began, and when anything at all came."""

    arrivals: Arrivals
    signs: Sequence[datetime]

    def since(self, first: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield each time between two signs from ``first`` on."""
        yield from pairwise(self.signs[bisect_left(self.signs, first) :])

    def alarm(self, since: datetime, until: datetime, rule: SilenceRule) -> datetime | None:
        """Return the minute at which nothing since ``since`` is an alarm; None: not before ``until``."""
        if not self.arrivals.silent(since, until, rule):
            return None
        minutes = range((until - since) // MINUTE + 1)
        first = bisect_left(
            minutes, True, key=lambda n: self.arrivals.silent(since, since + n * MINUTE, rule)
        )
        return min(since + first * MINUTE, until)


def heard(records: Iterable[Record]) -> dict[str, Heard]:
    """Return what each source told; a message's id is its file name, and a call's or a visit's its own."""
    begun: dict[str, dict[str, datetime]] = {name: {} for name in SOURCES.values()}
    signs: dict[str, list[datetime]] = {name: [] for name in SOURCES.values()}
    for record in records:
        source = SOURCES[record.kind]
        signs[source].append(record.at)
        begun[source].setdefault(record.name or record.leg or record.payload.decode(), record.at)
    return {name: Heard(Arrivals.of(CATALOGUE, begun[name].values()), signs[name]) for name in begun}


def simulated(seed: int, monday: date, scenarios: Scenarios) -> dict[str, Heard]:
    """Simulate a centre over the weeks in which its rhythm is learnt and those that are judged."""
    settings = SimulationSettings(seed=seed, days=7 * (LEARNING + WEEKS), scenarios=scenarios)
    return heard(simulate(settings, CATALOGUE, PSEUDONYMISER, monday))


def silences(monday: date) -> list[Interval]:
    """Return a silence in each judged week in which the day of the slot is an open one."""
    found = []
    for week in range(WEEKS):
        slot = SLOTS[week % len(SLOTS)]
        day = monday + timedelta(weeks=LEARNING + week, days=slot.days)
        start = day_start(day) + timedelta(seconds=slot.seconds)
        if CATALOGUE.is_ordinary(day):
            found.append(Interval(start=start, end=start + SILENCE))
    return found


def main() -> None:
    """Print both tables."""
    false = {(name, chance): 0 for name in dict.fromkeys(SOURCES.values()) for chance in CHANCES}
    delays: dict[float, list[float]] = {chance: [] for chance in CHANCES}
    missed = dict.fromkeys(CHANCES, 0)
    for seed, monday in CENTRES.items():
        judged = day_start(monday + timedelta(weeks=LEARNING))
        for name, told in simulated(seed, monday, Scenarios()).items():
            for since, until in told.since(judged):
                for chance in CHANCES:
                    false[name, chance] += told.arrivals.silent(since, until, SilenceRule(chance))
        intervals = silences(monday)
        telephony = simulated(seed, monday, Scenarios(telephony_silent=tuple(intervals)))["telephony"]
        for interval in intervals:
            since = telephony.signs[bisect_left(telephony.signs, interval.start) - 1]
            for chance in CHANCES:
                alarm = telephony.alarm(since, interval.end, SilenceRule(chance))
                if alarm is None:
                    missed[chance] += 1
                else:
                    delays[chance].append((alarm - interval.start) / MINUTE)
    weeks = WEEKS * len(CENTRES)
    say = sys.stdout.write
    say(f"False alarms in {weeks} weeks (per week)\n")
    for (name, chance), count in false.items():
        say(f"  {name:<10} chance {chance:g}: {count:4d} ({count / weeks:.3f})\n")
    say(f"Telephone system silent for {SILENCE // MINUTE} minutes: minutes until the alarm\n")
    for chance, found in delays.items():
        middle, high = quantiles(found, n=10)[4], quantiles(found, n=10)[8]
        say(f"  chance {chance:g}: median {middle:.0f}, 90 % within {high:.0f}, longest {max(found):.0f}; ")
        say(f"not noticed {missed[chance]} of {missed[chance] + len(found)}\n")


if __name__ == "__main__":
    main()
