"""Fuzzing: whatever the record is, ``normalise`` raises nothing and gives only what the contract allows.

Input is arbitrary (bytes, text, JSON, by Hypothesis, which the extra ``conformance`` installs), and golden
records that were corrupted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.strategies import SearchStrategy

from producers.conformance.cases import Case
from producers.conformance.checks import check_events
from producers.conformance.corruption import corrupted, tokens_of
from producers.conformance.personal import check_leaks
from producers.contract import Broadcast, Context, Raw, Reason, Rejected, Source, SourceSettings

EXAMPLES = 100
"""How many arbitrary inputs are tried by default; and ten times as many corrupted ones, which are quicker."""

_LONGEST_DETAIL = 300

_json: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
arbitrary: SearchStrategy[bytes] = (
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8"))
    | _json.map(lambda value: json.dumps(value).encode())
)
"""Any bytes, any text, any JSON."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A record, and what it is normalised with."""

    record: Raw
    settings: SourceSettings
    context: Context


def samples_of(cases: Sequence[Case]) -> list[Sample]:
    """Return all golden records of a source."""
    return [
        Sample(record, chosen, context)
        for case in cases
        for chosen, context in [(case.settings(), case.context())]
        for record in case.records()
    ]


def corrupted_samples(samples: Sequence[Sample], random: Random) -> Iterator[Sample]:
    """Yield golden records that were corrupted, for ever."""
    tokens = tokens_of(sample.record.payload for sample in samples)
    while True:
        sample = random.choice(samples)
        yield replace(sample, record=corrupted(sample.record, tokens, random))


def check_fuzzed(cases: Sequence[Case], examples: int = EXAMPLES, seed: int = 1) -> list[str]:
    """Return what goes wrong with arbitrary and with corrupted input: of each the first thing that is found.

    ``examples`` arbitrary inputs are tried, and ten times as many corrupted ones: the same for the same seed.
    """
    samples = samples_of(cases)
    if not samples:
        return []
    source = cases[0].source
    random = Random(seed)  # noqa: S311 - repeatable, and no secret
    problems = _check_arbitrary(source, samples[0], examples)
    problems += _check_corrupted(source, samples, 10 * examples, random)
    return [f"{source.name}: {problem}" for problem in problems]


def _check_arbitrary(source: Source[Any], sample: Sample, examples: int) -> list[str]:
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(arbitrary)
    def run(payload: bytes) -> None:
        flaws = flaws_of(source, replace(sample, record=replace(sample.record, payload=payload)))
        assert not flaws, f"{'; '.join(flaws)}; given {payload!r}"

    try:
        run()
    except AssertionError as error:
        return [f"arbitrary input: {error}"]
    except FlakyFailure as error:
        return [f"arbitrary input: not the same every time: {error.exceptions[0]}"]
    return []


def _check_corrupted(
    source: Source[Any], samples: Sequence[Sample], examples: int, random: Random
) -> list[str]:
    for _, sample in zip(range(examples), corrupted_samples(samples, random), strict=False):
        flaws = flaws_of(source, sample)
        if flaws:
            return [f"corrupted input: {'; '.join(flaws)}; given {sample.record!r}"]
    return []


def flaws_of(source: Source[Any], sample: Sample) -> list[str]:
    """Return what is wrong with what ``normalise`` makes of a record, whatever the record is."""
    record = sample.record
    try:
        result = source.normalise(record, sample.settings, sample.context)
        again = source.normalise(record, sample.settings, sample.context)
    except Exception as error:
        return [f"normalise raised {type(error).__name__}"]
    if isinstance(result, Rejected):
        flaws = [] if result == again else ["the same record was rejected for another reason"]
        return flaws + _flaws_of_rejection(record, result)
    if isinstance(again, Rejected) or list(result) != list(again):
        return ["the same record gave something else the second time"]
    events = [item.event if isinstance(item, Broadcast) else item for item in result]
    return check_events(events, sample.context.instance)


def _flaws_of_rejection(record: Raw, rejected: Rejected) -> list[str]:
    flaws = [] if rejected.reason in set(Reason) else ["the reason of a rejection is no Reason"]
    if (
        not rejected.detail.strip()
        or len(rejected.detail) > _LONGEST_DETAIL
        or not rejected.detail.isprintable()
    ):
        flaws.append(f"the detail of a rejection is empty, long or not printable: {rejected.detail!r}")
    return flaws + check_leaks([record.payload], rejected.detail.encode("utf-8", "replace"))
