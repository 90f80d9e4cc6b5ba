"""The report's summary in plain Swedish, made by rules from its figures.

Each sentence names the numbers that it rests on. A change is stated only where chance does not explain
it; a figure whose time has not passed is called preliminary and not compared.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.report.comparison import Change
from dashboards.report.model import Compared, Report
from dashboards.swedish import (
    count_of,
    date_sv,
    duration,
    listed,
    number,
    percent,
    percent_interval,
    points,
    week_sv,
)
from schemas.metric import Unit
from schemas.statistics import SMALL_N, Share

NO_DATA = "Det finns inga uppgifter om veckan."
_MET_OR_HUNG_UP = "Inom 60 sekunder fick svar, eller avslutades av den som ringde,"
FEW = f"Underlaget är litet, färre än {SMALL_N}, så siffran är osäker."


def summary(report: Report) -> tuple[str, ...]:
    """Return the summary, the most important first."""
    if report.empty:
        return (f"{NO_DATA} Kontrollera att källorna och beräkningen är i gång.",)
    return tuple(_sentences(report))


def _sentences(report: Report) -> Iterator[str]:
    if not report.over:
        yield "Veckan är inte slut, så alla siffror är preliminära."
    yield _inflow(report)
    yield from _open_days(report)
    yield _resolved(report)
    yield from _first_contact(report)
    yield from _handed_over(report)
    yield from _telephone(report)
    yield from _mail(report)
    yield from _visits(report)
    yield from _channels(report)
    yield from _quality(report)


def _inflow(report: Report) -> str:
    offered, errands = report.figures["offered"], report.figures["errands"]
    text = (
        f"Under {week_sv(report.week)} kom {count_of(offered.now.hits, 'kontakt', 'kontakter')} in, "
        f"och de gällde {count_of(errands.now.hits, 'ärende', 'ärenden')}."
    )
    return f"{text} {_count_change('Antalet kontakter', offered)}".rstrip()


def _count_change(what: str, compared: Compared) -> str:
    now, before = compared.now.hits, compared.before.hits
    if compared.change is Change.UNCHANGED:
        return f"{what} är oförändrat mot veckan före ({number(before)})."
    if compared.change in {Change.HIGHER, Change.LOWER}:
        word = "fler" if now > before else "färre"
        return f"Det är {number(abs(now - before))} {word} än veckan före ({number(before)})."
    return ""


def _open_days(report: Report) -> Iterator[str]:
    now, before = report.open_days
    if now != before:
        yield (
            f"Kommuncenter hade öppet {count_of(now, 'dag', 'dagar')}, mot {number(before)} veckan före. "
            "Det påverkar antalen."
        )


def _resolved(report: Report) -> str:
    resolved = report.figures["resolved_in_centre"]
    if resolved.now.share is None:
        return "Inga ärenden kom in, så det går inte att säga hur många som löstes i Kommuncenter."
    return f"Kommuncenter löste {_of(resolved, 'ärenden')}. {_verdict(resolved)}"


def _first_contact(report: Report) -> Iterator[str]:
    final, early = report.first_contact, report.figures["fcr_provisional"]
    days = f"{number(report.definitions.days)} dygn"
    if final.now.share is None:
        return
    if final.final_on:
        yield f"Vid första kontakten löstes, preliminärt, {_of(early, 'ärenden')}. {_verdict(early)}"
        yield (
            f"Den slutliga siffran räknar bort dem som hör av sig igen inom {days}. "
            f"Den är preliminär till {date_sv(final.final_on)}, och är hittills "
            f"{percent(final.now.value)} ({number(final.now.hits)} av {number(final.now.n)} ärenden)."
        )
    else:
        yield (
            f"Vid första kontakten, utan att personen hörde av sig igen inom {days}, löstes "
            f"{_of(final, 'ärenden')}. {_verdict(final)}"
        )
    traceable = report.figures["traceable"]
    yield f"Det gick att följa {_of(traceable, 'ärenden')}; dolda nummer kan inte följas."


def _handed_over(report: Report) -> Iterator[str]:
    rate, reach = report.figures["handover_rate"], report.figures["under_reach"]
    if rate.now.share is not None:
        yield f"Till en förvaltning lämnades {_of(rate, 'ärenden')}. {_verdict(rate)}"
    if report.units:
        top = report.units[0]
        total = report.figures["handovers"].now.hits
        yield f"Flest överlämningar gick till {top.label}: {number(top.handovers)} av {number(total)}."
    if reach.now.hits:
        most = max(report.topics, key=lambda row: row.under_reach.hits)
        yield (
            f"{count_of(reach.now.hits, 'ärende', 'ärenden')} lämnades vidare fast Kommuncenter har mandat "
            f"att lösa dem, flest i ämnet {most.label} ({number(most.under_reach.hits)})."
        )


def _telephone(report: Report) -> Iterator[str]:
    level, waits = report.service_level, report.waits[0]
    if level.now.share is not None:
        only_answered = level.metric.numerator == ("answered_in_target",)
        met = "Svar inom 60 sekunder fick" if only_answered else _MET_OR_HUNG_UP
        yield f"{met} {_of(level, 'samtal')}. {_verdict(level)}"
    if waits.n:
        yield (
            f"De {count_of(waits.n, 'besvarade samtalet', 'besvarade samtalen')} väntade i medeltal "
            f"{duration(waits.mean)}. Hälften väntade högst {duration(waits.median)} "
            f"och nio av tio högst {duration(waits.p90)}. "
            f"{_mean_change(report.figures['speed_of_answer'])}"
        ).rstrip()


def _mean_change(compared: Compared) -> str:
    before = duration(compared.before.value)
    if compared.change is Change.UNCHANGED:
        return f"Medelväntetiden är oförändrad mot veckan före ({before})."
    if compared.change is Change.HIGHER:
        return f"Medelväntetiden är längre än veckan före ({before})."
    return f"Medelväntetiden är kortare än veckan före ({before})." if compared.change is Change.LOWER else ""


def _mail(report: Report) -> Iterator[str]:
    day, hours = report.figures["mail_in_time"], report.figures["mail_in_24h"]
    if day.now.share is not None:
        yield f"Inom en arbetsdag besvarades {_of(day, 'mejl')}. {_verdict(day)}"
    if hours.now.share is not None:
        yield f"Inom 24 timmar besvarades {_of(hours, 'mejl')}. {_verdict(hours)}"


def _visits(report: Report) -> Iterator[str]:
    wait = report.figures["visit_wait"].now
    if wait.value is not None:
        yield (
            f"{count_of(wait.n, 'besökare', 'besökare')} kallades fram och väntade i medeltal "
            f"{duration(wait.value)}."
        )


def _channels(report: Report) -> Iterator[str]:
    shown = [row for row in report.channels if row.now is not None and (row.goal or row.errands)]
    if shown:
        n = report.figures["errands"].now.hits
        parts = [f"{row.label.lower()} {percent(row.now.value if row.now else None)}" for row in shown]
        goals = [f"{number((row.goal or 0) * 100)}" for row in shown if row.goal]
        yield (
            f"{count_of(n, 'ärende', 'ärenden')} fördelade sig så här: {listed(parts)}. "
            f"Den publicerade bilden är {'/'.join(goals)}."
        )


def _quality(report: Report) -> Iterator[str]:
    rejected = report.quality.rejected_records
    if rejected:
        yield f"{count_of(rejected, 'post', 'poster')} från källorna gick inte att använda."
    silent = [row.instance for row in report.quality.sources if not row.in_week]
    if silent:
        yield f"Under veckan kom ingen händelse från {listed(silent)}."
    if not all(row.adds_up for row in report.identity):
        yield "Kontakternas utfall summerar inte till antalet kontakter; kör kommandot verify."


def _of(compared: Compared, things: str) -> str:
    now = compared.now
    if now.share is None:
        raise ValueError(f"{now.metric.name} is no share, or has no value")
    return (
        f"{number(now.hits)} av {number(now.n)} {things}, {percent(now.share.value)} "
        f"({percent_interval(now.share.low, now.share.high)})"
    )


def _verdict(compared: Compared) -> str:
    """Return how the figure stands to its target and to the week before."""
    share = compared.now.share
    parts = [] if share is None else [_target(share, compared.metric.target)]
    parts.append(change_text(compared))
    if compared.now.small:
        parts.append(FEW)
    return " ".join(part for part in parts if part)


def _target(share: Share, target: float | None) -> str:
    if target is None:
        return ""
    if share.covers(target):
        return f"Målet {percent(target)} ligger inom osäkerheten."
    return f"Det är {'över' if share.value > target else 'under'} målet {percent(target)}."


def change_text(compared: Compared) -> str:
    """Return what the comparison with the week before says, with the earlier number; may be empty."""
    now, before = compared.now.value, compared.before.value
    if compared.metric.unit is not Unit.SHARE or now is None:
        return ""
    if compared.change is Change.UNCHANGED:
        return f"Oförändrat mot veckan före ({percent(before)})."
    if compared.change in {Change.HIGHER, Change.LOWER} and before is not None:
        word = "högre" if now > before else "lägre"
        return f"Det är {points(now - before)} {word} än veckan före ({percent(before)})."
    if compared.change is Change.NOT_YET:
        return f"Veckan före: {percent(before)}; jämförs när siffran är slutlig."
    return "Veckan före saknas att jämföra med."
