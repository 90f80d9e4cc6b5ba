"""What is fuzzed: a source, its golden records to begin with, and what is wrong with what it makes of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from producers import registry
from producers.conformance import Case, cases_in, check_leaks
from producers.conformance.corruption import corrupted, tokens_of
from producers.conformance.fuzzing import Sample, flaws_of, samples_of
from producers.contract import Broadcast, Normalised, Rejected, Source
from schemas.errors import ConfigurationError
from schemas.events import to_json

_FIELD = 14
"""So many bytes before a value tell in which field it stands."""
_INDEX_BYTES = 2
"""An input is the number of the golden record that it was made of, and a payload."""


@dataclass(frozen=True, slots=True)
class Target:
    """A source with its golden records. Inputs are bytes, so that any fuzzer can make them."""

    source: Source[Any]
    samples: Sequence[Sample]
    cases: Sequence[Case]
    """Of each sample the case that it stands in."""
    private: frozenset[int]
    """The samples in which all that is personal stands where it belongs: those that give no rejection."""
    tokens: Sequence[bytes]

    def seeds(self) -> list[bytes]:
        """Return the golden records as inputs."""
        return [self.input(n, sample.record.payload) for n, sample in enumerate(self.samples)]

    def input(self, number: int, payload: bytes) -> bytes:
        """Return the input of a payload that was made of a golden record."""
        return number.to_bytes(_INDEX_BYTES, "big") + payload

    def split(self, data: bytes) -> tuple[int, bytes]:
        """Return the number of the golden record, and the payload, of any input."""
        return int.from_bytes(data[:_INDEX_BYTES], "big") % len(self.samples), data[_INDEX_BYTES:]

    def corrupted(self, data: bytes, random: Random) -> bytes:
        """Return an input that is changed in one to three places."""
        number, payload = self.split(data)
        record = replace(self.samples[number].record, payload=payload)
        return self.input(number, corrupted(record, self.tokens, random).payload)

    def sample(self, data: bytes) -> Sample:
        """Return what is given to ``normalise``."""
        number, payload = self.split(data)
        golden = self.samples[number]
        return replace(golden, record=replace(golden.record, payload=payload))

    def flaws(self, data: bytes) -> list[str]:
        """Return what is wrong with what the source makes of an input.

        A number or an address that comes out is wrong where it stands in the input as it does in the golden
        record. Where corruption has put it in the place of an id, it comes out as an id.
        """
        number, payload = self.split(data)
        sample = self.sample(data)
        flaws = flaws_of(self.source, sample)
        if flaws or number not in self.private:
            return flaws
        said = _said(self.source.normalise(sample.record, sample.settings, sample.context))
        golden = self.samples[number].record.payload
        return [leak for leak in check_leaks([payload], said) if _in_place(leak, golden, payload)]


def target_of(name: str) -> Target:
    """Return the target of a source. Raises ConfigurationError for an unknown one."""
    return make_target(registry.load(name), cases_in(registry.load(name), registry.folder(name)))


def make_target(source: Source[Any], cases: Sequence[Case]) -> Target:
    """Return the target of a source by its golden cases. Raises ConfigurationError where it has none.

    Numbers and addresses are no tokens: put in the place of an id, they come out as one, rightly.
    """
    by_case = [(case, sample) for case in cases for sample in samples_of([case])]
    samples = [sample for _, sample in by_case]
    if not samples:
        raise ConfigurationError(f"{source.name}: has no cases, so there is nothing to begin with")
    private = {
        n
        for n, sample in enumerate(samples)
        if not isinstance(source.normalise(sample.record, sample.settings, sample.context), Rejected)
    }
    tokens = tokens_of(sample.record.payload for sample in samples)
    return Target(
        source,
        samples,
        [case for case, _ in by_case],
        frozenset(private),
        [token for token in tokens if not check_leaks([token], token)],
    )


def _in_place(leak: str, golden: bytes, payload: bytes) -> bool:
    """Tell whether what leaks still has before it what it has in the golden record: its field."""
    text = leak.removeprefix("leaks ")
    between = r"[ ./()-]{0,2}" if text.isdigit() else ""
    wanted = re.compile(between.join(map(re.escape, text)).encode(), re.IGNORECASE)
    places = {golden[max(0, found.start() - _FIELD) : found.end()] for found in wanted.finditer(golden)}
    return any(place in payload for place in places)


def _said(result: Normalised) -> bytes:
    if isinstance(result, Rejected):
        return result.detail.encode("utf-8", "replace")
    return b"\n".join(to_json(item.event if isinstance(item, Broadcast) else item) for item in result)


def random_input(target: Target, random: Random) -> bytes:
    """Return an input that was made of any golden record."""
    number = random.randrange(len(target.samples))
    return target.corrupted(target.input(number, target.samples[number].record.payload), random)
