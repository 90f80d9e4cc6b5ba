"""First-contact resolution in all its views: provisional, final, net, centre, citizen, traceable (§2.2).

The final ones exist for every W, which is settable: whichever an installation goes by, the share that can be
followed, the citizen's view and the one within the mandate stand beside it.
"""

from __future__ import annotations

from schemas.measures import WINDOWS_W
from schemas.metric import Better, Metric, Unit

FCR_PROVISIONAL = Metric(
    "fcr_provisional",
    "Löst vid första kontakten, preliminärt",
    "Andel ärenden som Kommuncenter löste i den första kontakten utan att lämna vidare.",
    Unit.SHARE,
    ("fcr_provisional",),
    ("errands",),
    Better.HIGHER,
    source="DOMAIN §2.2, CORRECTIONS 24",
)


def fcr_final(days: int) -> Metric:
    """Return first-contact resolution with a repeat window of ``days`` (1, 7, 14 or 30)."""
    return _final(
        "fcr_final",
        days,
        "",
        f"Som preliminärt, men bara om samma person inte hör av sig igen om samma sak inom {days} dygn. "
        "Dolda nummer kan inte följas och räknas som inte återkomna.",
        "errands",
    )


def fcr_citizen_final(days: int) -> Metric:
    """Return the same as the citizen sees it: a warm transfer that was solved at once counts."""
    return _final(
        "fcr_citizen_final",
        days,
        ", medborgarens vy",
        f"Löst på en gång, och inte följt av en ny kontakt om samma sak inom {days} dygn. "
        "Ett samtal som kopplades med presentation och löstes direkt räknas också.",
        "errands",
        source="DOMAIN §2.2, CORRECTIONS 24, 25, 31",
    )


def fcr_final_traceable(days: int) -> Metric:
    """Return the same over errands of parties that can be followed."""
    return _final(
        "fcr_final_traceable",
        days,
        ", av de som kan följas",
        f"Som slutligt efter {days} dygn, men bara över ärenden där samma person kan kännas igen.",
        "traceable",
    )


def fcr_net_final(days: int) -> Metric:
    """Return the same over errands within the mandate."""
    return _final(
        "fcr_net_final",
        days,
        ", inom mandatet",
        f"Som slutligt efter {days} dygn, men bara över ärenden som Kommuncenter har mandat att lösa.",
        "within_mandate",
    )


def _final(
    name: str,
    days: int,
    view: str,
    description: str,
    population: str,
    *,
    source: str = "DOMAIN §2.2, CORRECTIONS 25, 31",
) -> Metric:
    return Metric(
        f"{name}_{days}d",
        f"Löst vid första kontakten ({days} dygn){view}",
        description,
        Unit.SHARE,
        (f"{name}_{days}d",),
        (population,),
        Better.HIGHER,
        final_after_days=days,
        source=source,
    )


FCR_FINAL = fcr_final(7)
FCR_CITIZEN_PROVISIONAL = Metric(
    "fcr_citizen_provisional",
    "Löst vid första kontakten, medborgarens vy, preliminärt",
    "Som preliminärt, men ett samtal som kopplades med presentation och löstes direkt räknas också.",
    Unit.SHARE,
    ("fcr_citizen_provisional",),
    ("errands",),
    Better.HIGHER,
    source="DOMAIN §2.2, CORRECTIONS 24",
)
TRACEABLE = Metric(
    "traceable",
    "Möjliga att följa",
    "Andel ärenden där samma person kan kännas igen om hen hör av sig igen.",
    Unit.SHARE,
    ("traceable",),
    ("errands",),
    source="DOMAIN §2.2",
)
FCR_NET = Metric(
    "fcr_net",
    "Löst vid första kontakten, inom mandatet",
    "Som preliminärt, men bara över ärenden som Kommuncenter har mandat att lösa.",
    Unit.SHARE,
    ("fcr_net",),
    ("within_mandate",),
    Better.HIGHER,
    source="DOMAIN §2.2",
)

FIRST_CONTACT: tuple[Metric, ...] = (
    FCR_PROVISIONAL,
    *map(fcr_final, WINDOWS_W),
    FCR_CITIZEN_PROVISIONAL,
    *map(fcr_citizen_final, WINDOWS_W),
    TRACEABLE,
    *map(fcr_final_traceable, WINDOWS_W),
    FCR_NET,
    *map(fcr_net_final, WINDOWS_W),
)
