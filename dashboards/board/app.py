"""The board as a web application: its addresses, who may see them, and what is behind them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from dashboards.board.access import Access, May, OpenAccess
from dashboards.board.api.routes import Api
from dashboards.board.events import PULSE_SECONDS
from dashboards.board.gate import Gate, SecurityHeaders
from dashboards.board.live import POLL_SECONDS, Live
from dashboards.board.pages import STATIC, Pages
from dashboards.board.picture import SILENCE
from dashboards.board.rendering import drawer
from dashboards.board.tiles import Tiles
from dashboards.definitions import STANDARD, Definitions
from dashboards.figures import Store
from schemas.catalogue import Catalogue
from schemas.clickhouse.silence import SilenceRule
from schemas.clock import Clock

OPEN = OpenAccess()


def board_app(
    store: Store,
    clock: Clock,
    catalogue: Catalogue,
    *,
    definitions: Definitions = STANDARD,
    desk_url: str | None = None,
    poll_seconds: float = POLL_SECONDS,
    pulse_seconds: float = PULSE_SECONDS,
    silence: SilenceRule = SILENCE,
    access: Access = OPEN,
    tile_ancestors: Sequence[str] = (),
    tiles_open: bool = False,
) -> Starlette:
    """Return the board. ``store`` is called from threads.

    ``definitions`` say by which formula and W its figures go. ``desk_url`` is the address of the visitors'
    form, linked to if given. ``silence`` says when no events are an alarm, in the time of ``clock``.
    ``access`` finds out who asks. Tiles may stand in frames of the sites ``tile_ancestors``, and are shown to
    everybody if ``tiles_open``. ``app.state.stop()`` ends the pages' events; a server calls it when it
    begins to shut down (:class:`dashboards.board.server.BoardServer` does).
    """
    live = Live(
        store,
        clock,
        catalogue,
        drawer(catalogue),
        definitions=definitions,
        poll_seconds=poll_seconds,
        silence=silence,
    )
    gate, pages = Gate(access), Pages(live, desk_url, pulse_seconds)
    tiles = Tiles(live, gate, ancestors=tile_ancestors, open_to_all=tiles_open)
    api = Api(live, store, clock, catalogue, gate)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await live.close()

    picture = gate.page(May.WALL, May.BOARD)
    app = Starlette(
        routes=[
            Route("/", picture(pages.board)),
            Route("/events", picture(pages.events)),
            Route("/definitioner", gate.page(May.DEFINITIONS)(pages.definitions)),
            Route("/halsa", gate.noted(pages.health)),
            Route("/inloggad", gate.asked),
            Route("/logga-in", gate.login, methods=["GET", "POST"]),
            Route("/logga-ut", gate.logout, methods=["POST"]),
            Route("/theme.css", pages.theme),
            Route("/sw.js", pages.service_worker),
            *tiles.routes(),
            *api.routes(),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={404: pages.not_found},
        lifespan=lifespan,
    )
    app.add_middleware(SecurityHeaders)
    app.state.stop = live.stop
    return app
