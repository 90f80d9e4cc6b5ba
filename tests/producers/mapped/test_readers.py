"""The readers of mapped sources: a folder of files, a growing CSV, and somebody else's topic."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from kommuncenter.topics import TopicConfig, ensure_topics
from producers.contract import Batch, Lag, LagUnit, Raw, Reader, ReaderContext
from producers.mapped.csv_tail import FollowedCsv
from producers.mapped.folder import FolderReader
from producers.mapped.model import Input, InputKind
from producers.mapped.records import cut
from producers.mapped.settings import KafkaSettings
from producers.mapped.source import source_of
from producers.mapped.topic import TopicReader
from producers.tail import FollowedFile
from schemas.errors import ConfigurationError, RetriableError
from tests.contract.kafka_records import producer
from tests.producers.fakes import FixedClock
from tests.producers.mapped.mappings import CATALOGUE, mapping
from tests.services.brokers import RunningBroker

CSV = Input(kind=InputKind.CSV)
CUT = partial(cut, given=CSV)
AT_ONCE = timedelta(0)
READING_S = 30.0


def read(reader: Reader, start: str | None, until: Callable[[Sequence[Raw]], object]) -> list[Batch]:
    """Return the batches from ``start`` until their records are what is waited for."""

    async def collect() -> list[Batch]:
        batches: list[Batch] = []
        async with asyncio.timeout(READING_S), aclosing(cast("Any", reader.batches(start))) as given:
            async for batch in given:
                batches.append(batch)
                if until([record for each in batches for record in each.records]):
                    return batches
        raise AssertionError("the reader ended")

    return asyncio.run(collect())


def rows(batches: Sequence[Batch]) -> list[tuple[str, dict[str, Any]]]:
    """Return the places and contents of the records."""
    return [(record.place, json.loads(record.payload)) for batch in batches for record in batch.records]


def count(number: int) -> Callable[[Sequence[Raw]], bool]:
    """Return a condition: so many records."""
    return lambda records: len(records) >= number


class TestFolder:
    def reader(self, folder: Path) -> FolderReader:
        return FolderReader(folder, CUT, AT_ONCE)

    def put(self, folder: Path, name: str, text: str, age_s: int = 0) -> None:
        path = folder / name
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1_700_000_000 - age_s, 1_700_000_000 - age_s))

    def test_files_are_read_by_their_time_and_unfinished_ones_passed_over(self, tmp_path: Path) -> None:
        self.put(tmp_path, "a.csv", "n\n3\n")
        self.put(tmp_path, "b.csv", "n\n1\n2\n", age_s=60)
        self.put(tmp_path, "c.csv.part", "n\n9\n", age_s=90)
        self.put(tmp_path, ".d.csv", "n\n9\n", age_s=90)
        assert rows(read(self.reader(tmp_path), None, count(3))) == [
            ("b.csv line 2", {"n": "1"}),
            ("b.csv line 3", {"n": "2"}),
            ("a.csv line 2", {"n": "3"}),
        ]

    def test_any_place_gives_the_rest(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("producers.mapped.folder.BATCH_RECORDS", 2)
        self.put(tmp_path, "a.csv", "n\n1\n2\n3\n4\n5\n", age_s=60)
        self.put(tmp_path, "b.csv", "n\n6\n")
        batches = read(self.reader(tmp_path), None, count(6))
        numbers = [[row["n"] for _, row in rows([batch])] for batch in batches]
        assert numbers == [["1", "2"], ["3", "4"], ["5"], ["6"]]
        assert [batch.before for batch in batches[1:]] == [batch.after for batch in batches[:-1]]
        for index, batch in enumerate(batches[:-1]):
            rest = [number for each in numbers[index + 1 :] for number in each]
            again = read(self.reader(tmp_path), batch.after, count(len(rest)))
            assert [row["n"] for _, row in rows(again)] == rest

    def test_a_later_file_with_an_earlier_time_and_a_changed_one_are_read(self, tmp_path: Path) -> None:
        self.put(tmp_path, "b.csv", "n\n1\n")
        first = read(self.reader(tmp_path), None, count(1))
        self.put(tmp_path, "a.csv", "n\n0\n", age_s=3600)
        second = read(self.reader(tmp_path), first[-1].after, count(1))
        assert rows(second) == [("a.csv line 2", {"n": "0"})]
        self.put(tmp_path, "b.csv", "n\n1\n2\n", age_s=-5)
        third = read(self.reader(tmp_path), second[-1].after, count(2))
        assert rows(third) == [("b.csv line 2", {"n": "1"}), ("b.csv line 3", {"n": "2"})]

    def test_files_that_are_gone_are_forgotten_by_the_place(self, tmp_path: Path) -> None:
        self.put(tmp_path, "a.csv", "n\n1\n", age_s=60)
        self.put(tmp_path, "b.csv", "n\n2\n")
        before = read(self.reader(tmp_path), None, count(2))[-1].after
        (tmp_path / "a.csv").unlink()
        self.put(tmp_path, "c.csv", "n\n3\n")
        after = read(self.reader(tmp_path), before, count(1))[-1].after
        assert len(json.loads(before)["done"]) == len(json.loads(after)["done"]) == 2

    def test_a_file_is_left_alone_until_it_has_settled(self, tmp_path: Path) -> None:
        self.put(tmp_path, "a.csv", "n\n1\n")
        reader = FolderReader(tmp_path, CUT, timedelta(hours=1))
        assert reader.lag() is None
        assert rows(read(reader, None, lambda records: True)) == []  # a sign of life, and no record
        assert reader.lag() == Lag(len("n\n1\n"), LagUnit.BYTES)

    def test_a_place_of_another_reader_and_a_folder_that_is_away(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="none of a folder"):
            read(self.reader(tmp_path), "12:34", count(1))
        with pytest.raises(RetriableError, match="can't be read"):
            read(self.reader(tmp_path / "none"), None, count(1))


class TestFollowedCsv:
    def test_rows_are_read_as_the_file_grows_and_after_a_restart(self, tmp_path: Path) -> None:
        path = tmp_path / "v.csv"
        path.write_bytes('\ufeffn;t\r\n1;"a;b"\r\n'.encode())
        first = read(FollowedCsv(path, CSV), None, count(1))
        assert rows(first) == [("v.csv line 2", {"n": "1", "t": "a;b"})]
        with path.open("ab") as file:
            file.write(b"2;c\r\n")
        second = read(FollowedCsv(path, CSV), first[-1].after, count(1))
        assert rows(second) == [("v.csv line 3", {"n": "2", "t": "c"})]

    def test_utf_16_has_no_lines_to_follow(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="UTF-16"):
            FollowedCsv(tmp_path / "v.csv", Input(kind=InputKind.CSV, encoding="utf-16"))


class TestTopic:
    def topic(self, broker: RunningBroker, partitions: int = 2) -> str:
        name = f"theirs-{uuid.uuid4().hex[:8]}"
        ensure_topics(broker.bootstrap_servers, {name: TopicConfig()}, partitions)
        return name

    def settings(self, broker: RunningBroker, topic: str) -> KafkaSettings:
        return KafkaSettings(bootstrap_servers=broker.bootstrap_servers, topic=topic)

    def test_all_partitions_are_read_and_any_place_gives_the_rest(self, broker: RunningBroker) -> None:
        topic = self.topic(broker)
        with producer(broker.bootstrap_servers) as client:
            for number in range(6):
                client.send(topic, value=b'{"n":%d}' % number, partition=number % 2)
            client.send(topic, key=b"k", value=None, partition=0)
            client.flush()
        reader = TopicReader(self.settings(broker, topic))
        batches = read(reader, None, count(6))
        lag = reader.lag()
        assert lag is not None
        assert lag.unit is LagUnit.MESSAGES
        if broker.kind == "kafka":  # what the embedded broker says of its end may be wrong
            assert lag.amount in {0, 1}
        found = rows(batches)
        assert {row["n"] for _, row in found} == {*range(6)}
        assert (f"{topic}/1 offset 0", {"n": 1}) in found
        with producer(broker.bootstrap_servers) as client:
            client.send(topic, value=b'{"n":6}', partition=1)
            client.flush()
        later = read(TopicReader(self.settings(broker, topic)), batches[-1].after, count(1))
        assert [row["n"] for _, row in rows(later)] == [6]
        again = read(TopicReader(self.settings(broker, topic)), batches[0].before, count(7))
        assert {row["n"] for _, row in rows(again)} == {*range(7)}

    def test_a_topic_that_is_not_there_is_waited_for(self, broker: RunningBroker) -> None:
        with pytest.raises(RetriableError, match=r"'nobody-has-it': is not there|can't be read"):
            read(TopicReader(self.settings(broker, "nobody-has-it")), None, count(1))

    def test_a_broker_that_is_away_is_waited_for(self) -> None:
        settings = KafkaSettings(bootstrap_servers="127.0.0.1:1", topic="t")
        with pytest.raises(RetriableError, match="can't be read"):
            read(TopicReader(settings), None, count(1))

    def test_the_place_of_another_reader_is_refused(self) -> None:
        settings = KafkaSettings(bootstrap_servers="127.0.0.1:1", topic="t")
        with pytest.raises(ConfigurationError, match="none of a topic"):
            read(TopicReader(settings), "[1]", count(1))


@pytest.mark.parametrize(
    ("kind", "path", "reader"),
    [("jsonl", "v.jsonl", FollowedFile), ("csv", "v.csv", FollowedCsv), ("csv", ".", FolderReader)],
)
def test_a_source_has_the_reader_of_its_input(tmp_path: Path, kind: str, path: str, reader: type) -> None:
    source = source_of(mapping().model_copy(update={"input": Input(kind=InputKind(kind))}))
    settings = source.settings.model_validate({"path": str(tmp_path / path)})
    assert isinstance(source.reader(settings, ReaderContext("t", FixedClock(), CATALOGUE)), reader)
