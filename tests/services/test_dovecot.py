"""The tests' IMAP server does what the tests of the e-mail source take for granted."""

from __future__ import annotations

import imaplib
import secrets
import time
from datetime import UTC, datetime

import pytest

from tests.services.dovecot import Dovecot

pytestmark = pytest.mark.integration

MESSAGE = b"From: anna@example.org\r\nTo: kommun@example.org\r\nSubject: Prov\r\n\r\nHej\r\n"


@pytest.fixture
def mailbox() -> str:
    """The name of a mailbox that nobody has used."""
    return f"prov-{secrets.token_hex(4)}"


def uid_validity(server: Dovecot, mailbox: str) -> int:
    """The mailbox's UIDVALIDITY."""
    with server.session() as client:
        client.select(mailbox)
        return int(client.response("UIDVALIDITY")[1][0])


def test_a_message_comes_back_as_it_was(dovecot: Dovecot, mailbox: str) -> None:
    received = datetime(2026, 3, 9, 7, 30, tzinfo=UTC)
    first = dovecot.append(mailbox, MESSAGE, received)
    second = dovecot.append(mailbox, MESSAGE)
    assert second == first + 1
    with dovecot.session() as client:
        assert client.select(mailbox) == ("OK", [b"2"])
        _, data = client.uid("FETCH", str(first), "(INTERNALDATE BODY.PEEK[])")
    head, body = data[0]
    local = imaplib.Internaldate2tuple(head)
    assert body == MESSAGE
    assert local is not None
    assert time.mktime(local) == received.timestamp()


def test_the_inbox_exists(dovecot: Dovecot) -> None:
    assert dovecot.append("INBOX", MESSAGE) >= 1


def test_a_wrong_password_is_refused(dovecot: Dovecot) -> None:
    with (
        imaplib.IMAP4(dovecot.host, dovecot.port, timeout=10) as client,
        pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"),
    ):
        client.login(dovecot.user, "wrong")


def test_it_offers_what_a_reader_needs(dovecot: Dovecot) -> None:
    with dovecot.session() as client:
        _, answer = client.capability()
    assert {b"IDLE", b"UIDPLUS", b"MOVE"} <= set(answer[0].split())


def test_mail_outlives_a_restart(dovecot: Dovecot, mailbox: str) -> None:
    uid = dovecot.append(mailbox, MESSAGE)
    before = uid_validity(dovecot, mailbox)
    dovecot.restart()
    assert uid_validity(dovecot, mailbox) == before
    assert dovecot.append(mailbox, MESSAGE) == uid + 1


def test_a_mailbox_made_anew_has_other_uids(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.append(mailbox, MESSAGE)
    before = uid_validity(dovecot, mailbox)
    dovecot.recreate(mailbox)
    assert uid_validity(dovecot, mailbox) != before
    with dovecot.session() as client:
        assert client.select(mailbox) == ("OK", [b"0"])
