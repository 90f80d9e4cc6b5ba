"""The vocabulary: contact events in a CloudEvents 1.0 JSON envelope.

An event is a fact about one *leg*: one call, one mail message or one visit. The leg's id is the
CloudEvents ``subject`` and the Kafka key. A few are about no leg: see :data:`NoLeg`.
Ids are deterministic (see :mod:`schemas.identity`).
No event holds a number, an address, a name, a subject line or any other free text.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""A name from the catalogue or a source's settings: lower case, no spaces."""

LegId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/+-]{1,200}$")]
"""``<source instance>:<id in that system>``; unique over all sources."""

Pseudonym = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,16}:[0-9a-f]{64}$")]
"""``<key id>:<HMAC-SHA-256 in hex>`` of a normalised number or address."""

MessageRef = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""A hash of an RFC 5322 Message-ID (which may itself hold a name or an address)."""


class Channel(StrEnum):
    """How the outside party made contact (DOMAIN §2.1)."""

    TELEPHONE = "telephone"
    EMAIL = "email"
    VISIT = "visit"
    UNKNOWN = "unknown"


class Audience(StrEnum):
    """Who made contact (DOMAIN §1). Unknown counts as external."""

    RESIDENT = "resident"
    BUSINESS = "business"
    VISITOR = "visitor"
    INTERNAL = "internal"
    UNKNOWN = "unknown"


class PerformedBy(StrEnum):
    """Who did the work; independent of the handling level."""

    CUSTOMER = "customer"
    CENTRE = "centre"
    DEPARTMENT = "department"


class FlowOutReason(StrEnum):
    """Why an unanswered contact left its queue other than by hanging up."""

    TIMEOUT = "timeout"
    KEY = "key"
    EMPTY = "empty"
    FULL = "full"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    RESTART = "restart"


class HandoverKind(StrEnum):
    """How a contact was passed on (DOMAIN §2.3)."""

    BLIND = "blind"
    CONSULTED = "consulted"
    TICKET = "ticket"


class Automatic(StrEnum):
    """Why a message counts as written by a machine; it is kept and counted apart."""

    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    BULK = "bulk"
    SPAM = "spam"


class ErrandOutcome(StrEnum):
    """What became of an errand."""

    RESOLVED = "resolved"
    HANDED_OVER = "handed_over"
    OPEN = "open"


class Provenance(StrEnum):
    """Where a value comes from (DOMAIN §2.2): said by somebody, concluded, or filled in."""

    REGISTERED = "registered"
    DERIVED = "derived"
    DEFAULT = "default"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Party(_Model):
    """The outside party's pseudonyms, under the present key and, while keys change, the former one."""

    current: Pseudonym
    previous: Pseudonym | None = None


class LegData(_Model):
    """What every event about a leg may say."""

    channel: Channel
    channel_source: Provenance = Provenance.REGISTERED
    position: Annotated[int, Field(ge=0)] = 0
    """Place in the source among events of the same instant; only orders, never identifies."""
    party: Party | None = None
    audience: Audience | None = None


class QueuedData(LegData):
    """A call entered a queue, or a visitor took a ticket."""

    queue: Slug


class ReceivedData(LegData):
    """A mail message from outside arrived."""

    mailbox: Slug
    message: MessageRef
    references: tuple[MessageRef, ...] = ()
    automatic: Automatic | None = None


class RepliedData(LegData):
    """The centre sent a human reply to an earlier message."""

    mailbox: Slug
    message: MessageRef
    references: tuple[MessageRef, ...] = ()


class AnsweredData(LegData):
    """An agent took the call, or the visitor was called to the desk."""

    queue: Slug | None = None


class AbandonedData(LegData):
    """The caller hung up while waiting."""

    queue: Slug | None = None


class FlowedOutData(LegData):
    """The contact left the queue without an answer and without hanging up."""

    queue: Slug | None = None
    reason: FlowOutReason


class CallbackTakenData(LegData):
    """The caller chose to be called back."""

    queue: Slug | None = None


class NoShowData(LegData):
    """A visitor was called and did not come."""


class HandedOverData(LegData):
    """The contact was passed on. ``unit`` is None for a passing within the centre."""

    kind: HandoverKind
    unit: Slug | None
    errand: Slug | None = None
    message: MessageRef | None = None
    references: tuple[MessageRef, ...] = ()


class EndedData(LegData):
    """The conversation ended. Durations in whole milliseconds; None where the source can't tell."""

    talk_ms: Annotated[int, Field(ge=0)] | None = None
    hold_ms: Annotated[int, Field(ge=0)] | None = None


class WrappedUpData(LegData):
    """Work after the conversation, in whole milliseconds."""

    wrap_up_ms: Annotated[int, Field(ge=0)]


class IdentifiedData(LegData):
    """The party or the audience became known after the beginning."""


class ErrandRegisteredData(LegData):
    """An agent or a case system said what the errand is and what became of it.

    A later event about the same ``errand`` replaces an earlier one.
    """

    errand: Slug
    topic: Slug | None = None
    level: Annotated[int, Field(ge=0, le=70)] | None = None
    performed_by: PerformedBy | None = None
    outcome: ErrandOutcome
    outcome_source: Provenance = Provenance.REGISTERED
    unit: Slug | None = None
    thanks: bool = False
    """The message only says thanks, and reopens nothing."""


class SystemRestartedData(_Model):
    """A telephone system restarted, and lost the calls that were open. Sent to every partition."""

    channel: Channel
    position: Annotated[int, Field(ge=0)] = 0


class SocialMetric(StrEnum):
    """What is told of an account in social media: gauges, never to be summed over days (DOMAIN §3)."""

    FOLLOWERS = "followers"
    REACH = "reach"


class SocialSnapshotData(_Model):
    """How many followed an account at the end of a period, or were reached within it.

    ``first_day`` and ``last_day`` are local days, both included. Exported again later, the same period may
    have another value; ``exported_at`` tells which came last.
    """

    network: Slug
    account: Slug
    metric: SocialMetric
    first_day: date
    last_day: date
    value: Annotated[int, Field(ge=0)]
    exported_at: AwareDatetime
    position: Annotated[int, Field(ge=0)] = 0


class _Envelope(_Model):
    """CloudEvents 1.0 attributes. ``time`` is when it happened, stored in UTC."""

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    source: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._/-]{0,99}$")]
    subject: LegId
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"


class Queued(_Envelope):
    type: Literal["kommuncenter.contact.queued"] = "kommuncenter.contact.queued"
    data: QueuedData


class Received(_Envelope):
    type: Literal["kommuncenter.contact.received"] = "kommuncenter.contact.received"
    data: ReceivedData


class Replied(_Envelope):
    type: Literal["kommuncenter.contact.replied"] = "kommuncenter.contact.replied"
    data: RepliedData


class Answered(_Envelope):
    type: Literal["kommuncenter.contact.answered"] = "kommuncenter.contact.answered"
    data: AnsweredData


class Abandoned(_Envelope):
    type: Literal["kommuncenter.contact.abandoned"] = "kommuncenter.contact.abandoned"
    data: AbandonedData


class FlowedOut(_Envelope):
    type: Literal["kommuncenter.contact.flowed_out"] = "kommuncenter.contact.flowed_out"
    data: FlowedOutData


class CallbackTaken(_Envelope):
    type: Literal["kommuncenter.contact.callback_taken"] = "kommuncenter.contact.callback_taken"
    data: CallbackTakenData


class NoShow(_Envelope):
    type: Literal["kommuncenter.contact.no_show"] = "kommuncenter.contact.no_show"
    data: NoShowData


class HandedOver(_Envelope):
    type: Literal["kommuncenter.contact.handed_over"] = "kommuncenter.contact.handed_over"
    data: HandedOverData


class Ended(_Envelope):
    type: Literal["kommuncenter.contact.ended"] = "kommuncenter.contact.ended"
    data: EndedData


class WrappedUp(_Envelope):
    type: Literal["kommuncenter.contact.wrapped_up"] = "kommuncenter.contact.wrapped_up"
    data: WrappedUpData


class Identified(_Envelope):
    type: Literal["kommuncenter.contact.identified"] = "kommuncenter.contact.identified"
    data: IdentifiedData


class ErrandRegistered(_Envelope):
    type: Literal["kommuncenter.errand.registered"] = "kommuncenter.errand.registered"
    data: ErrandRegisteredData


class SystemRestarted(_Envelope):
    type: Literal["kommuncenter.system.restarted"] = "kommuncenter.system.restarted"
    data: SystemRestartedData


class SocialSnapshot(_Envelope):
    type: Literal["kommuncenter.social.snapshot"] = "kommuncenter.social.snapshot"
    data: SocialSnapshotData


NoLeg = SystemRestarted | SocialSnapshot
"""Events about no leg: what happened to a whole system, and gauges. They are in no contact."""

type_rank = {
    "kommuncenter.system.restarted": 0,
    "kommuncenter.social.snapshot": 0,
    "kommuncenter.contact.queued": 1,
    "kommuncenter.contact.received": 1,
    "kommuncenter.contact.identified": 2,
    "kommuncenter.contact.answered": 3,
    "kommuncenter.contact.replied": 3,
    "kommuncenter.contact.handed_over": 4,
    "kommuncenter.contact.abandoned": 5,
    "kommuncenter.contact.flowed_out": 5,
    "kommuncenter.contact.callback_taken": 5,
    "kommuncenter.contact.no_show": 5,
    "kommuncenter.contact.ended": 6,
    "kommuncenter.contact.wrapped_up": 7,
    "kommuncenter.errand.registered": 8,
}
"""Order of events of the same instant: sources with whole seconds write many of those."""

Event = Annotated[
    Queued
    | Received
    | Replied
    | Answered
    | Abandoned
    | FlowedOut
    | CallbackTaken
    | NoShow
    | HandedOver
    | Ended
    | WrappedUp
    | Identified
    | ErrandRegistered
    | SystemRestarted
    | SocialSnapshot,
    Field(discriminator="type"),
]
"""Any event of the vocabulary."""

event_adapter: TypeAdapter[Event] = TypeAdapter(Event)
events_adapter: TypeAdapter[list[Event]] = TypeAdapter(list[Event])


def order_key(event: Event) -> tuple[float, int, int, str]:
    """Return the key by which the events of a leg are ordered (CORRECTIONS 15)."""
    return (event.time.timestamp(), type_rank[event.type], event.data.position, event.id)


def to_json(event: Event) -> bytes:
    """Return the event as it stands on Kafka: CloudEvents structured mode, UTF-8."""
    return event_adapter.dump_json(event)
