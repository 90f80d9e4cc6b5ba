"""``python -m tests.fuzz``: every source's ``normalise`` with at least a million inputs in all.

Exits with 1 if one raises something, gives something that the contract does not allow, or lets a number or
an address out. What is found is saved as a case below ``var/fuzz/found``; ``var/fuzz/corpus`` keeps the
inputs that reached new code, for the next night.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from producers import registry
from tests.fuzz.worker import engines

TOTAL = 1_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What fuzzing a source came to."""

    name: str
    inputs: int
    seconds: float
    findings: Sequence[tuple[str, str]]
    """What is wrong, and the folder of the case that shows it."""
    broke: str = ""
    """How the process ended, where it did not come to its end."""

    @property
    def good(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.findings and not self.broke

    def line(self) -> str:
        """Return a line of the table."""
        rate = self.inputs / self.seconds if self.seconds else 0.0
        return f"{'ok' if self.good else 'NO'}  {self.name:<16} {self.inputs:>9} inputs  {rate:>7.0f}/s"


def fuzz(name: str, inputs: int, seed: int, engine: str, directory: Path) -> Outcome:
    """Fuzz a source in a process of its own, and return what it came to."""
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch) / "result.json"
        command = [sys.executable, "-m", "tests.fuzz.worker", name, "--engine", engine]
        command += ["--inputs", str(inputs), "--seed", str(seed)]
        command += ["--directory", str(directory), "--result", str(result)]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
        if not result.exists():
            last = (ended.stderr.strip().splitlines() or ["no word"])[-1]
            return Outcome(name, 0, 0.0, (), f"ended with {ended.returncode}: {last}")
        told = json.loads(result.read_text("utf-8"))
    findings = [(finding["flaw"], finding["case"]) for finding in told["findings"]]
    return Outcome(name, told["inputs"], told["seconds"], findings)


def main(arguments: Sequence[str]) -> int:
    """Fuzz as the arguments say, tell of it, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", help="sources; default: all")
    parser.add_argument("--inputs", type=int, default=TOTAL, help="of all sources together")
    parser.add_argument("--seed", type=int, help="default: today's date")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--engine", choices=engines(), default=engines()[0])
    parser.add_argument("--directory", type=Path, default=Path("var/fuzz"))
    given = parser.parse_args(arguments)
    names = given.names or registry.names()
    each = -(-given.inputs // len(names))
    seed = given.seed if given.seed is not None else int(f"{datetime.now(UTC):%Y%m%d}")
    sys.stdout.write(f"{len(names)} sources, {each} inputs each, {given.engine}, seed {seed}\n")
    sys.stdout.flush()
    with ThreadPoolExecutor(given.processes) as pool:
        running = [pool.submit(fuzz, n, each, seed, given.engine, given.directory.resolve()) for n in names]
        outcomes = []
        for outcome in (future.result() for future in running):
            outcomes.append(outcome)
            sys.stdout.write(outcome.line() + "\n")
            for flaw, case in outcome.findings:
                sys.stdout.write(f"    {flaw}\n    saved as {case}\n")
            if outcome.broke:
                sys.stdout.write(f"    {outcome.broke}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{sum(outcome.inputs for outcome in outcomes)} inputs in all\n")
    return 0 if all(outcome.good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
