"""How far the figures can be leant on: outcomes, what is left out, and what the sources did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dashboards.report.cells import count_cell, number_cell, text_cell
from dashboards.report.context import Context
from dashboards.report.cube import Slice
from dashboards.report.document import (
    Column,
    Kind,
    Note,
    Ref,
    Row,
    Section,
    Sentence,
    Table,
    Tone,
    Total,
)
from dashboards.report.words import of_all, sentence
from dashboards.swedish import NOTHING, datetime_sv, listed
from schemas.measures import IDENTITY_RIGHT
from schemas.metrics import CHANNEL_LABELS
from schemas.timebase import day_start

IDENTITY, EXCLUDED, REJECTED, SOURCES, COUNTS = "utfall", "undantag", "avvisade", "kallor", "forbehall"
IDENTITY_LABELS = {
    "answered": "Besvarade",
    "abandoned": "Lade på",
    "short_abandoned": "Lade på genast",
    "flowed_out": "Lämnade kön",
    "callback_taken": "Ringdes upp",
    "no_show": "Kom inte",
    "open": "Öppna",
}
EXCLUDED_LABELS = {
    "excluded_internal": "Kontakter från kollegor",
    "excluded_auto_reply": "Automatiska svar",
    "excluded_bounce": "Mejl som studsade tillbaka",
    "excluded_bulk": "Massutskick",
    "excluded_spam": "Skräppost",
    "errands_internal_topic": "Ärenden i ämnen som är intern service",
}
QUALITY_LABELS = {
    "errands_unlinked": "Registrerade ärenden som inte hör till någon känd kontakt",
    "channel_default": "Ärenden där ett system fyllde i kanalen av sig självt",
    "redial": "Samtal från någon som nyss lagt på i kön",
}


def quality(context: Context) -> Section:
    """Return the section."""
    note = Note("Att tänka på", tuple(_remarks(context)), _tone(context))
    tables = () if context.material.empty else (_identity(context), _excluded(context))
    others = _counts(context), _rejected(context), _sources(context)
    return Section("avsnitt-kvalitet", "Uppgifternas kvalitet", (note, *tables, *others))


def warnings(context: Context) -> Iterator[Sentence]:
    """Say what makes the figures unsure; nothing where all is well."""
    material = context.material
    if material.rejected:
        yield sentence(
            Ref(f"{REJECTED}/total/records", one="post", many="poster"),
            " från källorna gick inte att använda.",
        )
    silent = _silent(context)
    if silent:
        yield sentence(f"Under {context.this} kom ingen händelse från {listed(silent)}.")
    if context.gaps and not material.empty:
        yield sentence(
            "För ",
            Ref(f"{COUNTS}/gaps/now", one="öppen dag", many="öppna dagar"),
            f" under {context.this} finns inga kontakter alls, så där saknas troligen uppgifter.",
        )
    if material.late:
        yield sentence(
            Ref(f"{COUNTS}/late/now", one="händelse", many="händelser"),
            " kom för sent och räknas inte förrän dagarna har räknats om.",
        )
    if material.rebuilds:
        yield sentence("En omräkning pågår, så siffrorna kan ändras.")
    whole = material.now.whole()
    if whole["offered"] != sum(whole[name] for name in IDENTITY_RIGHT):
        yield sentence("Kontakternas utfall summerar inte till antalet kontakter; kör kommandot verify.")


def _remarks(context: Context) -> Iterator[Sentence]:
    found = tuple(warnings(context))
    if context.material.empty:
        yield sentence(f"Det finns inga uppgifter om {context.this}.")
    yield from found
    if not context.material.sources:
        yield sentence(
            "Ingen källa har lämnat uppgift om sin hälsa, så det går inte att säga om någon var tyst."
        )
    elif not found and not context.material.empty:
        yield sentence(f"Alla källor lämnade uppgifter under {context.this}, och inget väntar på omräkning.")
    for name, text in (
        ("outcome_registered", "Utfallet är registrerat för "),
        ("traceable", "Det går att se om personen hörde av sig igen för "),
    ):
        if context.figures[name].share is not None:
            yield sentence(text, *of_all(f"nyckeltal/{name}/now", "ärende", "ärenden"), ".")


def _tone(context: Context) -> Tone:
    return Tone.WARNING if tuple(warnings(context)) else Tone.NEUTRAL


def _silent(context: Context) -> list[str]:
    since = day_start(context.material.period.since)
    return [
        s.instance for s in context.material.sources if s.last_event_at is None or s.last_event_at < since
    ]


def _identity(context: Context) -> Table:
    now = context.material.now
    order = [*CHANNEL_LABELS]
    parts = {channel: part for (channel,), part in now.by("channel", contacts=True).items()}
    rows = [
        _identity_row(channel or "okand", context.channel_label(channel), parts[channel])
        for channel in sorted(parts, key=lambda name: order.index(name) if name in order else len(order))
        if parts[channel]["offered"]
    ]
    names = tuple(row.key for row in rows)
    whole = _identity_row("total", "Alla kanaler", now.whole())
    rows.append(Row(whole.key, whole.label, whole.cells, total=True))
    return Table(
        IDENTITY,
        "Hur det gick för kontakterna",
        "Varje kontakt utifrån räknas i exakt en kolumn; kolumnerna summerar till alla kontakter. Lade på "
        "genast: inom 5 sekunder. Lämnade kön: till exempel för att det var stängt. Kom inte: besökare som "
        "kallades men inte kom.",
        (
            Column("offered", "Alla", Kind.COUNT),
            *(Column(name, label, Kind.COUNT) for name, label in IDENTITY_LABELS.items()),
        ),
        tuple(rows),
        totals=(Total("total", names), Total("offered", IDENTITY_RIGHT, columns=True)),
        row_heading="Kanal",
    )


def _identity_row(key: str, label: str, part: Slice) -> Row:
    names = ("offered", *IDENTITY_LABELS)
    return Row(key, label, tuple(count_cell(f"{IDENTITY}/{key}/{name}", part, name) for name in names))


def _excluded(context: Context) -> Table:
    return Table(
        EXCLUDED,
        "Undantag",
        "Detta finns kvar men ingår inte i bilden av servicen.",
        _when(context),
        _now_and_then(context, EXCLUDED, EXCLUDED_LABELS),
        row_heading="Regel",
    )


def _counts(context: Context) -> Table:
    gaps = number_cell(f"{COUNTS}/gaps/now", context.gaps)
    late = number_cell(f"{COUNTS}/late/now", context.material.late)
    rebuilds = number_cell(f"{COUNTS}/rebuilds/now", context.material.rebuilds)
    more = (
        Row("gaps", "Öppna dagar utan en enda kontakt", (gaps, None)),
        Row("late", "Sena händelser som väntar på omräkning", (late, None)),
        Row("rebuilds", "Omräkningar som pågår", (rebuilds, None)),
    )
    return Table(
        COUNTS,
        "Förbehåll",
        "Sådant som kan göra siffrorna osäkra.",
        _when(context),
        (*_now_and_then(context, COUNTS, QUALITY_LABELS), *more),
        row_heading="Vad",
    )


def _when(context: Context) -> tuple[Column, ...]:
    this = context.this[0].upper() + context.this[1:]
    return Column("now", this, Kind.COUNT), Column("then", context.then_heading, Kind.COUNT)


def _now_and_then(context: Context, key: str, labels: Mapping[str, str]) -> tuple[Row, ...]:
    slices = {"now": context.material.now.whole(), "then": context.then_whole()}
    rows = []
    for name, label in labels.items():
        cells = [count_cell(f"{key}/{name}/{when}", part, name) for when, part in slices.items()]
        rows.append(Row(name, label, tuple(cells)))
    return tuple(rows)


def _rejected(context: Context) -> Table:
    found = context.material.rejected
    rows = [
        Row(
            str(number),
            row.instance,
            (
                text_cell(f"{REJECTED}/{number}/reason", row.reason),
                number_cell(f"{REJECTED}/{number}/records", row.records),
            ),
        )
        for number, row in enumerate(found, start=1)
    ]
    if found:
        total = number_cell(f"{REJECTED}/total/records", sum(row.records for row in found))
        rows.append(Row("total", "Alla källor", (None, total), total=True))
    return Table(
        REJECTED,
        "Poster som inte gick att använda",
        "Poster från källorna som avvisades under perioden och inte har lagts in igen sedan dess.",
        (Column("reason", "Skäl", Kind.TEXT), Column("records", "Poster", Kind.NUMBER)),
        tuple(rows),
        row_heading="Källa",
        empty="Inga.",
    )


def _sources(context: Context) -> Table:
    silent = _silent(context)
    rows = []
    for number, source in enumerate(context.material.sources, start=1):
        at = f"{SOURCES}/{number}"
        last = datetime_sv(source.last_event_at) if source.last_event_at else NOTHING
        heard = "Nej, källan var tyst" if source.instance in silent else "Ja"
        rows.append(
            Row(
                str(number),
                source.instance,
                (text_cell(f"{at}/last", last), text_cell(f"{at}/heard", heard)),
            )
        )
    return Table(
        SOURCES,
        "Källornas senaste händelse",
        "Så som den var känd när perioden var slut.",
        (
            Column("last", "Senaste händelse", Kind.TEXT),
            Column("heard", "Under perioden", Kind.TEXT),
        ),
        tuple(rows),
        row_heading="Källa",
        empty="Ingen källa har lämnat uppgift om sin hälsa.",
    )
