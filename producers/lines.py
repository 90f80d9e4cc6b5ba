"""Lines of a growing file, cut and numbered: pure, and the same again from any place on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

from producers.contract import Place
from schemas.errors import ConfigurationError

HEAD_SIZE = 1024
"""A file is known by the hash of at most this many first bytes."""
MAX_LINE = 64 * 1024
"""A longer line is cut here and marked; what follows up to its end is passed over."""
KEPT_INSTANTS = 5
"""Identical lines are numbered within an instant; this many are remembered, as lines may be out of order."""

LineKey = Callable[[bytes], str | None]
"""Gives the instant (as text, such as its second) at which a line was written; None where it names none."""


@dataclass(slots=True)
class _Instant:
    lines: int = 0
    seen: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Numbering:
    """Numbers lines within their instant: how many identical ones came before, and how many at all."""

    instants: dict[str, _Instant] = field(default_factory=dict)

    def number(self, key: str, line: bytes) -> tuple[int, int]:
        """Return (nth identical line of the instant, place among all its lines), both from 0."""
        instant = self.instants.get(key)
        if instant is None:
            instant = self.instants[key] = _Instant()
            if len(self.instants) > KEPT_INSTANTS:
                del self.instants[next(iter(self.instants))]
        digest = hashlib.blake2b(line, digest_size=6).hexdigest()
        nth, sequence = instant.seen.get(digest, 0), instant.lines
        instant.seen[digest] = nth + 1
        instant.lines += 1
        return nth, sequence

    def dump(self) -> list[list[object]]:
        """Return the state in JSON's terms."""
        return [[key, i.lines, dict(i.seen)] for key, i in self.instants.items()]

    @classmethod
    def load(cls, dumped: list[tuple[str, int, dict[str, int]]]) -> Self:
        """Return the state that was dumped."""
        return cls({key: _Instant(lines, dict(seen)) for key, lines, seen in dumped})


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A place in a file: which file, by its system's number and by its head, and how far it was read."""

    device: int
    inode: int
    modified_ns: int = 0
    """When the file was last written to: files that were written later are read after it."""
    offset: int = 0
    line: int = 0
    """How many lines end before the place."""
    inside: bool = False
    """The place is inside a line that is too long, and has been given already."""
    head_size: int = 0
    head: str = ""
    """Hash of the first ``head_size`` bytes."""
    numbering: str = "[]"

    def text(self) -> Place:
        """Return the place as text."""
        fields = (
            self.device,
            self.inode,
            self.modified_ns,
            self.offset,
            self.line,
            self.inside,
            self.head_size,
            self.head,
        )
        return f'{{"file":{json.dumps(fields, separators=(",", ":"))},"numbering":{self.numbering}}}'

    @classmethod
    def parse(cls, text: Place) -> Self:
        """Return the place that ``text`` says. Raises ConfigurationError when it is another reader's."""
        try:
            content = json.loads(text)
            device, inode, modified_ns, offset, line, inside, head_size, head = content["file"]
            numbering = json.dumps(content["numbering"], separators=(",", ":"))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                "the noted place is none of a followed file; was the instance's source changed? "
                "Give the new source another instance name, or remove the journal"
            ) from error
        return cls(device, inode, modified_ns, offset, line, inside, head_size, head, numbering)

    def at(self, offset: int, line: int, inside: bool, numbering: Numbering) -> Self:
        """Return a later place in the same file."""
        return replace(
            self,
            offset=offset,
            line=line,
            inside=inside,
            numbering=json.dumps(numbering.dump(), separators=(",", ":")),
        )


def head_hash(head: bytes) -> str:
    """Return what a file with this head is known by."""
    return hashlib.sha256(head).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end. ``number`` counts from 1; ``cut`` where it was longer than MAX_LINE."""

    number: int
    payload: bytes
    cut: bool = False


@dataclass(slots=True)
class Cutter:
    """Cuts a file's bytes into lines. Empty lines are counted, not given."""

    offset: int = 0
    line: int = 0
    inside: bool = False

    def cut(self, data: bytes, limit: int) -> list[Line]:
        """Return up to ``limit`` lines that end in ``data``, which begins at ``offset``; move on behind.

        A last line without an end stays where it is, unless it is too long already.
        """
        lines: list[Line] = []
        at = 0
        while at < len(data) and len(lines) < limit:
            end = data.find(b"\n", at)
            whole = end >= 0
            stop = end if whole else len(data)
            if not whole and not self.inside and stop - at <= MAX_LINE:
                break
            if not self.inside:
                self._give(data[at : min(stop, at + MAX_LINE + 1)], lines)
            self.inside = not whole
            at = stop + whole
            self.line += whole
        self.offset += at
        return lines

    def rest(self, data: bytes) -> list[Line]:
        """Return the last line of a file that will not grow any more, though it has no end."""
        lines: list[Line] = []
        if data and not self.inside:
            self._give(data, lines)
        self.offset += len(data)
        self.line += bool(data)
        self.inside = False
        return lines

    def _give(self, line: bytes, lines: list[Line]) -> None:
        payload = line[:MAX_LINE].removesuffix(b"\r")
        if payload:
            lines.append(Line(self.line + 1, payload, cut=len(line) > MAX_LINE))
