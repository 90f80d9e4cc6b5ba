"""Fuzzing: whatever the record is, ``normalise`` raises nothing and gives only what the contract allows.

Input is arbitrary bytes, and golden records with bytes and fields changed. Needs Hypothesis (the extra
``conformance``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from producers.conformance.cases import Case
from producers.conformance.checks import check_events
from producers.conformance.json_input import json_object
from producers.conformance.personal import check_leaks
from producers.contract import Broadcast, Context, Raw, Reason, Rejected, Source, SourceSettings

EXAMPLES = 200
"""How many inputs of each kind are tried by default."""

_LONGEST_DETAIL = 300
_SEPARATORS = re.compile(rb"([|,;:=&\t\r\n /<>\"]+)")
_NASTY = (
    *(
        b"",
        b" ",
        b"\x00",
        b"\xff\xfe",
        b"-1",
        b"0",
        b"1e999",
        b"NaN",
        b"9" * 40,
        b"A" * 5000,
        b"NONE",
        b"null",
    ),
    *(text.encode("utf-8", "surrogatepass") for text in ("å", "\u202e", "\u0661\u0662", "\ud83d")),
    *(b"2026-11-24", b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+14:00", b"24:00", b"[]", b"{}", b"%s"),
)
"""Values that break programs: empty, binary, huge, not finite, other digits, at the ends of the calendar."""

_leaves: SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([text.decode("utf-8", "replace") for text in _NASTY])
)
_values: SearchStrategy[Any] = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A golden record, and what it is normalised with."""

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


def check_fuzzed(cases: Sequence[Case], examples: int = EXAMPLES, *, randomly: bool = False) -> list[str]:
    """Return what goes wrong with arbitrary and with mutated input; the first thing found, made small.

    ``examples`` inputs of each kind are tried: the same every time, or other ones with ``randomly``.
    """
    samples = samples_of(cases)
    if not samples:
        return []
    source = cases[0].source
    problems = []
    for kind, strategy in (("arbitrary", arbitrary(samples)), ("mutated", mutated(samples))):
        try:
            _tried(source, strategy, examples, randomly)
        except AssertionError as error:
            problems.append(f"{source.name}: {kind} input: {error}")
    return problems


def _tried(source: Source[Any], strategy: SearchStrategy[Sample], examples: int, randomly: bool) -> None:
    @settings(
        max_examples=examples,
        derandomize=not randomly,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(sample: Sample) -> None:
        flaws = flaws_of(source, sample)
        assert not flaws, f"{'; '.join(flaws)}; given {sample.record!r}"

    run()


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


@st.composite
def arbitrary(draw: DrawFn, samples: Sequence[Sample]) -> Sample:
    """Records of any bytes, any JSON or any text, beside which the reader says what it would."""
    sample = draw(st.sampled_from(samples))
    payload = draw(
        st.binary(max_size=200)
        | st.text(max_size=200).map(lambda text: text.encode("utf-8"))
        | _values.map(lambda value: json.dumps(value).encode())
    )
    return replace(sample, record=draw(_beside(replace(sample.record, payload=payload))))


@st.composite
def mutated(draw: DrawFn, samples: Sequence[Sample]) -> Sample:
    """Golden records, changed in one to three places."""
    sample = draw(st.sampled_from(samples))
    payload = sample.record.payload
    for _ in range(draw(st.integers(1, 3))):
        payload = draw(st.one_of(_json_changed(payload), _fields_changed(payload), _bytes_changed(payload)))
    return replace(sample, record=draw(_beside(replace(sample.record, payload=payload))))


@st.composite
def _beside(draw: DrawFn, record: Raw) -> Raw:
    """Mostly as it was; sometimes the reader knows nothing of the record, or something odd."""
    if draw(st.integers(0, 4)):
        return record
    times = st.none() | st.datetimes(timezones=st.just(UTC)) | st.just(datetime(1, 1, 1, tzinfo=UTC))
    keys = st.sampled_from(sorted(record.attributes) or ["kind"])
    return replace(
        record,
        nth=draw(st.integers(0, 3)),
        sequence=draw(st.integers(0, 10**9)),
        received_at=draw(times),
        attributes={**record.attributes, **draw(st.dictionaries(keys, st.text(max_size=20), max_size=2))},
    )


@st.composite
def _bytes_changed(draw: DrawFn, payload: bytes) -> bytes:
    """Cut out, doubled, replaced or put in, anywhere."""
    start = draw(st.integers(0, len(payload)))
    end = draw(st.integers(start, min(len(payload), start + 40)))
    middle = draw(st.just(b"") | st.just(payload[start:end] * 2) | st.binary(max_size=8))
    return payload[:start] + middle + payload[end:]


@st.composite
def _fields_changed(draw: DrawFn, payload: bytes) -> bytes:
    """One field, whatever separates them here, gets another's value or a nasty one, or is gone."""
    parts = _SEPARATORS.split(payload)
    fields = range(0, len(parts), 2)
    at = draw(st.sampled_from(fields))
    parts[at] = draw(st.sampled_from(_NASTY) | st.sampled_from([parts[i] for i in fields]))
    if draw(st.booleans()) and at + 1 < len(parts):
        parts[at + 1] = draw(st.sampled_from([b"", parts[at + 1] * 2]))
    return b"".join(parts)


@st.composite
def _json_changed(draw: DrawFn, payload: bytes) -> bytes:
    """One value of a JSON object is another, or gone. What is no JSON stays as it is."""
    found = json_object(payload)
    if not found:
        return payload
    at: Any = found
    while True:
        key = draw(st.sampled_from(list(at) if isinstance(at, dict) else range(len(at))))
        if not (isinstance(at[key], dict | list) and at[key] and draw(st.booleans())):
            break
        at = at[key]
    if draw(st.booleans()):
        at[key] = draw(_values)
    else:
        del at[key]
    return json.dumps(found).encode()
