"""Sending through a real server: whatever happens, it is known whether the mail was taken."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kommuncenter.delivery.letter import Letter, message_of
from kommuncenter.delivery.smtp import InDoubtError, NeverSentError, NotSentError, SmtpMailer
from schemas.errors import KommuncenterError
from tests.delivery.server import PASSWORD, USER, Server, certificate_in, serving

SENDER = "kommuncenter@kommun.example"
TO = ("chef@kommun.example", "ledare@kommun.example")
LETTER = Letter(
    "2026-W47",
    "all",
    "Veckorapport för Kommuncenter, vecka 47",
    "Sammanfattning på svenska: å, ä och ö.\n.\n..två punkter\n",
    {"rapport.html": "<p>Löst: 68 %</p>\n.\n".encode(), "rapport.pdf": b"%PDF-1.7\r\n.\r\n\x00\xff"},
)
MESSAGE = message_of(LETTER, SENDER, TO, "<w47@kommun.example>", datetime(2026, 11, 23, 6, 30, tzinfo=UTC))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate_in(tmp_path_factory.mktemp("certificate"))


def test_a_mail_arrives_as_it_was_written(server: Server) -> None:
    assert SmtpMailer(server.settings()).send(MESSAGE, SENDER, TO) == {}
    [taken] = server.handler.taken
    assert taken.recipients == list(TO)
    assert taken.message["Subject"] == LETTER.subject
    assert taken.message["Message-ID"] == "<w47@kommun.example>"
    assert taken.message["Auto-Submitted"] == "auto-generated"
    body = taken.message.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == LETTER.text
    attached = {
        part.get_filename(): part.get_payload(decode=True) for part in taken.message.iter_attachments()
    }
    assert attached == LETTER.attachments
    kinds = [part.get_content_type() for part in taken.message.iter_attachments()]
    assert kinds == ["text/html", "application/pdf"]


def test_test_mode_and_a_correction_say_so_in_the_subject() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    tried = message_of(LETTER, SENDER, TO, "<1@x>", at, test=True, correction=1)
    assert tried["Subject"] == f"[TEST] Rättad: {LETTER.subject}"


@pytest.mark.parametrize(
    ("stage", "answer", "error"),
    [
        ("at_mail", "451 later", NotSentError),
        ("at_mail", "550 never", NeverSentError),
        ("at_data", "452 full", NotSentError),
        ("at_data", "554 never", NeverSentError),
    ],
)
def test_a_refusal_is_told_by_its_code(
    server: Server, stage: str, answer: str, error: type[KommuncenterError]
) -> None:
    setattr(server.handler, stage, [answer])
    with pytest.raises(error, match=rf"code {answer[:3]}"):
        SmtpMailer(server.settings()).send(MESSAGE, SENDER, TO)
    assert server.handler.taken == []


def test_some_recipients_may_be_refused_and_the_others_get_it(server: Server) -> None:
    server.handler.refused = {TO[0]: "550 unknown"}
    assert SmtpMailer(server.settings()).send(MESSAGE, SENDER, TO) == {TO[0]: 550}
    assert [taken.recipients for taken in server.handler.taken] == [[TO[1]]]


@pytest.mark.parametrize(("second", "error"), [("450 later", NotSentError), ("550 never", NeverSentError)])
def test_when_all_are_refused_nothing_is_sent(
    server: Server, second: str, error: type[KommuncenterError]
) -> None:
    server.handler.refused = {TO[0]: "550 unknown", TO[1]: second}
    with pytest.raises(error, match="none of the recipients") as raised:
        SmtpMailer(server.settings()).send(MESSAGE, SENDER, TO)
    assert "@" not in str(raised.value)
    assert server.handler.taken == []


def test_a_server_that_hangs_up_on_the_mail_leaves_a_doubt(server: Server) -> None:
    server.handler.hang_up = True
    with pytest.raises(InDoubtError, match="on its way"):
        SmtpMailer(server.settings()).send(MESSAGE, SENDER, TO)
    assert len(server.handler.taken) == 1, "it was taken, but nobody can know"


def test_no_server_is_surely_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with serving() as other, pytest.raises(NotSentError, match="is it up"):
        SmtpMailer(other.settings(port=port)).send(MESSAGE, SENDER, TO)


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
def test_over_tls_with_a_login(certificate: tuple[Path, Path], implicit: bool) -> None:
    security = "tls" if implicit else "starttls"
    with serving(certificate, implicit=implicit) as server:
        trusted = {"security": security, "ca_file": certificate[0], "user": USER}
        known = server.settings(password=PASSWORD, **trusted)
        assert SmtpMailer(known).send(MESSAGE, SENDER, TO) == {}
        wrong = server.settings(password="another", **trusted)
        with pytest.raises(NeverSentError, match=r"delivery\.user"):
            SmtpMailer(wrong).send(MESSAGE, SENDER, TO)
        stranger = server.settings(security=security, user=USER, password=PASSWORD)
        with pytest.raises(NeverSentError, match=r"delivery\.ca_file"):
            SmtpMailer(stranger).send(MESSAGE, SENDER, TO)
        assert len(server.handler.taken) == 1


def test_a_server_without_starttls_gets_nothing(server: Server) -> None:
    with pytest.raises(NeverSentError, match=r"delivery\.security"):
        SmtpMailer(server.settings(security="starttls")).send(MESSAGE, SENDER, TO)
    assert server.handler.taken == []


def test_a_file_of_certificates_that_is_not_there(server: Server) -> None:
    missing = server.settings(security="starttls", ca_file=Path("no-such.pem"))
    with pytest.raises(NeverSentError, match=r"delivery\.(security|ca_file)"):
        SmtpMailer(missing).send(MESSAGE, SENDER, TO)
