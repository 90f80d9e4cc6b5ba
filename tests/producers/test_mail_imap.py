"""The IMAP reader against a real server: hostile mail, cut connections, renumbered folders."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import SecretStr

from producers.contract import Batch, Context, Place, Raw, Rejected
from producers.sources.mail.imap import ImapReader
from producers.sources.mail.settings import ImapSettings, MailSettings
from producers.sources.mail.source import SOURCE
from schemas.catalogue import load_catalogue
from schemas.errors import ConfigurationError, RetriableError
from schemas.identity import Pseudonymiser, PseudonymKey
from tests.services.dovecot import Dovecot, dovecot

__all__ = ["dovecot"]
pytestmark = pytest.mark.integration

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CONTEXT = Context(
    "epost", Pseudonymiser(PseudonymKey("k1", b"0123456789abcdef")), load_catalogue(), partitions=8
)
HOSTILE = (
    b"\x00\xff\xfe\x80",
    b"\r\n\r\nno header at all\r\n",
    b"Subject: " + b"=?utf-8?b?" * 400 + b"\r\n\r\n",
    b"From: " + b"(" * 3000 + b"\r\nMessage-ID: <deep@x.example>\r\n\r\n",
    b'From: \xe5\xe4\xf6@x.example\r\nContent-Type: multipart/mixed; boundary="\r\n\r\n--\r\n',
    b"Message-ID: <\r\n <<>>\r\nReferences: " + b"<a@b.example>" * 500 + b"\r\n\r\n",
    b"From: a@b.example\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(3000)) + b"\r\nbody",
)


@dataclass(slots=True)
class Mailbox:
    """Two folders of their own on the server, and what to read them with."""

    server: Dovecot
    name: str = field(default_factory=lambda: f"box-{secrets.token_hex(4)}")
    count: int = 0

    @property
    def inbox(self) -> str:
        return f"{self.name}-in"

    @property
    def sent(self) -> str:
        return f"{self.name}-ut"

    def settings(self, **changes: object) -> MailSettings:
        imap: dict[str, object] = {
            "host": self.server.host,
            "port": self.server.port,
            "security": "none",
            "user": self.server.user,
            "password": SecretStr(self.server.password),
            "inbox": self.inbox,
            "sent": self.sent,
            "timeout_seconds": 10,
        }
        own = {name: changes.pop(name) for name in ("batch_size", "poll_seconds", "since") if name in changes}
        return MailSettings(imap=ImapSettings.model_validate(imap | changes), **{"poll_seconds": 0.05, **own})

    def reader(self, **changes: object) -> ImapReader:
        settings = self.settings(**changes)
        assert settings.imap is not None
        return ImapReader(settings, settings.imap)

    def put(self, message: bytes | None = None, folder: str | None = None) -> str:
        """Put a message, one minute after the one before; return its Message-ID."""
        self.count += 1
        name = f"m{self.count}.{self.name}@x.example"
        made = f"Message-ID: <{name}>\r\nFrom: a{self.count}@x.example\r\n\r\nbody\r\n".encode()
        at = START + timedelta(minutes=self.count)
        self.server.append(folder or self.inbox, made if message is None else message, at)
        return name


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Mailbox:
    box = Mailbox(dovecot)
    with dovecot.session() as client:
        client.create(box.inbox)
        client.create(box.sent)
    return box


@dataclass(slots=True)
class Reading:
    """What was read so far, over all connections."""

    batches: list[Batch] = field(default_factory=list)
    place: Place | None = None
    cuts: int = 0

    @property
    def records(self) -> list[Raw]:
        return [record for batch in self.batches for record in batch.records]


async def read_until(reader: ImapReader, reading: Reading, done: Callable[[], bool]) -> None:
    """Read as the runner does, on from the last place after each cut, until ``done`` after a batch."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(RetriableError):
                async with contextlib.aclosing(reader.batches(reading.place)) as batches:  # type: ignore[type-var]
                    async for batch in batches:
                        reading.batches.append(batch)
                        reading.place = batch.after
                        if done():
                            return
            reading.cuts += 1
            await asyncio.sleep(0.05)


def read_all(reader: ImapReader, place: Place | None = None) -> Reading:
    """Read until there is nothing new."""
    reading = Reading(place=place)
    asyncio.run(read_until(reader, reading, lambda: not reading.batches[-1].records))
    return reading


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
    for record in records:
        normalised = SOURCE.normalise(record, mailbox.settings(), CONTEXT)
        assert isinstance(normalised, Rejected) or len(normalised) == 1


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
    assert ids(mailbox, again) == ids(mailbox, before)


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


def ids(mailbox: Mailbox, records: list[Raw]) -> list[str]:
    found: list[str] = []
    for record in records:
        normalised = SOURCE.normalise(record, mailbox.settings(), CONTEXT)
        assert not isinstance(normalised, Rejected)
        found += [event.event.id if hasattr(event, "event") else event.id for event in normalised]
    return found
