"""All boards, in the order in which they are listed."""

from __future__ import annotations

from dataclasses import dataclass, field

from dashboards.definitions import STANDARD, Definitions
from dashboards.grafana.drift import drift
from dashboards.grafana.kontakter import kontakter
from dashboards.grafana.kris import kris
from dashboards.grafana.lagesbild import lagesbild
from dashboards.grafana.model import Dashboard
from dashboards.grafana.sources import kalla
from dashboards.grafana.uppfoljning import uppfoljning
from schemas.catalogue import Catalogue, load_catalogue
from schemas.clickhouse.silence import SilenceRule


@dataclass(frozen=True, slots=True)
class Choices:
    """What an installation has chosen, as far as the boards show it; by default what is shipped."""

    catalogue: Catalogue = field(default_factory=load_catalogue)
    definitions: Definitions = STANDARD
    silence: SilenceRule = field(default_factory=SilenceRule)


def boards(choices: Choices | None = None) -> tuple[Dashboard, ...]:
    """Return all boards."""
    chosen = choices or Choices()
    return (
        lagesbild(chosen.catalogue, chosen.definitions),
        uppfoljning(chosen.catalogue, chosen.definitions),
        kris(chosen.catalogue, chosen.silence),
        kontakter(chosen.catalogue),
        kalla(chosen.catalogue, chosen.silence),
        drift(chosen.catalogue, chosen.silence),
    )
