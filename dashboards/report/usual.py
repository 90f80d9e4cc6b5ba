"""Where contacts and topics stand against what is usual: which days each day is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from dashboards.report.material import Material
from dashboards.report.period import Kind
from dashboards.report.rising import Level, Series, levels
from schemas.catalogue import Catalogue, DayKind
from schemas.timebase import local_day

ALL = ""
"""The series of all contacts; every other one is a topic, or UNKNOWN."""
UNKNOWN = "okant"
COMPARED = 8
"""Comparable days of a weekday (DOMAIN §2.5)."""
_SUNDAY = 6


def usual_levels(material: Material, catalogue: Catalogue) -> Mapping[str, Level]:
    """Return where all contacts, and the errands of each topic of the period, stand."""
    counts: dict[str, dict[date, int]] = {ALL: {}}
    for row in material.days:
        _add(counts[ALL], row.day, row.sums["offered"])
        if row.sums["errands"] and material.request.area in {"", row.area}:
            _add(counts.setdefault(row.topic or UNKNOWN, {}), row.day, row.sums["errands"])
    shown = {key[0] or UNKNOWN for key, part in material.now.by("topic").items() if part["errands"]}
    worked, crises = material.worked(), _crises(material)
    return levels(
        {
            name: Series(of, _compared_days(material, catalogue, worked, crises.get(name, set())))
            for name, of in counts.items()
            if name == ALL or name in shown
        }
    )


def _add(counts: dict[date, int], day: date, n: int) -> None:
    counts[day] = counts.get(day, 0) + n


def _crises(material: Material) -> Mapping[str, set[date]]:
    """Return the days before the period on which a series had a surge: they tell nothing of what is usual."""
    found: dict[str, set[date]] = {}
    for surge in material.surges:
        found.setdefault(surge.topic, set()).add(local_day(surge.since))
    return found


def _compared_days(
    material: Material, catalogue: Catalogue, worked: tuple[date, ...], crises: set[date]
) -> dict[date, tuple[date, ...]]:
    """Return for each day of the period those that it is compared with, the nearest first.

    Of a week, the last of its weekday; else those of the weekday in the period compared with. Special days
    tell nothing of others; a day on which the centre is closed is itself compared with Sundays. A day that
    ought to have had contacts and had none is a gap in the data.
    """
    period, compared = material.period, material.compared
    if not worked:
        return {}
    first, last = worked[0], period.since
    if period.kind is not Kind.WEEK:
        if compared is None:
            return {}
        first, last = max(first, compared.since), min(last, compared.until)
    by_weekday: dict[int, list[date]] = {}
    with_contacts = set(worked)
    for ahead in range((last - first).days - 1, -1, -1):
        day = first + timedelta(days=ahead)
        gap = day not in with_contacts and catalogue.opening(day) is not None
        if not gap and day not in crises and day not in catalogue.days:
            by_weekday.setdefault(day.weekday(), []).append(day)
    found = {}
    for ahead in range(period.days):
        day = period.since + timedelta(days=ahead)
        days = by_weekday.get(_like(catalogue, day), [])
        found[day] = tuple(days[:COMPARED] if period.kind is Kind.WEEK else days)
    return found


def _like(catalogue: Catalogue, day: date) -> int:
    """Return the weekday (Monday is 0) that a day is like."""
    special = catalogue.days.get(day)
    return _SUNDAY if special and special.kind is DayKind.CLOSED else day.weekday()
