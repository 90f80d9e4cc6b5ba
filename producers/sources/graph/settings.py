"""Settings of the Graph source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from producers.contract import SourceSettings
from producers.sources.mail.settings import FolderNames, MailboxName, Name

HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s?#]+$")]


class GraphMailbox(BaseModel):
    """One mailbox; folders by their well-known names, which no language changes, or by their ids."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: Name
    """The mailbox's address (user principal name), or its object id."""
    inbox: FolderNames = ("inbox",)
    sent: FolderNames = ("sentitems",)


class GraphSettings(SourceSettings):
    """Settings of the mailboxes that one app registration may read."""

    tenant: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+$")]
    """The tenant's id or domain."""
    client_id: Name
    client_secret: SecretStr | None = None
    client_secret_env: Name = "KC_GRAPH_SECRET"  # noqa: S105 - the name of a variable
    """The environment variable with the secret, where neither it nor a certificate is given."""
    certificate: Path | None = None
    """A PEM file with the private key and the certificate of the app registration, instead of a secret."""
    mailboxes: Annotated[Mapping[MailboxName, GraphMailbox], Field(min_length=1)]
    """By the name that a mailbox has in events."""
    poll_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    page_size: Annotated[int, Field(ge=1, le=1000)] = 100
    batch_size: Annotated[int, Field(ge=1, le=5000)] = 200
    since: date | None = None
    """Leave out mail that came before this day: for the first start on an old mailbox."""
    authority: HttpsUrl = "https://login.microsoftonline.com"
    endpoint: HttpsUrl = "https://graph.microsoft.com/v1.0"
    ca_file: Path | None = None
    """Certificates to trust instead of the system's, such as those of a proxy that looks into TLS."""
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 60.0

    @model_validator(mode="after")
    def _one_credential(self) -> GraphSettings:
        if self.client_secret is not None and self.certificate is not None:
            raise ValueError("give client_secret or certificate, not both")
        return self
