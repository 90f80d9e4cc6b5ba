"""From events to figures, through the very folds of the workers, and figures as a worked case writes them.

A value is written as a Swede reads it, and exactly:

``3``                                   a count
``80 av 95 (84,2 %)``                   a share: both counts, and as a percentage
``7 av 10 (70 %, 40–89 %, få)``         the same with its interval, and *få* where n is too small to lean on
``1 min 30 s`` or ``37,5 s``            a mean, or a quantile of waits
``–``                                   nothing: the denominator is empty
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from fractions import Fraction

from dashboards.swedish import NBSP, NOTHING, duration, number, percent, percent_interval
from kommuncenter.worked.phrases import CHANNELS
from kommuncenter.worked.story import read_clock, read_day
from schemas.errors import ConfigurationError
from schemas.events import Event, SystemRestarted
from schemas.identity import partition_for
from schemas.measures import MEASURE_NAMES, quantile_seconds
from schemas.metric import Metric, Unit
from schemas.metrics import BY_NAME
from schemas.statistics import wilson
from schemas.timebase import iso_week, local_day, window_start
from streams.core.contributions import Amounts, RowKey
from streams.core.rules import Rules
from streams.core.stage1 import Stage1
from streams.core.stage2 import Stage2

PARTITIONS = 3
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

Rows = Mapping[RowKey, Amounts]

SHARES_OF_CHANNEL = {"channel_share": "errands", "channel_share_contacts": "contacts"}
"""Figures that report and board make of a row and its total: name -> basis (DOMAIN §2.1)."""
QUANTILES = {"wait_median": 0.5, "wait_p90": 0.9}
"""Figures that come of the histogram of waits (CORRECTIONS 32)."""


def rows_of(batches: Iterable[Sequence[Event]], rules: Rules) -> Rows:
    """Return the rows of the 15-minute grain that the batches give, summed over partitions."""
    ones = [Stage1(partition=p, epoch=1) for p in range(PARTITIONS)]
    twos = [Stage2(partition=p, epoch=1, horizon=_LONG_AGO, rules=rules) for p in range(PARTITIONS)]
    for batch in batches:
        for one in ones:
            mine = [
                e
                for e in batch
                if isinstance(e, SystemRestarted) or partition_for(e.subject, PARTITIONS) == one.partition
            ]
            messages = one.apply(mine)
            for two in twos:
                two.apply(m for m in messages if partition_for(m.key, PARTITIONS) == two.partition)
    total: dict[RowKey, Amounts] = {}
    for two in twos:
        for key, amounts in two.figures.windows.items():
            total.setdefault(key, Amounts()).merge(amounts)
    return {key: amounts for key, amounts in total.items() if not amounts.empty}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows count; None takes all."""

    day: date | None = None
    week: str | None = None
    window: datetime | None = None
    channel: str | None = None
    area: str | None = None
    topic: str | None = None
    unit: str | None = None

    def holds(self, key: RowKey) -> bool:
        """Tell whether a row is within the scope."""
        day = local_day(key.window)
        pairs = (
            (self.day, day),
            (self.week, iso_week(day)),
            (self.window, key.window),
            (self.channel, key.channel),
            (self.area, key.area),
            (self.topic, key.topic),
            (self.unit, key.unit),
        )
        return all(wanted is None or wanted == found for wanted, found in pairs)


_QUARTER = re.compile(r"kl\. (\d\d:\d\d)(?: (sommartid|vintertid))?")
_NAMED = re.compile(r"(ämne|område|enhet|vecka) (\S+)")


def read_scope(text: str) -> Scope:
    """Return the scope that a text such as ``fredag 2026-11-20, kl. 09:15, telefon`` names."""
    scope = Scope()
    for part in filter(None, text.split(", ")):
        quarter, named = _QUARTER.fullmatch(part), _NAMED.fullmatch(part)
        if quarter:
            if scope.day is None:
                raise ConfigurationError(f"{text!r}: name the day before the quarter")
            window = read_clock(scope.day, quarter[1], quarter[2])
            if window != window_start(window):
                raise ConfigurationError(f"{text!r}: no quarter begins at {quarter[1]}")
            scope = replace(scope, window=window)
        elif named:
            fields = {"ämne": "topic", "område": "area", "enhet": "unit", "vecka": "week"}
            value = "" if named[2] == "okänt" else named[2]
            scope = replace(scope, **{fields[named[1]]: value})  # type: ignore[arg-type]
        elif part in CHANNELS:
            scope = replace(scope, channel=CHANNELS[part])
        else:
            scope = replace(scope, day=read_day(part))
    return scope


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of measures, and calls per bin of waiting time."""

    sums: Mapping[str, int] = field(default_factory=dict)
    waits: Mapping[int, int] = field(default_factory=dict)


def totals(rows: Rows, scope: Scope) -> Totals:
    """Return the sums over the rows within a scope."""
    whole = Amounts()
    for key, amounts in rows.items():
        if scope.holds(key):
            whole.merge(amounts)
    return Totals(whole.measures, whole.waits)


def written(rows: Rows, scope: Scope, name: str, like: int | str) -> int | str:
    """Return a figure as a case writes it, with as many decimals and parts as ``like`` has.

    So a figure is right just if it equals ``like``. Raises ConfigurationError for an unknown name.
    """
    found = totals(rows, scope)
    if isinstance(like, int):
        if name in BY_NAME and not BY_NAME[name].denominator:
            return BY_NAME[name].counts(found.sums)[0]
        if name not in MEASURE_NAMES:
            raise ConfigurationError(f"{name}: no measure is called so")
        return found.sums.get(name, 0)
    if name in QUANTILES:
        seconds = quantile_seconds(dict(found.waits), QUANTILES[name])
        return NOTHING if seconds is None else plain(duration(seconds))
    if name in SHARES_OF_CHANNEL:
        basis = SHARES_OF_CHANNEL[name]
        everything = totals(rows, replace(scope, channel=None))
        return share_text(found.sums.get(basis, 0), everything.sums.get(basis, 0), like)
    if name not in BY_NAME:
        raise ConfigurationError(f"{name}: no metric is called so")
    return metric_text(BY_NAME[name], found.sums, like)


def metric_text(metric: Metric, sums: Mapping[str, int], like: str = "") -> str:
    """Return a metric over sums of measures as a case writes it."""
    top, bottom = metric.counts(sums)
    if not metric.denominator:
        return number(top)
    if bottom == 0:
        return NOTHING
    return share_text(top, bottom, like) if metric.unit is Unit.SHARE else mean_text(Fraction(top, bottom))


def mean_text(milliseconds: Fraction) -> str:
    """Return a mean of spans: exactly, or to the millisecond where it has more decimals."""
    seconds = milliseconds / 1000
    if seconds.denominator == 1 and (seconds < 3600 or seconds % 60 == 0):
        return plain(duration(float(seconds)))
    decimals = next((d for d in (0, 1, 2, 3) if (seconds * 10**d).denominator == 1), 3)
    return plain(number(float(seconds), decimals)) + " s"


_DECIMALS = re.compile(r"\(\d+,(\d+) %")


def share_text(hits: int, n: int, like: str = "") -> str:
    """Return a share with both counts; with as many decimals, and with an interval, if ``like`` has them."""
    share = wilson(hits, n)
    if share is None:
        return NOTHING
    decimals = _DECIMALS.search(like)
    parts = [percent(hits / n, len(decimals[1]) if decimals else 0)]
    if "–" in like:
        parts.append(percent_interval(share.low, share.high))
    if like.endswith(", få)") or ("–" in like and share.small):
        parts.append("få" if share.small else "nog")
    return f"{hits} av {n} ({plain(', '.join(parts))})"


def plain(text: str) -> str:
    """Return a text with plain spaces, as people type them in a file."""
    return text.replace(NBSP, " ")
