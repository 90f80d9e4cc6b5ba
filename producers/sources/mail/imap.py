"""The IMAP reader: the folders of one mailbox, oldest first, for ever; marks and deletes nothing.

A place is ``{"inbox": {"uidvalidity": …, "uid": …}, "sent": {…}}``; a further folder is called
``inbox <its name>``. Where a server has renumbered a folder (RFC 3501 §2.3.1.1) it is read from its
beginning again; deterministic ids make that harmless.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from imap_tools.errors import MailboxFolderSelectError

from producers.contract import Batch, Lag, LagUnit, Place, Raw
from producers.sources.mail.imap_session import CUT_CONNECTION, Fetched, Session, refused_for_good
from producers.sources.mail.messages import INBOX, SENT
from producers.sources.mail.settings import ImapSettings, MailSettings
from schemas.errors import ConfigurationError, KommuncenterError, RetriableError

_log = structlog.get_logger(__name__)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a folder has been read, under which numbering."""

    uidvalidity: int = 0
    uid: int = 0


Marks = Mapping[str, Mark]


def dump_place(marks: Marks) -> Place:
    """Return marks as text, the same marks always as the same text."""
    shown = {name: {"uidvalidity": mark.uidvalidity, "uid": mark.uid} for name, mark in marks.items()}
    return json.dumps(shown, sort_keys=True, separators=(",", ":"))


def load_place(place: Place | None) -> Marks:
    """Return the marks in a place. One that is not ours starts again: doubles do no harm."""
    if place is None:
        return {}
    try:
        found = json.loads(place)
        return {str(name): Mark(int(mark["uidvalidity"]), int(mark["uid"])) for name, mark in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        _log.warning("imap_place_unreadable", action="reading from the beginning")
        return {}


@dataclass(slots=True)
class _Backlog:
    """What is still to be read of one folder: numbers, and the messages already fetched of them.

    ``key`` names the folder in places, ``kind`` says whether it is an ``inbox`` or a ``sent`` folder.
    """

    key: str
    kind: str
    folder: str
    validity: int
    pending: list[int]
    fetched: list[Fetched] = field(default_factory=list)

    def refill(self, session: Session, count: int) -> None:
        """Fetch on until there is a message at hand, or none left."""
        while not self.fetched and self.pending:
            if session.ensure_open(self.folder) != self.validity:
                raise ConnectionResetError("the folder was renumbered while it was read")
            chunk, self.pending = self.pending[:count], self.pending[count:]
            self.fetched = session.fetch(chunk)[::-1]

    @property
    def next_at(self) -> datetime:
        """When the next message came."""
        return self.fetched[-1].received_at or _LONG_AGO


class ImapReader:
    """Reads a mailbox. Building one connects to nothing."""

    def __init__(self, settings: MailSettings, imap: ImapSettings) -> None:
        self._settings = settings
        self._imap = imap
        self._folders = {
            kind if number == 0 else f"{kind} {folder}": (kind, folder)
            for kind, folders in ((SENT, imap.sent), (INBOX, imap.inbox))
            for number, folder in enumerate(folders)
        }
        self._has_opened = False
        self._backlogs: list[_Backlog] | None = None

    def lag(self) -> Lag | None:
        """Return how many messages the folders held at the last look that have not been handed on."""
        backlogs = self._backlogs
        if backlogs is None:
            return None
        waiting = sum(len(backlog.pending) + len(backlog.fetched) for backlog in backlogs)
        return Lag(waiting, LagUnit.MESSAGES)

    async def batches(self, start: Place | None) -> AsyncIterator[Batch]:
        """Yield batches for ever; an empty one says that there was nothing new.

        Raises RetriableError where the server can't be reached or the connection breaks: go on from the last
        place. Raises ConfigurationError for a refused login, a certificate that can't be trusted, or, at the
        first look, a folder that does not exist.
        """
        marks = load_place(start)
        session: Session | None = None
        try:
            session = await asyncio.to_thread(Session, self._imap)
            while True:
                waiting = self._catch_up(session, marks)
                while (batch := await asyncio.to_thread(next, waiting, None)) is not None:
                    marks = load_place(batch.after)
                    yield batch
                here = dump_place(marks)
                yield Batch(here, here, ())
                await self._wait(session)
        except CUT_CONNECTION as error:
            raise self._failure(error) from None
        finally:
            self._backlogs = None
            if session is not None:
                session.close()

    def _failure(self, error: Exception) -> KommuncenterError:
        """Return what a broken connection means; the server's own words may name people and are left out.

        Until all folders have been opened once, a missing one is a wrong setting; later it may be back soon.
        """
        missing = isinstance(error, MailboxFolderSelectError) and refused_for_good(error)
        if missing and not self._has_opened:
            names = ", ".join(map(repr, (*self._imap.inbox, *self._imap.sent)))
            return ConfigurationError(
                f"imap.inbox, imap.sent: the server does not open each of {names}; check the names"
            )
        return RetriableError(
            f"imap: {self._imap.host} can't be reached, or cut the connection ({type(error).__name__})"
        )

    def _catch_up(self, session: Session, marks: Marks) -> Iterator[Batch]:
        """Yield what has come since ``marks``, of all folders together in the order in which it came.

        Read one folder after the other, a first start on an old mailbox would give years of answers first
        and then years of questions, all late.
        """
        backlogs = [self._backlog(session, key, marks) for key in self._folders]
        self._has_opened, self._backlogs = True, backlogs
        marks = {backlog.key: _mark_under(marks.get(backlog.key), backlog.validity) for backlog in backlogs}
        while True:
            before = dump_place(marks)
            records: list[Raw] = []
            while len(records) < self._settings.batch_size:
                for backlog in backlogs:
                    backlog.refill(session, self._settings.batch_size)
                ready = [backlog for backlog in backlogs if backlog.fetched]
                if not ready:
                    break
                oldest = min(ready, key=lambda backlog: backlog.next_at)
                message = oldest.fetched.pop()
                records.append(self._record(oldest, message))
                marks = {**marks, oldest.key: Mark(oldest.validity, message.uid)}
            if not records:
                session.ensure_open(self._imap.inbox[0])  # the one that is watched
                return
            yield Batch(before=before, after=dump_place(marks), records=records)

    def _backlog(self, session: Session, key: str, marks: Marks) -> _Backlog:
        kind, folder = self._folders[key]
        validity = session.examine(folder)
        mark = marks.get(key)
        if mark is not None and mark.uidvalidity != validity:
            _log.warning("imap_folder_renumbered", folder=key, action="reading it from the beginning")
        after = _mark_under(mark, validity).uid
        return _Backlog(key, kind, folder, validity, session.uids_after(after, self._settings.since))

    def _record(self, backlog: _Backlog, message: Fetched) -> Raw:
        return Raw(
            payload=message.header,
            place=f"{backlog.key} uid {message.uid}",
            received_at=message.received_at,
            attributes={"folder": backlog.kind, "mailbox": self._settings.mailbox},
        )

    async def _wait(self, session: Session) -> None:
        """Wait for new mail in the inbox, at most ``poll_seconds``; the other folders wait for that."""
        if not (self._imap.idle and session.can_idle):
            await asyncio.sleep(self._settings.poll_seconds)
            return
        await asyncio.to_thread(session.start_idle)
        await _readable(session.fileno(), self._settings.poll_seconds)
        await asyncio.to_thread(session.stop_idle)


def _mark_under(mark: Mark | None, validity: int) -> Mark:
    """Return a mark as it holds under a numbering: another numbering begins at the beginning."""
    return mark if mark is not None and mark.uidvalidity == validity else Mark(validity, 0)


async def _readable(descriptor: int, seconds: float) -> None:
    """Return when there is something to read, or after ``seconds``."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, told.set)
    try:
        async with asyncio.timeout(seconds):
            await told.wait()
    except TimeoutError:
        return
    finally:
        loop.remove_reader(descriptor)
