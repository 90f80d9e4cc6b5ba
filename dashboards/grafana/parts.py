"""Panels without their subject: a table, lines, one number, text; the subject brings SQL and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.grafana.model import (
    Field,
    FieldConfig,
    Override,
    Panel,
    PanelType,
    Place,
    Target,
    Thresholds,
)

LEGEND: dict[str, Any] = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
    "tooltip": {"mode": "multi", "sort": "none"},
}


def table_target(sql: str) -> Target:
    """Return a query whose answer is a table."""
    return Target(query_type="table", format=1, raw_sql=sql)


def series_target(sql: str) -> Target:
    """Return a query whose answer is lines over time."""
    return Target(query_type="timeseries", format=0, raw_sql=sql)


def rows(
    title: str,
    description: str,
    sql: str,
    place: Place,
    *,
    overrides: Sequence[Override] = (),
    largest: str | None = None,
) -> Panel:
    """Return a table; ``largest`` is the column that it is sorted by, downwards."""
    options: dict[str, Any] = {"frameIndex": 0, "showHeader": True, "cellHeight": "sm"}
    if largest:
        options["sortBy"] = [{"displayName": largest, "desc": True}]
    return Panel(
        type=PanelType.TABLE,
        title=title,
        description=description,
        grid_pos=place,
        targets=(table_target(sql),),
        field_config=FieldConfig(overrides=overrides),
        options=options,
    )


def over_time(
    title: str,
    description: str,
    sql: str,
    place: Place,
    *,
    field: Field,
    interval: str,
    overrides: Sequence[Override] = (),
    time_from: str | None = None,
) -> Panel:
    """Return lines; ``interval`` is the step of the data, ``time_from`` another range than the board's."""
    return Panel(
        type=PanelType.TIME_SERIES,
        title=title,
        description=description,
        grid_pos=place,
        targets=(series_target(sql),),
        interval=interval,
        time_from=time_from,
        field_config=FieldConfig(defaults=field, overrides=overrides),
        options=LEGEND,
    )


def number(
    title: str, description: str, sql: str, place: Place, *, field: Field, overrides: Sequence[Override] = ()
) -> Panel:
    """Return large numbers with their names: one per column of the answer."""
    return Panel(
        type=PanelType.STAT,
        title=title,
        description=description,
        grid_pos=place,
        targets=(table_target(sql),),
        field_config=FieldConfig(defaults=field, overrides=overrides),
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


def numbered(panels: Sequence[Panel]) -> tuple[Panel, ...]:
    """Return panels with the ids that they have on their board, from 1 on."""
    return tuple(panel.model_copy(update={"id": number}) for number, panel in enumerate(panels, start=1))


NO_THRESHOLDS = Thresholds().model_dump(by_alias=True)
"""For an override: a column whose value is judged by nothing."""
