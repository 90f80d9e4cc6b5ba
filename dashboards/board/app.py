"""The board as a web application: the page, its events, the definitions and its health."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards.board.events import PULSE_SECONDS, EventStream
from dashboards.board.live import Live
from dashboards.board.periods import Period
from dashboards.board.picture import SILENCE
from dashboards.board.rendering import board_page, definitions_page, draw, message_page
from dashboards.definitions import STANDARD, Definitions
from dashboards.figures import Store
from schemas.catalogue import Catalogue
from schemas.clickhouse.silence import SilenceRule
from schemas.clock import Clock
from schemas.timebase import local_day

STATIC = Path(__file__).parent / "static"
WALL = "vagg"
MAX_LISTENERS = 200
NO_STORE = {"cache-control": "no-store"}
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def board_app(
    store: Store,
    clock: Clock,
    catalogue: Catalogue,
    *,
    definitions: Definitions = STANDARD,
    desk_url: str | None = None,
    poll_seconds: float = 0.5,
    pulse_seconds: float = PULSE_SECONDS,
    silence: SilenceRule = SILENCE,
) -> Starlette:
    """Return the board. ``store`` is called from a thread, never twice at once.

    ``definitions`` say by which formula and W its figures go. ``desk_url`` is the address of the visitors'
    form, linked to if given. ``silence`` says when no events are an alarm, in the time of ``clock``.
    ``app.state.stop()`` ends the pages' events; a server calls it when it begins to shut down
    (:class:`dashboards.board.server.BoardServer` does).
    """
    live = Live(
        store,
        clock,
        catalogue,
        draw,
        definitions=definitions,
        poll_seconds=poll_seconds,
        silence=silence,
    )
    pages = _Pages(live, desk_url, pulse_seconds)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await live.close()

    app = Starlette(
        routes=[
            Route("/", pages.board),
            Route("/events", pages.events),
            Route("/definitioner", pages.definitions),
            Route("/halsa", pages.health),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={404: pages.not_found},
        lifespan=lifespan,
    )
    app.add_middleware(_SecurityHeaders)
    app.state.stop = live.stop
    return app


class _Pages:
    """What each address answers."""

    def __init__(self, live: Live, desk_url: str | None, pulse_seconds: float) -> None:
        self._live = live
        self._desk_url = desk_url
        self._pulse_seconds = pulse_seconds

    async def board(self, request: Request) -> Response:
        period = _period(request)
        if period is None:
            return await self.not_found(request)
        snapshot = await self._live.current(period)
        wall = request.query_params.get("vy") == WALL
        html = board_page(
            snapshot, period, wall=wall, desk_url=self._desk_url, address=_addresses(request.query_params)
        )
        return HTMLResponse(html, 200 if snapshot.picture else 503, headers=NO_STORE)

    async def events(self, request: Request) -> Response | EventStream:
        period = _period(request)
        if period is None:
            return await self.not_found(request)
        if self._live.listeners >= MAX_LISTENERS:
            return Response("Too many pages listen.", 503, headers={**NO_STORE, "retry-after": "10"})
        last_id = request.headers.get("last-event-id") or request.query_params.get("sedan", "")
        return EventStream(
            self._live,
            period,
            last_id,
            headers=NO_STORE,
            pulse_seconds=self._pulse_seconds,
        )

    async def definitions(self, request: Request) -> Response:
        del request
        return HTMLResponse(definitions_page())

    async def health(self, request: Request) -> Response:
        del request
        snapshot = await self._live.current(Period.TODAY)
        away = snapshot.away_since is not None
        answer = {
            "status": "away" if away else "ok",
            "picture_at": snapshot.picture.at.isoformat() if snapshot.picture else None,
            "day": local_day(snapshot.at).isoformat(),
            "listeners": self._live.listeners,
        }
        return JSONResponse(answer, 503 if away else 200, headers=NO_STORE)

    async def not_found(self, request: Request, error: Exception | None = None) -> Response:
        del request, error
        page = message_page(
            "Sidan finns inte", "Adressen leder ingenstans. Kontrollera den, eller gå till tavlan."
        )
        return HTMLResponse(page, 404, headers=NO_STORE)


def _period(request: Request) -> Period | None:
    try:
        return Period(request.query_params.get("period", Period.TODAY))
    except ValueError:
        return None


def _addresses(present: Mapping[str, str]) -> Callable[..., str]:
    """Return a function that gives the page's address with some of its choices changed."""
    kept = {name: present[name] for name in ("period", "vy") if name in present}

    def address(**changes: str) -> str:
        chosen = {name: value for name, value in {**kept, **changes}.items() if value}
        return f"?{urlencode(chosen)}" if chosen else "./"

    return address


class _SecurityHeaders:
    """Adds the headers that hold for every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *raw]
            await send(message)

        await self._app(scope, receive, send_with_headers)
