"""A small oracle: counts errands from what the simulator wrote, sharing no code with it or the streams.

It reads the raw lines and messages as a person would, by the definitions of DOMAIN §2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt

from producers.simulator import Record, RecordKind
from schemas.identity import message_ref

_HEADER = re.compile(r"^([A-Za-z-]+):[ ]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_AUTOMATIC = ("auto-submitted", "precedence", "list-id", "x-spam-flag")


@dataclass
class Call:
    entered: datetime | None = None
    caller: str = ""
    connected: datetime | None = None
    left: datetime | None = None
    ended: datetime | None = None
    agent: str = ""
    transferred_to: str = ""
    transferred: bool = False
    abandoned: bool = False
    flowed_out: bool = False
    talk: int = 0

    @property
    def internal(self) -> bool:
        return len(self.caller) == 4

    @property
    def wait(self) -> float:
        """Seconds between entering and the answer, or giving up."""
        end = self.connected or self.left
        return (end - self.entered).total_seconds() if end and self.entered else 0.0


@dataclass
class Mail:
    at: datetime
    sender: str
    recipients: list[str]
    references: list[str]
    automatic: bool
    answers: list[datetime] = field(default_factory=list)
    forwarded: bool = False


@dataclass
class Visit:
    registered: datetime
    internal: bool
    party: str
    called: datetime | None = None
    gone: bool = False
    handed_over: bool = False


@dataclass(frozen=True)
class Said:
    at: datetime
    line: dict[str, object]


@dataclass(frozen=True)
class Errand:
    """An errand as the oracle sees it: external, of an inbound contact."""

    at: datetime
    channel: str
    outcome: str
    registered: bool
    topic: str
    party: str
    level: int | None = None
    performed_by: str = ""


@dataclass
class Oracle:
    """Everything read so far, by system."""

    calls: dict[str, Call] = field(default_factory=dict)
    mails: dict[str, Mail] = field(default_factory=dict)
    sent: dict[str, Mail] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)
    said: dict[str, dict[str, Said]] = field(default_factory=dict)
    verbs: dict[str, int] = field(default_factory=dict)

    def read(self, records: Iterable[Record]) -> Oracle:
        for record in records:
            if record.kind is RecordKind.QUEUE_LOG:
                self._line(record)
            elif record.kind is RecordKind.VISIT:
                self._desk(record)
            else:
                self._mail(record)
        return self

    def _line(self, record: Record) -> None:
        _, callid, _, agent, verb, *data = record.payload.decode().split("|")
        self.verbs[verb] = self.verbs.get(verb, 0) + 1
        if callid == "NONE":
            return
        call = self.calls.setdefault(callid, Call())
        if verb == "ENTERQUEUE":
            call.entered, call.caller = record.at, e164(data[1])
        elif verb == "CONNECT":
            call.connected, call.agent = record.at, agent
        elif verb == "ABANDON":
            call.abandoned, call.left = True, record.at
        elif verb.startswith(("EXIT", "JOINEMPTY")):
            call.flowed_out = True
        elif verb in ("COMPLETEAGENT", "COMPLETECALLER", "BLINDTRANSFER", "ATTENDEDTRANSFER"):
            call.ended, call.talk = record.at, int(data[-2])
            call.transferred = verb.endswith("TRANSFER")
            call.transferred_to = data[0] if verb == "BLINDTRANSFER" else ""

    def _mail(self, record: Record) -> None:
        head = record.payload.decode().split("\n\n", 1)[0]
        headers = {name.lower(): value for name, value in _HEADER.findall(head)}
        own = headers["message-id"].strip("<>")
        references = re.findall(r"<([^>]+)>", headers.get("references", ""))
        automatic = (
            any(name in headers for name in _AUTOMATIC) or "multipart/report" in headers["content-type"]
        )
        mail = Mail(record.at, headers["from"], headers["to"].split(", "), references, automatic)
        if record.kind is RecordKind.INBOX:
            self.mails.setdefault(own, mail)
            return
        self.sent[own] = mail
        for answered in (self.mails[one] for one in references if one in self.mails):
            if mail.recipients == [answered.sender]:
                answered.answers.append(record.at)
            else:
                answered.forwarded = True
                answered.answers.append(record.at)

    def _desk(self, record: Record) -> None:
        line = json.loads(record.payload)
        action = line["action"]
        if action == "errand":
            self.said.setdefault(line["leg"], {})[line["errand"]] = Said(record.at, line)
            return
        visit = line["visit"]
        if action == "registered":
            internal = line.get("audience") == "internal"
            self.visits[visit] = Visit(record.at, internal, line.get("party", {}).get("current", ""))
        elif action == "called":
            self.visits[visit].called = record.at
        elif action == "no_show":
            self.visits[visit].gone = True
        elif action == "handed_over":
            self.visits[visit].handed_over = True

    # ---- errands -----------------------------------------------------------------------------------
    def errands(self) -> list[Errand]:
        return [*self._call_errands(), *self._mail_errands(), *self._visit_errands()]

    def _call_errands(self) -> Iterable[Errand]:
        dropped = self._dropped()
        for callid, call in self.calls.items():
            if call.connected is None or call.entered is None or call.internal or callid in dropped:
                continue
            derived = "handed_over" if call.transferred else "resolved" if call.ended else "open"
            yield from self._errands_of(f"pbx1:{callid}", call.entered, "telephone", derived, call.caller)

    def _dropped(self) -> set[str]:
        """Return the calls that were cut and made again within ten minutes (CORRECTIONS 27)."""
        entered: dict[str, list[datetime]] = {}
        for call in self.calls.values():
            if call.caller and call.entered:
                entered.setdefault(call.caller, []).append(call.entered)
        dropped = set()
        for callid, call in self.calls.items():
            cut = call.ended is not None and call.talk <= 60 and not call.transferred
            if cut and call.ended and f"pbx1:{callid}" not in self.said:
                again = entered.get(call.caller, [])
                if any(call.ended < at <= call.ended + timedelta(minutes=10) for at in again):
                    dropped.add(callid)
        return dropped

    def begun_mails(self) -> dict[str, Mail]:
        """Return the mails, written by people, that begin a thread."""
        return {
            own: mail
            for own, mail in self.mails.items()
            if not mail.automatic
            and not any(one in self.mails or one in self.sent for one in mail.references)
        }

    def first_mails(self) -> dict[str, Mail]:
        """Return the external ones of those."""
        begun = self.begun_mails().items()
        return {own: mail for own, mail in begun if not mail.sender.endswith("oxelosund.example")}

    def _mail_errands(self) -> Iterable[Errand]:
        for own, mail in self.first_mails().items():
            derived = "handed_over" if mail.forwarded else "resolved" if mail.answers else "open"
            leg = f"kommun:{message_ref(own)}"
            yield from self._errands_of(leg, mail.at, "email", derived, mail.sender)

    def _visit_errands(self) -> Iterable[Errand]:
        for leg, visit in self.visits.items():
            if visit.called and not visit.gone and not visit.internal:
                derived = "handed_over" if visit.handed_over else "resolved"
                yield from self._errands_of(leg, visit.registered, "visit", derived, visit.party)

    def _errands_of(self, leg: str, at: datetime, channel: str, derived: str, party: str) -> Iterable[Errand]:
        registered = self.said.get(leg)
        if not registered:
            yield Errand(at, channel, derived, False, "", party)
            return
        for said in registered.values():
            line = said.line
            level = line.get("level")
            yield Errand(
                at,
                channel,
                str(line["outcome"]),
                True,
                str(line.get("topic", "")),
                party,
                level if isinstance(level, int) else None,
                str(line.get("performed_by", "")),
            )


def e164(shown: str) -> str:
    """Return a caller as one spelling; empty where hidden."""
    if not shown.strip("+").isdigit():
        return ""
    if shown.startswith("+"):
        return shown
    if shown.startswith("00"):
        return "+" + shown[2:]
    return "+46" + shown[1:] if shown.startswith("0") else shown


def wilson(successes: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson 95 % interval of a share (Wilson 1927)."""
    share = successes / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return middle - half, middle + half
