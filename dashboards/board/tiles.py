"""Tiles: one figure for a frame on another page (HTML), for a picture (SVG), or for a program (JSON)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dashboards.board import sentences as say
from dashboards.board.access import May
from dashboards.board.api.routes import SHORT, answered
from dashboards.board.figure import Figure
from dashboards.board.gate import NO_STORE, SECURITY_HEADERS, Gate, Page
from dashboards.board.live import Live, Snapshot
from dashboards.board.pages import chosen_period, chosen_theme
from dashboards.board.picture import Picture
from dashboards.board.reading import Waiting
from dashboards.board.rendering import message_page, render
from dashboards.swedish import clock_sv, duration, number
from dashboards.theme import load_theme
from schemas.timebase import local_day

Found = Figure | Waiting


@dataclass(frozen=True, slots=True)
class Tile:
    """What stands on a tile. ``at`` is the instant of the figure (UTC)."""

    name: str
    label: str
    value: str
    notes: tuple[str, ...]
    period: str
    at: datetime
    away: bool

    @property
    def when(self) -> str:
        """When the figure was read, for people."""
        return f"Läget kl. {clock_sv(self.at)}"


def tile(name: str, picture: Picture, snapshot: Snapshot) -> Tile | None:
    """Return the tile of a metric or a queue; None where there is none of that name."""
    found = _found(name, picture)
    if found is None:
        return None
    notes, period = list(_notes(found)), picture.period.label
    if isinstance(found, Waiting):
        label, value, period = f"Väntar i {say.QUEUE_LABELS[found.channel]}", number(found.waiting), "Just nu"
    else:
        label, value = found.metric.label_sv, say.value(found)
    away = snapshot.away_since is not None
    if away:
        notes.append(say.outage(picture, local_day(snapshot.at)))
    return Tile(name, label, value, tuple(notes), period, picture.at, away)


def _found(name: str, picture: Picture) -> Found | None:
    queues = {f"waiting_{queue.channel}": queue for queue in picture.waiting}
    return queues.get(name) or {**picture.figures, picture.waits.mean.metric.name: picture.waits.mean}.get(
        name
    )


def _notes(found: Found) -> Sequence[str]:
    if isinstance(found, Waiting):
        return (f"Längsta väntan {duration(found.longest_s)}",) if found.waiting else ("Ingen väntar",)
    notes = []
    verdict = say.verdict(found)
    if verdict:
        notes.append(f"{verdict.symbol} {verdict.text}")
    if found.preliminary and found.n:
        notes.append("◌ Preliminärt")
    if found.metric.denominator:
        notes.append(", ".join(filter(None, (say.population(found), say.interval(found)))))
    return notes


class Tiles:
    """The answers. ``ancestors`` are the sites that may show them in a frame."""

    def __init__(self, live: Live, gate: Gate, *, ancestors: Sequence[str] = (), open_to_all: bool) -> None:
        """Take the pictures, the gate, and whether who has not logged in may pass it."""
        self._live = live
        self._gate = gate
        self._open = open_to_all
        policy = SECURITY_HEADERS["content-security-policy"].partition("; frame-ancestors")[0]
        self._policy = "; ".join([policy, " ".join(["frame-ancestors 'self'", *ancestors])])

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/bricka/{name}.svg", self._page(_svg)),
            Route("/bricka/{name}.json", self._page(_json)),
            Route("/bricka/{name}", self._page(_html)),
        ]

    def _page(self, draw: Callable[[Request, Tile], Response]) -> Page[Response]:
        async def page(request: Request) -> Response:
            answer = await self._answer(request, draw)
            answer.headers["content-security-policy"] = self._policy
            return answer

        return page if self._open else self._gate.page(May.TILES)(page)

    async def _answer(self, request: Request, draw: Callable[[Request, Tile], Response]) -> Response:
        period, theme = chosen_period(request), chosen_theme(request)
        if period is None or theme is None:
            return _nothing(404, "Det finns ingen sådan period, eller inget sådant utseende.")
        snapshot = await self._live.current(period)
        if snapshot.picture is None:
            return _nothing(503, "Statistiken går inte att nå just nu.")
        found = tile(request.path_params["name"], snapshot.picture, snapshot)
        return draw(request, found) if found else _nothing(404, "Det finns ingen bricka med det namnet.")


def _nothing(status: int, text: str) -> Response:
    return HTMLResponse(message_page("Ingen siffra att visa", text, top="../"), status, headers=NO_STORE)


def _html(request: Request, found: Tile) -> Response:
    theme = chosen_theme(request)
    return HTMLResponse(
        render("tile.html", tile=found, wall=False, theme=theme.value if theme else "", top="../"),
        headers=NO_STORE,
    )


def _json(request: Request, found: Tile) -> Response:
    told: Mapping[str, object] = {**asdict(found), "at": found.at.isoformat()}
    return answered(request, json.dumps(told, ensure_ascii=False).encode(), "application/json", SHORT)


def _svg(request: Request, found: Tile) -> Response:
    profile = load_theme()
    drawn = render("tile.svg", tile=found, profile=profile, font=profile.stack("body").replace('"', "'"))
    return answered(request, drawn.encode(), "image/svg+xml", SHORT)
