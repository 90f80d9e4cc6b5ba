"""A report as a mail: plain text with the summary, and the report itself attached."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from schemas.timebase import STOCKHOLM

SENDER_NAME = "Kommuncenter"
TEST_MARK = "[TEST] "
_TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".csv": "text/csv",
    ".json": "application/json",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be told: subject and text in Swedish, file name -> content of what is attached.

    ``period`` and ``scope`` say which report it is; of each there is one delivery.
    """

    period: str
    scope: str
    subject: str
    text: str
    attachments: Mapping[str, bytes]


def message_of(
    letter: Letter,
    sender: str,
    recipients: Sequence[str],
    message_id: str,
    at: datetime,
    *,
    test: bool = False,
    correction: int = 0,
) -> EmailMessage:
    """Return the mail. It says that a machine sent it, so that nobody's absence is answered back."""
    message = EmailMessage(policy=SMTP)
    mark = TEST_MARK if test else ""
    message["Subject"] = f"{mark}{'Rättad: ' if correction else ''}{letter.subject}"
    message["From"] = Address(SENDER_NAME, addr_spec=sender)
    message["To"] = [Address(addr_spec=address) for address in recipients]
    message["Date"] = format_datetime(at.astimezone(STOCKHOLM))
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["Content-Language"] = "sv"
    message.set_content(letter.text)
    for name, content in letter.attachments.items():
        main, sub = _type_of(name).split("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message


def _type_of(name: str) -> str:
    ending = f".{name.rpartition('.')[2]}"
    return _TYPES.get(ending) or mimetypes.types_map.get(ending, "application/octet-stream")
