"""What the report says of invented figures, sentence by sentence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from dashboards.report import period
from tests.dashboards.samples import Row, RowStore
from tests.report.reports import (
    BEFORE,
    MONDAY,
    TUESDAY,
    errands,
    offered,
    report_of,
    said,
    values,
)


def golden_rows(day: date, n: int, resolved: int, in_time: int, waits: Mapping[int, int]) -> list[Row]:
    calls = sum(waits.values())
    return [
        Row(
            day,
            "telephone",
            sums={
                "offered": calls + 20,
                "answered": calls,
                "abandoned": 20,
                "calls_answered": calls,
                "calls_abandoned": 20,
                "answered_in_target": in_time,
                "wait_ms": sum(seconds * 1000 * count for seconds, count in waits.items()),
            },
            waits=waits,
        ),
        errands(
            day,
            n,
            resolved_in_centre=resolved,
            fcr_provisional=resolved,
            fcr_final_7d=resolved - 30,
            traceable=n - 90,
            handover_base=n,
            handed_over=n - resolved,
            under_reach=12,
        ),
        Row(day, "telephone", "bygga-bo-miljo", "va-avfall", "energi", {"handovers": n - resolved}),
        Row(day, "email", sums={"mail_due": 18, "mail_in_time": 18, "mail_due_24h": 40, "mail_in_24h": 20}),
        Row(
            day,
            "visit",
            sums={"offered": 10, "answered": 10, "visits_called": 10, "visit_wait_ms": 1_900_000},
        ),
        errands(day, 50, "visit", resolved_in_centre=50),
    ]


def test_the_summary_of_a_week() -> None:
    rows = golden_rows(MONDAY, 700, 460, 480, {20: 300, 90: 300})
    rows += golden_rows(BEFORE, 560, 330, 380, {20: 200, 40: 300})
    store = RowStore(
        rows,
        dead=[("telephony", "malformed", datetime(2026, 11, 17, tzinfo=UTC))],
        health=[("mail", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC))],
        rungs=[("bygga-bo-miljo", "va-avfall", 20, "centre", 510, 400, 96_000_000, 400, 96_000_000)],
    )
    assert said(report_of(store=store, now=TUESDAY)) == [
        "Under vecka 47, 2026 kom 630 kontakter in, och de gällde 750 ärenden. "
        "Det är 100 fler än veckan före (530).",
        "Kommuncenter löste 510 av 750 ärenden, 68 % (65–71 %). Målet 68 % ligger inom osäkerheten. "
        "Det är 6 procentenheter högre än veckan före (62 %).",
        "Hade ämnena fördelat sig som veckan före hade andelen varit 68 % (65–71 %), "
        "så förändringen beror inte på att andra ämnen var vanliga.",
        "Vid första kontakten löstes, preliminärt, 460 av 750 ärenden, 61 % (58–65 %). "
        "Det är 7 procentenheter högre än veckan före (54 %). "
        "Den slutliga siffran räknar bort dem som hör av sig igen inom 7 dygn. Den är preliminär till "
        "30 november 2026, och hittills 57 %.",
        "Till en förvaltning eller ett bolag lämnades 240 av 700 ärenden, 34 % (31–38 %). "
        "Det är 7 procentenheter lägre än veckan före (41 %).",
        "12 ärenden, ungefär 48 min arbete, lämnades vidare fast Kommuncenter har mandat att lösa dem. "
        "Flest gällde vatten, avlopp och avfall: 12.",
        "Svar inom 60 sekunder fick 480 av 620 samtal, 77 % (74–81 %). "
        "Målet 80 % ligger inom osäkerheten. Oförändrat mot veckan före (73 %).",
        "Inom en arbetsdag besvarades 18 av 18 mejl, 100 % (82–100 %). "
        "Målet 85 % ligger inom osäkerheten. Oförändrat mot veckan före (100 %). "
        "Underlaget är litet, färre än 20, så siffran är osäker.",
        "10 besökare kallades fram och väntade i medeltal 3 min 10 s.",
        "Av ärendena kom 93 % (91–95 %) via telefon, 0 % (0–1 %) via e-post och 7 % (5–9 %) som besök. "
        "Den publicerade bilden är 81 %, 12 % och 7 %; nu ligger telefon över och e-post under.",
        "1 post från källorna gick inte att använda.",
        "Under veckan kom ingen händelse från mail.",
        "För 4 öppna dagar under veckan finns inga kontakter alls, så där saknas troligen uppgifter.",
    ]


def test_a_small_basis_and_a_missed_goal_are_said() -> None:
    document = report_of(errands(MONDAY, 10, resolved_in_centre=1), offered(MONDAY, 5))
    assert said(document)[1:3] == [
        "Det finns inga uppgifter om veckan före att jämföra med.",
        "Kommuncenter löste 1 av 10 ärenden, 10 % (2–40 %). Det är under målet 68 %. "
        "Underlaget är litet, färre än 20, så siffran är osäker.",
    ]
    assert document.cells["nyckeltal/resolved_in_centre/now"].few


def test_a_final_figure_is_said_with_its_w() -> None:
    document = report_of(errands(MONDAY, 100, fcr_final_7d=90), errands(BEFORE, 100, fcr_final_7d=60))
    assert (
        "Vid första kontakten, utan att personen hörde av sig igen inom 7 dygn, löstes 90 av 100 ärenden, "
        "90 % (83–94 %). Det är 30 procentenheter högre än veckan före (60 %)."
    ) in said(document)


def test_another_mix_of_topics_is_not_read_as_another_quality() -> None:
    """Every topic is resolved as well as before; there is only more of the one that seldom is."""
    rows = [
        errands(MONDAY, 100, topic="va-avfall", resolved_in_centre=90),
        errands(MONDAY, 300, topic="koppling", resolved_in_centre=90),
        errands(BEFORE, 300, topic="va-avfall", resolved_in_centre=270),
        errands(BEFORE, 100, topic="koppling", resolved_in_centre=30),
    ]
    document = report_of(*rows, offered(MONDAY, 9), offered(BEFORE, 9))
    assert (
        "Hade ämnena fördelat sig som veckan före hade andelen varit 75 % (69–79 %), vilket är oförändrat. "
        "Förändringen hänger alltså ihop med vad invånarna frågade om, inte med hur väl ärendena löstes."
    ) in said(document)
    assert values(document)["nyckeltal/resolved_in_centre/change"] == "↓ lägre (sämre)"
    assert values(document)["jamforbart/resolved_in_centre/conclusion"] == "→ oförändrat"


def test_a_mix_that_hides_a_change_is_told() -> None:
    rows = [
        errands(MONDAY, 300, topic="va-avfall", resolved_in_centre=225),
        errands(MONDAY, 100, topic="koppling", resolved_in_centre=15),
        errands(BEFORE, 170, topic="va-avfall", resolved_in_centre=153),
        errands(BEFORE, 230, topic="koppling", resolved_in_centre=87),
    ]
    [text] = [t for t in said(report_of(*rows)) if t.startswith("Hade ämnena")]
    assert "Ämne för ämne gick det alltså sämre, men det syns inte i helheten" in text


def test_where_it_is_not_certain_whether_the_mix_explains_a_change_that_is_said() -> None:
    rows = [
        errands(MONDAY, 240, topic="va-avfall", resolved_in_centre=114),
        errands(MONDAY, 11, topic="koppling", resolved_in_centre=6),
        errands(BEFORE, 44, topic="va-avfall", resolved_in_centre=21),
        errands(BEFORE, 219, topic="koppling", resolved_in_centre=161),
    ]
    [text] = [t for t in said(report_of(*rows)) if t.startswith("Hade ämnena")]
    assert text.endswith(
        "Om förändringen beror på ämnena eller på hur väl ärendena löstes går inte att säga säkert."
    )


def test_fewer_open_days_are_said() -> None:
    christmas = report_of(
        errands(date(2026, 12, 21), 5), errands(date(2026, 12, 14), 5), of=period.week("2026-W52")
    )
    assert ("Kommuncenter hade öppet 3 dagar, mot 5 veckan före. Det påverkar antalen.") in said(christmas)


def test_a_surge_is_told_with_its_topic_its_time_and_how_many_times_the_usual() -> None:
    since = datetime(2026, 11, 18, 9, 15, tzinfo=UTC)
    store = RowStore(
        [errands(MONDAY, 50), offered(MONDAY, 60)],
        surges=[
            ("", since, since + timedelta(hours=3), 120, 60.0, 1),
            ("va-avfall", since, since + timedelta(hours=3, minutes=30), 96, 12.0, 1),
        ],
    )
    document = report_of(store=store)
    assert (
        "Onsdagen den 18 november kom ovanligt många ärenden om vatten, avlopp och avfall. Mellan kl. 10.15 "
        "och 13.45 kom 96 ärenden, 8,0 gånger så många som vanligt. Det märktes även på det totala antalet "
        "kontakter."
    ) in said(document)
    assert [row.note for row in document.table_of["storningar"].rows] == [
        "Alla kontakter",
        "Vatten, avlopp och avfall",
    ]


def test_topics_that_rise_are_told_and_those_that_do_not_are_not() -> None:
    rows = []
    for week in range(9):
        for weekday in range(5):
            day = MONDAY + timedelta(days=weekday) - timedelta(weeks=week)
            leak = 30 if week == 0 else 10
            rows += [offered(day, 40), errands(day, leak), errands(day, 12, topic="turism")]
    found = [text for text in said(report_of(*rows)) if text.startswith("Frågorna")]
    assert found == [
        "Frågorna om vatten, avlopp och avfall ökade: 150 ärenden mot vanligen 50, "
        "alltså 3,0 gånger så många."
    ]
    assert "En vanlig vecka kommer 200." in said(report_of(*rows))[0]


def test_an_area_limits_errands_and_tells_what_it_does_not_limit() -> None:
    rows = [
        errands(MONDAY, 40, topic="va-avfall", resolved_in_centre=30),
        errands(MONDAY, 60, topic="turism", resolved_in_centre=60),
        offered(MONDAY, 90),
    ]
    document = report_of(*rows, area="bygga-bo-miljo")
    found = values(document)
    assert (found["nyckeltal/errands/now"], found["nyckeltal/offered/now"]) == (40, 90)
    assert [row.key for row in document.table_of["amnen"].rows] == ["va-avfall"]
    assert found["kanaler/telephone/errands"] == 40
    assert said(document)[0] == (
        "Ärenden och överlämningar gäller området Bygga, bo och miljö; övriga siffror hela Kommuncenter."
    )
    notes = {row.key: row.note for row in document.table_of["nyckeltal"].rows}
    assert (notes["offered"], notes["errands"]) == ("hela Kommuncenter", "")


def test_what_came_late_and_a_rebuild_are_told() -> None:
    store = RowStore([errands(MONDAY, 50)], late=3, rebuilds=[("r1", date(2026, 11, 2), 3)])
    found = said(report_of(store=store))
    assert "3 händelser kom för sent och räknas inte förrän dagarna har räknats om." in found
    assert "En omräkning pågår, så siffrorna kan ändras." in found


def test_social_media_stand_beside_and_in_no_sum() -> None:
    gauge = ("facebook", "oxelosund", "followers", 1, date(2026, 11, 22), 3120, date(2026, 11, 15), 3100)
    document = report_of(store=RowStore([errands(MONDAY, 50)], gauges=[gauge]))
    found = values(document)
    assert (found["sociala-medier/1/value"], found["sociala-medier/1/former"]) == (3120, 3100)
    assert found["kanaler/total/errands"] == 50
