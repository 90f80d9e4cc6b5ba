"""Writing the generated dashboards, and checking that the committed ones are current."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from dashboards.definitions import STANDARD, Definitions
from dashboards.grafana.lagesbild import lagesbild
from schemas.catalogue import Catalogue, load_catalogue

COMMITTED = Path(__file__).parent / "generated"
"""The committed dashboards, made of the shipped catalogue. Grafana's provisioning reads this folder."""


def generate(catalogue: Catalogue | None = None, definitions: Definitions = STANDARD) -> Mapping[str, str]:
    """Return file name -> JSON of every dashboard, by the shipped catalogue unless given another."""
    dashboard = lagesbild(catalogue or load_catalogue(), definitions)
    return {"lagesbild.json": dashboard.to_json()}


def write(folder: Path, definitions: Definitions = STANDARD) -> list[Path]:
    """Write the dashboards into a folder, made when it is not there; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in generate(definitions=definitions).items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def check(folder: Path) -> list[str]:
    """Return how the dashboards in a folder differ from the registry; empty when they are current."""
    found: list[str] = []
    wanted = generate()
    for name, text in wanted.items():
        path = folder / name
        have = path.read_text(encoding="utf-8") if path.exists() else ""
        found += difflib.unified_diff(
            have.splitlines(), text.splitlines(), str(path), "registry", lineterm=""
        )
    strangers = sorted(path.name for path in folder.glob("*.json") if path.name not in wanted)
    return found + [f"{folder / name}: made by no dashboard; delete it" for name in strangers]
