"""Columns of the tables, in the order in which rows are written. A test holds them against the migrations."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.measures import MEASURE_NAMES, WAIT_HISTOGRAM

DIMENSIONS = ("channel", "area", "topic", "unit")


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name and the columns that a writer fills."""

    name: str
    columns: tuple[str, ...]


_FIGURES = ("partition", *DIMENSIONS, "revision", *MEASURE_NAMES, WAIT_HISTOGRAM)

SERVICE_WINDOWS = Table("service_windows", ("window", *_FIGURES))
SERVICE_DAYS = Table("service_days", ("day", *_FIGURES))
EVENTS = Table(
    "events",
    (
        "partition",
        "occurred_at",
        "leg_id",
        "event_id",
        "type",
        "source",
        "payload",
        "version",
        "late",
        "archived_at",
    ),
)
LEGS = Table(
    "legs",
    (
        "partition",
        "key",
        "leg_id",
        "source_partition",
        "kind",
        "arrived_at",
        "revision",
        "digest",
        "payload",
    ),
)
CONTACTS = Table(
    "contacts",
    (
        "day",
        "contact_id",
        "partition",
        "revision",
        "deleted",
        "channel",
        "channel_source",
        "arrived_at",
        "answered_at",
        "replied_at",
        "ended_at",
        "left_at",
        "reopened_at",
        "outcome",
        "short_abandoned",
        "taken",
        "counted",
        "wait_ms",
        "handle_ms",
        "flow_out_reason",
        "queue",
        "audience",
        "automatic",
        "redial",
        "thanks",
        "unlinked",
        "due_at",
        "party",
        "legs",
        "errand_name",
        "errand_topic",
        "errand_area",
        "errand_level",
        "errand_performed_by",
        "errand_outcome",
        "errand_outcome_source",
        "errand_within_mandate",
        "errand_first_contact",
        "errand_warm_transfer",
        "errand_handover_units",
        "errand_handover_kinds",
        "errand_first_repeat_at",
    ),
)
EPOCHS = Table("epochs", ("stage", "partition", "epoch", "nonce", "state", "horizon_from", "recorded_at"))
SURGES = Table(
    "surges", ("since", "topic", "noticed_at", "until", "contacts", "usual", "over", "recorded_at")
)
REBUILDS = Table("rebuilds", ("id", "since", "state", "late", "recorded_at"))
DEAD_LETTERS = Table(
    "dead_letters",
    ("id", "instance", "place", "reason", "detail", "sha256", "size", "at", "kind", "sealed"),
)
DEAD_LETTER_REPLAYS = Table("dead_letter_replays", ("id", "at", "outcome", "events", "reason", "detail"))
SOURCE_HEALTH = Table(
    "source_health",
    (
        "instance",
        "at",
        "last_event_at",
        "last_read_at",
        "published",
        "rejected",
        "last_sent_at",
        "state",
        "reason",
        "lag",
        "lag_unit",
        "gaps",
    ),
)
WORKER_HEALTH = Table(
    "worker_health",
    (
        "worker",
        "at",
        "started_at",
        "state",
        "waiting_since",
        "error",
        "partitions",
        "oldest_ms",
        "span_ms",
        "batches",
        "batch_ms",
        "longest_batch_ms",
    ),
)
CONSUMER_LAG = Table("consumer_lag", ("worker", "at", "topic", "partitions", "lag", "records", "span_ms"))
VERIFICATIONS = Table(
    "verifications",
    (
        "at",
        "since",
        "until",
        "equal",
        "events",
        "late",
        "awaiting_rebuild",
        "differences",
        "seconds",
    ),
)
REPORTS = Table("reports", ("period", "scope", "version", "cells", "published_at"))
DELIVERIES = Table(
    "deliveries",
    (
        "delivery",
        "attempt",
        "step",
        "at",
        "period",
        "scope",
        "correction",
        "test",
        "recipients",
        "refused",
        "transient",
        "reason",
    ),
)
INSTALLATION = Table("installation", ("name", "value", "changed_at"))

TABLES = (
    EVENTS,
    LEGS,
    CONTACTS,
    SERVICE_WINDOWS,
    SERVICE_DAYS,
    EPOCHS,
    REBUILDS,
    SURGES,
    DEAD_LETTERS,
    DEAD_LETTER_REPLAYS,
    SOURCE_HEALTH,
    WORKER_HEALTH,
    CONSUMER_LAG,
    VERIFICATIONS,
    DELIVERIES,
    REPORTS,
    INSTALLATION,
)
