"""What the board's own addresses answer: the page, its events, the definitions, its health, its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response

from dashboards.board.access import May, Visitor
from dashboards.board.audience import Audience
from dashboards.board.colours import theme_css
from dashboards.board.events import EventStream, Listening
from dashboards.board.gate import NO_STORE
from dashboards.board.live import Live
from dashboards.board.periods import Period
from dashboards.board.rendering import (
    Chosen,
    Links,
    Theme,
    board_page,
    definitions_page,
    message_page,
)
from schemas.timebase import local_day

STATIC = Path(__file__).parent / "static"
WALL = "vagg"
MAX_LISTENERS = 200
_CHOICES = ("period", "vy", "tema")


class Pages:
    """The answers."""

    def __init__(self, live: Live, desk_url: str | None, pulse_seconds: float) -> None:
        """Take the pictures, the address of the visitors' form, and how often pages get a sign of life."""
        self._live = live
        self._desk_url = desk_url
        self._pulse_seconds = pulse_seconds

    async def board(self, request: Request) -> Response:
        """Answer with the board."""
        chosen = self._chosen(request)
        if chosen is None:
            return await self.not_found(request)
        snapshot = await self._live.current(chosen.period)
        html = board_page(snapshot, chosen)
        return HTMLResponse(html, 200 if snapshot.picture else 503, headers=NO_STORE)

    def _chosen(self, request: Request) -> Chosen | None:
        period, theme = chosen_period(request), chosen_theme(request)
        if period is None or theme is None:
            return None
        visitor: Visitor = request.state.visitor
        desk = visitor.may(May.BOARD)
        return Chosen(
            period=period,
            wall=_is_wall(request),
            theme=theme,
            address=_addresses(request.query_params),
            links=Links(
                desk_url=self._desk_url if desk else None,
                definitions=visitor.may(May.DEFINITIONS),
                desk_view=desk,
                logout=visitor.session_ends is not None,
            ),
        )

    async def events(self, request: Request) -> Response | EventStream:
        """Answer with the pictures as they come."""
        period = chosen_period(request)
        if period is None:
            return await self.not_found(request)
        if self._live.listeners >= MAX_LISTENERS:
            return Response("Too many pages listen.", 503, headers={**NO_STORE, "retry-after": "10"})
        listening = Listening(
            period=period,
            audience=Audience.WALL if _is_wall(request) else Audience.DESK,
            last_id=request.headers.get("last-event-id") or request.query_params.get("sedan", ""),
            seconds=request.state.visitor.seconds_left(),
        )
        return EventStream(self._live, listening, headers=NO_STORE, pulse_seconds=self._pulse_seconds)

    async def definitions(self, request: Request) -> Response:
        """Answer with how the figures are counted."""
        del request
        return HTMLResponse(definitions_page())

    async def health(self, request: Request) -> Response:
        """Tell whether the board has the store; for whoever watches over it, so nobody has to log in."""
        visitor: Visitor | None = request.state.visitor
        snapshot = await self._live.current(Period.TODAY)
        away = snapshot.away_since is not None
        answer: dict[str, object] = {
            "status": "away" if away else "ok",
            "picture_at": snapshot.picture.at.isoformat() if snapshot.picture else None,
            "day": local_day(snapshot.at).isoformat(),
        }
        if visitor and visitor.may(May.SOURCES):
            answer |= {"listeners": self._live.listeners}
        return JSONResponse(answer, 503 if away else 200, headers=NO_STORE)

    async def theme(self, request: Request) -> Response:
        """Answer with the colours."""
        del request
        return Response(theme_css(), media_type="text/css", headers={"cache-control": "max-age=300"})

    async def service_worker(self, request: Request) -> Response:
        """Answer with the script that keeps the last page; what it answers for lies below its address."""
        del request
        return FileResponse(
            STATIC / "sw.js", media_type="text/javascript", headers={"cache-control": "no-cache"}
        )

    async def not_found(self, request: Request, error: Exception | None = None) -> Response:
        """Say that there is no such page."""
        del request, error
        page = message_page(
            "Sidan finns inte", "Adressen leder ingenstans. Kontrollera den, eller gå till tavlan."
        )
        return HTMLResponse(page, 404, headers=NO_STORE)


def _is_wall(request: Request) -> bool:
    """Tell whether the wall's picture is shown: asked for, or all that the visitor may see."""
    return request.query_params.get("vy") == WALL or not request.state.visitor.may(May.BOARD)


def chosen_period(request: Request) -> Period | None:
    """Return the period that the address names; None where there is no such one."""
    try:
        return Period(request.query_params.get("period", Period.TODAY))
    except ValueError:
        return None


def chosen_theme(request: Request) -> Theme | None:
    """Return the look that the address names; None where there is no such one."""
    try:
        return Theme(request.query_params.get("tema", Theme.AUTO))
    except ValueError:
        return None


def _addresses(present: Mapping[str, str]) -> Callable[..., str]:
    """Return a function that gives the page's address with some of its choices changed."""
    kept = {name: present[name] for name in _CHOICES if name in present}

    def address(**changes: str) -> str:
        chosen = {name: value for name, value in {**kept, **changes}.items() if value}
        return f"?{urlencode(chosen)}" if chosen else "./"

    return address
