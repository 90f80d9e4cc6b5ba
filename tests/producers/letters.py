"""A mailbox made up by chance, some of it hostile, and what its maker knows to be in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from schemas.events import Automatic
from tests.producers.mailboxes import START

BODY: Final = b"HIT-HAR-INGEN-LAST"
"""Stands in every body, and in no header."""

UNITS: Final = {"omsorg": "omsorg@oxelosund.example", "energi": "kundtjanst@energi.example"}
CENTRE: Final = "Kommuncenter <kommun@oxelosund.example>"

Folder = Literal["inbox", "sent"]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of an event: its kind and mark, who it is about, and which message it stands in."""

    what: Literal["received", "replied", "handed_over"]
    message: str | None
    """The Message-ID without brackets; None where the message has none."""
    party: str | None = None
    automatic: Automatic | None = None
    internal: bool = False
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is delivered, and what it gives: events, none, or (``rejected``) a rejection."""

    folder: Folder
    text: bytes
    received_at: datetime
    truths: tuple[Truth, ...] = ()
    rejected: bool = False
    copy: bool = False
    """Whether it says what was said before: delivered twice, or a Message-ID used again."""


@dataclass(slots=True)
class Correspondence:
    """Makes letters. ``threads`` holds the Message-IDs of each conversation that has more than one."""

    seed: int
    letters: list[Letter] = field(default_factory=list)
    threads: list[set[str]] = field(default_factory=list)
    _chance: random.Random = field(init=False)
    _ids: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def fill(self, count: int) -> None:
        """Write letters until there are ``count``."""
        makers = [self._conversation, self._machine, self._hostile]
        while len(self.letters) < count:
            self._chance.choices(makers, (6, 3, 2))[0]()
        del self.letters[count:]
        known = {truth.message for letter in self.letters for truth in letter.truths}
        self.threads = [kept for thread in self.threads if (kept := thread & known)]

    # ---- people ----------------------------------------------------------------------------------

    def _conversation(self) -> None:
        """A question; perhaps its acknowledgement, an answer, a copy, a forwarding, and thanks."""
        written, address = self._chance.choice(_WAYS_OF_WRITING)(f"kim{self._ids}")
        question = self._id()
        internal = self._chance.random() < 0.05
        if internal:
            address = f"kollega{self._ids}@skola.oxelosund.example"
            written = address.encode()
        asked = Truth("received", question, address, internal=internal)
        first = self._put("inbox", _message(question, written, date=self._date()), asked)
        thread = {question}
        if self._chance.random() < 0.1:  # sent To and Cc: the server delivers it twice, by two routes
            route = b"Received: from a.example by b.example; Mon, 2 Mar 2026 09:00:00 +0100\r\n"
            self._put_again(replace(first, text=route + first.text.replace(b"\r\n", b"\n"), copy=True))
        if self._chance.random() < 0.3:
            self._put("sent", self._from_centre(written, question, b"Auto-Submitted: auto-replied")[1])
        if self._chance.random() < 0.8:
            thread |= self._answer(question, written, address)
        self.threads.append(thread)

    def _answer(self, question: str, written: bytes, address: str) -> set[str]:
        """An answer, a forwarding to a unit, or both; then perhaps word from the one who asked."""
        kind = self._chance.choice(["answer", "answer", "forward", "answer with copy"])
        unit, to_unit = self._chance.choice(list(UNITS.items()))
        if kind == "forward":
            forward, text = self._from_centre(to_unit.encode(), question)
            self._put("sent", text, Truth("handed_over", forward, unit=unit))
            return {question, forward}
        copy = kind == "answer with copy"
        answer, text = self._from_centre(written, question, b"Cc: " + to_unit.encode() if copy else b"")
        internal = address.endswith("oxelosund.example")
        truths = [] if internal else [Truth("replied", answer, address)]
        if copy or internal:
            truths.append(Truth("handed_over", answer, unit=unit if copy else "okand"))
        self._put("sent", text, *truths)
        thread = {question, answer}
        if self._chance.random() < 0.3:
            thanks = self._id()
            seen = [question, answer] if self._chance.random() < 0.7 else [answer]
            again = Truth("received", thanks, address, internal=internal)
            self._put("inbox", _message(thanks, written, references=seen, date=self._date()), again)
            thread.add(thanks)
        return thread

    # ---- machines --------------------------------------------------------------------------------

    def _machine(self) -> None:
        kind, lines = self._chance.choice(_MARKS_OF_MACHINES)
        name, address = self._id(), f"robot{self._ids}@x.example"
        if b"From:" in lines:
            address = "mailer-daemon@mx.example"
            text = _message(name, None, extra=lines)
        else:
            text = _message(name, address.encode(), extra=lines)
        self._put("inbox", text, Truth("received", name, address, kind))

    # ---- hostile mail ----------------------------------------------------------------------------

    def _hostile(self) -> None:
        self._chance.choice(
            [
                self._spoilt,
                self._spoilt,
                self._spoilt,
                self._without_id,
                self._id_used_again,
                self._endless_references,
                self._nothing_to_go_by,
                self._huge,
            ]
        )()

    def _spoilt(self) -> None:
        """An ordinary question with a header that is broken in one of many ways."""
        name, address = self._id(), f"kim{self._ids}@x.example"
        text = _message(name, address.encode(), extra=self._chance.choice(_SPOILT_LINES), body=_BOMB)
        self._put("inbox", text, Truth("received", name, address))

    def _without_id(self) -> None:
        address = f"kim{self._ids}@x.example"
        self._ids += 1
        subject = b"Subject: %d" % self._ids
        text = _message(None, address.encode(), extra=subject)
        self._put("inbox", text, Truth("received", None, address))

    def _id_used_again(self) -> None:
        name, address = self._id(), f"kim{self._ids}@x.example"
        first = self._put("inbox", _message(name, address.encode()), Truth("received", name, address))
        other = _message(name, address.encode(), extra=b"Subject: nothing like the first")
        self._put_again(replace(first, text=other, copy=True))

    def _endless_references(self) -> None:
        """100 kB of References; the first and the last of them are the thread's."""
        first, last, address = self._id(), self._id(), f"kim{self._ids}@x.example"
        for name in (first, last):
            text = _message(name, address.encode(), references=[first] if name == last else [])
            self._put("inbox", text, Truth("received", name, address))
        name = self._id()
        between = [f"{n}.{name}" for n in range(100_000 // (len(name) + 8))]
        text = _message(name, address.encode(), references=[first, *between, last])
        self._put("inbox", text, Truth("received", name, address))
        self.threads.append({first, last, name})

    def _nothing_to_go_by(self) -> None:
        text = self._chance.choice([b"\r\n\r\n" + BODY, b"Subject: no more than this\r\n\r\n" + BODY])
        self.letters.append(Letter("inbox", text, self._now(), rejected=True))

    def _huge(self) -> None:
        """A header block longer than what is looked at; who and which stands in front."""
        if self._chance.random() < 0.9:
            return  # a few are enough: each is more than all that is fetched of a hundred others
        name, address = self._id(), f"kim{self._ids}@x.example"
        text = _message(name, address.encode(), extra=b"X-Huge: " + b"x" * 300_000)
        self._put("inbox", text, Truth("received", name, address))

    # ---- common ----------------------------------------------------------------------------------

    def _from_centre(self, to: bytes, question: str, extra: bytes = b"") -> tuple[str, bytes]:
        """Return the Message-ID and the text of a message of the centre about a question."""
        name = self._id()
        return name, _message(name, CENTRE.encode(), to=to, references=[question], extra=extra)

    def _id(self) -> str:
        self._ids += 1
        return f"n{self._ids}.{self.seed}@x.example"

    def _now(self) -> datetime:
        return START + timedelta(seconds=37 * len(self.letters))

    def _date(self) -> bytes:
        return self._chance.choice(_WRONG_DATES)

    def _put(self, folder: Folder, text: bytes, *truths: Truth) -> Letter:
        letter = Letter(folder, text, self._now(), truths)
        self.letters.append(letter)
        return letter

    def _put_again(self, letter: Letter) -> None:
        self.letters.append(replace(letter, received_at=self._now()))


def _message(
    name: str | None,
    sender: bytes | None,
    *,
    to: bytes = CENTRE.encode(),
    references: list[str] | None = None,
    extra: bytes = b"",
    date: bytes = b"Mon, 2 Mar 2026 09:00:00 +0100",
    body: bytes = BODY,
) -> bytes:
    lines = [b"Date: " + date, b"To: " + to]
    if sender is not None:
        lines.append(b"From: " + sender)
    if name is not None:
        lines.append(f"Message-ID: <{name}>".encode())
    if references:
        lines.append(b"References: " + b"\r\n\t".join(f"<{one}>".encode() for one in references))
        lines.append(f"In-Reply-To: <{references[-1]}>".encode())
    if extra:
        lines.append(extra)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body + b"\r\n"


def _ways_of_writing() -> Iterator[Callable[[str], tuple[bytes, str]]]:
    """Yield functions of a local part to (address header, the one address that it means)."""
    yield lambda user: (f"{user}@x.example".encode(), f"{user}@x.example")
    yield lambda user: (f"=?utf-8?q?=C3=85sa_Berg?= <{user.upper()}@X.Example>".encode(), f"{user}@x.example")
    yield lambda user: (f"{user}@x.example (Åsa (i Tuna) )".encode(), f"{user}@x.example")
    yield lambda user: (f'"Berg, Åsa" <{user}@x.example>'.encode("latin-1"), f"{user}@x.example")
    yield lambda user: (f'"{user}.vid hem"@x.example, {user}@x.example'.encode(), f"{user}@x.example")
    yield lambda user: (f'"{user}"@x.example'.encode(), f"{user}@x.example")
    yield lambda user: (f"Åsa <{user}@räksmörgås.example>".encode(), f"{user}@räksmörgås.example")
    yield lambda user: (f"Hemma: {user}@x.example, bo@x.example;".encode(), f"{user}@x.example")
    yield lambda user: (
        f"=?utf-8?q?chef=40oxelosund=2Eexample?= <{user}@x.example>".encode(),
        f"{user}@x.example",
    )
    yield lambda user: (f'"chef@oxelosund.example"\r\n <{user}@x.example>'.encode(), f"{user}@x.example")


_WAYS_OF_WRITING: Final = list(_ways_of_writing())
_WRONG_DATES: Final = [
    b"Thu, 1 Jan 1970 00:00:00 +0000",
    b"Fri, 31 Dec 2099 23:59:59 -1200",
    b"Mon, 2 Mar 2026 09:00:00 +0100",
    b"31 februari",
    b"",
]
_MARKS_OF_MACHINES: Final = [
    (Automatic.SPAM, b"X-Spam-Flag: YES"),
    (Automatic.BOUNCE, b"Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=x"),
    (Automatic.BOUNCE, b"From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nReturn-Path: <>"),
    (Automatic.BOUNCE, b"Return-Path: <>\r\nContent-Type: Multipart/Report;boundary=x"),
    (Automatic.AUTO_REPLY, b"Auto-Submitted: auto-replied (vacation)"),
    (Automatic.AUTO_REPLY, b"X-Auto-Response-Suppress: All\r\nPrecedence: bulk"),
    (Automatic.AUTO_REPLY, b"Return-Path: <>"),
    (Automatic.AUTO_REPLY, b"Precedence: auto_reply"),
    (Automatic.BULK, b"Precedence: list"),
    (Automatic.BULK, b"List-Id: Nyheter <nyheter.x.example>\r\nAuto-Submitted: no"),
]
_SPOILT_LINES: Final = [
    b"Subject: \x00\x00 nul\x00",
    b"Subject: bare\rReturn-Path: carriage return",
    b"this line has no colon at all",
    b": a value without a name",
    b"Subject : a space before the colon",
    "Subject: åäö raw, in the wrong set".encode("latin-1") + b"\xff\xfe",
    b"Subject: =?utf-16?b?////?= =?no-such-set?q?=E5?= =?utf-8?b?not base64!?=",
    b"Subject: =?utf-8?q?a=0D=0AFrom=3A_evil=40oxelosund=2Eexample?=",
    b'Content-Type: multipart/mixed; boundary="',
    b"Content-Type: text/plain; charset=\"\xff\"; name*0*=utf-8''%E5; name*1=\x80",
    b"Cc: " + b"(" * 4_000,
    b"Cc: " + b"<" * 500 + b"@" * 500 + b"," * 500,
    b"X-Many: y\r\n" * 800 + b"X-Last: y",
    b"References: <<>> < > <\t> no-brackets <unclosed",
    b"X-Folded:\r\n \r\n\t\r\n  and on",
    b"From: second@oxelosund.example\r\nMessage-ID: <second@x.example>",
]
_PART: Final = b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n"
_BOMB: Final = b"".join(_PART % (depth, depth + 1) for depth in range(60)) + BODY
