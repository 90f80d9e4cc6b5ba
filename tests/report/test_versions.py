"""The same store gives the same bytes; what is published is kept, and what has changed since is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dashboards.definitions import STANDARD
from dashboards.report import period
from dashboards.report.content import report, scope_of
from dashboards.report.document import Document
from dashboards.report.material import Request
from dashboards.report.render.html import render_html
from dashboards.report.render.pdf import render_pdf
from dashboards.report.versions import final_numbers, publish, read_published
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from tests.dashboards.samples import RowStore, invented_days
from tests.dashboards.stored import Stored, database_with
from tests.report.reports import BEFORE, CATALOGUE, LATER, MONDAY, TUESDAY, errands, offered, report_of, said

WEEK = Request(period.week("2026-W47"))
SCOPE = scope_of(WEEK, STANDARD)
PUBLISHED = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def corrected(document: Document) -> list[tuple[str, object, object]]:
    """Return what the corrections list: figure, old, new."""
    table = document.table_of.get("rattelser")
    if table is None:
        return []
    return [(row.label, *(cell.value for cell in row.cells if cell is not None)) for row in table.rows]  # type: ignore[misc]


def published_as(document: Document, at: datetime = PUBLISHED) -> tuple[str, dict[str, float], datetime]:
    return document.data_version, final_numbers(document.cells.values()), at


ROWS = [
    errands(MONDAY, 100, resolved_in_centre=60),
    offered(MONDAY, 120),
    errands(BEFORE, 90),
    offered(BEFORE, 99),
]


def test_the_version_changes_when_a_number_does_and_only_then() -> None:
    first = report_of(*ROWS)
    assert report_of(*reversed(ROWS)).data_version == first.data_version
    other = report_of(*ROWS, errands(MONDAY, 1, topic="turism"))
    assert other.data_version != first.data_version


def test_a_published_report_that_still_holds_has_no_corrections() -> None:
    first = report_of(*ROWS)
    store = RowStore(ROWS, published=[published_as(first)])
    assert report_of(store=store) == first


def test_a_figure_that_a_rebuild_changed_is_told_with_old_and_new() -> None:
    first = report_of(*ROWS)
    late = [*ROWS, errands(MONDAY, 4, resolved_in_centre=4)]
    document = report_of(store=RowStore(late, published=[published_as(first)]))
    assert ("Ärenden", 100, 104) in corrected(document)
    assert ("Löst i Kommuncenter", 0.6, 64 / 104) in corrected(document)
    assert ("Vatten, avlopp och avfall: ärenden", 100, 104) in corrected(document)
    assert not any("Inkomna" in label for label, _, _ in corrected(document))
    assert [section.key for section in document.sections][:2] == [
        "avsnitt-sammanfattning",
        "avsnitt-rattelser",
    ]
    assert said(document, "avsnitt-rattelser") == [
        "Siffror i den här rapporten har ändrats sedan den publicerades 23 november 2026 kl. 07.00. "
        "Uppgifter kom in efteråt, eller så har dagarna räknats om. "
        "Den här rapporten gäller.",
        f"Den tidigare versionen är {first.data_version}.",
    ]


def test_a_correction_that_is_published_itself_is_told_as_before() -> None:
    """The corrected report is made again from the same store: the same document."""
    first = report_of(*ROWS)
    late = [*ROWS, errands(MONDAY, 4, resolved_in_centre=4)]
    once = report_of(store=RowStore(late, published=[published_as(first)]))
    later = PUBLISHED + timedelta(days=7)
    again = report_of(store=RowStore(late, published=[published_as(once, later), published_as(first)]))
    assert again == once


def test_that_a_preliminary_figure_changes_is_no_correction() -> None:
    early = report_of(*ROWS, now=TUESDAY)
    assert early.cells["nyckeltal/fcr_final_7d/now"].preliminary
    changed = [replace(row, sums={**row.sums, "fcr_final_7d": 40}) for row in ROWS]
    document = report_of(store=RowStore(changed, published=[published_as(early)]))
    assert corrected(document) == []


# ---- in the store ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored(clickhouse: EmbeddedClickHouse) -> Iterator[Stored]:
    with database_with(clickhouse, RowStore(invented_days(date(2026, 10, 5), 50, seed=9))) as found:
        yield found


@pytest.mark.integration
def test_the_same_store_gives_the_same_bytes_and_a_preview_changes_nothing(stored: Stored) -> None:
    def made(now: datetime) -> tuple[str, bytes]:
        document = report(stored.reader, CATALOGUE, WEEK, now)
        return render_html(document), render_pdf(document)

    assert made(LATER) == made(LATER + timedelta(days=400))
    assert read_published(stored.reader, "2026-W47", SCOPE) == []


@pytest.mark.integration
def test_what_is_published_is_kept_once_and_a_correction_is_found(stored: Stored) -> None:
    document = report(stored.writer, CATALOGUE, WEEK, LATER)
    assert publish(stored.writer, document, SCOPE, PUBLISHED)
    assert not publish(stored.writer, document, SCOPE, PUBLISHED + timedelta(hours=1))
    [kept] = read_published(stored.reader, "2026-W47", SCOPE)
    assert (kept.version, kept.at) == (document.data_version, PUBLISHED)
    assert kept.cells == final_numbers(document.cells.values())
    assert read_published(stored.reader, "2026-W47", "another scope") == []
    assert report(stored.reader, CATALOGUE, WEEK, LATER) == document

    stored.writer.command(
        "INSERT INTO service_days SELECT * REPLACE (errands + 2 AS errands, revision + 1 AS revision) "
        "FROM service_days FINAL WHERE day = '2026-11-17' AND errands > 0 LIMIT 1"
    )
    changed = report(stored.reader, CATALOGUE, WEEK, LATER)
    [old] = [row for row in corrected(changed) if row[0] == "Ärenden"]
    assert old[1] == document.cells["nyckeltal/errands/now"].value
    assert old[2] == changed.cells["nyckeltal/errands/now"].value
    assert publish(stored.writer, changed, SCOPE, PUBLISHED + timedelta(days=1))
    assert len(read_published(stored.reader, "2026-W47", SCOPE)) == 2
    assert report(stored.reader, CATALOGUE, WEEK, LATER) == changed
