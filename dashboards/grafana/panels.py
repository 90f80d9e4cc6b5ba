"""Panels as small functions over metrics: title, description, unit and SQL all come from the registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.grafana.model import (
    Field,
    FieldConfig,
    Matcher,
    Override,
    Panel,
    PanelType,
    Place,
    Property,
    Step,
    Target,
    Thresholds,
)
from schemas.clickhouse.queries import (
    GRAFANA,
    Column,
    Grain,
    metric_column,
    panel_query,
    share_of_total_column,
    time_column,
    waiting_query,
)
from schemas.measures import MEASURES, Per
from schemas.metric import Better, Metric, Unit

VARIABLE_LABELS = {"channel": "Kanal", "area": "Område", "unit": "Mottagare"}
_VARIABLES = {
    Per.CONTACT: ("channel",),
    Per.ERRAND: ("channel", "area"),
    Per.HANDOVER: ("channel", "area", "unit"),
}
_PER = {measure.name: measure.per for measure in MEASURES}
_UNITS = {Unit.SHARE: "percentunit", Unit.SECONDS: "s", Unit.COUNT: "none", Unit.PER_ERRAND: "none"}
_DECIMALS = {Unit.SHARE: 0, Unit.SECONDS: 0, Unit.COUNT: 0, Unit.PER_ERRAND: 2}


def variables_of(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """Return the variables that all the metrics' measures can be split by."""
    narrowest = min(
        (_VARIABLES[_PER[name]] for metric in metrics for name in metric.measures),
        key=len,
    )
    return tuple(narrowest)


def basis(metric: Metric) -> Metric:
    """Return what a ratio rests on, as a count of its own."""
    return Metric(
        f"{metric.name}_basis", "Underlag", "Det som andelen räknas av.", Unit.COUNT, metric.denominator
    )


def describe(metrics: Sequence[Metric], note: str = "") -> str:
    """Return formula and population of the metrics, and which variables they follow."""
    lines = [f"**{m.label_sv}**: {m.description_sv} Formel: `{m.formula()}`." for m in metrics]
    followed = ", ".join(VARIABLE_LABELS[name].lower() for name in variables_of(metrics))
    tail = [f"Följer valen: {followed}. Tomt underlag visas som –.", note]
    return "\n\n".join([*lines, " ".join(part for part in tail if part)])


def stat(metric: Metric, place: Place, grain: Grain = Grain.DAY) -> Panel:
    """Return a panel with one figure, and beside it what it rests on."""
    shown = (metric, basis(metric)) if metric.denominator else (metric,)
    return Panel(
        type=PanelType.STAT,
        title=titled(metric),
        description=describe((metric,)),
        grid_pos=place,
        targets=(_table(panel_query(grain, _columns(shown), variables=variables_of((metric,)))),),
        field_config=FieldConfig(
            defaults=_field(metric, thresholds=True),
            overrides=(
                _override("Underlag", unit="none", thresholds=Thresholds().model_dump(by_alias=True)),
            ),
        ),
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "/.*/", "values": False},
            "textMode": "value_and_name",
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "horizontal",
            "wideLayout": True,
            "percentChangeColorMode": "standard",
            "showPercentChange": False,
        },
    )


def titled(metric: Metric) -> str:
    """Return the metric's label with its target, so that a colour is never all there is to see."""
    if metric.target is None:
        return metric.label_sv
    return f"{metric.label_sv} (mål {metric.target * 100:.0f} %)"


def over_days(title: str, metrics: Sequence[Metric], place: Place) -> Panel:
    """Return lines of metrics, day by day; the first one's target is a dashed line."""
    sql = panel_query(
        Grain.DAY, _columns(metrics), by=(time_column(Grain.DAY),), variables=variables_of(metrics)
    )
    return Panel(
        type=PanelType.TIME_SERIES,
        title=title,
        description=describe(metrics, "En punkt per dag, svensk tid."),
        grid_pos=place,
        targets=(_series(sql),),
        interval="1d",
        field_config=FieldConfig(defaults=_line_field(metrics[0])),
        options=_LEGEND,
    )


def over_quarters(title: str, metric: Metric, split: Column, place: Place) -> Panel:
    """Return lines of one metric over the last day by 15 minutes, one line per value of ``split``."""
    sql = panel_query(
        Grain.WINDOW,
        _columns((metric,)),
        by=(time_column(Grain.WINDOW), split),
        variables=variables_of((metric,)),
    )
    return Panel(
        type=PanelType.TIME_SERIES,
        title=title,
        description=describe((metric,), "En punkt per 15 minuter, det senaste dygnet."),
        grid_pos=place,
        targets=(_series(sql),),
        interval="15m",
        time_from="24h",
        field_config=FieldConfig(defaults=_line_field(metric)),
        options=_LEGEND,
    )


def shares(title: str, metric: Metric, split: Column, place: Place, note: str) -> Panel:
    """Return bars of a count's shares, one per value of ``split``, the number written beside each."""
    column = share_of_total_column(metric)
    sql = panel_query(Grain.DAY, (column,), by=(split,), variables=variables_of((metric,)), only_with=metric)
    return Panel(
        type=PanelType.BAR_GAUGE,
        title=title,
        description=describe((metric,), note),
        grid_pos=place,
        targets=(_table(sql),),
        field_config=FieldConfig(
            defaults=Field(unit="percentunit", decimals=0, min=0, max=1, color=_ONE_COLOUR)
        ),
        options={
            "displayMode": "basic",
            "orientation": "horizontal",
            "reduceOptions": {"calcs": [], "fields": f"/^{column.heading}$/", "values": True},
            "showUnfilled": True,
            "valueMode": "text",
            "namePlacement": "left",
            "sizing": "auto",
            "minVizWidth": 8,
            "minVizHeight": 16,
            "maxVizHeight": 300,
            "legend": {**_LEGEND["legend"], "showLegend": False},
        },
    )


def bars(title: str, metrics: Sequence[Metric], split: Column, place: Place) -> Panel:
    """Return bars of metrics of one unit side by side, the values written on them."""
    sql = panel_query(
        Grain.DAY, _columns(metrics), by=(split,), variables=variables_of(metrics), only_with=metrics[0]
    )
    return Panel(
        type=PanelType.BAR_CHART,
        title=title,
        description=describe(metrics),
        grid_pos=place,
        targets=(_table(sql),),
        field_config=FieldConfig(
            defaults=Field(unit=_UNITS[metrics[0].unit], decimals=_DECIMALS[metrics[0].unit], min=0)
        ),
        options={
            **_LEGEND,
            "orientation": "horizontal",
            "xField": split.heading,
            "showValue": "always",
            "stacking": "none",
            "fullHighlight": False,
            "xTickLabelRotation": 0,
            "xTickLabelMaxLength": 100,
            "groupWidth": 0.8,
            "barWidth": 0.9,
        },
    )


def table(title: str, metrics: Sequence[Metric], split: Column, place: Place) -> Panel:
    """Return a table of metrics, a row per value of ``split``, the largest first."""
    sql = panel_query(
        Grain.DAY, _columns(metrics), by=(split,), variables=variables_of(metrics), only_with=metrics[0]
    )
    return Panel(
        type=PanelType.TABLE,
        title=title,
        description=describe(metrics),
        grid_pos=place,
        targets=(_table(sql),),
        field_config=FieldConfig(
            overrides=tuple(
                _override(metric.label_sv, unit=_UNITS[metric.unit], decimals=_DECIMALS[metric.unit])
                for metric in metrics
            )
        ),
        options={
            "frameIndex": 0,
            "showHeader": True,
            "cellHeight": "sm",
            "sortBy": [{"displayName": metrics[0].label_sv, "desc": True}],
        },
    )


def waiting_now(place: Place) -> Panel:
    """Return the gauges of who waits now; they follow no variable."""
    return Panel(
        type=PanelType.TABLE,
        title="Väntar nu",
        description=(
            "Samtal och besök som är öppna nu, enligt händelserna hittills. Ett som varit öppet i mer än "
            "2 timmar räknas inte som väntande, utan visas för sig. Mejl väntar inte i kö. "
            "Följer inga val och inget tidsintervall."
        ),
        grid_pos=place,
        targets=(_table(waiting_query(GRAFANA).sql),),
        field_config=FieldConfig(
            overrides=(
                _override(
                    "channel",
                    displayName="Kanal",
                    mappings=[
                        {
                            "type": "value",
                            "options": {"telephone": {"text": "Telefon"}, "visit": {"text": "Besök"}},
                        }
                    ],
                ),
                _override("waiting", displayName="Väntar"),
                _override("longest_wait_ms", displayName="Längsta väntan", unit="ms"),
                _override("stale", displayName="Öppna i mer än 2 timmar"),
            )
        ),
        options={"frameIndex": 0, "showHeader": True, "cellHeight": "sm"},
    )


def text(title: str, markdown: str, place: Place) -> Panel:
    """Return a panel of text."""
    return Panel(
        type=PanelType.TEXT,
        title=title,
        description="",
        grid_pos=place,
        datasource=None,
        options={"mode": "markdown", "content": markdown},
    )


_LEGEND: dict[str, Any] = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
    "tooltip": {"mode": "multi", "sort": "none"},
}
_ONE_COLOUR = {"mode": "fixed", "fixedColor": "blue"}


def _columns(metrics: Sequence[Metric]) -> tuple[Column, ...]:
    return tuple(map(metric_column, metrics))


def _table(sql: str) -> Target:
    return Target(query_type="table", format=1, raw_sql=sql)


def _series(sql: str) -> Target:
    return Target(query_type="timeseries", format=0, raw_sql=sql)


def _field(metric: Metric, *, thresholds: bool) -> Field:
    share = metric.unit is Unit.SHARE
    return Field(
        unit=_UNITS[metric.unit],
        decimals=_DECIMALS[metric.unit],
        min=0,
        max=1 if share else None,
        thresholds=_thresholds(metric) if thresholds else Thresholds(),
        color={"mode": "thresholds"} if thresholds else None,
    )


def _thresholds(metric: Metric) -> Thresholds:
    """Return the target as a threshold; blue and orange can be told apart by the colour-blind."""
    if metric.target is None:
        return Thresholds()
    below, above = ("orange", "blue") if metric.better is Better.HIGHER else ("blue", "orange")
    return Thresholds(steps=(Step(color=below, value=None), Step(color=above, value=metric.target)))


def _line_field(metric: Metric) -> Field:
    """Return lines with points, connected over gaps, which a finer interval than the data's would give."""
    base = _field(metric, thresholds=False)
    custom = {
        "drawStyle": "line",
        "lineWidth": 2,
        "fillOpacity": 0,
        "showPoints": "always",
        "pointSize": 5,
        "spanNulls": True,
        "axisSoftMin": 0,
        "thresholdsStyle": {"mode": "dashed" if metric.target is not None else "off"},
    }
    update = {"custom": custom, "color": {"mode": "palette-classic-by-name"}}
    if metric.target is not None:
        update["thresholds"] = Thresholds(
            steps=(Step(color="transparent", value=None), Step(color="text", value=metric.target))
        )
    return base.model_copy(update=update)


def _override(field: str, **properties: Any) -> Override:
    return Override(
        matcher=Matcher(options=field),
        properties=tuple(Property(id=name, value=value) for name, value in properties.items()),
    )
