"""The generated dashboards: current, well-formed, and its macros expanded as the plugin does."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.grafana import generate
from dashboards.grafana.boards import boards
from dashboards.grafana.colours import GROUNDS, MUTED, SERIES
from dashboards.grafana.model import DATA_SOURCE_UID, PLUGIN, Dashboard, Panel, PanelType, Place
from dashboards.grafana.overlays import DEPLOYED_TAG
from dashboards.grafana.panels import describe, stat, variables_of
from dashboards.grafana.variables import LABELS
from dashboards.theme import contrast
from schemas.catalogue import load_catalogue
from schemas.clickhouse.panels import NO_TOPIC
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

BOARDS = {board.title: board for board in boards()}
PANELS = [(board, panel) for board in BOARDS.values() for panel in board.panels]
QUERIES = [
    *((board, target.raw_sql) for board, panel in PANELS for target in panel.targets),
    *(
        (board, mark.target.raw_sql)
        for board in BOARDS.values()
        for mark in board.annotations.list
        if mark.target.raw_sql
    ),
]


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
    paths = generate.write(tmp_path)
    assert generate.check(tmp_path) == []
    [path] = [path for path in paths if path.name == "lagesbild.json"]
    path.write_text(path.read_text(encoding="utf-8").replace("Lägesbild", "Annat", 1), encoding="utf-8")
    (tmp_path / "old.json").write_text("{}")
    differences = "\n".join(generate.check(tmp_path))
    assert "Annat" in differences
    assert "old.json" in differences
    path.unlink()
    assert generate.check(tmp_path)


def test_generating_twice_gives_the_same() -> None:
    assert generate.generate() == generate.generate()


# ---- their form ----------------------------------------------------------------------------------


def test_uids_are_stable() -> None:
    """Links and publishing go by these: they never change, and a new board gets one of its own."""
    assert {board.title: board.uid for board in BOARDS.values()} == {
        "Lägesbild": "kommuncenter-lagesbild",
        "Uppföljning": "kommuncenter-uppfoljning",
        "Kris": "kommuncenter-kris",
        "Kontakter": "kommuncenter-kontakter",
        "Källa": "kommuncenter-kalla",
        "Drift": "kommuncenter-drift",
    }


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_ids_are_unique_and_panels_do_not_overlap(board: Dashboard) -> None:
    assert [panel.id for panel in board.panels] == list(range(1, len(board.panels) + 1))
    assert len({panel.title for panel in board.panels}) == len(board.panels)
    taken: set[tuple[int, int]] = set()
    for panel in board.panels:
        place = panel.grid_pos
        cells = {(x, y) for x in range(place.x, place.x + place.w) for y in range(place.y, place.y + place.h)}
        assert place.x + place.w <= 24
        assert not cells & taken, panel.title
        taken |= cells


@pytest.mark.parametrize(
    ("board", "panel"), PANELS, ids=[f"{board.title}-{panel.title}" for board, panel in PANELS]
)
def test_every_panel_says_its_formula_its_n_and_what_it_follows(board: Dashboard, panel: Panel) -> None:
    if not panel.targets:
        assert panel.type is PanelType.TEXT
        return
    assert re.search(r"\bFormel: ", panel.description)
    assert re.search(r"\(n\)|\bn = ", panel.description)
    assert re.search(r"Följer (valen|valet|inga val)", panel.description)
    assert panel.title[0].isupper()
    assert panel.title == panel.title.strip()


def test_a_panel_follows_the_variables_that_its_measures_can_be_split_by() -> None:
    assert variables_of((OFFERED,)) == ("channel",)
    assert variables_of((RESOLVED_IN_CENTRE,)) == ("channel", "area")
    assert variables_of((HANDOVERS,)) == ("channel", "area", "unit")
    assert variables_of((HANDOVERS, HANDOVER_RATE, OFFERED)) == ("channel",)
    for _, panel in PANELS:
        named = re.search(r"Följer valen: ([a-zåäö, ]*)\. Tomt", panel.description)
        if named:
            [target] = panel.targets
            used = set(re.findall(r"\$__conditionalAll\([^$]*\$\{(\w+):singlequote\}", target.raw_sql))
            assert {LABELS[name].lower() for name in used} == set(named[1].split(", ")), panel.title


def test_what_is_asked_by_variables_has_a_variable_on_its_board() -> None:
    for board, sql in QUERIES:
        there = {variable.name for variable in board.templating.list}
        asked = set(re.findall(r"\$\{?(?!__)(\w+)", sql))
        assert asked <= there, (board.title, asked - there)


def choices_of(query: str) -> dict[str, str]:
    """Return value -> label as Grafana reads a custom variable: split at bare commas, then at " : "."""
    found = [
        re.fullmatch(r"\s*(.+)\s:\s(.+)", choice.replace("\\,", ","))
        for choice in re.findall(r"(?:\\,|[^,])+", query)
    ]
    return {choice[2]: choice[1] for choice in found if choice}


def test_variables_are_dimensions_with_labels_that_survive_commas() -> None:
    catalogue = load_catalogue()
    variables = {v.name: v.query for v in BOARDS["Kontakter"].templating.list}
    assert variables.keys() == {*DIMENSIONS, "reach"}
    assert choices_of(variables["area"]) == dict(catalogue.areas)
    topics = choices_of(variables["topic"])
    assert topics.pop(NO_TOPIC) == "Inget ämne registrerat"
    assert topics == {name: topic.label for name, topic in catalogue.topics.items()}


def test_days_begin_at_midnight_in_sweden() -> None:
    for _, sql in QUERIES:
        assert "$__timeInterval" not in sql
        assert not re.search(r"toStartOf(Day|Week|Month)\((f\.)?window", sql)
        if "service_days" in sql and "AS `time`" in sql:
            assert re.search(r"toStartOfDay\(.+, 'Europe/Stockholm'\) AS `time`", sql)


def test_a_target_is_written_and_not_only_coloured() -> None:
    for _, panel in PANELS:
        steps = panel.field_config.defaults.thresholds.steps
        if len(steps) > 1 and panel.type is PanelType.STAT and panel.title != "Toppar som pågår":
            assert f"mål {(steps[1].value or 0) * 100:.0f} %" in panel.title
        elif len(steps) > 1 and panel.type is PanelType.TIME_SERIES:
            custom = panel.field_config.defaults.custom or {}
            assert custom["thresholdsStyle"] == {"mode": "dashed"}


def test_a_state_is_a_word_and_lines_differ_by_their_strokes() -> None:
    for _, panel in PANELS:
        strokes = []
        for override in panel.field_config.overrides:
            properties = {prop.id: prop.value for prop in override.properties}
            for mapping in properties.get("mappings", ()):
                for state, shown in mapping["options"].items():
                    assert shown["text"], state
            if panel.type is PanelType.TIME_SERIES and "color" in properties:
                strokes.append(str(properties["custom.lineStyle"]))
        assert len(set(strokes)) == len(strokes), panel.title


@pytest.mark.parametrize("colour", [*SERIES, MUTED])
def test_colours_are_seen_on_dark_and_light_ground(colour: str) -> None:
    for ground in GROUNDS:
        assert contrast(colour, ground) >= 4.0


def test_no_colour_is_written_but_the_municipality_s_and_grafana_s_own() -> None:
    colours = {
        colour for board in BOARDS.values() for colour in re.findall(r"#[0-9a-fA-F]{6}", board.to_json())
    }
    assert colours <= {*SERIES, MUTED}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_can_be_shown(metric: Any) -> None:
    panel = stat(metric, Place(x=0, y=0, w=4, h=4))
    assert f"AS `{metric.label_sv}`" in panel.targets[0].raw_sql
    assert ("`Underlag`" in panel.targets[0].raw_sql) == (metric.unit is not Unit.COUNT)
    assert metric.formula() in describe((metric,))
    assert " + ".join(metric.denominator or metric.numerator) in describe((metric,)).split("Antal (n): ")[1]


def test_what_is_preliminary_is_told_where_it_is_shown() -> None:
    for _, panel in PANELS:
        told = any(m.final_after_days and f"**{m.label_sv}**:" in panel.description for m in METRICS)
        assert ("**Preliminärt**: de senaste 7 dygnen" in panel.description) == told, panel.title


def test_the_json_is_what_grafana_reads() -> None:
    dashboard = json.loads(BOARDS["Lägesbild"].to_json())
    assert dashboard["time"] == {"from": "now-7d", "to": "now"}
    for panel in dashboard["panels"]:
        assert {"id", "type", "title", "gridPos", "options", "fieldConfig"} <= panel.keys()
        for target in panel["targets"]:
            assert target["datasource"] == {"type": PLUGIN, "uid": DATA_SOURCE_UID}
            assert (target["queryType"], target["format"]) in {("timeseries", 0), ("table", 1)}
            assert target["editorType"] == "sql"


# ---- links ---------------------------------------------------------------------------------------


def test_every_board_leads_to_every_other() -> None:
    for board in BOARDS.values():
        assert {link.url for link in board.links} == {
            f"/d/{other.uid}" for other in BOARDS.values() if other is not board
        }


def test_a_link_out_of_a_table_sets_variables_that_are_there() -> None:
    by_uid = {board.uid: board for board in BOARDS.values()}
    followed = set()
    for board, panel in PANELS:
        headings = set(re.findall(r"AS `?(\w+)`?[,\n]", "".join(t.raw_sql for t in panel.targets)))
        for override in panel.field_config.overrides:
            for link in next((p.value for p in override.properties if p.id == "links"), ()):
                match = re.fullmatch(r"/d/([\w-]+)\?(.+)&\$\{__url_time_range\}", link["url"])
                assert match, link["url"]
                opened = {variable.name: variable for variable in by_uid[match[1]].templating.list}
                for pair in match[2].split("&"):
                    name, _, value = pair.partition("=")
                    variable = opened[name.removeprefix("var-")]
                    key = re.fullmatch(r"\$\{__data\.fields\.(\w+):percentencode\}", value)
                    if key:
                        assert key[1] in headings, (panel.title, key[1], headings)
                        assert key[1] in {hidden.matcher.options for hidden in panel.field_config.overrides}
                    else:
                        assert value in choices_of(variable.query)
                followed.add((board.title, by_uid[match[1]].title))
    assert {
        ("Lägesbild", "Kontakter"),
        ("Uppföljning", "Kontakter"),
        ("Uppföljning", "Lägesbild"),
    } <= followed
    assert {("Kris", "Kontakter"), ("Kris", "Källa"), ("Drift", "Källa")} <= followed


def test_surges_holidays_and_deploys_are_marked_on_every_board() -> None:
    for board in BOARDS.values():
        marks = {mark.name: mark for mark in board.annotations.list}
        assert {"Toppar", "Helgdagar", "Driftsättningar"} <= {n for n, mark in marks.items() if mark.enable}
        assert marks["Driftsättningar"].target.tags == (DEPLOYED_TAG,)
        for name, special in load_catalogue().days.items():
            assert f"('{name}', '{special.name}')" in (marks["Helgdagar"].target.raw_sql or "")


# ---- provisioning --------------------------------------------------------------------------------


def test_provisioning_names_the_same_data_source_and_no_secret() -> None:
    folder = generate.COMMITTED.parent / "provisioning"
    [source] = yaml.safe_load((folder / "datasources" / "clickhouse.yaml").read_text())["datasources"]
    assert (source["type"], source["uid"]) == (PLUGIN, DATA_SOURCE_UID)
    assert source["jsonData"]["protocol"] == "http"
    assert source["secureJsonData"]["password"].startswith("$")
    [provider] = yaml.safe_load((folder / "dashboards" / "kommuncenter.yaml").read_text())["providers"]
    assert provider["type"] == "file"
