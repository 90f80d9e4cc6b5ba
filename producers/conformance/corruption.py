"""Corrupts golden records as networks, disks and other programs do: bytes, fields and values of JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from producers.conformance.json_input import json_object
from producers.contract import Raw

_SEPARATORS = re.compile(rb"([|,;:=&\t\r\n /<>\"]+)")

_NASTY_TEXTS = (
    *("", " ", "\x00", "\ufffd", "-1", "0", "1e999", "NaN", "9" * 40, "A" * 5000, "NONE", "null", "[]", "{}"),
    *("å", "\u202e", "\u0661\u0662", "e\u0301" * 100, "%s", "../..", "'; --", "=1+1"),
    *("2026-11-24", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-03-29T02:30:00", "24:00"),
)
NASTY: tuple[bytes, ...] = (
    *(text.encode() for text in _NASTY_TEXTS),
    *(b"\xff\xfe", b"\xed\xa0\xbd", b"\x80" * 30),
)
"""Values that break programs: empty, binary, huge, not finite, other digits, at the ends of the calendar."""

_NASTY_JSON: tuple[object, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        2**63,
        -(2**200),
        1e308,
        float("nan"),
        float("inf"),
        [],
        {},
        [[]],
        {"": []},
    ),
    *("\ud83d", *_NASTY_TEXTS),
)


def tokens_of(payloads: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return what stands between separators in records: values that fit in somewhere, maybe elsewhere."""
    return tuple(sorted({token for payload in payloads for token in _SEPARATORS.split(payload)[::2]}))


def corrupted(record: Raw, tokens: Sequence[bytes], random: Random) -> Raw:
    """Return a record that is changed in one to three places; ``tokens`` are those of its source."""
    payload = record.payload
    for _ in range(random.choice((1, 1, 2, 3))):
        change = random.choice(_CHANGES_OF_JSON if json_object(payload) else _CHANGES)
        payload = change(payload, tokens, random)
    changed = replace(record, payload=payload)
    return changed if random.random() < 0.9 else _beside(changed, random)


def _bytes(payload: bytes, _: Sequence[bytes], random: Random) -> bytes:
    """Cut out, doubled, replaced or put in, anywhere."""
    start = random.randint(0, len(payload))
    end = random.randint(start, min(len(payload), start + 40))
    middle = random.choice((b"", payload[start:end] * 2, random.randbytes(random.randint(1, 8))))
    return payload[:start] + middle + payload[end:]


def _end(payload: bytes, _: Sequence[bytes], random: Random) -> bytes:
    """Only its beginning arrived."""
    return payload[: random.randint(0, len(payload))]


def _field(payload: bytes, tokens: Sequence[bytes], random: Random) -> bytes:
    """One field, whatever separates them here, is another's or a nasty one; or its separator is gone."""
    parts = _SEPARATORS.split(payload)
    at = random.randrange(0, len(parts), 2)
    parts[at] = random.choice(tokens if tokens and random.random() < 0.5 else NASTY)
    if random.random() < 0.2 and at + 1 < len(parts):
        parts[at + 1] = random.choice((b"", parts[at + 1] * 2))
    return b"".join(parts)


def _value(payload: bytes, tokens: Sequence[bytes], random: Random) -> bytes:
    """One value of a JSON object is gone, another's, or a nasty one."""
    found: Any = json_object(payload)
    at = found
    while True:
        key = random.choice(list(at) if isinstance(at, dict) else range(len(at)))
        if not (isinstance(at[key], dict | list) and at[key] and random.random() < 0.7):
            break
        at = at[key]
    chance = random.random()
    if chance < 0.2:
        del at[key]
    elif chance < 0.6 and tokens:
        at[key] = random.choice(tokens).decode("utf-8", "replace")
    else:
        at[key] = random.choice(_NASTY_JSON)
    return json.dumps(found).encode()


_Change = Callable[[bytes, Sequence[bytes], Random], bytes]
_CHANGES: tuple[_Change, ...] = (_bytes, _end, _field, _field, _field)
_CHANGES_OF_JSON: tuple[_Change, ...] = (_bytes, _field, _value, _value, _value)


def _beside(record: Raw, random: Random) -> Raw:
    """What the reader says beside the record is missing, or odd."""
    somewhen = datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=random.randrange(3_650_000))
    attributes = dict(record.attributes)
    if attributes:
        key = random.choice(sorted(attributes))
        attributes[key] = random.choice(_NASTY_TEXTS)
        if random.random() < 0.5:
            del attributes[key]
    return replace(
        record,
        nth=random.randint(0, 3),
        sequence=random.choice((0, 1, 10**9)),
        received_at=random.choice((None, record.received_at, somewhen)),
        attributes=attributes,
    )
