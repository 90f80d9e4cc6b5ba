"""Measures the surge detector on simulated weeks: hits, false alarms a week, and how soon it notices.

    python -m benchmarks.surge [--weeks 200]

Every week is looked at twice: as it is, and with a crisis that begins at a random quarter of it (a water leak
or a fire ban). A hit is an alarm that is noticed from the crisis' first quarter on, in the total or in its
topic. False alarms are all those of the weeks as they are.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from statistics import median

from producers.contract import Broadcast, Context, Raw, Rejected
from producers.simulator import Record, RecordKind, Scenarios, SimulationSettings, simulate
from producers.simulator.settings import Crisis, fire_ban, water_leak
from producers.sources.asterisk.settings import AsteriskSettings
from producers.sources.asterisk.source import normalise as read_line
from schemas.catalogue import load_catalogue
from schemas.events import Audience, Event, Queued
from schemas.identity import Pseudonymiser, PseudonymKey
from schemas.timebase import STOCKHOLM, local_day
from streams.core.surge import QUARTERS, Day, Surge, quarter_of, surges, usual_of
from streams.surges import TOTAL

CATALOGUE = load_catalogue()
CONTEXT = Context("telephony", Pseudonymiser(PseudonymKey("b1", b"a secret of benchmarks")), CATALOGUE, 1)
BEFORE = 8
"""Weeks that only tell what is usual."""
LOOKED_AT = 8
"""Weeks of one simulation in which surges are looked for."""
FIRST = date(2026, 1, 12)

Counts = Mapping[str, Mapping[date, Day]]
"""Series (the total, or a topic) -> local day -> counts by quarter."""


def counted(records: Iterable[Record]) -> Counts:
    """Return contacts by arrival, and errands by topic and registration; colleagues left out."""
    found: dict[str, dict[date, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    for record in records:
        for series in _series(record):
            found[series][local_day(record.at)][quarter_of(record.at)] += 1
    return found


def _series(record: Record) -> Iterator[str]:
    """Yield in what a record counts."""
    if record.kind is RecordKind.QUEUE_LOG and b"|ENTERQUEUE|" in record.payload:
        result = read_line(Raw(record.payload, "simulated"), AsteriskSettings(), CONTEXT)
        if not isinstance(result, Rejected) and any(map(_external, result)):
            yield TOTAL
    elif record.kind is RecordKind.INBOX:
        yield TOTAL
    elif record.kind is RecordKind.VISIT:
        said = json.loads(record.payload)
        if said["action"] == "registered":
            yield TOTAL
        topic = said.get("topic")
        if topic and not CATALOGUE.is_internal_topic(topic):
            yield topic


def _external(result: Event | Broadcast) -> bool:
    return isinstance(result, Queued) and result.data.audience != Audience.INTERNAL


def centre(seed: int, crises: tuple[Crisis, ...] = ()) -> Counts:
    """Return the counts of one simulation."""
    settings = SimulationSettings(
        seed=seed, days=7 * (BEFORE + LOOKED_AT), scenarios=Scenarios(crises=crises)
    )
    return counted(simulate(settings, CATALOGUE, CONTEXT.pseudonymiser, FIRST))


def alarms(counts: Counts, day: date) -> Iterator[tuple[str, Surge]]:
    """Yield the surges of a day, by series."""
    compared = CATALOGUE.comparable_days(day, weeks=BEFORE)
    for series, days in counts.items():
        usual = usual_of([days.get(earlier, {}) for earlier in compared])
        if usual is not None:
            yield from ((series, surge) for surge in surges(days.get(day, {}), QUARTERS, usual))


def crises_of(seed: int) -> tuple[Crisis, ...]:
    """Return a crisis for each week that is looked at: on an ordinary day, at a random quarter."""
    rng = Random(seed)  # noqa: S311 - a simulation
    found = []
    for week in range(BEFORE, BEFORE + LOOKED_AT):
        days = [FIRST + timedelta(days=7 * week + weekday) for weekday in range(5)]
        day = rng.choice([day for day in days if CATALOGUE.is_ordinary(day)])
        start = datetime.combine(day, time(8), STOCKHOLM) + rng.randrange(28) * timedelta(minutes=15)
        found.append(rng.choice([water_leak, fire_ban])(start))
    return tuple(found)


@dataclass
class Found:
    """What came out: minutes from the start of a crisis to its alarm, and alarms without one."""

    weeks: int = 0
    false_alarms: Counter[str] = field(default_factory=Counter)
    delays: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    missed: Counter[str] = field(default_factory=Counter)

    def quiet(self, counts: Counts) -> None:
        """Look at weeks as they are."""
        for number in range(7 * BEFORE, 7 * (BEFORE + LOOKED_AT)):
            for series, _ in alarms(counts, FIRST + timedelta(days=number)):
                self.false_alarms["total" if series == TOTAL else "topics"] += 1
        self.weeks += LOOKED_AT

    def crises(self, counts: Counts, crises: Iterable[Crisis]) -> None:
        """Look at weeks with a crisis each."""
        for crisis in crises:
            kind, first = "fire ban" if crisis.of_total else "water leak", quarter_of(crisis.start)
            noticed = [
                surge.noticed
                for series, surge in alarms(counts, local_day(crisis.start))
                if series in {TOTAL, crisis.topic} and surge.noticed >= first
            ]
            if noticed:
                self.delays[kind].append((min(noticed) + 1 - first) * 15)
            else:
                self.missed[kind] += 1

    def lines(self) -> Iterator[str]:
        """Yield the result, for people."""
        told = ", ".join(f"{n / self.weeks:.3f} in {name}" for name, n in sorted(self.false_alarms.items()))
        yield f"{self.weeks} weeks as they are: false alarms a week: {told or 'none'}"
        for kind, delays in sorted(self.delays.items()):
            hits, all_ = len(delays), len(delays) + self.missed[kind]
            late = sorted(delays)[int(0.9 * hits)]
            yield (
                f"{kind}: {hits} of {all_} noticed ({hits / all_:.0%}), "
                f"after {median(delays):.0f} minutes at the median, {late} at the 90th percentile"
            )


def main() -> None:
    """Simulate, look, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--weeks", type=int, default=200)
    found = Found()
    for seed in range(-(-parser.parse_args().weeks // LOOKED_AT)):
        crises = crises_of(seed)
        found.quiet(centre(seed))
        found.crises(centre(seed, crises), crises)
    sys.stdout.write("\n".join(found.lines()) + "\n")


if __name__ == "__main__":
    main()
