"""JSON input: the order of keys says nothing, and fields that nobody asked for do no harm."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from producers.conformance.cases import Case
from producers.conformance.personal import ADDRESS, NAME, NUMBER, check_leaks
from producers.contract import Raw

UNKNOWN = "x_unknown"
"""The name of the field that is added."""
_PLANTED = {"name": NAME, "mail": ADDRESS, "telephone": NUMBER}


def json_object(payload: bytes) -> dict[str, object] | None:
    """Return the payload's JSON object; None where it is something else."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def check_json(case: Case) -> list[str]:
    """Return what another order of keys, or a field more, changes in a case's records that are JSON objects.

    The added field holds a name, an address and a number, none of which may come out.
    """
    records, outcome = case.records(), case.run()
    if not any(json_object(record.payload) is not None for record in records):
        return []
    problems = []
    if case.run(_changed(records, reverse=True, add=False)).said() != outcome.said():
        problems.append("another order of keys gives other events")
    fuller = case.run(_changed(records, reverse=False, add=True)).said()
    if fuller != outcome.said():
        problems.append(f"an unknown field ({UNKNOWN}) gives other events")
    if NAME.encode() in fuller:
        problems.append("a name in an unknown field comes out")
    problems += check_leaks([ADDRESS.encode(), NUMBER.encode()], fuller)
    return [f"{case.name}: {problem}" for problem in problems]


def _changed(records: Sequence[Raw], *, reverse: bool, add: bool) -> Iterator[Raw]:
    for record in records:
        found = json_object(record.payload)
        if found is None:
            yield record
        else:
            text = json.dumps(_rebuilt(found, reverse, add), ensure_ascii=False)
            yield replace(record, payload=text.encode("utf-8", "surrogatepass"))


def _rebuilt(value: object, reverse: bool, add: bool) -> object:
    if isinstance(value, list):
        return [_rebuilt(item, reverse, add) for item in value]
    if not isinstance(value, dict):
        return value
    pairs = [(key, _rebuilt(item, reverse, add)) for key, item in value.items()]
    added = [(UNKNOWN, _PLANTED)] if add else []
    return dict([*added, *(pairs[::-1] if reverse else pairs)])
