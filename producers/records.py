"""What sources share whose records are pydantic models: instants, keys, and why a record is rejected."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from producers.contract import Reason, Rejected

_BAD_TIME = "bad_time"
_NO_OBJECT = frozenset({"model_type", "model_attributes_type", "dict_type"})
_NO_KIND = frozenset({"union_tag_invalid", "union_tag_not_found"})


def _instant(value: object) -> datetime:
    """Return an instant in UTC. Raises ValueError for anything but ISO 8601 with a zone, of 2000 to 9000."""
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        at = datetime.min  # noqa: DTZ901 - without a zone, as what is no time at all
    if at.tzinfo is None or not 2000 <= at.year <= 9000:
        raise PydanticCustomError(_BAD_TIME, "no ISO 8601 time with a zone, or of no plausible year")
    return at.astimezone(UTC)


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""An ISO 8601 time with a zone (``+0000`` without a colon too), of a plausible year, in UTC."""

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/+-]{1,150}$")]
"""What another system calls a thing of its own, fit to be part of an id."""


def rejected(error: ValidationError) -> Rejected:
    """Return why a record is no such model, by the names of fields only and never by what stood in them.

    For models whose fields all have names: a mapping's keys are input, and would be told.
    """
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    kind = first["type"]
    field = next((part for part in reversed(first["loc"]) if isinstance(part, str)), "the record")
    if kind == "json_invalid":
        return Rejected(Reason.UNREADABLE, "no JSON")
    if kind in _NO_OBJECT:
        return Rejected(Reason.UNREADABLE, "no JSON object")
    if kind in _NO_KIND:
        return Rejected(Reason.UNKNOWN_KIND, "no known kind of record")
    if kind == "missing":
        return Rejected(Reason.MISSING_FIELD, f"{field} is missing")
    if kind == _BAD_TIME:
        return Rejected(Reason.BAD_TIME, f"{field} is no ISO 8601 time with a zone")
    return Rejected(Reason.BAD_VALUE, f"{field} has a value that is not allowed ({kind})")
