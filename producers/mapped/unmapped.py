"""Which fields of a record nobody maps: exactly, by what its expressions read."""

from __future__ import annotations

from collections.abc import Iterable

from producers.mapped.expressions import covers, leaves, shown
from producers.mapped.model import Mapped
from producers.mapped.normalise import RefusedError, parse


def unmapped_fields(mapped: Mapped, payloads: Iterable[bytes]) -> list[str]:
    """Return the fields of the records that no expression of the mapping reads, such as ``detail.tags[]``.

    Names only, sorted; what is no record has no fields.
    """
    read = {path for expression in mapped.expressions() for path in expression.paths()}
    found: set[str] = set()
    for payload in payloads:
        try:
            record = parse(payload, mapped.input)
        except RefusedError:
            continue
        found |= {shown(leaf) for leaf in leaves(record) if not any(covers(path, leaf) for path in read)}
    return sorted(found)
