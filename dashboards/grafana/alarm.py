"""What an alarm is: a query, a threshold, how long it must last, and what is said to whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from schemas.clickhouse.queries import Query


class Severity(StrEnum):
    """How soon somebody has to do something."""

    CRITICAL = "kritiskt"
    """Now: residents notice it, or figures are not to be trusted."""
    WARNING = "varning"
    """Today."""


class Audience(StrEnum):
    """Who can do something about it; each has a contact point of its own."""

    LEADERS = "teamledare"
    OPERATIONS = "drift"


class Comparison(StrEnum):
    """On which side of the threshold the alarm is, in Grafana's words."""

    ABOVE = "gt"
    BELOW = "lt"


class Without(StrEnum):
    """What Grafana makes of a query that gives no row, or fails."""

    ALERTING = "Alerting"
    OK = "OK"
    KEEP_LAST = "KeepLast"
    """The store is away: that is told once, by the alarm for the worker, and not by every one."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm rule. ``uid`` never changes: silences and history hang on it. Texts are Swedish.

    ``summary`` is one sentence, in which ``number()`` gives the value; ``why`` says when it goes off and what
    may be behind it, ``steps`` what to do, in order. ``board`` (uid) and ``panel`` (title) are where to look.
    """

    uid: str
    title: str
    summary: str
    why: str
    steps: tuple[str, ...]
    severity: Severity
    audience: Audience
    query: Query
    comparison: Comparison
    threshold: float
    lasts: timedelta
    board: str
    panel: str = ""
    no_data: Without = Without.OK
    failed: Without = Without.KEEP_LAST

    def is_out(self, value: float) -> bool:
        """Tell whether a value is on the wrong side of the threshold."""
        return value > self.threshold if self.comparison is Comparison.ABOVE else value < self.threshold


def number(decimals: int = 0) -> str:
    """Return the template of an alarm's value, with a decimal comma; "?" where there is none."""
    return (
        f'{{{{ with $values.B }}}}{{{{ reReplaceAll "[.]" "," (printf "%.{decimals}f" .Value) }}}}'
        "{{ else }}?{{ end }}"
    )


def label(name: str) -> str:
    """Return the template of one of an alarm's labels."""
    return f"{{{{ $labels.{name} }}}}"
