"""Files that a log was rotated into: finding them, their order, and reading them, compressed or not."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

from producers.lines import head_hash

_OPENERS: Final[dict[str, Callable[[Path], object]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_UNREADABLE: Final = frozenset({".Z", ".zst", ".zip", ".lz4", ".7z"})
DECOMPRESSION_ERRORS: Final = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


class Content:
    """The bytes of a file, from any offset; a compressed file gives those that were compressed."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises OSError."""
        self.path = path
        self._raw = path.open("rb", buffering=0)
        opener = _OPENERS.get(path.suffix)
        self._stream = cast("BufferedIOBase", opener(path)) if opener else None
        self._window, self._start = b"", 0

    @property
    def compressed(self) -> bool:
        """Whether the file is compressed, and so will not grow."""
        return self._stream is not None

    def stat(self) -> os.stat_result:
        """Return what the system says about the open file, whatever its name is now."""
        return os.fstat(self._raw.fileno())

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes from ``offset``. Raises OSError and DECOMPRESSION_ERRORS."""
        if self._stream is None:
            return os.pread(self._raw.fileno(), size, offset)
        if offset < self._start:
            self._stream.seek(0)
            self._window, self._start = b"", 0
        while len(self._window) < offset - self._start + size:
            more = self._stream.read(1 << 20)
            if not more:
                break
            dropped = min(max(0, offset - self._start), len(self._window))
            self._window = self._window[dropped:] + more
            self._start += dropped
        return self._window[offset - self._start :][:size] if offset >= self._start else b""

    def continues(self, head_size: int, head: str, offset: int) -> bool:
        """Tell whether this is the file with that head, and reaches to ``offset``."""
        try:
            if head_hash(self.read_at(0, head_size)) != head:
                return False
            return offset == 0 or len(self.read_at(offset - 1, 1)) == 1
        except (*DECOMPRESSION_ERRORS, OSError):
            return False

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
        self._raw.close()

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


@dataclass(frozen=True, slots=True, order=True)
class Sibling:
    """A file of a log's family; ordered as they were written, oldest first."""

    modified_ns: int
    rank: float
    path: Path
    device: int
    inode: int

    @property
    def compressed(self) -> bool:
        """Whether the file is compressed."""
        return self.path.suffix in _OPENERS


def family(log: Path) -> list[Sibling]:
    """Return the files that ``log`` was rotated into and can be read, oldest first, the log itself last.

    By name: the log's, a dot or hyphen, then digits (a number or a date), then perhaps how it is compressed.
    """
    return sorted(_siblings(log, readable=True))


def unreadable(log: Path) -> list[str]:
    """Return the names of rotated files that are compressed in a way that can't be read here."""
    return sorted(sibling.path.name for sibling in _siblings(log, readable=False))


def _siblings(log: Path, *, readable: bool) -> Iterator[Sibling]:
    pattern = re.compile(re.escape(log.name) + r"[.-](\d[\d.T_-]*?)(\.[A-Za-z]\w*)?")
    with contextlib.suppress(FileNotFoundError), os.scandir(log.parent) as entries:
        for entry in entries:
            match = pattern.fullmatch(entry.name)
            if entry.name != log.name and match is None:
                continue
            suffix = match[2] if match else None
            if readable != (suffix is None or suffix in _OPENERS):
                continue
            if not readable and suffix not in _UNREADABLE:
                continue
            with contextlib.suppress(OSError):
                found = entry.stat()
                rank = float("inf") if match is None else _rank(match[1])
                modified = (1 << 62) if match is None else found.st_mtime_ns
                yield Sibling(modified, rank, Path(entry.path), found.st_dev, found.st_ino)


def _rank(suffix: str) -> float:
    """Order files written at the same time: ``.2`` is older than ``.1``, but a later date is younger."""
    digits = re.sub(r"\D", "", suffix)
    return float(digits) if len(digits) >= 8 else -float(digits)
