"""Pages out of pictures: the Jinja environment and what its templates are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dashboards import swedish
from dashboards.board import sentences
from dashboards.board.audience import Audience, shown_to
from dashboards.board.drawing import Drawing
from dashboards.board.live import Draw, Drawings, Snapshot
from dashboards.board.periods import Period
from dashboards.board.picture import Picture
from schemas.catalogue import Catalogue
from schemas.measures import MEASURES
from schemas.metrics import CHANNEL_LABELS, METRICS
from schemas.timebase import local_day


class Theme(StrEnum):
    """Dark or light; the values stand in the page's address. AUTO follows the reader's computer."""

    AUTO = ""
    LIGHT = "ljust"
    DARK = "morkt"

    @property
    def label(self) -> str:
        """The name that people see."""
        return {"": "Som datorn", "ljust": "Ljust", "morkt": "Mörkt"}[self.value]


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
    made.globals.update(
        say=sentences,
        sv=swedish,
        Period=Period,
        Theme=Theme,
        local_day=local_day,
        CHANNEL_LABELS=CHANNEL_LABELS,
    )
    return made


PARTS = (
    "notice",
    "age",
    "alarms",
    "now",
    "figures",
    "channels",
    "usual",
    "topics",
    "units",
    "sources",
    "excluded",
    "summary",
)
"""The templates under ``parts/``: each fills the element ``part-<name>`` of the page."""


def drawer(catalogue: Catalogue) -> Draw:
    """Return what draws a picture for every audience."""

    def draw(picture: Picture | None, away_since: datetime | None, now: datetime) -> Drawings:
        return {
            audience: draw_for(picture and shown_to(picture, audience, catalogue), away_since, now)
            for audience in Audience
        }

    return draw


def draw_for(picture: Picture | None, away_since: datetime | None, now: datetime) -> Drawing:
    """Return the changing part of the page for one audience, whose picture it is."""
    given = {"picture": picture, "away_since": away_since, "now": now}
    names = PARTS if picture else PARTS[:1]
    parts = {name: environment().get_template(f"parts/{name}.html").render(given) for name in names}
    html = environment().get_template("picture.html").render({**given, "parts": parts})
    shape = "empty" if picture is None else "aged" if away_since else "live"
    return Drawing(shape, html, parts)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a reader has chosen in the page's address, and what they may do."""

    period: Period
    wall: bool
    theme: Theme
    address: Callable[..., str]
    """Gives the page's address with some of its choices changed."""
    links: Links


@dataclass(frozen=True, slots=True)
class Links:
    """Where the page leads, besides to itself."""

    desk_url: str | None = None
    definitions: bool = True
    desk_view: bool = True
    logout: bool = False


def board_page(snapshot: Snapshot, chosen: Chosen) -> str:
    """Return the whole page."""
    audience = Audience.WALL if chosen.wall else Audience.DESK
    return render(
        "board.html",
        snapshot=snapshot,
        drawing=snapshot.drawings[audience],
        chosen=chosen,
        period=chosen.period,
        wall=chosen.wall,
        theme=chosen.theme.value,
    )


def definitions_page() -> str:
    """Return the page of definitions, out of the registry."""
    return render("definitions.html", metrics=METRICS, measures=MEASURES, wall=False, theme="")


def login_page(problem: str = "") -> str:
    """Return the page on which a token is given; ``problem`` says why the last one was not taken."""
    return render("login.html", problem=problem, wall=False, theme="")


def message_page(title: str, text: str, *, top: str = "") -> str:
    """Return a page that says one thing, such as that an address is wrong."""
    return render("message.html", title=title, text=text, wall=False, theme="", top=top)


def render(name: str, /, **values: Any) -> str:
    """Return a template filled in; ``top`` leads from the page's folder to the board's."""
    given: Mapping[str, Any] = {"top": "", **values}
    return environment().get_template(name).render(given)
