"""One run under fire: rounds of traffic, in each of which parts die at moments drawn from a seed."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random
from typing import TypeVar

from kommuncenter.embedded.kafka_jvm import JvmKafka
from kommuncenter.embedded.processes import ChildProcess
from producers.simulator import Record, Writer
from tests.crash.publishing import Publisher
from tests.crash.traffic import END_OF_WRITING, FOLLOWED, Load, Sending
from tests.e2e.installation import Installation

T = TypeVar("T")

WITHIN_S = 240.0
"""The longest wait for one thing, such as a takeover; it is long, for others may use the machine."""


class Fault(StrEnum):
    """What may happen in a round."""

    WORKER = "worker killed"
    ZOMBIE = "worker paused until it lost its partitions"
    STORE = "store killed"
    BROKER = "broker killed"
    SOURCES = "sources killed"
    JOURNAL = "source robbed of its journal"


@dataclass(frozen=True, slots=True)
class Round:
    """So many workers run, so large a part of the traffic comes, and this happens, in any order."""

    workers: int
    part: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does; the seed gives the moments, the order of a round's faults, and who is hit."""

    load: Load
    rounds: tuple[Round, ...]
    seed: int


@dataclass
class Run:
    """The parts under fire, and what has happened to them so far."""

    installation: Installation
    rng: Random
    publisher: Publisher
    centre: Path
    """Where the followed centre's files are."""
    happened: Counter[str] = field(default_factory=Counter)
    last_words: list[str] = field(default_factory=list)
    """Of the processes that ended without being killed; whoever starts a process does so again."""
    _workers: list[ChildProcess] = field(default_factory=list)
    _wanted: int = 0
    _sources: ChildProcess | None = None
    _claims: int = 0

    def go_through(
        self, rounds: Sequence[Round], sendings: Sequence[Sending], records: Sequence[Record]
    ) -> None:
        """Do all rounds; return when the broker has every sending, and every record is in its file."""
        sent = []
        slices = zip(_cut(sendings, rounds), _cut(records, rounds), strict=True)
        for round_, (some_sendings, some_records) in zip(rounds, slices, strict=True):
            before = self.archived()
            sent.append(self.publisher.send(some_sendings))
            Writer(self.centre, iter(some_records)).write_until(END_OF_WRITING)
            self._man(round_.workers)
            self.until(lambda: self.archived() > before, "work in the round")  # noqa: B023 - done here
            for fault in self.rng.sample(round_.faults, len(round_.faults)):
                self._do(fault)
        for each in sent:
            each.result(WITHIN_S)

    def until(
        self, condition: Callable[[], bool], what: str, progress: Callable[[], object] = lambda: None
    ) -> None:
        """Wait for a condition, and meanwhile start again whoever has ended by itself."""

        def looked() -> bool:
            self._tend()
            return condition()

        self.installation.until(looked, what, WITHIN_S, progress)

    def _do(self, fault: Fault) -> None:
        self._await_moment(after_a_claim=fault in {Fault.WORKER, Fault.ZOMBIE} and self.rng.random() < 0.7)
        self.happened[fault] += 1
        if fault is Fault.WORKER:
            self._kill(self._take_worker())
            self._tend()
        elif fault is Fault.ZOMBIE:
            self._pause_worker()
        elif fault is Fault.STORE:
            self.installation.store.kill()
            self._await_moment()
            self.installation.store.start()
        elif fault is Fault.BROKER:
            broker = self.installation.broker
            assert isinstance(broker, JvmKafka), "the embedded broker forgets what it had"
            broker.kill()
            self._await_moment()
            broker.start()
        else:
            self._restart_sources(forgetful=fault is Fault.JOURNAL)

    def _await_moment(self, *, after_a_claim: bool = False) -> None:
        """Let some time pass, now and then so that it ends within a takeover or just after it."""
        if after_a_claim:
            self.until(lambda: self._claimed() > self._claims, "a takeover")
        threading.Event().wait(self.rng.uniform(0, 2))  # any moment is as good as another

    def _pause_worker(self) -> None:
        """Stop a worker's clock until others have its partitions; then it goes on as if nothing had been."""
        zombie = self.rng.choice(self._workers)
        self._claims = self._claimed()
        os.kill(zombie.pid, signal.SIGSTOP)
        try:
            self.until(lambda: self._claimed() > self._claims, "another owner")
            self._await_moment()
        finally:
            os.kill(zombie.pid, signal.SIGCONT)

    def _man(self, wanted: int) -> None:
        """Let so many workers run from now on: some join, or some leave in order."""
        self._wanted = wanted
        while len(self._workers) > wanted:
            self._take_worker().stop()
            self.happened["worker left"] += 1
        self._tend()

    def _take_worker(self) -> ChildProcess:
        worker = self._workers.pop(self.rng.randrange(len(self._workers)))
        self._claims = self._claimed()
        return worker

    def _kill(self, child: ChildProcess) -> None:
        child.kill()
        self.installation.children.remove(child)

    def _tend(self) -> None:
        """Start what ought to run and does not."""
        for worker in [worker for worker in self._workers if not worker.running]:
            self._bury(worker)
            self._workers.remove(worker)
        while len(self._workers) < self._wanted:
            self._claims = self._claimed()
            self._workers.append(self.installation.start("worker"))
        if self._sources is not None and not self._sources.running:
            self._bury(self._sources)
            self._sources = None
        if self._sources is None:
            self._sources = self.installation.start("source", "run", *FOLLOWED)

    def _bury(self, child: ChildProcess) -> None:
        self.happened[f"{child.name.split()[0]} ended by itself"] += 1
        self.last_words.append(child.tail())
        self.installation.children.remove(child)

    def _restart_sources(self, *, forgetful: bool) -> None:
        """Kill the sources; one that lost its journal reads and sends everything again."""
        assert self._sources is not None
        self._kill(self._sources)
        self._sources = None
        if forgetful:
            journals = self.installation.settings.state_dir / "journals"
            (journals / f"{self.rng.choice(FOLLOWED)}.jsonl").unlink(missing_ok=True)
        self._tend()

    def archived(self) -> int:
        """Return how many distinct events the store has."""
        return int(self.installation.rows("SELECT uniqExact(event_id) FROM events")[0][0])

    def _claimed(self) -> int:
        return int(self.installation.rows("SELECT count() FROM epochs WHERE state = 'claimed'")[0][0])


def _cut(whole: Sequence[T], rounds: Sequence[Round]) -> list[Sequence[T]]:
    """Cut a sequence into a piece for each round, as large as its part."""
    total = sum(round_.part for round_ in rounds)
    ends = accumulate((round_.part for round_ in rounds), initial=0)
    return [whole[len(whole) * a // total : len(whole) * b // total] for a, b in pairwise(ends)]
