"""The journal: wherever it is cut off, the place to go on skips nothing, and is as late as can be."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.contract import Place
from producers.journal import IDS_PER_QUESTION, Journal
from schemas.errors import ConfigurationError, RetriableError
from tests.producers.fakes import FakeArchive

FEW_BATCHES = st.lists(st.integers(0, 3), max_size=8)
"""How many events each batch has."""


def places(count: int) -> list[Place]:
    return [f"place {number}" for number in range(count + 1)]


def ids_of(sizes: list[int]) -> list[list[str]]:
    return [[f"{batch:016x}{event:016x}" for event in range(size)] for batch, size in enumerate(sizes)]


def flat(ids: list[list[str]]) -> list[str]:
    return [event_id for batch in ids for event_id in batch]


def write(path: Path, sizes: list[int]) -> list[list[str]]:
    """Record the batches, and return their ids."""
    journal, ids = Journal(path, "telephony"), ids_of(sizes)
    for (before, after), batch in zip(pairwise(places(len(sizes))), ids, strict=True):
        journal.record(before, after, batch)
    return ids


@given(FEW_BATCHES, st.data())
@settings(max_examples=100, deadline=None)
def test_cut_off_at_any_byte_it_never_skips_and_never_goes_back_too_far(
    sizes: list[int], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "telephony.jsonl"
        ids = write(path, sizes)
        content = path.read_bytes() if path.exists() else b""
        cut = data.draw(st.integers(0, len(content)), label="bytes kept")
        whole = max(0, content[:cut].count(b"\n") - 1)  # the first line is the base
        path.write_bytes(content[:cut])
        archived = data.draw(st.sets(st.sampled_from(flat(ids) or [""])), label="archived")

        resumed = Journal(path, "telephony").resume(FakeArchive(archived))

        arrived = [set(batch) <= archived for batch in ids[:whole]] + [False]
        first_missing = arrived.index(False)
        # What was cut off was read again from there, so it can only have been the start of it.
        expected = places(len(sizes))[first_missing] if whole else None
        assert resumed == expected


@given(FEW_BATCHES, FEW_BATCHES, st.data())
@settings(max_examples=50, deadline=None)
def test_confirming_at_any_time_changes_nothing_about_where_to_go_on(
    first: list[int], second: list[int], data: st.DataObject
) -> None:
    sizes = first + second
    ids, all_places = ids_of(sizes), places(len(sizes))
    archived = data.draw(st.sets(st.sampled_from(flat(ids) or [""])))
    early = data.draw(st.sets(st.sampled_from(sorted(archived)))) if archived else set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "telephony.jsonl"
        journal = Journal(path, "telephony")
        for number, batch in enumerate(ids):
            if number == len(first):
                journal.confirm(FakeArchive(early))
            journal.record(all_places[number], all_places[number + 1], batch)
        arrived = [set(batch) <= archived for batch in ids] + [False]
        expected = all_places[arrived.index(False)] if sizes else None
        assert Journal(path, "telephony").resume(FakeArchive(archived)) == expected


def test_confirming_shortens_the_file(tmp_path: Path) -> None:
    path = tmp_path / "telephony.jsonl"
    ids = write(path, [2] * 50)
    journal, before = Journal(path, "telephony"), path.stat().st_size
    assert journal.confirm(FakeArchive(set(flat(ids[:40])))) == 40
    assert journal.pending == 10
    assert path.stat().st_size < before / 3


def test_after_a_torn_line_the_journal_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "telephony.jsonl"
    ids = write(path, [1, 1])
    path.write_bytes(path.read_bytes()[:-5])
    journal = Journal(path, "telephony")
    journal.record("place 1", "place 2", ids[1])
    assert Journal(path, "telephony").resume(FakeArchive(set(flat(ids)))) == "place 2"


def test_a_damaged_line_ends_it_there(tmp_path: Path) -> None:
    path = tmp_path / "telephony.jsonl"
    ids = write(path, [1, 1, 1])
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"place 2", b"place 9")
    path.write_bytes(b"".join(lines))
    assert Journal(path, "telephony").resume(FakeArchive(set(flat(ids)))) == "place 1"


def test_many_ids_are_asked_about_in_pieces_and_only_as_far_as_needed(tmp_path: Path) -> None:
    path = tmp_path / "telephony.jsonl"
    ids = write(path, [1000] * 20)
    archive = FakeArchive(set(flat(ids[:12])))
    assert Journal(path, "telephony").resume(archive) == "place 12"
    assert max(archive.questions) <= IDS_PER_QUESTION
    assert sum(archive.questions) < 20_000


def test_while_the_archive_is_away_nothing_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "telephony.jsonl"
    ids = write(path, [1])
    journal = Journal(path, "telephony")
    with pytest.raises(RetriableError):
        journal.resume(FakeArchive(away=1))
    assert journal.resume(FakeArchive(set(ids[0]))) == "place 1"


def test_building_one_opens_nothing_and_a_file_in_the_way_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / "telephony.jsonl", "telephony")
    with pytest.raises(ConfigurationError, match="journal can't be used"):
        journal.resume(FakeArchive())


def test_a_write_that_failed_leaves_nothing_torn_behind(tmp_path: Path) -> None:
    path = tmp_path / "telephony.jsonl"
    journal = Journal(path, "telephony")
    journal.record("place 0", "place 1", ["a"])
    kept = path.read_bytes()
    path.unlink()
    path.mkdir()  # in place of a full disk
    with pytest.raises(RetriableError):
        journal.record("place 1", "place 2", ["b"])
    path.rmdir()
    path.write_bytes(kept + b"torn")
    journal.record("place 1", "place 2", ["b"])
    assert Journal(path, "telephony").resume(FakeArchive({"a", "b"})) == "place 2"
