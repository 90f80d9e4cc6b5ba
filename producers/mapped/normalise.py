"""Applies a mapping to a record: pure, and total."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from producers.contract import Context, Normalised, Raw, Reason, Rejected
from producers.mapped import times
from producers.mapped.kinds import CENTRE, KINDS, Kind
from producers.mapped.load import IGNORED
from producers.mapped.model import (
    OTHERS,
    EventRule,
    FieldSpec,
    Input,
    Lookup,
    Mapped,
    PartySpec,
    Tables,
    TypeSpec,
)
from schemas.catalogue import Catalogue
from schemas.events import Audience, Event, Party
from schemas.identity import message_ref, normalise_address, normalise_number, stable_hash

_LONGEST_MS = 7 * 86_400_000
_FACTORS = {"ms": 1, "s": 1000, "min": 60_000}
_SHORTEST_NUMBER = 7
_SCHEMES = ("tel:", "sip:", "sips:", "mailto:")


class RefusedError(Exception):
    """A record can't be used. The detail holds no value of the record, which may be personal data."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.rejected = Rejected(reason, detail)


class _Skip(Exception):  # noqa: N818 - no error: the rule gives no event for this record
    pass


@dataclass(frozen=True, slots=True)
class Instance:
    """What an instance says in addition to its mapping."""

    system: str
    """Names the other system in ids."""
    tables: Tables
    """Its own lines of the mapping's value tables."""


def normalise(raw: Raw, mapped: Mapped, instance: Instance, context: Context) -> Normalised:
    """Return the events of one record. Raises nothing: what can't be used is Rejected."""
    if not raw.payload.strip():
        return []
    try:
        record = parse(raw.payload, mapped.input)
        if any(expression.holds(record) for expression in mapped.record.ignore):
            return []
        return _Record(record, mapped, instance, context).events()
    except RefusedError as refused:
        return refused.rejected


def parse(payload: bytes, given: Input) -> Mapping[str, Any]:
    """Return the record that ``payload`` is. Raises RefusedError."""
    try:
        record = _form(payload) if given.content == "form" else json.loads(payload)
        if not isinstance(record, dict):
            raise RefusedError(Reason.UNREADABLE, "no JSON object")
        # What is no Unicode (half a surrogate pair) can be neither hashed nor stored.
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise RefusedError(Reason.UNREADABLE, "not valid UTF-8 or Unicode") from error
    except (ValueError, RecursionError) as error:
        kind = "posted form" if given.content == "form" else "JSON"
        raise RefusedError(Reason.UNREADABLE, f"no {kind}") from error
    for name in given.json_fields:
        if isinstance(record.get(name), str):
            record[name] = _json_text(record[name])
    return record


def _form(payload: bytes) -> dict[str, Any]:
    pairs = parse_qsl(payload.decode(), keep_blank_values=True, strict_parsing=True, errors="strict")
    return dict(pairs)


def _json_text(text: str) -> object:
    """Return what a text of JSON says; the text itself where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


class _Record:
    """A record with all that is needed to make events of it."""

    def __init__(
        self, record: Mapping[str, Any], mapped: Mapped, instance: Instance, context: Context
    ) -> None:
        self._record = record
        self._mapped = mapped
        self._instance = instance
        self._context = context
        self._given: dict[tuple[str, str], int] = {}

    def events(self) -> list[Event]:
        """Return the events of every rule that applies. Raises RefusedError where none does."""
        events: list[Event] = []
        applied = False
        for number, rule in enumerate(self._mapped.event, start=1):
            if rule.when is not None and not rule.when.holds(self._record):
                continue
            applied = True
            try:
                events.append(self._event(rule))
            except _Skip:
                continue
            except RefusedError as refused:
                why = refused.rejected
                raise RefusedError(why.reason, f"event {number}: {why.detail}") from refused
        if not applied:
            raise RefusedError(Reason.UNKNOWN_KIND, "no rule applies, and it is not among what is ignored")
        return events

    def _event(self, rule: EventRule) -> Event:
        kind = self._kind(rule)
        leg, at = self._leg(rule), self._time(rule)
        party, internal = self._party(rule.party or self._mapped.record.party, leg)
        data: dict[str, Any] = {
            "channel": self._either(rule, "channel") or self._mapped.channel,
            "party": party,
            "audience": Audience.INTERNAL if internal else self._either(rule, "audience"),
        }
        for name in rule.data.keys() & kind.fields:
            value = self._field(name, rule.data[name])
            if value == CENTRE and name == "unit":
                data[name] = None
            elif value is not None:
                data[name] = value
        return self._build(kind, leg, at, self._identity(rule, leg, at), data)

    def _build(self, kind: Kind, leg: str, at: datetime, identity: str, data: Mapping[str, Any]) -> Event:
        nth = self._given.get((identity, kind.name), 0)
        self._given[identity, kind.name] = nth + 1
        told_apart = [str(nth)] if nth else []
        try:
            event: Event = kind.event(
                id=stable_hash(self._instance.system, identity, kind.name, *told_apart),
                source=self._context.instance,
                subject=leg,
                time=at,
                data=kind.data(**data),
            )
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            name = next((part for part in first["loc"] if isinstance(part, str)), kind.name)
            if first["type"] == "missing":
                raise RefusedError(Reason.MISSING_FIELD, f"{name} is missing") from error
            name = "leg" if name == "subject" else name
            raise RefusedError(Reason.BAD_VALUE, f"{name} can't be that ({first['type']})") from error
        return event

    def _kind(self, rule: EventRule) -> Kind:
        if not isinstance(rule.type, TypeSpec):
            return KINDS[rule.type]
        name = self._looked_up("type", rule.type)
        if name is None:
            raise RefusedError(Reason.UNKNOWN_KIND, "type is missing")
        if name == IGNORED:
            raise _Skip
        return KINDS[str(name)]

    def _leg(self, rule: EventRule) -> str:
        spec = rule.leg or self._mapped.record.leg
        assert spec is not None  # the mapping was checked for it
        value = _text(self._looked_up("leg", spec))
        if value is None:
            raise RefusedError(Reason.MISSING_FIELD, "leg is missing")
        if value.startswith("+") and normalise_number(value):
            raise RefusedError(Reason.BAD_VALUE, "leg is a telephone number")
        return value if spec.whole else f"{self._instance.system}:{value}"

    def _time(self, rule: EventRule) -> datetime:
        spec = rule.time or self._mapped.record.time
        assert spec is not None
        value = spec.expression.evaluate(self._record)
        if value is None or value == "":
            raise RefusedError(Reason.MISSING_FIELD, "time is missing")
        try:
            return times.parse(value, spec.format, ZoneInfo(self._mapped.input.zone))
        except ValueError as error:
            raise RefusedError(Reason.BAD_TIME, f"time is not written as {spec.format}") from error

    def _identity(self, rule: EventRule, leg: str, at: datetime) -> str:
        own = rule.id or self._mapped.record.id
        if own is None:
            return f"{leg} {at.isoformat()}"
        value = _text(own.evaluate(self._record))
        if value is None:
            raise RefusedError(Reason.MISSING_FIELD, "id is missing")
        return value

    def _party(self, spec: PartySpec | None, leg: str) -> tuple[Party | None, bool]:
        """Return the party's pseudonyms, and whether it is a colleague."""
        rules, pseudonymiser = self._context.catalogue.internal, self._context.pseudonymiser
        if spec is None:
            return None, False
        number = _without_scheme(_text(spec.number.evaluate(self._record))) if spec.number else None
        address = _without_scheme(_text(spec.address.evaluate(self._record))) if spec.address else None
        known = normalise_address(address) if address else None
        internal = bool(number and rules.number(number)) or bool(known and rules.address(known))
        digits = (normalise_number(number) or "")[3:] if number else ""
        if len(digits) >= _SHORTEST_NUMBER and digits in "".join(filter(str.isdigit, leg)):
            raise RefusedError(Reason.BAD_VALUE, "leg holds the party's number")
        party = pseudonymiser.number(number) if number else None
        return party or (pseudonymiser.address(address) if address else None), internal

    def _either(self, rule: EventRule, name: str) -> object:
        spec: FieldSpec | None = getattr(rule, name) or getattr(self._mapped.record, name)
        return None if spec is None else self._looked_up(name, spec)

    def _field(self, name: str, spec: FieldSpec) -> object:
        """Return a value of the event's data. Raises RefusedError and _Skip."""
        value = self._looked_up(name, spec)
        if value is None:
            return None
        if name.endswith("_ms"):
            return _milliseconds(name, value, spec.unit)
        if name == "references":
            return tuple(message_ref(str(item)) for item in (value if isinstance(value, list) else [value]))
        if name == "message":
            return message_ref(str(value))
        if name == "errand":
            return str(value).lower()
        if (
            spec.values is None
            and spec.expression.paths()
            and not _listed(name, value, self._context.catalogue)
        ):
            raise RefusedError(Reason.BAD_VALUE, f"{name} stands in neither a value table nor the catalogue")
        return value

    def _looked_up(self, name: str, spec: Lookup) -> object:
        """Return a field's value, by its table where it has one; None where there is none."""
        value = spec.expression.evaluate(self._record)
        if value == "":
            value = None
        if spec.values is None:
            return value
        key = _text(value)
        tables = (self._instance.tables.get(spec.values, {}), self._mapped.values[spec.values])
        for wanted in (key, OTHERS) if key is not None else ():
            for table in tables:
                if wanted in table:
                    return table[wanted]
        if spec.unlisted == "skip":
            raise _Skip
        if spec.unlisted == "reject" and key is not None:
            raise RefusedError(
                Reason.BAD_VALUE, f"{name} has a value that [values.{spec.values}] does not list"
            )
        return None


def _text(value: object) -> str | None:
    """Return a scalar as text, as it is a key of a value table; None for what is none, or empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float | str):
        return str(value).strip() or None
    return None


def _without_scheme(text: str | None) -> str | None:
    """Return the number or address of a URI (``tel:``, ``sip:``); other text as it is."""
    if text is None:
        return None
    for scheme in _SCHEMES:
        if text.lower().startswith(scheme):
            rest = text[len(scheme) :].partition(";")[0]
            return rest.partition("@")[0] if scheme.startswith("sip") else rest
    return text


def _milliseconds(name: str, value: object, unit: str) -> int:
    """Return a duration of up to a week. Raises RefusedError."""
    try:
        if unit == "clock":
            parts = [float(part) for part in str(value).split(":")]
            if not 2 <= len(parts) <= 3:
                raise ValueError("not minutes and seconds")
            seconds = 0.0
            for part in parts:
                seconds = seconds * 60 + part
            span = round(seconds * 1000)
        elif isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError("no number")
        else:
            span = round(float(value) * _FACTORS[unit])
    except (ValueError, OverflowError) as error:
        raise RefusedError(Reason.BAD_VALUE, f"{name} is no duration") from error
    if not 0 <= span <= _LONGEST_MS:
        raise RefusedError(Reason.BAD_VALUE, f"{name} is no plausible duration")
    return span


def _listed(name: str, value: object, catalogue: Catalogue) -> bool:
    """Tell whether a name that came straight out of a record is one of ours: it might be a person's."""
    known: Mapping[str, Mapping[str, object]] = {
        "queue": catalogue.queues,
        "unit": catalogue.units,
        "topic": catalogue.topics,
    }
    return name not in known or value == CENTRE or value in known[name]
