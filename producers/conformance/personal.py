"""Personal data: what is in a source's input must be in no event, no rejection and no line of the log.

Finding it in the output catches what passes through. What is hashed or encoded on its way is caught by
planting: with another number in its place, only that may change which needs the key of the pseudonyms to be
made: all numbers can be tried in an hour. With another name in its place, nothing may change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from producers.conformance.cases import OTHER_KEY, Case, Outcome
from producers.contract import Raw
from schemas.events import Event

NAME = "Zq Planterad"
ADDRESS = "zq.planterad@privat.example"
NUMBER = "+46701740699"
"""A name, an address and a number that stand nowhere else."""

_MAY_DEPEND = {"data.audience", "data.unit"}
"""The catalogue tells by a number whether it is a colleague's, and of which unit."""

_ADDRESS = re.compile(rb"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]++@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
"""Never begun in the middle of a word, and never gone back in: linear in what fuzzing makes of a mail."""
_BETWEEN = rb"[ ./()-]{0,2}"
_FAMILIES = tuple(
    re.compile(
        rb"(?<!\d)(?:(?:\+|00)?46"
        + _BETWEEN
        + rb")?(?:\(?0\)?)?"
        + _BETWEEN
        + rb"("
        # Each digit may have a space, a hyphen and the like behind it, but for the last two.
        + b"".join(bytes([digit]) + _BETWEEN for digit in fixed)
        + rb")("
        + last
        + rb")(?!\d)"
    )
    for fixed, last in (
        (b"3139006", rb"[0-4]\d"),
        (b"4062804", rb"[0-4]\d"),
        (b"8465004", rb"[0-4]\d"),
        (b"9803192", rb"[0-4]\d"),
        (b"7017406", rb"0[5-9]|[1-9]\d"),
    )
)
"""Telephone numbers that are nobody's (reserved for fiction by the Swedish regulator), however written."""


def check_leaks(payloads: Sequence[bytes], said: bytes) -> list[str]:
    """Return which of the numbers and addresses in the input stand in the output, in any way of writing."""
    given = b"\n".join(payloads)
    digits = re.sub(rb"[ ./()-]", b"", said)
    addresses = {match[0].lower() for match in _ADDRESS.finditer(given)}
    leaked = {n for n in _numbers(given) if n in digits} | {a for a in addresses if a in said.lower()}
    return [f"leaks {text.decode()}" for text in sorted(leaked)]


def check_planted(case: Case) -> list[str]:
    """Return where another number, address or name in the input shows in the output, or changes it."""
    records, outcome = case.records(), case.run()
    given = b"\n".join(record.payload for record in records)
    problems = _check_numbers(case, records, outcome, given)
    for text in case.personal_texts():
        problems += _check_text(case, records, outcome, text)
    for address in sorted({match[0] for match in _ADDRESS.finditer(given)}):
        planted = ADDRESS.partition("@")[0].encode() + address[address.index(b"@") :]
        said = case.run(_replaced(records, {address: planted})).said()
        problems += check_leaks([planted], said)
    return [f"{case.name}: {problem}" for problem in problems]


def _check_numbers(case: Case, records: Sequence[Raw], outcome: Outcome, given: bytes) -> list[str]:
    """With other numbers only that may change which needs the key of the pseudonyms to be made."""
    exchanged = {}
    for family in _FAMILIES:
        used = {match[2] for match in family.finditer(given)}
        free = [b"%02d" % n for n in range(5, 50) if b"%02d" % n not in used]
        for match in family.finditer(given):
            exchanged[match[0]] = match[0][:-2] + free[int(match[2]) % len(free)]
    other_numbers, other_key = case.run(_replaced(records, exchanged)), case.run(key=OTHER_KEY)
    if not len(outcome.events) == len(other_numbers.events) == len(other_key.events):
        return ["another telephone number, or another key, gives another count of events"]
    side_by_side = zip(outcome.events, other_numbers.events, other_key.events, strict=True)
    problems = [
        f"event no. {number}: {field} can be made of a telephone number without the key"
        for number, (event, renumbered, rekeyed) in enumerate(side_by_side, 1)
        for field in sorted(_changed(event, renumbered) - _changed(event, rekeyed) - _MAY_DEPEND)
    ]
    if other_numbers.rejected() != outcome.rejected():
        problems.append("another telephone number changes what a rejection says")
    return problems + check_leaks(list(exchanged.values()), other_numbers.said())


def _check_text(case: Case, records: Sequence[Raw], outcome: Outcome, text: str) -> list[str]:
    if not any(text.encode() in record.payload for record in records):
        return [f"personal.toml: {text!r} is nowhere in the input"]
    other = case.run(_replaced(records, {text.encode(): NAME.encode()}))
    if other.said() != outcome.said():
        return [f"personal.toml: another text in place of {text!r} changes the events or the rejections"]
    return []


def _numbers(given: bytes) -> set[bytes]:
    found = (match for family in _FAMILIES for match in family.finditer(given))
    return {re.sub(rb"\D", b"", match[1]) + match[2] for match in found}


def _replaced(records: Iterable[Raw], texts: Mapping[bytes, bytes]) -> list[Raw]:
    """Return the records with some texts in place of others, all at once."""
    if not texts:
        return list(records)
    longest_first = sorted(texts, key=len, reverse=True)
    pattern = re.compile(b"|".join(map(re.escape, longest_first)))
    return [
        replace(record, payload=pattern.sub(lambda match: texts[match[0]], record.payload))
        for record in records
    ]


def _changed(event: Event, other: Event) -> set[str]:
    """Return the names of the fields in which two events differ."""
    one, two = _fields(event), _fields(other)
    return {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)}


def _fields(event: Event) -> dict[str, object]:
    whole = event.model_dump(mode="json")
    return whole | {f"data.{name}": value for name, value in whole.pop("data").items()}
