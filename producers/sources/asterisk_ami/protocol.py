"""The Asterisk Manager Interface as text: what is sent and received, no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

END = b"\r\n\r\n"
"""What ends a message. Some are followed by one blank line more."""

UNKNOWN = "<unknown>"
"""How Asterisk writes a value that it does not have."""

Message = Mapping[str, str]
"""The headers of an event or a response. Of one that comes again, such as ChanVariable, the values are
joined by a line feed, which no value can hold."""


def parse(block: bytes) -> Message:
    """Return the headers of a message; a line without a colon is passed over. Total."""
    headers: dict[str, str] = {}
    for line in block.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon:
            continue
        name, value = name.strip(), value.strip()
        headers[name] = f"{headers[name]}\n{value}" if name in headers else value
    return headers


def action(name: str, headers: Mapping[str, str]) -> bytes:
    """Return an action as it is sent. Raises ValueError where a value would begin a line of its own."""
    lines = {"Action": name, **headers}
    if any(character in text for text in lines.values() for character in "\r\n"):
        raise ValueError("a value holds a line break")
    return "".join(f"{key}: {value}\r\n" for key, value in lines.items()).encode() + b"\r\n"


def answer_to(challenge: str, secret: str) -> str:
    """Return what proves that one knows the secret, which so is never sent (AuthType MD5)."""
    return hashlib.md5(f"{challenge}{secret}".encode()).hexdigest()  # noqa: S324 - the protocol's


def time_of(message: Message) -> datetime | None:
    """Return when an event happened, in UTC; None where the exchange does not say (timestampevents)."""
    seconds, _, fraction = message.get("Timestamp", "").partition(".")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) == 10):
        return None
    micro = fraction[:6].ljust(6, "0")
    if not (micro.isascii() and micro.isdigit()):
        return None
    return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(micro))
