"""The receiver over HTTP: when it says 202, when something else, and that nothing is lost or doubled."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
from jsonschema import Draft202012Validator

from producers.contract import Broadcast
from producers.webhook import receiver as receiver_module
from schemas.errors import ConfigurationError
from tests.producers.fakes import FakePublisher
from tests.producers.webhook.receiving import PROOF, TOKEN, WEBHOOK, receiving

NEW = {"id": "a1", "at": "2026-11-24T08:00:00Z", "state": "new", "desk": 1, "phone": "070-174 06 05"}
CALLED = {"id": "a1", "at": "2026-11-24T08:03:00Z", "state": "called"}


def subjects(publisher: FakePublisher) -> list[str]:
    """Return what was published, by leg and type."""
    return [
        f"{event.subject} {event.type.rpartition('.')[2]}"
        for event in publisher.sent
        if not isinstance(event, Broadcast)
    ]


def test_it_says_202_when_the_broker_has_it(tmp_path: Path) -> None:
    with receiving(tmp_path) as running:
        answer = running.send(NEW)
        assert answer.status == 202
        assert answer.json == {"records": 1, "events": 1, "rejected": []}
        assert subjects(running.publisher) == ["tickets:a1 queued"]
        assert "1740605" not in answer.text


def test_batches_are_an_array_or_lines(tmp_path: Path) -> None:
    with receiving(tmp_path) as running:
        lines = b"\n".join(json.dumps(record).encode() for record in (NEW, CALLED))
        assert running.send([NEW, CALLED]).json["events"] == 2
        assert running.send(lines).json == {"records": 2, "events": 2, "rejected": []}
        assert set(subjects(running.publisher)) == {"tickets:a1 queued", "tickets:a1 answered"}
        assert running.send(b"").json == {"records": 0, "events": 0, "rejected": []}


def test_sent_twice_it_has_the_same_ids(tmp_path: Path) -> None:
    with receiving(tmp_path) as running:
        for _ in range(2):
            assert running.send(NEW).status == 202
        [first, second] = running.publisher.sent
        assert first == second


def test_what_can_not_be_used_is_a_dead_letter_and_is_not_asked_for_again(tmp_path: Path) -> None:
    with receiving(tmp_path) as running:
        answer = running.send([NEW, {"state": "new", "phone": "070-174 06 05"}])
        assert answer.status == 202
        assert answer.json == {
            "records": 2,
            "events": 1,
            "rejected": [
                {"record": "record 2", "reason": "missing_field", "detail": "event 1: leg is missing"}
            ],
        }
        nonsense = running.send(b"nonsense")
        assert (nonsense.status, nonsense.json["rejected"][0]["reason"]) == (202, "unreadable")
        assert [letter.reason for letter in running.publisher.letters] == ["missing_field", "unreadable"]


@pytest.mark.parametrize("proof", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
def test_without_proof_nothing_is_kept(tmp_path: Path, proof: dict[str, str]) -> None:
    with receiving(tmp_path) as running:
        assert running.send(NEW, proof).status == 401
        assert running.publisher.sent == []
        assert all(path.stat().st_size == 0 for path in (tmp_path / "spool").rglob("*.spool"))


def test_what_is_too_long_compressed_or_elsewhere_is_refused(tmp_path: Path) -> None:
    with receiving(tmp_path, max_body=1024) as running:
        assert running.send(b"x" * 1025).status == 413
        chunked = {**PROOF, "Transfer-Encoding": "chunked"}
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (2000, b"x" * 2000)
        assert running.send(body, chunked).status == 413
        assert running.send(NEW, {**PROOF, "Content-Encoding": "gzip"}).status == 415
        assert running.send(NEW, path="/hooks/others").status == 404
        assert running.ask("GET", "/hooks/tickets").status == 405
        assert running.send(NEW, {**PROOF, "Host": "evil.example"}).status == 400
        assert running.publisher.sent == []


def test_while_the_broker_is_away_it_says_503_keeps_it_once_and_sends_it_later(tmp_path: Path) -> None:
    back = threading.Event()
    publisher = FakePublisher(fails=lambda _: not back.is_set())
    with receiving(tmp_path, publisher, wait=0.3) as running:
        for _ in range(3):
            answer = running.send(NEW)
            assert (answer.status, answer.headers["retry-after"]) == (503, "30")
        assert running.ask("GET", "/health").status == 503
        [spooled] = [path for path in (tmp_path / "spool").rglob("*.spool") if path.stat().st_size]
        assert spooled.read_bytes().count(b"\n") == 1
        back.set()
        assert running.send(NEW).status == 202
        assert running.send(CALLED).status == 202
        assert running.ask("GET", "/health").json == {"tickets": "reading"}
    assert set(subjects(publisher)) == {"tickets:a1 queued", "tickets:a1 answered"}


def test_what_was_kept_while_the_broker_was_away_survives_a_restart(tmp_path: Path) -> None:
    with receiving(tmp_path, FakePublisher(fails=lambda _: True), wait=0.2) as running:
        assert running.send(NEW).status == 503
    with receiving(tmp_path) as running:
        assert running.send(CALLED).status == 202
        assert subjects(running.publisher) == ["tickets:a1 queued", "tickets:a1 answered"]


def test_a_full_spool_is_told(tmp_path: Path) -> None:
    publisher = FakePublisher(fails=lambda _: True)
    with receiving(tmp_path, publisher, wait=0.2, max_spool=1 << 20, max_body=1 << 20) as running:
        big = {**NEW, "note": "x" * 700_000}
        assert running.send(big).json["error"].startswith("kept")
        answer = running.send({**big, "id": "a2"})
        assert answer.status == 503
        assert answer.json["error"].startswith("too much waits")


def test_too_many_at_a_time_are_told_to_come_again_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver_module, "MAX_WAITING", 2)
    publisher = FakePublisher(fails=lambda _: True)
    with receiving(tmp_path, publisher, wait=2) as running, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(running.send, [{**NEW, "id": f"a{n}"} for n in range(6)]))
    told = sorted(answer.status for answer in answers)
    assert told.count(429) >= 1
    assert set(told) == {429, 503}
    assert {answer.headers["retry-after"] for answer in answers if answer.status == 429} == {"1"}


def test_many_at_a_time_each_get_their_own_answer(tmp_path: Path) -> None:
    with receiving(tmp_path) as running, ThreadPoolExecutor(8) as pool:
        records = [{**NEW, "id": f"a{number}"} for number in range(100)]
        answers = list(pool.map(running.send, records))
        assert {answer.status for answer in answers} == {202}
        assert sorted(subjects(running.publisher)) == sorted(f"tickets:a{n} queued" for n in range(100))


def test_a_signed_form_is_taken_in(tmp_path: Path) -> None:
    text = WEBHOOK.replace('kind = "webhook"', 'kind = "webhook"\ncontent = "form"')
    with receiving(tmp_path, text=text) as running:
        assert running.send(urlencode(NEW).encode()).json["events"] == 1


def test_openapi_and_the_page_tell_what_to_send(tmp_path: Path) -> None:
    with receiving(tmp_path) as running:
        described = running.ask("GET", "/openapi.json").json
        page = running.ask("GET", "/")
    assert described["openapi"] == "3.1.0"
    operation = described["paths"]["/hooks/tickets"]["post"]
    assert {"202", "401", "413", "415", "429", "503"} == set(operation["responses"])
    assert described["components"]["securitySchemes"]["tickets"]["scheme"] == "bearer"
    accepted = described["components"]["schemas"]["Accepted"]
    Draft202012Validator.check_schema(accepted)
    Draft202012Validator(accepted).validate({"records": 1, "events": 1, "rejected": []})
    assert "/hooks/tickets" in page.text
    assert TOKEN not in page.text + json.dumps(described)
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_an_instance_without_authentication_is_not_served(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"sources.tickets.auth: missing"),
        receiving(tmp_path, auth=None),
    ):
        pass
