"""The kinds of events that a mapping may give, and what a value may be for each field of their data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from schemas.events import Event, LegData, NoLeg

CENTRE = "centre"
"""As the ``unit`` of a handover: the contact stayed within the centre."""

_COMMON = frozenset(LegData.model_fields) - {"channel_source", "position"}
"""What every kind has, and a mapping says beside the data's own fields."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event, by the name that mappings use."""

    name: str
    event: type[Any]
    data: type[LegData]

    @property
    def fields(self) -> frozenset[str]:
        """The fields of its data that a mapping may set."""
        return frozenset(self.data.model_fields) - _COMMON

    @property
    def required(self) -> frozenset[str]:
        """Those that have to have a value."""
        return frozenset(name for name in self.fields if self.data.model_fields[name].is_required())


def _kind(event: type[Any]) -> Kind:
    words = str(event.model_fields["type"].default).split(".")
    name = "_".join(words[2:] if words[1] == "contact" else words[1:])
    return Kind(name, event, event.model_fields["data"].annotation)


KINDS: dict[str, Kind] = {
    kind.name: kind for kind in map(_kind, get_args(get_args(Event)[0])) if not issubclass(kind.event, NoLeg)
}
"""``queued``, ``answered``, …, ``errand_registered``."""


def fits(kind: Kind, field: str, value: object) -> bool:
    """Tell whether a value out of a table may stand in that field."""
    if field == "unit" and value == CENTRE and kind.name == "handed_over":
        return True
    try:
        _adapter(kind.data, field).validate_python(value)
    except ValidationError:
        return False
    return True


@lru_cache
def _adapter(data: type[LegData], field: str) -> TypeAdapter[Any]:
    return TypeAdapter(data.model_fields[field].rebuild_annotation())
