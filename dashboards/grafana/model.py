"""The part of Grafana's dashboard model that is used here (Grafana 12 and 13, schema version 41).

Source: the kinds ``Dashboard`` and ``DataQuery`` of Grafana, and the query type of its ClickHouse plugin.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_serializer
from pydantic.alias_generators import to_camel

PLUGIN = "grafana-clickhouse-datasource"
PLUGIN_VERSION = "4.20.0"
DATA_SOURCE_UID = "kommuncenter-clickhouse"
SCHEMA_VERSION = 41


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


class DataSource(_Model):
    """Which data source is asked."""

    type: str = PLUGIN
    uid: str = DATA_SOURCE_UID


class Target(_Model):
    """A query in SQL. ``format``: 0 is a time series, 1 a table."""

    ref_id: str = "A"
    datasource: DataSource = DataSource()
    plugin_version: str = PLUGIN_VERSION
    editor_type: Literal["sql"] = "sql"
    query_type: Literal["timeseries", "table"]
    format: Literal[0, 1]
    raw_sql: str


class Place(_Model):
    """Where a panel stands on the grid of 24 columns."""

    x: int
    y: int
    w: int
    h: int


class Step(_Model):
    """A threshold: from ``value`` (None: from below) on, the colour."""

    color: str
    value: float | None

    @model_serializer
    def _with_null(self) -> dict[str, Any]:
        """Write the lowest step's value as null: Grafana wants the key to be there."""
        return {"color": self.color, "value": self.value}


class Thresholds(_Model):
    """Thresholds of a field."""

    mode: Literal["absolute"] = "absolute"
    steps: Sequence[Step] = (Step(color="text", value=None),)


class Field(_Model):
    """How a field is shown, unless overridden."""

    unit: str | None = None
    decimals: int | None = None
    min: float | None = None
    max: float | None = None
    no_value: str = "–"
    thresholds: Thresholds = Thresholds()
    color: dict[str, str] | None = None
    custom: dict[str, Any] | None = None


class Property(_Model):
    """A property that an override sets."""

    id: str
    value: Any


class Matcher(_Model):
    """Which field an override is for."""

    id: Literal["byName"] = "byName"
    options: str


class Override(_Model):
    """Another way of showing one field."""

    matcher: Matcher
    properties: Sequence[Property]


class FieldConfig(_Model):
    """How all fields of a panel are shown."""

    defaults: Field = Field()
    overrides: Sequence[Override] = ()


class PanelType(StrEnum):
    """The six kinds of panels."""

    STAT = "stat"
    TIME_SERIES = "timeseries"
    BAR_GAUGE = "bargauge"
    BAR_CHART = "barchart"
    TABLE = "table"
    TEXT = "text"


class Panel(_Model):
    """A panel. ``time_from`` overrides the dashboard's range, ``interval`` is its finest step."""

    id: int = 0
    type: PanelType
    title: str
    description: str
    grid_pos: Place
    datasource: DataSource | None = DataSource()
    targets: Sequence[Target] = ()
    field_config: FieldConfig = FieldConfig()
    options: dict[str, Any]
    interval: str | None = None
    time_from: str | None = None


class Current(_Model):
    """A variable's value when the dashboard is opened."""

    text: str | Sequence[str] = ("All",)
    value: str | Sequence[str] = ("$__all",)


class Variable(_Model):
    """A variable with fixed choices, written ``label : value`` and separated by commas."""

    type: Literal["custom"] = "custom"
    name: str
    label: str
    description: str | None = None
    query: str
    multi: bool = True
    include_all: bool = True
    allow_custom_value: bool = False
    current: Current = Current()
    options: Sequence[Any] = ()


class QueryVariable(_Model):
    """A variable with the choices that the store gives when the dashboard is opened; one is chosen."""

    type: Literal["query"] = "query"
    name: str
    label: str
    description: str | None = None
    datasource: DataSource = DataSource()
    query: str
    refresh: Literal[1] = 1
    sort: Literal[0] = 0
    multi: bool = False
    include_all: bool = False
    allow_custom_value: bool = False
    options: Sequence[Any] = ()


class AnnotationTarget(_Model):
    """What an annotation asks: the part that Grafana demands of every one, and a query in SQL if any."""

    limit: int = 100
    match_any: bool = False
    tags: Sequence[str] = ()
    type: str = "tags"
    ref_id: str = "annotation"
    editor_type: Literal["sql"] | None = None
    plugin_version: str | None = None
    query_type: Literal["table"] | None = None
    format: Literal[1] | None = None
    raw_sql: str | None = None


class Annotation(_Model):
    """Marks on every panel over time."""

    name: str
    datasource: DataSource
    enable: bool = True
    hide: bool = False
    icon_color: str
    target: AnnotationTarget


class Annotations(_Model):
    """The annotations of a dashboard."""

    list: Sequence[Annotation] = ()


class Link(_Model):
    """A link at the top of a dashboard."""

    type: Literal["link"] = "link"
    title: str
    url: str
    tooltip: str
    icon: str = "dashboard"
    as_dropdown: bool = False
    include_vars: bool = True
    keep_time: bool = False
    tags: Sequence[str] = ()
    target_blank: bool = False


class TimeRange(_Model):
    """The range that is shown when the dashboard is opened."""

    # `from` is a word of the language, so the field has another name here.
    from_: str = "now-7d"
    to: str = "now"

    model_config = ConfigDict(
        alias_generator=lambda name: name.rstrip("_"), populate_by_name=True, frozen=True, extra="forbid"
    )


class Variables(_Model):
    """The variables of a dashboard."""

    list: Sequence[Variable | QueryVariable] = ()


class Dashboard(_Model):
    """A dashboard; its uid never changes, so that links to it hold."""

    uid: str
    title: str
    description: str
    tags: Sequence[str] = ("kommuncenter",)
    timezone: str = "Europe/Stockholm"
    week_start: str = "monday"
    editable: bool = False
    graph_tooltip: int = 1
    refresh: str = "1m"
    schema_version: int = SCHEMA_VERSION
    time: TimeRange = TimeRange()
    annotations: Annotations = Annotations()
    links: Sequence[Link] = ()
    templating: Variables = Variables()
    panels: Sequence[Panel]

    def to_json(self) -> str:
        """Return the dashboard as Grafana reads it."""
        return self.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n"
