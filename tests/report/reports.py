"""Reports of invented rows, and what they say, for the tests of the content."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from dashboards.definitions import STANDARD, Definitions
from dashboards.report import period
from dashboards.report.content import report
from dashboards.report.document import Document, Note, Paragraph, Table
from dashboards.report.material import Request
from dashboards.report.period import Against
from dashboards.report.render.text import plain, spoken
from dashboards.swedish import NBSP
from schemas.catalogue import load_catalogue
from tests.dashboards.samples import Row, RowStore

CATALOGUE = load_catalogue()
MONDAY = date(2026, 11, 16)
BEFORE = MONDAY - timedelta(days=7)
LATER = datetime(2027, 1, 15, 9, tzinfo=UTC)
TUESDAY = datetime(2026, 11, 24, 12, tzinfo=UTC)


def report_of(
    *rows: Row,
    now: datetime = LATER,
    of: period.Period | None = None,
    store: RowStore | None = None,
    against: Against = Against.BEFORE,
    area: str = "",
    definitions: Definitions = STANDARD,
) -> Document:
    """Return the report of invented rows; of week 47 unless another period is named."""
    request = Request(of or period.week("2026-W47"), against, area)
    return report(store or RowStore(rows), CATALOGUE, request, now, definitions)


def errands(day: date, n: int, channel: str = "telephone", topic: str = "va-avfall", **sums: int) -> Row:
    """Return a row of errands of a topic."""
    area = CATALOGUE.area_of(topic)
    return Row(day, channel, area, topic, sums={"errands": n, **sums})


def offered(day: date, n: int, **sums: int) -> Row:
    """Return a row of answered calls."""
    return Row(day, "telephone", sums={"offered": n, "answered": n, **sums})


def said(document: Document, section: str = "avsnitt-sammanfattning") -> list[str]:
    """Return what a section says in sentences, with ordinary spaces."""
    [found] = [one for one in document.sections if one.key == section]
    sentences = [
        sentence
        for block in found.blocks
        if isinstance(block, (Paragraph, Note))
        for sentence in block.sentences
    ]
    return [plain(pieces).replace(NBSP, " ") for pieces in spoken(document, sentences)]


def values(document: Document) -> Mapping[str, float | str | None]:
    """Return every cell's value, or text, by key."""
    return {key: cell.text or cell.value for key, cell in document.cells.items()}


def table(document: Document, key: str) -> Table:
    """Return a table."""
    return document.table_of[key]
