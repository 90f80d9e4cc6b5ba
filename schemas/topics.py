"""Kafka topics: one per source, one between the stages, one for what can't be read."""

from __future__ import annotations

from dataclasses import dataclass

EVENTS_PREFIX = "kc.events."
SHADOW_PREFIX = "kc.shadow."
LEGS = "kc.legs"
DEAD_LETTERS = "kc.dead-letters"
DEFAULT_PARTITIONS = 8


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """All topics of an installation. Every topic has the same number of partitions (CORRECTIONS 19)."""

    sources: tuple[str, ...]
    partitions: int = DEFAULT_PARTITIONS

    @property
    def event_topics(self) -> tuple[str, ...]:
        """The topics that stage 1 reads, one per source instance."""
        return tuple(event_topic(source) for source in self.sources)

    @property
    def all_topics(self) -> tuple[str, ...]:
        """Every topic that must exist before a worker starts."""
        return (*self.event_topics, LEGS, DEAD_LETTERS)


def event_topic(source: str) -> str:
    """Return the topic of a source instance, such as ``kc.events.telephony``."""
    return EVENTS_PREFIX + source


def shadow_topic(source: str) -> str:
    """Return the topic of what a replay of a source instance gives; no worker reads it."""
    return SHADOW_PREFIX + source
