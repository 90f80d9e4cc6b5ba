"""The desk at Koordinaten: visitors register, wait, are called, and sometimes have gone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from producers.simulator.desk import draft, instant
from producers.simulator.model import Errand, Need
from producers.simulator.randomness import stream
from producers.simulator.records import Draft
from producers.simulator.settings import SimulationSettings
from producers.sources.desk import records
from schemas.events import Audience
from schemas.identity import Pseudonymiser

_WAIT_SIGMA = 0.7
_LONGEST_S = 3600.0
_TALK_MEDIAN_S = 300.0
_TALK_SIGMA = 0.6
_GONE_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Served:
    """A visit that ended at ``at`` (seconds since 1970)."""

    leg: str
    at: float
    errands: tuple[Errand, ...]


@dataclass(slots=True)
class DeskDay:
    """What a day gave: the desk's lines, and the visits that ended."""

    lines: list[Draft] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)


class Desk:
    """The simulated desk. Those who give their number stand in its journal by pseudonym only."""

    def __init__(self, settings: SimulationSettings, pseudonymiser: Pseudonymiser) -> None:
        self._settings, self._pseudonymiser = settings, pseudonymiser

    def day(self, day: date, needs: Sequence[Need]) -> DeskDay:
        """Return an open day's visits."""
        settings, result = self._settings, DeskDay()
        rng = stream(settings.seed, "visits", day)
        for number, need in enumerate(needs, start=1):
            visit = f"{day:%Y%m%d}-{number:03d}"
            wait = rng.lognormvariate(math.log(settings.visit_wait_median_s), _WAIT_SIGMA)
            talk = rng.lognormvariate(math.log(_TALK_MEDIAN_S), _TALK_SIGMA)
            gone, named = rng.random() < settings.no_show_share, rng.random() < settings.named_visit_share
            called = need.at + min(wait, _LONGEST_S)
            result.lines.append(self._registered(visit, need, named=named))
            result.lines.append(
                draft(called, visit, records.Called(at=instant(called), key=f"{visit}.called", visit=visit))
            )
            if gone:
                at = called + _GONE_AFTER_S
                line = records.NoShow(at=instant(at), key=f"{visit}.no-show", visit=visit)
                result.lines.append(draft(at, visit, line))
                continue
            ended = called + min(max(talk, 20.0), _LONGEST_S)
            result.lines.extend(_ended(visit, need.errands, called, ended))
            result.served.append(Served(visit, ended, need.errands))
        return result

    def _registered(self, visit: str, need: Need, *, named: bool) -> Draft:
        internal = need.customer.internal
        line = records.Registered(
            at=instant(need.at),
            key=f"{visit}.registered",
            visit=visit,
            queue=self._settings.desk_queue,
            audience=Audience.INTERNAL if internal else None,
            party=self._pseudonymiser.number(need.customer.number) if named and not internal else None,
        )
        return draft(need.at, visit, line)


def _ended(visit: str, errands: Sequence[Errand], called: float, ended: float) -> Iterator[Draft]:
    for number, errand in enumerate(errands, start=1):
        if errand.unit and errand.by_transfer:
            at = ended - 5
            passed = records.HandedOver(
                at=instant(at),
                key=f"{visit}.e{number}.passed",
                visit=visit,
                unit=errand.unit,
                errand=f"e{number}",
            )
            yield draft(at, visit, passed)
    talk_ms = round(1000 * (ended - called))
    finished = records.Finished(at=instant(ended), key=f"{visit}.finished", visit=visit, talk_ms=talk_ms)
    yield draft(ended, visit, finished)
