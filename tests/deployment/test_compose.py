"""docker-compose.yml: well-formed, closed to the outside, without passwords, and in step with the CLI."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from dashboards.board.access import Role, TokenAccess, token_hash
from dashboards.grafana.model import PLUGIN, PLUGIN_VERSION
from kommuncenter.access import board_access
from kommuncenter.cli import app
from kommuncenter.sealing import sealer
from kommuncenter.settings import OTHER_VARIABLES, PREFIX, Settings, load_settings
from kommuncenter.wiring import source_and_settings, topic_plan
from schemas.deadletter import drop
from tests.deployment.compose import (
    COMPOSE,
    ROOT,
    MissingVariableError,
    Service,
    example_variables,
    fill_in,
    read_compose,
    variables_in,
)

FILE = read_compose()
OWN = {name: service for name, service in FILE.services.items() if service.build}
SECRETS = (
    "CLICKHOUSE_PASSWORD",
    "GRAFANA_CLICKHOUSE_PASSWORD",
    "GRAFANA_ADMIN_PASSWORD",
    "PSEUDONYM_KEY",
    "BOARD_SESSION_KEY",
)
FILLED = {
    **example_variables(),
    **dict.fromkeys(SECRETS, "an-invented-secret-of-many-letters"),
    "BOARD_LEADER_TOKEN_SHA256": token_hash("an invented code"),
    "QUEUE_LOG_DIR": "/var/log/asterisk",
    "MAIL_IMAP_HOST": "imap.kommun.example",
    "MAIL_USER": "statistik",
}


def environment_of(service: Service, variables: Mapping[str, str] = FILLED) -> dict[str, str]:
    return {name: fill_in(value, variables) for name, value in service.environment.items()}


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without variables of ours, in a folder without a settings file."""
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


# ---- its form ------------------------------------------------------------------------------------


def test_every_service_waits_for_what_it_needs() -> None:
    for name, service in FILE.services.items():
        for needed, condition in service.depends_on.items():
            other = FILE.services[needed]
            if condition.condition == "service_healthy":
                assert other.healthcheck, f"{name} waits for the health of {needed}, which has no check"
            if condition.condition == "service_completed_successfully":
                assert other.restart == "no", f"{needed} would be started again and again"
    for name, service in OWN.items():
        if name != "migrate":
            assert service.depends_on.keys() == {"kafka", "clickhouse", "migrate"}, name


def test_images_have_a_version_and_the_plugin_is_the_dashboards_() -> None:
    for name, service in FILE.services.items():
        assert re.search(r":\d+(\.\d+)+$", service.image), name
    preinstalled = FILE.services["grafana"].environment["GF_PLUGINS_PREINSTALL_SYNC"]
    assert preinstalled == f"{PLUGIN}@{PLUGIN_VERSION}"


def test_every_port_listens_on_the_loopback_interface_only() -> None:
    ports = [fill_in(port, FILLED) for service in FILE.services.values() for port in service.ports]
    assert ports
    for port in ports:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)
    assert len({port.split(":")[1] for port in ports}) == len(ports)


def test_volumes_and_configs_are_declared_and_used() -> None:
    named = {
        volume.split(":")[0]
        for service in FILE.services.values()
        for volume in service.volumes
        if not volume.startswith((".", "/", "$"))
    }
    assert named == set(FILE.volumes)
    used = {use.source for service in FILE.services.values() for use in service.configs}
    assert used == set(FILE.configs)


def test_files_that_are_mounted_or_copied_exist() -> None:
    for service in FILE.services.values():
        for volume in service.volumes:
            if volume.startswith("."):
                assert (ROOT / volume.split(":")[0]).is_dir(), volume
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = [source for line in copied for source in line.split()]
    assert {"schemas", "producers", "streams", "dashboards", "kommuncenter"} <= set(sources)
    allowed = (ROOT / ".dockerignore").read_text().split()
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in allowed, source


def test_grafana_opens_on_a_board_that_is_there() -> None:
    grafana = FILE.services["grafana"]
    home = grafana.environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    mounted = dict(volume.split(":")[:2][::-1] for volume in grafana.volumes)
    assert (ROOT / mounted[str(Path(home).parent)] / Path(home).name).is_file()


def test_our_own_processes_have_no_privileges() -> None:
    assert "USER kommuncenter" in (ROOT / "Dockerfile").read_text()
    for service in OWN.values():
        assert service.cap_drop == ["ALL"]
        assert service.security_opt == ["no-new-privileges:true"]


# ---- secrets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [*SECRETS, "BOARD_LEADER_TOKEN_SHA256", "QUEUE_LOG_DIR"])
def test_nothing_starts_without_a_secret_and_the_message_says_what_to_do(missing: str) -> None:
    text = yaml.safe_dump(yaml.safe_load(COMPOSE.read_text(encoding="utf-8")), width=10_000)
    with pytest.raises(MissingVariableError, match=rf"^{missing} is not set; .*\.env"):
        fill_in(text, {**FILLED, missing: ""})


def test_the_example_names_every_variable_and_holds_no_secret() -> None:
    used = variables_in(COMPOSE.read_text(encoding="utf-8"))
    example = example_variables()
    own = {"COMPOSE_PROFILES"}
    assert set(used) <= set(example)
    assert set(example) - set(used) - own == set()
    for name, value in example.items():
        if name in SECRETS or "PASSWORD" in name or name.endswith("_KEY"):
            assert value == "", name
    for name in SECRETS:
        assert used[name] == "?", name


def test_no_secret_stands_in_the_file() -> None:
    for service in FILE.services.values():
        for name, value in service.environment.items():
            if re.search(r"PASSWORD|SECRET|__KEY$", name):
                assert re.fullmatch(r"\$\{\w+:[?-].*\}", value), name


def test_only_what_reads_numbers_and_addresses_has_the_key() -> None:
    with_key = {name for name, service in OWN.items() if "KC_PSEUDONYM__KEY" in service.environment}
    assert with_key == {"source-telephony", "source-mail", "source-desk", "desk-form"}
    sources = [use for name in with_key for use in FILE.services[name].env_file]
    more = {
        name
        for name, service in FILE.services.items()
        if any(use.path in {source.path for source in sources} for use in service.env_file)
    }
    assert more == with_key, "the previous key goes to the same ones"
    assert all("PSEUDONYM_KEY" not in str(FILE.services[name]) for name in ("kafka", "clickhouse", "grafana"))


def test_only_what_finds_bad_records_can_seal_them_and_without_a_key_it_drops_them(
    only: pytest.MonkeyPatch,
) -> None:
    sealing = {name for name, service in OWN.items() if "KC_DEAD_LETTERS__KEY" in service.environment}
    assert sealing == {"worker", "source-telephony", "source-mail", "source-desk"}
    for key in ("", "an-invented-secret"):
        for name in sealing:
            with only.context() as context:
                settings = settings_of(OWN[name], context, {**FILLED, "DEAD_LETTERS_KEY": key})
            assert (sealer(settings.dead_letters) is drop) == (not key), name


# ---- in step with the CLI and the settings -------------------------------------------------------


@pytest.mark.parametrize("name", OWN)
def test_a_service_s_command_is_one_of_the_cli(name: str) -> None:
    command = OWN[name].command
    assert command
    assert command[0] == "kommuncenter"
    result = CliRunner().invoke(app, [*command[1:], "--help"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", OWN)
def test_a_service_s_environment_is_settings(name: str, only: pytest.MonkeyPatch) -> None:
    settings = settings_of(OWN[name], only)
    assert settings.kafka.bootstrap_servers == "kafka:9092"
    assert (settings.clickhouse.host, settings.clickhouse.port) == ("clickhouse", 8123)
    assert settings.clickhouse.password.get_secret_value() == FILLED["CLICKHOUSE_PASSWORD"]
    command = OWN[name].command or []
    for instance in command[3:] if "source" in command else []:
        source_and_settings(settings, instance)


def test_the_previous_key_can_stand_in_a_file_of_its_own(only: pytest.MonkeyPatch) -> None:
    only.setenv("KC_PSEUDONYM__PREVIOUS_KEY_ID", "k0")
    only.setenv("KC_PSEUDONYM__PREVIOUS_KEY", "an-older-invented-secret")
    only.setenv("KC_SOURCES__TELEPHONY__QUEUES__600", "kommuncenter")
    settings = settings_of(OWN["source-telephony"], only)
    assert settings.pseudonym.previous_key_id == "k0"
    _, telephony = source_and_settings(settings, "telephony")
    assert telephony.model_dump()["queues"] == {"600": "kommuncenter"}


def test_the_board_asks_who_it_is_and_knows_only_the_codes_that_are_set(only: pytest.MonkeyPatch) -> None:
    settings = settings_of(OWN["board"], only, {**FILLED, "BOARD_WALL_TOKEN_SHA256": token_hash("a wall's")})
    access = board_access(settings)
    assert isinstance(access, TokenAccess)
    assert {(token.name, token.role) for token in access.tokens} == {
        ("leader", Role.LEADER),
        ("wall", Role.WALL),
    }


def settings_of(
    service: Service, only: pytest.MonkeyPatch, variables: Mapping[str, str] = FILLED
) -> Settings:
    environment = environment_of(service, variables)
    for name, value in environment.items():
        only.setenv(name, value)
        assert name in OTHER_VARIABLES or name.startswith(PREFIX)
    return load_settings()


def test_every_process_knows_the_same_topics(only: pytest.MonkeyPatch) -> None:
    plans = set()
    for service in OWN.values():
        with only.context() as context:
            plans.add(topic_plan(settings_of(service, context)))
    [plan] = plans
    assert set(plan.sources) == {"telephony", "mail", "desk"}


def test_the_form_and_its_source_share_the_journal(only: pytest.MonkeyPatch) -> None:
    for name in ("source-desk", "desk-form"):
        with only.context() as context:
            settings = settings_of(OWN[name], context)
        _, desk = source_and_settings(settings, "desk")
        assert Path(str(desk.model_dump()["journal"])).parent == settings.state_dir
        assert f"state:{settings.state_dir}" in OWN[name].volumes


def test_pages_listen_where_their_ports_lead(only: pytest.MonkeyPatch) -> None:
    for name, part in (("board", "board"), ("desk-form", "desk")):
        with only.context() as context:
            server = getattr(settings_of(OWN[name], context), part)
        assert [fill_in(port, FILLED).split(":")[2] for port in OWN[name].ports] == [str(server.port)]
        check = OWN[name].healthcheck
        assert check
        assert f"http://127.0.0.1:{server.port}/" in check.test[-1]
