"""The service level and its variants by name (DOMAIN §2.4): vendors differ, so the formula is said."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from schemas.metric import Better, Metric, Unit


class ServiceLevel(StrEnum):
    """How the service level is reckoned. Vendors differ; each differs from the standard in one thing."""

    STANDARD = "standard"
    """Answered in time / (answered + abandoned), short abandons left out (CORRECTIONS 21)."""
    ABANDONS_MET = "abandons_met"
    """Who hangs up within the target counts as a success."""
    ABANDONS_LEFT_OUT = "abandons_left_out"
    """Who hangs up within the target counts in neither part."""
    SHORT_ABANDONS = "short_abandons"
    """Short abandons count as failures too."""
    FLOW_OUTS = "flow_outs"
    """Calls that flowed out count as failures too."""
    ANSWERED_ONLY = "answered_only"
    """Of the answered calls only."""


def _service_level(
    variant: ServiceLevel, label: str, description: str, top: tuple[str, ...], bottom: tuple[str, ...]
) -> Metric:
    standard = variant is ServiceLevel.STANDARD
    return Metric(
        "service_level" if standard else f"service_level_{variant.value}",
        f"Svarat inom 60 sekunder{label}",
        f"Andel samtal som {description}",
        Unit.SHARE,
        top,
        bottom,
        Better.HIGHER,
        0.80,
        source="DOMAIN §2.4, CORRECTIONS 21",
    )


SERVICE_LEVELS: Mapping[ServiceLevel, Metric] = {
    variant: _service_level(variant, *parts)
    for variant, parts in {
        ServiceLevel.STANDARD: (
            "",
            "fick svar inom 60 sekunder, av besvarade samtal och samtal där någon lade på i kön. "
            "Den som lägger på inom 5 sekunder räknas inte.",
            ("answered_in_target",),
            ("calls_answered", "calls_abandoned"),
        ),
        ServiceLevel.ABANDONS_MET: (
            ", den som lägger på i tid räknas som nöjd",
            "fick svar inom 60 sekunder eller lade på dessförinnan, av besvarade samtal och samtal där någon "
            "lade på i kön. Den som lägger på inom 5 sekunder räknas inte.",
            ("answered_in_target", "calls_abandoned_in_target"),
            ("calls_answered", "calls_abandoned"),
        ),
        ServiceLevel.ABANDONS_LEFT_OUT: (
            ", den som lägger på i tid räknas inte",
            "fick svar inom 60 sekunder, av besvarade samtal och samtal där någon lade på efter mer än "
            "60 sekunder.",
            ("answered_in_target",),
            ("calls_answered", "calls_abandoned_after_target"),
        ),
        ServiceLevel.SHORT_ABANDONS: (
            ", även de som lägger på genast räknas",
            "fick svar inom 60 sekunder, av besvarade samtal och alla samtal där någon lade på i kön, även "
            "inom 5 sekunder.",
            ("answered_in_target",),
            ("calls_answered", "calls_abandoned", "calls_short_abandoned"),
        ),
        ServiceLevel.FLOW_OUTS: (
            ", även de som lämnar kön på annat sätt räknas",
            "fick svar inom 60 sekunder, av besvarade samtal, samtal där någon lade på i kön och samtal som "
            "lämnade kön på annat sätt, till exempel för att det var stängt.",
            ("answered_in_target",),
            ("calls_answered", "calls_abandoned", "calls_flowed_out"),
        ),
        ServiceLevel.ANSWERED_ONLY: (
            ", av de besvarade",
            "fick svar inom 60 sekunder, av bara de besvarade samtalen. De som lade på i kön syns inte.",
            ("answered_in_target",),
            ("calls_answered",),
        ),
    }.items()
}
"""The variants by name; an installation chooses its own (``service_level`` in the settings)."""
SERVICE_LEVEL = SERVICE_LEVELS[ServiceLevel.STANDARD]
