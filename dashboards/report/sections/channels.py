"""How the errands came in: the share of each channel, beside the published picture."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.report.cells import count_cell, goal_cell, part_cell
from dashboards.report.context import Context
from dashboards.report.cube import Slice
from dashboards.report.document import (
    Chart,
    ChartKind,
    Column,
    Form,
    Kind,
    Paragraph,
    Part,
    Ref,
    Row,
    Section,
    Sentence,
    Table,
    Total,
)
from dashboards.report.words import sentence
from dashboards.swedish import listed
from schemas.metrics import CHANNEL_GOALS, CHANNEL_LABELS
from schemas.statistics import wilson

KEY = "kanaler"
_NAMES = {"telephone": "telefon", "email": "e-post", "visit": "besök"}


def channels(context: Context) -> Section:
    """Return the section."""
    table = _table(context)
    said = channel_sentence(context)
    chart = Chart(
        "bild-kanaler",
        ChartKind.BARS,
        "Ärenden per kanal",
        KEY,
        ("share",),
        (sentence("Stapeldiagram: andelen ärenden i varje kanal, med den publicerade bilden som märke."),),
        goal="goal",
    )
    return Section("avsnitt-kanaler", "Kanaler", (Paragraph(tuple(said)), chart, table))


def shown_channels(context: Context) -> tuple[str, ...]:
    """Return the channels that had errands now or then, and those of the published picture, in order."""
    names = {key[0] for key, part in context.material.now.by("channel").items() if part["errands"]}
    names |= {key[0] for key, part in context.then_by("channel").items() if part["errands"]}
    known = list(CHANNEL_LABELS)
    return tuple(
        sorted(names | set(CHANNEL_GOALS), key=lambda n: (known.index(n) if n in known else len(known), n))
    )


def _table(context: Context) -> Table:
    now = context.material.now
    parts, former = now.by("channel"), context.then_by("channel")
    rows = []
    for name in shown_channels(context):
        where = _where(name, now.area)
        part = parts.get((name,), Slice(now.period, where=where))
        earlier = former.get((name,), context.nothing(where))
        rows.append(
            Row(
                name,
                context.channel_label(name),
                (
                    count_cell(f"{KEY}/{name}/errands", part, "errands"),
                    part_cell(f"{KEY}/{name}/share", part, now.chosen(), "errands"),
                    goal_cell(f"{KEY}/{name}/goal", CHANNEL_GOALS.get(name)),
                    part_cell(f"{KEY}/{name}/then", earlier, context.then_chosen(), "errands"),
                ),
            )
        )
    names = tuple(row.key for row in rows)
    total = count_cell(f"{KEY}/total/errands", now.chosen(), "errands")
    rows.append(Row("total", "Alla kanaler", (total, None, None, None), total=True))
    return Table(
        KEY,
        "Ärenden per kanal",
        "Andel av alla ärenden, efter den kanal där ärendet först kom in. Den som återkommer känns igen bara "
        "om samma nummer eller adress används.",
        (
            Column("errands", "Ärenden", Kind.COUNT),
            Column("share", "Andel", Kind.SHARE),
            Column("goal", "Publicerad bild", Kind.SHARE),
            Column("then", context.then_heading, Kind.SHARE),
        ),
        tuple(rows),
        totals=(Total("total", names),),
        row_heading="Kanal",
    )


def _where(channel: str, area: str) -> tuple[tuple[str, str], ...]:
    return (*((("area", area),) if area else ()), ("channel", channel))


def channel_sentence(context: Context) -> Iterator[Sentence]:
    """Say how the errands came in, and how that stands to the published picture; nothing without errands."""
    now = context.material.now
    whole = now.chosen()["errands"]
    if not whole:
        return
    parts: list[Part] = ["Av ärendena kom "]
    for place, (name, text) in enumerate(_NAMES.items()):
        separator = "" if place == 0 else " och " if place == len(_NAMES) - 1 else ", "
        preposition = "som besök" if name == "visit" else f"via {text}"
        key = f"{KEY}/{name}/share"
        parts += [separator, Ref(key), " (", Ref(key, Form.INTERVAL), f") {preposition}"]
    parts.append(".")
    off = []
    by_channel = now.by("channel")
    for name, goal in CHANNEL_GOALS.items():
        share = wilson(by_channel.get((name,), Slice("")).sums.get("errands", 0), whole)
        if share is not None and not share.covers(goal):
            off.append(f"{_NAMES[name]} {'över' if share.value > goal else 'under'}")
    parts += [" Den publicerade bilden är "]
    for place, name in enumerate(CHANNEL_GOALS):
        parts += ["" if place == 0 else " och " if place == 2 else ", ", Ref(f"{KEY}/{name}/goal")]
    parts.append(f"; nu ligger {listed(off)}." if off else "; alla tre ligger inom osäkerheten.")
    yield sentence(*parts)
