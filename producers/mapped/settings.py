"""Settings of an instance of a mapped source: where its records are, and its own value tables."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import Field, SecretStr, create_model, field_validator

from producers.contract import SourceSettings
from producers.mapped.load import table_problems
from producers.mapped.model import InputKind, Mapped, Tables
from producers.webhook.authentication import Authentication
from schemas.events import Slug


class MappedSettings(SourceSettings):
    """What every mapped source has."""

    system: Slug | None = None
    """Names the other system in ids; the source's name where it is not said."""
    values: Tables | None = None
    """Lines of the mapping's value tables that are this instance's own, such as its department codes."""


class WebhookSettings(MappedSettings):
    """A source that others send their records to."""

    auth: Authentication | None = None
    """How senders prove who they are. Without it the receiver does not start."""
    spool: Path = Path("var/spool")
    """Where requests stand until their events are archived; a folder of the instance's name is made in it."""
    max_body: Annotated[int, Field(ge=1024, le=64 << 20)] = 1 << 20
    """The longest body, in bytes."""
    max_spool: Annotated[int, Field(ge=1 << 20)] = 256 << 20
    """So many bytes may wait for the broker; more is refused with 503."""
    wait: timedelta = timedelta(seconds=10)
    """So long a request waits for the broker before it is answered with 503."""


class FileSettings(MappedSettings):
    """A source whose records stand in files."""

    path: Path
    """A file that grows, or a folder into which files are put."""
    settle: timedelta = timedelta(seconds=2)
    """A file in a folder is read when it has not changed for so long."""


class KafkaSettings(MappedSettings):
    """A source whose records are on somebody else's Kafka topic."""

    bootstrap_servers: str
    topic: str
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ssl_cafile: Path | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None


_BASES: dict[InputKind, type[MappedSettings]] = {
    InputKind.WEBHOOK: WebhookSettings,
    InputKind.CSV: FileSettings,
    InputKind.JSONL: FileSettings,
    InputKind.KAFKA: KafkaSettings,
}


def settings_of(mapped: Mapped) -> type[MappedSettings]:
    """Return the settings of a mapping's instances; their value tables are checked against the mapping's."""

    def check(tables: Tables | None) -> Tables | None:
        for key, reason in table_problems(mapped, tables or {}):
            raise ValueError(f"{'.'.join(str(part) for part in key)}: {reason}")
        return tables

    validators = {"check_values": field_validator("values")(check)}
    model = create_model(
        f"{_BASES[mapped.input.kind].__name__}Of",
        __base__=_BASES[mapped.input.kind],
        __doc__=mapped.description or None,
        __validators__=validators,
    )
    return cast("type[MappedSettings]", model)
