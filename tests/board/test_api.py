"""The API: described as it answers, the same figures as the board, and errors that say what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from dashboards.board.access import TokenAccess
from dashboards.board.api.models import WITHHELD, ProblemCode
from dashboards.board.api.openapi import openapi
from dashboards.board.api.routes import ENDPOINTS, PREFIX
from dashboards.board.app import board_app
from dashboards.board.periods import Period
from dashboards.board.picture import read_picture
from schemas.catalogue import Catalogue
from schemas.metrics import METRICS
from tests.board.asking import Answered, Visiting
from tests.board.days import NOW
from tests.board.fakes import FakeStore, FixedClock

DAYS = "first=2026-11-16&last=2026-11-24"
EXAMPLES = {
    "picture": ["/picture", "/picture?period=week", "/picture?period=last_week"],
    "metrics": ["/metrics"],
    "metric": [
        f"/metrics/resolved_in_centre?{DAYS}",
        f"/metrics/offered?{DAYS}&by=channel,topic&grain=total",
        "/metrics/speed_of_answer?first=2026-11-24&last=2026-11-24&grain=quarter",
        f"/metrics/handovers?{DAYS}&by=unit&channel=telephone",
    ],
    "surges": [f"/surges?{DAYS}"],
    "sources": ["/sources"],
    "health": ["/health"],
}


@pytest.fixture
def visitor(store: FakeStore, clock: FixedClock, catalogue: Catalogue) -> Visiting:
    minute = timedelta(minutes=1)
    store.surges = [
        ("va-avfall", NOW - 76 * minute, NOW - 46 * minute, NOW - minute, 24, 3.0, 0),
        ("omsorg", NOW - 46 * minute, NOW - 16 * minute, NOW - minute, 9, 1.0, 0),
        ("omsorg", NOW - timedelta(days=3), NOW - timedelta(days=3), NOW - timedelta(days=3), 9, 0.0, 1),
    ]
    store.overdue = (2, NOW - timedelta(hours=3))
    return Visiting(board_app(store, clock, catalogue))


def ask(visitor: Visiting, path: str, headers: Mapping[str, str] | None = None) -> Answered:
    return visitor.get(PREFIX + path, headers)


def rows(visitor: Visiting, query: str) -> list[dict[str, Any]]:
    answer = ask(visitor, f"/metrics/{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


def test_the_description_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(openapi()).validate()
    assert set(EXAMPLES) == {endpoint.name for endpoint in ENDPOINTS}


def test_a_wrong_description_is_found_out() -> None:
    broken = {**openapi(), "info": {"title": "no version"}}
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


@pytest.mark.parametrize(
    ("name", "path"), [(name, path) for name, paths in EXAMPLES.items() for path in paths]
)
def test_each_answer_is_as_described(visitor: Visiting, name: str, path: str) -> None:
    answer = ask(visitor, path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    document = openapi()
    [endpoint] = [endpoint for endpoint in ENDPOINTS if endpoint.name == name]
    described = document["paths"][endpoint.path]["get"]["responses"]["200"]["content"]["application/json"]
    whole = {"components": document["components"], **described["schema"]}
    checker = jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())
    assert [error.message for error in checker.iter_errors(answer.json())] == []


def test_the_picture_is_the_board_s(visitor: Visiting, store: FakeStore, catalogue: Catalogue) -> None:
    picture = read_picture(store, catalogue, NOW, Period.TODAY)
    found = ask(visitor, "/picture").json()
    assert found["at"] == "2026-11-24T12:41:07Z"
    figures = {each["metric"]: each for each in found["figures"]}
    for name, figure in picture.figures.items():
        assert (figures[name]["hits"], figures[name]["n"]) == (figure.hits, figure.n)
    assert [queue["waiting"] for queue in found["waiting"]] == [2, 1]
    assert found["overdue_mail"] == {"mails": 2, "first_due_at": "2026-11-24T09:41:07Z"}
    assert sum(quarter["contacts"] or 0 for quarter in found["today"]["quarters"]) > 50


@pytest.mark.parametrize("name", ["offered", "service_level", "mail_in_time", "handovers"])
def test_a_metric_adds_up_over_days_quarters_and_dimensions(visitor: Visiting, name: str) -> None:
    def added(query: str) -> tuple[int, int]:
        found = rows(visitor, f"{name}?{query}")
        return sum(row["hits"] for row in found), sum(row["n"] for row in found)

    [whole] = rows(visitor, f"{name}?{DAYS}&grain=total")
    hits = whole["hits"]
    assert hits > 0
    for query in (f"{DAYS}", f"{DAYS}&grain=quarter", f"{DAYS}&by=channel", f"{DAYS}&by=topic,unit"):
        found = added(query)
        assert found[0] == hits, query
        if name in {"service_level", "mail_in_time"}:
            assert found[1] == whole["n"]


def test_today_is_as_on_the_board_and_holds_no_mail_of_the_afternoon(
    visitor: Visiting, store: FakeStore, catalogue: Catalogue
) -> None:
    store.add(NOW + timedelta(hours=2), "email", mail_due=40)
    store.add(NOW, "email", mail_due=40)  # in the quarter that is not over
    board = read_picture(store, catalogue, NOW, Period.TODAY).figures["mail_in_time"]
    for grain in ("total", "day", "quarter"):
        found = rows(visitor, f"mail_in_time?first=2026-11-24&last=2026-11-24&grain={grain}")
        assert sum(row["n"] for row in found) == board.n


def test_shares_have_their_interval_and_nothing_to_divide_by_is_null(
    visitor: Visiting, store: FakeStore
) -> None:
    [row] = rows(visitor, f"resolved_in_centre?{DAYS}&grain=total")
    assert row["low"] < row["value"] < row["high"]
    store.add(NOW - timedelta(hours=1), "unknown", offered=1)
    [empty] = rows(visitor, f"resolved_in_centre?{DAYS}&grain=total&channel=unknown")
    assert (empty["value"], empty["n"], empty["low"]) == (None, 0, None)


def test_what_a_repeat_may_still_change_is_preliminary(visitor: Visiting) -> None:
    found = rows(visitor, "fcr_final_7d?first=2026-11-09&last=2026-11-24")
    told = {row["day"]: row["preliminary"] for row in found}
    assert told["2026-11-16"] is False
    assert told["2026-11-17"] is True
    assert not any(row["preliminary"] for row in rows(visitor, f"offered?{DAYS}"))


# ---- sensitive topics ------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [f"{DAYS}&by=topic", f"{DAYS}&by=topic&grain=total"])
def test_a_sensitive_topic_is_not_told_while_its_period_goes_on(visitor: Visiting, query: str) -> None:
    topics = {row["topic"] for row in rows(visitor, f"errands?{query}")}
    assert "omsorg" not in topics
    assert WITHHELD in topics
    named = topics - {WITHHELD, ""}
    assert len(named) == 1  # of three topics in all: the sensitive one took another with it


def test_a_sensitive_topic_is_told_in_days_that_have_passed(visitor: Visiting) -> None:
    query = "errands?first=2026-11-16&last=2026-11-23&by=topic&grain="
    assert "omsorg" in {row["topic"] for row in rows(visitor, query + "day")}
    assert "omsorg" not in {row["topic"] for row in rows(visitor, query + "quarter")}


def test_an_area_of_sensitive_topics_only_is_as_sensitive(visitor: Visiting) -> None:
    assert "omsorg-stod" not in {row["area"] for row in rows(visitor, f"errands?{DAYS}&by=area")}


@pytest.mark.parametrize("only", ["topic=omsorg", "area=omsorg-stod", "topic=va-avfall,omsorg"])
def test_nobody_asks_for_a_sensitive_topic_live(visitor: Visiting, only: str) -> None:
    answer = ask(visitor, f"/metrics/errands?{DAYS}&{only}")
    assert (answer.status_code, answer.json()["code"]) == (403, "sensitive-topic")
    past = ask(visitor, f"/metrics/errands?first=2026-11-16&last=2026-11-20&{only}")
    assert past.status_code == 200


def test_a_surge_of_a_sensitive_topic_has_no_name_today(visitor: Visiting) -> None:
    for path in (f"/surges?{DAYS}", "/picture"):
        found = ask(visitor, path).json()["surges"]
        assert [surge["topic"] for surge in found][:2] == [WITHHELD, "va-avfall"] or [
            surge["topic"] for surge in found
        ][:2] == ["va-avfall", WITHHELD]
        [hidden] = [surge for surge in found if surge["topic"] == WITHHELD]
        assert (hidden["contacts"], hidden["usual"], hidden["times"], hidden["label"]) == (
            None,
            None,
            None,
            "",
        )
    before = ask(visitor, f"/surges?{DAYS}").json()["surges"][2]
    assert (before["topic"], before["times"]) == ("omsorg", None)


# ---- caching and errors ----------------------------------------------------------------------------


def test_what_is_known_already_is_not_sent_again(visitor: Visiting, store: FakeStore) -> None:
    path = f"/metrics/offered?{DAYS}"
    first = ask(visitor, path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = ask(visitor, path, {"if-none-match": known})
        assert (again.status_code, again.body, again.headers["etag"]) == (304, b"", tag)
    store.add(NOW - timedelta(hours=1), offered=1)
    assert ask(visitor, path, {"if-none-match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "code", "parameter"),
    [
        ("/metrics/nothing?first=2026-11-16&last=2026-11-17", 404, ProblemCode.NOT_FOUND, None),
        ("/nowhere", 404, ProblemCode.NOT_FOUND, None),
        ("/metrics/offered?last=2026-11-16", 400, ProblemCode.INVALID, "first"),
        ("/metrics/offered?first=2026-11-16&last=nonsense", 400, ProblemCode.INVALID, "last"),
        (f"/metrics/offered?{DAYS}&chanel=telephone", 400, ProblemCode.INVALID, "chanel"),
        (f"/metrics/offered?{DAYS}&by=agent", 400, ProblemCode.INVALID, "by"),
        (f"/metrics/offered?{DAYS}&by=unit,unit", 400, ProblemCode.INVALID, ""),
        ("/metrics/offered?first=2026-11-17&last=2026-11-16", 400, ProblemCode.INVALID, ""),
        ("/metrics/offered?first=2026-11-01&last=2026-11-24&grain=quarter", 400, ProblemCode.INVALID, ""),
        ("/metrics/offered?first=1900-01-01&last=2026-11-24", 400, ProblemCode.INVALID, ""),
        ("/surges?first=2020-01-01&last=2026-11-24", 400, ProblemCode.INVALID, ""),
        ("/picture?period=idag", 400, ProblemCode.INVALID, "period"),
        ("/picture?period=today&period=week", 400, ProblemCode.INVALID, "period"),
        ("/health?x=1", 400, ProblemCode.INVALID, "x"),
    ],
)
def test_errors_say_what_is_wrong(
    visitor: Visiting, path: str, status: int, code: ProblemCode, parameter: str | None
) -> None:
    answer = ask(visitor, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == (code, status)
    assert problem["type"] == f"urn:kommuncenter:problem:{code}"
    assert problem["detail"]
    assert [each["parameter"] for each in problem["invalid"]] == ([] if parameter is None else [parameter])


def test_only_get_is_answered(visitor: Visiting) -> None:
    answer = visitor.post(f"{PREFIX}/metrics/offered")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/picture", f"/metrics/offered?{DAYS}", f"/surges?{DAYS}"])
def test_a_store_that_is_away_is_told(clock: FixedClock, catalogue: Catalogue, path: str) -> None:
    store = FakeStore()
    store.away()
    answer = ask(Visiting(board_app(store, clock, catalogue)), path)
    assert (answer.status_code, answer.json()["code"]) == (503, "store-away")
    assert answer.headers["retry-after"] == "5"


def test_the_last_good_picture_says_since_when_the_store_is_away(
    store: FakeStore, clock: FixedClock, catalogue: Catalogue
) -> None:
    visitor = Visiting(board_app(store, clock, catalogue, poll_seconds=0))
    assert ask(visitor, "/picture").json()["away_since"] is None
    store.away()
    clock.at = NOW + timedelta(minutes=2)
    found = ask(visitor, "/picture").json()
    assert (found["at"], found["away_since"]) == ("2026-11-24T12:41:07Z", "2026-11-24T12:43:07Z")
    health = ask(visitor, "/health").json()
    assert (health["status"], health["away_since"]) == ("away", "2026-11-24T12:43:07Z")


def test_problems_are_problems_also_for_nobody(
    store: FakeStore, clock: FixedClock, catalogue: Catalogue
) -> None:
    visitor = Visiting(board_app(store, clock, catalogue, access=TokenAccess([], b"key")))
    answer = ask(visitor, "/picture", {"accept": "text/html"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert visitor.get(f"{PREFIX}/openapi.json").status_code == 200


def test_every_metric_is_defined_and_answers(visitor: Visiting) -> None:
    told = {each["metric"]: each for each in ask(visitor, "/metrics").json()["metrics"]}
    assert set(told) == {metric.name for metric in METRICS}
    assert told["resolved_in_centre"]["formula"] == "resolved_in_centre / (errands)"
    for metric in METRICS:
        assert rows(visitor, f"{metric.name}?first=2026-11-23&last=2026-11-23&grain=total")


def test_instants_are_in_utc_and_days_are_swedish(visitor: Visiting, store: FakeStore) -> None:
    store.add(datetime(2026, 11, 22, 23, 0, tzinfo=UTC), "telephone", offered=3)  # midnight to Monday
    found = rows(visitor, "offered?first=2026-11-23&last=2026-11-23&grain=quarter")
    assert found[0]["start"] == "2026-11-22T23:00:00Z"
    days = rows(visitor, "offered?first=2026-11-22&last=2026-11-23")
    assert [row["day"] for row in days] == ["2026-11-23"]
