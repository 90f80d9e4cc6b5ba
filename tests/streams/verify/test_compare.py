"""verify on the engine: what the stream wrote is equal; whatever is changed by hand is found and named."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.clickhouse.queries import Query
from schemas.errors import ConfigurationError, RetriableError
from schemas.events import Event
from schemas.measures import MEASURE_NAMES, wait_bin
from streams.verify import sql
from streams.verify.compare import CONTACTS_AGAINST_EVENTS, Difference, Kept
from streams.verify.sql import Comparison
from tests.histories import START, event, histories, party
from tests.streams.verify.conftest import Installed
from tests.streams.verify.test_naive import crowds, rotations

pytestmark = pytest.mark.integration

DAY = date(2026, 10, 19)


def a_day() -> list[Event]:
    """A call with two errands, one handed over; an abandoned one; a mail; a visit; a colleague; a note."""
    minute = timedelta(minutes=1)
    call, mail = {"channel": "telephone"}, "0" * 32
    said = {"topic": "va-avfall", "level": 30}
    return [
        event("contact.queued", "pbx1:1", START, queue="kommuncenter", party=party(1), **call),
        event("contact.answered", "pbx1:1", START + timedelta(seconds=42), **call),
        event("contact.ended", "pbx1:1", START + 4 * minute, talk_ms=190_000, **call),
        event(
            "errand.registered",
            "pbx1:1",
            START + 5 * minute,
            "desk",
            errand="e1",
            outcome="resolved",
            **said,
            **call,
        ),
        event(
            "errand.registered",
            "pbx1:1",
            START + 5 * minute,
            "desk",
            errand="e2",
            outcome="handed_over",
            unit="energi",
            **said,
            **call,
        ),
        event("contact.queued", "pbx1:2", START + 90 * minute, queue="kommuncenter", party=party(1), **call),
        event("contact.abandoned", "pbx1:2", START + 92 * minute, **call),
        event(
            "contact.received",
            f"kommun:{mail}",
            START,
            "mail",
            channel="email",
            mailbox="kommun",
            message=mail,
            party=party(2),
        ),
        event("contact.queued", "desk:1", START, "desk", channel="visit", queue="koordinaten"),
        event("contact.answered", "desk:1", START + 3 * minute, "desk", channel="visit"),
        event("contact.queued", "pbx1:3", START, queue="kommuncenter", audience="internal", **call),
        event(
            "errand.registered",
            "note:1",
            START,
            "desk",
            errand="e1",
            outcome="open",
            topic="omsorg",
            party=party(3),
            **call,
        ),
    ]


@given(st.one_of(histories(), histories(span=7200), rotations(), crowds()))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_what_the_stream_writes_is_equal_for_every_history(installed: Installed, events: list[Event]) -> None:
    """Stream = hand-written SQL over the facts = naive fold of the archive, in both grains."""
    installed.empty()
    installed.fill(events)
    found = installed.verifier().verify()
    assert found.differences == ()
    assert found.equal
    assert found.events > 0


def test_it_says_what_it_compared(installed: Installed) -> None:
    late = [
        event(
            "contact.queued", "pbx1:0", START - timedelta(days=50), channel="telephone", queue="kommuncenter"
        )
    ]
    installed.fill(a_day(), late)
    found = installed.verifier().verify()
    assert found.equal
    assert (found.events, found.late) == (12, 1)
    assert found.since == DAY
    compared = {c.what: (c.rows, c.values) for c in found.compared}
    assert compared[CONTACTS_AGAINST_EVENTS] == (6, 6 * 39)
    assert compared[Comparison.WINDOWS][0] == compared[Comparison.DAYS][0] + 1  # the second call's window
    assert compared[Comparison.WINDOWS][1] > 40


FIGURE = "channel = 'telephone' AND topic = 'va-avfall' AND unit = ''"


@pytest.mark.parametrize(
    ("table", "places"),
    [
        (
            "service_windows",
            {(Comparison.WINDOWS, "2026-10-19T06:00Z telephone bygga-bo-miljo va-avfall", 7, 2)},
        ),
        ("service_days", {(Comparison.DAYS, "2026-10-19 telephone bygga-bo-miljo va-avfall", 7, 2)}),
    ],
)
def test_a_figure_changed_by_hand_is_found_and_named(
    installed: Installed, table: str, places: set[tuple[Comparison, str, int, int]]
) -> None:
    installed.fill(a_day())
    rewrite(installed, table, "REPLACE (7 AS errands, revision + 1 AS revision)", FIGURE)
    found = installed.verifier().verify()
    told = {
        (d.what, d.where, d.stored, d.recomputed) for d in found.differences if d.what != Comparison.GRAINS
    }
    assert told == places
    assert {d.figure for d in found.differences} == {"errands"}
    (grains,) = [d for d in found.differences if d.what == Comparison.GRAINS]
    assert {grains.stored, grains.recomputed} == {7, 2}
    assert found.differing == 2


def test_every_measure_and_the_histogram_are_compared(installed: Installed) -> None:
    installed.fill(a_day())
    raised = ", ".join(f"{name} + 1 AS {name}" for name in MEASURE_NAMES)
    bins = "mapApply((bin, calls) -> (bin, calls + 1), wait_histogram) AS wait_histogram"
    where = "channel = 'telephone' AND window = '2026-10-19 06:00:00' AND offered = 1"
    rewrite(installed, "service_windows", f"REPLACE ({raised}, {bins}, revision + 1 AS revision)", where)
    found = installed.verifier().verify()
    windows = {d.figure: d for d in found.differences if d.what == Comparison.WINDOWS}
    assert windows.keys() == {*MEASURE_NAMES, "wait_histogram[42]"}
    assert all(d.stored == int(d.recomputed or 0) + 1 for d in windows.values())


@pytest.mark.parametrize("table", ["service_windows", "service_days"])
def test_a_row_that_is_lost_and_one_too_many_are_found(installed: Installed, table: str) -> None:
    installed.fill(a_day())
    installed.database.command(f"ALTER TABLE {table} DELETE WHERE {FIGURE} SETTINGS mutations_sync = 2")
    lost = installed.verifier().verify().differences
    assert ("errands", 0, 2) in {(d.figure, d.stored, d.recomputed) for d in lost}
    rewrite(installed, table, "REPLACE ('turism' AS topic)", "channel = 'telephone' AND unit = 'energi'")
    extra = set(installed.verifier().verify().differences) - set(lost)
    assert {(d.figure, d.stored, d.recomputed) for d in extra if d.what != Comparison.GRAINS} == {
        ("handovers", 1, 0),
        ("handovers_ticket", 1, 0),
    }
    assert all("turism energi" in d.where for d in extra)


def test_a_contact_changed_by_hand_is_found_in_its_column_and_in_the_figures(installed: Installed) -> None:
    installed.fill(a_day())
    rewrite(
        installed,
        "contacts",
        "REPLACE (['resolved', 'open'] AS errand_outcome, revision + 1 AS revision)",
        "contact_id = 'pbx1:1'",
    )
    found = installed.verifier().verify()
    facts = [d for d in found.differences if d.what == CONTACTS_AGAINST_EVENTS]
    expected = Difference(
        CONTACTS_AGAINST_EVENTS, "pbx1:1", "errand_outcome", "[resolved, open]", "[resolved, handed_over]"
    )
    assert facts == [expected]
    figures = {(d.what, d.figure, d.stored, d.recomputed) for d in found.differences} - {
        (d.what, d.figure, d.stored, d.recomputed) for d in facts
    }
    assert figures == {(c, "errands_open", 0, 1) for c in (Comparison.WINDOWS, Comparison.DAYS)}


def test_a_contact_that_is_lost_twice_there_or_one_too_many_is_found(installed: Installed) -> None:
    installed.fill(a_day())
    installed.database.command(
        "ALTER TABLE contacts DELETE WHERE contact_id = 'pbx1:2' SETTINGS mutations_sync = 2"
    )
    rewrite(installed, "contacts", "REPLACE ('pbx1:77' AS contact_id)", "contact_id = 'desk:1'")
    rewrite(installed, "contacts", "REPLACE ((partition + 1) % 3 AS partition)", "contact_id = 'pbx1:3'")
    found = installed.verifier().verify()
    facts = {
        (d.where, d.figure, d.stored, d.recomputed)
        for d in found.differences
        if d.what == CONTACTS_AGAINST_EVENTS
    }
    assert facts == {
        ("pbx1:2", "contact", None, "telephone, abandoned, 2026-10-19T07:30:00.000Z"),
        ("pbx1:77", "contact", "visit, answered, 2026-10-19T06:00:00.000Z", None),
        ("pbx1:3", "contact", "twice", "once"),
    }


def rewrite(installed: Installed, table: str, change: str, where: str) -> None:
    """Insert rows of a table again, changed; the higher revision wins."""
    rows = int(installed.database.rows(Query(f"SELECT count() FROM {table} FINAL WHERE {where}"))[0][0])
    assert rows == 1
    installed.database.command(
        f"INSERT INTO {table} SELECT * {change} FROM (SELECT * FROM {table} FINAL WHERE {where})"
    )


def test_no_pseudonym_is_told(installed: Installed) -> None:
    installed.fill(a_day())
    other = party(2)["current"]
    rewrite(
        installed,
        "contacts",
        f"REPLACE ('{other}' AS party, revision + 1 AS revision)",
        "contact_id = 'pbx1:1'",
    )
    (difference,) = installed.verifier().verify().differences
    assert (difference.figure, difference.stored, difference.recomputed) == ("party", "t0:…", "t0:…")


def test_pseudonyms_that_retention_took_are_no_difference(installed: Installed) -> None:
    """DOMAIN §4: blanked after 35 days, while the events are still there."""
    installed.fill(a_day())
    installed.database.command("ALTER TABLE contacts UPDATE party = '' WHERE 1 SETTINGS mutations_sync = 2")
    later = START + timedelta(days=40)
    assert not installed.verifier(now=later).verify().equal
    found = installed.verifier(kept=Kept(60, 35), now=later).verify()
    assert found.equal
    assert found.pseudonyms_from == date(2026, 10, 25)


def test_a_range_whose_events_have_begun_to_expire_is_refused(installed: Installed) -> None:
    """CORRECTIONS 13. A thread may be a week older than its last message, so that week is needed too."""
    installed.fill(a_day())
    soon, kept = START + timedelta(days=58), Kept(60, 35)
    with pytest.raises(ConfigurationError, match=r"begun to expire .*events_days = 60.* is 2026-10-25"):
        installed.verifier(kept=kept, now=soon).verify(since=DAY)
    assert installed.verifier(kept=kept, now=soon).verify().since == date(2026, 10, 25)
    assert installed.verifier(kept=kept).verify(since=DAY).equal
    with pytest.raises(ConfigurationError, match="nothing between"):
        installed.verifier().verify(since=DAY, until=DAY)


def test_a_worker_that_is_behind_is_waited_for_and_then_told(installed: Installed) -> None:
    """CORRECTIONS 12: nothing is compared before committed = end."""
    installed.fill(a_day())
    with pytest.raises(
        RetriableError, match=r"nothing was compared: the worker is 3 records behind after 0\.3 s"
    ):
        installed.verifier(behind=3).verify(wait=timedelta(seconds=0.3))
    left = iter([3, 1, 0])
    verifier = installed.verifier()
    object.__setattr__(verifier, "lag", lambda: next(left))
    assert verifier.verify(wait=timedelta(seconds=5)).equal
    assert list(left) == []


def test_the_bins_of_waits_are_the_vocabulary_s(installed: Installed) -> None:
    """The SQL computes by logarithm what schemas.measures computes step by step."""
    expression = sql.WAIT_BIN.replace("wait_s", "number")
    rows = installed.database.rows(Query(f"SELECT number, {expression} FROM numbers(200000)"))
    assert [int(found) for _, found in rows] == [wait_bin(1000 * int(seconds)) for seconds, _ in rows]
