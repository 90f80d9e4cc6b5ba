"""What fuzzing finds: made as small as it gets, and saved as a golden case of the source."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from producers.conformance.cases import CASES
from tests.fuzz.target import Target

MOST_TRIES = 3000
"""How often a smaller input is tried."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An input with which something is wrong, and what."""

    flaw: str
    data: bytes

    @property
    def kind(self) -> str:
        """The flaw without what stood in the input: two of a kind are probably one fault."""
        return re.sub(r"[^a-zåäö ]|leaks .*", "", self.flaw.lower())[:60]


def minimised(target: Target, finding: Finding) -> Finding:
    """Return a finding of the same kind with a payload from which no part can be taken."""
    number, payload = target.split(finding.data)

    def found(smaller: bytes) -> Finding | None:
        data = target.input(number, smaller)
        same = (Finding(flaw, data) for flaw in target.flaws(data))
        return next((other for other in same if other.kind == finding.kind), None)

    smallest = _smallest(payload, lambda smaller: found(smaller) is not None)
    return found(smallest) or finding


def _smallest(payload: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """Take parts out, each half as long as the ones before (Zeller's ddmin, without its complements)."""
    tries, size = 0, len(payload)
    while size := size // 2:
        at = 0
        while at < len(payload) and tries < MOST_TRIES:
            tries += 1
            smaller = payload[:at] + payload[at + size :]
            if fails(smaller):
                payload = smaller
            else:
                at += size
    return payload


def save(target: Target, finding: Finding, folder: Path) -> Path:
    """Save a finding as a case, without its golden files, and return its folder.

    Moved to the source's cases, ``kommuncenter source golden`` writes the golden files once it is mended.
    ``folder`` gets a folder per source that looks like the source's own.
    """
    number, payload = target.split(finding.data)
    digest = hashlib.sha256(finding.data).hexdigest()[:12]
    case = folder / target.source.name / CASES / f"fuzzed-{digest}"
    (case / "input").mkdir(parents=True, exist_ok=True)
    (case / "input" / "record").write_bytes(payload)
    golden = target.cases[number].folder
    for name in ("settings.toml", "catalogue.toml", "../../sample.toml"):
        if (golden / name).exists():
            shutil.copy(golden / name, case / name)
    (case / "records.toml").write_text("\n".join(_beside(target, number)) + "\n", "utf-8")
    (case / "flaw.txt").write_text(finding.flaw + "\n", "utf-8")
    return case


def _beside(target: Target, number: int) -> Iterator[str]:
    """Yield the lines of what the reader said beside the record."""
    record = target.samples[number].record
    yield "[record]"
    if record.received_at:
        yield f"received_at = {record.received_at.isoformat()}"
    if record.attributes:
        yield "[record.attributes]"
        yield from (f"{json.dumps(key)} = {json.dumps(value)}" for key, value in record.attributes.items())
