"""What the centre resolved itself: by area and topic, and with the mix of topics held still."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dashboards.report.cells import count_cell, metric_cell, quantities, text_cell
from dashboards.report.comparison import Change, Standardised, standardised
from dashboards.report.context import Compared, Context
from dashboards.report.cube import Slice
from dashboards.report.document import (
    Cell,
    Chart,
    ChartKind,
    Column,
    Form,
    Kind,
    Paragraph,
    Ref,
    Row,
    Section,
    Sentence,
    Table,
    Total,
)
from dashboards.report.words import of_all, sentence, verdict
from dashboards.swedish import date_sv
from schemas.metrics import ERRANDS, HANDOVER_RATE, RESOLVED_IN_CENTRE

AREAS, TOPICS, MIX = "omraden", "amnen", "jamforbart"
_HALF = 0.5
"""The mix is called the explanation only where it accounts for more than this part of a change."""


def resolution(context: Context) -> Section:
    """Return the section."""
    said = [*resolved_sentence(context), *mix_sentence(context), *first_contact_sentences(context)]
    chart = Chart(
        "bild-omraden",
        ChartKind.BARS,
        "Löst i Kommuncenter, område för område",
        AREAS,
        ("resolved",),
        (sentence("Stapeldiagram: andelen ärenden i varje område som Kommuncenter löste, med intervall."),),
    )
    areas = _areas(context)
    return Section(
        "avsnitt-losning",
        "Löst i Kommuncenter",
        (
            Paragraph(tuple(said)),
            *((chart,) if areas.rows else ()),
            areas,
            _topics(context),
            *((_mix(context),) if context.material.then is not None else ()),
        ),
    )


# ---- sentences -------------------------------------------------------------------------------------


def resolved_sentence(context: Context) -> Iterator[Sentence]:
    """Say how many errands the centre resolved."""
    compared = context.figures["resolved_in_centre"]
    row = "nyckeltal/resolved_in_centre"
    if compared.share is None:
        yield sentence("Inga ärenden kom in, så det går inte att säga hur många som löstes i Kommuncenter.")
        return
    yield sentence(
        "Kommuncenter löste ",
        *of_all(f"{row}/now", "ärende", "ärenden"),
        ".",
        *verdict(context, compared, row),
        rests_on=(f"{row}/then",) if compared.former is not None else (),
    )


def first_contact_sentences(context: Context) -> Iterator[Sentence]:
    """Say how many errands were resolved at the first contact, finally or so far, and who can be followed."""
    yield from first_contact_sentence(context)
    if context.first_contact.share is not None:
        yield sentence(
            "Det gick att följa ",
            *of_all("nyckeltal/traceable/now", "ärende", "ärenden"),
            ". Den som ringer med dolt nummer kan inte följas.",
        )


def first_contact_sentence(context: Context) -> Iterator[Sentence]:
    """Say the same without who can be followed."""
    final, early = context.first_contact, context.figures["fcr_provisional"]
    days = f"{context.definitions.days} dygn"
    row = f"nyckeltal/{final.metric.name}"
    if final.share is None:
        return
    if final.final_on is None:
        yield sentence(
            f"Vid första kontakten, utan att personen hörde av sig igen inom {days}, löstes ",
            *of_all(f"{row}/now", "ärende", "ärenden"),
            ".",
            *verdict(context, final, row),
            rests_on=(f"{row}/then",) if final.former is not None else (),
        )
        return
    yield sentence(
        "Vid första kontakten löstes, preliminärt, ",
        *of_all("nyckeltal/fcr_provisional/now", "ärende", "ärenden"),
        ".",
        *verdict(context, early, "nyckeltal/fcr_provisional"),
        f" Den slutliga siffran räknar bort dem som hör av sig igen inom {days}. Den är preliminär till "
        f"{date_sv(final.final_on)}, och hittills ",
        Ref(f"{row}/now"),
        ".",
    )


def mix_sentence(context: Context) -> Iterator[Sentence]:
    """Say whether a change is one of topics or of how well they were resolved; nothing where neither is."""
    compared = context.figures["resolved_in_centre"]
    found = mix_of(context, compared)
    if found is None or compared.change in {Change.NOT_YET, Change.UNKNOWN}:
        return
    mixed, crude = found.difference.change, compared.change
    row = f"{MIX}/{compared.metric.name}"
    begin = (
        f"Hade ämnena fördelat sig som {context.then_words} hade andelen varit ",
        Ref(f"{row}/standard"),
        " (",
        Ref(f"{row}/standard", Form.INTERVAL),
        ")",
    )
    if not crude.real and not mixed.real:
        return
    if crude is mixed:
        end = ", så förändringen beror inte på att andra ämnen var vanliga."
    elif not crude.real:
        word = "bättre" if mixed is Change.HIGHER else "sämre"
        end = (
            f". Ämne för ämne gick det alltså {word}, men det syns inte i helheten eftersom andra ämnen var "
            "vanliga."
        )
    elif _explained(compared, found):
        end = (
            ", vilket är oförändrat. Förändringen hänger alltså ihop med vad invånarna frågade om, inte med "
            "hur väl ärendena löstes."
        )
    else:
        end = ". Om förändringen beror på ämnena eller på hur väl ärendena löstes går inte att säga säkert."
    yield sentence(*begin, end, rests_on=(f"{row}/conclusion",))


def _explained(compared: Compared, found: Standardised) -> bool:
    if compared.value is None or compared.former is None:
        return False
    crude = compared.value - compared.former
    return not found.difference.change.real and abs(crude - found.difference.value) > _HALF * abs(crude)


def mix_of(context: Context, compared: Compared) -> Standardised | None:
    """Return a share of errands with the topics as common as in the period compared with."""
    now, then = context.material.now, context.material.then
    if then is None or compared.final_on is not None:
        return None
    parts, former = now.by("topic"), then.by("topic")
    metric = compared.metric
    return standardised(
        {
            topic: (
                metric.counts(parts.get((topic,), Slice("")).sums),
                metric.counts(former.get((topic,), Slice("")).sums),
            )
            for (topic,) in sorted({*parts, *former})
        }
    )


# ---- tables ----------------------------------------------------------------------------------------


def _areas(context: Context) -> Table:
    now, former = context.material.now, context.then_by("area")
    order = [*context.catalogue.areas, ""]
    rows = []
    for (area,), part in sorted(now.by("area").items(), key=lambda item: _place(order, item[0][0])):
        if part["errands"]:
            earlier = former.get((area,), context.nothing((("area", area),)))
            rows.append(_row(context, (AREAS, area or "okant"), context.area_label(area), part, earlier))
    total = now.chosen()
    names = tuple(row.key for row in rows)
    if len(rows) > 1:
        whole = _row(context, (AREAS, "total"), "Alla områden", total, context.then_chosen())
        rows.append(Row(whole.key, whole.label, whole.cells, total=True))
    return Table(
        AREAS,
        "Löst i Kommuncenter, område för område",
        "Andelen är av alla ärenden i området; öppna och överlämnade räknas med. ”Lämnat vidare” är av de "
        "ärenden som Kommuncenter tog emot.",
        _columns(context),
        tuple(rows),
        totals=(Total("total", names),) if len(names) > 1 else (),
        row_heading="Område",
        empty="Inga ärenden under perioden.",
    )


def _place(order: list[str], area: str) -> tuple[int, str]:
    return (order.index(area) if area in order else len(order), area)


def _topics(context: Context) -> Table:
    now, former = context.material.now, context.then_by("topic")
    rows = []
    for (topic,), part in now.by("topic").items():
        if part["errands"]:
            earlier = former.get((topic,), context.nothing((("topic", topic),)))
            row = _row(context, (TOPICS, topic or "okant"), context.topic_label(topic), part, earlier)
            area = context.area_of_topic(topic)
            rows.append(
                Row(row.key, row.label, row.cells, note=area, area=area, sensitive=context.sensitive(topic))
            )
    counts = {topic or "okant": part["errands"] for (topic,), part in now.by("topic").items()}
    rows.sort(key=lambda row: (-counts[row.key], row.label))
    return Table(
        TOPICS,
        "Löst i Kommuncenter, ämne för ämne",
        "De vanligaste ämnena först.",
        _columns(context),
        tuple(rows),
        ranked=True,
        row_heading="Ämne",
        empty="Inga ärenden under perioden.",
    )


def _columns(context: Context) -> tuple[Column, ...]:
    return (
        Column("errands", "Ärenden", Kind.COUNT),
        Column("resolved", "Löst", Kind.SHARE),
        Column("then", "Löst", Kind.SHARE, note=context.then_words),
        Column("first", "Vid första kontakten", Kind.SHARE, note=_first_note(context)),
        Column("handed_over", "Lämnat vidare", Kind.SHARE),
    )


def _first_note(context: Context) -> str:
    early = context.preliminary(context.first_contact.metric)
    return f"{context.definitions.days} dygn{', preliminärt' if early else ''}"


def _row(context: Context, place: tuple[str, str], label: str, part: Slice, earlier: Slice) -> Row:
    """Return the row at a place (table, row)."""
    first = context.first_contact.metric
    table, key = place
    return Row(
        key,
        label,
        (
            count_cell(f"{table}/{key}/errands", part, *ERRANDS.numerator),
            metric_cell(f"{table}/{key}/resolved", RESOLVED_IN_CENTRE, part),
            metric_cell(f"{table}/{key}/then", RESOLVED_IN_CENTRE, earlier),
            metric_cell(f"{table}/{key}/first", first, part, preliminary=context.preliminary(first)),
            metric_cell(f"{table}/{key}/handed_over", HANDOVER_RATE, part),
        ),
    )


def _mix(context: Context) -> Table:
    rows = []
    for name in ("resolved_in_centre", context.first_contact.metric.name):
        compared = context.figures[name]
        found = mix_of(context, compared)
        if found is not None:
            rows.append(Row(name, compared.metric.label_sv, _mix_cells(context, compared, found)))
    return Table(
        MIX,
        "Med samma fördelning av ämnen",
        f"Vad andelen hade varit om ämnena hade varit lika vanliga som {context.then_words} (direkt "
        "standardisering). Bara ämnen som förekom i båda perioderna räknas, så även jämförelsen kan skilja "
        "sig något från tabellerna ovan.",
        (
            Column("now", "Som det blev", Kind.SHARE),
            Column("standard", f"Med ämnena {context.then_words}", Kind.SHARE),
            Column("then", context.then_heading, Kind.SHARE),
            Column("conclusion", "Skillnad när ämnena är lika", Kind.TEXT),
        ),
        tuple(rows),
        row_heading="Mått",
        empty="Går inte att räkna ut: inga ämnen förekom i båda perioderna, eller så är siffran preliminär.",
    )


_CONCLUSIONS: Mapping[Change, str] = {
    Change.HIGHER: "↑ högre",
    Change.LOWER: "↓ lägre",
    Change.UNCHANGED: "→ oförändrat",
}


def _mix_cells(context: Context, compared: Compared, found: Standardised) -> tuple[Cell, ...]:
    row = f"{MIX}/{compared.metric.name}"
    now, then = context.material.now, context.material.then
    assert then is not None
    parts, former = now.by("topic"), then.by("topic")
    of = tuple(
        name
        for topic in found.topics
        for part in (parts[(topic,)], former[(topic,)])
        for name in quantities(compared.metric, part)
    )
    return (
        metric_cell(f"{row}/now", compared.metric, compared.now),
        Cell(f"{row}/standard", Kind.SHARE, found.value, low=found.low, high=found.high, of=of),
        Cell(f"{row}/then", Kind.SHARE, found.then, of=of),
        text_cell(f"{row}/conclusion", _CONCLUSIONS[found.difference.change], *of),
    )
