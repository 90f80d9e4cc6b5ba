"""Sentences: golden ones, and laws over all figures."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.board import sentences as say
from dashboards.board.baseline import Today
from dashboards.board.figure import Figure, figure
from dashboards.board.periods import Period, Span, span_of
from dashboards.board.picture import Waits, read_picture
from dashboards.board.reading import Waiting
from dashboards.board.sentences import Tone
from dashboards.board.sources import SourceHealth
from dashboards.figures import Group
from schemas import metrics
from schemas.catalogue import Catalogue
from schemas.clickhouse.silence import SourceVerdict
from schemas.statistics import wilson
from tests.board.days import NOW, furnished
from tests.board.fakes import FakeStore

TODAY = date(2026, 11, 24)


def flat(text: str) -> str:
    """Return a text with its no-break spaces as ordinary ones, for reading."""
    return text.replace("\u00a0", " ").replace("\u2060", "")


def resolved(hits: int, n: int) -> Figure:
    return figure(metrics.RESOLVED_IN_CENTRE, Group({"resolved_in_centre": hits, "errands": n}))


@pytest.mark.parametrize(
    ("hits", "n", "sentence"),
    [
        (0, 0, "Inga ärenden under perioden."),
        (0, 1, "0 av 1 ärende har Kommuncenter självt löst."),
        (7, 10, "7 av 10 ärenden har Kommuncenter självt löst."),
        (510, 750, "Knappt 7 av 10 ärenden (510 av 750) har Kommuncenter självt löst."),
        (525, 750, "7 av 10 ärenden (525 av 750) har Kommuncenter självt löst."),
        (1234, 1700, "Drygt 7 av 10 ärenden (1 234 av 1 700) har Kommuncenter självt löst."),
        (750, 750, "Alla 750 ärenden har Kommuncenter självt löst."),
        (0, 750, "Inget av 750 ärenden har Kommuncenter självt löst."),
        (3, 100, "Färre än 1 av 20 ärenden (3 av 100) har Kommuncenter självt löst."),
        (97, 100, "Minst 19 av 20 ärenden (97 av 100) har Kommuncenter självt löst."),
    ],
)
def test_how_many_are_resolved(hits: int, n: int, sentence: str) -> None:
    assert flat(say.resolved(resolved(hits, n))) == sentence


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_tenths_are_near_the_share(case: tuple[int, int]) -> None:
    hits, n = case
    share = hits / n
    text = flat(say.of_ten(share))
    if text == "färre än 1 av 20":
        assert share < 0.05
    elif text == "minst 19 av 20":
        assert 0.95 <= share < 1
    else:
        match = re.fullmatch(r"(drygt |knappt )?(\d+) av 10", text)
        assert match
        tenths = int(match[2]) / 10
        assert abs(share - tenths) <= 0.05 + 1e-9
        assert (match[1] == "drygt ") is (share - tenths > 0.015)
        assert (match[1] == "knappt ") is (tenths - share > 0.015)


@given(st.integers(0, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_target_inside_the_interval_is_neither_met_nor_missed(case: tuple[int, int]) -> None:
    found = resolved(*case)
    verdict = say.verdict(found)
    share = wilson(*case)
    if share is None:
        assert verdict is None
        return
    assert verdict is not None
    if share.n < 20:
        assert verdict.text == "För få för att säga säkert"
    elif share.low <= 0.68 <= share.high:
        assert (verdict.tone, verdict.symbol) == (Tone.NEUTRAL, "≈")
    else:
        good = share.value > 0.68
        assert verdict.tone is (Tone.GOOD if good else Tone.BAD)
        assert verdict.symbol == ("▲" if good else "▼")
        assert verdict.text.startswith("Över" if good else "Under")


def test_a_preliminary_figure_is_not_judged_but_may_be_too_small() -> None:
    few, many = (Group({"resolved_in_centre": n // 2, "errands": n}) for n in (10, 200))
    told = say.verdict(figure(metrics.RESOLVED_IN_CENTRE, many, preliminary=True))
    assert told is not None
    assert (flat(told.text), told.tone) == ("Målet är 68 %", Tone.NEUTRAL)
    small = say.verdict(figure(metrics.RESOLVED_IN_CENTRE, few, preliminary=True))
    assert small is not None
    assert small.text == "För få för att säga säkert"


def test_a_figure_without_a_target_is_not_judged() -> None:
    found = figure(metrics.HANDOVER_RATE, Group({"handed_over": 30, "handover_base": 100}))
    assert say.verdict(found) is None


def test_values_are_written_in_swedish() -> None:
    assert flat(say.value(resolved(510, 750))) == "68 %"
    assert say.value(resolved(0, 0)) == "–"
    wait = figure(metrics.VISIT_WAIT, Group({"visit_wait_ms": 282_000, "visits_called": 2}))
    assert flat(say.value(wait)) == "2 min 21 s"
    assert flat(say.interval(resolved(7, 10))) == "osäkerhet 40–89 %"
    assert flat(say.interval(resolved(510, 750))) == "osäkerhet 65–71 %"
    assert flat(say.population(resolved(0, 1234))) == "n = 1 234"


@pytest.mark.parametrize(
    ("gauge", "sentence"),
    [
        (Waiting("telephone", 0, 0, 0), "Ingen väntar i telefon."),
        (Waiting("telephone", 1, 70, 0), "1 person väntar i telefon, längst 1 min 10 s."),
        (Waiting("visit", 3, 240, 0), "3 personer väntar i reception, längst 4 min."),
    ],
)
def test_gauges(gauge: Waiting, sentence: str) -> None:
    assert flat(say.gauge(gauge)) == sentence


def test_waits_and_leaving_the_queue() -> None:
    found = Waits(figure(metrics.SPEED_OF_ANSWER, Group({"wait_ms": 88_000, "calls_answered": 4})), 20, 61)
    assert flat(say.waits(found)) == (
        "Väntan före svar: i medeltal 22 s. Hälften fick svar inom 20 s, 9 av 10 inom 1 min 1 s "
        "(4 besvarade samtal)."
    )
    assert flat(say.left_queue(1, 3)) == (
        "1 person lade på i kön efter minst 5 sekunder. 3 lämnade kön på annat sätt."
    )


def test_today_against_a_usual_day() -> None:
    def today(contacts: int, usual: tuple[float, int, int] | None) -> str:
        compared = (TODAY - timedelta(weeks=1), TODAY - timedelta(weeks=2)) if usual else ()
        made = Today(NOW.replace(minute=30, second=0), contacts, usual, usual, compared, (), 0)
        return flat(say.against_usual(made, TODAY))

    assert today(103, (91.5, 81, 96)) == (
        "103 kontakter har kommit till kl. 13.30. En vanlig tisdag är det 91,5 vid samma tid "
        "(81–96 under 2 jämförbara dagar). Det är fler än någon av dem."
    )
    assert today(90, (90, 81, 96)).endswith("Det är som vanligt.")
    assert today(1, (90, 81, 96)).startswith("1 kontakt har kommit")
    assert today(1, (90, 81, 96)).endswith("Det är färre än någon av dem.")
    assert today(1, None).endswith("Det finns ingen jämförbar dag att jämföra med.")
    eve = Today(NOW, 0, None, None, (), (), 0, special="Julafton")
    assert say.against_usual(eve, TODAY).endswith("Julafton jämförs inte med någon annan dag.")


def test_sources() -> None:
    def source(name: str, state: SourceVerdict) -> SourceHealth:
        return SourceHealth(name, state, None, None, 0)

    working, silent = source("pbx1", SourceVerdict.WORKING), source("desk", SourceVerdict.SILENT)
    unread = source("kommun", SourceVerdict.UNREAD)
    assert say.sources([working], TODAY) == "Alla källor fungerar."
    assert say.sources([working, silent, unread], TODAY) == (
        "kommun läses inte: det som kommer därifrån saknas i siffrorna. Från desk har inget kommit än."
    )
    since = replace(silent, silent_since=NOW)
    assert flat(say.sources([since], TODAY)) == "Från desk har inget kommit sedan kl. 13.41."
    yesterday = replace(silent, silent_since=NOW - timedelta(days=1), missing=12)
    assert flat(say.sources([yesterday], TODAY)) == (
        "Från desk har inget kommit sedan 23/11 kl. 13.41. "
        "Så länge brukar det inte vara tyst: 12 kontakter hade varit vanligt."
    )
    assert say.sources([], TODAY).startswith("Ingen källa har hört av sig")
    texts = {say.source_verdict(s).text for s in (working, silent, unread)}
    symbols = {say.source_verdict(s).symbol for s in (working, silent, unread)}
    assert len(texts) == len(symbols) == 3


def test_periods_ages_and_moments() -> None:
    assert flat(say.span(span_of(Period.TODAY, NOW))) == "tisdag 24 november 2026"
    assert flat(say.span(span_of(Period.LAST_WEEK, NOW))) == "16–22 november 2026"
    across = Span(date(2026, 11, 30), date(2026, 12, 6), date(2026, 12, 8))
    assert flat(say.span(across)) == "30 november 2026 – 6 december 2026"
    assert say.age(59) == "mindre än en minut gamla"
    assert flat(say.age(61)) == "1 minut gamla"
    assert flat(say.age(7300)) == "2 timmar gamla"
    assert say.moment(None, TODAY) == "–"
    assert say.moment(NOW, TODAY) == "13.41"
    assert flat(say.moment(datetime.fromisoformat("2026-11-23T08:00+01:00"), TODAY)) == ("23/11 kl. 08.00")
    assert flat(say.week("2026-W46")) == "vecka 46"


@pytest.mark.parametrize("period", list(Period))
@pytest.mark.parametrize("filled", [True, False])
def test_no_sentence_breaks_on_a_full_or_an_empty_store(
    catalogue: Catalogue, period: Period, filled: bool
) -> None:
    store = furnished(catalogue) if filled else FakeStore()
    picture = read_picture(store, catalogue, NOW, period)
    f = picture.figures
    said = [
        say.summary(picture),
        say.channels(picture.channels),
        say.units(picture.units, f["handover_rate"]),
        say.mail(f["mail_in_time"]),
        say.mandate(f["mandate_use"], f["under_reach"]),
        say.outcomes(f["outcome_registered"]),
        say.visit_wait(f["visit_wait"]),
        say.excluded(f["excluded"], f["offered"]),
        say.waits(picture.waits),
        say.compared(picture.today.compared_days),
        say.rejections(picture.rejected),
    ]
    for text in said:
        assert text
        assert not re.search(r"None|nan|\{|\}|  ", text), text
        assert not re.search(r"\d [%\d]", text), f"breaks between figures: {text}"
