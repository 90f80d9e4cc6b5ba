"""How far the worker is behind: what stands on the topics beyond its committed offsets."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kommuncenter.settings import KafkaSettings
from schemas.errors import RetriableError
from schemas.topics import TopicPlan

ANSWER_WITHIN_S = 20.0


def lag_of(settings: KafkaSettings, plan: TopicPlan) -> Callable[[], int]:
    """Return what tells how many records the group has not done; nothing is opened before it is called."""
    return lambda: _behind(settings, plan)


def _behind(settings: KafkaSettings, plan: TopicPlan) -> int:
    """Look topic by topic in the order in which records go, so that none slips from one to the next unseen.

    Raises RetriableError while the broker is away or a topic is missing.
    """
    from kafka.errors import KafkaError

    try:
        with _reader(settings) as reader:
            return sum(_behind_on(reader, topic, plan.partitions) for topic in plan.all_topics)
    except (KafkaError, OSError) as error:
        raise RetriableError(
            f"Kafka at {settings.bootstrap_servers}: no answer ({type(error).__name__}); is it running?"
        ) from error


@contextlib.contextmanager
def _reader(settings: KafkaSettings) -> Iterator[Any]:
    """Yield a consumer that knows the group's offsets but is no member of it, and commits nothing."""
    import kafka

    untyped: Any = kafka
    reader = untyped.KafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        group_id=settings.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
        bootstrap_timeout_ms=5000,
    )
    try:
        yield reader
    finally:
        reader.close()


def _behind_on(reader: Any, topic: str, partitions: int) -> int:
    """Return the records beyond the committed offsets, as fetches from there tell.

    The offsets that a broker lists as latest are not asked for: the embedded one lists the first of the last
    batch. The high watermark of a fetch is right on both.
    """
    from kafka import TopicPartition

    places: Sequence[Any] = [TopicPartition(topic, number) for number in range(partitions)]
    reader.assign(places)
    begin = {}
    for place in places:
        committed = reader.committed(place)
        begin[place] = committed or 0
        if committed is None:
            reader.seek_to_beginning(place)
        else:
            reader.seek(place, committed)
    ends: dict[Any, int] = {}
    deadline = time.monotonic() + ANSWER_WITHIN_S
    while missing := [place for place in places if place not in ends]:
        if time.monotonic() > deadline:
            raise RetriableError(f"Kafka: no answer about {missing[0].topic}; does the topic exist?")
        for place, records in reader.poll(timeout_ms=500).items():
            ends[place] = max(ends.get(place, 0), records[-1].offset + 1)
        for place in places:
            known = reader.highwater(place)
            if known is not None:
                ends[place] = max(ends.get(place, 0), known)
    return sum(max(0, ends[place] - begin[place]) for place in places)
