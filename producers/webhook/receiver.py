"""The receiver of webhooks, as an ASGI application.

It answers 202 when the broker has what was sent; a record that can't be used is a dead letter then, and
the answer says so, since sending it again would not help. While the broker is away the answer is 503: what
was sent stands on the disk all the same, and the sender may send it again, which counts once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from producers.contract import ReaderState
from producers.webhook.authentication import Received
from producers.webhook.inbox import Inbox, Outcome
from producers.webhook.openapi import describe
from producers.webhook.page import page
from producers.webhook.spool import SpoolFullError
from schemas.clock import Clock
from schemas.errors import ConfigurationError

_log = structlog.get_logger(__name__)

MAX_WAITING = 200
"""So many requests of an instance may wait for the broker at a time; more are told 429."""
RETRY_SOON_S, RETRY_LATER_S = 1, 30
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_PAGE_HEADERS = {
    **_HEADERS,
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


class _RefusedError(Exception):
    """The request is answered otherwise than with 202."""

    def __init__(self, status: int, text: str, retry_s: int | None = None) -> None:
        super().__init__(text)
        self.status, self.text, self.retry_s = status, text, retry_s


def receiver(
    inboxes: Sequence[Inbox],
    clock: Clock,
    states: Mapping[str, Callable[[], ReaderState]],
    hosts: Sequence[str] = ("127.0.0.1", "localhost"),
) -> Starlette:
    """Return the application.

    ``states`` gives what the runner of each instance does, for ``/health``. ``hosts`` are the host names
    under which it may be asked. Raises ConfigurationError for an instance without authentication.
    """
    for inbox in inboxes:
        if inbox.settings.auth is None:
            raise ConfigurationError(
                f"sources.{inbox.instance}.auth: missing; say how senders prove who they are, such as "
                '{ kind = "token", secret = "…" }'
            )
    doors = _Doors({inbox.instance: inbox for inbox in inboxes}, clock)
    described = describe(inboxes)

    async def openapi(request: Request) -> Response:  # noqa: ARG001 - Starlette's
        return JSONResponse(described, headers=_HEADERS)

    async def front(request: Request) -> Response:  # noqa: ARG001 - Starlette's
        return HTMLResponse(page(inboxes), headers=_PAGE_HEADERS)

    async def health(request: Request) -> Response:  # noqa: ARG001 - Starlette's
        found = {name: str(state()) for name, state in states.items()}
        well = all(state in {ReaderState.READING, ReaderState.STARTING} for state in found.values())
        return JSONResponse(found, 200 if well else 503, headers=_HEADERS)

    routes = [
        Route("/", front),
        Route("/openapi.json", openapi),
        Route("/health", health),
        Route("/hooks/{instance}", doors.receive, methods=["POST"]),
    ]
    middleware = [Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)]
    return Starlette(routes=routes, middleware=middleware)


class _Doors:
    """The instances' doors, and how many wait before each."""

    def __init__(self, inboxes: Mapping[str, Inbox], clock: Clock) -> None:
        self._inboxes = inboxes
        self._clock = clock
        self._waiting = dict.fromkeys(inboxes, 0)

    async def receive(self, request: Request) -> Response:
        """Take a request in."""
        try:
            return await self._receive(request)
        except _RefusedError as refused:
            headers = {"retry-after": str(refused.retry_s)} if refused.retry_s else {}
            return JSONResponse({"error": refused.text}, refused.status, headers={**_HEADERS, **headers})

    async def _receive(self, request: Request) -> Response:
        inbox = self._inboxes.get(request.path_params["instance"])
        if inbox is None:
            raise _RefusedError(404, "no such instance")
        if self._waiting[inbox.instance] >= MAX_WAITING:
            raise _RefusedError(429, "too many requests at a time", RETRY_SOON_S)
        self._waiting[inbox.instance] += 1
        try:
            body = await _body(request, inbox.settings.max_body)
            self._prove(inbox, request, body)
            return await self._take(inbox, body)
        finally:
            self._waiting[inbox.instance] -= 1

    def _prove(self, inbox: Inbox, request: Request, body: bytes) -> None:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        received = Received(dict(request.headers), body, target)
        auth = inbox.settings.auth
        assert auth is not None  # the application was not built without
        if not auth.genuine(received, self._clock.now()):
            _log.warning("webhook_not_genuine", instance=inbox.instance)
            raise _RefusedError(401, "the proof of who sends this is missing or wrong")

    async def _take(self, inbox: Inbox, body: bytes) -> Response:
        try:
            await inbox.put(body, self._clock.now())
        except TimeoutError:
            raise _RefusedError(503, "kept, but not yet passed on; send it again", RETRY_LATER_S) from None
        except SpoolFullError:
            _log.error("spool_full", instance=inbox.instance)
            raise _RefusedError(503, "too much waits; send it again later", RETRY_LATER_S) from None
        except OSError as error:
            _log.error("spool_failed", instance=inbox.instance, error=type(error).__name__)
            raise _RefusedError(503, "can't be kept for now; send it again later", RETRY_LATER_S) from error
        outcome = await asyncio.to_thread(inbox.outcome, body)
        return JSONResponse(_told(outcome), 202, headers=_HEADERS)


def _told(outcome: Outcome) -> dict[str, object]:
    """Return the outcome without anything of what was sent."""
    rejected = [
        {
            "record": rejection.record.place,
            "reason": str(rejection.why.reason),
            "detail": rejection.why.detail,
        }
        for rejection in outcome.rejections
    ]
    return {"records": outcome.records, "events": outcome.events, "rejected": rejected}


async def _body(request: Request, limit: int) -> bytes:
    """Return the body. Raises _RefusedError for one that is too long, or encoded."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _RefusedError(415, "send the body as it is, not compressed")
    said = request.headers.get("content-length", "0")
    body = bytearray()
    if said.isdigit() and int(said) <= limit:
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    break
        except ClientDisconnect:
            raise _RefusedError(400, "the body was cut off") from None
        if len(body) <= limit:
            return bytes(body)
    raise _RefusedError(413, f"longer than {limit} bytes")
