"""Settings of an exchange that is listened to through its manager interface."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, model_validator

from producers.loopback import is_loopback
from producers.sources.asterisk.settings import ExchangeSettings

Name = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\r\n]+$")]


class AmiSettings(ExchangeSettings):
    """Where the exchange is, and how to get in. The secret comes from the environment if not given."""

    host: Name = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 5038
    """5039 is usual with TLS."""
    tls: bool = False
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    user: Name = "kommuncenter"
    secret: SecretStr | None = None
    secret_env: Name = "KC_AMI_SECRET"  # noqa: S105 - the name of a variable
    """The environment variable with the secret, where ``secret`` is not set."""
    spool: Path = Path("var/asterisk_ami.log")
    """What was heard, as lines of queue_log; read from there, so that it outlasts broker and process."""
    spool_days: Annotated[int, Field(ge=1, le=60)] = 7
    """How long days that are over are kept beside it."""
    ping_seconds: Annotated[float, Field(gt=0, le=300)] = 15.0
    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 10.0

    @model_validator(mode="after")
    def _no_numbers_in_clear(self) -> AmiSettings:
        if not self.tls and not is_loopback(self.host):
            raise ValueError("without tls the callers' numbers would be sent in clear; use tls or a tunnel")
        return self
