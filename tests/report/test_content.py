"""What the report says of invented figures: sentence by sentence, and what stands in its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from dashboards.definitions import Definitions
from dashboards.report import period
from dashboards.report.document import Chart, Document, Kind, Ref
from dashboards.report.document import Definitions as Terms
from dashboards.report.period import Against
from dashboards.report.sections.key_figures import groups_of
from dashboards.report.sections.quality import IDENTITY_LABELS
from schemas.errors import ConfigurationError
from schemas.first_contact import fcr_citizen_final, fcr_final, fcr_final_traceable, fcr_net_final
from schemas.measures import IDENTITY_RIGHT, WINDOWS_W
from schemas.metrics import BY_NAME, METRICS
from schemas.service_level import SERVICE_LEVELS, ServiceLevel
from tests.dashboards.samples import Row, RowStore, invented_days
from tests.report.reports import (
    BEFORE,
    CATALOGUE,
    LATER,
    MONDAY,
    TUESDAY,
    errands,
    offered,
    report_of,
    said,
    values,
)

# ---- periods -----------------------------------------------------------------------------------------


def test_a_period_that_has_not_begun_is_refused_with_one_that_has() -> None:
    eve = datetime(2026, 11, 15, 22, 59, tzinfo=UTC)  # 23.59 local time, the Sunday before
    with pytest.raises(ConfigurationError, match=r"has not begun.*2026-W45"):
        report_of(now=eve)
    assert report_of(now=eve + timedelta(minutes=1)).period == "2026-W47"


def test_an_area_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"vatten.*bygga-bo-miljo"):
        report_of(area="vatten")


def test_a_week_under_way_is_preliminary_all_over() -> None:
    document = report_of(errands(MONDAY, 30), errands(BEFORE, 30), now=datetime(2026, 11, 18, tzinfo=UTC))
    assert document.preliminary
    now = [cell for key, cell in document.cells.items() if key.startswith("nyckeltal/") and "/now" in key]
    assert all(cell.preliminary for cell in now if cell.kind is not Kind.NUMBER)
    assert said(document)[0] == "Veckan är inte slut, så alla siffror är preliminära."
    assert said(document)[1].startswith("Hittills under vecka 47, 2026 har 0 kontakter kommit in")


def test_mail_that_falls_due_later_in_the_week_is_not_yet_a_failure() -> None:
    due = {"mail_due": 1, "mail_due_24h": 1}
    rows = [Row(MONDAY + timedelta(days=n), "email", sums=due) for n in range(4)]
    tuesday = datetime(2026, 11, 17, 12, tzinfo=UTC)
    assert report_of(*rows, now=tuesday).cells["nyckeltal/mail_in_time/now"].n == 2
    assert report_of(*rows).cells["nyckeltal/mail_in_time/now"].n == 4


def test_a_week_without_data_says_so() -> None:
    document = report_of()
    assert said(document) == [
        "Det finns inga uppgifter om veckan. Kontrollera att källorna och beräkningen är i gång."
    ]
    assert [section.key for section in document.sections] == [
        "avsnitt-sammanfattning",
        "avsnitt-kvalitet",
        "avsnitt-definitioner",
    ]
    assert "Det finns inga uppgifter om veckan." in said(document, "avsnitt-kvalitet")


@pytest.mark.parametrize(
    ("of", "title", "begins"),
    [
        (period.month("2026-11"), "Månadsrapport för Kommuncenter, november 2026", "Under november 2026 kom"),
        (period.tertial("2026-T3"), "Tertialrapport för Kommuncenter, tertial 3, 2026", "Under tertial 3"),
        (
            period.days("2026-11-16..2026-11-17"),
            "Rapport för Kommuncenter, 16–17 november 2026",
            "Under perioden 16",
        ),
    ],
)
def test_every_kind_of_period_is_told_by_the_same_code(of: period.Period, title: str, begins: str) -> None:
    document = report_of(*invented_days(date(2026, 7, 1), 140, seed=4), of=of)
    assert document.title.replace("\u00a0", " ") == title
    assert said(document)[0].startswith(begins)
    assert values(document)["nyckeltal/errands/now"]


# ---- what is final, and what is compared -------------------------------------------------------------


@pytest.mark.parametrize("days", [1, 7, 30])
def test_a_figure_is_final_when_its_last_errand_has_been_followed_for_w(days: int) -> None:
    now = {"errands": 100, f"fcr_final_{days}d": 60}
    rows = (Row(MONDAY, "telephone", sums=now), errands(BEFORE, 100))
    due = datetime(2026, 11, 22, 23, tzinfo=UTC) + timedelta(days=days)  # the week ends at midnight, local
    chosen = Definitions(first_contact=fcr_final(days))
    early = report_of(*rows, now=due - timedelta(seconds=1), definitions=chosen)
    late = report_of(*rows, now=due, definitions=chosen)
    key = f"nyckeltal/fcr_final_{days}d"
    assert early.cells[f"{key}/now"].preliminary
    assert values(early)[f"{key}/change"] == "jämförs senare"
    assert not late.cells[f"{key}/now"].preliminary
    assert values(late)[f"{key}/change"] == "↑ högre (bättre)"


def test_an_empty_denominator_gives_nothing_and_is_not_compared() -> None:
    found = values(report_of(errands(MONDAY, 10), offered(MONDAY, 2)))
    assert found["nyckeltal/service_level/now"] is None
    assert found["nyckeltal/service_level/change"] == "–"
    assert found["nyckeltal/resolved_in_centre/then"] is None
    assert found["nyckeltal/resolved_in_centre/change"] == "–"


def test_a_period_of_which_nothing_is_known_is_a_dash_and_not_zero() -> None:
    found = values(report_of(errands(MONDAY, 10), offered(MONDAY, 20)))
    assert found["nyckeltal/offered/then"] is None
    assert found["nyckeltal/offered/change"] == "–"


def test_counts_are_not_compared_with_a_part_of_a_period() -> None:
    rows = [offered(date(2026, 10, 26) + timedelta(days=n), 20) for n in range(30)]
    document = report_of(*rows, of=period.month("2026-11"))
    assert values(document)["nyckeltal/offered/change"] == "–"
    assert "Uppgifterna om månaden före börjar 26 oktober 2026, så antalen jämförs inte." in said(document)


def test_the_same_week_of_last_year_stands_beside_and_can_be_compared_with() -> None:
    rows = [offered(MONDAY, 50), offered(date(2025, 11, 17), 80), offered(BEFORE, 50)]
    assert values(report_of(*rows))["nyckeltal/offered/year"] == 80
    document = report_of(*rows, against=Against.LAST_YEAR)
    assert values(document)["nyckeltal/offered/then"] == 80
    assert any("30 färre än samma vecka i fjol (80)" in text for text in said(document))


# ---- what the sentences say --------------------------------------------------------------------------


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


# ---- the ladder and what could be moved --------------------------------------------------------------


def test_the_ladder_adds_up_and_tells_where_the_time_goes() -> None:
    store = RowStore(
        [errands(MONDAY, 30), offered(MONDAY, 30)],
        rungs=[
            ("bygga-bo-miljo", "va-avfall", 10, "centre", 12, 10, 1_800_000, 10, 1_800_000),
            ("bygga-bo-miljo", "va-avfall", 60, "department", 8, 8, 3_600_000, 0, 0),
            ("bygga-bo-miljo", "bygg-miljo", 10, "centre", 5, 5, 600_000, 5, 600_000),
            ("", "", -1, "", 5, 0, 0, 0, 0),
        ],
    )
    document = report_of(store=store)
    found = values(document)
    assert [row.key for row in document.table_of["trappan"].rows] == ["60", "10", "okand", "total"]
    assert found["trappan/10/minutes_centre"] == 40
    assert found["trappan/60/minutes_department"] == 60
    assert (found["trappan/total/minutes"], found["trappans-arenden/total/errands"]) == (100, 30)
    assert said(document, "avsnitt-trappan")[:2] == [
        "Mest tid gick till nivån utredning, expertkunskap: 1 tim av 1 tim 40 min.",
        "Tiden är känd för 23 av 30 ärenden.",
    ]


# ---- the document ------------------------------------------------------------------------------------


VARIANTS = {
    *(metric.name for metric in SERVICE_LEVELS.values()),
    *(
        view(days).name
        for view in (fcr_final, fcr_citizen_final, fcr_final_traceable, fcr_net_final)
        for days in WINDOWS_W
    ),
    "fcr_citizen_provisional",
    "fcr_net",
}


@pytest.mark.parametrize("chosen", list(ServiceLevel))
@pytest.mark.parametrize("days", WINDOWS_W)
def test_the_main_table_holds_every_metric_once_and_of_variants_the_chosen(
    chosen: ServiceLevel, days: int
) -> None:
    definitions = Definitions(SERVICE_LEVELS[chosen], fcr_final(days))
    shown = Counter(name for _, names in groups_of(definitions) for name in names)
    own = {
        definitions.service_level.name,
        definitions.first_contact.name,
        *(metric.name for metric in definitions.other_views),
    }
    assert len(own) == 5
    assert shown == Counter(m.name for m in METRICS if m.name not in VARIANTS or m.name in own)
    assert tuple(IDENTITY_LABELS) == IDENTITY_RIGHT


def whole_document() -> Document:
    store = RowStore(
        invented_days(date(2026, 9, 1), 85, seed=1),
        hours=[(1, 9, 30, 900_000, 2), (1, 10, 25, 500_000, 0), (2, 9, 21, 100_000, 1)],
        rungs=[("bygga-bo-miljo", "va-avfall", 10, "centre", 12, 10, 1_800_000, 10, 1_800_000)],
    )
    return report_of(store=store)


def test_every_metric_that_is_shown_is_defined() -> None:
    document = whole_document()
    [terms] = [block for block in document.blocks() if isinstance(block, Terms)]
    defined = {item.term: item.formula for item in terms.items}
    for row in document.table_of["nyckeltal"].rows:
        if row.key in BY_NAME:
            assert defined[BY_NAME[row.key].label_sv] == BY_NAME[row.key].formula()


def test_the_formula_in_use_is_told_where_the_service_level_is() -> None:
    """DOMAIN §2.4: variants differ, so the formula in use is printed where the figure is."""
    sums = {"answered_in_target": 8, "calls_answered": 9, "calls_abandoned": 1, "calls_flowed_out": 10}
    definitions = Definitions(SERVICE_LEVELS[ServiceLevel.FLOW_OUTS], fcr_final(14))
    document = report_of(
        Row(MONDAY, "telephone", sums={"offered": 20, **sums}),
        errands(MONDAY, 50, fcr_final_14d=40),
        definitions=definitions,
    )
    cell = document.cells["nyckeltal/service_level_flow_outs/now"]
    assert (cell.hits, cell.n) == (8, 20)
    assert document.cells["dagar/2026-11-16/level"].n == 20
    assert any("samtal som lämnade kön på annat sätt" in text for text in said(document, "avsnitt-telefon"))
    assert any("hörde av sig igen inom 14 dygn, löstes 40 av 50 ärenden" in text for text in said(document))


def test_who_hung_up_in_time_is_said_where_it_counts_as_met() -> None:
    sums = {
        "answered_in_target": 8,
        "calls_answered": 9,
        "calls_abandoned": 1,
        "calls_abandoned_in_target": 1,
    }
    definitions = Definitions(SERVICE_LEVELS[ServiceLevel.ABANDONS_MET])
    document = report_of(Row(MONDAY, "telephone", sums={"offered": 10, **sums}), definitions=definitions)
    sentence = "Inom 60 sekunder fick svar, eller avslutades av den som ringde, 9 av 10 samtal, 90 %"
    assert any(text.startswith(sentence) for text in said(document))


def test_every_chart_tells_what_it_shows_and_has_its_table() -> None:
    document = whole_document()
    charts = [block for block in document.blocks() if isinstance(block, Chart)]
    assert {chart.table for chart in charts} == {"kanaler", "omraden", "trappan", "timmar", "utveckling"}
    for chart in charts:
        columns = {column.key for column in document.table_of[chart.table].columns}
        assert {*chart.series, *((chart.goal,) if chart.goal else ())} <= columns
        assert chart.alt


def test_no_number_stands_in_a_sentence_that_is_not_a_cell() -> None:
    """Digits in words are dates, clock times, the period, and constants of the definitions."""
    document = whole_document()
    constants = {"47", "2026", "60", "7", "5", "20", "2", "24", "1", "95"}
    for sentence in document.sentences():
        for part in sentence.parts:
            if isinstance(part, str) and "kl." not in part:
                digits = "".join(c if c.isdigit() else " " for c in part).split()
                assert set(digits) <= constants, part
            elif isinstance(part, Ref):
                assert part.key in document.cells


def test_what_adds_up_is_told_to_disclosure_control() -> None:
    document = whole_document()
    known = {quantity: cell.value for cell in document.cells.values() for quantity in cell.of[:1]
             if cell.kind is Kind.COUNT}  # fmt: skip
    checked = 0
    for one in document.all_sums():
        if one.whole in known and all(part in known for part in one.parts):
            assert known[one.whole] == sum(known[part] or 0 for part in one.parts), one
            checked += 1
    assert checked > 50


def test_sensitive_topics_are_marked() -> None:
    document = whole_document()
    rows = {row.key: row for row in document.table_of["amnen"].rows}
    assert rows["omsorg"].sensitive
    assert rows["omsorg"].area == CATALOGUE.areas["omsorg-stod"]
    assert not rows["va-avfall"].sensitive


def test_the_clock_changes_nothing_once_all_has_passed() -> None:
    rows = invented_days(date(2026, 9, 1), 85, seed=1)
    first = report_of(*rows, now=LATER)
    second = report_of(*rows, now=LATER + timedelta(days=900))
    assert first == second
    assert first.made_at == datetime(2026, 11, 29, 23, tzinfo=UTC)  # the week's end and W
