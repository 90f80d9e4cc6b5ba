"""SQL of Grafana's panels over figures: by its time range and variables, with intervals and n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.clickhouse.queries import GRAFANA, ZONE, Grain, period_condition
from schemas.metric import Better, Metric, Unit
from schemas.statistics import SMALL_N, Z95

NO_TOPIC = "inget"
"""What a variable has in the place of the empty topic: an empty choice would mean all of them."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a Grafana panel: an expression over the figures (``f``), and the heading people see."""

    expression: str
    heading: str


def time_column(grain: Grain) -> Column:
    """Return the time of a row as Grafana wants it. A day begins at midnight in Sweden, not in UTC."""
    if grain is Grain.WINDOW:
        return Column("f.window", "time")
    return Column(f"toStartOfDay(f.day, '{ZONE}')", "time")


PERIODS = {"week": "Vecka", "month": "Månad", "day": "Dag"}
"""Values and labels of the variable ``period``: in what steps the days are summed. The first is usual."""
_STEP = "${period:singlequote}"


def period_start_column() -> Column:
    """Return the beginning of the chosen step that a day belongs to, as Grafana's time."""
    first = f"multiIf({_STEP} = 'day', f.day, {_STEP} = 'month', toStartOfMonth(f.day), toMonday(f.day))"
    return Column(f"toStartOfDay({first}, '{ZONE}')", "time")


def period_label_column() -> Column:
    """Return the name of the chosen step: ``2026 v. 47`` (ISO), ``2026-11`` or ``2026-11-16``."""
    formats = ("%Y-%m-%d", "%Y-%m", "%G v. %V")
    day, month, week = (f"formatDateTime(f.day, '{form}')" for form in formats)
    return Column(f"multiIf({_STEP} = 'day', {day}, {_STEP} = 'month', {month}, {week})", "Period")


def label_expression(name: str, labels: Mapping[str, str]) -> str:
    """Return a column with its names replaced by labels; a name without one stays."""
    names = ", ".join(map(quoted, labels))
    shown = ", ".join(map(quoted, labels.values()))
    return f"transform({name}, [{names}], [{shown}], {name})"


def label_column(dimension: str, labels: Mapping[str, str], heading: str) -> Column:
    """Return a dimension of the figures by its labels."""
    return Column(label_expression(f"toString(f.{dimension})", labels), heading)


def key_column(dimension: str) -> Column:
    """Return a dimension as its variable has it, for links; panels hide it."""
    return Column(_as_variable(dimension, "f."), f"{dimension}_key")


def quoted(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def metric_column(metric: Metric) -> Column:
    """Return a metric under its label."""
    return Column(metric.sql(), metric.label_sv)


def share_of_total_column(metric: Metric) -> Column:
    """Return a count's share of the sum over all rows of the answer; NULL where that is 0."""
    total = f"sum({metric.sql()}) OVER ()"
    return Column(f"if({total} = 0, NULL, {metric.sql()} / {total})", f"Andel av {metric.label_sv.lower()}")


def measure_column(measure: str, heading: str, where: str = "") -> Column:
    """Return a measure's sum, over the rows that a condition on ``f`` holds for."""
    return Column(f"sumIf(f.{measure}, {where})" if where else f"sum(f.{measure})", heading)


LOW, HIGH, N = "Från", "Till", "Antal (n)"
"""Headings of a share's 95 % interval, and of what it is a share of."""


def interval_columns(metric: Metric) -> tuple[Column, Column, Column]:
    """Return from, to and n of a share: its Wilson interval at 95 % (DOMAIN §2.5)."""
    top, n = sums_of(metric)
    return Column(wilson_sql(top, n, -1), LOW), Column(wilson_sql(top, n, 1), HIGH), Column(n, N)


def sums_of(metric: Metric) -> tuple[str, str]:
    """Return numerator and denominator of a ratio as sums over ``f``. Raises ValueError for a plain sum."""
    if not metric.denominator:
        raise ValueError(f"{metric.name} is a count and has no denominator")
    top, n = (
        " + ".join(f"sum(f.{name})" for name in names) for names in (metric.numerator, metric.denominator)
    )
    return top, n


def wilson_sql(top: str, n: str, side: int) -> str:
    """Return an end of the Wilson interval of ``top`` out of ``n``: -1 the lower, 1 the upper; NULL at 0."""
    n = f"({n})"
    p, z2 = f"(least(greatest({top}, 0), {n}) / {n})", repr(Z95 * Z95)
    half = f"{Z95!r} * sqrt({p} * (1 - {p}) / {n} + {z2} / (4 * {n} * {n}))"
    end = f"({p} + {z2} / (2 * {n}) {'+' if side > 0 else '-'} {half}) / (1 + {z2} / {n})"
    bounded = f"least(1, {end})" if side > 0 else f"greatest(0, {end})"
    return f"if({n} <= 0, NULL, {bounded})"


def panel_query(
    grain: Grain,
    columns: Sequence[Column],
    *,
    by: Sequence[Column] = (),
    variables: Sequence[str] = (),
    only_with: Metric | None = None,
) -> str:
    """Return a Grafana panel's SQL over the dashboard's range, filtered by its variables.

    ``variables`` are dimensions with a dashboard variable of the same name. ``only_with`` leaves out rows
    in which that count is 0.
    """
    select = ",\n    ".join(f"{column.expression} AS `{column.heading}`" for column in (*by, *columns))
    sql = f"SELECT {select}\n{_from(grain, variables)}"
    if by:
        headings = ", ".join(f"`{column.heading}`" for column in by)
        having = f"\nHAVING {only_with.sql()} > 0" if only_with else ""
        sql += f"\nGROUP BY {headings}{having}\nORDER BY {headings}"
    return sql


def key_figures_query(metrics: Sequence[Metric], variables: Sequence[str]) -> str:
    """Return the query for shares, a row each: Mått, Andel, Från, Till, Antal (n), Mål, Bedömning.

    A target inside the interval is neither met nor missed, and few say little (DOMAIN §2.5).
    """
    rows = ",\n        ".join(
        f"({quoted(m.label_sv)}, {top}, {n}, {_number(m.target)}, {int(m.better is Better.HIGHER)})"
        for m in metrics
        if m.unit is Unit.SHARE
        for top, n in [sums_of(m)]
    )
    return f"""SELECT row.1 AS `Mått`,
    if(n = 0, NULL, row.2 / n) AS `Andel`,
    {wilson_sql("row.2", "n", -1)} AS `{LOW}`,
    {wilson_sql("row.2", "n", 1)} AS `{HIGH}`,
    row.3 AS `{N}`,
    row.4 AS `Mål`,
    multiIf(
        n = 0, 'inget underlag',
        n < {SMALL_N}, 'för litet underlag',
        row.4 IS NULL, 'inget mål',
        row.4 BETWEEN `{LOW}` AND `{HIGH}`, 'går inte att säga',
        (`Andel` > row.4) = row.5, 'når målet',
        'når inte målet'
    ) AS `Bedömning`
FROM
(
    SELECT arrayJoin([
        {rows}
    ]) AS row, row.3 AS n
    {_from(Grain.DAY, variables)}
)"""


def _number(value: float | None) -> str:
    return f"CAST({'NULL' if value is None else value} AS Nullable(Float64))"


def _from(grain: Grain, variables: Sequence[str]) -> str:
    conditions = [period_condition(grain, GRAFANA).sql, *map(chosen, variables)]
    return f"FROM {grain.view} AS f\nWHERE " + "\n    AND ".join(conditions)


def chosen(dimension: str) -> str:
    """Return the condition that a dimension is among the values chosen of the variable of its name."""
    return f"$__conditionalAll({_as_variable(dimension)} IN (${{{dimension}:singlequote}}), ${dimension})"


def _as_variable(dimension: str, table: str = "") -> str:
    name = f"{table}{dimension}"
    return f"if({name} = '', '{NO_TOPIC}', {name})" if dimension == "topic" else name
