"""The Maildir reader: finds messages by the names of their files, and changes nothing.

A place is ``{"epoch": highest delivery time read, "recent": [digests of names read since epoch - overlap]}``.
A message that turns up behind others, by up to the overlap, is therefore still found, once.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from producers.contract import Batch, Place, Raw
from producers.sources.mail.headers import HEADER_BYTES, header_block
from producers.sources.mail.settings import MaildirSettings, MailSettings
from schemas.clock import Clock
from schemas.errors import ConfigurationError, RetriableError
from schemas.identity import stable_hash
from schemas.timebase import day_start

_log = structlog.get_logger(__name__)
_NAME = re.compile(r"(?P<epoch>\d{1,11})\.")


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """A message file. ``digest`` stands for folder and unique name, which flags do not change."""

    epoch: int
    digest: str
    folder: str
    path: Path


@dataclass(frozen=True, slots=True)
class Progress:
    """How far reading has come; see the module's text."""

    epoch: int = -1
    recent: frozenset[str] = frozenset()

    def unread(self, message: Message, overlap: int) -> bool:
        """Tell whether a message is still to be read."""
        return message.epoch > self.epoch - overlap and message.digest not in self.recent

    def dump(self) -> Place:
        """Return the place as text."""
        return json.dumps({"epoch": self.epoch, "recent": sorted(self.recent)}, separators=(",", ":"))


def load_progress(place: Place | None) -> Progress:
    """Return the progress in a place. One that is not ours starts again: doubles do no harm."""
    if place is None:
        return Progress()
    try:
        found = json.loads(place)
        return Progress(int(found["epoch"]), frozenset(str(name) for name in found["recent"]))
    except (ValueError, TypeError, KeyError):
        _log.warning("maildir_place_unreadable", action="reading from the beginning")
        return Progress()


class MaildirReader:
    """Reads the inbox and the sent folder of one Maildir, oldest delivery first."""

    def __init__(self, settings: MailSettings, maildir: MaildirSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._has_looked = False
        self._maildir = maildir
        self._overlap = maildir.overlap_hours * 3600
        self._since = int(day_start(settings.since).timestamp()) if settings.since else 0

    async def batches(self, start: Place | None) -> AsyncIterator[Batch]:
        """Yield batches for ever; an empty one says that there was nothing new.

        Raises RetriableError where the disk can't be read for now, and ConfigurationError where, at the first
        look, the path is no Maildir.
        """
        progress = load_progress(start)
        try:
            while True:
                waiting = await asyncio.to_thread(self._unread, progress)
                self._has_looked = True
                for at in range(0, len(waiting), self._settings.batch_size):
                    chunk = waiting[at : at + self._settings.batch_size]
                    batch, progress = await asyncio.to_thread(self._read, chunk, progress)
                    yield batch
                here = progress.dump()
                yield Batch(here, here, ())
                await asyncio.sleep(self._settings.poll_seconds)
        except OSError as error:
            raise RetriableError(f"maildir: can't be read for now ({error.strerror})") from None

    def _unread(self, progress: Progress) -> list[Message]:
        root = self._maildir.path
        latest = self._now() + 86_400
        if not (root / "cur").is_dir() or not (root / "new").is_dir():
            if self._has_looked:
                raise RetriableError("maildir: new and cur are gone for now")
            raise ConfigurationError(
                f"maildir.path {root}: not a Maildir with new and cur that this process may read; "
                "check the path and the rights"
            )
        found: dict[str, Message] = {}
        for folder, path in (("inbox", root), ("sent", root / self._maildir.sent)):
            for message in _messages(folder, path, latest):
                if message.epoch >= self._since and progress.unread(message, self._overlap):
                    found[message.digest] = message
        return sorted(found.values())

    def _read(self, chunk: list[Message], before: Progress) -> tuple[Batch, Progress]:
        """Read a chunk. A file that was renamed meanwhile is left for the next look."""
        records: list[Raw] = []
        done: dict[str, int] = {}
        for message in chunk:
            try:
                with message.path.open("rb") as file:
                    payload = header_block(file.read(HEADER_BYTES)) + b"\n\n"
            except FileNotFoundError:
                continue
            records.append(self._record(message, payload))
            done[message.digest] = message.epoch
        after = self._advance(before, done) if done else before
        return Batch(before=before.dump(), after=after.dump(), records=records), after

    def _record(self, message: Message, payload: bytes) -> Raw:
        return Raw(
            payload=payload,
            place=f"{message.folder} {message.digest}",
            received_at=datetime.fromtimestamp(message.epoch, UTC),
            attributes={"folder": message.folder, "mailbox": self._settings.mailbox},
        )

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    def _advance(self, before: Progress, done: dict[str, int]) -> Progress:
        epoch = max(before.epoch, min(self._now(), max(done.values())))
        recent = {name: _epoch_in(name) for name in before.recent} | done
        kept = frozenset(name for name, at in recent.items() if at > epoch - self._overlap)
        return Progress(epoch, kept)


def _messages(folder: str, path: Path, latest: int) -> Iterator[Message]:
    """Yield the messages of a folder; none where it does not exist (no mail was ever sent)."""
    for part in ("new", "cur"):
        try:
            entries = list(os.scandir(path / part))
        except FileNotFoundError:
            continue
        for entry in entries:
            message = _message(folder, entry, latest)
            if message is not None:
                yield message


def _message(folder: str, entry: os.DirEntry[str], latest: int) -> Message | None:
    """Return the message of a directory entry.

    Its time (epoch seconds) is in its name; where that is missing or after ``latest``, the file's own.
    """
    try:
        if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
            return None
        named = _NAME.match(entry.name)
        epoch = int(named["epoch"]) if named else latest + 1
        if epoch > latest:
            epoch = int(entry.stat(follow_symlinks=False).st_mtime)
    except FileNotFoundError:
        return None
    unique = entry.name.partition(":")[0]
    digest = f"{epoch:x}-{stable_hash(folder, unique)[:12]}"
    return Message(epoch=epoch, digest=digest, folder=folder, path=Path(entry.path))


def _epoch_in(digest: str) -> int:
    return int(digest.partition("-")[0], 16)
