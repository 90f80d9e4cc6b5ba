"""How events leave a source: to its topic on Kafka, acknowledged by all replicas before anybody goes on."""

from __future__ import annotations

import contextlib
import gc
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from producers.contract import Broadcast
from schemas.deadletter import DeadLetter
from schemas.errors import ConfigurationError, RetriableError
from schemas.events import Event, to_json
from schemas.topics import DEAD_LETTERS, EVENTS_PREFIX, event_topic

EVENT_HEADERS = [("content-type", b"application/cloudevents+json")]
DEAD_LETTER_HEADERS = [("content-type", b"application/json")]
_FORCED_CLOSE_S = 0.5


class Publisher(Protocol):
    """Where a source sends what it read. One publisher belongs to one source instance."""

    def publish(self, instance: str, events: Sequence[Event | Broadcast]) -> None:
        """Send events to the topic of ``instance``. Raises RetriableError."""
        ...

    def reject(self, letter: DeadLetter) -> None:
        """Send a dead letter. Raises RetriableError."""
        ...

    def flush(self) -> None:
        """Return when all that was sent since the last flush is acknowledged; else raise RetriableError."""
        ...

    def close(self) -> None:
        """Give up the connection. What was not flushed may or may not arrive."""
        ...


class Delivery(Protocol):
    """The fate of one record: what kafka-python calls a future."""

    def get(self, timeout: float | None = None) -> object:
        """Return when the record is acknowledged, or raise why it is not."""
        ...


class Producer(Protocol):
    """The part of kafka-python's KafkaProducer that is used here."""

    def send(
        self,
        topic: str,
        *,
        value: bytes,
        key: bytes,
        headers: list[tuple[str, bytes]],
        partition: int | None = None,
    ) -> Delivery:
        """Queue a record."""
        ...

    def partitions_for(self, topic: str) -> Iterable[int]:
        """Return the partitions of a topic."""
        ...

    def flush(self, timeout: float | None = None) -> None:
        """Wait until every queued record has been acknowledged or has failed."""
        ...

    def close(self, timeout: float | None = None) -> None:
        """Close within ``timeout`` seconds."""
        ...


class KafkaPublisher:
    """Publishes with kafka-python: acks=all, idempotent, keys partitioned as Kafka's Java client does.

    Nothing is opened before the first record. After any failure the connection is given up and made anew,
    so a producer that is in a bad state is never used again; what was sent twice has the same ids. For use
    in one thread at a time.
    """

    def __init__(
        self,
        connect: Callable[[], Producer],
        *,
        timeout_s: float = 30.0,
        partitions: int | None = None,
        topic_of: Callable[[str], str] = event_topic,
    ) -> None:
        """Take a function that opens a producer, and the longest wait (seconds) for acknowledgements.

        With ``partitions``, a topic of events with another count is refused (CORRECTIONS 18): a broker may
        have made it by itself. ``topic_of`` gives the topic of an instance's events.
        """
        self._topic_of = topic_of
        self._partitions = partitions
        self._connect = connect
        self._timeout_s = timeout_s
        self._producer: Producer | None = None
        self._unsettled: list[Delivery] = []
        self._failed = False

    def publish(self, instance: str, events: Sequence[Event | Broadcast]) -> None:
        """Send events to the topic of ``instance``; a Broadcast to every partition.

        Raises RetriableError, and ConfigurationError for a topic with a wrong count of partitions.
        """
        topic = self._topic_of(instance)
        with self._failures(topic):
            producer = self._open()
            partitions = sorted(producer.partitions_for(topic)) if events else []
            if events and len(partitions) != (self._partitions or len(partitions)):
                raise ConfigurationError(
                    f"{topic} has {len(partitions)} partitions, not {self._partitions}; repartition, or set "
                    "the partition count of the installation to that of its topics"
                )
            for event in events:
                if isinstance(event, Broadcast):
                    for partition in partitions:
                        self._send(producer, topic, event.event, partition)
                else:
                    self._send(producer, topic, event, None)

    def reject(self, letter: DeadLetter) -> None:
        """Send a dead letter. Raises RetriableError."""
        with self._failures(DEAD_LETTERS):
            self._unsettled.append(
                self._open().send(
                    DEAD_LETTERS,
                    value=letter.model_dump_json().encode(),
                    key=letter.id.encode(),
                    headers=DEAD_LETTER_HEADERS,
                )
            )

    def forward(self, topic: str, partition: int, key: str, value: bytes) -> None:
        """Send a message as it is to a partition of a topic. Raises RetriableError."""
        headers = EVENT_HEADERS if topic.startswith(EVENTS_PREFIX) else []
        with self._failures(topic):
            self._unsettled.append(
                self._open().send(topic, value=value, key=key.encode(), headers=headers, partition=partition)
            )

    def flush(self) -> None:
        """Return when all since the last flush is acknowledged; raise RetriableError if any of it is not."""
        if not self._unsettled:
            return
        with self._failures("the broker"):
            self._open().flush(self._timeout_s)
            for delivery in self._unsettled:
                delivery.get(timeout=0)
        self._unsettled.clear()

    def close(self) -> None:
        """Give up the connection. Harmless when there is none."""
        self._unsettled.clear()
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=_FORCED_CLOSE_S)

    def _send(self, producer: Producer, topic: str, event: Event, partition: int | None) -> None:
        self._unsettled.append(
            producer.send(
                topic,
                value=to_json(event),
                key=event.subject.encode(),
                headers=EVENT_HEADERS,
                partition=partition,
            )
        )

    def _open(self) -> Producer:
        if self._producer is None:
            if self._failed:
                # kafka-python leaves the sockets of refused connections to the collector of cycles, which
                # may take long to come round; a broker that is away for a day would use up all of them.
                gc.collect()
            self._producer = self._connect()
        return self._producer

    @contextlib.contextmanager
    def _failures(self, where: str) -> Iterator[None]:
        from kafka.errors import KafkaError

        try:
            yield
        except (KafkaError, OSError) as error:
            self._failed = True
            self.close()
            raise RetriableError(
                f"{where}: not acknowledged ({type(error).__name__}: {error}); sent again later"
            ) from error


def kafka_publisher(
    bootstrap_servers: str,
    *,
    timeout_s: float = 30.0,
    partitions: int | None = None,
    topic_of: Callable[[str], str] = event_topic,
    **options: object,
) -> KafkaPublisher:
    """Return a publisher to the brokers at ``host:port[,host:port]``; it connects with its first record.

    ``partitions`` is the installation's count, ``topic_of`` gives the topic of an instance's events,
    ``options`` are kafka-python's own (security and the like).
    A topic that is missing is not created: it would get a partition count of the broker's choice
    (CORRECTIONS 19).
    """

    def connect() -> Producer:
        from kafka import KafkaProducer

        _reach(bootstrap_servers, timeout_s)
        wait_ms = max(1000, int(timeout_s * 1000) // 3)
        settings: dict[str, object] = {
            "acks": "all",
            "enable_idempotence": True,
            "linger_ms": 10,
            "batch_size": 128 * 1024,
            "allow_auto_create_topics": False,
            "bootstrap_timeout_ms": wait_ms,
            "max_block_ms": wait_ms,
            "request_timeout_ms": wait_ms,
            "delivery_timeout_ms": wait_ms * 2,
            "reconnect_backoff_max_ms": 2000,
        }
        producer: Producer = KafkaProducer(  # type: ignore[no-untyped-call]
            bootstrap_servers=bootstrap_servers, **(settings | options)
        )
        return producer

    return KafkaPublisher(connect, timeout_s=timeout_s, partitions=partitions, topic_of=topic_of)


def _reach(bootstrap_servers: str, timeout_s: float) -> None:
    """Return when one of the brokers accepts a connection; raise OSError when none does."""
    refused: OSError = OSError("no broker is named")
    for server in bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s).close()
        except OSError as error:
            refused = error
        except ValueError as error:
            raise ConfigurationError(
                f"kafka: {server!r} is no host:port; check the broker's address"
            ) from error
        else:
            return
    raise refused
