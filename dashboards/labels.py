"""What people call the things of the catalogue, the same on board, in Grafana and in the report."""

from __future__ import annotations

from schemas.catalogue import Catalogue

NO_TOPIC = "Inget ämne registrerat"


def topic_label(topic: str, catalogue: Catalogue) -> str:
    """Return a topic's name for people; one that has left the catalogue keeps its own."""
    known = catalogue.topics.get(topic)
    return known.label if known else topic or NO_TOPIC
