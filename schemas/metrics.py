"""The metric registry: each figure once, with its label, formula and population.

A metric is a sum of measures, or a sum over a sum. From here come the panels, the report, the board
and the page of definitions; nobody writes a formula anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.first_contact import FIRST_CONTACT
from schemas.metric import Better, Metric, Unit
from schemas.service_level import SERVICE_LEVELS


def _count(name: str, label: str, description: str, *measures: str, source: str = "DOMAIN §2") -> Metric:
    return Metric(name, label, description, Unit.COUNT, measures or (name,), source=source)


OFFERED = _count("offered", "Inkomna kontakter", "Samtal, mejl och besök utifrån.")
ERRANDS = _count("errands", "Ärenden", "Det som kontakterna gäller; en kontakt kan ha flera ärenden.")
ABANDONED = _count(
    "abandoned", "Lade på i kön", "Samtal där den som ringde lade på efter minst 5 sekunder i kön."
)
HANDOVERS = _count(
    "handovers", "Överlämningar", "Överlämningar till en förvaltning; två av samma ärende räknas två gånger."
)
UNDER_REACH = _count(
    "under_reach",
    "Lämnat vidare inom mandatet",
    "Ärenden som lämnades vidare fast Kommuncenter har mandat att lösa dem.",
    source="DOMAIN §2.3",
)
OVER_REACH = _count(
    "over_reach",
    "Löst över mandatet",
    "Ärenden som Kommuncenter löste fast de ligger över mandatet.",
    source="DOMAIN §2.3",
)


SPEED_OF_ANSWER = Metric(
    "speed_of_answer",
    "Väntetid i medeltal",
    "Tid från första kön till svar, medelvärde över besvarade samtal.",
    Unit.SECONDS,
    ("wait_ms",),
    ("calls_answered",),
    Better.LOWER,
    source="DOMAIN §2.4",
)
HANDLING_TIME = Metric(
    "handling_time",
    "Hanteringstid i medeltal",
    "Samtalstid, parkering och efterarbete, medelvärde över besvarade samtal.",
    Unit.SECONDS,
    ("handle_ms",),
    ("calls_answered",),
    source="DOMAIN §2.4",
)
RESOLVED_IN_CENTRE = Metric(
    "resolved_in_centre",
    "Löst i Kommuncenter",
    "Andel ärenden som Kommuncenter själv har löst, av alla ärenden. Öppna och överlämnade räknas med.",
    Unit.SHARE,
    ("resolved_in_centre",),
    ("errands",),
    Better.HIGHER,
    0.68,
    source="DOMAIN §2.2",
)
HANDOVER_RATE = Metric(
    "handover_rate",
    "Lämnat vidare",
    "Andel ärenden som lämnades till en förvaltning minst en gång, av ärenden som Kommuncenter tog emot.",
    Unit.SHARE,
    ("handed_over",),
    ("handover_base",),
    Better.LOWER,
    source="DOMAIN §2.3, CORRECTIONS 29",
)
MANDATE_USE = Metric(
    "mandate_use",
    "Mandatet används",
    "Andel ärenden inom mandatet som Kommuncenter själv löste.",
    Unit.SHARE,
    ("solved_within_mandate",),
    ("within_mandate",),
    Better.HIGHER,
    source="DOMAIN §2.3, CORRECTIONS 29",
)
MAIL_IN_TIME = Metric(
    "mail_in_time",
    "Mejl besvarade inom en arbetsdag",
    "Andel mejl som besvarades inom en arbetsdag, av de mejl vars tid gick ut under perioden. "
    "Ett mejl är besvarat när Kommuncenter svarar eller lämnar det vidare till en förvaltning.",
    Unit.SHARE,
    ("mail_in_time",),
    ("mail_due",),
    Better.HIGHER,
    0.85,
    source="DOMAIN §2.4, CORRECTIONS 30",
)
MAIL_REPLIED_IN_TIME = Metric(
    "mail_replied_in_time",
    "Mejl med svar till avsändaren inom en arbetsdag",
    "Som besvarade inom en arbetsdag, men att mejlet lämnades vidare räknas inte som svar.",
    Unit.SHARE,
    ("mail_replied_in_time",),
    ("mail_due",),
    Better.HIGHER,
    source="DOMAIN §2.4, CORRECTIONS 29",
)
MAIL_IN_24H = Metric(
    "mail_in_24h",
    "Mejl besvarade inom 24 timmar",
    "Andel mejl som besvarades inom 24 timmar, av de mejl vars 24 timmar gick ut under perioden. "
    "Ett mejl är besvarat när Kommuncenter svarar eller lämnar det vidare till en förvaltning.",
    Unit.SHARE,
    ("mail_in_24h",),
    ("mail_due_24h",),
    Better.HIGHER,
    source="DOMAIN §2.4",
)
VISIT_WAIT = Metric(
    "visit_wait",
    "Väntetid vid besök",
    "Tid från att besöket registrerades till att besökaren blev framkallad, medelvärde.",
    Unit.SECONDS,
    ("visit_wait_ms",),
    ("visits_called",),
    Better.LOWER,
    source="DOMAIN §2.4",
)
OUTCOME_REGISTERED = Metric(
    "outcome_registered",
    "Utfall registrerat",
    "Andel ärenden där någon registrerade hur det gick; för övriga sluts det av kontakten själv.",
    Unit.SHARE,
    ("outcome_registered",),
    ("errands",),
    Better.HIGHER,
    source="DOMAIN §2.2",
)
OUTCOME_DERIVED = Metric(
    "outcome_derived",
    "Utfall slutet av kontakten",
    "Andel ärenden där ingen registrerade hur det gick, så att kontakten själv får avgöra.",
    Unit.SHARE,
    ("outcome_derived",),
    ("errands",),
    source="DOMAIN §2.2, CORRECTIONS 20",
)
OUTCOME_DEFAULT = Metric(
    "outcome_default",
    "Utfall ifyllt av ett system",
    "Andel ärenden där ett system fyllde i hur det gick av sig självt.",
    Unit.SHARE,
    ("outcome_default",),
    ("errands",),
    source="DOMAIN §2.2",
)
EXCLUDED = _count(
    "excluded",
    "Undantagna kontakter",
    "Kontakter från kollegor och från maskiner; de ingår inte i bilden av servicen.",
    "excluded_internal",
    "excluded_auto_reply",
    "excluded_bounce",
    "excluded_bulk",
    "excluded_spam",
    source="DOMAIN §1",
)

METRICS: tuple[Metric, ...] = (
    OFFERED,
    ERRANDS,
    ABANDONED,
    *SERVICE_LEVELS.values(),
    SPEED_OF_ANSWER,
    HANDLING_TIME,
    RESOLVED_IN_CENTRE,
    *FIRST_CONTACT,
    HANDOVER_RATE,
    HANDOVERS,
    UNDER_REACH,
    OVER_REACH,
    MANDATE_USE,
    MAIL_IN_TIME,
    MAIL_REPLIED_IN_TIME,
    MAIL_IN_24H,
    VISIT_WAIT,
    OUTCOME_REGISTERED,
    OUTCOME_DERIVED,
    OUTCOME_DEFAULT,
    EXCLUDED,
)
BY_NAME: Mapping[str, Metric] = {metric.name: metric for metric in METRICS}

CHANNEL_GOALS = {"telephone": 0.81, "email": 0.12, "visit": 0.07}
"""The published picture of the channels (DOMAIN); shown beside the shares, not as targets."""

CHANNEL_LABELS = {"telephone": "Telefon", "email": "E-post", "visit": "Besök", "unknown": "Okänd kanal"}
