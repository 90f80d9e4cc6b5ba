"""A dry run shows what would come of a sample, and which of its fields make no difference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from kommuncenter.cli import app
from kommuncenter.sources.dry_run import dry_run, event_rows, unread_fields
from producers import registry
from producers.conformance.cases import KEY
from producers.contract import (
    Context,
    Normalised,
    Raw,
    Reader,
    ReaderContext,
    Reason,
    Rejected,
    Source,
    SourceSettings,
)
from schemas.catalogue import load_catalogue
from schemas.errors import ConfigurationError
from schemas.events import Abandoned, AbandonedData, Channel
from schemas.identity import Pseudonymiser, stable_hash

CATALOGUE = load_catalogue()
CONTEXT = Context("reading", Pseudonymiser(KEY), CATALOGUE, 1)
DESK = registry.SOURCES_FOLDER / "desk" / "cases"


@pytest.fixture(autouse=True)
def no_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a folder without settings, and forget where a command looked for sources."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KC_CONFIG", raising=False)
    yield
    registry.look_in(None)


def reading(*paths: str) -> Source[SourceSettings]:
    """Return a source that reads just these paths (``a.b[].c``) of a record, and makes an id of them."""

    def read(value: Any, path: list[str]) -> object:
        if not path:
            return value
        if path[0] == "[]":
            return [read(item, path[1:]) for item in value] if isinstance(value, list) else None
        return read(value.get(path[0]), path[1:]) if isinstance(value, dict) else None

    def normalise(raw: Raw, settings: SourceSettings, context: Context) -> Normalised:
        try:
            record = json.loads(raw.payload)
        except ValueError:
            return Rejected(Reason.UNREADABLE, "no JSON")
        said = [read(record, path.replace("[]", ".[]").split(".")) for path in paths]
        return (
            Abandoned(
                id=stable_hash(json.dumps(said, sort_keys=True)),
                source=context.instance,
                subject="system:1",
                time="2026-11-24T08:00:00Z",
                data=AbandonedData(channel=Channel.TELEPHONE),
            ),
        )

    def no_reader(settings: SourceSettings, context: ReaderContext) -> Reader:
        raise AssertionError("a dry run reads nothing by itself")

    return Source("reading", Channel.TELEPHONE, SourceSettings, normalise, no_reader)


LEAVES = {
    "id": st.integers(),
    "detail.queue": st.text(max_size=3),
    "detail.tags[]": st.lists(st.text(max_size=3), min_size=1, max_size=3),
    "calls[].agent": st.integers(),
    "calls[].seconds": st.integers(),
    "note": st.none() | st.just({}) | st.just([]),
}


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """JSON records with all of LEAVES in them, or some of the outermost."""
    found = {name: draw(strategy) for name, strategy in LEAVES.items()}
    record = {
        "id": found["id"],
        "detail": {"queue": found["detail.queue"], "tags": found["detail.tags[]"]},
        "calls": [{"agent": found["calls[].agent"], "seconds": found["calls[].seconds"]}],
        "note": found["note"],
    }
    return json.dumps(record).encode()


@given(st.lists(records(), min_size=1, max_size=3), st.sets(st.sampled_from(sorted(LEAVES))))
def test_just_the_fields_that_are_not_read_are_told(payloads: list[bytes], read: set[str]) -> None:
    raws = [Raw(payload, f"line {n}") for n, payload in enumerate(payloads)]
    unread = unread_fields(reading(*sorted(read)), SourceSettings(), CONTEXT, raws)
    assert unread == sorted(LEAVES.keys() - read)


def test_a_field_that_one_record_of_many_reads_is_read() -> None:
    raws = [Raw(json.dumps({"a": n}).encode(), f"line {n}") for n in range(3)]
    assert unread_fields(reading("a"), SourceSettings(), CONTEXT, raws) == []


def test_of_what_is_no_json_object_nothing_can_be_told() -> None:
    raws = [Raw(payload, "line 1") for payload in (b"no JSON", b"[1]", b"3", b"")]
    assert unread_fields(reading("a"), SourceSettings(), CONTEXT, raws) is None


def test_a_case_is_run_with_its_settings() -> None:
    found = dry_run("desk", DESK / "visits", None, CATALOGUE)
    assert found.records == len(found.outcome.events) == 8
    assert found.unread == ["note"]
    rows = list(event_rows(found.outcome.events))
    assert rows[0] == ("2026-11-23 08:30:00", "contact.queued", "koordinaten:a1", "queue=koordinaten")
    assert rows[2][3] == "party=known"


def test_a_file_is_run_with_the_sample_or_with_settings_that_are_given(tmp_path: Path) -> None:
    sample = tmp_path / "visits.jsonl"
    sample.write_bytes((DESK / "visits" / "input.jsonl").read_bytes())
    assert dry_run("desk", sample, None, CATALOGUE).outcome.events[0].subject == "koordinaten:a1"
    settings = tmp_path / "settings.toml"
    settings.write_text('journal = "visits.jsonl"\nsystem = "biblioteket"\n', encoding="utf-8")
    assert dry_run("desk", sample, settings, CATALOGUE).outcome.events[0].subject == "biblioteket:a1"


def test_a_folder_is_one_record_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "lines"
    folder.mkdir()
    for number, line in enumerate((DESK / "visits" / "input.jsonl").read_bytes().splitlines()):
        (folder / f"{number}.json").write_bytes(line)
    assert dry_run("desk", folder, None, CATALOGUE).records == 8


def test_a_mapped_source_tells_just_what_no_expression_reads() -> None:
    found = dry_run("qmatic", registry.SOURCES_FOLDER / "qmatic" / "cases" / "visits", None, CATALOGUE)
    assert found.unread
    assert "eventName" not in found.unread


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("journal = ", "not valid TOML"),
        ("journal = 1", "journal: "),
        ('journal = "a"\nunheard_of = 1', "unheard_of: "),
        (None, "can't be read"),
    ],
)
def test_what_is_wrong_with_settings_is_told_with_file_and_key(
    settings: str | None, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "settings.toml"
    if settings is not None:
        path.write_text(settings, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=why) as error:
        dry_run("desk", DESK / "visits" / "input.jsonl", path, CATALOGUE)
    assert str(error.value).startswith(str(path))


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["source", *arguments])
    return result.exit_code, " ".join(result.output.split())


def test_the_command_shows_events_rejections_and_unread_fields() -> None:
    code, said = run("check", "desk", "--sample", str(DESK / "visits"))
    assert code == 0
    assert "contact.queued │ koordinaten:a1 │ queue=koordinaten" in said
    assert "Fields that nobody reads: note" in said
    assert (
        "8 records; 8 events (2 queued, 2 answered, 2 handed_over, 1 ended, 1 no_show); 0 rejected." in said
    )
    code, said = run("check", "desk", "--sample", str(DESK / "rejected"))
    assert code == 0
    assert "line 5 │ missing_field │ visit is missing" in said
    assert "Nothing was sent." in said


def test_the_command_prints_all_of_it_as_json() -> None:
    result = CliRunner().invoke(
        app, ["source", "check", "desk", "--sample", str(DESK / "rejected"), "--json"]
    )
    said = json.loads(result.stdout)
    assert said["records"] == len(said["events"]) + len(said["rejections"])
    assert {row["place"] for row in said["rejections"]} >= {"line 1", "line 2"}
    assert said["unread"] is not None


def test_a_sample_that_is_not_there_and_an_unknown_source_are_told_in_a_line() -> None:
    for arguments in (("desk", "--sample", "nowhere.jsonl"), ("unheard_of", "--sample", str(DESK))):
        code, said = run("check", *arguments)
        assert code == 2
        assert said.startswith("kommuncenter: ")


def test_the_kit_is_run_by_a_command_that_fails_where_the_source_does(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    code, _ = run("new", "parkering", "--channel", "visit", "--mapped")
    assert code == 0
    code, said = run("test", "parkering", "--examples", "5", "--mutants", "5")
    assert code == 0
    assert said.count("ok parkering: ") == 7
    mapping = tmp_path / "sources" / "parkering" / "source.toml"
    mapping.write_text(mapping.read_text("utf-8").replace("'no show'", "'never came'"), encoding="utf-8")
    code, said = run("test", "parkering", "--examples", "5", "--mutants", "5")
    assert code == 1
    assert "NO parkering: golden cases" in said
    assert "parkering/usual: events: 4 found, 5 expected" in said
    code, _ = run("golden", "parkering")
    assert code == 0
    code, said = run("test", "parkering", "--examples", "5", "--mutants", "0")
    assert "ok parkering: golden cases" in said
    assert "NO parkering: figures" in said
