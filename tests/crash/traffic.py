"""The traffic of a crash test: files that real sources follow, and records that a publisher sends.

Four weeks of several simulated centres that share one town: people who call one centre write to another.
The same seed gives the same traffic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

from kommuncenter.clocks import SystemClock
from producers.contract import Broadcast, Context
from producers.registry import load
from producers.simulator import Record, Scenarios, SimulationSettings, Writer, simulate
from producers.simulator.settings import Interval
from schemas.catalogue import load_catalogue
from schemas.events import Event, to_json
from schemas.identity import Pseudonymiser, PseudonymKey, partition_for
from schemas.topics import event_topic
from tests.e2e.reading import read_to_the_end

FIRST_DAY, DAYS = date(2026, 10, 12), 28
"""With a day of 25 hours, All Saints' Day, and nothing so old that it would be late."""
AFTERWARDS = datetime(2026, 11, 9, 6, 0, tzinfo=UTC)
END_OF_WRITING = datetime(2027, 1, 1, tzinfo=UTC)
PARTITIONS = 8
FOLLOWED = ("telephony", "desk", "mail")
"""Instances that are real processes, which follow files."""
PUBLISHED = {"telephony": "calls", "desk": "visits", "mail": "letters"}
"""Instances that have no process: a publisher sends what they would."""
MOST_SENT = 3
_PSEUDONYMISER = Pseudonymiser(PseudonymKey("test", b"sixteen characters or more"))
"""As tests.e2e.installation has it: the centres know the same people."""
_OUTAGE = Interval(start=datetime(2026, 10, 20, 8, tzinfo=UTC), end=datetime(2026, 10, 20, 8, 20, tzinfo=UTC))
"""The exchange is away and comes back: an event for every partition."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much traffic there is: errands per open day."""

    followed: float
    published: float
    """Per published centre."""
    centres: int = 1
    """How many published centres there are."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One record for Kafka."""

    topic: str
    partition: int
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Published:
    """What the publisher sends: the distinct events, and all sendings in their order."""

    events: Sequence[Event]
    sendings: Sequence[Sending]


def sources(centre: Path) -> dict[str, dict[str, object]]:
    """Return the settings of all source instances, on the files of a centre, which are made empty.

    Those of the published instances are not run: they give them topics.
    """
    settings = _settings_on(Writer(centre, iter(())))
    return {
        **{name: {"type": _type(name), **settings[name]} for name in FOLLOWED},
        **{PUBLISHED[name]: {"type": _type(name), **settings[name]} for name in FOLLOWED},
    }


def followed(load: Load) -> Iterator[Record]:
    """Return the records of the centre whose files real sources follow."""
    return _centre(1, load.followed)


def published(load: Load, directory: Path) -> Published:
    """Return what the publisher sends; its files are made below the directory to be read by the sources."""
    events: list[Event | Broadcast] = []
    for number in range(2, 2 + load.centres):
        files = Writer(directory / f"centre{number}", _centre(number, load.published))
        files.write_until(END_OF_WRITING)
        for name in FOLLOWED:
            events += _events(name, number, files)
    events.sort(key=lambda each: _bare(each).time)
    return Published([_bare(each) for each in events], [*_shuffled(events, Random(load.centres))])


def _bare(each: Event | Broadcast) -> Event:
    return each.event if isinstance(each, Broadcast) else each


def _centre(number: int, errands_per_day: float) -> Iterator[Record]:
    settings = SimulationSettings(
        seed=number,
        days=DAYS,
        errands_per_day=errands_per_day,
        telephone_system=_system("telephony", number),
        mailbox=_system("mail", number),
        dropped_share=0.02,
        scenarios=Scenarios(telephony_silent=(_OUTAGE,), doubled_visits=frozenset({FIRST_DAY})),
    )
    return simulate(settings, load_catalogue(), _PSEUDONYMISER, FIRST_DAY)


def _system(name: str, number: int) -> str:
    return f"{name}{number}"


def _type(name: str) -> str:
    return "asterisk" if name == "telephony" else name


def _settings_on(files: Writer, number: int = 1) -> Mapping[str, Mapping[str, Any]]:
    """Return the own settings of the three kinds of source on the files of a centre."""
    return {
        "telephony": {"path": str(files.queue_log), "system": _system("telephony", number)},
        "desk": {"journal": str(files.visits), "system": _system("desk", number)},
        "mail": {
            "mailbox": _system("mail", number),
            "poll_seconds": 0.2,
            "maildir": {"path": str(files.maildir)},
        },
    }


def _events(name: str, number: int, files: Writer) -> list[Event | Broadcast]:
    """Return what the source of a published instance makes of a centre's files."""
    source = load(_type(name))
    own = source.settings.model_validate(_settings_on(files, number)[name])
    context = Context(PUBLISHED[name], _PSEUDONYMISER, load_catalogue(), PARTITIONS)
    events, rejections = read_to_the_end(source, own, context, SystemClock())
    assert not rejections
    return events


def _shuffled(events: Sequence[Event | Broadcast], rng: Random) -> Iterator[Sending]:
    """Yield every event one to three times, somewhat out of order, a repetition often much later."""
    places: list[tuple[float, int, Event | Broadcast]] = []
    for number, each in enumerate(events):
        times = rng.choices(range(1, MOST_SENT + 1), (70, 20, 10))[0]
        places.append((number + rng.uniform(-500, 500), len(places), each))
        for _ in range(times - 1):
            places.append((number + rng.uniform(0, len(events) / 10), len(places), each))
    for _, _, each in sorted(places):
        yield from _sendings(each)


def _sendings(each: Event | Broadcast) -> Iterator[Sending]:
    event = _bare(each)
    partitions = (
        range(PARTITIONS) if isinstance(each, Broadcast) else [partition_for(event.subject, PARTITIONS)]
    )
    for partition in partitions:
        yield Sending(event_topic(event.source), partition, event.subject.encode(), to_json(event))
