"""The weekly report: which weeks there are, what is compared, what the sentences say, and the page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.definitions import Definitions
from dashboards.report import Report, render_html, weekly_report
from dashboards.report.comparison import Change, compare_counts, compare_means, compare_shares
from dashboards.report.html import IDENTITY_LABELS, groups_of
from dashboards.report.sentences import summary
from dashboards.swedish import NBSP
from schemas.catalogue import load_catalogue
from schemas.errors import ConfigurationError
from schemas.first_contact import fcr_citizen_final, fcr_final, fcr_final_traceable, fcr_net_final
from schemas.measures import IDENTITY_RIGHT, WINDOWS_W
from schemas.metrics import BY_NAME, METRICS
from schemas.service_level import SERVICE_LEVELS, ServiceLevel
from schemas.statistics import wilson
from tests.dashboards.samples import Row, RowStore, invented_days

CATALOGUE = load_catalogue()
MONDAY = date(2026, 11, 16)
BEFORE = MONDAY - timedelta(days=7)
LATER = datetime(2027, 1, 15, 9, tzinfo=UTC)
TUESDAY = datetime(2026, 11, 24, 12, tzinfo=UTC)


def report_of(
    *rows: Row, now: datetime = LATER, week: str = "2026-W47", store: RowStore | None = None
) -> Report:
    return weekly_report(store or RowStore(rows), CATALOGUE, week, now)


def said(report: Report) -> list[str]:
    return [sentence.replace(NBSP, " ") for sentence in summary(report)]


def errands(day: date, n: int, channel: str = "telephone", **sums: int) -> Row:
    return Row(day, channel, "bygga-bo-miljo", "va-avfall", sums={"errands": n, **sums})


# ---- which weeks there are -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "week", ["", "47", "2026-47", "2026-W54", "2026-W00", "vecka 47", "9999-W52", "0001-W01", "2026-W4x"]
)
def test_a_week_that_is_none_is_refused(week: str) -> None:
    with pytest.raises(ConfigurationError, match="write it as 2026-W47"):
        report_of(week=week)


def test_a_week_that_has_not_begun_is_refused_with_one_that_has() -> None:
    eve = datetime(2026, 11, 15, 22, 59, tzinfo=UTC)  # 23.59 local time, the Sunday before
    with pytest.raises(ConfigurationError, match=r"has not begun.*2026-W45"):
        report_of(now=eve)
    assert report_of(now=eve + timedelta(minutes=1)).week == "2026-W47"


def test_a_week_under_way_is_preliminary_all_over() -> None:
    report = report_of(errands(MONDAY, 30), errands(BEFORE, 30), now=datetime(2026, 11, 18, tzinfo=UTC))
    assert not report.over
    assert all(compared.final_on for compared in report.figures.values())
    assert said(report)[0] == "Veckan är inte slut, så alla siffror är preliminära."


def test_mail_that_falls_due_later_in_the_week_is_not_yet_a_failure() -> None:
    due = {"mail_due": 1, "mail_due_24h": 1}
    rows = [Row(MONDAY + timedelta(days=n), "email", sums=due) for n in range(4)]
    tuesday = datetime(2026, 11, 17, 12, tzinfo=UTC)
    assert report_of(*rows, now=tuesday).figures["mail_in_time"].now.n == 2
    assert report_of(*rows).figures["mail_in_time"].now.n == 4


def test_a_week_without_data_says_so() -> None:
    report = report_of()
    assert report.empty
    assert said(report) == [
        "Det finns inga uppgifter om veckan. Kontrollera att källorna och beräkningen är i gång."
    ]
    page = render_html(report)
    assert "Det finns inga uppgifter om veckan." in page
    assert "data-key" not in page


# ---- what is final, and what is compared ---------------------------------------------------------


@pytest.mark.parametrize(("days", "name"), [(1, "fcr_final_1d"), (7, "fcr_final_7d"), (30, "fcr_final_30d")])
def test_a_figure_is_final_when_its_last_errand_has_been_followed_for_w(days: int, name: str) -> None:
    rows = (errands(MONDAY, 100, fcr_final_7d=60), errands(BEFORE, 100, fcr_final_7d=60))
    due = datetime(2026, 11, 22, 23, tzinfo=UTC) + timedelta(days=days)  # the week ends at midnight, local
    early = report_of(*rows, now=due - timedelta(seconds=1)).figures[name]
    late = report_of(*rows, now=due).figures[name]
    assert (early.final_on, early.change) == (date(2026, 11, 23) + timedelta(days=days), Change.NOT_YET)
    assert (late.final_on, late.change) == (None, Change.UNCHANGED)


def test_an_empty_denominator_gives_nothing_and_is_not_compared() -> None:
    figures = report_of(errands(MONDAY, 10)).figures
    assert figures["service_level"].now.value is None
    assert figures["service_level"].change is Change.UNKNOWN
    assert figures["resolved_in_centre"].before.value is None
    assert figures["resolved_in_centre"].change is Change.UNKNOWN


counts = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts)
def test_shares_compare_as_their_difference_says(first: tuple[int, int], second: tuple[int, int]) -> None:
    one, two = wilson(*first), wilson(*second)
    assert one is not None
    assert two is not None
    change = compare_shares(one, two)
    assert compare_shares(one, one) is Change.UNCHANGED
    mirrored = {Change.HIGHER: Change.LOWER, Change.LOWER: Change.HIGHER}
    assert compare_shares(two, one) is mirrored.get(change, change)
    if change is Change.HIGHER:
        assert one.value > two.value
    if one.low > two.high:
        assert change is Change.HIGHER


def test_shares_differ_as_newcombe_has_it() -> None:
    # 56/70 against 48/80: 0.20 (0.0524 to 0.3339), Newcombe (1998), table II, example (a), method 10.
    assert compare_shares(wilson(56, 70), wilson(48, 80)) is Change.HIGHER
    # 9/10 against 3/10: 0.60 (0.1705 to 0.8090), example (b).
    assert compare_shares(wilson(9, 10), wilson(3, 10)) is Change.HIGHER
    # 5/56 against 0/29: 0.0893 (-0.0381 to 0.1926), example (d).
    assert compare_shares(wilson(5, 56), wilson(0, 29)) is Change.UNCHANGED
    assert compare_shares(None, wilson(1, 2)) is Change.UNKNOWN


def test_counts_differ_when_chance_does_not_explain_it() -> None:
    assert compare_counts(760, 740) is Change.UNCHANGED
    assert compare_counts(900, 740) is Change.HIGHER
    assert compare_counts(0, 12) is Change.LOWER
    assert compare_counts(0, 0) is Change.UNKNOWN


def test_means_differ_when_their_spread_does_not_explain_it() -> None:
    short, long = dict.fromkeys(range(20, 40), 10), dict.fromkeys(range(30, 50), 10)
    assert compare_means(40.5, 30.5, long, short) is Change.HIGHER
    assert compare_means(31.0, 30.5, short, short) is Change.UNCHANGED
    assert compare_means(30.0, 40.0, {30: 1}, {40: 1}) is Change.UNKNOWN


# ---- what the sentences say ----------------------------------------------------------------------


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
    )
    assert said(report_of(store=store, now=TUESDAY)) == [
        "Under vecka 47, 2026 kom 630 kontakter in, och de gällde 750 ärenden. "
        "Det är 100 fler än veckan före (530).",
        "Kommuncenter löste 510 av 750 ärenden, 68 % (65–71 %). Målet 68 % ligger inom osäkerheten. "
        "Det är 6 procentenheter högre än veckan före (62 %).",
        "Vid första kontakten löstes, preliminärt, 460 av 750 ärenden, 61 % (58–65 %). "
        "Det är 7 procentenheter högre än veckan före (54 %).",
        "Den slutliga siffran räknar bort dem som hör av sig igen inom 7 dygn. Den är preliminär till "
        "30 november 2026, och är hittills 57 % (430 av 750 ärenden).",
        "Det gick att följa 610 av 750 ärenden, 81 % (78–84 %); dolda nummer kan inte följas.",
        "Till en förvaltning lämnades 240 av 700 ärenden, 34 % (31–38 %). "
        "Det är 7 procentenheter lägre än veckan före (41 %).",
        "Flest överlämningar gick till Oxelö Energi: 240 av 240.",
        "12 ärenden lämnades vidare fast Kommuncenter har mandat att lösa dem, "
        "flest i ämnet Vatten, avlopp och avfall (12).",
        "Svar inom 60 sekunder fick 480 av 620 samtal, 77 % (74–81 %). "
        "Målet 80 % ligger inom osäkerheten. Oförändrat mot veckan före (73 %).",
        "De 600 besvarade samtalen väntade i medeltal 55 s. Hälften väntade högst 21 s och nio av tio "
        "högst 1 min 31 s. Medelväntetiden är längre än veckan före (32 s).",
        "Inom en arbetsdag besvarades 18 av 18 mejl, 100 % (82–100 %). "
        "Målet 85 % ligger inom osäkerheten. Oförändrat mot veckan före (100 %). "
        "Underlaget är litet, färre än 20, så siffran är osäker.",
        "Inom 24 timmar besvarades 20 av 40 mejl, 50 % (35–65 %). Oförändrat mot veckan före (50 %).",
        "10 besökare kallades fram och väntade i medeltal 3 min 10 s.",
        "750 ärenden fördelade sig så här: telefon 93 %, e-post 0 % och besök 7 %. "
        "Den publicerade bilden är 81/12/7.",
        "1 post från källorna gick inte att använda.",
        "Under veckan kom ingen händelse från mail.",
    ]


def test_a_small_basis_and_a_missed_target_are_said() -> None:
    report = report_of(errands(MONDAY, 10, resolved_in_centre=1))
    assert said(report)[1] == (
        "Kommuncenter löste 1 av 10 ärenden, 10 % (2–40 %). Det är under målet 68 %. "
        "Veckan före saknas att jämföra med. Underlaget är litet, färre än 20, så siffran är osäker."
    )


def test_a_final_figure_is_said_with_its_w() -> None:
    report = report_of(errands(MONDAY, 100, fcr_final_7d=90), errands(BEFORE, 100, fcr_final_7d=60))
    assert (
        "Vid första kontakten, utan att personen hörde av sig igen inom 7 dygn, löstes 90 av 100 ärenden, "
        "90 % (83–94 %). Det är 30 procentenheter högre än veckan före (60 %)."
    ) in said(report)


def test_fewer_open_days_are_said() -> None:
    report = report_of(errands(date(2026, 12, 21), 5), week="2026-W52")
    assert report.open_days[0] < report.open_days[1] == 5
    assert any(sentence.startswith("Kommuncenter hade öppet 3 dagar, mot 5") for sentence in said(report))


# ---- the page ------------------------------------------------------------------------------------


VARIANTS = {
    *(metric.name for metric in SERVICE_LEVELS.values()),
    *(
        view(days).name
        for view in (fcr_citizen_final, fcr_final_traceable, fcr_net_final)
        for days in WINDOWS_W
    ),
    "fcr_citizen_provisional",
}


@pytest.mark.parametrize("chosen", list(ServiceLevel))
@pytest.mark.parametrize("days", WINDOWS_W)
def test_the_main_table_holds_every_metric_once_and_of_variants_the_chosen(
    chosen: ServiceLevel, days: int
) -> None:
    definitions = Definitions(SERVICE_LEVELS[chosen], fcr_final(days))
    shown = Counter(name for _, names in groups_of(definitions) for name in names)
    own = {definitions.service_level.name, *(metric.name for metric in definitions.other_views)}
    assert len(own) == 4
    assert shown == Counter(m.name for m in METRICS if m.name not in VARIANTS or m.name in own)
    assert tuple(IDENTITY_LABELS) == IDENTITY_RIGHT


def test_the_installations_variants_are_told_with_their_formula() -> None:
    """DOMAIN §2.4: the formula in use is printed where the figure is."""
    rows = Row(
        MONDAY,
        "telephone",
        sums={"answered_in_target": 8, "calls_answered": 9, "calls_abandoned": 1, "calls_flowed_out": 10},
    )
    definitions = Definitions(SERVICE_LEVELS[ServiceLevel.FLOW_OUTS], fcr_final(14))
    report = weekly_report(
        RowStore([rows, errands(MONDAY, 50, fcr_final_14d=40)]), CATALOGUE, "2026-W47", LATER, definitions
    )
    assert (report.service_level.now.hits, report.service_level.now.n) == (8, 20)
    assert report.days[0].service_level.n == 20
    page = render_html(report).replace(NBSP, " ")
    formula = "answered_in_target / (calls_answered + calls_abandoned + calls_flowed_out)"
    assert page.count(f'<code lang="en">{formula}</code>') == 2
    assert "(calls_answered + calls_abandoned)<" not in page
    assert any("hörde av sig igen inom 14 dygn, löstes 40 av 50 ärenden" in text for text in said(report))


def test_who_hung_up_in_time_is_said_where_it_counts_as_met() -> None:
    rows = Row(
        MONDAY,
        "telephone",
        sums={
            "answered_in_target": 8,
            "calls_answered": 9,
            "calls_abandoned": 1,
            "calls_abandoned_in_target": 1,
        },
    )
    definitions = Definitions(SERVICE_LEVELS[ServiceLevel.ABANDONS_MET])
    report = weekly_report(RowStore([rows]), CATALOGUE, "2026-W47", LATER, definitions)
    sentence = "Inom 60 sekunder fick svar, eller avslutades av den som ringde, 9 av 10 samtal, 90 %"
    assert any(text.startswith(sentence) for text in said(report))


def test_the_page_is_self_contained_and_defines_every_metric_that_it_shows() -> None:
    report = report_of(*invented_days(BEFORE, 14, seed=1))
    page = render_html(report)
    assert '<html lang="sv">' in page
    assert not re.search(r"<script|<link|<img|https?:|url\(|@import", page)
    for metric in (BY_NAME[name] for _, names in groups_of(report.definitions) for name in names):
        assert f"<dt>{metric.label_sv}</dt>" in page
        assert f'<code lang="en">{metric.formula()}</code>' in page


def test_a_small_basis_is_marked_with_words() -> None:
    page = render_html(report_of(errands(MONDAY, 19, resolved_in_centre=10)))
    shown = re.search(r'<td class="n">(.*data-key="now.resolved_in_centre".*)</td>', page)
    assert shown
    assert "litet underlag" in shown[1]
    enough = render_html(report_of(errands(MONDAY, 20, resolved_in_centre=10)))
    shown = re.search(r'<td class="n">(.*data-key="now.resolved_in_centre".*)</td>', enough)
    assert shown
    assert "litet underlag" not in shown[1]


def test_an_empty_denominator_is_a_dash_on_the_page() -> None:
    page = render_html(report_of(errands(MONDAY, 30)))
    row = re.search(r"Svarat inom 60 sekunder<small>.*?</tr>", page, re.DOTALL)
    assert row
    assert '<td class="n">–</td>' in row[0]
    assert "0 %" not in row[0].replace(NBSP, " ").replace("80 %", "")


def test_what_comes_from_sources_is_escaped() -> None:
    store = RowStore([errands(MONDAY, 3)], dead=[("<b>x</b>", '"&', datetime(2026, 11, 17, tzinfo=UTC))])
    page = render_html(report_of(store=store))
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
