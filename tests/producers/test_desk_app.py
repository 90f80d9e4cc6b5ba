"""The desk's form over HTTP: what is saved, what is refused, and that no number stays anywhere."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from producers.sources.desk import records
from producers.sources.desk.app import BODY_LIMIT
from schemas.events import Audience, ErrandOutcome
from tests.producers.desk_server import PSEUDONYMISER, Desk, running_desk

NUMBER = "031-390 06 12"
GOOD = {"audience": "resident", "topic": "turism", "outcome": "resolved"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with running_desk(tmp_path) as running:
        yield running


def actions(desk: Desk) -> list[str]:
    return [line.action for line in desk.lines]


def test_a_visit_is_registered_in_one_go_and_said_to_be(desk: Desk) -> None:
    key = desk.keys()[1]
    answer = desk.ask("/besok", {**GOOD, "key": key, "level": "20", "number": NUMBER})
    assert (answer.status, answer.headers["location"]) == (303, "/?sparat=registrerat")
    assert "Besöket är registrerat." in desk.ask(answer.headers["location"]).body
    assert actions(desk) == ["registered", "called", "errand", "finished"]
    arrival, errand = desk.lines[0], desk.lines[2]
    assert isinstance(errand, records.Errand)
    assert (errand.topic, errand.level, errand.outcome) == ("turism", 20, ErrandOutcome.RESOLVED)
    assert arrival.audience is Audience.RESIDENT
    assert arrival.party == PSEUDONYMISER.number(NUMBER)


def test_a_form_sent_twice_is_saved_once(desk: Desk) -> None:
    key = desk.keys()[1]
    for expected in ("registrerat", "redan"):
        assert desk.ask("/besok", {**GOOD, "key": key}).headers["location"] == f"/?sparat={expected}"
    assert len(desk.lines) == 4


def test_a_visitor_waits_is_called_and_is_done(desk: Desk) -> None:
    key = desk.keys()[0]
    assert desk.ask("/ko", {"key": key}).status == 303
    assert "Väntar" in desk.ask().body
    desk.clock.instant += timedelta(minutes=4)
    assert desk.ask(f"/ko/{key}/kalla", {}).headers["location"] == "/?sparat=kallad"
    assert "Kallad 09:34" in desk.ask().body
    desk.clock.instant += timedelta(minutes=6)
    assert "Avsluta besök nr 1" in desk.ask(f"/ko/{key}/avsluta").body
    form = {**GOOD, "outcome": "handed_over", "unit": "omsorg"}
    assert desk.ask(f"/ko/{key}/avsluta", form).headers["location"] == "/?sparat=avslutat"
    assert "Ingen väntar." in desk.ask().body
    assert actions(desk) == ["registered", "called", "handed_over", "errand", "finished"]
    ended = desk.lines[-1]
    assert isinstance(ended, records.Finished)
    assert ended.talk_ms == 6 * 60_000


def test_a_visitor_who_does_not_come_is_gone_after_a_call(desk: Desk) -> None:
    key = desk.keys()[0]
    desk.ask("/ko", {"key": key})
    assert desk.ask(f"/ko/{key}/kom-inte", {}).headers["location"] == "/?sparat=kom-inte"
    assert actions(desk) == ["registered", "called", "no_show"]
    for path in ("kalla", "kom-inte", "avsluta"):
        assert desk.ask(f"/ko/{key}/{path}", {}).headers["location"] == "/?sparat=borta"
    assert desk.ask(f"/ko/{key}/avsluta").headers["location"] == "/?sparat=borta"


def test_a_visit_that_was_never_called_can_be_ended(desk: Desk) -> None:
    key = desk.keys()[0]
    desk.ask("/ko", {"key": key})
    desk.ask(f"/ko/{key}/avsluta", GOOD)
    assert actions(desk) == ["registered", "called", "errand", "finished"]


def test_what_is_wrong_is_listed_with_links_and_what_was_typed_stays_but_for_the_number(desk: Desk) -> None:
    key = desk.keys()[1]
    form = {"key": key, "topic": "turism", "outcome": "handed_over", "level": "30", "number": "0700-hemligt"}
    answer = desk.ask("/besok", form)
    assert answer.status == 422
    assert 'role="alert"' in answer.body
    for name in ("audience", "unit", "number"):
        assert f'href="#{name}"' in answer.body
        assert f'id="{name}-error"' in answer.body
    assert 'href="#topic"' not in answer.body
    assert '<option value="turism" selected>' in answer.body
    assert '<option value="30" selected>' in answer.body
    assert 'value="handed_over" checked' in answer.body
    assert f'value="{key}"' in answer.body
    assert "hemligt" not in answer.body
    assert desk.lines == []


def test_a_restart_forgets_nobody_who_waits(tmp_path: Path) -> None:
    with running_desk(tmp_path) as desk:
        desk.ask("/ko", {"key": desk.keys()[0]})
    with running_desk(tmp_path) as desk:
        assert "Nr 1" in desk.ask().body


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://annan.example"},
        {"origin": "null"},
        {"origin": None},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": None, "referer": "https://annan.example/"},
    ],
)
def test_a_form_from_another_page_is_refused(desk: Desk, headers: dict[str, str | None]) -> None:
    key = desk.keys()[0]
    assert desk.ask("/ko", {"key": key}, **headers).status == 403
    assert desk.ask("/besok", {**GOOD, "key": key}, **headers).status == 403
    assert desk.lines == []


def test_a_form_from_this_page_is_taken_also_without_an_origin(desk: Desk) -> None:
    referer = f"{desk.origin}/"
    assert desk.ask("/ko", {"key": desk.keys()[0]}, origin=None, referer=referer).status == 303
    assert desk.ask("/ko", {"key": desk.keys()[0]}, sec_fetch_site="same-origin").status == 303


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (b"key=" + b"a" * BODY_LIMIT, 413),
        (b"key=\xff\xfe", 400),
        (b"key=%ff%fe", 400),
        (b"&".join(b"a%d=1" % number for number in range(60)), 400),
        (b"key=../../etc/passwd", 400),
        (b"", 400),
    ],
)
def test_what_is_no_form_is_refused(desk: Desk, form: bytes, status: int) -> None:
    answer = desk.ask("/ko", form)
    assert answer.status == status
    assert 'role="alert"' in answer.body
    assert desk.lines == []


def test_other_kinds_of_content_hosts_and_methods_are_refused(desk: Desk) -> None:
    assert desk.ask("/ko", b"{}", content_type="application/json").status == 415
    assert desk.ask("/", host="annan.example").status == 400
    assert desk.ask("/besok").status == 405


def test_what_is_typed_is_never_markup(desk: Desk) -> None:
    form = {"key": desk.keys()[1], "topic": '"><script>alert(1)</script>', "audience": "<b>"}
    body = desk.ask("/besok", form).body
    assert "<script" not in body
    assert "<b>" not in body


def test_every_answer_keeps_other_pages_and_scripts_out(desk: Desk) -> None:
    key = desk.keys()[0]
    for answer in (
        desk.ask(),
        desk.ask("/ko", {"key": key}),
        desk.ask("/finns-inte"),
        desk.ask("/static/desk.css"),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_the_number_stays_nowhere(
    desk: Desk, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    pages = [desk.ask("/besok", {"key": desk.keys()[1], "number": NUMBER})]
    pages.append(desk.ask("/besok", {**GOOD, "key": desk.keys()[1], "number": NUMBER}))
    pages.append(desk.ask("/besok", {**GOOD, "key": "wrong", "number": NUMBER}))
    pages.append(desk.ask(str(pages[1].headers["location"])))
    shown = "".join(page.body + str(page.headers) for page in pages)
    stored = "".join(path.read_text() for path in tmp_path.iterdir())
    logged = "".join(capfd.readouterr()) + caplog.text
    for trace in ("390 06", "3900612", "390%2006"):
        assert trace not in shown + stored + logged


def test_a_journal_that_cannot_be_written_is_said_and_nothing_is_claimed(desk: Desk) -> None:
    key = desk.keys()[0]
    desk.journal.mkdir()
    answer = desk.ask("/ko", {"key": key})
    assert answer.status == 503
    assert "Det gick inte att spara" in answer.body
    desk.journal.rmdir()
    assert desk.ask("/ko", {"key": key}).status == 303


def test_a_body_without_end_is_cut_off(desk: Desk) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=10)
    connection.putrequest("POST", "/ko")
    connection.putheader("Origin", desk.origin)
    connection.putheader("Content-Type", "application/x-www-form-urlencoded")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    for _ in range(20):
        connection.send(b"400\r\n" + b"a" * 1024 + b"\r\n")
    assert connection.getresponse().status == 413
    connection.close()
