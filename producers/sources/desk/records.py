"""The lines of the desk's journal: JSON, one action a line, told apart by ``action``.

Every line has ``at`` (ISO 8601 with a zone, ``+0000`` too) and ``key``, which is unique to what was done:
the same key twice is the same action. No line holds a number, an address, a name or free text.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from producers.records import Instant
from schemas.events import Audience, Channel, ErrandOutcome, HandoverKind, LegId, Party, PerformedBy, Slug

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/+-]{1,250}$")]
VisitId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
Milliseconds = Annotated[int, Field(ge=0, le=86_400_000)]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    at: Instant
    key: Key
    audience: Audience | None = None
    """Who it is; a colleague at the desk is ``internal``."""
    party: Party | None = None
    """The outside party, already as pseudonyms."""


class Registered(_Line):
    """A visitor came, and waits."""

    action: Literal["registered"] = "registered"
    visit: VisitId
    queue: Slug | None = None
    """The queue; the source's own where none is said."""


class Called(_Line):
    """The visitor was called to the desk."""

    action: Literal["called"] = "called"
    visit: VisitId


class NoShow(_Line):
    """The visitor was called, and did not come."""

    action: Literal["no_show"] = "no_show"
    visit: VisitId


class Finished(_Line):
    """The visit ended. ``talk_ms`` is said where the form knows when the visitor was called."""

    action: Literal["finished"] = "finished"
    visit: VisitId
    talk_ms: Milliseconds | None = None


class HandedOver(_Line):
    """The visitor or the errand was passed on, to a unit or within the centre."""

    action: Literal["handed_over"] = "handed_over"
    visit: VisitId
    unit: Slug | None = None
    centre: bool = False
    kind: HandoverKind = HandoverKind.BLIND
    errand: Slug | None = None

    @model_validator(mode="after")
    def _one_receiver(self) -> HandedOver:
        if (self.unit is None) != self.centre:
            raise ValueError("give a unit, or centre = true")
        return self


class Errand(_Line):
    """What an errand of any contact is, and what became of it; a later line replaces an earlier one.

    ``leg`` is the visit's own id, or the full leg id of a call or mail, with its ``channel``.
    """

    action: Literal["errand"] = "errand"
    leg: LegId
    channel: Channel = Channel.VISIT
    errand: Slug = "e1"
    topic: Slug | None = None
    level: Annotated[int, Field(ge=0, le=70)] | None = None
    performed_by: PerformedBy | None = None
    outcome: ErrandOutcome
    unit: Slug | None = None
    thanks: bool = False

    @model_validator(mode="after")
    def _leg_of_another_system_is_full(self) -> Errand:
        if self.channel is not Channel.VISIT and ":" not in self.leg:
            raise ValueError("the leg of a call or mail is <source>:<id>")
        return self


Line = Annotated[Registered | Called | NoShow | Finished | HandedOver | Errand, Field(discriminator="action")]
"""Any line of the journal."""

line_adapter: TypeAdapter[Line] = TypeAdapter(Line)


def to_line(line: Line) -> bytes:
    """Return a line as it stands in the journal, with its line end."""
    return line_adapter.dump_json(line, exclude_none=True, exclude_defaults=False) + b"\n"
