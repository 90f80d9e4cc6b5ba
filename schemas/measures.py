"""Additive measures: the only numbers that are stored; every figure is a sum of these, or sum/sum.

Counts are whole numbers and spans whole milliseconds, so a sum does not depend on its order. Each
measure is filled by ``streams.core.contributions`` and is a column of both grains of the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

WINDOWS_W = (1, 7, 14, 30)
"""Days in which a repeat flips first-contact resolution (DOMAIN §2.2); the largest bounds the horizon."""


class Per(StrEnum):
    """What a measure counts, which is also the rows it may be split by."""

    CONTACT = "contact"
    """Rows with a channel only."""
    ERRAND = "errand"
    """Rows with channel, area and topic."""
    HANDOVER = "handover"
    """Rows with channel, area, topic and receiving unit."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of the figures: additive, never negative once summed."""

    name: str
    per: Per
    description: str


def _contact(name: str, description: str) -> Measure:
    return Measure(name, Per.CONTACT, description)


def _errand(name: str, description: str) -> Measure:
    return Measure(name, Per.ERRAND, description)


def _handover(name: str, description: str) -> Measure:
    return Measure(name, Per.HANDOVER, description)


def _finals(name: str, provisional: str) -> tuple[Measure, ...]:
    """Return the final measures of a view of first-contact resolution, one per W."""
    return tuple(
        _errand(f"{name}_{w}d", f"{provisional}, less those with a repeat or reopened within {w} days.")
        for w in WINDOWS_W
    )


_CONTACT_MEASURES = (
    _contact("offered", "Inbound external contacts that are no machine's; the identity's left side."),
    _contact("answered", "Offered and answered by the centre."),
    _contact("abandoned", "Hung up after waiting at least the short-abandon limit (CORRECTIONS 21)."),
    _contact("short_abandoned", "Hung up before the short-abandon limit."),
    _contact("flowed_out", "Left the queue by timeout, key, empty, full, closed, withdrawal or restart."),
    _contact("callback_taken", "Chose to be called back."),
    _contact("no_show", "Visitors who were called and did not come."),
    _contact("open", "Not yet any of these, as far as the log says."),
    _contact("contacts", "Offered less short abandons and no-shows (CORRECTIONS 28)."),
    _contact("taken", "Answered, called, replied to or forwarded (CORRECTIONS 29)."),
    _contact("answered_in_target", "Calls answered within the service level's target."),
    _contact("calls_answered", "Calls answered: the population of waits and handling times."),
    _contact("calls_abandoned", "Calls abandoned, short abandons left out."),
    _contact("calls_abandoned_in_target", "Of those, abandoned within the service level's target."),
    _contact("calls_abandoned_after_target", "Of those, abandoned later than that."),
    _contact("calls_short_abandoned", "Calls abandoned before the short-abandon limit."),
    _contact("calls_flowed_out", "Calls that left the queue otherwise than by an answer or by hanging up."),
    _contact("wait_ms", "Waiting time summed over answered calls."),
    _contact("handle_ms", "Talk, hold and wrap-up summed over answered calls."),
    _contact("visits_called", "Visitors called to the desk: the population of visit waits."),
    _contact("visit_wait_ms", "Registration to call summed over called visitors."),
    _contact("redial", "Calls of a party that had abandoned within the hour before."),
    _contact("mail_due", "Mails falling due in the window: one working day after arrival."),
    _contact("mail_in_time", "Of those, answered by then: replied to or passed on."),
    _contact("mail_replied_in_time", "Of those, replied to by then."),
    _contact("mail_due_24h", "Mails falling due in the window: 24 hours after arrival."),
    _contact("mail_in_24h", "Of those, answered by then: replied to or passed on."),
    _contact("excluded_internal", "Contacts from colleagues."),
    _contact("excluded_auto_reply", "Automatic replies."),
    _contact("excluded_bounce", "Bounces."),
    _contact("excluded_bulk", "Bulk and list mail."),
    _contact("excluded_spam", "Spam."),
)

_ERRAND_MEASURES = (
    _errand("errands", "Errands of external parties, internal topics left out."),
    _errand("errands_internal_topic", "Errands left out because their topic is internal."),
    _errand("resolved_in_centre", "Errands closed with the work performed by the centre."),
    _errand("errands_open", "Errands neither resolved nor handed over, as far as the log says."),
    _errand("fcr_provisional", "Resolved by the centre in the first contact without a handover."),
    *_finals("fcr_final", "fcr_provisional"),
    _errand("fcr_citizen_provisional", "fcr_provisional, or solved in the same call after a warm transfer."),
    *_finals("fcr_citizen_final", "fcr_citizen_provisional"),
    _errand("traceable", "Errands of a party that can be followed (a pseudonym is known)."),
    *_finals("fcr_final_traceable", "fcr_provisional of traceable errands"),
    _errand("fcr_net", "fcr_provisional of errands within the centre's mandate."),
    *_finals("fcr_net_final", "fcr_net"),
    _errand("within_mandate", "Errands whose level is known and within the mandate."),
    _errand("solved_within_mandate", "Of those, resolved by the centre."),
    _errand("under_reach", "Handed over although within the mandate."),
    _errand("over_reach", "Resolved by the centre above the mandate."),
    _errand("handover_base", "Errands of contacts that the centre took (CORRECTIONS 29)."),
    _errand("handed_over", "Of those, handed over to a department at least once."),
    _errand("outcome_registered", "Errands whose outcome was registered."),
    _errand("outcome_derived", "Errands whose outcome was derived from the contact."),
    _errand("outcome_default", "Errands whose outcome was filled in by a system."),
    _errand("errands_unlinked", "Registered errands that belong to no known contact; in no other measure."),
    _errand("channel_default", "Errands whose channel was filled in by a system."),
)

_HANDOVER_MEASURES = (
    _handover("handovers", "Handovers to a department; two of one errand count twice."),
    _handover("handovers_blind", "Of those, passed on without asking."),
    _handover("handovers_consulted", "Of those, announced to the receiver first."),
    _handover("handovers_ticket", "Of those, by ticket or forwarded mail."),
)

MEASURES: tuple[Measure, ...] = _CONTACT_MEASURES + _ERRAND_MEASURES + _HANDOVER_MEASURES
MEASURE_NAMES: tuple[str, ...] = tuple(measure.name for measure in MEASURES)

WAIT_HISTOGRAM = "wait_histogram"
"""Column beside the measures: answered calls by bin of waiting time (CORRECTIONS 32)."""

_FINE_BINS = 600
_STEP = 1.02


def wait_bin(wait_ms: int) -> int:
    """Return the histogram bin of a wait: whole seconds up to 600 s, then steps of 2 %."""
    seconds = max(wait_ms, 0) // 1000
    if seconds < _FINE_BINS:
        return seconds
    index, upper = _FINE_BINS, _FINE_BINS * _STEP
    while seconds >= upper and index < _MAX_BIN:
        index, upper = index + 1, upper * _STEP
    return index


_MAX_BIN = 1000


def bin_upper_seconds(index: int) -> float:
    """Return the upper edge of a bin in seconds; quantiles are stated by it."""
    if index < _FINE_BINS:
        return float(index + 1)
    return float(_FINE_BINS * _STEP ** (index - _FINE_BINS + 1))


def quantile_seconds(histogram: dict[int, int], share: float) -> float | None:
    """Return the wait in seconds that ``share`` of the answered calls did not exceed; None without calls.

    The answer is the upper edge of the bin that holds it: at most 1 s, or 2 %, above the exact one.
    """
    total = sum(histogram.values())
    if total == 0:
        return None
    needed, seen = share * total, 0
    for index in sorted(histogram):
        seen += histogram[index]
        if seen >= needed:
            return bin_upper_seconds(index)
    return bin_upper_seconds(max(histogram))


IDENTITY_RIGHT = (
    "answered",
    "abandoned",
    "short_abandoned",
    "flowed_out",
    "callback_taken",
    "no_show",
    "open",
)
"""``offered`` is the sum of these in every cohort (DOMAIN §2, CORRECTIONS 22)."""
