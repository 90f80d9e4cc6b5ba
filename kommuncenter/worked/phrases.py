"""The phrases of a worked case: what each says in terms of the vocabulary of events."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from schemas.errors import ConfigurationError
from schemas.identity import PseudonymKey, stable_hash

Said = dict[str, Any]
"""Fields of an event's data."""

OLD_KEY = PseudonymKey("k1", b"a key for worked cases only")
NEW_KEY = PseudonymKey("k2", b"the key that comes after it")

CHANNELS = {"telefon": "telephone", "e-post": "email", "besök": "visit", "okänd": "unknown"}
KINDS: Mapping[str, tuple[str, str]] = {
    "samtal": ("pbx1", "telephone"),
    "mejl": ("mail", "email"),
    "besök": ("desk", "visit"),
    "kontakt": ("other", "unknown"),
    "ärende": ("desk", "unknown"),
}
"""First word of a line -> the source that tells of it, and its channel."""

_SPAN = re.compile(r"(?:(\d+) tim)? ?(?:(\d+) min)? ?(?:(\d+) s)?")


def span_ms(text: str) -> int:
    """Return a span such as ``2 tim``, ``3 min`` or ``1 min 30 s`` in milliseconds."""
    match = _SPAN.fullmatch(text)
    if not match or not any(match.groups()):
        raise ConfigurationError(f"{text!r}: no span of time; write it as 1 tim, 3 min or 1 min 30 s")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000


def message(name: str) -> str:
    """Return the reference of the message that a case calls by this name."""
    return stable_hash("worked message", name)


def _fictitious(number: int) -> str:
    """Return one of the telephone numbers that are reserved for fiction; ``number`` is 1 to 95."""
    if not 1 <= number <= 95:
        raise ConfigurationError(f"nummer {number}: choose one of 1 to 95")
    return f"+46701740{604 + number}"


def _party(person: str, key: str | None) -> Said:
    if key not in {None, "nyckelbyte", "ny nyckel"}:
        raise ConfigurationError(f"({key}): write (nyckelbyte) or (ny nyckel)")
    old, new = OLD_KEY.pseudonym(person), NEW_KEY.pseudonym(person)
    if key == "nyckelbyte":
        return {"party": {"current": new, "previous": old}}
    return {"party": {"current": new if key == "ny nyckel" else old}}


def _unit(text: str) -> str | None:
    return None if text == "Kommuncenter" else text


Verb = tuple[str, str, Callable[[re.Match[str]], Said]]


def _verb(pattern: str, kind: str, said: Callable[[re.Match[str]], Said] | None = None) -> Verb:
    return pattern, kind, said or (lambda _: {})


VERBS: Mapping[str, tuple[Verb, ...]] = {
    "samtal": (
        _verb("ställer sig i kö", "contact.queued", lambda _: {"queue": "kommuncenter"}),
        _verb(r"flyttas till kön (\S+)", "contact.queued", lambda m: {"queue": m[1]}),
        _verb("får svar", "contact.answered"),
        _verb("lägger på i kön", "contact.abandoned"),
        _verb("lämnar kön", "contact.flowed_out"),
        _verb("väljer att bli uppringd", "contact.callback_taken"),
        _verb(r"kopplas till (\S+)", "contact.handed_over", lambda m: {"unit": _unit(m[1])}),
        _verb("avslutas", "contact.ended"),
        _verb("efterarbete (.+)", "contact.wrapped_up", lambda m: {"wrap_up_ms": span_ms(m[1])}),
        _verb("får sin avsändare känd", "contact.identified"),
        _verb("registreras", "errand.registered"),
    ),
    "besök": (
        _verb("anmäls i receptionen", "contact.queued", lambda _: {"queue": "koordinaten"}),
        _verb("kallas fram", "contact.answered"),
        _verb("kommer inte fram", "contact.no_show"),
        _verb("lämnar kön", "contact.flowed_out"),
        _verb(
            r"hänvisas till (\S+)", "contact.handed_over", lambda m: {"unit": _unit(m[1]), "kind": "blind"}
        ),
        _verb("avslutas", "contact.ended"),
        _verb("registreras", "errand.registered"),
    ),
    "mejl": (
        _verb("kommer in", "contact.received"),
        _verb("skickas av Kommuncenter", "contact.replied"),
        _verb(
            r"vidarebefordras till (\S+)",
            "contact.handed_over",
            lambda m: {"unit": _unit(m[1]), "kind": "ticket"},
        ),
        _verb("registreras", "errand.registered"),
    ),
    "kontakt": (
        _verb("ställer sig i kö", "contact.queued", lambda _: {"queue": "kommuncenter"}),
        _verb("får svar", "contact.answered"),
        _verb("avslutas", "contact.ended"),
        _verb("registreras", "errand.registered"),
    ),
    "ärende": (_verb("registreras", "errand.registered"),),
}
"""First word of a line -> its verb phrases, the event that each is, and what it says."""

_FLOW_OUTS = {
    "väntat för länge": "timeout",
    "tryckt en knapp": "key",
    "ingen inloggad": "empty",
    "kön full": "full",
    "stängt": "closed",
    "tagen ur kön": "withdrawn",
}
_AUTOMATIC = {
    "automatiskt svar": "auto_reply",
    "studs": "bounce",
    "massutskick": "bulk",
    "skräppost": "spam",
}
_AUDIENCES = {"kollega": "internal", "invånare": "resident", "företag": "business", "besökare": "visitor"}
_WORDS: Mapping[str, Said] = {
    "dolt nummer": {},
    "utan förvarning": {"kind": "blind"},
    "efter förvarning": {"kind": "consulted"},
    "löst": {"outcome": "resolved"},
    "öppet": {"outcome": "open"},
    "av Kommuncenter": {"performed_by": "centre"},
    "av förvaltningen": {"performed_by": "department"},
    "av kunden själv": {"performed_by": "customer"},
    "bara tack": {"thanks": True},
    "utfall ifyllt av systemet": {"outcome_source": "default"},
    "kanal ifylld av systemet": {"channel_source": "default"},
    **{word: {"reason": reason} for word, reason in _FLOW_OUTS.items()},
    **{word: {"automatic": kind} for word, kind in _AUTOMATIC.items()},
    **{word: {"audience": audience} for word, audience in _AUDIENCES.items()},
}
_DETAILS: tuple[tuple[str, Callable[[re.Match[str]], Said]], ...] = (
    (r"(?:från |till )?nummer (\d\d?)(?: \((.+)\))?", lambda m: _party(_fictitious(int(m[1])), m[2])),
    (r"(?:från |till )?adress (\d\d?)(?: \((.+)\))?", lambda m: _party(f"invanare{m[1]}@example.org", m[2])),
    (r"svar på (\w+)", lambda m: {"references": [message(m[1])]}),
    (r"samma mejl som (\w+)", lambda m: {"message": message(m[1])}),
    (r"till brevlådan (\S+)", lambda m: {"mailbox": m[1]}),
    (r"samtalstid (.+)", lambda m: {"talk_ms": span_ms(m[1])}),
    (r"parkerat (.+)", lambda m: {"hold_ms": span_ms(m[1])}),
    (r"ärende (\w+)", lambda m: {"errand": f"e{m[1].lower()}"}),
    (r"ämne (\S+)", lambda m: {"topic": m[1]}),
    (r"nivå (\d+)", lambda m: {"level": int(m[1])}),
    (r"överlämnat till (\S+)", lambda m: {"outcome": "handed_over", "unit": m[1]}),
    (r"kanal (telefon|e-post|besök|okänd)", lambda m: {"channel": CHANNELS[m[1]]}),
)


def verb(kind: str, phrase: str) -> tuple[str, Said]:
    """Return the type of event that a phrase is, and what it says. Raises ConfigurationError."""
    for pattern, event_type, said in VERBS[kind]:
        match = re.fullmatch(pattern, phrase)
        if match:
            return event_type, said(match)
    known = "; ".join(pattern for pattern, _, _ in VERBS[kind])
    raise ConfigurationError(f"{kind}: {phrase!r} is not among: {known}")


def detail(phrase: str) -> Said:
    """Return what a detail says. Raises ConfigurationError for one that is not known."""
    if phrase in _WORDS:
        return dict(_WORDS[phrase])
    for pattern, said in _DETAILS:
        match = re.fullmatch(pattern, phrase)
        if match:
            return said(match)
    raise ConfigurationError(f"{phrase!r} is no known detail")
