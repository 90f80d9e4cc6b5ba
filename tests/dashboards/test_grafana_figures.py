"""Every panel over figures gives what verify's hand-written SQL gives, on histories through the real folds.

The histories are folded by both stages and written by the worker's own sink. What a panel ought to show is
computed from the contacts: measures by verify's SQL, and from them, here in Python, what each heading says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dashboards.grafana.model import Panel
from dashboards.grafana.variables import topic_labels, unit_labels
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from schemas.catalogue import load_catalogue
from schemas.events import Event
from schemas.metric import Better, Metric, Unit
from schemas.metrics import CHANNEL_LABELS, METRICS
from schemas.statistics import wilson
from schemas.timebase import STOCKHOLM, day_start, local_day
from streams.verify.sql import recomputed_query
from tests.dashboards.grafana_answers import BOARDS, EVERYTHING, Range, Row, answer, sql_of
from tests.histories import START, event, histories
from tests.services.clickhouse import migrated
from tests.streams.verify.conftest import Installed

pytestmark = pytest.mark.integration

CATALOGUE = load_catalogue()
INTERNAL = [name for name, topic in CATALOGUE.topics.items() if topic.internal]
LABELLED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Kanal": ("channel", CHANNEL_LABELS),
    "Ämne": ("topic", topic_labels(CATALOGUE)),
    "Område": ("area", {**CATALOGUE.areas, "": "Inget område"}),
    "Mottagare": ("unit", unit_labels(CATALOGUE)),
}
METRIC = {metric.label_sv: metric for metric in METRICS}
PANELS = [
    panel
    for title in ("Lägesbild", "Uppföljning")
    for panel in BOARDS[title].panels
    if panel.targets and panel.title != "Väntar nu"
]
INTERVAL_OF = {
    "Område för område": "Löst i Kommuncenter",
    "Lämnat vidare fast det ligger inom mandatet": "Mandatet används",
}
ONLY_WITH = {"Överlämningar: ämne och mottagare": "Alla"}
"""Rows without this are left out, where it is not the first figure."""
KINDS = {
    "Utan presentation": "handovers_blind",
    "Med presentation": "handovers_consulted",
    "Ärende eller mejl": "handovers_ticket",
}
# The range holds the end of summer time, and begins and ends within a day, as Grafana's does.
FIRST, LAST = START.date() - timedelta(days=2), START.date() + timedelta(days=19)
SINCE = day_start(FIRST) + timedelta(hours=1)
UNTIL = day_start(LAST) + timedelta(hours=20)
CHOICES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "all": EVERYTHING,
    "some, by month": {
        **EVERYTHING,
        "channel": ["telephone", "email"],
        "area": ["bygga-bo-miljo", "omsorg-stod"],
        "unit": ["omsorg", "okand"],
        "period": ["month"],
    },
    "one channel, by day": {**EVERYTHING, "channel": ["visit"], "period": ["day"]},
}


@dataclass(frozen=True, slots=True)
class Amount:
    """A measure's amount at a place, by verify's SQL."""

    window: datetime
    channel: str
    area: str
    topic: str
    unit: str
    name: str
    amount: int


@pytest.fixture(scope="module")
def installed(clickhouse: EmbeddedClickHouse) -> Iterator[Installed]:
    """A migrated database that each history empties first."""
    with migrated(clickhouse) as database:
        yield Installed(database)


def recomputed(installed: Installed) -> list[Amount]:
    """Return all measures from the facts, by verify's SQL."""
    query = recomputed_query(FIRST - timedelta(days=60), LAST + timedelta(days=60), INTERNAL)
    return [
        Amount(window.replace(tzinfo=UTC), channel, area, topic, unit, name, int(amount))
        for window, channel, area, topic, unit, name, amount in installed.database.rows(query)
    ]


# ---- what a panel ought to show ------------------------------------------------------------------


def ought(panel: Panel, headings: Sequence[str], amounts: Sequence[Amount], choice: str) -> list[Row]:
    """Return a panel's rows out of the amounts."""
    chosen = CHOICES[choice]
    sql = panel.targets[0].raw_sql
    used = [
        name for name in ("channel", "area", "unit") if f"${{{name}:" in sql and chosen[name] != ["$__all"]
    ]
    kept = [
        a
        for a in amounts
        if _in_range(a, quarters=panel.interval == "15m")
        and all(getattr(a, name) in chosen[name] for name in used)
    ]
    if "Bedömning" in headings:
        return [row for row in (_judged(label, _sums(kept)) for label in _shares(sql)) if row]
    keys = [heading for heading in headings if heading in LABELLED or heading in ("time", "Period")]
    groups: dict[tuple[Any, ...], list[Amount]] = {}
    for amount in kept:
        key = tuple(_key(heading, amount, panel, chosen["period"][0]) for heading in keys)
        groups.setdefault(key, []).append(amount)
    if not keys:
        groups.setdefault((), [])
    whole = _sums(kept)
    return [
        {
            **dict(zip(keys, key, strict=True)),
            **{h: _cell(panel, h, group, whole, headings) for h in headings if h not in keys},
        }
        for key, group in groups.items()
    ]


def _in_range(amount: Amount, *, quarters: bool) -> bool:
    if quarters:
        return SINCE <= amount.window <= UNTIL
    return FIRST <= local_day(amount.window) <= LAST


def _key(heading: str, amount: Amount, panel: Panel, period: str) -> Any:
    if heading in LABELLED:
        dimension, labels = LABELLED[heading]
        value = getattr(amount, dimension)
        return labels.get(value, value)
    if panel.interval == "15m":
        return amount.window
    day = local_day(amount.window)
    step = period if "period" in panel.targets[0].raw_sql else "day"
    first = {"day": day, "month": day.replace(day=1), "week": day - timedelta(days=day.weekday())}[step]
    return _named(first, step) if heading == "Period" else day_start(first)


def _named(first: date, step: str) -> str:
    year, week, _ = first.isocalendar()
    return {"day": f"{first}", "month": f"{first:%Y-%m}", "week": f"{year} v. {week:02d}"}[step]


def _sums(amounts: Sequence[Amount]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for amount in amounts:
        sums[amount.name] += amount.amount
    return sums


def _cell(
    panel: Panel, heading: str, group: Sequence[Amount], whole: Counter[str], headings: Sequence[str]
) -> Any:
    sums = _sums(group)
    special: Mapping[str, Callable[[], Any]] = {
        "Underlag": lambda: sums_of(_first(headings).denominator, sums),
        "Andel av ärenden": lambda: sums["errands"] / whole["errands"] if whole["errands"] else None,
        "Alla": lambda: sums["handovers"],
        "Övriga": lambda: sum(
            a.amount
            for a in group
            if a.name == "handovers" and a.unit and a.unit not in unit_labels(CATALOGUE)
        ),
    }
    if heading in KINDS:
        return sums[KINDS[heading]]
    if heading in METRIC:
        return METRIC[heading].value(sums)
    if heading in special:
        return special[heading]()
    if heading.endswith("_key"):
        [value] = {getattr(a, heading.removesuffix("_key")) for a in group}
        return value or "inget" if heading == "topic_key" else value
    if heading in ("Från", "Till", "Antal (n)"):
        share = wilson(*METRIC[INTERVAL_OF[panel.title]].counts(sums))
        ends = {"Från": share.low, "Till": share.high, "Antal (n)": share.n} if share else {"Antal (n)": 0}
        return ends.get(heading)
    [unit] = [name for name, label in unit_labels(CATALOGUE).items() if label == heading]
    return sum(a.amount for a in group if a.name == "handovers" and a.unit == unit)


def sums_of(names: Sequence[str], sums: Counter[str]) -> int:
    return sum(sums[name] for name in names)


def _first(headings: Sequence[str]) -> Metric:
    return next(METRIC[heading] for heading in headings if heading in METRIC)


def _shares(sql: str) -> list[str]:
    return [label for label, metric in METRIC.items() if metric.unit is Unit.SHARE and f"('{label}'," in sql]


def _judged(label: str, sums: Counter[str]) -> Row:
    metric = METRIC[label]
    share = wilson(*metric.counts(sums))
    row = {"Mått": label, "Mål": metric.target, "Andel": None, "Från": None, "Till": None, "Antal (n)": 0}
    if share is None:
        return {**row, "Bedömning": "inget underlag"}
    row |= {"Andel": share.value, "Från": share.low, "Till": share.high, "Antal (n)": share.n}
    if share.small:
        said = "för litet underlag"
    elif metric.target is None:
        said = "inget mål"
    elif share.covers(metric.target):
        said = "går inte att säga"
    else:
        reached = (share.value > metric.target) == (metric.better is Better.HIGHER)
        said = "når målet" if reached else "når inte målet"
    return {**row, "Bedömning": said}


# ---- the comparison ------------------------------------------------------------------------------


def expect_the_same(installed: Installed, panel: Panel, amounts: Sequence[Amount], choice: str) -> int:
    """Hold a panel's answer against what it ought to be; return how many rows had something to say."""
    [target] = panel.targets
    found = answer(installed.database, sql_of(panel, Range(SINCE, UNTIL, CHOICES[choice])))
    headings = list(found[0]) if found else _headings(target.raw_sql)
    wanted = ought(panel, headings, amounts, choice)
    if "HAVING" in target.raw_sql:
        counted = next(h for h in headings if h in METRIC or h.startswith("Andel av"))
        first = ONLY_WITH.get(panel.title, counted)
        wanted = [row for row in wanted if row[first]]
    ours, theirs = (_spoken(rows) for rows in (found, wanted))
    assert ours.keys() == theirs.keys(), (panel.title, choice)
    for key, row in theirs.items():
        assert ours[key] == pytest.approx(row, rel=1e-9), (panel.title, choice, key)
    return len(ours)


def _headings(sql: str) -> list[str]:
    return [part.split("`")[0] for part in sql.split("AS `")[1:]]


def _spoken(rows: Sequence[Row]) -> dict[tuple[str, ...], Row]:
    """Return key -> numbers; rows in which every number is nothing or zero say nothing."""
    spoken = {}
    for row in rows:
        texts = {h: v for h, v in row.items() if not isinstance(v, int | float | None)}
        numbers = {h: v for h, v in row.items() if isinstance(v, int | float)}
        if any(numbers.values()) or "Bedömning" in row:
            spoken[tuple(f"{h}={texts[h]}" for h in sorted(texts))] = numbers
    return spoken


@given(histories(largest=40, span=14 * 86400), st.sampled_from([name for name in CHOICES if name != "all"]))
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes seconds: shrinking, minutes
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
def test_every_panel_shows_what_verify_recomputes(
    installed: Installed, events: list[Event], choice: str
) -> None:
    installed.empty()
    installed.fill(events)
    amounts = recomputed(installed)
    for panel in PANELS:
        expect_the_same(installed, panel, amounts, "all")
        expect_the_same(installed, panel, amounts, choice)


def crowd() -> list[Event]:
    """Return 240 registered calls over three weeks: enough that no panel is empty, and shares are judged."""
    events = []
    topics = ["va-avfall", "omsorg", "gata-felanmalan", None]
    for number in range(240):
        at = START + timedelta(days=number % 19, minutes=17 * number % 600)
        leg, base = f"pbx1:c{number}", {"channel": "telephone"}
        events.append(event("contact.queued", leg, at, queue="kommuncenter", **base))
        events.append(event("contact.answered", leg, at + timedelta(seconds=number % 90), **base))
        if number % 3 == 0:
            unit = ["omsorg", "energi", "samhallsbyggnad", None][number % 4]
            kind = ["blind", "consulted"][number % 2]
            moved = at + timedelta(seconds=100)
            events.append(event("contact.handed_over", leg, moved, kind=kind, unit=unit, **base))
        events.append(event("contact.ended", leg, at + timedelta(seconds=200), talk_ms=100_000, **base))
        said = {"topic": topics[number % 4], "level": [10, 30, 50][number % 3]}
        outcome = "handed_over" if number % 3 == 0 else "resolved"
        events.append(
            event(
                "errand.registered",
                leg,
                at + timedelta(seconds=210),
                "desk",
                errand="e1",
                outcome=outcome,
                **base,
                **said,
            )
        )
    return events


def test_no_panel_is_empty_of_a_crowd_and_a_figure_changed_by_hand_is_noticed(installed: Installed) -> None:
    installed.empty()
    installed.fill([*crowd(), *mails_and_visits()])
    amounts = recomputed(installed)
    for panel in PANELS:
        assert expect_the_same(installed, panel, amounts, "all") > 0, panel.title
        expect_the_same(installed, panel, amounts, "some, by month")
    measures = sorted({name for metric in METRICS for name in metric.measures})
    raised = ", ".join(f"{name} + 1 AS {name}" for name in measures)
    for table in ("service_days", "service_windows"):
        installed.database.command(
            f"INSERT INTO {table} SELECT * REPLACE ({raised}, revision + 1 AS revision) FROM {table} FINAL"
        )
    for panel in PANELS:
        with pytest.raises(AssertionError):
            expect_the_same(installed, panel, amounts, "all")


def mails_and_visits() -> list[Event]:
    """Return some mails, in time and late, and visits."""
    events = []
    for number in range(30):
        at = START + timedelta(days=number % 10, hours=2)
        first = f"kommun:{number:032x}"
        base: dict[str, Any] = {"channel": "email", "mailbox": "kommun"}
        events.append(event("contact.received", first, at, "mail", message=f"{number:032x}", **base))
        answered = at + timedelta(hours=[2, 20, 80][number % 3])
        reply = f"{number + 1000:032x}"
        known = (f"{number:032x}",)
        events.append(
            event(
                "contact.replied",
                f"kommun:{reply}",
                answered,
                "mail",
                message=reply,
                references=known,
                **base,
            )
        )
        visit: dict[str, Any] = {"channel": "visit"}
        leg = f"desk:v{number}"
        events.append(event("contact.queued", leg, at, "desk", queue="koordinaten", **visit))
        events.append(event("contact.answered", leg, at + timedelta(minutes=3), "desk", **visit))
        events.append(event("contact.ended", leg, at + timedelta(minutes=9), "desk", **visit))
    return events


def test_nothing_that_falls_due_later_is_shown(installed: Installed) -> None:
    installed.empty()
    now = datetime.now(UTC)
    ahead = now.astimezone(STOCKHOLM) + timedelta(days=2)
    later = [
        event(
            "contact.received",
            "kommun:" + "a" * 32,
            ahead,
            "mail",
            channel="email",
            message="a" * 32,
            mailbox="kommun",
        )
    ]
    installed.fill(later)
    assert recomputed_at(installed, ahead.date())
    for panel in PANELS:
        rows = answer(installed.database, sql_of(panel, Range(now, now + timedelta(days=30), EVERYTHING)))
        assert not any(isinstance(v, int | float) and v for row in rows for h, v in row.items() if h != "Mål")


def recomputed_at(installed: Installed, day: date) -> list[Any]:
    query = recomputed_query(day - timedelta(days=9), day + timedelta(days=9), INTERNAL)
    return list(installed.database.rows(query))


def test_who_waits_now_and_who_has_been_open_for_too_long(installed: Installed) -> None:
    installed.empty()
    now = datetime.now(UTC)
    waits = {"pbx1:1": timedelta(minutes=5), "pbx1:2": timedelta(minutes=1), "pbx1:3": timedelta(hours=3)}
    queued = {"channel": "telephone", "queue": "kommuncenter"}
    events = [event("contact.queued", leg, now - ago, **queued) for leg, ago in waits.items()]
    events.append(event("contact.queued", "pbx1:4", now - timedelta(minutes=9), **queued))
    events.append(event("contact.answered", "pbx1:4", now - timedelta(minutes=8), channel="telephone"))
    installed.fill(events)
    [panel] = [panel for panel in BOARDS["Lägesbild"].panels if panel.title == "Väntar nu"]
    [row] = answer(installed.database, sql_of(panel, Range(now, now, EVERYTHING)))
    assert (row["channel"], row["waiting"], row["stale"]) == ("telephone", 2, 1)
    assert timedelta(minutes=5) <= timedelta(milliseconds=row["longest_wait_ms"]) < timedelta(minutes=7)
    assert list(row) == [override.matcher.options for override in panel.field_config.overrides]
