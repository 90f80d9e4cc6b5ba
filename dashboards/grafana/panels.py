"""Panels as small functions over metrics: title, description, unit and SQL all come from the registry."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.grafana.fields import (
    DECIMALS,
    ONE_COLOUR,
    UNITS,
    as_metric,
    figure_field,
    greyed_when_small,
    line_field,
    lines,
    override,
    shown,
)
from dashboards.grafana.model import Field, FieldConfig, Override, Panel, PanelType, Place
from dashboards.grafana.parts import LEGEND, NO_THRESHOLDS, number, over_time, rows, table_target
from dashboards.grafana.variables import LABELS
from schemas.clickhouse.panels import (
    HIGH,
    LOW,
    Column,
    N,
    interval_columns,
    key_figures_query,
    metric_column,
    panel_query,
    period_label_column,
    period_start_column,
    share_of_total_column,
    time_column,
)
from schemas.clickhouse.queries import GRAFANA, Grain, waiting_query
from schemas.measures import MEASURES, Per
from schemas.metric import Metric, Unit
from schemas.statistics import SMALL_N

_VARIABLES = {
    Per.CONTACT: ("channel",),
    Per.ERRAND: ("channel", "area"),
    Per.HANDOVER: ("channel", "area", "unit"),
}
_PER = {measure.name: measure.per for measure in MEASURES}
BASIS = "Underlag"
_CHOSEN_STEP = (
    "En punkt per vald period (vecka, månad eller dag); den första och sista kan vara ofullständiga."
)


def variables_of(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """Return the variables that all the metrics' measures can be split by."""
    narrowest = min(
        (_VARIABLES[_PER[name]] for metric in metrics for name in metric.measures),
        key=len,
    )
    return tuple(narrowest)


def basis(metric: Metric) -> Metric:
    """Return what a ratio rests on, as a count of its own."""
    return Metric(f"{metric.name}_basis", BASIS, "Det som andelen räknas av.", Unit.COUNT, metric.denominator)


def describe(metrics: Sequence[Metric], note: str = "", *, but: Sequence[str] = ()) -> str:
    """Return formula, n and population of the metrics, and which variables they follow, ``but`` some."""
    told = [f"**{m.label_sv}**: {m.description_sv} Formel: `{m.formula()}`. {_n(m)}" for m in metrics]
    followed = ", ".join(LABELS[name].lower() for name in variables_of(metrics) if name not in but)
    days = max(metric.final_after_days for metric in metrics)
    early = f"**Preliminärt**: de senaste {days} dygnen är för höga tills de har gått." if days else ""
    tail = [f"Följer valen: {followed}. Tomt underlag visas som –.", early, note]
    return "\n\n".join([*told, " ".join(part for part in tail if part)])


def _n(metric: Metric) -> str:
    counted = " + ".join(metric.denominator or metric.numerator)
    return f"Antal (n): `{counted}`."


def stat(metric: Metric, place: Place, grain: Grain = Grain.DAY) -> Panel:
    """Return a panel with one figure, and beside it what it rests on."""
    both = (metric, basis(metric)) if metric.denominator else (metric,)
    return number(
        titled(metric),
        describe((metric,)),
        panel_query(grain, _columns(both), variables=variables_of((metric,))),
        place,
        field=figure_field(metric, thresholds=True),
        overrides=(override(BASIS, unit="none", thresholds=NO_THRESHOLDS),),
    )


def titled(metric: Metric) -> str:
    """Return the metric's label with its target, so that a colour is never all there is to see."""
    if metric.target is None:
        return metric.label_sv
    return f"{metric.label_sv} (mål {metric.target * 100:.0f} %)"


def over_days(title: str, metrics: Sequence[Metric], place: Place) -> Panel:
    """Return lines of metrics, day by day; the first one's target is a dashed line."""
    return _over(title, metrics, time_column(Grain.DAY), "En punkt per dag, svensk tid.", place)


def over_periods(title: str, metrics: Sequence[Metric], place: Place) -> Panel:
    """Return lines of metrics by the chosen step: weeks, months or days."""
    return _over(title, metrics, period_start_column(), _CHOSEN_STEP, place)


def _over(title: str, metrics: Sequence[Metric], time: Column, note: str, place: Place) -> Panel:
    sql = panel_query(Grain.DAY, _columns(metrics), by=(time,), variables=variables_of(metrics))
    return over_time(
        title,
        describe(metrics, note),
        sql,
        place,
        field=line_field(figure_field(metrics[0], thresholds=False), metrics[0].target),
        interval="1d",
        overrides=lines([metric.label_sv for metric in metrics]),
    )


def split_over_periods(
    title: str, metric: Metric, split: Column, place: Place, *, names: Sequence[str]
) -> Panel:
    """Return lines of one metric by the chosen step, one per value of ``split``."""
    sql = panel_query(
        Grain.DAY,
        _columns((metric,)),
        by=(period_start_column(), split),
        variables=variables_of((metric,)),
        only_with=metric,
    )
    return over_time(
        title,
        describe((metric,), _CHOSEN_STEP),
        sql,
        place,
        field=line_field(figure_field(metric, thresholds=False)),
        interval="1d",
        overrides=lines(names),
    )


def over_quarters(title: str, metric: Metric, split: Column, place: Place, *, names: Sequence[str]) -> Panel:
    """Return lines of one metric over the last day by 15 minutes, one line per value of ``split``."""
    sql = panel_query(
        Grain.WINDOW,
        _columns((metric,)),
        by=(time_column(Grain.WINDOW), split),
        variables=variables_of((metric,)),
    )
    return over_time(
        title,
        describe((metric,), "En punkt per 15 minuter, det senaste dygnet."),
        sql,
        place,
        field=line_field(figure_field(metric, thresholds=False)),
        interval="15m",
        time_from="24h",
        overrides=lines(names),
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
        targets=(table_target(sql),),
        field_config=FieldConfig(
            defaults=Field(unit="percentunit", decimals=0, min=0, max=1, color=ONE_COLOUR)
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
            "legend": {**LEGEND["legend"], "showLegend": False},
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
        targets=(table_target(sql),),
        field_config=FieldConfig(
            defaults=Field(unit=UNITS[metrics[0].unit], decimals=DECIMALS[metrics[0].unit], min=0),
            overrides=lines([metric.label_sv for metric in metrics], strokes=False),
        ),
        options={
            **LEGEND,
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


def table(
    title: str,
    metrics: Sequence[Metric],
    split: Column,
    place: Place,
    *,
    key: Column | None = None,
    links: Sequence[Override] = (),
    interval_of: Metric | None = None,
    note: str = "",
) -> Panel:
    """Return a table of metrics, a row per value of ``split``, the largest of the first metric on top.

    ``links`` are overrides that use the column ``key``. ``interval_of`` is the share whose interval and n
    stand last.
    """
    extra = interval_columns(interval_of) if interval_of else ()
    told = (
        f"**{LOW}**, **{HIGH}** och **{N}** hör till {interval_of.label_sv}. Under {SMALL_N} är antalet "
        "grått: då säger andelen lite. "
        if interval_of
        else ""
    )
    asked = (*metrics, *((interval_of,) if interval_of and interval_of not in metrics else ()))
    sql = panel_query(
        Grain.DAY,
        (*_columns(metrics), *extra),
        by=(*((key,) if key else ()), split),
        variables=variables_of(asked),
        only_with=metrics[0],
    )
    return rows(
        title,
        describe(metrics, told + note),
        sql,
        place,
        overrides=(
            *map(as_metric, metrics),
            *((*shown("percentunit", LOW, HIGH), greyed_when_small(N)) if interval_of else ()),
            *links,
        ),
        largest=metrics[0].label_sv,
    )


def by_period(title: str, metrics: Sequence[Metric], place: Place) -> Panel:
    """Return a table of metrics, a row per week, month or day, the latest on top."""
    step = period_label_column()
    sql = panel_query(Grain.DAY, _columns(metrics), by=(step,), variables=variables_of(metrics))
    note = "En rad per vald period; den första och sista kan vara ofullständiga."
    return rows(
        title,
        describe(metrics, note),
        sql,
        place,
        overrides=tuple(map(as_metric, metrics)),
        largest=step.heading,
    )


def key_figures(title: str, metrics: Sequence[Metric], place: Place) -> Panel:
    """Return a table of shares with their intervals, n, targets, and what can be said of them in words."""
    note = (
        f"**{LOW}** och **{HIGH}** är ett 95-procentigt intervall (Wilson): så säkert är talet med så "
        "många. Ligger målet i intervallet går det inte att säga om det nås. Under 20 är underlaget för "
        "litet."
    )
    return rows(
        title,
        describe(metrics, note),
        key_figures_query(metrics, variables_of(metrics)),
        place,
        overrides=(*shown("percentunit", "Andel", LOW, HIGH, "Mål"), greyed_when_small(N)),
    )


def waiting_now(place: Place) -> Panel:
    """Return the gauges of who waits now; they follow no variable."""
    channels = {"telephone": {"text": "Telefon"}, "visit": {"text": "Besök"}}
    return rows(
        "Väntar nu",
        "Samtal och besök som är öppna nu, enligt händelserna hittills. Ett som varit öppet i mer än 2 "
        "timmar räknas inte som väntande, utan visas för sig. Mejl väntar inte i kö. Formel: antalet "
        "kontakter (n) med utfallet `open`, per kanal. Följer inga val och inget tidsintervall.",
        waiting_query(GRAFANA).sql,
        place,
        overrides=(
            override("channel", displayName="Kanal", mappings=[{"type": "value", "options": channels}]),
            override("waiting", displayName="Väntar"),
            override("longest_wait_ms", displayName="Längsta väntan", unit="ms"),
            override("stale", displayName="Öppna i mer än 2 timmar"),
        ),
    )


def _columns(metrics: Sequence[Metric]) -> tuple[Column, ...]:
    return tuple(map(metric_column, metrics))
