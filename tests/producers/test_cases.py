"""Every source against the conformance kit, over every golden case that it has."""

from __future__ import annotations

import pytest

from producers import registry
from producers.conformance import Case, cases_of, check_case, check_events, check_leaks, check_source
from producers.contract import Reason
from schemas.events import event_adapter

ALL_CASES = [case for name in registry.names() for case in cases_of(name)]


@pytest.mark.parametrize("name", registry.names())
def test_a_source_has_cases_a_readme_and_a_sample_of_its_defaults(name: str) -> None:
    assert check_source(name) == []


@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: str(case.name))
def test_a_case_gives_what_it_should(case: Case) -> None:
    assert check_case(case) == []


def test_the_leak_check_finds_a_number_in_any_way_of_writing() -> None:
    given = [b"ring 070-174 06 05", b"or +46313900601", b"mail Kim.Exempel@example.org"]
    assert check_leaks(given, b"nothing of the kind") == []
    assert check_leaks(given, b"+46701740605") == ["leaks 701740605"]
    assert check_leaks(given, b"031-390 06 01") == ["leaks 313900601"]
    assert check_leaks(given, b"<kim.exempel@EXAMPLE.org>") == ["leaks kim.exempel@example.org"]


def test_the_event_check_finds_a_wrong_instance_and_a_time_that_is_not_in_utc() -> None:
    event = event_adapter.validate_python(
        {
            "id": "0" * 32,
            "source": "telephony",
            "subject": "pbx1:1",
            "time": "2026-11-24T10:00:00+01:00",
            "type": "kommuncenter.contact.abandoned",
            "data": {"channel": "telephone"},
        }
    )
    assert len(check_events([event], "telephony")) == 1
    assert len(check_events([event], "other")) == 2


def test_a_changed_golden_file_is_noticed() -> None:
    case = next(case for case in cases_of("asterisk") if case.folder.name == "rejected")
    outcome = case.run()
    assert {rejection.why.reason for rejection in outcome.rejections} == {
        Reason.MISSING_FIELD,
        Reason.BAD_TIME,
        Reason.BAD_VALUE,
        Reason.UNKNOWN_KIND,
    }
    wrong = Case(case.source, case.folder.with_name("plain-call"))
    assert check_case(wrong) == []
    assert outcome.rejected() != wrong.expected_rejections()
