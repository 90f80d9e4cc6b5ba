"""Which variants of its figures an installation goes by: what board, report and Grafana lead with."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.first_contact import FCR_FINAL, fcr_citizen_final, fcr_final_traceable, fcr_net_final
from schemas.metric import Metric
from schemas.service_level import SERVICE_LEVEL


@dataclass(frozen=True, slots=True)
class Definitions:
    """The formula of the service level, and first-contact resolution with the installation's W."""

    service_level: Metric = SERVICE_LEVEL
    first_contact: Metric = FCR_FINAL

    @property
    def days(self) -> int:
        """W: in how many days a repeat flips first-contact resolution."""
        return self.first_contact.final_after_days

    @property
    def other_views(self) -> tuple[Metric, ...]:
        """By the same W: as the citizen sees it, of whom can be followed, and within the mandate."""
        return fcr_citizen_final(self.days), fcr_final_traceable(self.days), fcr_net_final(self.days)


STANDARD = Definitions()
