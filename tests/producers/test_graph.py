"""What messages from Graph mean: the same as over IMAP; and no bytes make the normaliser raise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import compat32
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.conformance import Case, cases_of
from producers.conformance.cases import KEY
from producers.contract import Broadcast, Context, Normalised, Raw, Rejected
from producers.sources.graph.fields import slimmed
from producers.sources.graph.messages import Message, instant
from producers.sources.graph.settings import GraphSettings
from producers.sources.graph.source import SOURCE
from producers.sources.mail.headers import parsed_addresses
from schemas.catalogue import load_catalogue
from schemas.events import Event, to_json
from schemas.identity import Pseudonymiser

SETTINGS = GraphSettings.model_validate(
    {"tenant": "t.example", "client_id": "c", "mailboxes": {"kommun": {"user": "kommun@oxelosund.example"}}}
)
CONTEXT = Context("mail", Pseudonymiser(KEY), load_catalogue(), partitions=8)
MAIL_CASES = [case for case in cases_of("mail") if case.folder.name in {"conversation", "machines"}]


def normalise(payload: bytes, attributes: Mapping[str, str]) -> Normalised:
    return SOURCE.normalise(Raw(payload, "x", attributes=attributes), SETTINGS, CONTEXT)


def as_graph_has_it(raw: Raw) -> dict[str, Any]:
    """Return a message of the mail source's cases as Exchange would keep it, and Graph would give it."""
    assert raw.received_at is not None
    message = BytesParser(policy=compat32).parsebytes(raw.payload, headersonly=True)
    headers = [(name, str(value)) for name, value in message.raw_items()]
    first = {name.lower(): value for name, value in reversed(headers)}

    def people(name: str) -> list[dict[str, Any]]:
        found = parsed_addresses(first.get(name, ""))
        return [{"emailAddress": {"name": "Kim", "address": address}} for address in found]

    item: dict[str, Any] = {
        "id": "AAk1",
        "receivedDateTime": raw.received_at.isoformat(),
        "isDraft": False,
        "internetMessageId": first.get("message-id"),
        "from": next(iter(people("from")), None),
        "toRecipients": people("to"),
        "ccRecipients": people("cc"),
        "bccRecipients": people("bcc"),
    }
    if raw.attributes["folder"] == "inbox":
        item["internetMessageHeaders"] = [{"name": name, "value": value} for name, value in headers]
    else:
        properties = {"String 0x1042": "in-reply-to", "String 0x1039": "references"}
        item["singleValueExtendedProperties"] = [
            {"id": id_, "value": first[name]} for id_, name in properties.items() if name in first
        ]
    return item


@pytest.mark.parametrize("case", MAIL_CASES, ids=lambda case: str(case.name))
@pytest.mark.parametrize("kept", [dict, slimmed], ids=["whole", "as the reader keeps it"])
def test_a_message_gives_the_same_events_as_over_imap(case: Case, kept: Any) -> None:
    compared = 0
    for raw in case.records():
        over_imap = case.source.normalise(raw, case.settings(), case.context())
        item = kept(as_graph_has_it(raw))
        if item["internetMessageId"] is None:
            continue  # Exchange gives one to a message that has none: it is known by another id then
        if raw.attributes["folder"] == "sent" and b"Auto-Submitted" in raw.payload:
            continue  # the copy in Sent Items has lost this mark; the README says so
        assert normalise(json.dumps(item).encode(), raw.attributes) == over_imap
        compared += 1
    assert compared >= 8


def test_what_the_reader_keeps_is_what_counts() -> None:
    """Every golden record gives the same whole and as it is kept."""
    records = [record for case in cases_of("graph") for record in case.records()]
    for record in records:
        try:
            item = json.loads(record.payload)
            payload = json.dumps(slimmed(item)).encode()
        except (ValueError, AttributeError):
            continue
        assert normalise(payload, record.attributes) == normalise(record.payload, record.attributes)
        assert b"Hemlig" not in payload


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-23T07:15:00Z", 0),
        ("2026-11-23T08:15:01.9999999+01:00", 1),
        ("2026-11-23T07:15:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("", None),
        ("20261123", None),
    ],
)
def test_times(text: str, seconds: int | None) -> None:
    at = instant(text)
    assert (at.second if at else None) == seconds
    assert at is None or at.utcoffset().total_seconds() == 0  # type: ignore[union-attr]


texts = st.one_of(st.text(max_size=20), st.sampled_from(["<a@x.example>", "kim@x.example", "REPORT.", "no"]))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
recipients = st.fixed_dictionaries({"emailAddress": st.fixed_dictionaries({"address": texts | st.none()})})
headers = st.fixed_dictionaries(
    {"name": st.sampled_from(["From", "To", "Message-ID", "References", "Auto-Submitted"]), "value": texts}
)
fields = {
    "isDraft": st.booleans(),
    "internetMessageId": texts,
    "from": recipients,
    "toRecipients": st.lists(recipients, max_size=3),
    "internetMessageHeaders": st.lists(headers, max_size=5),
    "singleValueExtendedProperties": st.lists(
        st.fixed_dictionaries(
            {"id": st.sampled_from(["String 0x1042", "String 0x1039", "String 0x001A"]), "value": texts}
        ),
        max_size=3,
    ),
}
times = st.sampled_from(["2026-11-23T07:15:00Z", "2026-11-23", "9999-12-31T23:59:59-14:00", "nu"])


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    """A message, some of whose fields may have any form."""
    item: dict[str, Any] = {"id": draw(texts), "receivedDateTime": draw(times)}
    for name, form in fields.items():
        if draw(st.booleans()):
            item[name] = draw(form if draw(st.integers(0, 5)) else values)
    return item


@given(items(), st.sampled_from(["inbox", "sent", "other"]))
@settings(max_examples=300, deadline=None)
def test_no_message_makes_it_raise_and_each_gives_the_same_kept_or_whole(
    item: dict[str, Any], folder: str
) -> None:
    attributes = {"folder": folder, "mailbox": "kommun"}
    whole = normalise(json.dumps(item).encode(), attributes)
    kept = normalise(json.dumps(slimmed(item)).encode(), attributes)
    assert isinstance(whole, Rejected) == isinstance(kept, Rejected)
    assert isinstance(whole, Rejected) or whole == kept


@given(st.binary(max_size=500) | values.map(lambda value: json.dumps(value).encode()))
@settings(deadline=None)
def test_no_bytes_make_it_raise(payload: bytes) -> None:
    normalise(payload, {"folder": "inbox"})


@given(
    st.sampled_from(["subject", "bodyPreview", "from", "toRecipients", "internetMessageHeaders", "id"]),
    st.sampled_from(["inbox", "sent"]),
)
@settings(deadline=None)
def test_nothing_that_is_planted_gets_out(name: str, folder: str) -> None:
    secret = "zyxqw.hemlighet@qqq.example"
    planted: dict[str, Any] = {
        "from": {"emailAddress": {"name": secret, "address": secret}},
        "toRecipients": [{"emailAddress": {"name": secret, "address": secret}}],
        "internetMessageHeaders": [{"name": "Subject", "value": secret}, {"name": "From", "value": secret}],
    }
    item = {
        "id": "AAk1",
        "receivedDateTime": "2026-11-23T07:15:00Z",
        "internetMessageId": "<a@x.example>",
        "singleValueExtendedProperties": [{"id": "String 0x1042", "value": f"<{secret}>"}],
        name: planted.get(name, secret),
    }
    result = normalise(json.dumps(item).encode(), {"folder": folder, "mailbox": "kommun"})
    assert not isinstance(result, Rejected)
    shown = b"".join(to_json(event) for event in map(plain, result)).decode()
    assert not [part for part in ("zyx", "hemlighet", "qqq") if part in shown]


def plain(event: Event | Broadcast) -> Event:
    return event.event if isinstance(event, Broadcast) else event


def test_all_that_the_normaliser_reads_is_asked_for() -> None:
    named = {field.alias or name for name, field in Message.model_fields.items()}
    item = dict.fromkeys([*named, "subject", "body"])
    assert slimmed(item).keys() == named
