"""A publisher that sends on in the background while everything around it dies."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import aiokafka
from aiokafka.errors import KafkaError

from tests.crash.traffic import Sending

_BATCH_BYTES = 128 * 1024
_PIECE = 2000


class Publisher:
    """Sends records in batches, and again until the broker has acknowledged them."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="publisher")
        self.tried_again = 0
        """How many times a piece was sent anew, since the broker was away."""

    def send(self, sendings: Sequence[Sending]) -> Future[None]:
        """Send in the background, after what was given before."""
        return self._thread.submit(asyncio.run, self._send_all(sendings))

    def close(self) -> None:
        """Wait for the thread, and drop what has not begun."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _send_all(self, sendings: Sequence[Sending]) -> None:
        for start in range(0, len(sendings), _PIECE):
            while not await self._sent(sendings[start : start + _PIECE]):
                self.tried_again += 1
                await asyncio.sleep(0.2)  # between two tries

    async def _sent(self, piece: Sequence[Sending]) -> bool:
        """Send a piece; tell whether all of it is acknowledged. What is sent twice counts once."""
        untyped: Any = aiokafka
        producer = untyped.AIOKafkaProducer(
            bootstrap_servers=self._bootstrap_servers, acks="all", max_batch_size=_BATCH_BYTES
        )
        try:
            await producer.start()
            await asyncio.gather(
                *[
                    await producer.send_batch(batch, topic, partition=partition)
                    for topic, partition, batch in _batches(producer, piece)
                ]
            )
        except (KafkaError, OSError):
            return False
        finally:
            await producer.stop()
        return True


def _batches(producer: Any, piece: Sequence[Sending]) -> Iterator[tuple[str, int, Any]]:
    """Yield topic, partition and a batch for it, as many as it takes."""
    apart: dict[tuple[str, int], list[Sending]] = defaultdict(list)
    for sending in piece:
        apart[sending.topic, sending.partition].append(sending)
    for place, sendings in apart.items():
        batch = producer.create_batch()
        for sending in sendings:
            if batch.append(timestamp=None, key=sending.key, value=sending.value) is None:
                yield *place, batch
                batch = producer.create_batch()
                batch.append(timestamp=None, key=sending.key, value=sending.value)
        yield *place, batch
