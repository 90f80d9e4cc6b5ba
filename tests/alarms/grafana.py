"""A small Grafana: evaluates provisioned rules one instant after another, as Grafana 12 and 13 do.

Written after Grafana's documentation and its own code (pkg/expr, pkg/services/ngalert/state), for the shapes
that the rules have: a table, a reduction, a threshold. Every other shape is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from dashboards.grafana.generate import COMMITTED_ALERTING
from schemas.clickhouse.database import Database
from schemas.clickhouse.queries import Query
from schemas.errors import KommuncenterError

Labels = tuple[tuple[str, str], ...]
NO_LABELS: Labels = ()
MISSING_EVALUATIONS = 2
"""After so many evaluations without its row an alarm is over (missing_series_evals_to_resolve)."""
NOW = "now64(3, 'UTC')"


class State(StrEnum):
    """What an instance of a rule is in."""

    NORMAL = "normal"
    PENDING = "pending"
    ALERTING = "alerting"


@dataclass
class Instance:
    """A rule for one set of labels."""

    state: State = State.NORMAL
    since: datetime | None = None
    missing: int = 0


def at_instant(sql: str, now: datetime) -> str:
    """Return a rule's SQL with the store's clock set: it is read by one expression only.

    Raises ValueError for any other way of telling the time, and for macros, which rules have none of.
    """
    fixed = sql.replace(NOW, f"toDateTime64('{now.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}', 3, 'UTC')")
    found = re.search(r"\b(now|now64|today|yesterday)\s*\(|\$", fixed)
    if found:
        raise ValueError(f"tells the time in a way that can't be set, or holds a macro: {found[0]}")
    return fixed


def shape_of(database: Database, sql: str) -> tuple[str, ...]:
    """Return the names of a table's columns: texts, and as the last one a number.

    Raises ValueError for a shape that Grafana refuses, or where the number is not the last.
    """
    types = [(str(row[0]), str(row[1])) for row in database.rows(Query(f"DESCRIBE ({sql})"))]
    *texts, number = types
    if any("String" not in kind for _, kind in texts) or not re.match(r"U?Int|Float", number[1]):
        raise ValueError(f"no table of texts and one number: {types}")
    return tuple(name for name, _ in types)


def numbers(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[Labels, float]:
    """Return what Grafana makes of a table: its texts are labels, and there is one number.

    Raises ValueError, as Grafana does, for the same labels twice.
    """
    found: dict[Labels, float] = {}
    for *texts, number in rows:
        labels = tuple(zip(names, map(str, texts), strict=False))
        if labels in found:
            raise ValueError(f"the same labels twice: {labels}")
        found[labels] = float(number)
    return found


@dataclass
class Rule:
    """A provisioned rule and the instances that it has."""

    given: Mapping[str, Any]
    instances: dict[Labels, Instance] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        query, reduced, threshold = (part["model"] for part in self.given["data"])
        assert (query["queryType"], query["format"]) == ("table", 1)
        assert (reduced["type"], reduced["reducer"], reduced["expression"]) == ("reduce", "last", "A")
        assert (threshold["type"], threshold["expression"]) == ("threshold", "B")
        assert self.given["condition"] == threshold["refId"] == "C"
        self.sql: str = query["rawSql"]
        self.beyond = _evaluator(threshold["conditions"])
        self.lasts = timedelta(seconds=int(self.given["for"].removesuffix("s")))

    def evaluate(self, database: Database, now: datetime) -> None:
        """Look at an instant."""
        try:
            sql = at_instant(self.sql, now)
            self.names = self.names or shape_of(database, sql)
            told = numbers(self.names, database.rows(Query(sql)))
        except KommuncenterError:
            self._without(self.given["execErrState"], now)
            return
        if not told:
            self._without(self.given["noDataState"], now)
            return
        # Reducing one number gives that number.
        for labels, value in told.items():
            self._set(labels, self.beyond(value), now)
        for labels in [labels for labels in self.instances if labels not in told]:
            self._miss(labels)

    def firing(self) -> list[Labels]:
        """Return the labels for which it alerts."""
        return sorted(labels for labels, i in self.instances.items() if i.state is State.ALERTING)

    def _without(self, state: str, now: datetime) -> None:
        """Apply the state for no data, or for an error, to all instances, or to one without labels."""
        if state == "KeepLast":
            return
        for labels in list(self.instances) or [NO_LABELS]:
            self._set(labels, {"Alerting": True, "OK": False}[state], now)

    def _set(self, labels: Labels, beyond: bool, now: datetime) -> None:
        instance = self.instances.setdefault(labels, Instance())
        instance.missing = 0
        if not beyond:
            instance.state, instance.since = State.NORMAL, None
            return
        instance.since = instance.since or now
        instance.state = State.ALERTING if now - instance.since >= self.lasts else State.PENDING

    def _miss(self, labels: Labels) -> None:
        self.instances[labels].missing += 1
        if self.instances[labels].missing >= MISSING_EVALUATIONS:
            del self.instances[labels]


def _evaluator(conditions: Sequence[Mapping[str, Any]]) -> Callable[[float], bool]:
    [condition] = conditions
    [limit] = condition["evaluator"]["params"]
    kinds: dict[str, Callable[[float], bool]] = {"gt": lambda v: v > limit, "lt": lambda v: v < limit}
    return kinds[condition["evaluator"]["type"]]


@dataclass
class Alerting:
    """All rules of a provisioning file."""

    rules: dict[str, Rule]

    @classmethod
    def provisioned(cls, path: Path = COMMITTED_ALERTING / "rules.yaml") -> Alerting:
        """Return the rules of the committed file, by uid."""
        groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        assert all(group["interval"] == "60s" for group in groups)
        return cls({rule["uid"]: Rule(rule) for group in groups for rule in group["rules"]})

    def evaluate(self, database: Database, now: datetime) -> None:
        """Look at an instant with every rule."""
        for rule in self.rules.values():
            rule.evaluate(database, now)

    def firing(self) -> dict[str, list[Labels]]:
        """Return the rules that alert, and for what."""
        return {uid: labels for uid, rule in self.rules.items() if (labels := rule.firing())}
