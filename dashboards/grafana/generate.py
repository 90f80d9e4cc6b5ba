"""Writing the generated dashboards, and checking that the committed ones are current."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from dashboards.grafana.alarms import alarms
from dashboards.grafana.alerting import alerting_files
from dashboards.grafana.boards import Choices, boards

PREFIX = "kommuncenter-"
"""Every uid of ours begins so."""
COMMITTED = Path(__file__).parent / "generated"
"""The committed dashboards, made of the shipped catalogue. Grafana's provisioning reads this folder."""

COMMITTED_ALERTING = Path(__file__).parent / "provisioning" / "alerting"
"""The committed alarms, likewise."""


def generate(choices: Choices | None = None) -> Mapping[str, str]:
    """Return file name -> JSON of every dashboard: as shipped, or as an installation has chosen."""
    return {f"{board.uid.removeprefix(PREFIX)}.json": board.to_json() for board in boards(choices)}


def generate_alerting(choices: Choices | None = None) -> Mapping[str, str]:
    """Return file name -> YAML of the alarms: as shipped, or as an installation has chosen."""
    chosen = choices or Choices()
    return alerting_files(alarms(chosen.catalogue, chosen.definitions), boards(choices))


def write(folder: Path, choices: Choices | None = None) -> list[Path]:
    """Write the dashboards into a folder, made when it is not there; return the files."""
    return write_files(folder, generate(choices))


def write_alerting(folder: Path, choices: Choices | None = None) -> list[Path]:
    """Write the alarms into a folder, made when it is not there; return the files."""
    return write_files(folder, generate_alerting(choices))


def write_files(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write files into a folder, made when it is not there; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def check(folder: Path) -> list[str]:
    """Return how the dashboards in a folder differ from the registry; empty when they are current."""
    return differences(folder, generate(), "*.json")


def check_alerting(folder: Path) -> list[str]:
    """Return how the alarms in a folder differ from the registry; empty when they are current."""
    return differences(folder, generate_alerting(), "*.yaml")


def differences(folder: Path, wanted: Mapping[str, str], pattern: str) -> list[str]:
    """Return how files in a folder differ from those wanted, and which are there beside them."""
    found: list[str] = []
    for name, text in wanted.items():
        path = folder / name
        have = path.read_text(encoding="utf-8") if path.exists() else ""
        found += difflib.unified_diff(
            have.splitlines(), text.splitlines(), str(path), "registry", lineterm=""
        )
    strangers = sorted(path.name for path in folder.glob(pattern) if path.name not in wanted)
    return found + [f"{folder / name}: made by nothing in the registry; delete it" for name in strangers]
