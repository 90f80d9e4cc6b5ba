"""Fuzzes one source in a process of its own, and writes down what it found.

Two engines make the inputs, both out of golden records. The seeded one corrupts them blindly; the other,
where atheris is installed, goes on from those inputs that reached code which none had reached before.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.findings import Finding, minimised, save
from tests.fuzz.target import Target, random_input, target_of

MOST_FINDINGS = 5
"""So many kinds of a source are told; there is no need for more before these are mended."""
COVERED = ("producers.sources", "producers.mapped", "producers.records")
SHORTEST_LIMIT = 4096
LONGEST_S = 60
"""An input that takes longer ends the process, which is a fault as well."""
GUIDED, SEEDED = "guided", "seeded"


def engines() -> Sequence[str]:
    """Return the engines that there are here, the better one first."""
    return (GUIDED, SEEDED) if importlib.util.find_spec("atheris") else (SEEDED,)


@dataclass
class Run:
    """A source being fuzzed: how many inputs so far, and what was found."""

    target: Target
    inputs: int = 0
    findings: dict[str, Finding] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def one(self, data: bytes) -> None:
        """Try an input."""
        self.inputs += 1
        for flaw in self.target.flaws(data):
            finding = Finding(flaw, data)
            if len(self.findings) < MOST_FINDINGS:
                self.findings.setdefault(finding.kind, finding)

    def report(self, found: Path) -> dict[str, object]:
        """Minimise and save what was found; return what there is to tell."""
        seconds = time.monotonic() - self.began
        told = []
        for finding in self.findings.values():
            smallest = minimised(self.target, finding)
            told.append({"flaw": smallest.flaw, "case": str(save(self.target, smallest, found))})
        return {"inputs": self.inputs, "seconds": seconds, "findings": told}


def seeded(target: Target, inputs: int, seed: int) -> Run:
    """Try inputs that are golden records, corrupted: the same for the same seed."""
    run, random = Run(target), Random(seed)
    for _ in range(inputs):
        run.one(random_input(target, random))
    return run


def guided(name: str, inputs: int, seed: int, corpus: Path, done: Callable[[Run], None]) -> None:
    """Try inputs as coverage suggests. Never returns: ``done`` is called, and the process ends."""
    atheris: Any = importlib.import_module("atheris")

    with atheris.instrument_imports(include=list(COVERED)):
        target = target_of(name)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.seeds()):
        (corpus / f"golden-{number:04}").write_bytes(data)
    run, random = Run(target), Random(seed)

    def one(data: bytes) -> None:
        run.one(data)
        if run.inputs >= inputs:
            done(run)
            os._exit(0)  # the fuzzer itself knows no other end

    def mutated(data: bytes, max_size: int, seed: int) -> bytes:
        if random.random() < 0.5:
            return target.corrupted(data, random)[:max_size]
        mutated: bytes = atheris.Mutate(data, max_size)
        return mutated

    longest = max(SHORTEST_LIMIT, *(len(data) for data in target.seeds()))
    options = [f"-seed={seed % 2**32}", f"-max_len={longest}", f"-timeout={LONGEST_S}", "-verbosity=0"]
    atheris.Setup(["fuzz", *options, str(corpus)], one, custom_mutator=mutated)
    atheris.Fuzz()


def main() -> None:
    """Fuzz a source as the arguments say, and write the result where they say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--engine", choices=(GUIDED, SEEDED), required=True)
    parser.add_argument("--inputs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--result", type=Path, required=True)
    given = parser.parse_args()

    def done(run: Run) -> None:
        given.result.write_text(json.dumps(run.report(given.directory / "found")), "utf-8")

    if given.engine == GUIDED:
        guided(given.name, given.inputs, given.seed, given.directory / "corpus" / given.name, done)
    else:
        done(seeded(target_of(given.name), given.inputs, given.seed))


if __name__ == "__main__":
    main()
