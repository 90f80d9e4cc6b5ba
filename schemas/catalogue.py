"""The catalogue: areas, topics with mandates, units, internal rules, opening hours, special days."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from schemas.errors import ConfigurationError
from schemas.events import Slug
from schemas.timebase import STOCKHOLM, local_day

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class Topic(_Model):
    """A kind of errand, its area, and how far the centre may handle it itself."""

    label: str
    area: Slug
    mandate: Mapping[date, Annotated[int, Field(ge=0, le=70)]] = {}
    sensitive: bool = False
    internal: bool = False

    def mandate_on(self, day: date) -> int | None:
        """Return the mandate in force on ``day``; None where none is set."""
        valid = [start for start in self.mandate if start <= day]
        return self.mandate[max(valid)] if valid else None


class Unit(_Model):
    """A department or company that receives handovers. Extensions are prefixes of the number plan."""

    label: str
    extensions: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


class Queue(_Model):
    """A queue of the centre."""

    label: str


class Centre(_Model):
    """What belongs to the centre itself: a passing to one of these is no handover."""

    extensions: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


class InternalRules(_Model):
    """By what a colleague is known."""

    number_pattern: str = r"^$"
    domains: tuple[str, ...] = ()

    @field_validator("number_pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return value

    def number(self, raw: str) -> bool:
        """Tell whether a number, as the exchange shows it, is a colleague's."""
        return re.search(self.number_pattern, raw.strip()) is not None

    def address(self, normalised: str) -> bool:
        """Tell whether a normalised mail address is a colleague's."""
        domain = normalised.rpartition("@")[2]
        return any(domain == own or domain.endswith("." + own) for own in self.domains)


class DayKind(StrEnum):
    """Why a day differs from an ordinary one."""

    CLOSED = "closed"
    EVE = "eve"
    SQUEEZE = "squeeze"


class SpecialDay(_Model):
    """A day that differs."""

    name: str
    kind: DayKind


class Catalogue(_Model):
    """The whole catalogue. References between its parts are checked when it is loaded."""

    version: int
    areas: Mapping[Slug, str]
    topics: Mapping[Slug, Topic]
    queues: Mapping[Slug, Queue] = {}
    centre: Centre = Centre()
    units: Mapping[Slug, Unit] = {}
    internal: InternalRules = InternalRules()
    hours: Mapping[str, tuple[time, time]]
    days: Mapping[date, SpecialDay] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Catalogue:
        for name, topic in self.topics.items():
            if topic.area not in self.areas:
                raise ValueError(f"topics.{name}.area: {topic.area!r} is not among [areas]")
        for day, (opens, closes) in self.hours.items():
            if day not in WEEKDAYS:
                raise ValueError(f"hours.{day}: not a weekday; use one of {', '.join(WEEKDAYS)}")
            if opens >= closes:
                raise ValueError(f"hours.{day}: opens at {opens} but closes at {closes}")
        if not self.hours:
            raise ValueError("hours: at least one weekday must have opening hours")
        return self

    def area_of(self, topic: str | None) -> str:
        """Return the area of a topic; empty where the topic is unknown."""
        known = self.topics.get(topic) if topic else None
        return known.area if known else ""

    def is_internal_topic(self, topic: str | None) -> bool:
        """Tell whether a topic is service to colleagues (CORRECTIONS 33: excludes the errand only)."""
        known = self.topics.get(topic) if topic else None
        return known.internal if known else False

    def unit_of_extension(self, extension: str) -> tuple[bool, str]:
        """Return (is the centre itself, unit) for a dialled target; the unit is ``okand`` if not listed."""
        if extension in self.centre.extensions or extension in self.queues:
            return True, ""
        matches = [
            (len(prefix), name)
            for name, unit in self.units.items()
            for prefix in unit.extensions
            if extension.startswith(prefix)
        ]
        return (False, max(matches)[1]) if matches else (False, UNKNOWN_UNIT)

    def unit_of_address(self, normalised: str) -> str | None:
        """Return the unit with this mail address; None for an address that is no unit's."""
        for name, unit in self.units.items():
            if normalised in unit.addresses:
                return name
        return None

    def opening(self, day: date) -> tuple[datetime, datetime] | None:
        """Return opening and closing (UTC) on a local day; None when closed."""
        special = self.days.get(day)
        hours = self.hours.get(WEEKDAYS[day.weekday()])
        if hours is None or (special and special.kind is DayKind.CLOSED):
            return None
        opens, closes = (datetime.combine(day, at, STOCKHOLM).astimezone(UTC) for at in hours)
        return opens, closes

    def is_open(self, instant: datetime) -> bool:
        """Tell whether the centre is open at ``instant``."""
        hours = self.opening(local_day(instant))
        return hours is not None and hours[0] <= instant < hours[1]

    def open_days_after(self, day: date) -> Iterator[tuple[date, datetime, datetime]]:
        """Yield the open days after ``day`` with opening and closing (UTC), nearest first."""
        for ahead in range(1, 400):
            later = day + timedelta(days=ahead)
            hours = self.opening(later)
            if hours:
                yield later, *hours

    def counted_from(self, arrived: datetime) -> datetime:
        """Return ``arrived``, or outside opening hours the next opening (UTC; CORRECTIONS 30)."""
        hours = self.opening(local_day(arrived))
        if hours is None or arrived >= hours[1]:
            return next(self.open_days_after(local_day(arrived)))[1]
        return max(arrived, hours[0])

    def due_within_working_day(self, arrived: datetime) -> datetime:
        """Return when a mail that came at ``arrived`` falls due (UTC; CORRECTIONS 30).

        The same clock time on the next working day, capped at its closing.
        """
        counted = self.counted_from(arrived)
        clock = counted.astimezone(STOCKHOLM).time()
        day, opens, closes = next(self.open_days_after(local_day(counted)))
        due = datetime.combine(day, clock, STOCKHOLM).astimezone(UTC)
        return min(max(due, opens), closes)

    def is_ordinary(self, day: date) -> bool:
        """Tell whether a day can stand in a baseline: open, and neither eve nor squeeze day."""
        return day not in self.days and self.opening(day) is not None

    def comparable_days(self, day: date, weeks: int = 26) -> list[date]:
        """Return the ordinary days of the same weekday before ``day``, nearest first (DOMAIN §2.5).

        None for a special day, which has nothing to be compared with.
        """
        if not self.is_ordinary(day):
            return []
        back = (day - timedelta(weeks=number) for number in range(1, weeks + 1))
        return [earlier for earlier in back if self.is_ordinary(earlier)]

    def last_listed_day(self) -> date | None:
        """Return the last special day in the file: beyond it the calendar is not kept up."""
        return max(self.days, default=None)


UNKNOWN_UNIT = "okand"
"""The receiving unit of a handover whose target stands in no unit of the catalogue."""


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Return the catalogue in ``path``, or the one that is shipped.

    Raises ConfigurationError that names the file, the key and the reason.
    """
    shown = str(path) if path else "the shipped catalogue.toml"
    try:
        text = (
            path.read_text(encoding="utf-8")
            if path
            else (resources.files("schemas") / "catalogue.toml").read_text(encoding="utf-8")
        )
        return Catalogue.model_validate(tomllib.loads(text))
    except OSError as error:
        raise ConfigurationError(f"{shown}: can't be read ({error.strerror}); check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{shown}: not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "catalogue"
        raise ConfigurationError(f"{shown}: {key}: {first['msg']}") from error
