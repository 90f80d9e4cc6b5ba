"""``kommuncenter report``: which files it writes, that it writes all or none, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kommuncenter import reporting
from kommuncenter.cli import app
from kommuncenter.clocks import ScaledClock
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.errors import ConfigurationError
from tests.dashboards.samples import RowStore, invented_days
from tests.dashboards.stored import Stored, database_with

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stored(clickhouse: EmbeddedClickHouse) -> Iterator[Stored]:
    with database_with(clickhouse, RowStore(invented_days(date(2026, 8, 31), 84, seed=9))) as found:
        yield found


@pytest.fixture(autouse=True)
def settings(stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that lead to the store, in a folder of their own."""
    chosen = stored.writer._settings
    clock = ScaledClock(datetime(2026, 12, 31, 12, tzinfo=UTC), datetime.now(UTC), 1.0)
    config = tmp_path / "kommuncenter.toml"
    config.write_text(
        f'state_dir = "{tmp_path / "state"}"\nclock = "{clock.spec()}"\n'
        f'[clickhouse]\nhost = "{chosen.host}"\nport = {chosen.port}\nuser = "{chosen.user}"\n'
        f'password = "{chosen.password.get_secret_value()}"\ndatabase = "{chosen.database}"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("KC_CONFIG", str(config))
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", *arguments])


def test_a_week_goes_to_standard_output_as_a_page(tmp_path: Path) -> None:
    result = run("--week", "2026-W46")
    assert result.exit_code == 0, result.output
    assert "<title>Veckorapport för Kommuncenter, vecka\u00a046, 2026</title>" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kommuncenter.toml"]


def test_a_file_that_is_named_gets_the_same(tmp_path: Path) -> None:
    assert run("--week", "2026-W46", "--out", "there/report.html").exit_code == 0
    written = (tmp_path / "there" / "report.html").read_text(encoding="utf-8")
    assert written == run("--week", "2026-W46").stdout


def test_every_format_is_written_into_a_folder(tmp_path: Path) -> None:
    result = run("--month", "2026-10", "--format", "html,pdf,csv,xlsx,json", "--out", "reports")
    assert result.exit_code == 0, result.output
    names = {f"rapport-2026-10.{name}" for name in ("html", "pdf", "csv", "xlsx", "json")}
    assert {path.name for path in (tmp_path / "reports").iterdir()} == names
    assert (tmp_path / "reports" / "rapport-2026-10.pdf").read_bytes().startswith(b"%PDF-")
    found = json.loads((tmp_path / "reports" / "rapport-2026-10.json").read_text(encoding="utf-8"))
    assert found["period"] == "2026-10"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("--tertial", "2026-T3"), "rapport-2026-T3"),
        (("--from", "2026-11-02", "--to", "2026-11-15"), "rapport-2026-11-02--2026-11-15"),
        (("--week", "2026-W46", "--area", "omsorg-stod"), "rapport-2026-W46-omsorg-stod"),
        (("--week", "2026-W46", "--public"), "rapport-2026-W46-offentlig"),
    ],
)
def test_files_are_named_after_what_they_hold(arguments: tuple[str, ...], name: str, tmp_path: Path) -> None:
    result = run(*arguments, "--format", "json,html", "--out", ".")
    assert result.exit_code == 0, result.output
    assert (tmp_path / f"{name}.json").exists()
    assert (tmp_path / f"{name}.html").exists()


def test_a_public_report_is_kept_in_mind_when_it_is_published(tmp_path: Path) -> None:
    first = run("--week", "2026-W45", "--public", "--format", "json")
    assert first.exit_code == 0, first.output
    assert not (tmp_path / "state").exists()
    published = run("--week", "2026-W45", "--public", "--format", "json", "--out", "x.json", "--publish")
    assert published.exit_code == 0, published.output
    assert "is kept as published" in published.stderr
    [line] = (tmp_path / "state" / "public-reports.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["period"] == "2026-W45"
    again = run("--week", "2026-W45", "--public", "--format", "json", "--out", "y.json", "--publish")
    assert "was kept already as published" in again.stderr
    assert (tmp_path / "x.json").read_bytes() == (tmp_path / "y.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name one period"),
        (("--week", "2026-W46", "--month", "2026-11"), "not --week and --month at once"),
        (("--week", "46"), "no such ISO week; write it as 2026-W47"),
        (("--month", "2026-13"), "no such month; write it as 2026-11"),
        (("--from", "2026-11-02"), "name both"),
        (("--week", "2199-W01"), "has not begun"),
        (("--week", "2026-W46", "--area", "vatten"), "not in the catalogue"),
        (("--week", "2026-W46", "--compare", "often"), "there are previous, last-year"),
        (("--week", "2026-W46", "--format", "docx"), "there are html, pdf, csv, xlsx, json"),
        (("--week", "2026-W46", "--format", "html,pdf"), "need a folder"),
        (("--week", "2026-W46", "--format", "pdf", "--out", "r.html"), "ends otherwise"),
        (("--week", "2026-W46", "--format", "html,pdf", "--out", "kommuncenter.toml"), "is no folder"),
    ],
)
def test_what_is_refused_is_told_and_writes_nothing(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["kommuncenter.toml"]


def test_files_are_written_all_or_none(tmp_path: Path) -> None:
    old = tmp_path / "one.html"
    old.write_bytes(b"old")
    (tmp_path / "two.pdf").mkdir()  # can't be replaced by a file
    with pytest.raises(ConfigurationError, match=r"two\.pdf"):
        reporting.write({old: b"new", tmp_path / "two.pdf": b"new"})
    assert old.read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"kommuncenter.toml", "one.html", "two.pdf"}
