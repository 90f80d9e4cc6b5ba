"""The social media source: what a row of an export tells of an account (DOMAIN §3).

Gauges, never contacts. Rows of tables and columns that no series names are of no interest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from producers.contract import (
    Context,
    Normalised,
    Raw,
    Reader,
    ReaderContext,
    Reason,
    Rejected,
    Source,
)
from producers.sources.social.exports import cut
from producers.sources.social.settings import SocialSettings
from schemas.events import Channel, SocialMetric, SocialSnapshot, SocialSnapshotData
from schemas.identity import stable_hash
from schemas.timebase import day_start

_WHOLE = re.compile(r"\d{1,12}|\d{1,3}(?:[ \u00a0\u202f]\d{3}){1,3}", re.ASCII)
"""A whole number, perhaps in groups of three. A comma or point would be one to some, a decimal to others."""
_ISO_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ].*)?", re.ASCII)
_OWN = ("account", "metric", "last_day", "value")
"""Columns of a row that says by itself what it is about."""


class _Line(BaseModel):
    """A row as the reader gives it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str
    row: Mapping[str, Any]


class _RefusedError(Exception):
    """A row can't be used. The detail holds nothing of it but the names of columns in the settings."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.rejected = Rejected(reason, detail)


@dataclass(frozen=True, slots=True)
class _Gauge:
    """What a row says of an account."""

    account: str
    metric: SocialMetric
    first_day: date
    last_day: date
    value: int


def normalise(raw: Raw, settings: SocialSettings, context: Context) -> Normalised:
    """Return the snapshots of one row. Total: what can't be read is Rejected."""
    try:
        line = _Line.model_validate_json(raw.payload)
    except ValidationError:
        return Rejected(Reason.UNREADABLE, "no row of a table")
    cells = {_plain(name): cell for name, cell in line.row.items()}
    try:
        return [_snapshot(gauge, raw, settings, context) for gauge in _gauges(line.title, cells, settings)]
    except _RefusedError as refused:
        return refused.rejected


def _gauges(title: str, cells: Mapping[str, Any], settings: SocialSettings) -> Iterator[_Gauge]:
    if all(name in cells for name in _OWN):
        yield _own(cells, settings)
        return
    for series in settings.series:
        cell = cells.get(_plain(series.column))
        if _text(cell) == "" or (series.title and _plain(series.title) != _plain(title)):
            continue
        if series.metric is SocialMetric.FOLLOWERS and _counts_new_ones(title, cells):
            raise _RefusedError(
                Reason.BAD_VALUE, f"{series.column} counts those who are new, not those who follow"
            )
        if _plain(series.date) not in cells:
            raise _RefusedError(Reason.MISSING_FIELD, f"{series.date} is missing")
        last = _day(cells[_plain(series.date)], series.date, settings)
        first = last - timedelta(days=series.days - 1)
        yield _Gauge(series.account, series.metric, first, last, _number(cell, series.column))


def _own(cells: Mapping[str, Any], settings: SocialSettings) -> _Gauge:
    """Return what a row in our own format tells."""
    account, metric = _text(cells["account"]), _text(cells["metric"])
    if account not in settings.accounts:
        raise _RefusedError(Reason.BAD_VALUE, "account is none of the settings' accounts")
    if metric not in set(SocialMetric):
        raise _RefusedError(Reason.UNKNOWN_KIND, f"metric is none of {', '.join(SocialMetric)}")
    last = _day(cells["last_day"], "last_day", settings)
    told = cells.get("first_day")
    first = _day(told, "first_day", settings) if _text(told) else last
    if first > last:
        raise _RefusedError(Reason.BAD_TIME, "first_day is after last_day")
    return _Gauge(account, SocialMetric(metric), first, last, _number(cells["value"], "value"))


def _snapshot(gauge: _Gauge, raw: Raw, settings: SocialSettings, context: Context) -> SocialSnapshot:
    """Return the event. A file that was written before the period was over tells the time until then."""
    over = day_start(gauge.last_day + timedelta(days=1))
    exported = raw.received_at or over
    if exported < day_start(gauge.last_day):
        raise _RefusedError(Reason.BAD_TIME, "the period had not begun when the file was written")
    exported = exported.astimezone(UTC)
    network, _, account = gauge.account.partition("/")
    subject = f"{settings.system}:{gauge.account}/{gauge.metric}/{gauge.last_day}"
    told = (str(gauge.first_day), str(gauge.value), exported.isoformat())
    return SocialSnapshot(
        id=stable_hash(subject, *told),
        source=context.instance,
        subject=subject,
        time=min(over, exported),
        data=SocialSnapshotData(
            network=network,
            account=account,
            metric=gauge.metric,
            first_day=gauge.first_day,
            last_day=gauge.last_day,
            value=gauge.value,
            exported_at=exported,
        ),
    )


def _counts_new_ones(title: str, cells: Mapping[str, Any]) -> bool:
    """Tell whether a table is one of new followers a day, which networks call by the name of all of them."""
    return _plain(title).endswith(("follows", "new followers")) or "organic followers" in cells


def _day(cell: object, column: str, settings: SocialSettings) -> date:
    text = _text(cell)
    iso = _ISO_DAY.fullmatch(text)
    found = _parsed(iso[1], "%Y-%m-%d") if iso else None
    for form in () if iso else settings.date_formats:
        found = found or _parsed(text, form)
    if found is None or not 2000 <= found.year < 2100:
        raise _RefusedError(Reason.BAD_TIME, f"{column} is no day")
    return found


def _parsed(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None


def _number(cell: object, column: str) -> int:
    text = _text(cell)
    if _WHOLE.fullmatch(text) is None:
        raise _RefusedError(Reason.BAD_VALUE, f"{column} is no whole number")
    return int(re.sub(r"\D", "", text))


def _text(cell: object) -> str:
    """Return a cell as text, whatever JSON has there; empty for none."""
    return "" if cell is None else str(cell).strip()


def _plain(name: str) -> str:
    """Return a name as it is compared: in lower case, with single spaces."""
    return " ".join(name.split()).casefold()


def _reader(settings: SocialSettings, context: ReaderContext) -> Reader:  # noqa: ARG001 - the contract's
    from producers.mapped.folder import FolderReader

    return FolderReader(settings.folder, cut, settings.settle)


def _records(content: bytes, settings: SocialSettings) -> Iterator[Raw]:  # noqa: ARG001 - the contract's
    for number, (place, payload) in enumerate(cut(content)):
        yield Raw(payload, place, sequence=number)


SOURCE = Source(
    name="social",
    channel=Channel.UNKNOWN,
    settings=SocialSettings,
    normalise=normalise,
    reader=_reader,
    records=_records,
)
