"""The Graph reader against a stub of Graph and Entra: paging, deltas, throttling, tokens, lost state."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from producers.contract import Batch, Broadcast, Context, Place, Raw, Rejected
from producers.sources.graph.reader import GraphReader, load_place
from producers.sources.graph.settings import GraphSettings
from producers.sources.graph.source import SOURCE
from schemas.catalogue import load_catalogue
from schemas.errors import ConfigurationError, RetriableError
from schemas.identity import Pseudonymiser, PseudonymKey
from tests.producers.fakes import NOW, FixedClock
from tests.producers.graph_stub import CLIENT, SECRET, TENANT, Fault, Stub, serving

KOMMUN, BYGG = "kommun@oxelosund.example", "bygg@oxelosund.example"
INBOX, SENT = (KOMMUN, "inbox"), (KOMMUN, "sentitems")
START = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
CONTEXT = Context(
    "epost", Pseudonymiser(PseudonymKey("k1", b"0123456789abcdef")), load_catalogue(), partitions=8
)


@dataclass(slots=True)
class Naps:
    """Stands for sleep: remembers for how long, and takes no time."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


@dataclass(slots=True)
class Office:
    """The stub, and what to read it with."""

    stub: Stub
    naps: Naps = field(default_factory=Naps)

    def settings(self, **changes: object) -> GraphSettings:
        own: dict[str, object] = {
            "tenant": TENANT,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "mailboxes": {"kommun": {"user": KOMMUN}},
            "authority": self.stub.authority,
            "endpoint": self.stub.endpoint,
            "ca_file": self.stub.certificate,
            "page_size": 2,
            "batch_size": 3,
            "poll_seconds": 600,
        }
        return GraphSettings.model_validate(own | changes)

    def reader(self, *, together: int = 1000, **changes: Any) -> GraphReader:
        return GraphReader(self.settings(**changes), FixedClock(), self.naps, together)

    def put(self, number: int, folder: tuple[str, str] = INBOX) -> dict[str, Any]:
        """Put a message that came ``number`` minutes after the start into a folder."""
        item = message(number)
        self.stub.put(folder, item)
        return item


def message(number: int) -> dict[str, Any]:
    at = START + timedelta(minutes=number)
    sender = {"emailAddress": {"name": "Kim Exempel", "address": f"kim{number}@mail.example"}}
    return {
        "id": f"AAk{number}",
        "@odata.etag": "W/1",
        "subject": "Hemligt",
        "bodyPreview": "Hemligt",
        "receivedDateTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "internetMessageId": f"<m{number}@mail.example>",
        "from": sender,
        "toRecipients": [sender],
        "internetMessageHeaders": [
            {"name": "Subject", "value": "Hemligt"},
            {"name": "Date", "value": "Thu, 1 Jan 1970 00:00:00 +0000"},
            {"name": "From", "value": f"kim{number}@mail.example"},
        ],
        "singleValueExtendedProperties": [{"id": "String 0x1042", "value": "<q@mail.example>"}],
    }


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stub]:
    with serving(tmp_path_factory.mktemp("graph")) as running:
        yield running


@pytest.fixture
def office(stub: Stub) -> Office:
    stub.folders = {(user, folder): [] for user in (KOMMUN, BYGG) for folder in ("inbox", "sentitems")}
    stub.asked.clear()
    stub.faults.clear()
    stub.elsewhere = False
    return Office(stub)


async def batches_of(reader: GraphReader, place: Place | None) -> list[Batch]:
    """Return the batches up to the first that says that there is nothing new."""
    found: list[Batch] = []
    async with asyncio.timeout(30), contextlib.aclosing(reader.batches(place)) as stream:  # type: ignore[type-var]
        async for batch in stream:
            found.append(batch)
            if batch.before == batch.after and not batch.records:
                return found
    raise AssertionError("the reader ended")


def read(reader: GraphReader, place: Place | None = None) -> list[Batch]:
    return asyncio.run(batches_of(reader, place))


def records(batches: list[Batch]) -> list[Raw]:
    return [record for batch in batches for record in batch.records]


def ids(found: list[Raw]) -> list[str]:
    """Return the ids of the events of records, none of which may be rejected."""
    events: list[str] = []
    for record in found:
        result = SOURCE.normalise(record, SETTINGS, CONTEXT)
        assert not isinstance(result, Rejected), result
        events += [one.event.id if isinstance(one, Broadcast) else one.id for one in result]
    return events


SETTINGS = GraphSettings.model_validate(
    {"tenant": TENANT, "client_id": CLIENT, "mailboxes": {"kommun": {"user": KOMMUN}}}
)


def test_all_folders_of_all_mailboxes_are_read_in_the_order_in_which_mail_came(office: Office) -> None:
    folders = [INBOX, SENT, (BYGG, "inbox"), (BYGG, "sentitems")]
    for number in range(17):
        office.put(number, folders[number % 4])
    found = read(office.reader(mailboxes={"kommun": {"user": KOMMUN}, "bygg": {"user": BYGG}}))
    assert [record.received_at for record in records(found)] == [
        START + timedelta(minutes=number) for number in range(17)
    ]
    assert [(r.attributes["mailbox"], r.attributes["folder"]) for r in records(found)[:4]] == [
        ("kommun", "inbox"),
        ("kommun", "sent"),
        ("bygg", "inbox"),
        ("bygg", "sent"),
    ]
    assert [len(batch.records) for batch in found] == [3, 3, 3, 3, 3, 2, 0]


def test_neither_text_nor_subject_nor_names_are_asked_for_or_kept(office: Office) -> None:
    office.put(1)
    (record,) = records(read(office.reader()))
    assert b"Hemligt" not in record.payload
    assert b"Kim" not in record.payload
    first = office.stub.asked[0].query_params
    assert not {"subject", "body", "bodyPreview", "uniqueBody"} & set(first["$select"].split(","))


def test_ids_that_stay_and_pages_of_the_size_set_are_asked_for_every_time(office: Office) -> None:
    for number in range(5):
        office.put(number)
    read(office.reader(page_size=2))
    assert len(office.stub.asked) == 4  # one of the sent folder, three of the inbox
    assert {request.headers["prefer"] for request in office.stub.asked} == {
        'IdType="ImmutableId", odata.maxpagesize=2'
    }
    assert "$skiptoken" in office.stub.asked[-1].query_params


def test_reading_goes_on_with_what_is_new(office: Office) -> None:
    office.put(1)
    reader = office.reader()
    first = read(reader)
    assert records(read(reader, first[-1].after)) == []
    office.put(2)
    assert ids(records(read(office.reader(), first[-1].after))) == ids([*map(as_record, [message(2)])])


def as_record(item: dict[str, Any]) -> Raw:
    return Raw(json.dumps(item).encode(), "x", attributes={"folder": "inbox", "mailbox": "kommun"})


def test_every_batch_can_be_read_again_from_before(office: Office) -> None:
    for number in range(11):
        office.put(number, SENT if number % 3 else INBOX)
    found = read(office.reader(together=4))
    assert len({batch.after for batch in found}) > 2, "next links are places too"
    for batch in found:
        again = [record.place for record in records(read(office.reader(together=4), batch.before))]
        assert {record.place for record in batch.records} <= set(again)
    everything = {record.place for record in records(found)}
    assert len(everything) == len(records(found)) == 11


def test_what_is_deleted_moved_away_or_marked_as_read_is_no_news(office: Office) -> None:
    gone, moved, seen = office.put(1), office.put(2), office.put(3)
    handled = (KOMMUN, "klart")
    office.stub.folders[handled] = []
    mailboxes = {"kommun": {"user": KOMMUN, "inbox": ["inbox", "klart"]}}
    reader = office.reader(mailboxes=mailboxes)
    first = read(reader)
    office.stub.remove(INBOX, gone)
    office.stub.move(moved, INBOX, handled)
    office.stub.put(INBOX, seen)
    after = records(read(reader, first[-1].after))
    assert {record.place for record in after} == {"kommun inbox klart AAk2", "kommun inbox AAk3"}
    assert set(ids(after)) <= set(ids(records(first)))


def test_mail_before_the_first_day_is_left_out(office: Office) -> None:
    office.put(-24 * 60)
    office.put(1)
    assert len(records(read(office.reader(since=date(2026, 11, 23))))) == 1


def test_it_waits_as_long_as_graph_says(office: Office) -> None:
    office.put(1)
    at = format_datetime(NOW + timedelta(seconds=90), usegmt=True)
    office.stub.faults += [
        Fault(429, "TooManyRequests", {"Retry-After": "17"}),
        Fault(503, "ServiceUnavailable", {"Retry-After": at}),
        Fault(504),
        Fault(200, cut=True),
        Fault(429, headers={"Retry-After": "soon"}),
    ]
    assert len(records(read(office.reader()))) == 1
    assert office.naps.seconds[:5] == [17.0, 90.0, 4.0, 8.0, 16.0]


def test_when_it_has_waited_often_the_runner_is_told(office: Office) -> None:
    office.stub.faults += [Fault(503)] * 6
    with pytest.raises(RetriableError, match="is away"):
        read(office.reader())
    assert office.naps.seconds == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    assert records(read(office.reader())) == []


def test_a_token_that_is_good_no_longer_is_replaced(office: Office) -> None:
    reader = office.reader()
    given = len(office.stub.tokens)
    first = read(reader)
    assert len(office.stub.tokens) == given + 1, "one token is enough for all pages"
    office.stub.revoke()
    office.put(1)
    assert len(records(read(reader, first[-1].after))) == 1
    assert len(office.stub.tokens) == given + 2
    office.stub.faults += [Fault(401), Fault(401)]
    with pytest.raises(RetriableError, match="new token"):
        read(reader)


@pytest.mark.parametrize(("status", "code"), [(410, "anything"), (400, "SyncStateNotFound")])
def test_a_folder_whose_state_is_lost_is_read_again_and_the_others_are_not(
    office: Office, status: int, code: str
) -> None:
    office.put(1)
    office.put(2, SENT)
    reader = office.reader()
    first = read(reader)
    office.put(3)
    office.stub.faults.append(Fault(status, code))  # for the sent folder, which is asked first
    again = records(read(reader, first[-1].after))
    assert {record.place for record in again} == {"kommun sent AAk2", "kommun inbox AAk3"}
    assert set(ids(records(first))) & set(ids(again)) == set(ids(again[:1]))


def test_a_place_of_which_graph_remembers_nothing_starts_again(office: Office) -> None:
    office.put(1)
    first = read(office.reader())
    office.stub.generation += 1
    assert ids(records(read(office.reader(), first[-1].after))) == ids(records(first))


@pytest.mark.parametrize("place", ["", "[]", "{", '{"kommun inbox": 7}', "null", "[" * 100_000])
def test_a_place_that_is_not_ours_starts_again(office: Office, place: str) -> None:
    assert load_place(place) == {}
    office.put(1)
    assert len(records(read(office.reader(), place))) == 1


def test_a_token_is_sent_to_graph_only(office: Office) -> None:
    office.put(1)
    asked = read(office.reader(), '{"kommun inbox": "https://localhost:1/v1.0/x", "kommun sent": "?"}')
    assert len(records(asked)) == 1
    office.stub.elsewhere = True
    with pytest.raises(RetriableError, match="another host"):
        read(office.reader())


def test_a_folder_that_was_never_given_is_a_wrong_setting_and_a_later_refusal_is_not(office: Office) -> None:
    with pytest.raises(ConfigurationError, match=r"mailboxes\.kommun.*404 ErrorItemNotFound") as caught:
        read(office.reader(mailboxes={"kommun": {"user": "finns-inte@oxelosund.example"}}))
    assert "mail.example" not in str(caught.value)
    reader = office.reader()
    place = read(reader)[-1].after
    office.stub.faults.append(Fault(403, "ErrorAccessDenied"))
    with pytest.raises(RetriableError, match="403 ErrorAccessDenied"):
        read(reader, place)


def test_a_certificate_proves_who_asks_as_well_as_a_secret(office: Office) -> None:
    office.put(1)
    both = office.stub.certificate.with_name("both.pem")
    assert len(records(read(office.reader(client_secret=None, certificate=both)))) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_secret": "fel~hemlighet"}, r"no token \(invalid_client, AADSTS7000215\)"),
        ({"client_id": "fel"}, "no token"),
        ({"tenant": "finns-inte.example"}, r"graph\.tenant"),
        ({"client_secret": None}, "KC_GRAPH_SECRET"),
        ({"client_secret": None, "certificate": Path("finns-inte.pem")}, r"graph\.certificate"),
        ({"client_secret": None, "certificate": Path(__file__)}, r"graph\.certificate"),
        ({"ca_file": None}, "can't be trusted"),
        ({"ca_file": Path("finns-inte.pem")}, r"graph\.ca_file"),
    ],
)
def test_wrong_credentials_are_said_clearly_and_not_shown(
    office: Office, changes: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KC_GRAPH_SECRET", raising=False)
    with pytest.raises(ConfigurationError, match=said) as caught:
        read(office.reader(**changes))
    assert "hemlig" not in str(caught.value)
    assert "Kim" not in str(caught.value)


def test_a_server_that_is_away_can_be_tried_again(office: Office) -> None:
    with pytest.raises(RetriableError, match="Entra can't be reached"):
        read(office.reader(authority="https://localhost:1"))
    with pytest.raises(RetriableError, match="is away"):
        read(office.reader(endpoint="https://localhost:1/v1.0"))


def test_no_secret_and_no_token_is_in_settings_or_logs(
    office: Office, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    office.put(1)
    office.stub.faults += [Fault(429), Fault(401)]
    read(office.reader())
    shown = caplog.text + "".join(capsys.readouterr()) + repr(office.settings())
    assert "graph_waits" in shown
    assert SECRET not in shown
    assert not [token for token in office.stub.tokens if token in shown]


def test_secret_and_certificate_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="not both"):
        Office(Stub(1, Path("x"))).settings(certificate=Path("x"))


def test_through_whatever_happens_every_message_is_read(office: Office) -> None:
    """Faults, lost state, revoked tokens and restarts at random: nothing is lost."""
    chance, stub = random.Random(7), office.stub
    place: Place | None = None
    found: list[Raw] = []
    items = {}
    for number in range(120):
        items[number] = office.put(number, chance.choice([INBOX, SENT]))
        match chance.randrange(8):
            case 0:
                stub.faults += [Fault(chance.choice([429, 500, 503, 401, 410]))] * chance.randrange(1, 3)
            case 1:
                stub.generation += 1
            case 2:
                stub.revoke()
            case 3:
                stub.put(INBOX, items[number])
            case _:
                continue
        with contextlib.suppress(RetriableError):
            batches = read(office.reader(together=chance.choice([3, 1000])), place)
            kept = batches[: chance.randrange(1, len(batches) + 1)]  # the rest was lost with the process
            found += records(kept)
            place = kept[-1].after
    stub.faults.clear()
    found += records(read(office.reader(), place))
    assert {record.place.rpartition(" ")[2] for record in found} == {item["id"] for item in items.values()}
