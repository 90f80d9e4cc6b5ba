"""The few SVG elements that the charts are drawn with; all text is escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from dashboards.theme import Theme

WIDTH = 640
"""Every chart is as wide as the text of an A4 page; its units are then about 0.28 mm."""
FONT = 12
_PATTERNS = (
    "",
    '<path d="M0 6 L6 0" stroke="{back}" stroke-width="1.6"/>',
    '<path d="M3 0 V6" stroke="{back}" stroke-width="1.8"/>',
    '<path d="M0 3 H6" stroke="{back}" stroke-width="1.8"/>',
)


def element(name: str, *children: str, **attributes: str | float) -> Markup:
    """Return an element; underscores in names of attributes are hyphens, a trailing one is dropped."""
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _attribute(value))
        for key, value in attributes.items()
    )
    inside = Markup("").join(children)
    if not children:
        return Markup("<{}{}/>").format(Markup(name), written)  # noqa: S704 - our own name
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inside)  # noqa: S704


def _attribute(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.2f}".rstrip("0").rstrip(".")


def text(x: float, y: float, words: str, *, size: int = FONT, anchor: str = "start", **more: str) -> Markup:
    """Return text with its base line at y."""
    return element("text", words, x=x, y=y, font_size=size, text_anchor=anchor, **more)


def text_width(words: str, size: int = FONT) -> float:
    """Return about how wide a text is; no font is measured, so that it is the same everywhere."""
    return 0.5 * size * len(words)


def shortened(words: str, width: float, size: int = FONT) -> str:
    """Return a text that fits a width; the whole of it stands in the table."""
    room = int(width / (0.5 * size))
    return words if len(words) <= room else f"{words[: max(room - 1, 1)].rstrip()}…"


def patterns(prefix: str, theme: Theme) -> Markup:
    """Return the fills of the series: a colour and a pattern each, so that either is enough."""
    found = []
    for at, colour in enumerate(theme.series):
        lines = _PATTERNS[at % len(_PATTERNS)].format(back=theme["paper"])
        found.append(
            element(
                "pattern",
                element("rect", width=6, height=6, fill=colour),
                Markup(lines),  # noqa: S704 - our own
                id=f"{prefix}-{at}",
                width=6,
                height=6,
                patternUnits="userSpaceOnUse",
            )
        )
    found.append(
        element(
            "pattern",
            element("rect", width=6, height=6, fill=theme["paper"]),
            element("path", d="M0 6 L6 0", stroke=theme["grid"], stroke_width=1),
            id=f"{prefix}-hidden",
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
        )
    )
    return element("defs", *found)


def fill(prefix: str, theme: Theme, at: int) -> str:
    """Return the fill of the series at a place."""
    return f"url(#{prefix}-{at % len(theme.series)})"


def picture(key: str, title: str, alt: str, drawn: Iterable[Markup], *, font: str, height: float) -> Markup:
    """Return a whole SVG with its title and description, by which it is read aloud."""
    name = key.replace("/", "-")
    return element(
        "svg",
        element("title", title, id=f"{name}-titel"),
        element("desc", alt, id=f"{name}-beskrivning"),
        *drawn,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {_attribute(height)}",
        role="img",
        aria_labelledby=f"{name}-titel {name}-beskrivning",
        font_family=font,
        class_="chart",
    )
