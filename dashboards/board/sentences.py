"""What the figures say, in plain Swedish: one sentence for each figure and each chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from math import floor

from dashboards.board.baseline import Today
from dashboards.board.periods import Span
from dashboards.board.picture import ChannelShare, Figure, Picture, UnitHandovers, Waits
from dashboards.board.reading import Waiting
from dashboards.board.sources import SourceHealth
from dashboards.swedish import (
    NBSP,
    NOTHING,
    WEEKDAYS,
    clock_sv,
    count_of,
    date_sv,
    duration,
    listed,
    number,
    percent,
    percent_interval,
    week_sv,
)
from schemas.clickhouse.silence import SourceVerdict
from schemas.metric import Unit
from schemas.metrics import CHANNEL_GOALS, CHANNEL_LABELS
from schemas.statistics import SMALL_N, Share
from schemas.timebase import local_day

TOO_FEW = "för få för att säga säkert"
QUEUE_LABELS = {"telephone": "telefon", "visit": "reception"}
_WITHIN = 0.015
"""A share this near to a whole tenth is said without "drygt" or "knappt"."""


_RANGE = "\u2060–\u2060"
"""A dash that does not end a line."""


class Tone(StrEnum):
    """How a judgement is drawn; the words say the same, so colour is never alone."""

    GOOD = "god"
    BAD = "dalig"
    NEUTRAL = "neutral"
    WARNING = "varning"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement in words, with a symbol and a tone."""

    text: str
    symbol: str
    tone: Tone


def value(figure: Figure) -> str:
    """Return a figure as it stands in large type; a dash for an empty denominator."""
    if figure.metric.unit is Unit.SHARE:
        return percent(figure.value)
    if figure.metric.unit is Unit.SECONDS:
        return duration(figure.value)
    return number(figure.value, 0 if figure.metric.unit is Unit.COUNT else 1)


def of_ten(share: float) -> str:
    """Return a share (0..1) in tenths: ``drygt 7 av 10``, ``7 av 10``, ``knappt 7 av 10``."""
    tenths = floor(share * 10 + 0.5)
    difference = share - tenths / 10
    if tenths == 0:
        return "färre än 1 av 20"
    if tenths == 10 and share < 1:
        return "minst 19 av 20"
    if abs(difference) <= _WITHIN:
        return f"{tenths}{NBSP}av{NBSP}10"
    return f"{'drygt' if difference > 0 else 'knappt'} {tenths}{NBSP}av{NBSP}10"


def hits_of(share: Share, one: str, many: str) -> str:
    """Return ``7 av 10 ärenden`` for a few, and ``drygt 6 av 10 ärenden (510 av 750)`` for many."""
    plain = f"{number(share.hits)}{NBSP}av{NBSP}{number(share.n)}"
    if share.n < SMALL_N:
        return f"{plain} {one if share.n == 1 else many}"
    if share.hits == 0:
        return f"inget av {count_of(share.n, one, many)}" if one == "ärende" else f"{plain} {many}"
    if share.hits == share.n:
        return f"alla {count_of(share.n, one, many)}"
    return f"{of_ten(share.value)} {many} ({plain})"


def interval(figure: Figure) -> str:
    """Return the uncertainty of a share; empty where there is none."""
    if figure.share is None:
        return ""
    return f"osäkerhet {percent_interval(figure.share.low, figure.share.high)}"


def population(figure: Figure) -> str:
    """Return ``n = 750``."""
    return f"n{NBSP}={NBSP}{number(figure.n)}"


def verdict(figure: Figure) -> Verdict | None:
    """Judge a figure against its target; None where there is no target or nothing to judge.

    Beside a preliminary figure the target is only told: what is still open today counts as unsolved, and
    would make every morning look bad.
    """
    share, target = figure.share, figure.metric.target
    if share is None:
        return None
    if share.small:
        return Verdict(TOO_FEW.capitalize(), "?", Tone.NEUTRAL)
    if target is None:
        return None
    if figure.preliminary:
        return Verdict(f"Målet är {percent(target)}", "◎", Tone.NEUTRAL)
    return _judged(share, target)


def _judged(share: Share, target: float) -> Verdict:
    """A target inside the interval is neither met nor missed (DOMAIN §2.5)."""
    goal = f"målet {percent(target)}"
    if share.covers(target):
        return Verdict(f"I nivå med {goal}", "≈", Tone.NEUTRAL)
    if share.value > target:
        return Verdict(f"Över {goal}", "▲", Tone.GOOD)
    return Verdict(f"Under {goal}", "▼", Tone.BAD)


def service_level(figure: Figure) -> str:
    """Say how many calls were answered in time."""
    if figure.share is None:
        return "Inga samtal under perioden."
    only_answered = figure.metric.numerator == ("answered_in_target",)
    met = "fick svar" if only_answered else "fick svar, eller avslutades av den som ringde,"
    return _sentence(f"{hits_of(figure.share, 'samtal', 'samtal')} {met} inom 60 sekunder")


def waits(found: Waits) -> str:
    """Say how long those waited who were answered."""
    if found.mean.value is None or found.median_s is None or found.p90_s is None:
        return "Inga samtal har besvarats under perioden."
    return (
        f"Väntan före svar: i medeltal {duration(found.mean.value)}. Hälften fick svar inom "
        f"{duration(found.median_s)}, 9{NBSP}av{NBSP}10 inom {duration(found.p90_s)} "
        f"({count_of(found.mean.n, 'besvarat samtal', 'besvarade samtal')})."
    )


def resolved(figure: Figure) -> str:
    """Say how many errands the centre has resolved."""
    return _errands(figure, "har Kommuncenter självt löst")


def first_contact(figure: Figure) -> str:
    """Say how many errands were resolved at the first contact."""
    return _errands(figure, "löstes vid första kontakten")


def handed_over(figure: Figure) -> str:
    """Say how many errands were handed over."""
    return _errands(figure, "lämnades till en förvaltning eller ett bolag")


def mail(figure: Figure) -> str:
    """Say how many mails were answered in time."""
    if figure.share is None:
        return "Inget mejl har haft sin sista svarstid under perioden."
    return _sentence(f"{hits_of(figure.share, 'mejl', 'mejl')} fick svar inom en arbetsdag")


def _errands(figure: Figure, said: str) -> str:
    if figure.share is None:
        return "Inga ärenden under perioden."
    return _sentence(f"{hits_of(figure.share, 'ärende', 'ärenden')} {said}")


def gauge(waiting: Waiting) -> str:
    """Say who waits in a queue, and for how long."""
    where = QUEUE_LABELS[waiting.channel]
    if not waiting.waiting:
        return f"Ingen väntar i {where}."
    first = f"{count_of(waiting.waiting, 'person', 'personer')} väntar i {where}"
    return f"{first}, längst {duration(waiting.longest_s)}."


def stale(waiting: Waiting) -> str:
    """Say what is left out of the gauge because it has been open too long; empty where nothing is."""
    if not waiting.stale:
        return ""
    what = "samtal" if waiting.channel == "telephone" else "besök"
    return f"{number(waiting.stale)}{NBSP}{what} öppet i mer än 2{NBSP}timmar, räknas inte här"


def summary(picture: Picture) -> str:
    """Say the most important things; read aloud when asked for."""
    service = service_level(picture.service_level)
    parts = [gauge(queue) for queue in picture.waiting]
    parts.append(f"{picture.period.label}: {service[0].lower()}{service[1:]}")
    return " ".join(parts)


def channels(shares: Sequence[ChannelShare]) -> str:
    """Say how the errands came."""
    known = [share for share in shares if share.share is not None]
    if not known:
        return "Inga ärenden under perioden."
    return _sentence(
        "Av ärendena kom "
        + listed(f"{percent(share.share.value)} via {_VIA[share.channel]}" for share in known if share.share)
    )


_VIA = {"telephone": "telefon", "email": "e-post", "visit": "besök", "unknown": "okänd kanal"}


def channel_verdict(channel: ChannelShare) -> Verdict | None:
    """Compare a channel with the published picture, which is no target: neither good nor bad."""
    if channel.share is None or channel.goal is None:
        return None
    goal = percent(channel.goal)
    if channel.share.small:
        return Verdict(TOO_FEW.capitalize(), "?", Tone.NEUTRAL)
    if channel.share.covers(channel.goal):
        return Verdict(f"I nivå med {goal}", "≈", Tone.NEUTRAL)
    over = channel.share.value > channel.goal
    return Verdict(f"{'Mer' if over else 'Mindre'} än {goal}", "▲" if over else "▼", Tone.NEUTRAL)


def units(rows: Sequence[UnitHandovers], rate: Figure) -> str:
    """Say where errands are handed over."""
    if not rows:
        return "Inga överlämningar under perioden."
    total = sum(row.handovers for row in rows)
    top = rows[0]
    most = f"flest till {top.label} ({number(top.handovers)})"
    return f"{count_of(total, 'överlämning', 'överlämningar')}, {most}. {handed_over(rate)}"


def usual_day_name(day: date) -> str:
    """Return ``en vanlig tisdag``."""
    return f"en vanlig {WEEKDAYS[day.weekday()]}"


def against_usual(today: Today, day: date) -> str:
    """Say how today's contacts compare with a usual day at the same time."""
    clock = clock_sv(today.until)
    first = f"{count_of(today.contacts, 'kontakt har', 'kontakter har')} kommit till kl.{NBSP}{clock}."
    if today.special:
        return f"{first} {today.special} jämförs inte med någon annan dag."
    if today.usual is None:
        return f"{first} Det finns ingen jämförbar dag att jämföra med."
    middle, low, high = today.usual
    days = count_of(len(today.compared_days), "jämförbar dag", "jämförbara dagar")
    compared = f"En vanlig {WEEKDAYS[day.weekday()]} är det {plain(middle)} vid samma tid"
    seen = f"{number(low)}{_RANGE}{number(high)} under {days}"
    return f"{first} {compared} ({seen}). {_times(today.contacts, low, high)}"


def _times(contacts: int, low: int, high: int) -> str:
    if contacts > high:
        return "Det är fler än någon av dem."
    if contacts < low:
        return "Det är färre än någon av dem."
    return "Det är som vanligt."


def _decimals(middle: float) -> int:
    return 0 if middle == int(middle) else 1


def source_verdict(source: SourceHealth) -> Verdict:
    """Say how a source does."""
    return _SOURCE_VERDICTS[source.state]


_SOURCE_VERDICTS = {
    SourceVerdict.WORKING: Verdict("Fungerar", "✓", Tone.GOOD),
    SourceVerdict.SILENT: Verdict("Tyst", "!", Tone.WARNING),
    SourceVerdict.UNREAD: Verdict("Läses inte", "✕", Tone.BAD),
}


def left_queue(abandoned: int, flowed_out: int) -> str:
    """Say how many left the queue without an answer."""
    hung_up = count_of(abandoned, "person lade", "personer lade")
    return f"{hung_up} på i kön efter minst 5 sekunder. {number(flowed_out)} lämnade kön på annat sätt."


def outcomes(registered: Figure) -> str:
    """Say where the outcomes come from."""
    if registered.value is None:
        return "Inga ärenden under perioden."
    return (
        f"För {percent(registered.value)} av ärendena har någon registrerat hur det gick. "
        "För övriga sluts det av kontakten själv."
    )


def mandate(use: Figure, under_reach: Figure) -> str:
    """Say how far the centre's mandate is used."""
    if use.value is None:
        return "Inga ärenden med känd nivå under perioden."
    missed = count_of(under_reach.hits, "ärende", "ärenden")
    return (
        f"Av ärenden inom mandatet löste Kommuncenter {percent(use.value)} självt ({population(use)}). "
        f"{missed} inom mandatet lämnades ändå vidare."
    )


def visit_wait(figure: Figure) -> str:
    """Say how long visitors waited."""
    if figure.value is None:
        return "Inga besökare har kallats fram under perioden."
    return f"{count_of(figure.n, 'besökare', 'besökare')} har kallats fram."


def excluded(figure: Figure, offered: Figure) -> str:
    """Say how many contacts stand outside the picture."""
    if not figure.hits:
        return "Inga kontakter har lämnats utanför."
    left_out = count_of(figure.hits, "kontakt", "kontakter")
    return f"{left_out} från kollegor och maskiner, utöver {number(offered.hits)} som räknas med."


def goals() -> str:
    """Return the published picture of the channels."""
    return listed(
        f"{CHANNEL_LABELS[channel].lower()} {percent(goal)}" for channel, goal in CHANNEL_GOALS.items()
    )


def span(days: Span) -> str:
    """Return the days of a period: one date, or the first and the last."""
    if days.first == days.last:
        return date_sv(days.first, weekday=True)
    if (days.first.year, days.first.month) == (days.last.year, days.last.month):
        return f"{days.first.day}–{date_sv(days.last)}"
    return f"{date_sv(days.first)} – {date_sv(days.last)}"


def week(iso: str) -> str:
    """Return ``vecka 46``; the year goes without saying on a live page."""
    return week_sv(iso).partition(",")[0]


def compared(days: Sequence[date]) -> str:
    """Name the days that today is compared with."""
    return (
        listed(date_sv(day) for day in sorted(days)) if days else "inga dagar, eftersom ingen går att jämföra"
    )


def plain(amount: float | None) -> str:
    """Return a median: whole, or with a half."""
    return number(amount, 0 if amount is None else _decimals(amount))


def sources(rows: Sequence[SourceHealth], today: date) -> str:
    """Say which sources are silent: what they would have told is missing in every figure."""
    if not rows:
        return "Ingen källa har hört av sig än. Siffrorna är därför tomma, inte noll."
    unread = [row.instance for row in rows if row.state is SourceVerdict.UNREAD]
    said = []
    if unread:
        said.append(f"{listed(unread)} läses inte: det som kommer därifrån saknas i siffrorna.")
    said += [_silence(row, today) for row in rows if row.state is SourceVerdict.SILENT]
    return " ".join(said) or "Alla källor fungerar."


def _silence(source: SourceHealth, today: date) -> str:
    if source.silent_since is None:
        return f"Från {source.instance} har inget kommit än."
    since = f"Från {source.instance} har inget kommit sedan {_at(source.silent_since, today)}"
    if source.missing is None:
        return f"{since}."
    return f"{since}. Så länge brukar det inte vara tyst: {source.missing} kontakter hade varit vanligt."


def rejections(n: int) -> str:
    """Say how many records could not be used."""
    if not n:
        return "Inga poster har avvisats under perioden."
    return f"{count_of(n, 'post kunde', 'poster kunde')} inte användas under perioden. De saknas i siffrorna."


def moment(instant: datetime | None, today: date) -> str:
    """Return an instant as ``14.05``, or ``23/11 kl. 14.05`` when not today; a dash for None."""
    if instant is None:
        return NOTHING
    day = local_day(instant)
    clock = clock_sv(instant)
    return clock if day == today else f"{day.day}/{day.month} kl.{NBSP}{clock}"


def outage(shown: Picture | None, today: date) -> str:
    """Say that the store is away, and from when the figures are."""
    away = "Statistiken går inte att nå just nu."
    if shown is None:
        return away
    return f"{away} Siffrorna är från {_at(shown.at, today)}."


def _at(instant: datetime, today: date) -> str:
    """Return an instant as it stands in a sentence: ``kl. 14.05``, or with its day when not today."""
    when = moment(instant, today)
    return when if "kl." in when else f"kl.{NBSP}{when}"


def age(seconds: float) -> str:
    """Return the age of figures: ``mindre än en minut gamla``, ``3 minuter gamla``."""
    minutes = int(max(seconds, 0) // 60)
    if minutes == 0:
        return "mindre än en minut gamla"
    if minutes < 120:
        return f"{count_of(minutes, 'minut', 'minuter')} gamla"
    return f"{count_of(minutes // 60, 'timme', 'timmar')} gamla"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
