"""Social media: cutting what networks export, and the way from a file in the folder to snapshots."""

from __future__ import annotations

import asyncio
import codecs
import json
import os
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from producers.conformance import KEY
from producers.contract import Context, ReaderContext, Rejected
from producers.sources.social.exports import cut
from producers.sources.social.settings import SocialSettings
from producers.sources.social.source import SOURCE, normalise
from schemas.catalogue import load_catalogue
from schemas.events import SocialSnapshot
from schemas.identity import Pseudonymiser
from tests.producers.fakes import FixedClock

CONTEXT = Context("social", Pseudonymiser(KEY), load_catalogue(), 4)
META = 'sep=,\r\n"Facebook reach"\r\n"Date","Primary"\r\n"2026-11-01T00:00:00","12"\r\n'


def rows(content: bytes) -> list[tuple[str, str, dict[str, str]]]:
    """Return place, title and row of each record."""
    found = [(place, json.loads(payload)) for place, payload in cut(content)]
    return [(place, told["title"], told["row"]) for place, told in found]


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF16_LE + META.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + META.encode("utf-16-be"),
        codecs.BOM_UTF8 + META.encode(),
        META.encode(),
        META.replace("\r\n", "\n").encode(),
        META.replace(",", ";").encode(),
        META.replace(",", "\t").encode(),
    ],
)
def test_a_table_is_the_same_in_every_encoding_and_with_every_delimiter(content: bytes) -> None:
    assert rows(content) == [
        ("line 4", "Facebook reach", {"Date": "2026-11-01T00:00:00", "Primary": "12"}),
    ]


def test_windows_letters_are_read() -> None:
    assert rows("Datum;Räckvidd\n2026-11-01;7\n".encode("cp1252"))[0][2] == {
        "Datum": "2026-11-01",
        "Räckvidd": "7",
    }


def test_a_title_belongs_to_the_table_below_it_only() -> None:
    text = "One\nA,B\n1,2\n\nC,D\n3,4\nTwo\nE,F\n5,6\n,\nG,H\n"
    assert rows(text.encode()) == [
        ("line 3", "One", {"A": "1", "B": "2"}),
        ("line 6", "", {"C": "3", "D": "4"}),
        ("line 9", "Two", {"E": "5", "F": "6"}),
    ]


def test_json_is_an_array_or_one_object_a_line() -> None:
    one, other = '{"value": 1}', '{"value": "2"}'
    for content in (f"[{one}, {other}]", f"{one}\n{other}\n"):
        assert [row for _, _, row in rows(content.encode())] == [{"value": 1}, {"value": "2"}]


@given(st.binary() | st.text().map(str.encode) | st.text().map(lambda text: b"[" + text.encode()))
def test_any_file_can_be_cut_and_its_records_read(content: bytes) -> None:
    for raw in SOURCE.records(content, SocialSettings()) if SOURCE.records else ():
        assert isinstance(normalise(raw, SocialSettings(), CONTEXT), list | Rejected)


def test_a_field_beyond_every_size_is_told() -> None:
    text = "A,B\n1,2\n3," + "x" * 200_000 + "\n"
    assert [place for place, _ in cut(text.encode())] == ["line 2", "line 3"]


def test_a_series_of_an_account_that_is_not_the_own_is_a_wrong_setting() -> None:
    series = [{"account": "facebook/other", "metric": "reach"}]
    with pytest.raises(ValidationError, match="not among accounts"):
        SocialSettings.model_validate({"series": series})


def test_a_file_in_the_folder_becomes_snapshots_and_a_corrected_one_new_ones(tmp_path: Path) -> None:
    file = tmp_path / "reach.csv"
    settings = SocialSettings(folder=tmp_path, settle=timedelta(0))
    first, second = datetime(2026, 11, 3, 8, tzinfo=UTC), datetime(2026, 11, 10, 8, tzinfo=UTC)

    def export(text: str, at: datetime) -> None:
        file.write_text(text)
        os.utime(file, (at.timestamp(), at.timestamp()))

    async def read() -> list[SocialSnapshot]:
        reader = SOURCE.reader(settings, ReaderContext("social", FixedClock(), CONTEXT.catalogue))
        found: list[SocialSnapshot] = []
        export(META, first)
        async with aclosing(cast("Any", reader.batches(None))) as batches:
            async for batch in batches:
                for record in batch.records:
                    events = normalise(record, settings, CONTEXT)
                    assert isinstance(events, list)
                    found += cast("list[SocialSnapshot]", events)
                if len(found) == 2:
                    break
                export(META.replace('"12"', '"13"'), second)
        return found

    old, new = asyncio.run(asyncio.wait_for(read(), 30))
    assert (old.data.value, old.data.exported_at) == (12, first)
    assert (new.data.value, new.data.exported_at) == (13, second)
    assert old.subject == new.subject
    assert old.id != new.id
