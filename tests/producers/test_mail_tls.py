"""The IMAP reader over TLS: it trusts whom it is told to, and nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from producers.sources.mail.imap import ImapReader
from producers.sources.mail.settings import ImapSettings, MailSettings
from schemas.errors import ConfigurationError, RetriableError
from tests.require import require

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True)
class TlsServer:
    """A server with a certificate for ``localhost`` only that refuses all logins for now."""

    port: int
    certificate: Path
    commands: list[bytes]


def serve(listener: socket.socket, trust: ssl.SSLContext, commands: list[bytes]) -> None:
    with contextlib.suppress(OSError):
        connection = trust.wrap_socket(listener.accept()[0], server_side=True)
        with connection, connection.makefile("rwb", buffering=0) as stream:
            stream.write(b"* OK ready\r\n")
            for line in stream:
                tag, command = line.split()[:2]
                commands.append(command)
                answer = b" NO [UNAVAILABLE] later\r\n" if command == b"LOGIN" else b" OK done\r\n"
                told = b"* CAPABILITY IMAP4rev1\r\n" if command == b"CAPABILITY" else b""
                stream.write(told + tag + answer)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    openssl = shutil.which("openssl")
    require("imap", openssl is not None, "no openssl to make a certificate with")
    assert openssl is not None
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {certificate}"
    subprocess.run(
        [openssl, *made.split(), "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True
    )
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(certificate, key)
    commands: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener, trust, commands), daemon=True)
        thread.start()
        yield TlsServer(listener.getsockname()[1], certificate, commands)
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def first_look(server: TlsServer, host: str, ca_file: Path | None) -> None:
    imap = ImapSettings.model_validate(
        {
            "host": host,
            "port": server.port,
            "user": "kc",
            "password": "invented",
            "ca_file": ca_file,
            "timeout_seconds": 10,
        }
    )

    async def look() -> None:
        await anext(ImapReader(MailSettings(imap=imap), imap).batches(None))

    asyncio.run(look())


def test_a_certificate_that_is_trusted_is_spoken_to_and_a_login_refused_for_now_is_tried_again(
    server: TlsServer,
) -> None:
    with pytest.raises(RetriableError, match="MailboxLoginError"):
        first_look(server, "localhost", server.certificate)
    assert b"LOGIN" in server.commands


@pytest.mark.parametrize(
    ("host", "trusted"), [("localhost", False), ("127.0.0.1", True)], ids=["unknown issuer", "other name"]
)
def test_a_certificate_that_is_not_trusted_gets_no_password(
    server: TlsServer, host: str, trusted: bool
) -> None:
    with pytest.raises(ConfigurationError, match="certificate can't be trusted"):
        first_look(server, host, server.certificate if trusted else None)
    assert server.commands == []


def test_a_file_that_holds_no_certificate_is_said_clearly(server: TlsServer, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(ConfigurationError, match=r"imap\.ca_file"):
            first_look(server, "localhost", tmp_path / name)
