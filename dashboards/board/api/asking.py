"""What may be asked of the API: parameters of each address, and their limits."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dashboards.board.api.models import Dimension, Grain, PeriodName

MAX_DAYS = {Grain.TOTAL: 1830, Grain.DAY: 1100, Grain.QUARTER: 14}
MAX_ROWS = 20_000
MAX_VALUES = 50


def _split(given: object) -> object:
    """Take ``a,b`` as well as ``a`` twice."""
    if isinstance(given, list | tuple):
        return [part for each in given for part in str(each).split(",") if part]
    return given


Values = Annotated[tuple[Annotated[str, Field(max_length=64)], ...], BeforeValidator(_split)]
Dimensions = Annotated[tuple[Dimension, ...], BeforeValidator(_split)]


class Asked(BaseModel):
    """Base of parameters: one that is not known is refused, since a misspelt one would change the answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class NothingAsked(Asked):
    """No parameters."""


class PictureAsked(Asked):
    """Parameters of the picture."""

    period: PeriodName = PeriodName.TODAY
    """Which period; weeks are ISO weeks."""


class Days(Asked):
    """A period of local days."""

    first: date
    """The first local day, such as 2026-11-16."""
    last: date
    """The last local day, included."""

    @model_validator(mode="after")
    def _in_order(self) -> Days:
        if self.last < self.first:
            raise ValueError("last is before first")
        return self

    @property
    def length(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1


class SurgesAsked(Days):
    """Parameters of the surges; 366 days at most."""

    @model_validator(mode="after")
    def _limited(self) -> SurgesAsked:
        if self.length > 366:
            raise ValueError("at most 366 days can be asked for")
        return self


class MetricAsked(Days):
    """Parameters of a metric over a period."""

    grain: Grain = Grain.DAY
    """The steps of time. At most 1830 days in all, 1100 by day, 14 by quarter."""
    by: Dimensions = ()
    """Dimensions to split by, separated by commas."""
    channel: Values = ()
    """Only these channels."""
    area: Values = ()
    """Only these areas."""
    topic: Values = ()
    """Only these topics."""
    unit: Values = ()
    """Only these receiving units."""

    @model_validator(mode="after")
    def _limited(self) -> MetricAsked:
        allowed = MAX_DAYS[self.grain]
        if self.length > allowed:
            raise ValueError(f"at most {allowed} days can be asked for with grain {self.grain.value}")
        if len(set(self.by)) < len(self.by):
            raise ValueError("by names a dimension twice")
        if any(len(values) > MAX_VALUES for values in self.only.values()):
            raise ValueError(f"at most {MAX_VALUES} values of a dimension can be asked for")
        return self

    @property
    def only(self) -> dict[str, tuple[str, ...]]:
        """The filters: dimension -> values."""
        given = {dimension.value: getattr(self, dimension.value) for dimension in Dimension}
        return {name: values for name, values in given.items() if values}
