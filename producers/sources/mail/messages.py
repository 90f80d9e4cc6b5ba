"""What a message of the centre means, from its headers only: for every source that reads mail.

Definitions: DOMAIN §2.1 and §3. Nothing of a message's text, names or addresses gets into an event or a
rejection; addresses become pseudonyms, message ids become hashes. The id of an event depends on mailbox,
Message-ID and kind only: the same message through two sources of mail is one event twice.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from producers.contract import Context, Normalised, Reason, Rejected
from producers.sources.mail.headers import Headers
from schemas.catalogue import UNKNOWN_UNIT, Catalogue
from schemas.events import (
    Audience,
    Automatic,
    Channel,
    Event,
    HandedOver,
    HandedOverData,
    HandoverKind,
    Received,
    ReceivedData,
    Replied,
    RepliedData,
)
from schemas.identity import stable_hash

INBOX = "inbox"
SENT = "sent"

MAILBOX_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"
"""What the name of a mailbox in events may be."""

_MAILBOX = re.compile(MAILBOX_PATTERN)


def events_of(
    headers: Headers, *, folder: str | None, mailbox: str, received_at: datetime | None, context: Context
) -> Normalised:
    """Return the events of one message. Total.

    ``folder`` is ``inbox`` or ``sent``; ``received_at`` is the server's date, which counts rather than Date.
    """
    if _MAILBOX.fullmatch(mailbox) is None:
        return Rejected(Reason.BAD_VALUE, "the mailbox name is no slug")
    at = _in_utc(received_at)
    if at is None:
        return Rejected(Reason.BAD_TIME, "the server gave no usable date of receipt")
    if not headers:
        return Rejected(Reason.UNREADABLE, "no readable header line")
    if folder == INBOX:
        return _inbox(headers, mailbox, at, context)
    if folder == SENT:
        return _sent(headers, mailbox, at, context)
    return Rejected(Reason.UNKNOWN_KIND, "the folder is neither inbox nor sent")


def _in_utc(at: datetime | None) -> datetime | None:
    """Return an aware time in UTC; None where it is none, or beyond what can be told."""
    try:
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except OverflowError:
        return None


def automatic(headers: Headers) -> Automatic | None:
    """Tell whether, and by which mark, a message was written by a machine (DOMAIN §3)."""
    if "yes" in headers.words("x-spam-flag"):
        return Automatic.SPAM
    if "multipart/report" in headers.words("content-type") or _from_mailer_daemon(headers):
        return Automatic.BOUNCE
    precedence = headers.words("precedence")
    if (
        headers.words("auto-submitted") - {"no"}
        or headers.words("x-auto-response-suppress") - {"none"}
        or "auto_reply" in precedence
        or _empty_return_path(headers)
    ):
        return Automatic.AUTO_REPLY
    if precedence & {"bulk", "list", "junk"} or "list-id" in headers:
        return Automatic.BULK
    return None


def _from_mailer_daemon(headers: Headers) -> bool:
    return headers.sender is not None and headers.sender.startswith("mailer-daemon@")


def _empty_return_path(headers: Headers) -> bool:
    value = headers.first("return-path")
    return value is not None and "".join(value.split()) in {"<>", ""}


def _inbox(headers: Headers, mailbox: str, at: datetime, context: Context) -> Normalised:
    sender = headers.sender
    if sender is None and not headers.has_message_id:
        return Rejected(Reason.MISSING_FIELD, "neither a usable From nor a Message-ID")
    internal = sender is not None and context.catalogue.internal.address(sender)
    return [
        Received(
            id=_event_id(mailbox, headers.message, "received"),
            source=context.instance,
            subject=f"{mailbox}:{headers.message}",
            time=at,
            data=ReceivedData(
                channel=Channel.EMAIL,
                party=context.pseudonymiser.address(sender) if sender is not None else None,
                audience=Audience.INTERNAL if internal else None,
                mailbox=mailbox,
                message=headers.message,
                references=headers.references,
                automatic=automatic(headers),
            ),
        )
    ]


def _sent(headers: Headers, mailbox: str, at: datetime, context: Context) -> Normalised:
    """Return a reply, handovers, both, or nothing: outgoing mail is no contact (CORRECTIONS 34)."""
    if not headers.references or automatic(headers):
        return []
    outside, units = _recipients(headers.addresses("to", "cc", "bcc"), context.catalogue)
    events: list[Event] = []
    if outside:
        events.append(_replied(headers, mailbox, at, context, outside[0]))
    for number, unit in enumerate(units):
        # A forwarding says something about the message that it forwards; a reply in copy about itself.
        about = headers.message if outside else headers.references[-1]
        events.append(_handed_over(headers, f"{mailbox}:{about}", at, context, unit=unit, number=number))
    return events


def _recipients(addresses: tuple[str, ...], catalogue: Catalogue) -> tuple[list[str], list[str]]:
    """Return (addresses outside, units written to).

    A colleague who is in no unit of the catalogue counts as the unknown unit, but only where the message
    goes to nobody else: a copy of a reply is no handover.
    """
    outside: list[str] = []
    units: dict[str, None] = {}
    colleagues = False
    for address in addresses:
        unit = catalogue.unit_of_address(address)
        if unit is not None:
            units[unit] = None
        elif address in catalogue.centre.addresses:
            continue
        elif catalogue.internal.address(address):
            colleagues = True
        else:
            outside.append(address)
    if colleagues and not outside and not units:
        units[UNKNOWN_UNIT] = None
    return outside, list(units)


def _replied(headers: Headers, mailbox: str, at: datetime, context: Context, recipient: str) -> Event:
    return Replied(
        id=_event_id(mailbox, headers.message, "replied"),
        source=context.instance,
        subject=f"{mailbox}:{headers.message}",
        time=at,
        data=RepliedData(
            channel=Channel.EMAIL,
            party=context.pseudonymiser.address(recipient),
            mailbox=mailbox,
            message=headers.message,
            references=headers.references,
        ),
    )


def _handed_over(
    headers: Headers, leg: str, at: datetime, context: Context, *, unit: str, number: int
) -> Event:
    """``number`` tells the handovers of one message apart; the unit's name must not: it can change."""
    mailbox = leg.partition(":")[0]
    return HandedOver(
        id=_event_id(mailbox, headers.message, "handed_over", *([str(number)] if number else [])),
        source=context.instance,
        subject=leg,
        time=at,
        data=HandedOverData(
            channel=Channel.EMAIL,
            position=number,
            kind=HandoverKind.TICKET,
            unit=unit,
            message=headers.message,
            references=headers.references,
        ),
    )


def _event_id(mailbox: str, message: str, *what: str) -> str:
    return stable_hash(mailbox, message, *what)
