"""What a ``source.toml`` may say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from producers.mapped import times
from producers.mapped.expressions import Expression
from schemas.events import Channel, Slug

TableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Value = str | int | bool
Tables = Mapping[TableName, Mapping[str, Value]]
"""Value tables: by name, what each value of the other system is here."""

OTHERS = "*"
"""The key of a value table under which stands what every other value is."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; use a name such as Europe/Stockholm") from error
    return name


ZoneName = Annotated[str, AfterValidator(_zone)]
TimeFormat = Annotated[str, AfterValidator(times.check_format)]


class InputKind(StrEnum):
    """Where records come from."""

    WEBHOOK = "webhook"
    CSV = "csv"
    JSONL = "jsonl"
    KAFKA = "kafka"


class Input(_Model):
    """How records come in, and how they are written."""

    kind: InputKind
    content: Literal["json", "form"] = "json"
    """How the body of a webhook is written: JSON (one record, an array or one a line), or a posted form."""
    json_fields: tuple[str, ...] = ()
    """Fields that hold JSON as text; they are read as what it says."""
    zone: ZoneName = "Europe/Stockholm"
    """The zone of times that name none."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ";"
    encoding: Literal["utf-8", "cp1252", "iso-8859-1", "utf-16"] = "utf-8"
    """Of CSV. A mark at the beginning (BOM) is passed over."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.content == "form" and self.kind is not InputKind.WEBHOOK:
            raise ValueError("only a webhook's content can be a form")
        return self


class _Short(_Model):
    """A table that may be written as the expression alone."""

    expression: Expression = Field(alias="from")

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, given: object) -> object:
        return {"from": given} if isinstance(given, str) else given


class Lookup(_Short):
    """Where a value comes from, and what it means."""

    values: TableName | None = None
    """The value table in which it is looked up."""
    unlisted: Literal["reject", "none", "skip"] = "reject"
    """What to do with a value that the table does not list: reject the record, take it for no value, or
    let this rule give no event."""


class FieldSpec(Lookup):
    """A field of an event."""

    unit: Literal["ms", "s", "min", "clock"] = "ms"
    """Of a duration. ``clock`` is hours:minutes:seconds."""
    whole: bool = False
    """Of ``leg``: the value names the system as well, ``<system>:<id>``, as another source gives it."""


class TimeSpec(_Short):
    """Where a time comes from, and how it is written."""

    format: TimeFormat = times.ISO


class PartySpec(_Model):
    """The outside party. What is read here leaves the source as a pseudonym only."""

    number: Expression | None = None
    address: Expression | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.number is None and self.address is None:
            raise ValueError("give number, address, or both")
        return self


class TypeSpec(Lookup):
    """The kind of event, by the value of a field."""

    values: TableName


class Common(_Model):
    """What may be said for all events of a record, and differently for one of them."""

    leg: FieldSpec | None = None
    """The contact's id in the other system: call, visit or case."""
    id: Expression | None = None
    """The other system's own id of what happened. Without it the leg and the time are the id."""
    time: TimeSpec | None = None
    party: PartySpec | None = None
    audience: FieldSpec | None = None
    channel: FieldSpec | None = None
    """For events of a contact that came another way than this source's."""


class RecordSpec(Common):
    """What holds for all events of a record."""

    ignore: tuple[Expression, ...] = ()
    """Records for which one of these holds are rightly of no interest."""


class EventRule(Common):
    """One event that a record gives. What is not named here is a field of the event's data."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)
    __pydantic_extra__: dict[str, FieldSpec] = Field(init=False)

    type: str | TypeSpec
    when: Expression | None = None
    """The rule applies where this holds; without it, to every record."""

    @property
    def data(self) -> Mapping[str, FieldSpec]:
        """The fields of the event's data, by name."""
        return self.__pydantic_extra__


class Mapped(_Model):
    """A whole ``source.toml``."""

    name: Slug
    channel: Channel
    description: str = ""
    input: Input
    record: RecordSpec = RecordSpec()
    event: Annotated[tuple[EventRule, ...], Field(min_length=1)]
    values: Tables = {}

    def expressions(self) -> Sequence[Expression]:
        """Return every expression of the mapping."""
        return tuple(_expressions(self.record)) + tuple(
            found for rule in self.event for found in _expressions(rule)
        )


def _expressions(given: Any) -> Sequence[Expression]:
    if isinstance(given, Expression):
        return (given,)
    if isinstance(given, BaseModel):
        extra = given.__pydantic_extra__ or {}
        return _expressions([getattr(given, name) for name in type(given).model_fields] + [*extra.values()])
    if isinstance(given, list | tuple):
        return tuple(found for item in given for found in _expressions(item))
    return ()
