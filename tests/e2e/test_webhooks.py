"""Webhooks the whole way, on both brokers: what was answered with 202 is in the figures, once."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from kommuncenter import wiring
from kommuncenter.embedded.broker import EmbeddedBroker
from kommuncenter.embedded.kafka_jvm import JvmKafka
from kommuncenter.embedded.processes import ChildProcess, free_port
from producers import registry
from producers.conformance import cases_of
from producers.contract import Raw
from producers.runner import Rejection, normalise_all
from schemas.events import Event
from tests.e2e.installation import Installation, expect_exact, installed
from tests.services.brokers import BrokerKind

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

BROKERS = pytest.mark.parametrize("kind", ["embedded", "kafka"])
TOKEN = "sixteen characters or more"


@dataclass
class Hooks:
    """An installation with a receiver of Qmatic's events; ``receiver`` is its process."""

    installation: Installation
    port: int
    receiver: ChildProcess

    def start(self) -> None:
        """Start the receiver again."""
        self.receiver = self.installation.start("source", "webhook", "visits")
        self.installation.until(self.answers, "the receiver answers")

    def answers(self) -> bool:
        """Tell whether the receiver is up, whatever its runner does."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/openapi.json", timeout=2):
                return True
        except (URLError, OSError):
            return False

    def send(self, records: Sequence[Mapping[str, object]]) -> int:
        """Send records in one request, and return the status."""
        request = Request(
            f"http://127.0.0.1:{self.port}/hooks/visits",
            json.dumps(records).encode(),
            {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except HTTPError as error:
            error.close()
            return error.code
        except URLError:
            pytest.fail(f"the receiver has ended\n{self.receiver.tail()}")

    def expected(self, records: Sequence[Mapping[str, object]]) -> list[Event]:
        """Return the events that ought to arrive."""
        source, own = wiring.source_and_settings(self.installation.settings, "visits")
        context = wiring.source_context(self.installation.settings, "visits")
        raws = [Raw(json.dumps(record).encode(), "x") for record in records]
        found = list(normalise_all(source, own, context, raws))
        assert not any(isinstance(result, Rejection) for result in found)
        return [
            result for result in found if not isinstance(result, Rejection) and not hasattr(result, "event")
        ]

    def spooled(self) -> int:
        """Return how many bytes stand in the spool."""
        return sum(path.stat().st_size for path in self.installation.directory.rglob("*.spool"))


@contextmanager
def hooks(kind: BrokerKind, directory: Path, **settings: object) -> Iterator[Hooks]:
    """Give an installation with a receiver that is up."""
    port = free_port()
    own = {
        "type": "qmatic",
        "spool": str(directory / "spool"),
        "auth": {"kind": "token", "secret": TOKEN},
        **settings,
    }
    with installed(kind, directory, {"visits": own}, webhook={"port": port}) as installation:
        given = Hooks(installation, port, installation.start("source", "webhook", "visits"))
        installation.until(given.answers, "the receiver answers")
        yield given


@contextmanager
def forgetting(broker: EmbeddedBroker | JvmKafka) -> Iterator[None]:
    """Bring the broker down and up at the same address; the embedded one has forgotten all then."""
    port = int(broker.bootstrap_servers.rpartition(":")[2])
    broker.stop()
    with EmbeddedBroker(port=port) if isinstance(broker, EmbeddedBroker) else broker:
        yield


@contextmanager
def away(broker: EmbeddedBroker | JvmKafka) -> Iterator[None]:
    """Have no broker for a while. The embedded one stands still: anew, it would make topics by itself."""
    if isinstance(broker, EmbeddedBroker):
        os.kill(broker.pid, signal.SIGSTOP)
    else:
        broker.stop()
    yield
    if isinstance(broker, EmbeddedBroker):
        os.kill(broker.pid, signal.SIGCONT)
    else:
        broker.start()


def records() -> list[dict[str, object]]:
    """Return the records of Qmatic's golden visits."""
    [case] = [case for case in cases_of("qmatic") if case.folder.name == "visits"]
    return [json.loads(record.payload) for record in case.records()]


@BROKERS
def test_doubled_webhooks_count_once_and_the_spool_is_emptied(kind: BrokerKind, tmp_path: Path) -> None:
    sent = records()
    with hooks(kind, tmp_path) as running:
        running.installation.start("worker")
        for record in sent:
            assert running.send([record]) == 202
        assert running.send(sent) == 202
        expect_exact(running.installation, running.expected(sent))
        assert running.installation.rows("SELECT count() FROM dead_letters") == [(0,)]
        running.installation.until(lambda: running.spooled() == 0, "an empty spool, when all is archived")


@BROKERS
def test_killed_between_202_and_the_archive_nothing_is_lost(kind: BrokerKind, tmp_path: Path) -> None:
    """No worker runs yet, the receiver is killed, and the embedded broker forgets what it acknowledged."""
    sent = records()
    with hooks(kind, tmp_path) as running:
        for record in sent[:6]:
            assert running.send([record]) == 202
        os.kill(running.receiver.pid, signal.SIGKILL)
        with forgetting(running.installation.broker):
            running.start()
            assert running.send(sent[6:]) == 202
            running.installation.start("worker")
            expect_exact(running.installation, running.expected(sent))


@BROKERS
def test_without_a_broker_it_is_503_and_what_was_kept_arrives_later(kind: BrokerKind, tmp_path: Path) -> None:
    sent = records()
    with hooks(kind, tmp_path, wait=1.0) as running:
        assert running.send(sent[:1]) == 202
        with away(running.installation.broker):
            assert running.send(sent[1:4]) == 503
            assert running.send(sent[1:4]) == 503
        running.installation.start("worker")
        running.installation.until(lambda: running.send(sent[4:]) == 202, "202, with the broker back")
        expect_exact(running.installation, running.expected(sent))


def test_a_mapped_source_of_the_installation_is_found_beside_its_settings(tmp_path: Path) -> None:
    folder = tmp_path / "sources" / "parking"
    folder.mkdir(parents=True)
    text = Path(registry.folder("qmatic") / "source.toml").read_text("utf-8")
    (folder / "source.toml").write_text(text.replace('name = "qmatic"', 'name = "parking"'), "utf-8")
    with installed("embedded", tmp_path, {"p": {"type": "parking"}}) as installation:
        source, _ = wiring.source_and_settings(installation.settings, "p")
        assert source.name == "parking"
        assert "parking" in registry.names()
    registry.look_in(None)
