"""How fields are shown: units, thresholds, lines, and overrides of single columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.grafana.colours import MET, MISSED, MUTED, SERIES
from dashboards.grafana.model import Field, Matcher, Override, Property, Step, Thresholds
from schemas.metric import Better, Metric, Unit
from schemas.statistics import SMALL_N

UNITS = {Unit.SHARE: "percentunit", Unit.SECONDS: "s", Unit.COUNT: "none", Unit.PER_ERRAND: "none"}
DECIMALS = {Unit.SHARE: 0, Unit.SECONDS: 0, Unit.COUNT: 0, Unit.PER_ERRAND: 2}
ONE_COLOUR = {"mode": "fixed", "fixedColor": SERIES[0]}
_DASHES: Sequence[Mapping[str, object]] = (
    {"fill": "solid"},
    {"fill": "dash", "dash": [10, 10]},
    {"fill": "dot", "dash": [0, 10]},
    {"fill": "dash", "dash": [20, 8, 4, 8]},
)
"""Lines differ by their strokes too."""


def figure_field(metric: Metric, *, thresholds: bool) -> Field:
    """Return how a metric is shown, with its target as a threshold or without."""
    return Field(
        unit=UNITS[metric.unit],
        decimals=DECIMALS[metric.unit],
        min=0,
        max=1 if metric.unit is Unit.SHARE else None,
        thresholds=_thresholds(metric) if thresholds else Thresholds(),
        color={"mode": "thresholds"} if thresholds else None,
    )


def _thresholds(metric: Metric) -> Thresholds:
    if metric.target is None:
        return Thresholds()
    below, above = (MISSED, MET) if metric.better is Better.HIGHER else (MET, MISSED)
    return Thresholds(steps=(Step(color=below, value=None), Step(color=above, value=metric.target)))


def line_field(base: Field, target: float | None = None) -> Field:
    """Return lines with points, connected over gaps, which a finer interval than the data's would give.

    A target is a dashed line.
    """
    custom = {
        "drawStyle": "line",
        "lineWidth": 2,
        "fillOpacity": 0,
        "showPoints": "always",
        "pointSize": 5,
        "spanNulls": True,
        "axisSoftMin": 0,
        "thresholdsStyle": {"mode": "dashed" if target is not None else "off"},
    }
    update: dict[str, Any] = {"custom": custom, "color": {"mode": "palette-classic-by-name"}}
    if target is not None:
        steps = (Step(color="transparent", value=None), Step(color="text", value=target))
        update["thresholds"] = Thresholds(steps=steps)
    return base.model_copy(update=update)


def lines(names: Sequence[str], *, strokes: bool = True) -> tuple[Override, ...]:
    """Return a colour of the municipality's, and a stroke of its own, for each of some lines or bars."""
    found = []
    for place, name in enumerate(names):
        properties: dict[str, Any] = {"color": {"mode": "fixed", "fixedColor": SERIES[place % len(SERIES)]}}
        if strokes:
            properties["custom.lineStyle"] = dict(_DASHES[place % len(_DASHES)])
        found.append(override(name, **properties))
    return tuple(found)


def override(field: str, **properties: Any) -> Override:
    """Return other properties for one field, found by its name."""
    return Override(
        matcher=Matcher(options=field),
        properties=tuple(Property(id=name, value=value) for name, value in properties.items()),
    )


def hidden(field: str) -> Override:
    """Return the override that leaves a column out of a table; links can still use it."""
    return override(field, **{"custom.hideFrom": {"legend": True, "tooltip": True, "viz": True}})


def as_metric(metric: Metric) -> Override:
    """Return the override that shows a metric's column in the metric's unit."""
    return override(metric.label_sv, unit=UNITS[metric.unit], decimals=DECIMALS[metric.unit])


def shown(unit: str, *fields: str, decimals: int | None = 0) -> tuple[Override, ...]:
    """Return the overrides that show columns in a unit of Grafana's."""
    digits = {} if decimals is None else {"decimals": decimals}
    return tuple(override(field, unit=unit, **digits) for field in fields)


def as_states(field: str, *, good: Sequence[str], bad: Sequence[str]) -> Override:
    """Return the override that colours a column of states. The state's name is its text in any case."""
    colours = {**dict.fromkeys(good, MET), **dict.fromkeys(bad, MISSED)}
    options = {state: {"text": state, "color": colour} for state, colour in colours.items()}
    return override(
        field,
        mappings=[{"type": "value", "options": options}],
        **{"custom.cellOptions": {"type": "color-text"}},
    )


def greyed_when_small(field: str) -> Override:
    """Return the override that greys an n that is too small to lean on (DOMAIN §2.5)."""
    steps = (Step(color=MUTED, value=None), Step(color="text", value=SMALL_N))
    return override(
        field,
        thresholds=Thresholds(steps=steps).model_dump(by_alias=True),
        color={"mode": "thresholds"},
        **{"custom.cellOptions": {"type": "color-text"}},
    )
