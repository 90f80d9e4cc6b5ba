"""Every panel's SQL on the ClickHouse engine, as a user that may only read, against sums of measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dashboards.figures import Group, read_groups, read_total
from dashboards.grafana.lagesbild import lagesbild
from dashboards.grafana.model import Panel
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.catalogue import load_catalogue
from schemas.clickhouse.queries import Between, Grain, Query
from schemas.metrics import CHANNEL_LABELS, ERRANDS, METRICS
from schemas.timebase import STOCKHOLM, day_start
from tests.dashboards.grafana_macros import ALL, expand
from tests.dashboards.samples import RowStore, invented_days
from tests.dashboards.stored import Stored, database_with

pytestmark = pytest.mark.integration

CATALOGUE = load_catalogue()
DASHBOARD = lagesbild(CATALOGUE)
PANELS = [panel for panel in DASHBOARD.panels if panel.targets and panel.title != "Väntar nu"]
BY_LABEL = {metric.label_sv: metric for metric in METRICS}
SPLITS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Kanal": ("channel", CHANNEL_LABELS),
    "Ämne": ("topic", {**{n: t.label for n, t in CATALOGUE.topics.items()}, "": "Inget ämne registrerat"}),
    "Mottagare": ("unit", {**{n: u.label for n, u in CATALOGUE.units.items()}, "okand": "Okänd mottagare"}),
}
# The Sunday has 23 hours. The range begins and ends within a day, as Grafana's does.
MONDAY, SUNDAY = date(2026, 3, 23), date(2026, 3, 29)
SINCE = datetime(2026, 3, 23, 0, 0, tzinfo=STOCKHOLM)
UNTIL = datetime(2026, 3, 29, 23, 59, 59, tzinfo=STOCKHOLM)
CHOICES = {
    "all": {"channel": [ALL], "area": [ALL], "unit": [ALL]},
    "some": {
        "channel": ["telephone", "email"],
        "area": ["bygga-bo-miljo", "omsorg-stod"],
        "unit": ["omsorg", "okand"],
    },
}


@pytest.fixture(scope="module")
def stored(clickhouse: EmbeddedClickHouse) -> Iterator[Stored]:
    """Four weeks of invented figures."""
    with database_with(clickhouse, RowStore(invented_days(date(2026, 3, 9), 28, seed=4, size=60))) as found:
        yield found


def rows_of(stored: Stored, panel: Panel, choice: str) -> list[dict[str, Any]]:
    """Return a panel's answer, a heading -> value per row."""
    [target] = panel.targets
    sql = expand(target.raw_sql, SINCE, UNTIL, CHOICES[choice])
    headings = [str(row[0]) for row in stored.reader.rows(Query(f"DESCRIBE ({sql})"))]
    return [dict(zip(headings, row, strict=True)) for row in stored.reader.rows(Query(sql))]


def expected(stored: Stored, panel: Panel, headings: Sequence[str], choice: str) -> list[dict[str, Any]]:
    """Return the same rows from sums of measures."""
    grain = Grain.WINDOW if panel.interval == "15m" else Grain.DAY
    period = Between(MONDAY, SUNDAY + timedelta(days=1))
    if grain is Grain.WINDOW:
        period = Between(day_start(MONDAY), day_start(SUNDAY + timedelta(days=1)))
    used = [name for name in CHOICES[choice] if f"${{{name}:" in panel.targets[0].raw_sql]
    where = {name: CHOICES[choice][name] for name in used if CHOICES[choice][name] != [ALL]}
    by = [SPLITS[h][0] if h in SPLITS else grain.value for h in headings if h == "time" or h in SPLITS]
    groups = read_groups(stored.writer, grain, period, by=by, where=where)
    total = read_total(stored.writer, grain, period, where=where)
    rows = []
    for key, group in groups.items():
        keys = dict(zip([h for h in headings if h == "time" or h in SPLITS], key, strict=True))
        rows.append({h: _cell(h, keys, group, total, headings) for h in headings})
    return rows


def _cell(heading: str, keys: Mapping[str, Any], group: Group, total: Group, headings: Sequence[str]) -> Any:
    if heading == "time":
        return day_start(keys["time"]) if not isinstance(keys["time"], datetime) else keys["time"]
    if heading in SPLITS:
        return SPLITS[heading][1].get(keys[heading], keys[heading])
    if heading == "Underlag":
        [first, *_] = [BY_LABEL[h] for h in headings if h in BY_LABEL]
        return sum(group.sums[name] for name in first.denominator)
    if heading == "Andel av ärenden":
        errands, all_errands = (ERRANDS.value(g.sums) for g in (group, total))
        return errands / all_errands if errands is not None and all_errands else None
    return BY_LABEL[heading].value(group.sums)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_panel_shows_the_registry_s_figures(stored: Stored, panel: Panel, choice: str) -> None:
    found = rows_of(stored, panel, choice)
    assert found
    headings = list(found[0])
    wanted = expected(stored, panel, headings, choice)
    if "HAVING" in panel.targets[0].raw_sql:
        first = next(h for h in headings if h in BY_LABEL or h == "Andel av ärenden")
        wanted = [row for row in wanted if row[first]]
    keys = [heading for heading in headings if heading == "time" or heading in SPLITS]

    def sorted_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(rows, key=lambda row: [str(row[key]) for key in keys])

    for row, other in zip(sorted_rows(_instants(found)), sorted_rows(wanted), strict=True):
        assert [row[key] for key in keys] == [other[key] for key in keys]
        numbers = {h: row[h] for h in headings if h not in keys}
        assert numbers == pytest.approx({h: other[h] for h in headings if h not in keys}, rel=1e-12)


def _instants(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make times aware: the embedded engine's DateTime arrives without its zone, in UTC."""
    for row in rows:
        if "time" in row:
            at = row["time"]
            row["time"] = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    return rows


def test_nothing_that_falls_due_later_is_shown(clickhouse: EmbeddedClickHouse) -> None:
    ahead = datetime.now(UTC).astimezone(STOCKHOLM).date() + timedelta(days=2)
    panels = {panel.title: panel for panel in PANELS}
    with database_with(clickhouse, RowStore(invented_days(ahead, 7, seed=5))) as later:
        for title in ("Svarat i tid", "Inkomna kontakter, senaste dygnet"):
            [target] = panels[title].targets
            sql = expand(target.raw_sql, SINCE, datetime.now(UTC) + timedelta(days=30), CHOICES["all"])
            assert list(later.reader.rows(Query(sql))) == []


def test_who_waits_now_can_be_asked(stored: Stored) -> None:
    [panel] = [panel for panel in DASHBOARD.panels if panel.title == "Väntar nu"]
    sql = expand(panel.targets[0].raw_sql, SINCE, UNTIL, CHOICES["all"])
    assert list(stored.reader.rows(Query(sql))) == []
    headings = [str(row[0]) for row in stored.reader.rows(Query(f"DESCRIBE ({sql})"))]
    assert headings == [override.matcher.options for override in panel.field_config.overrides]
