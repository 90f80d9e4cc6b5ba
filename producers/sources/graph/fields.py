"""Which fields of a message Graph is asked for, and what the reader keeps of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_HEADERS: Final = frozenset(
    {
        "auto-submitted",
        "bcc",
        "cc",
        "content-type",
        "from",
        "in-reply-to",
        "list-id",
        "message-id",
        "precedence",
        "references",
        "return-path",
        "to",
        "x-auto-response-suppress",
        "x-spam-flag",
    }
)
"""The headers that say something about a contact; no other one, such as Subject, is kept."""

SELECT: Final = (
    "internetMessageId,internetMessageHeaders,receivedDateTime,isDraft,from,"
    "toRecipients,ccRecipients,bccRecipients"
)
EXPAND: Final = (
    "singleValueExtendedProperties($filter="
    "id eq 'String 0x1042' or id eq 'String 0x1039' or id eq 'String 0x001A')"
)


def slimmed(item: Mapping[str, object]) -> dict[str, object]:
    """Return what is kept of a message out of a page: no subject, no names, no header but those that count.

    What does not have Graph's form is kept as it is, for the normaliser to reject.
    """
    kept = {name: item[name] for name in sorted(_KEPT & item.keys())}
    headers = kept.get("internetMessageHeaders")
    if isinstance(headers, list):
        kept["internetMessageHeaders"] = [header for header in headers if _counts(header)]
    for name in ("from", "toRecipients", "ccRecipients", "bccRecipients"):
        if name in kept:
            kept[name] = _nameless(kept[name])
    return kept


_KEPT: Final = frozenset({"id", "singleValueExtendedProperties", *SELECT.split(",")})


def _counts(header: object) -> bool:
    name = header.get("name") if isinstance(header, dict) else None
    return not isinstance(name, str) or name.lower() in _HEADERS


def _nameless(value: object) -> object:
    if isinstance(value, list):
        return [_nameless(one) for one in value]
    if isinstance(value, dict):
        return {key: _nameless(one) for key, one in value.items() if key != "name"}
    return value
