"""Sentences of the definitions that the stream once broke, each by its smallest counter-example."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from schemas.events import ErrandOutcome, Event
from schemas.identity import stable_hash
from schemas.legs import ContactFact, LegOutcome
from tests.histories import START, event, party
from tests.streams.test_laws import run

CALL: dict[str, Any] = {"channel": "telephone"}
QUEUE: dict[str, Any] = {**CALL, "queue": "kommuncenter"}


def after(seconds: float) -> Any:
    """Return an instant so many seconds after the beginning."""
    return START + timedelta(seconds=seconds)


def facts(events: Sequence[Event]) -> dict[str, ContactFact]:
    """Return the contacts that events amount to."""
    return run([events]).facts()


def test_time_on_hold_is_counted_once_where_only_the_end_of_a_call_is_known() -> None:
    """DOMAIN §2.4: handling time = talk + hold + wrap-up; talk that was not measured is what hold leaves."""
    told = [
        event("contact.queued", "pbx1:1", START, **QUEUE),
        event("contact.answered", "pbx1:1", after(10), **CALL),
        event("contact.ended", "pbx1:1", after(70), hold_ms=20_000, **CALL),
    ]
    assert facts(told)["pbx1:1"].handle_ms == 60_000


def test_a_call_beside_another_one_does_not_take_it_up_again() -> None:
    """CORRECTIONS 27: the next call after its *end*; a business has one number for many people."""
    told = [
        event("contact.queued", "pbx1:1", START, party=party(1), **QUEUE),
        event("contact.answered", "pbx1:1", after(5), **CALL),
        event("contact.ended", "pbx1:1", after(60), talk_ms=55_000, **CALL),
        event("contact.queued", "pbx1:2", after(30), party=party(1), **QUEUE),
        event("contact.abandoned", "pbx1:2", after(90), **CALL),
    ]
    assert facts(told).keys() == {"pbx1:1", "pbx1:2"}
    assert facts(told)["pbx1:1"].outcome is LegOutcome.ANSWERED


def registered(leg: str, seconds: float, **said: Any) -> Event:
    """Return what the desk wrote down."""
    told = {"channel": "telephone", "errand": "e1", "topic": "va-avfall", "outcome": "resolved", **said}
    return event("errand.registered", leg, after(seconds), "desk", **told)


ANSWERED_CALL = [
    event("contact.queued", "pbx1:1", START, party=party(1), **QUEUE),
    event("contact.answered", "pbx1:1", after(5), **CALL),
    event("contact.ended", "pbx1:1", after(125), talk_ms=120_000, **CALL),
]
ABANDONED_CALL = [
    event("contact.queued", "pbx1:2", after(600), party=party(1), **QUEUE),
    event("contact.abandoned", "pbx1:2", after(700), **CALL),
]


def test_an_abandoned_call_is_never_an_errand() -> None:
    """DOMAIN §1, also where somebody registered one under the call's own id."""
    assert facts([*ABANDONED_CALL, registered("pbx1:2", 800)])["pbx1:2"].errands == ()


def test_a_registration_without_a_call_s_id_passes_an_abandoned_call_by() -> None:
    """CORRECTIONS 19: the agent who registers after the fact means the call that was answered."""
    found = facts([*ANSWERED_CALL, *ABANDONED_CALL, registered("desk:9", 800, party=party(1))])
    assert [errand.topic for errand in found["pbx1:1"].errands] == ["va-avfall"]
    assert found["pbx1:2"].errands == ()
    assert "desk:9" not in found


def test_a_second_registration_does_not_push_out_a_word_of_thanks() -> None:
    """CORRECTIONS 19: thanks are no errand, so the contact takes the next registration too."""
    thanks = registered("desk:8", 200, party=party(1), thanks=True)
    errand = registered("desk:9", 300, party=party(1), audience="business")
    fact = facts([*ANSWERED_CALL, thanks, errand])["pbx1:1"]
    assert fact.legs == ("pbx1:1", "desk:8", "desk:9")


MAIL: dict[str, Any] = {"channel": "email", "mailbox": "kommun"}
ASKED, REPLY, AGAIN = (stable_hash("mail", name) for name in ("asked", "reply", "again"))


def mail(kind: str, ref: str, seconds: float, *refs: str, rotated: bool = False) -> Event:
    """Return a message of the thread, under the old key or, once keys have changed, under both."""
    who = party(1, rotated=rotated)
    told = {"message": ref, "references": refs, "party": who, **MAIL}
    return event(f"contact.{kind}", f"kommun:{ref}", after(seconds), "mail", **told)


def test_a_reply_answers_a_mail_from_before_the_change_of_keys() -> None:
    """DOMAIN §2.4, CORRECTIONS 17: the reply names both pseudonyms; the mail knew only the former one."""
    told = [mail("received", ASKED, 0), mail("replied", REPLY, 3600, ASKED, rotated=True)]
    found = facts(told)
    assert found.keys() == {f"kommun:{ASKED}"}
    fact = found[f"kommun:{ASKED}"]
    assert fact.answered_at == after(3600)
    assert fact.errands[0].first_contact


def test_a_reply_with_a_department_in_copy_is_a_handover_too() -> None:
    """DOMAIN §2.3: the handover stands on the centre's own message, since it names no outside party."""
    told = [
        mail("received", ASKED, 0),
        mail("replied", REPLY, 3600, ASKED),
        event(
            "contact.handed_over",
            f"kommun:{REPLY}",
            after(3600),
            "mail",
            channel="email",
            kind="ticket",
            unit="energi",
        ),
    ]
    (errand,) = facts(told)[f"kommun:{ASKED}"].errands
    assert [handover.unit for handover in errand.handovers] == ["energi"]
    assert errand.outcome is ErrandOutcome.HANDED_OVER
    assert not errand.first_contact


def test_a_call_that_enters_another_queue_in_the_same_second_is_waiting() -> None:
    """DOMAIN §3: one call passes several queues, and sources have whole seconds; their own order tells."""

    def moved(left: int, entered: int) -> LegOutcome:
        told = [
            event("contact.queued", "pbx1:1", START, position=1, **QUEUE),
            event("contact.flowed_out", "pbx1:1", after(60), reason="timeout", position=left, **CALL),
            event("contact.queued", "pbx1:1", after(60), position=entered, **CALL, queue="koordinaten"),
        ]
        return facts(told)["pbx1:1"].outcome

    assert moved(2, 3) is LegOutcome.OPEN
    assert moved(3, 2) is LegOutcome.FLOWED_OUT


def test_a_visitor_who_was_taken_out_of_the_queue_after_not_coming_was_not_helped() -> None:
    """DOMAIN §2.4: called is not helped where nobody came; nor is it an errand."""
    visit = {"channel": "visit"}
    told = [
        event("contact.queued", "desk:1", START, "desk", queue="koordinaten", **visit),
        event("contact.answered", "desk:1", after(60), "desk", **visit),
        event("contact.no_show", "desk:1", after(120), "desk", **visit),
        event("contact.flowed_out", "desk:1", after(180), "desk", reason="withdrawn", **visit),
    ]
    fact = facts(told)["desk:1"]
    assert (fact.outcome, fact.answered_at, fact.taken, fact.errands) == (
        LegOutcome.FLOWED_OUT,
        None,
        False,
        (),
    )
