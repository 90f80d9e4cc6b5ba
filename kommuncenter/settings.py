"""Settings: from a TOML file and the environment (``KC_KAFKA__PARTITIONS``); an unknown key is an error."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from dashboards.board.access import Role
from kommuncenter.delivery.settings import DeliverySettings
from producers import registry
from schemas.errors import ConfigurationError
from schemas.events import Slug
from schemas.service_level import ServiceLevel
from schemas.topics import DEFAULT_PARTITIONS

PREFIX = "KC_"
CONFIG_VARIABLE = "KC_CONFIG"
"""Path of the TOML file; see :func:`config_path` for what is read without it."""

OTHER_VARIABLES = frozenset(
    {
        CONFIG_VARIABLE,
        "KC_REQUIRE",
        "KC_GRAPH_SECRET",
        "KC_MAIL_PASSWORD",
        "KC_CHROMIUM",
        "KC_CACHE",
        "KC_ASTERISK",
        "KC_GRAFANA_SCHEMA",
        "KC_KAFKA_JARS",
        "KC_VERAPDF_JARS",
        "KC_CLICKHOUSE_PASSWORD",
        "KC_CLICKHOUSE_READER_PASSWORD",
    }
)
"""Variables with our prefix that are no settings: of tests, of sources, and of the embedded endpoint."""

DEMO_CONFIG = Path("var/demo/kommuncenter.toml")
"""Written by ``kommuncenter demo``, and removed when it ends."""

Port = Annotated[int, Field(ge=0, le=65535)]


def _number(value: object) -> object:
    """Return the number that a variable of the environment is, which comes as text."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(_Part):
    """The broker. Times in seconds."""

    bootstrap_servers: str = "127.0.0.1:9092"
    partitions: Annotated[int, Field(ge=1, le=1024)] = DEFAULT_PARTITIONS
    replication_factor: Annotated[int, Field(ge=1)] = 1
    group: Slug = "kommuncenter"
    session_timeout: float = 6.0
    heartbeat: float = 1.0
    rebalance_timeout: float = 6.0


class ClickHouseSettings(_Part):
    """The store, over ClickHouse's HTTP interface."""

    host: str = "127.0.0.1"
    port: Port = 8123
    user: str = "kommuncenter"
    password: SecretStr = SecretStr("")
    database: str = "default"
    secure: bool = False


class PseudonymSettings(_Part):
    """Keys of the pseudonyms: at least 16 characters, kept outside Kafka and ClickHouse.

    While keys change, the previous one is kept for at least the largest W (30 days).
    """

    key_id: str = "k1"
    key: SecretStr | None = None
    previous_key_id: str | None = None
    previous_key: SecretStr | None = None


class DeadLetterSettings(_Part):
    """What is kept of a record that can't be used, and when there are too many of them.

    ``encrypt`` keeps it, sealed under the key; ``drop`` keeps its place only. Without a choice it is
    encrypted where a key is set, else dropped. Keys have at least 16 characters, are no pseudonym keys, and
    are kept outside Kafka and ClickHouse. The previous key opens what was sealed before a change of keys.
    """

    payload: Literal["encrypt", "drop"] | None = None
    key: SecretStr | None = None
    previous_key: SecretStr | None = None
    alarm_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """An instance is alarming when a larger share of the last hour's records can't be used …"""
    alarm_records: Annotated[int, Field(ge=1)] = 20
    """… out of at least so many."""


class SilenceSettings(_Part):
    """When no events from a source are an alarm: see :mod:`schemas.clickhouse.silence`."""

    chance: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    """A source is silent when the chance of nothing for so long, by its own usual rhythm, is lower …"""
    minutes: Annotated[float, Field(ge=1)] = 10
    """… and it lasts at least so long."""
    unread_minutes: Annotated[float, Field(ge=1)] = 10
    """Without a sign of life from its reader for so long a source counts as not read."""


class ServerSettings(_Part):
    """Where a web page listens."""

    host: str = "127.0.0.1"
    port: Port = 8080


class BoardSettings(ServerSettings):
    """The live board."""

    tile_ancestors: tuple[Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.*-]+(:[0-9]+)?$")], ...] = ()
    """Which sites may show the board's tiles in a frame, such as ``https://intranat.kommun.example``."""
    tiles_open: bool = False
    """Whether tiles are shown to those who have not logged in. They hold no topics and no small groups."""


class TokenSettings(_Part):
    """A token that was issued; ``kommuncenter access token`` makes one. An empty hash is none."""

    role: Role
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


class AccessSettings(_Part):
    """Who may see the board. ``none``: everybody who reaches it, so it listens to this machine only.

    ``token``: by a token, in a form or in a header. ``proxy``: a reverse proxy has logged the person in and
    names their groups in a header, which is believed from its own addresses only.
    """

    mode: Literal["none", "token", "proxy"] = "none"
    tokens: Mapping[Slug, TokenSettings] = {}
    session_key: SecretStr | None = None
    """Signs sessions: at least 32 characters. Without one, every restart of the board ends them."""
    session_hours: Annotated[float, Field(gt=0)] = 12
    wall_session_days: Annotated[float, Field(gt=0)] = 90
    """A wall screen has nobody who logs in each morning."""
    secure_cookie: bool = True
    """Whether sessions are sent over https only; false is for trying it out without."""
    proxy_addresses: tuple[IPvAnyNetwork, ...] = ()
    proxy_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] = "x-forwarded-groups"
    """The header that holds the person's groups, separated by commas."""
    proxy_roles: Mapping[str, Role] = {}
    """Group -> role, such as ``KC-Gruppledare = "leader"``."""


class WebhookServerSettings(ServerSettings):
    """Where webhooks are received; put a reverse proxy with TLS in front."""

    port: Port = 8082
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    """The host names under which it may be asked for: those that the proxy passes on."""


class GrafanaSettings(_Part):
    """The Grafana that boards are published to. ``token`` is a service account's, with the role Editor."""

    url: str = ""
    token: SecretStr | None = None
    timeout: Annotated[float, Field(gt=0)] = 10.0
    """Seconds that an answer may take."""


class RetentionSettings(_Part):
    """How long things are kept (gallringsbeslut); ``decision`` names the decision. None keeps for ever.

    Events (and legs, which are made of them) are kept for longer than it takes until a day is frozen (34
    days) and what began before it has come to its end (14). Pseudonyms are needed while a day is open.
    """

    decision: str = ""
    events_days: Annotated[int, Field(ge=48)] | None = 60
    pseudonym_days: Annotated[int, Field(ge=35)] | None = 35
    facts_months: Annotated[int, Field(ge=1)] | None = 25
    dead_letters_months: Annotated[int, Field(ge=1)] | None = 25
    """Place and reason of what could not be used: no personal data, and weekly reports count them."""
    dead_letter_payload_days: Annotated[int, Field(ge=1)] | None = 30
    """The sealed record. Replayed within three weeks it counts at once, later perhaps after a rebuild."""
    health_months: Annotated[int, Field(ge=1)] | None = 13
    """What sources and workers report of themselves every five seconds, and what verify found; no personal
    data. Weekly reports read it."""


class Settings(BaseSettings):
    """All settings. Every value has a default but the secrets."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    kafka: KafkaSettings = KafkaSettings()
    clickhouse: ClickHouseSettings = ClickHouseSettings()
    pseudonym: PseudonymSettings = PseudonymSettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    silence: SilenceSettings = SilenceSettings()
    delivery: DeliverySettings = DeliverySettings()
    catalogue: Path | None = None
    service_level: ServiceLevel = ServiceLevel.STANDARD
    """By which formula board, report and Grafana tell the service level; docs/metrics.md has them all."""
    first_contact_days: Annotated[Literal[1, 7, 14, 30], BeforeValidator(_number)] = 7
    """W: in how many days a repeat flips first-contact resolution, on board, in report and Grafana."""
    state_dir: Path = Path("var")
    board: BoardSettings = BoardSettings()
    access: AccessSettings = AccessSettings()
    desk: ServerSettings = ServerSettings(port=8081)
    webhook: WebhookServerSettings = WebhookServerSettings()
    sources_dir: Path | None = None
    """Mapped sources of the installation, a folder each; ``sources`` beside the settings file."""
    desk_url: str | None = None
    """Where the board's link to the registration form leads; none shows no link."""
    retention: RetentionSettings = RetentionSettings()
    grafana: GrafanaSettings = GrafanaSettings()
    clock: str | None = None
    log_level: str = "info"
    sources: Mapping[Slug, Mapping[str, Any]] = {
        "telephony": {"type": "asterisk", "path": "/var/log/asterisk/queue_log"},
        "mail": {"type": "mail"},
        "desk": {"type": "desk", "journal": "var/visits.jsonl"},
    }
    """Per instance: ``type`` is the source's name, the rest are the source's own settings."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment beats the file. Sources of values that are not used are left out."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_path()))


def config_path() -> Path | None:
    """Return the settings file that is in use; None where there is none.

    ``KC_CONFIG`` names it; else ``kommuncenter.toml`` in the working directory; else that of a running demo,
    so that ``kommuncenter report`` and the like work beside it.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    return next((path for path in (Path("kommuncenter.toml"), DEMO_CONFIG) if path.exists()), None)


def sources_folder(settings: Settings) -> Path:
    """Return the folder of the installation's mapped sources; it need not be there."""
    path = config_path()
    return settings.sources_dir or (path.parent if path else Path()) / "sources"


def load_settings() -> Settings:
    """Return the settings. Raises ConfigurationError with the file or variable, the key and why."""
    path = config_path()
    if path is not None:
        _check_file(path)
    _check_environment()
    try:
        settings = Settings()
        registry.look_in(sources_folder(settings))
        return settings
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        origin = f"{path} or the environment" if path else "the environment"
        variable = PREFIX + key.upper().replace(".", "__")
        raise ConfigurationError(f"{origin}: {key} ({variable}): {first['msg']}") from error


def _check_file(path: Path) -> None:
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"{path}: can't be read ({error.strerror}); check the path in {CONFIG_VARIABLE}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not valid TOML: {error}") from error


def _check_environment() -> None:
    """Refuse a variable with our prefix that no setting has: a misspelt one would be ignored."""
    known = {name.upper() for name in Settings.model_fields}
    for name in os.environ:
        if name.startswith(PREFIX) and name not in OTHER_VARIABLES:
            setting = name.removeprefix(PREFIX).split("__")[0]
            if setting.upper() not in known:
                raise ConfigurationError(
                    f"environment: {name}: no such setting; there are "
                    f"{', '.join(PREFIX + field.upper() for field in Settings.model_fields)}"
                )
