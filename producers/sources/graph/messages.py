"""A message as Microsoft Graph gives it, and its headers.

Graph's resource type ``message`` (v1.0). The copy in Sent Items has never been on the way, so it has no
transport headers: its thread is read from the MAPI properties behind In-Reply-To and References, its
recipients from Graph's own fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

from producers.sources.mail.headers import Headers
from schemas.identity import stable_hash

_MESSAGE_CLASS: Final = "string 0x001a"  # PidTagMessageClass, [MS-OXCMSG] 2.2.1.3
_PROPERTIES: Final = {
    "string 0x1042": "in-reply-to",  # PidTagInReplyToId, [MS-OXOMSG]
    "string 0x1039": "references",  # PidTagInternetReferences, [MS-OXOMSG]
}
_MARKS: Final = {  # what Exchange calls a message whose headers, made within the tenant, may not say it
    "report.": ("content-type", "multipart/report"),
    "ipm.note.rules.ooftemplate.": ("auto-submitted", "auto-replied"),
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel)


class _Address(_Part):
    address: str | None = None


class _Recipient(_Part):
    email_address: _Address | None = None


class _Header(_Part):
    name: str
    value: str | None = None


class _Property(_Part):
    id: str
    value: str | None = None


class Message(_Part):
    """What is kept of a message. Fields that Graph leaves out or gives as null are empty."""

    id: str
    received_date_time: str
    is_draft: bool = False
    internet_message_id: str | None = None
    sender: _Recipient | None = Field(None, alias="from")
    to_recipients: tuple[_Recipient, ...] | None = None
    cc_recipients: tuple[_Recipient, ...] | None = None
    bcc_recipients: tuple[_Recipient, ...] | None = None
    internet_message_headers: tuple[_Header, ...] | None = None
    single_value_extended_properties: tuple[_Property, ...] | None = None

    @property
    def received_at(self) -> datetime | None:
        """The server's date in UTC; None where it is no time with a zone."""
        return instant(self.received_date_time)

    @property
    def headers(self) -> Headers:
        """The headers as they came, and behind them what Graph's own fields say."""
        given = [(one.name, one.value) for one in self.internet_message_headers or ()]
        said = [(name, value) for name, value in (*given, *self._fields()) if value]
        return Headers([*said, *self._marks()], stable_hash("graph-id", self.id))

    def _fields(self) -> Iterator[tuple[str, str | None]]:
        yield "message-id", self.internet_message_id
        people = {"to": self.to_recipients, "cc": self.cc_recipients, "bcc": self.bcc_recipients}
        for name, recipients in {"from": (self.sender,), **people}.items():
            for one in recipients or ():
                if one is not None and one.email_address is not None:
                    yield name, one.email_address.address
        for id_, name in _PROPERTIES.items():
            yield name, self._property(id_)

    def _marks(self) -> list[tuple[str, str]]:
        message_class = self._property(_MESSAGE_CLASS)
        if message_class is None:
            return []
        return [mark for prefix, mark in _MARKS.items() if message_class.lower().startswith(prefix)]

    def _property(self, id_: str) -> str | None:
        properties = self.single_value_extended_properties or ()
        return next((one.value for one in properties if one.id.lower() == id_), None)


message_adapter: Final = TypeAdapter(Message)


def instant(text: str) -> datetime | None:
    """Return an ISO 8601 time with a zone in UTC; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
