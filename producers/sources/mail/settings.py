"""Settings of the mail source."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from producers.contract import SourceSettings
from producers.loopback import is_loopback
from producers.sources.mail.messages import MAILBOX_PATTERN

Name = Annotated[str, StringConstraints(min_length=1)]
MailboxName = Annotated[str, StringConstraints(pattern=MAILBOX_PATTERN)]
FolderNames = Annotated[
    tuple[Name, ...],
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
    Field(min_length=1),
]
"""One folder, or several that are read as one: where handled mail is moved to, beside where it comes in."""


class ImapSettings(BaseModel):
    """Where the mailbox is, and how to get in. The password comes from the environment if not given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Name
    port: Annotated[int, Field(ge=1, le=65535)] = 993
    security: Literal["tls", "starttls", "none"] = "tls"
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    user: Name
    password: SecretStr | None = None
    password_env: Name = "KC_MAIL_PASSWORD"  # noqa: S105 - the name of a variable
    """The environment variable with the password, where ``password`` is not set."""
    inbox: FolderNames = ("INBOX",)
    """The first one is watched (``idle``); the others are looked at every ``poll_seconds``."""
    sent: FolderNames = ("Sent",)
    idle: bool = True
    """Ask the server to tell of new mail (RFC 2177), if it can."""
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0

    @model_validator(mode="after")
    def _no_folder_twice(self) -> ImapSettings:
        if len({*self.inbox, *self.sent}) < len(self.inbox) + len(self.sent):
            raise ValueError("a folder is named twice in inbox and sent")
        return self

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> ImapSettings:
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError("security = 'none' would send the password in clear; use tls or starttls")
        return self


class MaildirSettings(BaseModel):
    """A Maildir on this machine or on a mounted disk. Nothing in it is moved or changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    sent: Name = ".Sent"
    overlap_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 48
    """A message that turns up this late behind others is still found."""


class MailSettings(SourceSettings):
    """Settings of one mailbox: exactly one of ``imap`` and ``maildir`` is given."""

    mailbox: MailboxName = "kommun"
    """The name of the mailbox in events."""
    poll_seconds: Annotated[float, Field(gt=0, le=1500)] = 30.0
    batch_size: Annotated[int, Field(ge=1, le=5000)] = 200
    since: date | None = None
    """Leave out mail that came before this day: for the first start on an old mailbox."""
    imap: ImapSettings | None = None
    maildir: MaildirSettings | None = None

    @model_validator(mode="after")
    def _one_reader(self) -> MailSettings:
        if (self.imap is None) == (self.maildir is None):
            raise ValueError("give exactly one of [imap] and [maildir]")
        return self
