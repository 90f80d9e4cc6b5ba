"""Periods, what is final and compared, and what the document of invented figures holds."""

from __future__ import annotations

from collections import Counter
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
