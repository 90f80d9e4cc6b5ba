"""Rows of the store out of events, facts and figures: columns in the order of schemas.clickhouse.tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from schemas.deadletter import DeadLetter
from schemas.legs import ContactFact, LegMessage, LegState, Sighting, leg_message_adapter
from schemas.measures import MEASURE_NAMES
from streams.core.contributions import Amounts
from streams.core.digest import digest
from streams.core.stage1 import payload_version
from streams.core.stage2 import FactRow, Output
from streams.ports import Archived

Columns = list[list[Any]]


def transpose(rows: Iterable[Sequence[Any]], width: int) -> Columns:
    """Return columns out of rows; ``width`` empty ones where there is no row."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]


def event_row(archived: Archived, now: datetime) -> Sequence[Any]:
    """Return the archive's row of an event; on time beats late, the greater payload beats the other."""
    event = archived.event
    version = payload_version(archived.payload) | int(not archived.late)
    return (
        archived.partition,
        event.time,
        event.subject,
        event.id,
        event.type,
        event.source,
        archived.payload.decode("utf-8"),
        version,
        int(archived.late),
        now,
    )


class _FigureKey(NamedTuple):
    start: date | datetime
    channel: str
    area: str
    topic: str
    unit: str


def figure_rows(partition: int, rows: Mapping[Any, Amounts], revision: int) -> Iterable[Sequence[Any]]:
    """Yield whole rows of one grain; a row in which nothing is left is written as zeros."""
    for key, amounts in rows.items():
        start, *dimensions = _FigureKey(*key)
        yield (
            start,
            partition,
            *dimensions,
            revision,
            *(amounts.measures.get(name, 0) for name in MEASURE_NAMES),
            dict(amounts.waits),
        )


def leg_row(partition: int, message: LegMessage) -> Sequence[Any]:
    """Return the row of stage 2's log for a message."""
    arrived = message.leg.arrived_at if isinstance(message, LegState | Sighting) else message.arrived_at
    return (
        partition,
        message.key,
        message.leg_id,
        message.partition,
        message.kind,
        arrived,
        message.revision,
        digest(message),
        leg_message_adapter.dump_json(message).decode("utf-8"),
    )


def letter_row(letter: DeadLetter) -> Sequence[Any]:
    """Return the row of a dead letter."""
    return (
        letter.id,
        letter.instance,
        letter.place,
        letter.reason,
        letter.detail,
        letter.sha256,
        letter.size,
        letter.at,
        letter.kind.value,
        letter.sealed,
    )


def fact_row(partition: int, row: FactRow, output: Output, named_from: date = date.min) -> Sequence[Any]:
    """Return a contact's row, or its tombstone; before ``named_from`` without the party."""
    fact = row.fact
    if fact is not None and row.day < named_from:
        fact = fact.model_copy(update={"party": ""})
    head = (row.day, row.contact_id, partition, output.revision, int(fact is None))
    return (*head, *(_fact_values(fact) if fact else _NO_FACT))


def _fact_values(fact: ContactFact) -> Sequence[Any]:
    errands = fact.errands
    return (
        fact.channel.value,
        fact.channel_source.value,
        fact.arrived_at,
        fact.answered_at,
        fact.replied_at,
        fact.ended_at,
        fact.left_at,
        fact.reopened_at,
        fact.outcome.value,
        int(fact.short_abandoned),
        int(fact.taken),
        int(fact.counted),
        fact.wait_ms,
        fact.handle_ms,
        fact.flow_out_reason.value if fact.flow_out_reason else "",
        fact.queue,
        fact.audience.value,
        fact.automatic.value if fact.automatic else "",
        int(fact.redial),
        int(fact.thanks),
        int(fact.unlinked),
        fact.due_at,
        fact.party,
        list(fact.legs),
        [errand.errand for errand in errands],
        [errand.topic for errand in errands],
        [errand.area for errand in errands],
        [errand.level for errand in errands],
        [errand.performed_by.value if errand.performed_by else "" for errand in errands],
        [errand.outcome.value for errand in errands],
        [errand.outcome_source.value for errand in errands],
        [None if errand.within_mandate is None else int(errand.within_mandate) for errand in errands],
        [int(errand.first_contact) for errand in errands],
        [int(errand.warm_transfer) for errand in errands],
        [[handover.unit for handover in errand.handovers] for errand in errands],
        [[handover.kind.value for handover in errand.handovers] for errand in errands],
        [errand.first_repeat_at for errand in errands],
    )


def fact_without_errands(row: Mapping[str, Any]) -> ContactFact:
    """Return the contact of a row of ``contacts``, by column, but for its errands."""
    given = {name: row[name] for name in ContactFact.model_fields if name != "errands"}
    absent = {name: row[name] or None for name in ("automatic", "flow_out_reason")}
    return ContactFact.model_validate({**given, **absent, "errands": ()})


_LISTS = 14
_NO_FACT: Sequence[Any] = (
    "",
    "",
    datetime.fromisoformat("1970-01-01T00:00:00+00:00"),
    None,
    None,
    None,
    None,
    None,
    "",
    0,
    0,
    0,
    None,
    0,
    "",
    "",
    "",
    "",
    0,
    0,
    0,
    None,
    "",
    *([] for _ in range(_LISTS)),
)
