"""`source new` makes a source that passes the kit, ruff and mypy as it stands: here, outside, and in TOML."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kommuncenter.cli import app
from kommuncenter.conformance import all_checks
from kommuncenter.sources.new import CHANNELS, new_mapped_source, new_source
from producers import registry
from producers.mapped.source import load_source
from schemas.errors import ConfigurationError
from schemas.events import Channel

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("schemas", "producers", "streams", "dashboards", "kommuncenter")


def run(command: Sequence[str], where: Path, *paths: Path) -> str:
    """Run a program of this environment; fail with what it wrote where it fails."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "COLUMNS": "110",
    }
    done = subprocess.run(
        command, cwd=where, env=environment, capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(autouse=True)
def no_installation() -> Iterator[None]:
    """Forget the folder of mapped sources that a command looked into."""
    yield
    registry.look_in(None)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout's code, with a new source of each channel in it."""
    copy = tmp_path_factory.mktemp("checkout")
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(ROOT / package, copy / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for channel in CHANNELS:
        new = ("-m", "kommuncenter", "source", "new", f"new_{channel}", "--channel", channel.value)
        run([sys.executable, *new], copy, copy)
    return copy


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of its own, installed beside this environment: its folder holds `site` too."""
    directory = tmp_path_factory.mktemp("outside") / "parkering"
    new_source("parkering", Channel.VISIT, directory)
    install = ("uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--no-build-isolation")
    run([*install, "--python", sys.executable, "--target", "site", "."], directory)
    return directory


@pytest.mark.slow
def test_a_source_in_the_checkout_passes_the_kit(checkout: Path) -> None:
    names = [f"new_{channel}" for channel in CHANNELS]
    said = run([sys.executable, "-m", "kommuncenter", "source", "test", *names], checkout, checkout)
    assert said.count("ok  ") == 7 * len(names)
    assert "NO" not in said


@pytest.mark.slow
def test_a_source_in_the_checkout_passes_ruff_and_mypy(checkout: Path) -> None:
    folders = [f"producers/sources/new_{channel}" for channel in CHANNELS]
    run(["ruff", "check", "--no-cache", *folders], checkout)
    run(["ruff", "format", "--no-cache", "--check", *folders], checkout)
    run(["mypy", "--no-incremental", *folders], checkout)


@pytest.mark.slow
def test_a_package_of_its_own_is_found_and_passes_the_kit_by_pytest(package: Path) -> None:
    listed = run([sys.executable, "-m", "kommuncenter", "source", "list"], package, package / "site")
    assert "parkering" in listed
    said = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], package, package / "site")
    assert "7 passed" in said


@pytest.mark.slow
def test_a_package_of_its_own_passes_ruff_and_mypy(package: Path) -> None:
    code = ["kommuncenter_parkering", "tests"]
    run(["ruff", "check", "--no-cache", *code], package)
    run(["ruff", "format", "--no-cache", "--check", *code], package)
    run(["mypy", "--no-incremental", *code], package)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_mapped_source_passes_the_kit_with_every_fault_noticed(channel: Channel, tmp_path: Path) -> None:
    folder = new_mapped_source("parkering", channel, tmp_path)
    checked = list(all_checks(load_source(folder), folder, mutants=1000))
    assert len(checked) == 7
    assert [problem for _, problems in checked for problem in problems] == []
    assert not list(folder.rglob("*.py"))


def test_a_mapped_source_is_made_beside_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KC_CONFIG", raising=False)
    (tmp_path / "kommuncenter.toml").touch()
    new = ["source", "new", "parkering", "--channel", "visit", "--mapped"]
    assert CliRunner().invoke(app, new).exit_code == 0
    assert (tmp_path / "sources/parkering/source.toml").is_file()
    again = CliRunner().invoke(app, new)
    assert again.exit_code == 2
    assert "there is such a source already" in " ".join(again.stderr.split())


@pytest.mark.parametrize("name", ["Parkering", "9lives", "class", "a-b", "_x", "x_", "", "x" * 25, "mail"])
def test_a_name_that_can_not_be_used_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        new_source(name, Channel.VISIT, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_directory_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ConfigurationError, match="is not empty"):
        new_source("parkering", Channel.VISIT, tmp_path)


def test_outside_a_checkout_a_directory_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "SOURCES_FOLDER", tmp_path / "producers" / "sources")
    with pytest.raises(ConfigurationError, match="--directory"):
        new_source("parkering", Channel.VISIT)


def test_a_channel_without_a_template_is_refused_in_a_line() -> None:
    result = CliRunner().invoke(app, ["source", "new", "parkering", "--channel", "unknown"])
    assert result.exit_code == 2
    assert "choose telephone, email, visit" in " ".join(result.stderr.split())
