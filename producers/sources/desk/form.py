"""What the form asks for: checks it, and turns it into lines of the journal. Texts in plain Swedish."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from producers.sources.desk import records
from producers.sources.desk.records import Line
from producers.sources.desk.visits import Visit
from schemas.catalogue import Catalogue
from schemas.events import Audience, ErrandOutcome, HandoverKind, Party, PerformedBy
from schemas.identity import Pseudonymiser
from schemas.timebase import to_ms

AUDIENCES = {
    Audience.RESIDENT: "Boende",
    Audience.BUSINESS: "Företag eller förening",
    Audience.VISITOR: "Tillfällig besökare eller turist",
    Audience.INTERNAL: "Kollega i kommunen",
    Audience.UNKNOWN: "Vet inte",
}
OUTCOMES = {
    ErrandOutcome.RESOLVED: "Löst här",
    ErrandOutcome.HANDED_OVER: "Lämnat vidare",
    ErrandOutcome.OPEN: "Pågår",
}
LEVELS = {
    0: "Självservice",
    10: "Information och upplysning",
    20: "Vägledning och rådgivning",
    30: "Administrativt arbete",
    40: "Värderande handläggning",
    50: "Verksamhetsspecifika förberedelser",
    60: "Utredning, expertkunskap",
    70: "Ledning, styrning, politik",
}
_PERFORMED_BY = {
    ErrandOutcome.RESOLVED: PerformedBy.CENTRE,
    ErrandOutcome.HANDED_OVER: PerformedBy.DEPARTMENT,
    ErrandOutcome.OPEN: None,
}
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Answers:
    """A form that is filled in rightly. The number is not among them: only its pseudonyms are."""

    audience: Audience
    topic: str
    outcome: ErrandOutcome
    unit: str | None
    level: int | None
    party: Party | None


Errors = dict[str, str]
"""What is wrong, by the name of the field, in the order of the form."""


def is_key(value: str) -> bool:
    """Tell whether ``value`` is a key that the form may have been given."""
    return _KEY.fullmatch(value) is not None


def check(fields: Mapping[str, str], catalogue: Catalogue, pseudonymiser: Pseudonymiser) -> Answers | Errors:
    """Return the answers, or all that is wrong with them."""
    errors: Errors = {}
    audience = fields.get("audience", "")
    topic = fields.get("topic", "")
    outcome = fields.get("outcome", "")
    unit = fields.get("unit", "")
    level = fields.get("level", "")
    number = fields.get("number", "").strip()
    if audience not in set(AUDIENCES):
        errors["audience"] = "Välj vem besökaren är."
    if topic not in catalogue.topics:
        errors["topic"] = "Välj vad ärendet gäller."
    if outcome not in set(OUTCOMES):
        errors["outcome"] = "Välj hur det gick."
    if outcome == ErrandOutcome.HANDED_OVER and unit not in catalogue.units:
        errors["unit"] = "Välj vilken enhet som tog över."
    if level and level not in {str(known) for known in LEVELS}:
        errors["level"] = "Välj en nivå i listan, eller lämna tomt."
    party = pseudonymiser.number(number) if number else None
    if number and party is None:
        errors["number"] = "Skriv numret med riktnummer, till exempel 031-390 06 00, eller lämna tomt."
    if errors:
        return errors
    said = ErrandOutcome(outcome)
    return Answers(
        audience=Audience(audience),
        topic=topic,
        outcome=said,
        unit=unit if said is ErrandOutcome.HANDED_OVER else None,
        level=int(level) if level else None,
        party=party,
    )


def arrival(key: str, at: datetime) -> list[Line]:
    """Return the line of a visitor who waits."""
    return [records.Registered(at=at, key=f"{key}.registered", visit=key)]


def whole_visit(key: str, at: datetime, answers: Answers) -> list[Line]:
    """Return the lines of a visit that is registered in one go, when it is over."""
    arrived = records.Registered(
        at=at, key=f"{key}.registered", visit=key, audience=answers.audience, party=answers.party
    )
    return [arrived, *ending(Visit(key, 0, at, at), at, answers, called=False)]


def called(visit: str, at: datetime) -> list[Line]:
    """Return the line of a visitor who is called; there is one a visit."""
    return [records.Called(at=at, key=f"{visit}.called", visit=visit)]


def no_show(visit: Visit, at: datetime) -> list[Line]:
    """Return the lines of a visitor who did not come; whoever is missed has been called."""
    first = [] if visit.called_at else called(visit.visit, at)
    return [*first, records.NoShow(at=at, key=f"{visit.visit}.no_show", visit=visit.visit)]


def ending(visit: Visit, at: datetime, answers: Answers, *, called: bool) -> list[Line]:
    """Return the lines that end a visit. ``called`` tells whether it is known when the talk began."""
    name = visit.visit
    lines: list[Line] = []
    if not called:
        lines.append(records.Called(at=at, key=f"{name}.called", visit=name))
    if answers.outcome is ErrandOutcome.HANDED_OVER:
        lines.append(
            records.HandedOver(
                at=at,
                key=f"{name}.handed_over",
                visit=name,
                unit=answers.unit,
                kind=HandoverKind.TICKET,
                errand="e1",
            )
        )
    lines.append(_errand(name, at, answers))
    talk = to_ms(at - visit.called_at) if called and visit.called_at else None
    lines.append(
        records.Finished(
            at=at,
            key=f"{name}.finished",
            visit=name,
            talk_ms=max(talk, 0) if talk is not None else None,
            audience=answers.audience,
            party=answers.party,
        )
    )
    return lines


def _errand(visit: str, at: datetime, answers: Answers) -> Line:
    return records.Errand(
        at=at,
        key=f"{visit}.e1",
        leg=visit,
        audience=answers.audience,
        topic=answers.topic,
        level=answers.level,
        performed_by=_PERFORMED_BY[answers.outcome],
        outcome=answers.outcome,
        unit=answers.unit,
    )
