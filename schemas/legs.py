"""Legs and contacts: what stage 1 hands to stage 2, and what stage 2 stores as facts.

A leg is one call, one mail message or one visit. Stage 2 joins the legs of one outside party into
contacts (CORRECTIONS 16). All times are aware and in UTC; spans are whole milliseconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from schemas.events import (
    Audience,
    Automatic,
    Channel,
    ErrandOutcome,
    FlowOutReason,
    HandoverKind,
    MessageRef,
    PerformedBy,
    Provenance,
    Pseudonym,
    Slug,
)

EPOCH_BITS = 40


def revision(epoch: int, counter: int) -> int:
    """Return the revision of a row: a later owner's beats every one of an earlier owner's."""
    return (epoch << EPOCH_BITS) | counter


def epoch_of(value: int) -> int:
    """Return the epoch of a revision."""
    return value >> EPOCH_BITS


class LegOutcome(StrEnum):
    """What became of a leg; one of the right side of DOMAIN's identity."""

    OPEN = "open"
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    FLOWED_OUT = "flowed_out"
    CALLBACK_TAKEN = "callback_taken"
    NO_SHOW = "no_show"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class LegHandover(_Model):
    """A passing on to a department."""

    at: AwareDatetime
    kind: HandoverKind
    unit: Slug
    errand: Slug | None = None


class LegErrand(_Model):
    """A registered errand, as last said."""

    errand: Slug
    at: AwareDatetime
    topic: Slug | None = None
    level: int | None = None
    performed_by: PerformedBy | None = None
    outcome: ErrandOutcome
    outcome_source: Provenance
    unit: Slug | None = None
    thanks: bool = False
    since: AwareDatetime | None = None
    """When the present outcome was first said; a later word on something else (the topic) leaves it."""


class LegKind(StrEnum):
    """What a leg is: something offered from outside, a reply to it, or only a registration."""

    INBOUND = "inbound"
    REPLY = "reply"
    REGISTRATION = "registration"


class Leg(_Model):
    """Everything that the events of one leg say, as a pure function of their set."""

    leg_id: str
    source: str
    kind: LegKind
    channel: Channel
    channel_source: Provenance = Provenance.REGISTERED
    arrived_at: AwareDatetime
    queue: Slug | None = None
    answered_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    left_at: AwareDatetime | None = None
    outcome: LegOutcome
    flow_out_reason: FlowOutReason | None = None
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0
    audience: Audience = Audience.UNKNOWN
    automatic: Automatic | None = None
    message: MessageRef | None = None
    references: tuple[MessageRef, ...] = ()
    handovers: tuple[LegHandover, ...] = ()
    errands: tuple[LegErrand, ...] = ()
    party: Pseudonym | None = None
    previous_party: Pseudonym | None = None


class _Message(_Model):
    """What stage 1 says of a leg: under which key, from which partition, and its revision."""

    key: str
    leg_id: str
    partition: int
    revision: Annotated[int, Field(ge=0)]


class LegState(_Message):
    """A leg as it stands: counted under this key."""

    kind: Literal["leg"] = "leg"
    leg: Leg


class Sighting(_Message):
    """A leg that counts under another key, shown to the former key of its party (CORRECTIONS 17)."""

    kind: Literal["sighting"] = "sighting"
    leg: Leg


class Retraction(_Message):
    """A leg does not, or no longer, stand under this key."""

    kind: Literal["retraction"] = "retraction"
    arrived_at: AwareDatetime


LegMessage = Annotated[LegState | Sighting | Retraction, Field(discriminator="kind")]
"""What stands on the topic between the stages, keyed by party (or by leg where none is known)."""

leg_message_adapter: TypeAdapter[LegMessage] = TypeAdapter(LegMessage)
leg_messages_adapter: TypeAdapter[list[LegMessage]] = TypeAdapter(list[LegMessage])


class ErrandFact(_Model):
    """One errand of a contact, classified."""

    errand: str
    topic: str
    area: str
    internal_topic: bool
    level: int | None
    performed_by: PerformedBy | None
    outcome: ErrandOutcome
    outcome_source: Provenance
    within_mandate: bool | None
    first_contact: bool
    warm_transfer: bool
    handovers: tuple[LegHandover, ...]
    first_repeat_at: AwareDatetime | None


class ContactFact(_Model):
    """One contact, joined and classified: the row that people drill down to and figures come from."""

    contact_id: str
    channel: Channel
    channel_source: Provenance
    arrived_at: AwareDatetime
    answered_at: AwareDatetime | None
    """First answer by the agent or the desk; a mail is answered by a reply or by passing it on."""
    replied_at: AwareDatetime | None
    """First reply to the sender of a mail."""
    ended_at: AwareDatetime | None
    left_at: AwareDatetime | None
    """When the party left the queue without an answer."""
    reopened_at: AwareDatetime | None
    """First later message of a mail thread that is more than thanks (CORRECTIONS 31)."""
    outcome: LegOutcome
    short_abandoned: bool
    taken: bool
    wait_ms: int | None
    handle_ms: int
    flow_out_reason: FlowOutReason | None
    queue: str
    audience: Audience
    automatic: Automatic | None
    redial: bool
    thanks: bool
    """The party only said thanks: no errand, no repeat, and nothing to answer."""
    unlinked: bool
    due_at: AwareDatetime | None
    party: str
    errands: tuple[ErrandFact, ...]
    legs: tuple[str, ...]

    @property
    def counted(self) -> bool:
        """Tell whether the contact stands in the service picture: external and no machine's."""
        return self.audience is not Audience.INTERNAL and self.automatic is None
