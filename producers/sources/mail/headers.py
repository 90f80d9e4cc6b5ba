"""Reading mail headers that may be hostile: nothing here raises, and nothing is decoded but addresses.

Headers are RFC 5322, read with :data:`email.policy.default`. What a header says is only ever compared
with fixed words or hashed; no text leaves this module but through the methods below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from functools import cached_property

from schemas.identity import message_ref, normalise_address, stable_hash

HEADER_BYTES = 262_144
"""How much of a message is looked at. Longer header blocks are cut; no honest mail comes near."""

MAX_REFERENCES = 100
"""How many messages one message may refer to: the first of the thread, and the last before it. No client
writes more, and a hostile header must not make an event that is larger than the broker takes."""

_VALUE_CHARS = 4_000
"""How much of all headers of one name is parsed for addresses, which takes quadratic time in the worst case:
about 0.15 s here. A hostile message may have thirty From headers of this length and more."""

_HEADER_END = re.compile(rb"\r?\n\r?\n")
_WORD = re.compile(r"[^\s;,(]+")
_MESSAGE_ID = re.compile(r"<([^<>]+)>")
_ATOM = r"[\w!#$%&'*+/^`{|}~-]+"  # without = and ?, which may spell an encoded word
_PLAIN = re.compile(  # `user@host` or `Some Name <user@host>`, the name without anything special
    rf"(?:[^\"(),.:;<>@\\\[\]\x00-\x1f]*<(?P<named>{_ATOM}(?:\.{_ATOM})*@[\w-]+(?:\.[\w-]+)*)>"
    rf"|(?P<bare>{_ATOM}(?:\.{_ATOM})*@[\w-]+(?:\.[\w-]+)*))"
)
_PARSER: BytesParser[EmailMessage] = BytesParser(policy=default)


def header_block(message: bytes) -> bytes:
    """Return the header block of a message, with LF line ends, cut at :data:`HEADER_BYTES`."""
    head = message[:HEADER_BYTES]
    end = _HEADER_END.search(head)
    return head[: end.start() if end else None].replace(b"\r\n", b"\n").strip(b"\n")


def message_refs(value: str) -> tuple[str, ...]:
    """Return the refs of the message ids in a References or In-Reply-To value, in order, without doubles.

    Ids belong in angle brackets; where there are none, whatever has an ``@`` is taken for one.
    """
    ids = _MESSAGE_ID.findall(value) or [word for word in value.split() if "@" in word]
    squeezed = ("".join(one.split()) for one in ids)
    return tuple(dict.fromkeys(message_ref(one) for one in squeezed if one))


class Headers:
    """The headers of one message."""

    def __init__(self, items: Iterable[tuple[str, str]], otherwise: str) -> None:
        """Take (name, value) pairs in their order, as they were sent or unfolded already.

        ``otherwise`` is the ref of a message that has no Message-ID of its own.
        """
        self._otherwise = otherwise
        self._values: dict[str, list[str]] = {}
        self._addresses: dict[str, list[str]] = {}
        for name, value in items:
            self._values.setdefault(name.lower(), []).append(_unfolded(value))

    @classmethod
    def of_message(cls, message: bytes) -> Headers:
        """Return the headers of a message, or of its header block; none where they can't be read."""
        block = header_block(message)
        return cls(_raw_items(block), stable_hash("header-block", block.decode("utf-8", "surrogateescape")))

    def __bool__(self) -> bool:
        return bool(self._values)

    def first(self, name: str) -> str | None:
        """Return the first value of a header, unfolded and stripped; None where it is absent."""
        values = self._values.get(name)
        return values[0] if values else None

    def words(self, name: str) -> set[str]:
        """Return the leading words, in lower case, of all values of a header."""
        starts = (_WORD.match(value.lower()) for value in self._values.get(name, []))
        return {start[0] for start in starts if start}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def addresses(self, *names: str) -> tuple[str, ...]:
        """Return the normalised addresses in address headers, in order, without doubles.

        What is no usable address is left out. An address in a display name does not count.
        """
        found: dict[str, None] = {}
        for name in names:
            if name not in self._addresses:
                self._addresses[name] = self._parsed(name)
            found.update(dict.fromkeys(self._addresses[name]))
        return tuple(found)

    def _parsed(self, name: str) -> list[str]:
        found: list[str] = []
        left = _VALUE_CHARS
        for value in self._values.get(name, []):
            found += addresses_in(value[:left])
            left = max(0, left - len(value))
        return found

    @property
    def sender(self) -> str | None:
        """The first usable address in From, normalised; None where there is none."""
        return next(iter(self.addresses("from")), None)

    @property
    def has_message_id(self) -> bool:
        """Tell whether the message says its own id."""
        return bool(self._own_ids)

    @cached_property
    def _own_ids(self) -> tuple[str, ...]:
        value = self.first("message-id") or ""
        bare = "".join(value.split()).strip("<>")
        return message_refs(value) or ((message_ref(bare),) if bare else ())

    @cached_property
    def message(self) -> str:
        """The ref of the Message-ID, or of what the message is known by where there is none."""
        return self._own_ids[0] if self._own_ids else self._otherwise

    @cached_property
    def references(self) -> tuple[str, ...]:
        """Refs of the messages that this one answers: References, then In-Reply-To, never itself.

        Of more than :data:`MAX_REFERENCES` the first and the last are kept.
        """
        values = [value for name in ("references", "in-reply-to") for value in self._values.get(name, [])[:1]]
        named = dict.fromkeys(ref for value in values for ref in message_refs(value))
        refs = tuple(ref for ref in named if ref != self.message)
        return refs[:1] + refs[1:][1 - MAX_REFERENCES :]


def _raw_items(block: bytes) -> list[tuple[str, str]]:
    """Return (name, value) of all headers; none where the parser gives up."""
    try:
        message = _PARSER.parsebytes(block + b"\n\n", headersonly=True)
        return list(message.raw_items())
    except Exception:  # the parser's own faults on hostile input are of many types
        return []


def _unfolded(value: str) -> str:
    """Return a raw value on one line, its eight-bit octets read as UTF-8 or else as Latin-1."""
    octets = value[:HEADER_BYTES].encode("utf-8", "surrogateescape")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    return re.sub(r"[\r\n]+[ \t]*", " ", text).strip()


def addresses_in(value: str) -> list[str]:
    """Return the normalised addresses in the value of an address header, in order."""
    plain = _PLAIN.fullmatch(value)
    if plain is not None:  # nearly all of them, and many times as fast
        address = normalise_address(plain["named"] or plain["bare"])
        return [address] if address else []
    return parsed_addresses(value)


def parsed_addresses(value: str) -> list[str]:
    """Return the same by the grammar of RFC 5322, whatever the value looks like."""
    try:
        parsed = default.header_factory("to", value).addresses
        pairs = [(one.username, one.domain) for one in parsed]
    except Exception:  # deep nesting ends in RecursionError, odd quoting in IndexError, and so on
        return []
    known = (normalise_address(f"{user}@{domain}") for user, domain in pairs if user and domain)
    return [address for address in known if address]
