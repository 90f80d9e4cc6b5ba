"""Publishing to a Grafana over HTTP: first time, again, changed by us, by a person, and what can be wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse
from typer.testing import CliRunner, Result

from dashboards.grafana.boards import boards
from dashboards.grafana.model import DATA_SOURCE_UID, Dashboard
from dashboards.grafana.overlays import DEPLOYED_TAG
from dashboards.grafana.publish import FOLDER_UID, Fate, Outcome, digest, publish
from kommuncenter.cli import app
from kommuncenter.embedded.processes import free_port
from kommuncenter.grafana import connected
from kommuncenter.settings import GrafanaSettings
from schemas.errors import ConfigurationError, RetriableError
from tests.dashboards.grafana_stub import TOKEN, Stub, grafana_stub

OURS = boards()
KRIS = next(board for board in OURS if board.title == "Kris")


@pytest.fixture
def stub() -> Iterator[Stub]:
    with grafana_stub() as found:
        yield found


def settings_of(stub: Stub, token: str = TOKEN, url: str | None = None) -> GrafanaSettings:
    return GrafanaSettings(url=url or stub.url, token=SecretStr(token), timeout=5)


def published(
    stub: Stub,
    ours: tuple[Dashboard, ...] = OURS,
    *,
    token: str = TOKEN,
    dry_run: bool = False,
    force: bool = False,
) -> list[Outcome]:
    with connected(settings_of(stub, token)) as remote:
        return publish(remote, ours, dry_run=dry_run, force=force)


def fates(outcomes: list[Outcome]) -> dict[str, Fate]:
    return {outcome.title: outcome.fate for outcome in outcomes}


def changed(board: Dashboard, **update: Any) -> tuple[Dashboard, ...]:
    return tuple(b.model_copy(update=update) if b is board else b for b in OURS)


# ---- the ways that it goes -----------------------------------------------------------------------


def test_the_first_time_folder_and_boards_are_made(stub: Stub) -> None:
    outcomes = published(stub)
    assert set(fates(outcomes).values()) == {Fate.CREATED}
    assert stub.folders == {FOLDER_UID: "Kommuncenter"}
    assert stub.boards.keys() == {board.uid for board in OURS}
    for board in OURS:
        there = stub.boards[board.uid]
        assert there.folder == FOLDER_UID
        wanted = json.loads(board.to_json())
        assert {name: there.dashboard[name] for name in wanted} == wanted
        assert there.versions[-1]["message"] == f"kommuncenter {digest(wanted)}"
    [mark] = stub.annotations
    assert mark["tags"] == [DEPLOYED_TAG]
    assert mark["text"].startswith("Tavlor uppdaterade: Lägesbild, Uppföljning")


def test_the_second_time_nothing_is_written(stub: Stub) -> None:
    published(stub)
    stub.writes.clear()
    assert set(fates(published(stub)).values()) == {Fate.UNCHANGED}
    assert stub.writes == []


def test_a_board_that_we_changed_is_updated_and_its_difference_told(stub: Stub) -> None:
    published(stub)
    stub.writes.clear()
    outcomes = published(stub, changed(KRIS, description="En annan beskrivning."))
    assert fates(outcomes).pop("Kris") is Fate.UPDATED
    assert {fate for title, fate in fates(outcomes).items() if title != "Kris"} == {Fate.UNCHANGED}
    assert stub.writes == ["/api/dashboards/db", "/api/annotations"]
    assert stub.boards[KRIS.uid].dashboard["description"] == "En annan beskrivning."
    [told] = [outcome for outcome in outcomes if outcome.written]
    assert '+  "description": "En annan beskrivning.",' in told.difference
    assert not any('"version"' in line for line in told.difference)


def test_a_dry_run_tells_the_same_and_writes_nothing(stub: Stub) -> None:
    would = published(stub, dry_run=True)
    assert set(fates(would).values()) == {Fate.CREATED}
    assert (stub.writes, stub.folders, stub.boards) == ([], {}, {})
    published(stub)
    stub.change(OURS[0].uid, "anna", title="Annas bild")
    stub.writes.clear()
    ours = changed(KRIS, description="En annan beskrivning.")
    would = published(stub, ours, dry_run=True)
    assert stub.writes == []
    assert would == published(stub, ours)


def test_a_board_of_ours_that_a_person_changed_is_kept_until_forced(stub: Stub) -> None:
    published(stub)
    stub.change(KRIS.uid, "anna", "Större siffror", title="Annas kris")
    outcomes = published(stub, changed(KRIS, description="En annan beskrivning."))
    [kept] = [outcome for outcome in outcomes if outcome.title == "Kris"]
    assert (kept.fate, kept.saved_by) == (Fate.KEPT, "anna")
    assert '-  "title": "Annas kris",' in kept.difference
    assert stub.boards[KRIS.uid].dashboard["title"] == "Annas kris"
    assert fates(published(stub, force=True))["Kris"] is Fate.UPDATED
    assert stub.boards[KRIS.uid].dashboard["title"] == "Kris"
    assert fates(published(stub))["Kris"] is Fate.UNCHANGED


def test_a_person_who_saves_with_our_older_message_is_noticed_all_the_same(stub: Stub) -> None:
    """Restoring our older version writes a message of its own, and that is a person's change."""
    published(stub)
    published(stub, changed(KRIS, description="En annan beskrivning."))
    stub.change(KRIS.uid, "anna", "Restored from version 1", description=KRIS.description)
    assert fates(published(stub))["Kris"] is Fate.KEPT


def test_a_version_that_is_not_listed_is_taken_for_a_person_s(stub: Stub) -> None:
    """Better to ask once too often than to overwrite what somebody made."""
    published(stub)
    stub.oldest_first = True
    assert set(fates(published(stub)).values()) == {Fate.UNCHANGED}
    for number in range(25):
        stub.change(KRIS.uid, "anna", title=f"Annas kris {number}")
    outcomes = published(stub)
    assert fates(outcomes)["Kris"] is Fate.KEPT
    assert next(o.saved_by for o in outcomes if o.title == "Kris") == "anna"


def test_boards_and_folders_of_others_are_not_touched(stub: Stub) -> None:
    stub.folders["annas"] = "Annas mapp"
    stub.put({"uid": "annas-tavla", "title": "Kris"}, "annas")
    published(stub)
    published(stub, changed(KRIS, description="En annan beskrivning."), force=True)
    assert stub.folders["annas"] == "Annas mapp"
    assert len(stub.boards["annas-tavla"].versions) == 1


def test_a_board_that_was_moved_and_a_folder_that_was_renamed_stay_so(stub: Stub) -> None:
    published(stub)
    stub.folders["annas"] = "Annas mapp"
    stub.folders[FOLDER_UID] = "Kontaktcentret"
    stub.boards[KRIS.uid].folder = "annas"
    assert fates(published(stub, changed(KRIS, description="En annan beskrivning.")))["Kris"] is Fate.UPDATED
    assert stub.boards[KRIS.uid].folder == "annas"
    assert stub.folders[FOLDER_UID] == "Kontaktcentret"


def test_a_provisioned_board_is_told_and_not_written(stub: Stub) -> None:
    stub.put(json.loads(KRIS.to_json()), FOLDER_UID, provisioned=True)
    for force in (False, True):
        outcomes = published(stub, force=force)
        assert fates(outcomes)["Kris"] is Fate.PROVISIONED
    assert len(stub.boards[KRIS.uid].versions) == 1


def test_a_board_that_was_removed_is_made_again(stub: Stub) -> None:
    published(stub)
    del stub.boards[KRIS.uid]
    assert fates(published(stub))["Kris"] is Fate.CREATED


def test_grafana_below_a_path_behind_a_proxy() -> None:
    with grafana_stub("/grafana") as found:
        assert set(fates(published(found)).values()) == {Fate.CREATED}
        with connected(settings_of(found, url=f"{found.url}/")) as remote:
            assert set(fates(publish(remote, OURS)).values()) == {Fate.UNCHANGED}


# ---- what others do at the same moment -----------------------------------------------------------


def test_a_board_that_is_saved_at_the_same_moment_is_not_overwritten(stub: Stub) -> None:
    published(stub)
    stub.before_save = lambda: stub.change(KRIS.uid, "anna", title="Annas kris")
    with pytest.raises(RetriableError, match=r"Kris was saved by someone else.*publish again"):
        published(stub, changed(KRIS, description="En annan beskrivning."))
    assert stub.boards[KRIS.uid].dashboard["title"] == "Annas kris"


@pytest.mark.parametrize("answer", [409, 412])
def test_a_folder_that_is_made_at_the_same_moment_is_used(stub: Stub, answer: int) -> None:
    stub.folder_taken = answer
    stub.before_folder = lambda: stub.folders.setdefault(FOLDER_UID, "Kommuncenter")
    assert set(fates(published(stub)).values()) == {Fate.CREATED}


def test_a_folder_of_the_same_name_is_told(stub: Stub) -> None:
    stub.folders["annas"] = "Kommuncenter"
    with pytest.raises(ConfigurationError, match=r"folder 'Kommuncenter' can't be made.*uid kommuncenter"):
        published(stub)


def test_a_folder_that_is_removed_at_the_same_moment_is_told(stub: Stub) -> None:
    stub.before_save = stub.folders.clear
    with pytest.raises(RetriableError, match=r"folder of Lägesbild was removed.*publish again"):
        published(stub)


def test_a_run_that_broke_off_goes_on(stub: Stub) -> None:
    stub.answers[f"/api/dashboards/uid/{KRIS.uid}"] = JSONResponse({"message": "database is locked"}, 500)
    with pytest.raises(RetriableError, match=r"answers 500.*database is locked.*publish again"):
        published(stub)
    assert 0 < len(stub.boards) < len(OURS)
    stub.answers.clear()
    found = fates(published(stub))
    assert (found["Lägesbild"], found["Kris"]) == (Fate.UNCHANGED, Fate.CREATED)


# ---- what can be wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (500, RetriableError, r"answers 500: Internal.*publish again"),
        (502, RetriableError, r"answers 502"),
        (503, RetriableError, r"answers 503"),
        (400, ConfigurationError, r"answer 400.*Grafana 12 or 13"),
        (429, ConfigurationError, r"answer 429"),
    ],
)
def test_what_grafana_answers_is_told_with_what_to_do(
    stub: Stub, status: int, error: type[Exception], told: str
) -> None:
    stub.answers["/api"] = JSONResponse({"message": "Internal server error"}, status)
    with pytest.raises(error, match=told):
        published(stub)


def test_a_wrong_token_is_told_and_nothing_of_it(stub: Stub) -> None:
    with pytest.raises(
        ConfigurationError, match=r"token is not accepted.*role Editor.*KC_GRAFANA__TOKEN"
    ) as told:
        published(stub, token="glsa_another")
    assert "glsa" not in str(told.value)
    assert stub.writes == []


def test_a_token_without_the_rights_is_told(stub: Stub) -> None:
    stub.rights = False
    with pytest.raises(ConfigurationError, match=r"rights do not suffice.*role Editor"):
        published(stub)


def test_grafana_that_is_away_is_told() -> None:
    away = GrafanaSettings(url=f"http://127.0.0.1:{free_port()}", token=SecretStr(TOKEN))
    with connected(away) as remote, pytest.raises(RetriableError, match=r"can't be reached.*is it started"):
        publish(remote, OURS)


@pytest.mark.parametrize(
    "page",
    [
        HTMLResponse("<html>Logga in</html>"),
        HTMLResponse("<html>Bad gateway</html>", 404),
        RedirectResponse("/login"),
        JSONResponse(["not", "a", "board"]),
    ],
    ids=["a page", "a page that is not there", "a redirect", "another answer"],
)
def test_what_is_not_grafana_is_told(stub: Stub, page: Any) -> None:
    stub.answers["/api"] = page
    stub.answers["/login"] = HTMLResponse("<html>Logga in</html>")
    with pytest.raises(ConfigurationError):
        published(stub)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (GrafanaSettings(), r"grafana\.url is not set"),
        (GrafanaSettings(url="https://grafana.example"), r"grafana\.token is not set.*service account"),
        (GrafanaSettings(url="grafana.example:3000", token=SecretStr("t")), r"no address; write it as"),
        (GrafanaSettings(url="ftp://grafana.example", token=SecretStr("t")), r"no address; write it as"),
    ],
)
def test_settings_that_do_not_do_are_told(settings: GrafanaSettings, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told), connected(settings):
        pass


# ---- the command ---------------------------------------------------------------------------------


def run(stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str) -> Result:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KC_GRAFANA__URL", stub.url)
    monkeypatch.setenv("KC_GRAFANA__TOKEN", TOKEN)
    return CliRunner().invoke(app, ["dashboards", *arguments])


def test_the_command_tells_what_it_did_and_exits_with_1_for_what_it_kept(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    would = run(stub, monkeypatch, tmp_path, "publish", "--dry-run")
    assert (would.exit_code, stub.writes) == (0, [])
    assert "Kris: would be created" in would.output
    assert "Kris: created" in run(stub, monkeypatch, tmp_path, "publish").output
    stub.change(KRIS.uid, "anna", title="Annas kris")
    kept = run(stub, monkeypatch, tmp_path, "publish")
    assert kept.exit_code == 1
    assert '-  "title": "Annas kris",' in kept.output
    assert "Kris: kept: changed by anna in Grafana" in kept.output
    forced = run(stub, monkeypatch, tmp_path, "publish", "--force")
    assert (forced.exit_code, "Kris: updated" in forced.output) == (0, True)


def test_a_data_source_that_is_missing_is_told(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = run(stub, monkeypatch, tmp_path, "publish")
    assert missing.exit_code == 0
    assert f"no data source {DATA_SOURCE_UID}" in " ".join(missing.output.split())
    stub.data_sources.add(DATA_SOURCE_UID)
    assert "no data source" not in run(stub, monkeypatch, tmp_path, "publish").output
    stub.data_sources.clear()
    stub.rights = False
    assert "no data source" not in run(stub, monkeypatch, tmp_path, "publish", "--dry-run").output


def test_the_command_publishes_by_the_installation_s_settings(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KC_FIRST_CONTACT_DAYS", "14")
    run(stub, monkeypatch, tmp_path, "publish")
    titles = [panel["title"] for panel in stub.boards["kommuncenter-lagesbild"].dashboard["panels"]]
    assert "Löst vid första kontakten (14 dygn)" in titles


def test_a_deploy_can_be_marked(stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run(stub, monkeypatch, tmp_path, "annotate", "Version 1.4 i drift").exit_code == 0
    assert stub.annotations == [{"text": "Version 1.4 i drift", "tags": [DEPLOYED_TAG]}]


def test_the_command_tells_an_error_on_a_line(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stub.answers["/api"] = JSONResponse({"message": "Internal server error"}, 500)
    result = run(stub, monkeypatch, tmp_path, "publish")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert TOKEN not in result.output
