"""Wiring: the only place where settings become real clients, readers and applications."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import faust
from starlette.applications import Starlette

from dashboards.board.app import board_app
from dashboards.definitions import Definitions
from kommuncenter.access import board_access
from kommuncenter.clocks import clock_from_spec
from kommuncenter.database import ClickHouseDatabase
from kommuncenter.deadletters.letters import Letters
from kommuncenter.deadletters.replay import Normaliser, Replayer
from kommuncenter.delivery.deliver import Deliverer
from kommuncenter.delivery.records import ClickHouseDeliveries, DeliveryLog
from kommuncenter.delivery.smtp import SmtpMailer
from kommuncenter.exchanges import WAYS_IN, check_ways_in
from kommuncenter.lag import lag_of
from kommuncenter.sealing import sealer, unsealer
from kommuncenter.settings import Settings
from kommuncenter.sources.archive import ClickHouseArchive
from kommuncenter.sources.replay import Replay
from kommuncenter.topics import TopicConfig, ensure_topics
from producers.contract import Broadcast, Context, Health, Reader, ReaderContext, Source, SourceSettings
from producers.journal import Journal
from producers.publisher import kafka_publisher
from producers.registry import load
from producers.runner import SourceRunner, normalise_all
from producers.sources.desk.app import desk_app
from schemas.catalogue import Catalogue, load_catalogue
from schemas.clickhouse.queries import Query
from schemas.clickhouse.silence import SilenceRule
from schemas.clickhouse.tables import SOURCE_HEALTH
from schemas.clock import Clock
from schemas.errors import ConfigurationError
from schemas.events import Event
from schemas.first_contact import fcr_final
from schemas.identity import Pseudonymiser, PseudonymKey
from schemas.service_level import SERVICE_LEVELS
from schemas.topics import DEAD_LETTERS, EVENTS_PREFIX, LEGS, TopicPlan
from streams.app import StreamSettings, build_app
from streams.core.rules import Rules
from streams.health import ClickHouseHealth, HealthReporter
from streams.rebuild import Rebuilder
from streams.sink import ClickHouseStore, check_partitions
from streams.surges import SurgeWatch
from streams.verify.compare import Kept, Verifier
from streams.verify.record import ClickHouseVerifications, VerificationLog

SHADOW_RETENTION = timedelta(days=1)
"""How long Kafka keeps what a replay gave."""
LEGS_RETENTION = timedelta(days=7)
"""How long Kafka keeps what is between the stages; the archive can give it all again."""


def topic_plan(settings: Settings) -> TopicPlan:
    """Return the topics of an installation."""
    return TopicPlan(tuple(settings.sources), settings.kafka.partitions)


def create_topics(settings: Settings) -> Sequence[str]:
    """Create the topics that are missing, and return their names."""
    plan = topic_plan(settings)
    topics = {name: TopicConfig(timestamps="append") for name in plan.event_topics}
    topics[LEGS] = TopicConfig(retention=LEGS_RETENTION)
    kept = settings.retention.dead_letter_payload_days
    topics[DEAD_LETTERS] = TopicConfig(retention=None if kept is None else timedelta(days=kept))
    return ensure_topics(
        settings.kafka.bootstrap_servers,
        topics,
        plan.partitions,
        replication_factor=settings.kafka.replication_factor,
    )


def catalogue(settings: Settings) -> Catalogue:
    """Return the catalogue that the settings name, or the shipped one."""
    return load_catalogue(settings.catalogue)


def definitions(settings: Settings) -> Definitions:
    """Return which variants of its figures the installation goes by."""
    return Definitions(SERVICE_LEVELS[settings.service_level], fcr_final(settings.first_contact_days))


def clock(settings: Settings) -> Clock:
    """Return the clock that every process of the installation goes by."""
    return clock_from_spec(settings.clock)


def silence_rule(settings: Settings) -> SilenceRule:
    """Return when no events from a source are an alarm."""
    chosen = settings.silence
    return SilenceRule(
        chosen.chance, timedelta(minutes=chosen.minutes), timedelta(minutes=chosen.unread_minutes)
    )


def database(settings: Settings) -> ClickHouseDatabase:
    """Return a client of the store; it connects when it is first used."""
    return ClickHouseDatabase(settings.clickhouse)


def pseudonymiser(settings: Settings) -> Pseudonymiser:
    """Return what turns numbers and addresses into pseudonyms. Raises ConfigurationError without a key."""
    chosen = settings.pseudonym
    if chosen.key is None:
        raise ConfigurationError(
            "pseudonym.key (KC_PSEUDONYM__KEY): not set; give a secret of at least 16 characters, "
            "such as the output of `openssl rand -hex 32`, and keep it"
        )
    previous = None
    if chosen.previous_key is not None:
        previous = PseudonymKey(chosen.previous_key_id or "", chosen.previous_key.get_secret_value().encode())
    return Pseudonymiser(PseudonymKey(chosen.key_id, chosen.key.get_secret_value().encode()), previous)


def worker_app(settings: Settings) -> faust.App:
    """Return the Faust application, its topics created and its store checked."""
    store_client, now = database(settings), clock(settings)
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    check_partitions(store_client, now, settings.kafka.partitions)
    create_topics(settings)
    kafka = settings.kafka
    return build_app(
        StreamSettings(
            bootstrap_servers=kafka.bootstrap_servers,
            group=kafka.group,
            session_timeout=kafka.session_timeout,
            heartbeat=kafka.heartbeat,
            rebalance_timeout=kafka.rebalance_timeout,
            data_dir=settings.state_dir / "faust",
        ),
        topic_plan(settings),
        ClickHouseStore(store_client, now, pseudonym_days=settings.retention.pseudonym_days),
        Rules(catalogue(settings)),
        now,
        seal=sealer(settings.dead_letters),
        surges=SurgeWatch(store_client, catalogue(settings), now),
        health=HealthReporter(f"{socket.gethostname()}:{os.getpid()}", ClickHouseHealth(store_client), now),
    )


def source_and_settings(settings: Settings, instance: str) -> tuple[Source[Any], SourceSettings]:
    """Return a configured instance's source and its own settings. Raises ConfigurationError."""
    from pydantic import ValidationError

    if instance not in settings.sources:
        raise ConfigurationError(
            f"source {instance!r}: not in [sources]; configured are {', '.join(settings.sources) or 'none'}"
        )
    given = dict(settings.sources[instance])
    kind = given.pop("type", None)
    if not isinstance(kind, str):
        raise ConfigurationError(f'sources.{instance}.type: missing; name the source, such as "asterisk"')
    source = load(kind)
    try:
        return source, source.settings.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(str(part) for part in (instance, *first["loc"]))
        raise ConfigurationError(f"sources.{key}: {first['msg']}") from error


def source_context(settings: Settings, instance: str) -> Context:
    """Return what the instance's normaliser may know."""
    return Context(instance, pseudonymiser(settings), catalogue(settings), settings.kafka.partitions)


def source_journal(settings: Settings, instance: str) -> Journal:
    """Return the journal of an instance's places."""
    return Journal(settings.state_dir / "journals" / f"{instance}.jsonl", instance)


def source_runner(
    settings: Settings, instance: str, *, reader: Reader | None = None, journal: Journal | None = None
) -> SourceRunner:
    """Return the runner of a configured source instance; nothing is opened.

    It reads from ``reader`` and notes in ``journal`` where others have to do with them as well.
    """
    source, own = source_and_settings(settings, instance)
    if source.name in WAYS_IN:
        named = [name for name, given in settings.sources.items() if given.get("type") in WAYS_IN]
        check_ways_in({name: source_and_settings(settings, name)[1] for name in named})
    if reader is not None:
        source = replace(source, reader=lambda _settings, _context: reader)
    store = SourceStore(database(settings), settings.kafka.partitions)
    return SourceRunner(
        source=source,
        settings=own,
        context=source_context(settings, instance),
        publisher=kafka_publisher(settings.kafka.bootstrap_servers, partitions=settings.kafka.partitions),
        journal=journal or source_journal(settings, instance),
        archive=store,
        health=store,
        clock=clock(settings),
        seal=sealer(settings.dead_letters),
    )


@contextlib.contextmanager
def source_replay(settings: Settings, instance: str, topic: str | None) -> Iterator[Replay]:
    """Yield a replay of a source instance into a topic (made where it is missing), or into none.

    Raises ConfigurationError for a topic that a worker reads.
    """
    source, own = source_and_settings(settings, instance)
    now, kafka, outlet = clock(settings), settings.kafka, None
    if topic is not None:
        if topic.startswith(EVENTS_PREFIX) or topic in {LEGS, DEAD_LETTERS}:
            raise ConfigurationError(f"{topic}: what is replayed would be counted; name another topic")
        shadow = {topic: TopicConfig(retention=SHADOW_RETENTION)}
        ensure_topics(
            kafka.bootstrap_servers, shadow, kafka.partitions, replication_factor=kafka.replication_factor
        )
        outlet = kafka_publisher(
            kafka.bootstrap_servers, partitions=kafka.partitions, topic_of=lambda _: topic
        )
    kept = settings.retention.events_days
    try:
        yield Replay(
            instance=instance,
            reader=source.reader(own, ReaderContext(instance, now, catalogue(settings))),
            normalise=functools.partial(normalise_all, source, own, source_context(settings, instance)),
            archive=ClickHouseArchive(database(settings)),
            outlet=outlet,
            kept_since=now.now() - timedelta(days=kept) if kept else None,
        )
    finally:
        if outlet is not None:
            outlet.close()


def send(settings: Settings, instance: str, events: Sequence[Event | Broadcast]) -> None:
    """Send events to an instance's own topic, and wait until the broker has them. Raises RetriableError."""
    publisher = kafka_publisher(settings.kafka.bootstrap_servers, partitions=settings.kafka.partitions)
    try:
        publisher.publish(instance, events)
        publisher.flush()
    finally:
        publisher.close()


def letters(settings: Settings) -> Letters:
    """Return the dead letters of the store; nothing is opened."""
    return Letters(database(settings))


def late_before(settings: Settings) -> datetime:
    """Return the instant before which an event may come too late for its day.

    That is so for a frozen day, and as long after as something new may go on what is frozen.
    """
    return letters(settings).frozen_before() + Rules(catalogue(settings)).reopen_within


@contextlib.contextmanager
def replayer(settings: Settings) -> Iterator[Replayer]:
    """Yield what replays dead letters; it connects to the broker when it first sends."""

    @functools.cache
    def normaliser(instance: str) -> Normaliser:
        source, own = source_and_settings(settings, instance)
        return functools.partial(normalise_all, source, own, source_context(settings, instance))

    kafka = settings.kafka
    outlet = kafka_publisher(kafka.bootstrap_servers, partitions=kafka.partitions)
    try:
        yield Replayer(
            letters=letters(settings),
            outlet=outlet,
            unseal=unsealer(settings.dead_letters),
            normaliser=normaliser,
            clock=clock(settings),
        )
    finally:
        outlet.close()


class SourceStore:
    """What sources ask of the store: which ids have arrived, and a place for their health."""

    def __init__(self, client: ClickHouseDatabase, partitions: int) -> None:
        """Take a client that may be shared between threads, and the number of partitions."""
        self._client = client
        self._partitions = partitions

    def known(self, instance: str, ids: Sequence[str]) -> set[str]:  # noqa: ARG002 - ids are unique over all
        """Return those ids that are archived or among the dead letters.

        What goes to every partition has arrived when it is in all of them (CORRECTIONS 8).
        """
        query = Query(
            """SELECT event_id FROM events WHERE event_id IN {ids:Array(String)}
GROUP BY event_id
HAVING any(type) != 'kommuncenter.system.restarted' OR uniqExact(partition) = {partitions:UInt16}
UNION DISTINCT SELECT id FROM dead_letters WHERE id IN {ids:Array(String)}""",
            {"ids": list(ids), "partitions": self._partitions},
        )
        return {str(row[0]) for row in self._client.rows(query)}

    def report(self, health: Health) -> None:
        """Store a report."""
        row = (
            health.instance,
            health.at,
            health.last_event_at,
            health.last_read_at,
            health.published,
            health.rejected,
            health.last_sent_at,
            health.state.value,
            health.reason,
            health.lag.amount if health.lag else None,
            health.lag.unit.value if health.lag else "",
            health.gaps,
        )
        self._client.insert(SOURCE_HEALTH, [[value] for value in row])


def board(settings: Settings) -> Starlette:
    """Return the live board. Raises ConfigurationError where a network could see it without being asked."""
    return board_app(
        database(settings),
        clock(settings),
        catalogue(settings),
        definitions=definitions(settings),
        desk_url=settings.desk_url,
        silence=silence_rule(settings),
        access=board_access(settings),
        tile_ancestors=settings.board.tile_ancestors,
        tiles_open=settings.board.tiles_open,
    )


def desk_form(settings: Settings, instance: str) -> Starlette:
    """Return the registration form of a desk instance."""
    source, own = source_and_settings(settings, instance)
    if source.name != "desk":
        raise ConfigurationError(f"source {instance!r}: is {source.name}, which has no form")
    from producers.sources.desk.source import DeskSettings

    desk = DeskSettings.model_validate(own.model_dump())
    return desk_app(
        desk.journal, catalogue(settings), clock(settings), pseudonymiser(settings), system=desk.system
    )


def verifier(settings: Settings) -> Verifier:
    """Return what holds figures, contacts and events against one another; nothing is opened."""
    behind = lag_of(settings.kafka, topic_plan(settings))
    return Verifier(database(settings), catalogue(settings), clock(settings), behind, kept(settings))


def verifications(settings: Settings) -> VerificationLog:
    """Return where runs of verify are recorded; nothing is opened."""
    return ClickHouseVerifications(database(settings))


def deliveries(settings: Settings) -> DeliveryLog:
    """Return where it is recorded what was delivered; nothing is opened."""
    return ClickHouseDeliveries(database(settings))


def deliverer(settings: Settings) -> Deliverer:
    """Return what delivers mails; nothing is opened. Raises ConfigurationError where it is not set up."""
    chosen = settings.delivery
    if not chosen.host:
        raise ConfigurationError(
            "delivery.host (KC_DELIVERY__HOST): not set; name the mail server that takes the reports"
        )
    return Deliverer(chosen, deliveries(settings), SmtpMailer(chosen), clock(settings))


def rebuilder(settings: Settings) -> Rebuilder:
    """Return what asks the workers to compute days anew; nothing is opened."""
    behind = lag_of(settings.kafka, topic_plan(settings))
    partitions = settings.kafka.partitions
    return Rebuilder(database(settings), clock(settings), behind, partitions, kept(settings))


def kept(settings: Settings) -> Kept:
    """Return for how long events and pseudonyms are kept."""
    return Kept(settings.retention.events_days, settings.retention.pseudonym_days)
