"""Random histories of a contact centre, as events: for the laws that hold for every history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from schemas.events import Event, event_adapter
from schemas.identity import PseudonymKey, stable_hash

START = datetime(2026, 10, 19, 6, 0, tzinfo=UTC)
KEY = PseudonymKey("t1", b"a test secret of bytes")
OLD_KEY = PseudonymKey("t0", b"the secret before that")
TOPICS = ["va-avfall", "gata-felanmalan", "omsorg", "siths-kort", None]
UNITS = ["energi", "samhallsbyggnad", "omsorg", None]
CHANNELS = ["telephone", "email", "visit", "unknown"]
ENDS = ["answered", "answered", "answered", "abandoned", "flowed_out", "callback", "open"]
TWELVE_DAYS = 12 * 86400


def instants(first_year: int, last_year: int) -> st.SearchStrategy[datetime]:
    """Return instants (UTC) from the beginning of one year to the beginning of another."""
    begin = datetime(first_year, 1, 1, tzinfo=UTC)
    seconds = int((datetime(last_year, 1, 1, tzinfo=UTC) - begin).total_seconds())
    return st.integers(0, seconds).map(lambda after: begin + timedelta(seconds=after))


def event(kind: str, leg: str, at: datetime, source: str = "pbx1", /, **data: Any) -> Event:
    """Return an event with a deterministic id."""
    identity = stable_hash(source, leg, kind, at.isoformat(), repr(sorted(data.items())))
    return event_adapter.validate_python(
        {
            "type": f"kommuncenter.{kind}",
            "id": identity,
            "source": source,
            "subject": leg,
            "time": at,
            "data": data,
        }
    )


def party(number: int, rotated: bool = False) -> dict[str, str]:
    """Return the pseudonyms of an invented person."""
    name = f"+4670174060{number}"
    if rotated:
        return {"current": KEY.pseudonym(name), "previous": OLD_KEY.pseudonym(name)}
    return {"current": OLD_KEY.pseudonym(name)}


@st.composite
def calls(draw: st.DrawFn, number: int, span: int = TWELVE_DAYS) -> list[Event]:
    """A call: queued, then perhaps answered, passed on, ended, registered; or abandoned or flowed out."""
    leg = f"pbx1:{number}"
    at = START + timedelta(seconds=draw(st.integers(0, span)))
    who = draw(st.sampled_from([None, *range(1, 4)]))
    base: dict[str, Any] = {"channel": "telephone"}
    caller: dict[str, Any] = {} if who is None else {"party": party(who, rotated=draw(st.booleans()))}
    if draw(st.integers(0, 9)) == 0:
        caller["audience"] = "internal"
    events = [event("contact.queued", leg, at, queue="kommuncenter", **base, **caller)]
    wait = timedelta(seconds=draw(st.integers(-1, 400)))
    end = draw(st.sampled_from(ENDS))
    if end == "answered":
        talk = draw(st.integers(0, 200))
        events.append(event("contact.answered", leg, at + wait, **base))
        for _ in range(draw(st.integers(0, 2))):
            kind = draw(st.sampled_from(["blind", "consulted"]))
            moved = at + wait + timedelta(seconds=talk)
            unit = draw(st.sampled_from(UNITS))
            events.append(event("contact.handed_over", leg, moved, kind=kind, unit=unit, **base))
        if draw(st.booleans()):
            done = at + wait + timedelta(seconds=talk)
            events.append(event("contact.ended", leg, done, talk_ms=talk * 1000, **base))
        events.extend(draw(registrations(leg, at + wait, "telephone")))
    elif end == "abandoned":
        events.append(event("contact.abandoned", leg, at + wait, **base))
    elif end == "flowed_out":
        events.append(event("contact.flowed_out", leg, at + wait, reason="timeout", **base, position=1))
        if draw(st.booleans()):  # into another queue within the same second
            again = draw(st.sampled_from([0, 2]))
            events.append(
                event("contact.queued", leg, at + wait, queue="koordinaten", **base, position=again)
            )
    elif end == "callback":
        events.append(event("contact.callback_taken", leg, at + wait, **base))
        if draw(st.booleans()):
            events.append(event("contact.answered", leg, at + 100 * wait, **base))
            events.append(event("contact.ended", leg, at + 101 * wait, **base))
    return events


@st.composite
def loose_notes(draw: st.DrawFn, number: int, span: int = TWELVE_DAYS) -> list[Event]:
    """Registrations that name a person and no contact."""
    at = START + timedelta(seconds=draw(st.integers(0, span)))
    about = party(draw(st.integers(1, 3)))
    said = draw(registrations(f"note:{number}", at, draw(st.sampled_from(CHANNELS[:3])), 1))
    return [event_adapter.validate_python(_about(item, about)) for item in said]


def _about(item: Event, who: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = item.model_dump()
    told["data"]["party"] = who
    return told


@st.composite
def registrations(draw: st.DrawFn, leg: str, at: datetime, channel: str, least: int = 0) -> list[Event]:
    """What agents register about a leg: none, one or several words on one or two errands."""
    return [
        event(
            "errand.registered",
            leg,
            at + timedelta(minutes=draw(st.integers(0, 60))),
            "desk",
            channel=draw(st.sampled_from([channel, channel, "telephone"])),
            channel_source=draw(st.sampled_from(["registered", "default"])),
            errand=draw(st.sampled_from(["e1", "e2"])),
            topic=draw(st.sampled_from(TOPICS)),
            level=draw(st.sampled_from([None, 10, 30, 50])),
            outcome=draw(st.sampled_from(["resolved", "handed_over", "open"])),
            unit=draw(st.sampled_from(UNITS)),
        )
        for _ in range(draw(st.integers(least, 3)))
    ]


@st.composite
def mails(draw: st.DrawFn, number: int, span: int = TWELVE_DAYS) -> list[Event]:
    """A thread: a message, then perhaps replies, further messages and a forwarding."""
    at = START + timedelta(seconds=draw(st.integers(0, span)))
    who = party(draw(st.integers(1, 3)), rotated=draw(st.booleans()))
    refs = [stable_hash("mail", str(number), "0")]
    base: dict[str, Any] = {"channel": "email", "mailbox": "kommun", "party": who}
    extra = {"automatic": "auto_reply"} if draw(st.integers(0, 9)) == 0 else {}
    first = f"kommun:{refs[0]}"
    said = {**base, **extra, "message": refs[0]}
    events = [event("contact.received", first, at, "mail", **said)]
    events.extend(draw(beside("contact.received", refs[0], at, said)))
    for step in range(1, draw(st.integers(1, 4))):
        at += timedelta(minutes=draw(st.integers(1, 6 * 1440)))
        kind = draw(st.sampled_from(["contact.replied", "contact.received", "contact.handed_over"]))
        if kind == "contact.handed_over":
            unit = draw(st.sampled_from(UNITS))
            events.append(event(kind, first, at, "mail", channel="email", kind="ticket", unit=unit))
            continue
        ref = stable_hash("mail", str(number), str(step))
        known = tuple(draw(st.sampled_from([refs[-1:], refs[:1], refs])))
        events.append(event(kind, f"kommun:{ref}", at, "mail", message=ref, references=known, **base))
        events.extend(draw(beside(kind, ref, at, {**base, "message": ref, "references": known})))
        refs.append(ref)
    return [*events, *draw(registrations(first, at, "email"))]


@st.composite
def beside(draw: st.DrawFn, kind: str, ref: str, at: datetime, said: dict[str, Any]) -> list[Event]:
    """What may come beside a message: its copy in a second mailbox, and that it only says thanks."""
    events = []
    if draw(st.integers(0, 4)) == 0:
        copied = at + timedelta(seconds=draw(st.integers(0, 2)))
        events.append(event(kind, f"turist:{ref}", copied, "mail2", **{**said, "mailbox": "turist"}))
    if kind == "contact.received" and draw(st.integers(0, 3)) == 0:
        leg = draw(st.sampled_from([f"kommun:{ref}", f"turist:{ref}"]))
        told = {"channel": "email", "errand": "e1", "outcome": "resolved", "thanks": True}
        events.append(event("errand.registered", leg, at + timedelta(minutes=9), "desk", **told))
    return events


@st.composite
def visits(draw: st.DrawFn, number: int, span: int = TWELVE_DAYS) -> list[Event]:
    """A visit: registered, called, finished or not come."""
    leg = f"desk:{number}"
    at = START + timedelta(seconds=draw(st.integers(0, span)))
    base: dict[str, Any] = {"channel": "visit"}
    events = [event("contact.queued", leg, at, "desk", queue="koordinaten", **base)]
    if draw(st.booleans()):
        events.append(event("contact.answered", leg, at + timedelta(minutes=3), "desk", **base))
        kind = draw(st.sampled_from(["contact.ended", "contact.no_show"]))
        events.append(event(kind, leg, at + timedelta(minutes=9), "desk", **base))
    if draw(st.integers(0, 3)) == 0:  # back in the queue, and perhaps called once more
        back = at + timedelta(minutes=12)
        events.append(event("contact.queued", leg, back, "desk", queue="koordinaten", **base))
        if draw(st.booleans()):
            events.append(event("contact.answered", leg, back + timedelta(minutes=2), "desk", **base))
    return [*events, *draw(registrations(leg, at, "visit"))]


KINDS = [calls, calls, calls, mails, mails, visits, loose_notes]


@st.composite
def histories(draw: st.DrawFn, largest: int = 7, span: int = TWELVE_DAYS) -> list[Event]:
    """Events of several parties, and sometimes restarts of the telephone system.

    Contacts begin within ``span`` seconds: few make that calls follow closely on one another.
    """
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=largest))
    events = [e for number, kind in enumerate(kinds) for e in draw(kind(number, span))]
    for _ in range(draw(st.integers(0, 2))):
        at = START + timedelta(seconds=draw(st.integers(0, span)))
        events.append(event("system.restarted", "pbx1:restart", at, channel="telephone"))
    return events
