"""What `kommuncenter verify` prints: days, what was compared, each difference by how much, and JSON."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date

import pytest
from rich.console import Console

from kommuncenter.verifying import as_json, days, show
from schemas.errors import ConfigurationError
from streams.verify.compare import Compared, Difference, Verification

EQUAL = Verification(
    since=date(2026, 11, 16),
    until=date(2026, 11, 19),
    pseudonyms_from=date(2026, 10, 16),
    events=812,
    late=0,
    awaiting_rebuild=0,
    compared=(Compared("service_days against contacts", 30, 400),),
    differences=(),
    differing=0,
)
WRONG = Difference("service_days against contacts", "2026-11-16 telephone va-avfall", "errands", 7, 2)
LOST = Difference("contacts against events", "pbx1:9", "contact", None, "telephone, answered")


def shown(found: Verification) -> list[str]:
    """Return the lines that are printed, to a narrow terminal."""
    text = io.StringIO()
    show(found, Console(file=text, width=60))
    return text.getvalue().splitlines()


def test_equal_is_said_with_what_was_compared() -> None:
    assert shown(EQUAL) == [
        "From 2026-11-16 to 2026-11-18: 812 events, 0 late.",
        "  service_days against contacts: 30 rows, 400 values",
        "equal",
    ]


def test_each_difference_is_a_line_with_how_much() -> None:
    assert shown(replace(EQUAL, differences=(WRONG, LOST), differing=2))[2:] == [
        "service_days against contacts: 2026-11-16 telephone va-avfall: errands: stored 7, recomputed 2 (+5)",
        "contacts against events: pbx1:9: contact: stored nothing, recomputed telephone, answered",
        "2 differences",
    ]


def test_fifty_are_shown_and_the_rest_counted() -> None:
    lines = shown(replace(EQUAL, differences=(WRONG,) * 60, differing=20_000))
    assert sum(line.startswith("service_days against contacts: 2026") for line in lines) == 50
    assert lines[-1] == "20000 differences, of which 19950 are not shown"


def test_late_events_and_blanked_pseudonyms_are_told() -> None:
    text = " ".join(shown(replace(EQUAL, late=3, pseudonyms_from=date(2026, 11, 18))))
    assert "3 late" in text
    assert "count nowhere until their days are rebuilt" in text
    assert "compared from 2026-11-18" in text


def test_json_holds_it_all() -> None:
    told = json.loads(as_json(replace(EQUAL, differences=(LOST,), differing=1)))
    assert (told["since"], told["until"], told["equal"]) == ("2026-11-16", "2026-11-18", False)
    assert told["compared"] == [{"what": "service_days against contacts", "rows": 30, "values": 400}]
    assert told["differences"][0]["stored"] is None


def test_days_are_given_with_the_last_one_included() -> None:
    assert days("2026-11-16", "2026-11-18") == (date(2026, 11, 16), date(2026, 11, 19))
    assert days(None, None) == (None, None)
    with pytest.raises(ConfigurationError, match=r"--until '2026-W47': no such day"):
        days(None, "2026-W47")
