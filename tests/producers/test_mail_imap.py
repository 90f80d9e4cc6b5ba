"""The IMAP reader against a real server: hostile mail, cut connections, renumbered folders."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from datetime import date, timedelta

import pytest
from pydantic import SecretStr

from producers.contract import Lag, LagUnit, TellsLag
from producers.sources.mail.imap import ImapReader
from producers.sources.mail.settings import ImapSettings, MailSettings
from schemas.errors import ConfigurationError, RetriableError
from schemas.events import Received
from tests.producers.mailboxes import START, Mailbox, Reading, ids, normalised, read_all, read_until
from tests.services.dovecot import Dovecot, dovecot

__all__ = ["dovecot"]
pytestmark = pytest.mark.integration

HOSTILE = (
    b"\x00\xff\xfe\x80",
    b"\r\n\r\nno header at all\r\n",
    b"Subject: " + b"=?utf-8?b?" * 400 + b"\r\n\r\n",
    b"From: " + b"(" * 3000 + b"\r\nMessage-ID: <deep@x.example>\r\n\r\n",
    b'From: \xe5\xe4\xf6@x.example\r\nContent-Type: multipart/mixed; boundary="\r\n\r\n--\r\n',
    b"Message-ID: <\r\n <<>>\r\nReferences: " + b"<a@b.example>" * 500 + b"\r\n\r\n",
    b"From: a@b.example\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(3000)) + b"\r\nbody",
)


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Mailbox:
    return Mailbox.created(dovecot)


def test_both_folders_are_read_in_the_order_in_which_mail_came(mailbox: Mailbox) -> None:
    for folder in (mailbox.inbox, mailbox.sent, mailbox.sent, mailbox.inbox, mailbox.inbox):
        mailbox.put(folder=folder)
    records = read_all(mailbox.reader(batch_size=2)).records
    assert [record.attributes["folder"] for record in records] == ["inbox", "sent", "sent", "inbox", "inbox"]
    assert [record.received_at for record in records] == [START + timedelta(minutes=n) for n in range(1, 6)]
    assert all(record.payload.endswith(b"\r\n\r\n") and b"body" not in record.payload for record in records)


def test_every_batch_can_be_read_again_from_before(mailbox: Mailbox) -> None:
    for number in range(5):
        mailbox.put(folder=mailbox.sent if number % 2 else mailbox.inbox)
    batches = [batch for batch in read_all(mailbox.reader(batch_size=2)).batches if batch.records]
    assert [len(batch.records) for batch in batches] == [2, 2, 1]
    for batch in batches:
        assert read_all(mailbox.reader(batch_size=2), batch.before).batches[0] == batch
    assert read_all(mailbox.reader(), batches[-1].after).records == []


def test_hostile_mail_is_read_and_stops_nothing(mailbox: Mailbox) -> None:
    for message in HOSTILE:
        mailbox.put(message)
    last = mailbox.put()
    records = read_all(mailbox.reader(batch_size=3)).records
    assert len(records) == len(HOSTILE) + 1
    assert last.encode() in records[-1].payload
    assert len(normalised(records)) == len(records)


def test_how_far_it_is_behind_is_told_while_it_is_connected(mailbox: Mailbox) -> None:
    for number in range(5):
        mailbox.put(folder=mailbox.sent if number % 2 else mailbox.inbox)
    reader, reading, lags = mailbox.reader(batch_size=2), Reading(), []

    def done() -> bool:
        lags.append(reader.lag())
        return not reading.batches[-1].records

    assert isinstance(reader, TellsLag)
    assert reader.lag() is None
    asyncio.run(read_until(reader, reading, done))
    assert lags == [Lag(amount, LagUnit.MESSAGES) for amount in (3, 1, 0, 0)]
    assert reader.lag() is None


def test_further_folders_are_read_as_one_and_a_message_that_is_moved_between_them_counts_once(
    mailbox: Mailbox,
) -> None:
    handled = f"{mailbox.name}-klart"
    names = [mailbox.put(), mailbox.put(folder=handled), mailbox.put()]
    reader = mailbox.reader(inbox=[mailbox.inbox, handled])
    first = read_all(reader)
    assert [record.place for record in first.records] == [
        "inbox uid 1",
        f"inbox {handled} uid 1",
        "inbox uid 2",
    ]
    assert {record.attributes["folder"] for record in first.records} == {"inbox"}
    with mailbox.server.session() as client:
        client.select(mailbox.inbox)
        client.uid("MOVE", "1", handled)
    moved = read_all(mailbox.reader(inbox=[mailbox.inbox, handled]), first.place)
    assert [name.encode() in record.payload for name, record in zip(names[:1], moved.records, strict=True)]
    assert normalised(moved.records) == normalised(first.records[:1])


def test_numbers_far_apart_are_all_found(mailbox: Mailbox) -> None:
    numbers = [1, 49_999, 50_000, 50_001, 50_002, 100_000, 100_001, 149_999]
    messages = [b"Message-ID: <%d@x.example>\r\n\r\n" % number for number in numbers]
    mailbox.deliver("inbox", [(message, START) for message in messages], numbers=numbers)
    reading = read_all(mailbox.reader(batch_size=3))
    assert [record.place for record in reading.records] == [f"inbox uid {number}" for number in numbers]
    assert read_all(mailbox.reader(), reading.place).records == []
    mailbox.put()
    assert [record.place for record in read_all(mailbox.reader(), reading.place).records] == [
        "inbox uid 150000"
    ]


def test_nothing_is_marked_moved_or_deleted(mailbox: Mailbox) -> None:
    for _ in range(3):
        mailbox.put()
    read_all(mailbox.reader())
    with mailbox.server.session() as client:
        client.select(mailbox.inbox, readonly=True)
        _, recent = client.response("RECENT")
        assert client.uid("SEARCH", "UNSEEN")[1] == [b"1 2 3"]
        _, flags = client.uid("FETCH", "1:*", "(FLAGS)")
    assert not [line for line in flags if isinstance(line, bytes) and b"\\Seen" in line]
    assert recent == [b"3"]


def test_reading_goes_on_after_the_server_was_killed(mailbox: Mailbox) -> None:
    first = [mailbox.put() for _ in range(3)]

    async def scenario() -> Reading:
        reading = Reading()
        seen = asyncio.Event()

        def done() -> bool:
            if len(reading.records) >= 3:
                seen.set()
            return len(reading.records) >= 5

        task = asyncio.create_task(read_until(mailbox.reader(batch_size=1), reading, done))
        await asyncio.wait_for(seen.wait(), 30)
        await asyncio.to_thread(mailbox.server.restart)
        for _ in range(2):
            first.append(await asyncio.to_thread(mailbox.put))
        await task
        return reading

    reading = asyncio.run(scenario())
    assert reading.cuts >= 1
    assert len(reading.records) == 5
    for name, record in zip(first, reading.records, strict=True):
        assert name.encode() in record.payload


def test_a_renumbered_folder_is_read_again_and_the_other_one_is_not(mailbox: Mailbox) -> None:
    names = [mailbox.put() for _ in range(3)]
    mailbox.put(folder=mailbox.sent)
    reading = read_all(mailbox.reader())
    mailbox.server.recreate(mailbox.inbox)
    mailbox.count = 0
    assert [mailbox.put() for _ in range(3)] == names
    again = read_all(mailbox.reader(), reading.place).records
    assert [record.attributes["folder"] for record in again] == ["inbox"] * 3
    before = [record for record in reading.records if record.attributes["folder"] == "inbox"]
    assert ids(again) == ids(before)


def test_a_folder_that_is_renumbered_while_reading_is_found_again(mailbox: Mailbox) -> None:
    mailbox.put()

    async def scenario() -> Reading:
        reading = Reading()
        seen = asyncio.Event()

        def done() -> bool:
            if reading.records:
                seen.set()
            return len(reading.records) >= 3

        task = asyncio.create_task(read_until(mailbox.reader(), reading, done))
        await asyncio.wait_for(seen.wait(), 30)
        await asyncio.to_thread(mailbox.server.recreate, mailbox.inbox)
        for _ in range(2):
            await asyncio.to_thread(mailbox.put)
        await task
        return reading

    assert len(asyncio.run(scenario()).records) == 3


def test_the_server_tells_of_new_mail_long_before_the_next_look(mailbox: Mailbox) -> None:
    async def scenario() -> float:
        reading = Reading()
        looked = asyncio.Event()

        def done() -> bool:
            looked.set()
            return bool(reading.records)

        loop = asyncio.get_running_loop()
        task = asyncio.create_task(read_until(mailbox.reader(poll_seconds=600), reading, done))
        await asyncio.wait_for(looked.wait(), 30)
        # IDLE begins after the first look; mail that comes in between is told as soon as it has begun.
        began = loop.time()
        while not task.done():
            await asyncio.to_thread(mailbox.put)
            await asyncio.wait([task], timeout=2)
        await task
        return loop.time() - began

    assert asyncio.run(scenario()) < 20


def test_mail_before_the_first_day_is_left_out(mailbox: Mailbox) -> None:
    mailbox.put()
    assert read_all(mailbox.reader(since=date(2026, 3, 3))).records == []
    assert len(read_all(mailbox.reader(since=date(2026, 3, 1))).records) == 1


def test_a_wrong_password_is_said_clearly_and_not_shown(mailbox: Mailbox) -> None:
    for wrong in ("hemligt-1234", "hemligt-åäö"):
        with pytest.raises(ConfigurationError, match="refuses the login") as caught:
            read_all(mailbox.reader(password=SecretStr(wrong)))
        assert "hemligt" not in str(caught.value)


def test_a_folder_that_is_not_there_is_said_clearly(mailbox: Mailbox) -> None:
    with pytest.raises(ConfigurationError, match=r"imap\.sent"):
        read_all(mailbox.reader(sent="Finns-inte"))


def test_a_server_without_tls_is_not_spoken_to_in_clear(mailbox: Mailbox) -> None:
    async def first() -> None:
        await anext(mailbox.reader(security="tls").batches(None))

    with pytest.raises(RetriableError):
        asyncio.run(first())


def test_a_server_that_is_away_can_be_tried_again(mailbox: Mailbox) -> None:
    async def first() -> None:
        await anext(mailbox.reader(port=1).batches(None))

    with pytest.raises(RetriableError, match="ConnectionRefusedError"):
        asyncio.run(first())


def test_closing_ends_the_connection_at_once(mailbox: Mailbox) -> None:
    async def scenario() -> float:
        reader = mailbox.reader(poll_seconds=600)
        reading = Reading()
        loop = asyncio.get_running_loop()
        looked = asyncio.Event()

        def done() -> bool:
            looked.set()
            return False

        task = asyncio.create_task(read_until(reader, reading, done))
        await asyncio.wait_for(looked.wait(), 30)
        began = loop.time()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return loop.time() - began

    assert asyncio.run(scenario()) < 5


def stall(listener: socket.socket, stalled: threading.Event) -> None:
    """Serve one client up to its login, and then say nothing more."""
    connection, _ = listener.accept()
    with connection, connection.makefile("rwb", buffering=0) as stream:
        stream.write(b"* OK ready\r\n")
        for line in stream:
            tag, command = line.split()[:2]
            if command == b"EXAMINE":
                stalled.set()
                continue
            told = b"* CAPABILITY IMAP4rev1\r\n" if command == b"CAPABILITY" else b""
            stream.write(told + tag + b" OK done\r\n")


def test_closing_does_not_wait_for_a_server_that_says_nothing() -> None:
    stalled = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=stall, args=(listener, stalled), daemon=True)
        server.start()
        imap = ImapSettings.model_validate(
            {
                "host": "127.0.0.1",
                "port": listener.getsockname()[1],
                "security": "none",
                "user": "kc",
                "password": "invented",
                "timeout_seconds": 60,
            }
        )
        reader = ImapReader(MailSettings(imap=imap), imap)

        async def scenario() -> None:
            task = asyncio.create_task(read_until(reader, Reading(), lambda: False))
            assert await asyncio.to_thread(stalled.wait, 30)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        began = time.monotonic()
        asyncio.run(scenario())  # ends only when the reader's thread has ended
        assert time.monotonic() - began < 20
        server.join(10)
        assert not server.is_alive()


def test_a_message_to_two_mailboxes_is_told_of_twice_and_known_as_one(dovecot: Dovecot) -> None:
    """Whoever joins the events sees one message; the second mailbox's is another leg."""
    message = (
        b"Message-ID: <both@x.example>\r\nFrom: kim@x.example\r\nTo: a@y.example\r\nCc: b@y.example\r\n\r\n"
    )
    found = []
    for name in ("kommun", "bygg"):
        box = Mailbox.created(dovecot)
        box.put(message)
        (record,) = read_all(box.reader(mailbox=name)).records
        found += normalised([record])
    one, other = found
    assert isinstance(one, Received)
    assert isinstance(other, Received)
    assert one.data.message == other.data.message
    assert one.id != other.id
    assert (one.subject, other.subject) == (f"kommun:{one.data.message}", f"bygg:{one.data.message}")
