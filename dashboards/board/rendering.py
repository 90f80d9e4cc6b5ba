"""Pages out of pictures: the Jinja environment and what its templates are given."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dashboards import swedish
from dashboards.board import sentences
from dashboards.board.live import Snapshot
from dashboards.board.periods import Period
from dashboards.board.picture import Picture
from schemas.measures import MEASURES
from schemas.metrics import METRICS
from schemas.timebase import local_day


@cache
def environment() -> Environment:
    """Return the environment: everything is escaped, and a name that is missing is an error."""
    made = Environment(
        loader=PackageLoader("dashboards.board"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(say=sentences, sv=swedish, Period=Period, local_day=local_day)
    return made


def draw(picture: Picture | None, away_since: datetime | None, now: datetime) -> tuple[str, str]:
    """Return the changing part of the page, and an id that is the same for the same part."""
    html = environment().get_template("picture.html").render(picture=picture, away_since=away_since, now=now)
    return html, hashlib.sha256(html.encode()).hexdigest()[:16]


def board_page(
    snapshot: Snapshot, period: Period, *, wall: bool, desk_url: str | None, address: Callable[..., str]
) -> str:
    """Return the whole page."""
    return _render(
        "board.html",
        snapshot=snapshot,
        period=period,
        wall=wall,
        desk_url=desk_url,
        address=address,
    )


def definitions_page() -> str:
    """Return the page of definitions, out of the registry."""
    return _render("definitions.html", metrics=METRICS, measures=MEASURES, wall=False)


def message_page(title: str, text: str) -> str:
    """Return a page that says one thing, such as that an address is wrong."""
    return _render("message.html", title=title, text=text, wall=False)


def _render(name: str, /, **values: Any) -> str:
    given: Mapping[str, Any] = values
    return environment().get_template(name).render(given)
