"""A look at an installation: what works, what does not, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from kommuncenter import wiring
from kommuncenter.deadletters.telling import counted
from kommuncenter.delivery.records import State
from kommuncenter.sealing import sealer
from kommuncenter.settings import Settings, config_path, load_settings
from kommuncenter.sources.status import alarm, statuses
from kommuncenter.topics import admin_client, partition_counts
from schemas.clickhouse.queries import Between, Query, rejected_share_query
from schemas.deadletter import drop
from schemas.errors import KommuncenterError
from schemas.timebase import local_day

_CALENDAR_AHEAD = timedelta(days=90)
_BAD_INPUT_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    good: bool
    said: str


def examine() -> list[Finding]:
    """Return what was found; the settings first, since all else follows from them."""
    try:
        settings = load_settings()
    except KommuncenterError as error:
        return [Finding("settings", False, str(error))]
    findings = [Finding("settings", True, str(config_path() or "environment and defaults"))]
    checks: dict[str, Callable[[Settings], str]] = {
        "catalogue": _catalogue,
        "pseudonym key": _pseudonym,
        "dead letters": _dead_letters,
        "retention": _retention,
        "sources": _sources,
        "broker": _broker,
        "store": _store,
        "worker": _worker,
        "rebuilds": _rebuilds,
        "bad input": _bad_input,
        "silence": _silence,
        "delivery": _delivery,
    }
    for what, check in checks.items():
        try:
            findings.append(Finding(what, True, check(settings)))
        except KommuncenterError as error:
            findings.append(Finding(what, False, str(error)))
    return findings


def _catalogue(settings: Settings) -> str:
    catalogue = wiring.catalogue(settings)
    last, today = catalogue.last_listed_day(), local_day(wiring.clock(settings).now())
    if last is None or last < today + _CALENDAR_AHEAD:
        raise KommuncenterError(f"the special days end on {last}; add the next years to [days]")
    return f"{len(catalogue.topics)} topics; special days until {last}"


def _pseudonym(settings: Settings) -> str:
    pseudonymiser = wiring.pseudonymiser(settings)
    former = f", former key {pseudonymiser.previous.key_id}" if pseudonymiser.previous else ""
    return f"key {pseudonymiser.current.key_id}{former}"


def _dead_letters(settings: Settings) -> str:
    if sealer(settings.dead_letters) is drop:
        return "records are dropped, only their places are kept"
    return f"records are sealed, and kept for {settings.retention.dead_letter_payload_days} d"


def _retention(settings: Settings) -> str:
    kept = settings.retention
    if not kept.decision and settings.clock is None:
        raise KommuncenterError("retention.decision: not set; name the decision (gallringsbeslut)")
    return (
        f"events {kept.events_days} d, pseudonyms {kept.pseudonym_days} d, facts {kept.facts_months} months"
    )


def _sources(settings: Settings) -> str:
    for instance in settings.sources:
        wiring.source_and_settings(settings, instance)
    return ", ".join(settings.sources)


def _broker(settings: Settings) -> str:
    from kafka.errors import KafkaError

    servers = settings.kafka.bootstrap_servers
    plan = wiring.topic_plan(settings)
    try:
        with admin_client(servers) as admin:
            counts = partition_counts(admin, dict.fromkeys(plan.all_topics))
    except (KafkaError, OSError) as error:
        raise KommuncenterError(f"{servers}: no answer ({type(error).__name__}); is it running?") from error
    missing = [topic for topic in plan.all_topics if topic not in counts]
    if missing:
        raise KommuncenterError(f"{servers}: no topic {', '.join(missing)}; start the worker, it makes them")
    wrong = [topic for topic, count in counts.items() if count != plan.partitions]
    if wrong:
        raise KommuncenterError(
            f"{', '.join(wrong)}: not {plan.partitions} partitions, as kafka.partitions says"
        )
    return f"{servers}: {len(counts)} topics of {plan.partitions} partitions"


def _store(settings: Settings) -> str:
    rows = wiring.database(settings).rows(Query("SELECT count(), max(arrived_at) FROM contacts_current"))
    count, latest = rows[0]
    return f"{count} contacts" + (f", the latest at {latest:%Y-%m-%d %H:%M} UTC" if count else "")


def _worker(settings: Settings) -> str:
    rows = wiring.database(settings).rows(
        Query("SELECT uniqExact(partition) FROM epochs WHERE state = 'active' AND stage = 2")
    )
    if rows[0][0] < settings.kafka.partitions:
        raise KommuncenterError(
            f"{rows[0][0]} of {settings.kafka.partitions} partitions taken over; is a worker running?"
        )
    return f"{rows[0][0]} partitions taken over"


def _rebuilds(settings: Settings) -> str:
    asked = wiring.rebuilder(settings).open()
    if asked:
        raise KommuncenterError(
            f"the one from {asked[0].since} is not through; run `kommuncenter rebuild` to see it through"
        )
    return "none is open"


def _silence(settings: Settings) -> str:
    found = statuses(settings)
    wrong = [line for line in map(alarm, found) if line]
    if wrong:
        raise KommuncenterError("; ".join(wrong) + "; see `kommuncenter source status`")
    return f"{len(found)} sources are read and none is silent"


def _delivery(settings: Settings) -> str:
    if not settings.delivery.host:
        return "reports are not sent by e-mail"
    found = wiring.deliveries(settings).deliveries()
    told = [
        f"{delivery.which.period}: {delivery.state.value} ({delivery.which.id})"
        for delivery in found
        if delivery.state in {State.IN_DOUBT, State.FAILED}
    ]
    told += [
        f"{delivery.which.period}: refused for {counted(len(delivery.missing), 'recipient')} "
        f"({delivery.which.id})"
        for delivery in found
        if delivery.state is State.SENT and delivery.missing
    ]
    if told:
        raise KommuncenterError(
            "; ".join(told) + "; see `kommuncenter deliver list`, and use `deliver resend`"
        )
    sent = [delivery for delivery in found if delivery.state is State.SENT]
    return f"{counted(len(sent), 'report')} sent" + (f", the last {sent[0].which.period}" if sent else "")


def _bad_input(settings: Settings) -> str:
    now, alarm = wiring.clock(settings).now(), settings.dead_letters
    rows = wiring.database(settings).rows(rejected_share_query(Between(now - _BAD_INPUT_WITHIN, now)))
    bad = [
        f"{instance}: {counted(rejected, 'record')} rejected beside {counted(accepted, 'event')} "
        f"in the last hour ({share:.0%})"
        for instance, rejected, accepted, share in rows
        if rejected + accepted >= alarm.alarm_records and share > alarm.alarm_share
    ]
    if bad:
        raise KommuncenterError("; ".join(bad) + "; see `kommuncenter dlq list`")
    return f"{counted(sum(row[1] for row in rows), 'record')} rejected in the last hour"
