"""What a report says in words: sentences with places for cells, notes and definitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """Which side of a cell a sentence names."""

    VALUE = "value"
    HITS = "hits"
    N = "n"
    INTERVAL = "interval"


@dataclass(frozen=True, slots=True)
class Ref:
    """A place in a sentence for a cell's number; with ``one`` and ``many`` the noun behind it agrees."""

    key: str
    form: Form = Form.VALUE
    one: str = ""
    many: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place in a sentence for the distance between two cells: ``12``, ``3 procentenheter``, ``1 min``."""

    key: str
    other: str


Part = str | Ref | Gap


@dataclass(frozen=True, slots=True)
class Sentence:
    """One or more sentences that stand or fall together: words, and places for cells' numbers.

    ``rests_on`` are further cells that the wording was concluded from ("flest", "oförändrat", "över målet").
    Where any cell of it is hidden, ``instead`` is said; there a count that is hidden for being small is
    written "färre än 5". Without ``instead``, or where that can't be said either, it is left out.
    ``sensitive``: names a sensitive topic in its words, and is left out of what is public.
    """

    parts: tuple[Part, ...]
    rests_on: tuple[str, ...] = ()
    instead: tuple[Part, ...] = ()
    sensitive: bool = False

    def refers_to(self) -> tuple[str, ...]:
        """Return the keys of all cells that it rests on."""
        return (*keys_of(self.parts), *self.rests_on)


def keys_of(parts: tuple[Part, ...]) -> Iterator[str]:
    """Yield the keys of the cells that have a place in parts of a sentence."""
    for part in parts:
        if isinstance(part, Ref):
            yield part.key
        elif isinstance(part, Gap):
            yield from (part.key, part.other)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text. ``listed``: each sentence is a point of its own, as in the summary."""

    sentences: tuple[Sentence, ...]
    listed: bool = False


class Tone(StrEnum):
    """How much a note asks to be read; always said in words as well."""

    NEUTRAL = "neutral"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Note:
    """A box beside the text: a correction, what is preliminary, how a figure is counted."""

    heading: str
    sentences: tuple[Sentence, ...]
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True, slots=True)
class Definition:
    """What a figure means, with its formula."""

    term: str
    text: str
    formula: str = ""


@dataclass(frozen=True, slots=True)
class Definitions:
    """A list of definitions."""

    items: tuple[Definition, ...]
