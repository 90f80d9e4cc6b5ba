"""The generated dashboard: current, well-formed, and its macros expanded as the plugin does."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.grafana import generate
from dashboards.grafana.lagesbild import lagesbild
from dashboards.grafana.model import DATA_SOURCE_UID, PLUGIN, PanelType
from dashboards.grafana.panels import VARIABLE_LABELS, describe, stat, variables_of
from schemas.catalogue import load_catalogue
from schemas.clickhouse.tables import DIMENSIONS
from schemas.metric import Unit
from schemas.metrics import HANDOVER_RATE, HANDOVERS, METRICS, OFFERED, RESOLVED_IN_CENTRE
from tests.dashboards.grafana_macros import conditional_all, expand, time_macros

# Time range and pairs of the plugin's own tests (clickhouse-datasource 4.20.0, pkg/macros/macros_test.go
# and src/data/CHDatasource.test.ts), less what is not used here.
SINCE = datetime.fromisoformat("2014-11-12T11:45:26.123+00:00")
UNTIL = datetime.fromisoformat("2015-11-12T11:45:26.456+00:00")
TIME_PAIRS = [
    (
        "select * from foo where $__timeFilter(ts)",
        "select * from foo where ts >= toDateTime(1415792726) AND ts <= toDateTime(1447328726)",
    ),
    (
        "select * from foo where ( date >= $__fromTime and date <= $__toTime ) limit 100",
        "select * from foo where ( date >= toDateTime(1415792726) "
        "and date <= toDateTime(1447328726) ) limit 100",
    ),
    (
        "select * from foo where ( date >= $__fromTime ) and ( date <= $__toTime ) limit 100",
        "select * from foo where ( date >= toDateTime(1415792726) ) "
        "and ( date <= toDateTime(1447328726) ) limit 100",
    ),
]
CONDITIONAL_PAIRS = [
    (
        "select stuff from table where $__conditionalAll(fieldVal in ($fieldVal), $fieldVal);",
        {"fieldVal": ["$__all"]},
        "select stuff from table where 1=1;",
    ),
    (
        "select stuff from table where $__conditionalAll(fieldVal in ($fieldVal), $fieldVal);",
        {"fieldVal": ["val1", "val2"]},
        "select stuff from table where fieldVal in ($fieldVal);",
    ),
    (
        "select stuff from table where $__conditionalAll(fieldVal in ($fieldVal), $fieldVal) "
        "and $__conditionalAll(fieldVal in ($fieldVal2), $fieldVal2);",
        {"fieldVal": ["val1", "val2"], "fieldVal2": ["$__all"]},
        "select stuff from table where fieldVal in ($fieldVal) and 1=1;",
    ),
]

DASHBOARD = lagesbild(load_catalogue())
PANELS = {panel.title: panel for panel in DASHBOARD.panels}


@pytest.mark.parametrize(("sql", "expected"), TIME_PAIRS)
def test_macros_of_time_expand_as_in_the_plugin(sql: str, expected: str) -> None:
    assert time_macros(sql, SINCE, UNTIL) == expected


@pytest.mark.parametrize(("sql", "chosen", "expected"), CONDITIONAL_PAIRS)
def test_conditional_all_resolves_as_in_the_plugin(
    sql: str, chosen: dict[str, list[str]], expected: str
) -> None:
    assert conditional_all(sql, chosen) == expected


def test_a_macro_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="timeInterval"):
        expand("SELECT $__timeInterval(ts)", SINCE, UNTIL, {})


# ---- the committed file --------------------------------------------------------------------------


def test_the_committed_dashboards_are_current() -> None:
    assert generate.check(generate.COMMITTED) == [], "run `kommuncenter dashboards generate`"


def test_a_difference_is_found_and_named(tmp_path: Path) -> None:
    [path] = generate.write(tmp_path)
    assert generate.check(tmp_path) == []
    path.write_text(path.read_text(encoding="utf-8").replace("Lägesbild", "Annat", 1), encoding="utf-8")
    (tmp_path / "old.json").write_text("{}")
    differences = "\n".join(generate.check(tmp_path))
    assert "Annat" in differences
    assert "old.json" in differences
    path.unlink()
    assert generate.check(tmp_path)


def test_generating_twice_gives_the_same() -> None:
    assert generate.generate() == generate.generate()


# ---- its form ------------------------------------------------------------------------------------


def test_ids_are_unique_and_panels_do_not_overlap() -> None:
    assert [panel.id for panel in DASHBOARD.panels] == list(range(1, len(DASHBOARD.panels) + 1))
    assert len(PANELS) == len(DASHBOARD.panels)
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD.panels:
        place = panel.grid_pos
        cells = {(x, y) for x in range(place.x, place.x + place.w) for y in range(place.y, place.y + place.h)}
        assert place.x + place.w <= 24
        assert not cells & taken, panel.title
        taken |= cells


def test_every_panel_says_what_it_counts() -> None:
    for panel in DASHBOARD.panels:
        if panel.targets and panel.title != "Väntar nu":
            assert "Formel: `" in panel.description, panel.title
            assert "Följer valen: " in panel.description, panel.title


def test_a_panel_follows_the_variables_that_its_measures_can_be_split_by() -> None:
    assert variables_of((OFFERED,)) == ("channel",)
    assert variables_of((RESOLVED_IN_CENTRE,)) == ("channel", "area")
    assert variables_of((HANDOVERS,)) == ("channel", "area", "unit")
    assert variables_of((HANDOVERS, HANDOVER_RATE, OFFERED)) == ("channel",)
    for panel in DASHBOARD.panels:
        for target in panel.targets:
            used = set(re.findall(r"\$\{(\w+):singlequote\}", target.raw_sql))
            named = re.search(r"Följer valen: ([^.]*)\.", panel.description)
            labels = {VARIABLE_LABELS[name].lower() for name in used}
            assert labels == (set(named[1].split(", ")) if named else set()), panel.title


def test_variables_are_dimensions_with_labels_that_survive_commas() -> None:
    variables = {variable.name: variable for variable in DASHBOARD.templating.list}
    assert variables.keys() == set(VARIABLE_LABELS)
    assert variables.keys() <= set(DIMENSIONS)
    # As Grafana reads a custom variable: split at commas that are not escaped, then at " : ".
    choices = [
        re.fullmatch(r"\s*(.+)\s:\s(.+)", choice.replace("\\,", ","))
        for choice in re.findall(r"(?:\\,|[^,])+", variables["area"].query)
    ]
    assert {choice[2]: choice[1] for choice in choices if choice} == dict(load_catalogue().areas)


def test_days_begin_at_midnight_in_sweden() -> None:
    for panel in DASHBOARD.panels:
        for target in panel.targets:
            assert "$__timeInterval" not in target.raw_sql
            if target.format == 0:
                assert (
                    "toStartOfDay(f.day, 'Europe/Stockholm') AS `time`" in target.raw_sql
                    or "f.window AS `time`" in target.raw_sql
                )


def test_a_target_is_written_and_not_only_coloured() -> None:
    for panel in DASHBOARD.panels:
        steps = panel.field_config.defaults.thresholds.steps
        if len(steps) > 1 and panel.type is PanelType.STAT:
            assert f"mål {(steps[1].value or 0) * 100:.0f} %" in panel.title
        elif len(steps) > 1:
            assert panel.type is PanelType.TIME_SERIES
            custom = panel.field_config.defaults.custom or {}
            assert custom["thresholdsStyle"] == {"mode": "dashed"}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_can_be_shown(metric: Any) -> None:
    panel = stat(metric, DASHBOARD.panels[0].grid_pos)
    assert f"AS `{metric.label_sv}`" in panel.targets[0].raw_sql
    assert ("`Underlag`" in panel.targets[0].raw_sql) == (metric.unit is not Unit.COUNT)
    assert metric.formula() in describe((metric,))


def test_the_json_is_what_grafana_reads() -> None:
    dashboard = json.loads(DASHBOARD.to_json())
    assert dashboard["time"] == {"from": "now-7d", "to": "now"}
    assert dashboard["uid"] == "kommuncenter-lagesbild"
    for panel in dashboard["panels"]:
        assert {"id", "type", "title", "gridPos", "options", "fieldConfig"} <= panel.keys()
        for target in panel["targets"]:
            assert target["datasource"] == {"type": PLUGIN, "uid": DATA_SOURCE_UID}
            assert (target["queryType"], target["format"]) in {("timeseries", 0), ("table", 1)}
            assert target["editorType"] == "sql"


# ---- provisioning --------------------------------------------------------------------------------


def test_provisioning_names_the_same_data_source_and_no_secret() -> None:
    folder = generate.COMMITTED.parent / "provisioning"
    [source] = yaml.safe_load((folder / "datasources" / "clickhouse.yaml").read_text())["datasources"]
    assert (source["type"], source["uid"]) == (PLUGIN, DATA_SOURCE_UID)
    assert source["jsonData"]["protocol"] == "http"
    assert source["secureJsonData"]["password"].startswith("$")
    [provider] = yaml.safe_load((folder / "dashboards" / "kommuncenter.yaml").read_text())["providers"]
    assert provider["type"] == "file"
