"""The report as a document: what was read, put into sections in the order of a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from dashboards.definitions import STANDARD, Definitions
from dashboards.figures import Store
from dashboards.report.context import Context
from dashboards.report.document import Document, Section, Sum, Table
from dashboards.report.material import Request, read_material
from dashboards.report.sections.channels import channels
from dashboards.report.sections.definitions import definitions as defined
from dashboards.report.sections.handover import handover, reach
from dashboards.report.sections.key_figures import key_figures, shown_metrics
from dashboards.report.sections.ladder import ladder
from dashboards.report.sections.mail_and_visits import mail_and_visits
from dashboards.report.sections.over_time import over_time
from dashboards.report.sections.pressure import pressure, questions
from dashboards.report.sections.quality import quality
from dashboards.report.sections.resolution import resolution
from dashboards.report.sections.social import social
from dashboards.report.sections.summary import summary
from dashboards.report.sections.telephone import telephone
from dashboards.report.sums import sums_of
from dashboards.report.versions import corrections, read_published, version_of
from schemas.catalogue import Catalogue
from schemas.timebase import day_start

_ORDER: tuple[Callable[[Context], Section | None], ...] = (
    key_figures,
    channels,
    resolution,
    handover,
    reach,
    ladder,
    telephone,
    mail_and_visits,
    over_time,
    pressure,
    questions,
    social,
)


def report(
    store: Store,
    catalogue: Catalogue,
    request: Request,
    clock_now: datetime,
    definitions: Definitions = STANDARD,
) -> Document:
    """Return a report as an internal document.

    ``clock_now`` (aware) decides only what has passed: the period, and W of its figures. ``definitions`` say
    by which formula and W it goes. Raises ConfigurationError for a period that has not begun or an area that
    there is not, and RetriableError while the store is away.
    """
    material = read_material(store, catalogue, request, clock_now)
    return document_of(store, Context(material, catalogue, definitions))


def document_of(store: Store, context: Context) -> Document:
    """Return the document of what was read; the store is asked only for what was published before."""
    material = context.material
    first = summary(context)
    found = () if material.empty else (section(context) for section in _ORDER)
    rest = (*(one for one in found if one is not None), quality(context), defined(context))
    sections = (first, *rest)
    tables = [block for section in sections for block in section.blocks if isinstance(block, Table)]
    cells = {cell.key: cell for table in tables for cell in table.cells()}
    version = version_of(cells.values())
    published = read_published(store, material.period.name, scope_of(material.request, context.definitions))
    corrected = corrections(published, version, cells, _labels(tables))
    if corrected is not None:
        sections = (first, corrected, *rest)
    words = material.period.words
    limited = f", {context.limited}" if context.limited else ""
    return Document(
        title=f"{words.title} för Kommuncenter, {material.period.label}{limited}",
        subtitle=material.period.days_label,
        period=material.period.name,
        made_at=_known_at(context),
        data_version=version,
        sections=sections,
        preliminary=not material.over,
        sums=tuple(_sums(context)),
    )


def scope_of(request: Request, definitions: Definitions) -> str:
    """Return what sets a report apart from others of its period."""
    return "|".join(
        (
            f"area={request.area}",
            f"against={request.against.value}",
            definitions.service_level.name,
            definitions.first_contact.name,
        )
    )


def _known_at(context: Context) -> datetime:
    """Return the instant of the data version: the last at which something passed, not that of the printing.

    That is the end of the period, or of W after it; only a period under way goes by the clock.
    """
    material = context.material
    if not material.over:
        return material.clock_now
    ends = day_start(material.period.until)
    final = ends + timedelta(days=context.definitions.days)
    return final if final <= material.clock_now else ends


def _labels(tables: list[Table]) -> dict[str, str]:
    return {
        cell.key: f"{row.label}: {column.label.lower()}" if column.key != "now" else row.label
        for table in tables
        for row in table.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell is not None
    }


def _sums(context: Context) -> Iterator[Sum]:
    if context.material.empty:
        return
    for cube in (context.material.now, context.material.then, context.material.year):
        if cube is not None:
            yield from sums_of(cube, shown_metrics(context.definitions))
