"""A cursor in a family of log files: the blocking side of following one. Not for use by sources."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from producers.contract import Batch, Place, Raw
from producers.lines import HEAD_SIZE, Cutter, FilePlace, Line, LineKey, Numbering, head_hash
from producers.rotation import DECOMPRESSION_ERRORS, Content, Sibling, family, unreadable
from schemas.errors import ConfigurationError, RetriableError

BATCH_LINES = 2000
BATCH_BYTES = 1 << 20
CUT = "cut"
"""Attribute of a record whose line was longer than MAX_LINE, and was cut there."""

_log = structlog.get_logger(__name__)


class Cursor:
    """The blocking side: one file is open at a time, and the place in it is known."""

    def __init__(
        self,
        path: Path,
        key: LineKey | None,
        start: FilePlace | None,
        follow: bool,
        on_gap: Callable[[str], None],
    ) -> None:
        """Take what FollowedFile was given, and the place to start from; nothing is opened."""
        self._path = path
        self._key = key
        self._follow = follow
        self._on_gap = on_gap
        self._lock = threading.Lock()
        self._content: Content | None = None
        self._known = start or FilePlace(0, 0)
        self._head = b""
        self._last: Place | None = start.text() if start else None
        self._numbering = Numbering.load(json.loads(self._known.numbering))
        self._cutter = Cutter(self._known.offset, self._known.line, self._known.inside)
        self._told_absent = False
        self._last_look = False
        self.ended = False

    @property
    def place(self) -> Place | None:
        """Where the last batch ended; before the first one, where it will begin, once there is a file."""
        return self._last or (self._here().text() if self._content is not None else None)

    def step(self) -> Batch | None:
        """Return the next batch, or None where there is nothing to read for now (or at all: ``ended``)."""
        with self._lock:
            try:
                return self._step()
            except OSError as error:
                self._close()
                raise RetriableError(f"{self._path}: can't be read ({error.strerror or error})") from error

    def behind(self) -> int | None:
        """Return how many bytes stand behind the place; None where no file is open, or it is compressed."""
        with self._lock, contextlib.suppress(OSError):
            if self._content is None or self._content.compressed:
                return None
            files = family(self._path)
            mine = (self._known.device, self._known.inode)
            place = next((i for i, f in enumerate(files) if (f.device, f.inode) == mine), len(files))
            later = sum(f.path.stat().st_size for f in files[place + 1 :] if not f.compressed)
            return max(0, self._content.stat().st_size - self._cutter.offset) + later
        return None

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            self._close()
            self.ended = True

    def _step(self) -> Batch | None:
        while not self.ended:
            if self._content is None and not self._open():
                return None
            before = self._here()
            data = self._read()
            if data is None:
                self._truncated()
                continue
            lines = self._cutter.cut(data, BATCH_LINES)
            if self._cutter.offset > before.offset:
                self._learn_head(before.offset, data)
                self._last_look = False
                return self._batch(before, lines)
            if self._last_look:
                last = self._leave(before, data)
                if last is not None:
                    return last
                continue
            self._last_look = self._is_over()
            if not self._last_look:
                return None
        return None

    def _leave(self, before: FilePlace, data: bytes) -> Batch | None:
        """Give the last line of a file that is over, and go on with the next file."""
        lines = self._cutter.rest(data)
        self._learn_head(before.offset, data)
        last = self._batch(before, lines) if data else None
        if not self._follow and self._following() is None:
            self._close()
            self.ended = True
            return last
        self._next_file()
        return last

    # ---- reading ---------------------------------------------------------------------------------

    def _read(self) -> bytes | None:
        """Return what stands at the place; None where the file no longer is what it was."""
        assert self._content is not None
        try:
            data = self._content.read_at(self._cutter.offset, BATCH_BYTES)
        except DECOMPRESSION_ERRORS as error:
            name, kind = self._content.path.name, type(error).__name__
            self._on_gap(f"{name} is damaged behind line {self._cutter.line} ({kind})")
            self._last_look = True
            return b""
        if self._content.compressed:
            return data
        found = self._content.stat()
        if found.st_mtime_ns != self._known.modified_ns or found.st_size < self._cutter.offset:
            if self._cutter.offset == 0 and self._copied_since():
                return None
            head = self._content.read_at(0, self._known.head_size)
            if found.st_size < self._cutter.offset or head_hash(head) != self._known.head:
                return None
            self._known = replace(self._known, modified_ns=found.st_mtime_ns)
        return data

    def _batch(self, before: FilePlace, lines: list[Line]) -> Batch:
        """Return a batch that begins where the last one ended.

        So no place says that a file is known, but nothing of it: such a file could be mistaken for another
        one that got its inode. From the end of the file before, it is found again.
        """
        start = self._last or before.text()
        records = tuple(self._record(line) for line in lines)
        self._last = self._here().text()
        return Batch(start, self._last, records)

    def _record(self, line: Line) -> Raw:
        instant = self._key(line.payload) if self._key else None
        nth, sequence = 0, line.number - 1
        if instant is not None:
            nth, sequence = self._numbering.number(instant, line.payload)
        return Raw(
            payload=line.payload,
            place=f"{self._path.name} line {line.number}",
            nth=nth,
            sequence=sequence,
            attributes={CUT: "yes"} if line.cut else {},
        )

    def _learn_head(self, offset: int, data: bytes) -> None:
        """Keep the first bytes of the file as they were read."""
        if offset < HEAD_SIZE:
            self._head = (self._head[:offset] + data)[:HEAD_SIZE]

    def _here(self) -> FilePlace:
        """Return the place, with the head of what was read so far."""
        size = min(HEAD_SIZE, self._cutter.offset)
        if size != self._known.head_size:
            self._known = replace(self._known, head_size=size, head=head_hash(self._head[:size]))
        cutter = self._cutter
        self._known = self._known.at(cutter.offset, cutter.line, cutter.inside, self._numbering)
        return self._known

    # ---- which file ------------------------------------------------------------------------------

    def _open(self) -> bool:
        """Open the file to read; tell whether there is one."""
        if self._known.inode == 0:
            return self._begin(self._path)
        content = _find(self._path, self._known)
        if content is not None:
            self._take(content)
            self._head = content.read_at(0, min(HEAD_SIZE, self._cutter.offset))
            return True
        since = self._known.modified_ns
        if self._known.offset > 0:
            self._gap("the file that was being read is gone")
            self._known = replace(self._known, offset=0, head_size=0, head=head_hash(b""))
            since += 1
        later = [file for file in family(self._path) if file.modified_ns >= since]
        return self._begin(later[0].path if later else self._path)

    def _begin(self, path: Path) -> bool:
        """Open a file at its beginning; tell whether it is there."""
        try:
            content = Content(path)
        except FileNotFoundError:
            if not self._follow:
                raise ConfigurationError(f"{path}: there is no such file; check the path") from None
            if not self._told_absent:
                _log.warning("file_absent", file=str(path), reason="waiting until it is there")
            self._told_absent = True
            return False
        former = self._known
        if former.head_size and content.continues(former.head_size, former.head, 0):
            self._numbering = Numbering()  # the same lines again: they get the same numbers again
        self._cutter, self._head = Cutter(), b""
        self._known = replace(self._known, offset=0, head_size=0, head=head_hash(b""))
        self._take(content)
        return True

    def _take(self, content: Content) -> None:
        self._close()
        self._content = content
        self._last_look, self._told_absent = False, False
        found = content.stat()
        self._known = replace(
            self._known, device=found.st_dev, inode=found.st_ino, modified_ns=found.st_mtime_ns
        )

    def _is_over(self) -> bool:
        """Tell whether the open file will not grow any more; then a last look at it is due.

        A renamed file is still written to until the writer opens the new one. So it is over when there is
        something in the live one, or when that too has been renamed.
        """
        assert self._content is not None
        if self._content.compressed or not self._follow:
            return True
        if self._content.path == self._path and not self._replaced():
            return False
        following = self._following()
        if following is None:
            return False
        return following.path != self._path or following.path.stat().st_size > 0

    def _replaced(self) -> bool:
        """Tell whether there is another file of the name now."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) != (self._known.device, self._known.inode)

    def _following(self) -> Sibling | None:
        """Return the file that was written after the open one; None for the live one."""
        files = family(self._path)
        mine = [
            i for i, f in enumerate(files) if (f.device, f.inode) == (self._known.device, self._known.inode)
        ]
        later = (
            files[mine[-1] + 1 :] if mine else [f for f in files if f.modified_ns > self._known.modified_ns]
        )
        return next((f for f in later if f.path == self._path or not self._is_copy(f)), None)

    def _is_copy(self, file: Sibling) -> bool:
        """Tell whether a file holds what the open one holds, such as when it is being compressed."""
        if self._known.head_size == 0:
            return False
        with contextlib.suppress(OSError), Content(file.path) as content:
            return content.continues(self._known.head_size, self._known.head, 0)
        return True  # gone in the meantime

    def _next_file(self) -> None:
        following = self._following()
        self._begin(following.path if following else self._path)

    def _truncated(self) -> None:
        """Go on after a truncation: what was not read may stand in a copy; then the file's new beginning."""
        copies = self._copied_since() if self._cutter.offset == 0 else []
        if copies:
            self._begin(copies[0].path)
            return
        copy = _find(self._path, self._known, but=self._path)
        if copy is not None:
            self._take(copy)
            return
        self._gap("the file was cut or written anew, and there is no copy of what stood in it")
        self._close()
        self._begin(self._path)

    def _copied_since(self) -> list[Sibling]:
        """Return copies of what stood in the open file since it was found empty, and was cut off again."""
        assert self._content is not None
        mine = self._content.stat()
        return [
            file
            for file in family(self._path)
            if file.path != self._path
            and (file.device, file.inode) != (mine.st_dev, mine.st_ino)
            and self._known.modified_ns < file.modified_ns <= mine.st_mtime_ns
        ]

    def _gap(self, reason: str) -> None:
        closed = unreadable(self._path)
        hint = f"; these can't be read here: {', '.join(closed)}" if closed else ""
        self._on_gap(f"{reason}; lines behind its line {self._known.line} may be lost{hint}")

    def _close(self) -> None:
        if self._content is not None:
            self._content.close()
        self._content = None


def _find(log: Path, known: FilePlace, but: Path | None = None) -> Content | None:
    """Return the file of that place, open: by its inode, else by its head (a copy, or compressed)."""
    files = [file for file in reversed(family(log)) if file.path != but]
    same = [file for file in files if (file.device, file.inode) == (known.device, known.inode)]
    if not known.head_size:
        # An inode alone says little: after a file is gone another one may have it.
        same = [file for file in same if not file.compressed and file.modified_ns >= known.modified_ns]
    others = [file for file in files if file not in same] if known.head_size else []
    for file in (*same, *others):
        try:
            content = Content(file.path)
        except FileNotFoundError:
            continue
        if content.continues(known.head_size, known.head, known.offset):
            return content
        content.close()
    return None
