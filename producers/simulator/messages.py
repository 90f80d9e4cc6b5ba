"""Mail messages as bytes (RFC 5322), as a mail server would store them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from schemas.events import Automatic
from schemas.timebase import STOCKHOLM

_BODY = "Hej!\n\nDetta är ett påhittat meddelande från simulatorn.\n"

_MARKS = {
    Automatic.AUTO_REPLY: ("Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All"),
    Automatic.BULK: ("Precedence: bulk", "List-Id: <nyheter.utskick.example>"),
    Automatic.SPAM: ("X-Spam-Flag: YES",),
}


@dataclass(frozen=True, slots=True)
class Message:
    """A message. ``date`` in seconds since 1970; ``references`` are Message-IDs, the oldest first."""

    message_id: str
    sender: str
    recipients: Sequence[str]
    subject: str
    date: float
    references: Sequence[str] = ()
    automatic: Automatic | None = None

    def to_bytes(self) -> bytes:
        """Return the message as it is stored."""
        bounce = self.automatic is Automatic.BOUNCE
        lines = [
            "Return-Path: <>" if bounce else f"Return-Path: <{self.sender}>",
            f"Date: {_date(self.date)}",
            f"From: {self.sender}",
            f"To: {', '.join(self.recipients)}",
            f"Subject: {_encoded(self.subject)}",
            f"Message-ID: <{self.message_id}>",
        ]
        if self.references:
            lines.append(f"In-Reply-To: <{self.references[-1]}>")
            lines.append("References: " + "\n ".join(f"<{one}>" for one in self.references))
        if self.automatic:
            lines.extend(_MARKS.get(self.automatic, ()))
        lines.append("MIME-Version: 1.0")
        lines.extend(_report() if bounce else _text())
        return "\n".join(lines).encode()


def _text() -> tuple[str, ...]:
    return ("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", _BODY)


def _report() -> tuple[str, ...]:
    return (
        'Content-Type: multipart/report; report-type=delivery-status; boundary="grans"',
        "",
        "--grans",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "Undelivered.",
        "--grans",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.post.example",
        "",
        "Action: failed",
        "Status: 5.1.1",
        "--grans--",
        "",
    )


def _date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(at), STOCKHOLM))


@lru_cache(maxsize=256)
def _encoded(text: str) -> str:
    """Return a header value as an encoded word (RFC 2047) where it is not plain ASCII."""
    return text if text.isascii() else f"=?utf-8?B?{b64encode(text.encode()).decode()}?="
