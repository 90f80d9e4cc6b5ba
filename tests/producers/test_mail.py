"""What messages mean: examples, hostile bytes, and that no personal data gets out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from producers.contract import Broadcast, Context, Normalised, Raw, Reason, Rejected
from producers.sources.mail.headers import (
    HEADER_BYTES,
    Headers,
    addresses_in,
    header_block,
    message_refs,
    parsed_addresses,
)
from producers.sources.mail.settings import ImapSettings, MailSettings
from producers.sources.mail.source import SOURCE
from schemas.catalogue import load_catalogue
from schemas.events import Audience, Automatic, Event, HandedOver, Received, Replied, to_json
from schemas.identity import Pseudonymiser, PseudonymKey, message_ref

AT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
PSEUDONYMISER = Pseudonymiser(PseudonymKey("k1", b"0123456789abcdef"))
CONTEXT = Context("epost", PSEUDONYMISER, load_catalogue(), partitions=8)
SETTINGS = MailSettings.model_validate({"imap": {"host": "imap.example", "user": "kommun"}})

QUESTION = b"""Return-Path: <asa.berg@example.org>
Message-ID: <q1@example.org>
From: =?utf-8?q?=C3=85sa_Berg?= <Asa.Berg@example.org>
To: kommun@oxelosund.example
Subject: Hemligt, ring 031-390 06 12
Date: Mon, 1 Jan 1990 00:00:00 +0000

Brodtext
"""
REPLY = b"""Message-ID: <r1@oxelosund.example>
From: Kommuncenter <kommun@oxelosund.example>
To: asa.berg@example.org
In-Reply-To: <q1@example.org>
References: <q0@example.org> <q1@example.org>
Subject: Sv: Hemligt

Svar
"""
FORWARD = REPLY.replace(b"To: asa.berg@example.org", b"To: Omsorgen <omsorg@oxelosund.example>")
PLANTED = ("berg", "hemligt", "06 12", "brodtext", "example.org", "asa")


def normalise(
    payload: bytes,
    folder: str = "inbox",
    received_at: datetime | None = AT,
    attributes: Mapping[str, str] | None = None,
) -> Normalised:
    said = attributes or {"folder": folder, "mailbox": "kommun"}
    raw = Raw(payload=payload, place="inbox uid 1", received_at=received_at, attributes=said)
    return SOURCE.normalise(raw, SETTINGS, CONTEXT)


def events(payload: bytes, folder: str = "inbox") -> list[Event]:
    normalised = normalise(payload, folder)
    assert not isinstance(normalised, Rejected), normalised
    return [event for event in normalised if not isinstance(event, Broadcast)]


def received(payload: bytes) -> Received:
    (event,) = events(payload)
    assert isinstance(event, Received)
    return event


def with_header(line: str) -> bytes:
    return line.encode() + b"\n" + QUESTION


def shown(normalised: Normalised) -> str:
    """Return everything that gets out of the source, in lower case."""
    if isinstance(normalised, Rejected):
        return f"{normalised.reason} {normalised.detail}".lower()
    plain = (event.event if isinstance(event, Broadcast) else event for event in normalised)
    return "\n".join(to_json(event).decode() for event in plain).lower()


def test_a_question_is_received_at_the_servers_date_and_not_at_its_own() -> None:
    event = received(QUESTION)
    assert event.time == AT
    assert event.subject == f"kommun:{message_ref('q1@example.org')}"
    assert event.data.party == PSEUDONYMISER.address("asa.berg@example.org")
    assert event.data.audience is None
    assert event.data.automatic is None
    assert event.data.references == ()


def test_the_same_message_twice_has_one_id_also_when_its_line_ends_and_route_differ() -> None:
    copy = b"Received: from a.example by b.example; Mon, 23 Nov 2026 09:00:00 +0100\r\n"
    copy += QUESTION.replace(b"\n", b"\r\n")
    assert received(copy).id == received(QUESTION).id


def test_a_colleague_is_internal() -> None:
    event = received(QUESTION.replace(b"Asa.Berg@example.org>", b"kollega@skola.oxelosund.example>"))
    assert event.data.audience is Audience.INTERNAL


def test_an_address_in_a_display_name_makes_nobody_internal() -> None:
    forged = QUESTION.replace(b"From: =?utf-8?q?=C3=85sa_Berg?=", b'From: "chef@oxelosund.example"')
    assert received(forged).data.audience is None


def test_references_come_before_in_reply_to_without_doubles_and_never_name_the_message_itself() -> None:
    message = with_header(
        "References: <a@x.example>\n\t<b@x.example> <a@x.example> <q1@example.org>\n"
        "In-Reply-To: <c@x.example> <b@x.example>"
    )
    expected = tuple(message_ref(f"{name}@x.example") for name in "abc")
    assert received(message).data.references == expected


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("X-Spam-Flag: YES", Automatic.SPAM),
        ("X-Spam-Flag: NO", None),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=x", Automatic.BOUNCE),
        ("Content-Type: Multipart/Report;\n boundary=x", Automatic.BOUNCE),
        ("Content-Type: multipart/mixed; boundary=x", None),
        ("Auto-Submitted: auto-replied", Automatic.AUTO_REPLY),
        ("Auto-Submitted: Auto-Generated; owner-email=x", Automatic.AUTO_REPLY),
        ("Auto-Submitted: no", None),
        ("Auto-Submitted: No (a person wrote this)", None),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", Automatic.AUTO_REPLY),
        ("X-Auto-Response-Suppress: None", None),
        ("Return-Path: <>", Automatic.AUTO_REPLY),
        ("Precedence: auto_reply", Automatic.AUTO_REPLY),
        ("Precedence: bulk", Automatic.BULK),
        ("Precedence: List", Automatic.BULK),
        ("Precedence: junk", Automatic.BULK),
        ("Precedence: first-class", None),
        ("List-Id: Nyheter <nyheter.example.org>", Automatic.BULK),
    ],
)
def test_marks_of_machines(line: str, kind: Automatic | None) -> None:
    assert received(with_header(line)).data.automatic is kind


def test_mailer_daemon_is_a_bounce() -> None:
    event = received(QUESTION.replace(b"<Asa.Berg@example.org>", b"<MAILER-DAEMON@mx.example>"))
    assert event.data.automatic is Automatic.BOUNCE


def test_a_reply_counts_for_the_person_who_asked() -> None:
    (event,) = events(REPLY, "sent")
    assert isinstance(event, Replied)
    assert event.data.party == received(QUESTION).data.party
    assert event.data.references == (message_ref("q0@example.org"), message_ref("q1@example.org"))
    assert event.subject == f"kommun:{message_ref('r1@oxelosund.example')}"


def test_a_forward_to_a_unit_is_a_handover_without_a_party() -> None:
    (event,) = events(FORWARD, "sent")
    assert isinstance(event, HandedOver)
    assert (event.data.unit, event.data.kind.value, event.data.party) == ("omsorg", "ticket", None)
    assert event.data.message == message_ref("r1@oxelosund.example")


def test_a_reply_with_copies_to_two_units_is_a_reply_and_two_handovers() -> None:
    copies = REPLY.replace(
        b"In-Reply-To", b"Cc: omsorg@oxelosund.example, energi <kundtjanst@energi.example>\nIn-Reply-To"
    )
    found = events(copies, "sent")
    assert [type(event) for event in found] == [Replied, HandedOver, HandedOver]
    assert [event.data.unit for event in found if isinstance(event, HandedOver)] == ["omsorg", "energi"]
    assert len({event.id for event in found}) == 3


@pytest.mark.parametrize(
    ("recipients", "units"),
    [
        ("kollega@oxelosund.example", ["okand"]),
        ("kommun@oxelosund.example", []),
        ("asa.berg@example.org, kollega@oxelosund.example", []),
        ("kollega@oxelosund.example, omsorg@oxelosund.example", ["omsorg"]),
    ],
)
def test_who_a_thread_is_handed_over_to(recipients: str, units: list[str]) -> None:
    found = events(REPLY.replace(b"asa.berg@example.org", recipients.encode()), "sent")
    assert [event.data.unit for event in found if isinstance(event, HandedOver)] == units


@pytest.mark.parametrize(
    "message",
    [
        REPLY.replace(b"In-Reply-To", b"X-A").replace(b"References", b"X-B"),
        b"Auto-Submitted: auto-replied\n" + REPLY,
        REPLY.replace(b"To: asa.berg@example.org", b"X-To: nobody"),
    ],
    ids=["outgoing", "acknowledgement", "no recipient"],
)
def test_sent_mail_that_answers_nobody_gives_nothing(message: bytes) -> None:
    assert events(message, "sent") == []


def test_without_a_message_id_the_header_block_names_the_message() -> None:
    anonymous = QUESTION.replace(b"Message-ID: <q1@example.org>\n", b"")
    event = received(anonymous)
    assert event.id == received(anonymous.replace(b"\n", b"\r\n")).id
    assert event.id == received(header_block(anonymous) + b"\n\n").id
    assert event.id != received(anonymous.replace(b"Hemligt", b"Annat")).id


@pytest.mark.parametrize("sender", ["", "From: nobody", "From: <>", "From: a@b@c", "From: " + "(" * 5000])
def test_without_a_usable_sender_the_message_still_counts_by_its_id(sender: str) -> None:
    event = received(f"{sender}\nMessage-ID: <x@example.org>\nTo: a@b.example\n\n".lstrip("\n").encode())
    assert event.data.party is None


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.UNREADABLE),
        (b"\n\nbody", Reason.UNREADABLE),
        (b"\x00\xff\xfe", Reason.UNREADABLE),
        (b"Subject: hemligt\n\n", Reason.MISSING_FIELD),
        (b"From: hemligt\nMessage-ID:   \n\n", Reason.MISSING_FIELD),
    ],
)
def test_what_is_no_message_is_rejected(payload: bytes, reason: Reason) -> None:
    rejected = normalise(payload)
    assert isinstance(rejected, Rejected)
    assert rejected.reason is reason
    assert "hemligt" not in rejected.detail


@pytest.mark.parametrize("received_at", [None, AT.replace(tzinfo=None)])
def test_the_reader_must_say_when(received_at: datetime | None) -> None:
    rejected = normalise(QUESTION, received_at=received_at)
    assert isinstance(rejected, Rejected)
    assert rejected.reason is Reason.BAD_TIME


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"folder": "trash", "mailbox": "kommun"}, Reason.UNKNOWN_KIND),
        ({"mailbox": "kommun"}, Reason.UNKNOWN_KIND),
        ({"folder": "inbox", "mailbox": "a b"}, Reason.BAD_VALUE),
    ],
)
def test_the_reader_must_say_where(attributes: dict[str, str], reason: Reason) -> None:
    rejected = normalise(QUESTION, attributes=attributes)
    assert isinstance(rejected, Rejected)
    assert rejected.reason is reason


def test_eight_bit_addresses_are_read_as_utf_8_or_else_as_latin_1() -> None:
    utf8 = QUESTION.replace(b"Asa.Berg@", "åsa@".encode())
    latin1 = QUESTION.replace(b"Asa.Berg@", "åsa@".encode("latin-1"))
    assert (
        received(utf8).data.party == received(latin1).data.party == PSEUDONYMISER.address("åsa@example.org")
    )


def test_ids_without_brackets_and_folded_ids_are_found() -> None:
    assert message_refs("a@x.example  b@x.example") == (
        message_ref("a@x.example"),
        message_ref("b@x.example"),
    )
    assert message_refs("<a@\r\n x.example>") == (message_ref("a@x.example"),)
    assert message_refs("no id here") == ()


def test_a_header_block_without_end_is_cut() -> None:
    headers = Headers.of_message(QUESTION.partition(b"\n\n")[0] + b"\nX-Long: " + b"a" * 2 * HEADER_BYTES)
    assert headers.message == message_ref("q1@example.org")


@pytest.mark.parametrize("line", ["From: " + "a," * 4_000, "From: " + "a." * 4_000, "From: " + "g:" * 4_000])
def test_hostile_senders_cost_no_more_than_one_does(line: str) -> None:
    """Parsing takes quadratic time; all headers of a name share what may be spent on one."""
    before = time.process_time()
    event = received(f"{line}\n".encode() * 30 + b"Message-ID: <a@x.example>\n\n")
    assert time.process_time() - before < 3, "it took 17 s when each was parsed"
    assert event.data.party is None


WORDS = "Åsa Berg a.b x.example <a@x.example> a.b@x-y.example å@räk.example =?utf-8?q?=C3=85?= =?"
pieces = st.sampled_from([*WORDS.split(), *"<>@.-\"(),;:_+'!=\\[] \t"])


@given(st.lists(pieces, max_size=8).map("".join))
@settings(max_examples=500, deadline=None)
@example("=?utf-8?q?=C3=85?=a.b@x-y.example")
@example("Anna Berg <a@x.example>")
@example("=?utf-8?q?=C3=85sa?= <å.b+c@x.example>")
def test_the_short_way_to_an_address_leads_where_the_grammar_does(value: str) -> None:
    assert addresses_in(value) == parsed_addresses(value)


messages = st.sampled_from([QUESTION, REPLY, FORWARD, with_header("Content-Type: multipart/report")])
folders = st.sampled_from(["inbox", "sent", "other"])


@settings(deadline=None)
@given(st.binary(max_size=3000), folders)
def test_no_bytes_make_it_raise(payload: bytes, folder: str) -> None:
    normalise(payload, folder)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A real message with pieces cut out, doubled, or replaced."""
    message = bytearray(draw(messages))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(message)))
        length = draw(st.integers(0, 40))
        junk = draw(
            st.one_of(
                st.binary(max_size=30),
                st.sampled_from(
                    [b"(" * 500, b'"', b"\r", b"\n", b"\0", b"<<>>", b"=?utf-8?b?/w==?=", b"@", b":;,"]
                ),
                st.just(bytes(message[start : start + length]) * 3),
            )
        )
        message[start : start + length] = junk
    return bytes(message)


@given(mutated(), folders)
@settings(max_examples=300, deadline=None)
def test_no_mutation_makes_it_raise_and_each_gives_the_same_twice(payload: bytes, folder: str) -> None:
    first, second = normalise(payload, folder), normalise(payload, folder)
    assert first == second
    if not isinstance(first, Rejected):
        for event in first:
            assert not isinstance(event, Broadcast)
            assert event.time == AT


@settings(deadline=None)
@given(
    st.sampled_from(
        ["Subject", "From", "Message-ID", "References", "To", "X-Note", "Content-Type", "Precedence"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40),
    st.sampled_from(["inbox", "sent"]),
)
def test_nothing_that_is_planted_gets_out(name: str, around: str, folder: str) -> None:
    secret = "Zyxåqw.hemlighet@qqq.example 031-3900612"
    message = f"{name}: {around}{secret}{around}\n".encode() + (QUESTION if folder == "inbox" else REPLY)
    output = shown(normalise(message, folder))
    for part in ("zyx", "hemlighet", "qqq", "3900612", *PLANTED):
        assert part not in output


@pytest.mark.parametrize("folder", ["inbox", "sent"])
@pytest.mark.parametrize("message", [QUESTION, REPLY, FORWARD])
def test_nothing_of_the_examples_gets_out(message: bytes, folder: str) -> None:
    output = shown(normalise(message, folder))
    assert not [part for part in PLANTED if part in output]


def test_a_password_in_clear_over_the_network_is_refused() -> None:
    with pytest.raises(ValueError, match="in clear"):
        ImapSettings(host="imap.example", user="kommun", security="none")
    assert ImapSettings(host="127.0.0.1", user="kommun", security="none").port == 993


def test_exactly_one_reader_is_chosen() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        MailSettings()
