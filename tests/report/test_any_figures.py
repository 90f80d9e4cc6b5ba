"""Whatever the figures are: a report comes of them, its parts add up, and every sentence can be said."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.report import period
from dashboards.report.disclosure import made_public
from dashboards.report.document import Kind
from dashboards.report.period import Against
from dashboards.report.render.text import plain, spoken
from schemas.measures import IDENTITY_RIGHT, MEASURES, Per
from tests.dashboards.samples import Row, RowStore
from tests.report.reports import CATALOGUE, LATER, MONDAY, TUESDAY, report_of

TOPICS = ["va-avfall", "omsorg", "turism", "an-old-topic", ""]
PERIODS = [
    period.week("2026-W47"),
    period.month("2026-11"),
    period.tertial("2026-T3"),
    period.days("2026-11-16..2026-11-16"),
    period.days("2024-01-10..2026-11-20"),
]


def of(per: Per) -> list[str]:
    return [measure.name for measure in MEASURES if measure.per is per]


days = st.integers(-400, 6).map(lambda n: MONDAY + timedelta(days=n))
amounts = st.one_of(st.integers(0, 6), st.integers(0, 3000))


def sums(names: list[str]) -> st.SearchStrategy[dict[str, int]]:
    return st.dictionaries(st.sampled_from(names), amounts, max_size=8)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """A row as the stream writes it: of contacts, of errands, or of handovers.

    What makes up another measure does; apart from that the sums need not fit.
    """
    day, channel = draw(days), draw(st.sampled_from(["telephone", "email", "visit", "unknown", "fax"]))
    topic = draw(st.sampled_from(TOPICS))
    area = CATALOGUE.area_of(topic)
    match draw(st.sampled_from(list(Per))):
        case Per.CONTACT:
            waits = draw(st.dictionaries(st.integers(0, 900), st.integers(1, 40), max_size=4))
            found = draw(sums(of(Per.CONTACT)))
            whole = sum(found.get(name, 0) for name in IDENTITY_RIGHT)
            return Row(day, channel, sums={**found, "offered": whole}, waits=waits)
        case Per.ERRAND:
            return Row(day, channel, area, topic, sums=draw(sums(of(Per.ERRAND))))
        case _:
            unit = draw(st.sampled_from(["energi", "omsorg", "okand", "an-old-unit"]))
            found = draw(sums(of(Per.HANDOVER)))
            whole = sum(n for name, n in found.items() if name != "handovers")
            return Row(day, channel, area, topic, unit, {**found, "handovers": whole})


@st.composite
def rungs(draw: st.DrawFn) -> tuple[Any, ...]:
    topic = draw(st.sampled_from(TOPICS))
    errands = draw(st.integers(1, 50))
    timed = draw(st.integers(0, errands))
    solved = draw(st.integers(0, timed))
    level, by = (
        draw(st.sampled_from([-1, 0, 10, 40, 70])),
        draw(st.sampled_from(["centre", "department", ""])),
    )
    return CATALOGUE.area_of(topic), topic, level, by, errands, timed, timed * 1000, solved, solved * 900


stores = st.builds(
    RowStore,
    st.lists(rows(), max_size=25),
    rungs=st.lists(rungs(), max_size=6, unique_by=lambda rung: rung[:4]),
    late=st.integers(0, 3),
)


@settings(max_examples=150, deadline=None)
@given(
    store=stores,
    asked=st.sampled_from(PERIODS),
    against=st.sampled_from(list(Against)),
    area=st.sampled_from(["", "bygga-bo-miljo"]),
    now=st.sampled_from([TUESDAY, LATER]),
)
def test_a_report_comes_of_any_figures(
    *, store: RowStore, asked: period.Period, against: Against, area: str, now: Any
) -> None:
    document = report_of(store=store, of=asked, against=against, area=area, now=now)
    counts = {
        cell.of[0]: cell.value for cell in document.cells.values() if cell.kind is Kind.COUNT and cell.of
    }
    for one in document.all_sums():
        if counts.get(one.whole) is not None and all(part in counts for part in one.parts):
            assert counts[one.whole] == sum(counts[part] or 0 for part in one.parts), one
    sentences = [plain(pieces) for pieces in spoken(document, document.sentences())]
    assert len(sentences) == len(list(document.sentences()))
    assert not any("None" in text or "nan" in text for text in sentences)
    for cell in document.cells.values():
        if cell.kind is Kind.COUNT and cell.value is not None:
            assert cell.value == int(cell.value) >= 0, cell
    assert document == report_of(store=store, of=asked, against=against, area=area, now=now)


def test_a_usual_that_is_a_small_count_does_not_leave_the_centre() -> None:
    data = []
    for week in range(9):
        for weekday in range(5):
            day: date = MONDAY + timedelta(days=weekday) - timedelta(weeks=week)
            data.append(Row(day, "telephone", sums={"offered": 40, "answered": 40}))
            data.append(Row(day, "telephone", "bygga-bo-miljo", "va-avfall", sums={"errands": 20}))
        first = MONDAY - timedelta(weeks=week)
        data.append(Row(first, "telephone", "uppleva-gora", "turism", sums={"errands": 3}))
    document = report_of(*data)
    assert document.cells["fragor/turism/usual"].value == 3
    public = made_public(document).document
    assert public.cells["fragor/turism/usual"].value is None
    assert public.cells["fragor/va-avfall/usual"].value == 100
