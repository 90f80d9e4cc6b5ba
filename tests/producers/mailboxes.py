"""Mailboxes on the tests' IMAP server, and reading them as the runner does: on from the last place."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from pydantic import SecretStr

from producers.contract import Batch, Broadcast, Context, Place, Raw, Rejected
from producers.sources.mail.imap import ImapReader
from producers.sources.mail.settings import ImapSettings, MailSettings
from producers.sources.mail.source import SOURCE
from schemas.catalogue import load_catalogue
from schemas.errors import RetriableError
from schemas.events import Event
from schemas.identity import Pseudonymiser, PseudonymKey
from tests.services.dovecot import Dovecot

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CONTEXT = Context(
    "epost", Pseudonymiser(PseudonymKey("k1", b"0123456789abcdef")), load_catalogue(), partitions=8
)
SETTINGS = MailSettings.model_validate({"imap": {"host": "imap.example", "user": "kommun"}})


@dataclass(slots=True)
class Mailbox:
    """Two folders of their own on the server, and what to read them with."""

    server: Dovecot
    name: str = field(default_factory=lambda: f"box-{secrets.token_hex(4)}")
    count: int = 0

    @classmethod
    def created(cls, server: Dovecot) -> Mailbox:
        """Return a new mailbox; both its folders are there and empty."""
        box = cls(server)
        with server.session() as client:
            client.create(box.inbox)
            client.create(box.sent)
        return box

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
        own = {
            name: changes.pop(name)
            for name in ("batch_size", "poll_seconds", "since", "mailbox")
            if name in changes
        }
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

    def deliver(
        self,
        kind: str,
        messages: Sequence[tuple[bytes, datetime]],
        numbers: Sequence[int] | None = None,
    ) -> None:
        """Put many messages into the inbox or sent folder at once, each with the server's date.

        As the files of a Maildir, in the order of which the server numbers them, or with the UIDs given.
        """
        folder = self.server.mail / f".{getattr(self, kind)}"
        names = []
        for message, received_at in messages:
            self.count += 1
            epoch = int(received_at.timestamp())
            names.append(f"{START.timestamp():.0f}.M{self.count:06d}.host")
            path = folder / "cur" / f"{names[-1]}:2,"
            path.write_bytes(message)
            os.utime(path, (epoch, epoch))
        if numbers is not None:
            lines = [f"3 V{START.timestamp():.0f} N{numbers[-1] + 1} G{secrets.token_hex(16)}"]
            lines += [f"{number} :{name}" for number, name in zip(numbers, names, strict=True)]
            (folder / "dovecot-uidlist").write_text("\n".join(lines) + "\n")

    def renumber(self, kind: str, chance: Random) -> None:
        """Let the server lose its numbering of a folder: the same messages come back, in another order."""
        folder = getattr(self, kind)
        cur, aside = self.server.mail / f".{folder}" / "cur", self.server.mail.parent / f"{folder}-aside"
        aside.mkdir()
        for file in cur.iterdir():
            os.link(file, aside / file.name)
        self.server.recreate(folder)
        files = sorted(aside.iterdir())
        chance.shuffle(files)
        for number, file in enumerate(files):
            file.rename(cur / f"{START.timestamp():.0f}.R{number:06d}.host:2,")
        aside.rmdir()


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
    async with asyncio.timeout(100):
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


def normalised(records: Iterable[Raw]) -> list[Event | Rejected]:
    """Return what the mail source makes of records, in their order."""
    found: list[Event | Rejected] = []
    for record in records:
        result = SOURCE.normalise(record, SETTINGS, CONTEXT)
        if isinstance(result, Rejected):
            found.append(result)
        else:
            found += [event.event if isinstance(event, Broadcast) else event for event in result]
    return found


def ids(records: Iterable[Raw]) -> list[str]:
    """Return the ids of the events of records, none of which may be rejected."""
    events = [event for event in normalised(records) if not isinstance(event, Rejected)]
    assert len(events) == len(normalised(records))
    return [event.id for event in events]
