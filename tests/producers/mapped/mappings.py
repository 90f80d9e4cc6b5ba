"""Mappings for tests, and what is needed to apply them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from producers.contract import Context, Normalised, Raw
from producers.mapped.load import read_mapping
from producers.mapped.model import Mapped
from producers.mapped.normalise import Instance, normalise
from schemas.catalogue import load_catalogue
from schemas.identity import Pseudonymiser, PseudonymKey

TICKETS = """\
name = "tickets"
channel = "visit"

[input]
kind = "jsonl"

[record]
leg = "id"
time = "at"
party = { number = "phone", address = "mail" }
ignore = ["test"]

[[event]]
when = "state == 'new'"
type = "queued"
queue = { from = "desk", values = "queues" }

[[event]]
when = "state == 'called'"
type = "answered"

[[event]]
when = "state == 'sent on'"
type = "handed_over"
kind = "'blind'"
unit = { from = "to", values = "units", unlisted = "skip" }

[[event]]
when = "state == 'done'"
type = "ended"
talk_ms = { from = "seconds", unit = "s" }

[[event]]
when = "state == 'done' && topic"
type = "errand_registered"
errand = "'e1'"
outcome = "'resolved'"
topic = "topic"

[values.queues]
1 = "koordinaten"

[values.units]
"SOC" = "omsorg"
"KC" = "centre"
"""

CATALOGUE = load_catalogue()
CONTEXT = Context("tickets", Pseudonymiser(PseudonymKey("test", b"sixteen bytes or more")), CATALOGUE, 4)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["new", "called", "sent on", "done", "2026-11-24T08:00:00Z", "2026-11-24", "SOC"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=3)
            | st.sampled_from(
                ["id", "at", "state", "desk", "to", "seconds", "topic", "phone", "mail", "detail", "case"]
            ),
            inner,
            max_size=10,
        )
    ),
    max_leaves=20,
)
"""Any JSON, rich in what the mapping above asks for."""


def mapping(text: str = TICKETS) -> Mapped:
    """Return a mapping of its text."""
    return read_mapping(text, "source.toml")


def applied(mapped: Mapped, payload: bytes, tables: dict[str, dict[str, Any]] | None = None) -> Normalised:
    """Return what a mapping makes of a record."""
    return normalise(Raw(payload, "line 1"), mapped, Instance(mapped.name, tables or {}), CONTEXT)
