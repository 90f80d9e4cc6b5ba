"""What public reports have told so far: the next one must not give away what those left out.

The ledger holds the very counts that were left out: keep it where the store is kept, and never publish it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dashboards.report.disclosure.system import Known
from dashboards.report.document import Quantity, Sum
from schemas.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Told:
    """What a report told of a quantity. ``guarded``: it is too small to be told."""

    quantity: Quantity
    value: int
    known: Known
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Issue:
    """A public report that has left the centre."""

    period: str
    data_version: str
    told: tuple[Told, ...]
    sums: tuple[Sum, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """All of them, the earliest first."""

    issues: tuple[Issue, ...] = ()

    def with_issue(self, issue: Issue) -> Ledger:
        """Return the ledger with one more; the same issue again is not added twice."""
        return self if issue in self.issues else Ledger((*self.issues, issue))


def ledger_json(ledger: Ledger) -> str:
    """Return a ledger as JSON, one issue on a line."""
    lines = (json.dumps(_written(issue), ensure_ascii=False) for issue in ledger.issues)
    return "".join(f"{line}\n" for line in lines)


def read_ledger(text: str) -> Ledger:
    """Read what ``ledger_json`` wrote. Raises ConfigurationError for anything else."""
    issues = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            issues.append(_issue(json.loads(line)))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ConfigurationError(
                f"the ledger of public reports, line {number}, can't be read ({error}); restore it: without "
                "it a public report could give away what earlier ones left out"
            ) from error
    return Ledger(tuple(issues))


def _written(issue: Issue) -> dict[str, Any]:
    places = {told.quantity: place for place, told in enumerate(issue.told)}
    return {
        "period": issue.period,
        "data_version": issue.data_version,
        "told": [
            [t.quantity.measure, t.quantity.period, dict(t.quantity.where), t.value, t.known.value, t.guarded]
            for t in issue.told
        ],
        "sums": [[places[s.whole], [places[part] for part in s.parts]] for s in issue.sums],
    }


def _issue(found: dict[str, Any]) -> Issue:
    told = tuple(
        Told(_quantity(measure, period, where.items()), int(value), Known(known), bool(guarded))
        for measure, period, where, value, known, guarded in found["told"]
    )
    sums = tuple(
        Sum(told[whole].quantity, tuple(told[part].quantity for part in parts))
        for whole, parts in found["sums"]
    )
    return Issue(str(found["period"]), str(found["data_version"]), told, sums)


def _quantity(measure: str, period: str, where: Iterable[tuple[str, str]]) -> Quantity:
    return Quantity(str(measure), str(period), tuple(sorted((str(k), str(v)) for k, v in where)))
