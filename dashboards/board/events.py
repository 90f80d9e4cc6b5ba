"""Server-sent events (WHATWG HTML §9.2): new pictures to one page, and a pulse in between."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import anyio
from starlette.types import Receive, Scope, Send

from dashboards.board.audience import Audience
from dashboards.board.drawing import Drawing
from dashboards.board.live import Live
from dashboards.board.periods import Period
from dashboards.swedish import clock_sv

PULSE_SECONDS = 10.0
RETRY_MS = 2000
"""How long a browser waits before it connects again."""


@lru_cache(maxsize=32)
def picture_event(drawing: Drawing, before: Drawing | None, shown_at: datetime) -> bytes:
    """Return a drawing as an event; its id comes back as Last-Event-ID.

    ``parts`` holds what differs from ``before``, which the page has; ``html`` the whole, where that is more.
    Fifty pages that had the same are sent the same bytes.
    """
    parts = drawing.since(before)
    data: dict[str, object] = {"id": drawing.id, **_instant(shown_at)}
    data |= {"html": drawing.html} if parts is None else {"parts": parts}
    return f"event: picture\nid: {drawing.id}\ndata: {json.dumps(data)}\n\n".encode()


def pulse_event(shown_at: datetime) -> bytes:
    """Return a sign of life with the figures' time; it keeps proxies and the page's watchdog calm."""
    return f": pulse\nevent: pulse\ndata: {json.dumps(_instant(shown_at))}\n\n".encode()


def _instant(shown_at: datetime) -> dict[str, str]:
    return {"clock": clock_sv(shown_at), "at": shown_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Listening:
    """What a page wants to hear of, and for how long it may; ``last_id`` is of the drawing that it has."""

    period: Period
    audience: Audience
    last_id: str = ""
    seconds: float | None = None


class EventStream:
    """The answer to one listening page, as an ASGI application; ends with the page or with the board."""

    def __init__(
        self,
        live: Live,
        listening: Listening,
        *,
        headers: dict[str, str],
        pulse_seconds: float = PULSE_SECONDS,
    ) -> None:
        """Take what is needed; nothing is sent until it is called."""
        self._live = live
        self._listening = listening
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
        """Send until the board stops, or the page's time is up: then it connects anew, and has to log in."""
        await _send(send, f"retry: {RETRY_MS}\n\n".encode() + self._pulse())
        wanted, before = self._listening, None
        with self._live.subscribe(wanted.period, wanted.audience, wanted.last_id) as subscription:
            with anyio.move_on_after(wanted.seconds):
                while True:
                    try:
                        snapshot = await asyncio.wait_for(subscription.queue.get(), self._pulse_seconds)
                    except TimeoutError:
                        await _send(send, self._pulse())
                        continue
                    if snapshot is None:
                        break
                    drawing = snapshot.drawings[wanted.audience]
                    await _send(send, picture_event(drawing, before, snapshot.shown_at))
                    before = drawing
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _pulse(self) -> bytes:
        return pulse_event(self._live.shown_at(self._listening.period))


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
