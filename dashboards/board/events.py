"""Server-sent events (WHATWG HTML §9.2): new pictures to one page, and a pulse in between."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import anyio
from starlette.types import Receive, Scope, Send

from dashboards.board.live import Live, Snapshot
from dashboards.board.periods import Period
from dashboards.swedish import clock_sv

PULSE_SECONDS = 10.0
RETRY_MS = 2000
"""How long a browser waits before it connects again."""


def picture_event(snapshot: Snapshot) -> bytes:
    """Return a snapshot as an event; its id comes back as Last-Event-ID."""
    data = {"id": snapshot.id, "html": snapshot.html, "clock": clock_sv(snapshot.shown_at)}
    return f"event: picture\nid: {snapshot.id}\ndata: {json.dumps(data)}\n\n".encode()


def pulse_event(shown_at: datetime) -> bytes:
    """Return a sign of life with the figures' clock time; it keeps proxies and the page's watchdog calm."""
    return f": pulse\nevent: pulse\ndata: {json.dumps({'clock': clock_sv(shown_at)})}\n\n".encode()


class EventStream:
    """The answer to one listening page, as an ASGI application; ends with the page or with the board."""

    def __init__(
        self,
        live: Live,
        period: Period,
        last_id: str,
        *,
        headers: dict[str, str],
        pulse_seconds: float = PULSE_SECONDS,
    ) -> None:
        """Take what is needed; nothing is sent until it is called."""
        self._live = live
        self._period = period
        self._last_id = last_id
        self._headers = {
            "content-type": "text/event-stream; charset=utf-8",
            "x-accel-buffering": "no",
            **headers,
        }
        self._pulse_seconds = pulse_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the page goes."""
        del scope
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        async with anyio.create_task_group() as group:
            group.start_soon(self._until_gone, receive, group.cancel_scope)
            await self._send_all(send)
            group.cancel_scope.cancel()

    async def _until_gone(self, receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async def _send_all(self, send: Send) -> None:
        await _send(send, f"retry: {RETRY_MS}\n\n".encode() + self._pulse())
        with self._live.subscribe(self._period, self._last_id) as subscription:
            while True:
                try:
                    snapshot = await asyncio.wait_for(subscription.queue.get(), self._pulse_seconds)
                except TimeoutError:
                    await _send(send, self._pulse())
                    continue
                if snapshot is None:
                    break
                await _send(send, picture_event(snapshot))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _pulse(self) -> bytes:
        return pulse_event(self._live.shown_at(self._period))


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
