"""The committed dashboards by Grafana's own published types: boards, queries, panels' options and fields."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from dashboards.grafana import generate
from tests.deployment.compose import ROOT, read_compose
from tests.require import require

VARIABLE = "KC_GRAFANA_SCHEMA"
BOARDS = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in generate.COMMITTED.glob("*.json")
}


@pytest.fixture(scope="module")
def schemas() -> Path:
    """The folder with the schemas."""
    folder = Path(os.environ.get(VARIABLE, "/nowhere"))
    require(
        "grafana-schema",
        (folder / "dashboard.json").exists(),
        f"make it with .ci/fetch-grafana-schema DIR, and name it in {VARIABLE}",
    )
    return folder


@cache
def read(path: Path) -> dict[str, Any]:
    """Return a schema. Of what an annotation asks, Grafana has only typed what its own data source takes."""
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for name in ("AnnotationTarget", "DataQuery"):
        if name in schema["definitions"]:
            schema["definitions"][name]["additionalProperties"] = True
    return schema


def faults(schema: Mapping[str, Any], value: Any) -> list[str]:
    """Return what is wrong with a value, each with its place."""
    found = Draft7Validator(schema).iter_errors(value)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in found]


def part(schema: Mapping[str, Any], definition: str, name: str) -> Mapping[str, Any] | None:
    """Return the schema of a property of a definition; None where there is no such property."""
    properties = schema["definitions"][definition]["properties"]
    return {**properties[name], "definitions": schema["definitions"]} if name in properties else None


def all_faults(folder: Path, board: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a board, by all that Grafana has published of it."""
    dashboard = read(folder / "dashboard.json")
    yield from faults(dashboard, board)
    for panel in board["panels"]:
        kind, where = panel["type"], panel["title"]
        yield from (f"{where}: {f}" for f in faults(read(folder / f"{kind}.options.json"), panel["options"]))
        for target in panel.get("targets", ()):
            yield from (f"{where}: {f}" for f in faults(read(folder / "dataquery.json"), target))
        fields = folder / f"{kind}.fields.json"
        custom = panel["fieldConfig"]["defaults"].get("custom", {})
        overridden = [
            (prop["id"], prop["value"])
            for override in panel["fieldConfig"]["overrides"]
            for prop in override["properties"]
        ]
        for name, value in [*((f"custom.{name}", value) for name, value in custom.items()), *overridden]:
            own = name.removeprefix("custom.")
            schema = (
                part(dashboard, "FieldConfig", name)
                if own == name
                else part(read(fields), "FieldConfig", own)
                if fields.exists()
                else None
            )
            if schema is None:
                yield f"{where}: {kind} has no field property {name}"
            else:
                yield from (f"{where}: {name}: {fault}" for fault in faults(schema, value))


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_is_what_grafana_s_types_say(schemas: Path, name: str) -> None:
    assert list(all_faults(schemas, BOARDS[name])) == []


def set_at(board: dict[str, Any], path: str, value: Any) -> None:
    """Set what stands at a path such as ``panels/0/type``."""
    *before, last = path.split("/")
    place: Any = board
    for step in before:
        place = place[int(step) if step.isdecimal() else step]
    place[int(last) if last.isdecimal() else last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("weekstart", "monday"),
        ("graphTooltip", 7),
        ("panels/0/gridpos", {}),
        ("panels/0/options/colormode", "value"),
        ("panels/0/options/textMode", "all"),
        ("panels/0/fieldConfig/defaults/noValues", "–"),
        ("panels/0/targets/0/refId", 1),
        ("panels/7/fieldConfig/defaults/custom/spanNull", True),
        ("panels/7/fieldConfig/defaults/custom/drawStyle", "zigzag"),
        ("panels/0/fieldConfig/overrides/0/properties/0/id", "units"),
        ("templating/list/0/includeall", True),
        ("annotations/list/0/target/limit", "many"),
        ("links/0/keeptime", True),
    ],
)
def test_what_grafana_does_not_know_is_found(schemas: Path, path: str, value: Any) -> None:
    board = copy.deepcopy(BOARDS["lagesbild"])
    set_at(board, path, value)
    assert list(all_faults(schemas, board))


def test_the_types_are_of_the_grafana_that_is_installed() -> None:
    pinned = json.loads((ROOT / ".ci" / "grafana-schema" / "package.json").read_text(encoding="utf-8"))
    image = read_compose().services["grafana"].image
    assert pinned["dependencies"]["@grafana/schema"] == image.split(":")[1]


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((ROOT / ".ci" / "grafana-schema" / "package-lock.json").read_text(encoding="utf-8"))
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert package.get("integrity") or name == ""
