"""What Grafana and its ClickHouse plugin make of a panel's SQL before it is sent, for tests.

Covers the macros that the panels use and refuses every other, so that none reaches the store unexpanded.
Held against pairs from the plugin's own tests in test_grafana_macros.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

ALL = "$__all"
_CONDITIONAL = "$__conditionalAll("
_FORMATTED = re.compile(r"\$\{(\w+):singlequote\}")
_BARE = re.compile(r"\$\{?(\w+)\}?")


def expand(sql: str, since: datetime, until: datetime, chosen: Mapping[str, Sequence[str]]) -> str:
    """Return the SQL as the store gets it, for a time range and the values chosen of each variable.

    First the plugin's page resolves ``$__conditionalAll``, then Grafana fills in the variables, then the
    plugin's backend expands the macros of time. Raises ValueError for anything that is left.
    """
    resolved = conditional_all(sql, chosen)
    filled = _FORMATTED.sub(lambda match: _single_quoted(chosen[match[1]]), resolved)
    expanded = time_macros(filled, since, until)
    if "$" in expanded:
        raise ValueError(f"not expanded: {expanded[expanded.index('$') :][:40]}")
    return expanded


def conditional_all(sql: str, chosen: Mapping[str, Sequence[str]]) -> str:
    """Replace ``$__conditionalAll(condition, $variable)`` by the condition, or by ``1=1`` for all."""
    while _CONDITIONAL in sql:
        start = sql.rindex(_CONDITIONAL)
        condition, variable, end = _arguments(sql, start + len(_CONDITIONAL))
        name = _BARE.search(variable)
        everything = name is not None and ",".join(chosen[name[1]]) in {"", ALL}
        sql = sql[:start] + ("1=1" if everything else condition) + sql[end:]
    return sql


def _arguments(sql: str, start: int) -> tuple[str, str, int]:
    """Return the two arguments that begin at ``start``, and where the text goes on after the bracket."""
    depth, arguments, begun = 1, [], start
    for place in range(start, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[place], 0)
        if (sql[place] == "," and depth == 1) or depth == 0:
            arguments.append(sql[begun:place])
            begun = place + 1
        if depth == 0:
            condition, variable = arguments
            return condition, variable, place + 1
    raise ValueError("a bracket is not closed")


def _single_quoted(values: Sequence[str]) -> str:
    return ",".join("'" + value.replace("'", "\\'") + "'" for value in values)


def time_macros(sql: str, since: datetime, until: datetime) -> str:
    """Expand ``$__timeFilter(column)``, ``$__fromTime`` and ``$__toTime``, to whole seconds."""
    first, last = (f"toDateTime({int(at.timestamp())})" for at in (since, until))
    sql = re.sub(r"\$__fromTime\b", first, sql)
    sql = re.sub(r"\$__toTime\b", last, sql)
    return re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 >= {first} AND \1 <= {last}", sql)
