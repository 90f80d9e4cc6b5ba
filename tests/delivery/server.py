"""A real SMTP server for tests, that answers as it is told to."""

from __future__ import annotations

import contextlib
import email.policy
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from kommuncenter.delivery.settings import DeliverySettings
from kommuncenter.embedded.processes import free_port
from tests.require import require

HOST = "127.0.0.1"
USER, PASSWORD = "rapporter", "an invented password"


@dataclass
class Taken:
    """A mail that the server has said it took."""

    recipients: list[str]
    message: EmailMessage


@dataclass
class Handler:
    """Answers as told; each answer in ``at_mail`` and ``at_data`` is given once, then all is well."""

    taken: list[Taken] = field(default_factory=list)
    at_mail: list[str] = field(default_factory=list)
    at_data: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    """Take the mail, and hang up without an answer."""

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Answer the sender."""
        if self.at_mail:
            return self.at_mail.pop(0)
        envelope.mail_from, envelope.mail_options = address, options
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Answer a recipient."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Answer the mail."""
        if self.at_data:
            return self.at_data.pop(0)
        message = message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append(Taken(list(envelope.rcpt_tos), message))
        if self.hang_up:
            server.transport.abort()
        return "250 OK"

    def ids(self) -> list[str]:
        """Return the Message-ID of each mail that was taken."""
        return [str(taken.message["Message-ID"]) for taken in self.taken]


@dataclass
class Server:
    """The server's address, and what it does."""

    port: int
    handler: Handler

    def settings(self, **given: Any) -> DeliverySettings:
        """Return settings for it, in clear unless given otherwise."""
        chosen: dict[str, Any] = {
            "host": HOST,
            "port": self.port,
            "security": "none",
            "sender": "kommuncenter@kommun.example",
            "recipients": ("chef@kommun.example", "ledare@kommun.example"),
            "attempts": 1,
            "timeout_seconds": 20,
        }
        return DeliverySettings.model_validate(chosen | given)


def _authenticate(*given: Any) -> AuthResult:
    told = given[-1]
    known = isinstance(told, LoginPassword) and (told.login, told.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=known, handled=known)


@contextlib.contextmanager
def serving(certificate: tuple[Path, Path] | None = None, *, implicit: bool = False) -> Iterator[Server]:
    """Give a server in a thread. With a certificate it wants a login, over TLS from the start or STARTTLS."""
    handler, port = Handler(), free_port()
    options: dict[str, Any] = {}
    if certificate is not None:
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.load_cert_chain(*certificate)
        options["authenticator"] = _authenticate
        if implicit:  # aiosmtpd does not know that it speaks TLS then
            options |= {"ssl_context": trust, "auth_require_tls": False}
        else:
            options |= {"tls_context": trust, "require_starttls": True, "auth_required": True}
    controller = Controller(handler, hostname=HOST, port=port, ready_timeout=30, **options)
    controller.start()
    try:
        yield Server(port, handler)
    finally:
        controller.stop()


def certificate_in(folder: Path) -> tuple[Path, Path]:
    """Return a certificate for 127.0.0.1 and localhost, and its key."""
    openssl = shutil.which("openssl")
    require("imap", openssl is not None, "no openssl to make a certificate with")
    assert openssl is not None
    certificate, key = folder / "cert.pem", folder / "key.pem"
    made = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {certificate}"
    named = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([openssl, *made.split(), *named], check=True, capture_output=True)
    return certificate, key
