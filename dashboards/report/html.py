"""A report as one self-contained HTML file: semantic, in Swedish, without scripts, fit for A4.

Every number stands in a ``data`` element: its ``value`` is the raw number (shares in 0..1, spans in
seconds) and its ``data-key`` says which one, so that a machine can check the page against the store.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from dashboards import swedish
from dashboards.definitions import Definitions
from dashboards.report.comparison import Change
from dashboards.report.model import Compared, Figure, Report
from dashboards.report.sentences import NO_DATA, summary
from schemas.metric import Better, Metric, Unit
from schemas.statistics import SMALL_N, Share

Groups = tuple[tuple[str, tuple[str, ...]], ...]
"""Headings of the main table, each with the names of its metrics."""


def groups_of(definitions: Definitions) -> Groups:
    """Return what the main table holds: of the service level and of W the installation's own only."""
    return (
        ("Kontakter och ärenden", ("offered", "errands", "abandoned", "excluded")),
        (
            "Lösning",
            (
                "resolved_in_centre",
                "fcr_provisional",
                "fcr_final_1d",
                "fcr_final_7d",
                "fcr_final_14d",
                "fcr_final_30d",
                "fcr_net",
                *(metric.name for metric in definitions.other_views),
                "traceable",
            ),
        ),
        (
            "Överlämning och mandat",
            ("handover_rate", "handovers", "under_reach", "over_reach", "mandate_use"),
        ),
        ("Telefon", (definitions.service_level.name, "speed_of_answer", "handling_time")),
        ("E-post", ("mail_in_time", "mail_replied_in_time", "mail_in_24h")),
        ("Besök", ("visit_wait",)),
        ("Varifrån utfallet kommer", ("outcome_registered", "outcome_derived", "outcome_default")),
    )


IDENTITY_LABELS = {
    "answered": "Besvarade",
    "abandoned": "Lade på i kön",
    "short_abandoned": "Lade på inom 5 s",
    "flowed_out": "Lämnade kön utan svar",
    "callback_taken": "Valde att bli uppringda",
    "no_show": "Kom inte när de kallades",
    "open": "Ännu öppna",
}
_DIRECTIONS = {
    Unit.COUNT: {Change.HIGHER: "↑ fler", Change.LOWER: "↓ färre"},
    Unit.SECONDS: {Change.HIGHER: "↑ längre", Change.LOWER: "↓ kortare"},
}
_WORDS = {
    Change.HIGHER: "↑ högre",
    Change.LOWER: "↓ lägre",
    Change.UNCHANGED: "→ oförändrat",
    Change.NOT_YET: "jämförs senare",
    Change.UNKNOWN: swedish.NOTHING,
}


def render_html(report: Report) -> str:
    """Return the report as an HTML document."""
    groups = groups_of(report.definitions)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            sentences=summary(report),
            groups=groups,
            metrics=[report.figures[name].metric for _, names in groups for name in names],
            identity_labels=IDENTITY_LABELS,
            small_n=SMALL_N,
            no_data=NO_DATA,
            css=Markup(_css()),  # noqa: S704 - our own style sheet
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dashboards.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        sv=swedish, figure=figure_html, count=count_html, share=share_html, span=span_html, bar=bar_html
    )
    environment.globals.update(
        basis=basis_text, interval=interval_text, change=change_text, formatted=formatted
    )
    return environment


@cache
def _css() -> str:
    return (resources.files("dashboards.report") / "templates" / "report.css").read_text(encoding="utf-8")


def formatted(metric: Metric, value: float | None) -> str:
    """Return a value of a metric as Swedes write it."""
    if metric.unit is Unit.SHARE:
        return swedish.percent(value)
    if metric.unit is Unit.SECONDS:
        return swedish.duration(value)
    return swedish.number(value, 0 if metric.unit is Unit.COUNT else 2)


def _data(key: str, raw: float, text: str) -> Markup:
    return Markup('<data value="{}" data-key="{}">{}</data>').format(repr(raw), key, text)


def figure_html(figure: Figure, key: str) -> Markup:
    """Return a figure's value; one on a small basis is greyed and says so."""
    if figure.value is None:
        return escape(swedish.NOTHING)
    shown = _data(key, figure.value, formatted(figure.metric, figure.value))
    if figure.small:
        return Markup('<span class="small">{} <small>litet underlag</small></span>').format(shown)
    return shown


def count_html(n: int, key: str) -> Markup:
    """Return a count."""
    return _data(key, n, swedish.number(n))


def share_html(share: Share | None, key: str) -> Markup:
    """Return a share without a metric of its own, such as a channel's."""
    if share is None:
        return escape(swedish.NOTHING)
    shown = _data(key, share.value, swedish.percent(share.value))
    if share.small:
        return Markup('<span class="small">{} <small>litet underlag</small></span>').format(shown)
    return shown


def span_html(seconds: float | None, key: str) -> Markup:
    """Return a span of time."""
    if seconds is None:
        return escape(swedish.NOTHING)
    return _data(key, seconds, swedish.duration(seconds))


def interval_text(share: Share | None) -> str:
    """Return a share's interval; a dash where there is none."""
    return swedish.NOTHING if share is None else swedish.percent_interval(share.low, share.high)


def basis_text(figure: Figure) -> str:
    """Return the numbers that a ratio rests on; empty for a count."""
    if figure.metric.unit is Unit.COUNT or figure.value is None:
        return ""
    n = swedish.number(figure.n)
    return f"{swedish.number(figure.hits)} av {n}" if figure.share else n


def change_text(compared: Compared) -> str:
    """Return the comparison with the week before in a word or two, and whether it is for the better."""
    word = _DIRECTIONS.get(compared.metric.unit, {}).get(compared.change) or _WORDS[compared.change]
    better = compared.metric.better
    if compared.change not in {Change.HIGHER, Change.LOWER} or better is Better.NEITHER:
        return word
    return f"{word} ({'bättre' if better.value == compared.change.value else 'sämre'})"


def bar_html(share: Share | None, target: float | None) -> Markup:
    """Return a small picture of a share, its interval and its target. The numbers stand beside it."""
    if share is None:
        return Markup("")
    tick = Markup("")
    if target is not None:
        tick = Markup('<line class="target" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="16"/>').format(target * 100)
    return Markup(
        '<svg class="bar" viewBox="-4 0 108 16" aria-hidden="true" focusable="false">'
        '<line class="track" x1="0" x2="100" y1="8" y2="8"/>'
        '<rect class="interval" x="{:.1f}" y="4" width="{:.1f}" height="8"/>{}'
        '<circle class="value" cx="{:.1f}" cy="8" r="3"/></svg>'
    ).format(share.low * 100, (share.high - share.low) * 100, tick, share.value * 100)
