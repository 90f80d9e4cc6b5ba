"""Mistakes in a mapping are told with the file, the line and the key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.mapped.load import load_mapping, read_mapping
from producers.mapped.locate import line_of
from producers.mapped.settings import settings_of
from producers.mapped.source import source_of
from schemas.errors import ConfigurationError
from tests.producers.mapped.mappings import TICKETS, mapping


def line(text: str, of: str, nth: int = 0) -> int:
    """Return the line on which some text stands for the nth time."""
    return [number for number, row in enumerate(text.splitlines(), start=1) if of in row][nth]


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ('kind = "jsonl"', 'kind = "fax"', 'kind = "fax"', "input.kind: Input should be"),
        ('time = "at"', 'time = "at."', "time =", "record.time.from: 'at.' is no JMESPath"),
        (
            'time = "at"',
            'time = { from = "at", format = "hh:mm" }',
            "time =",
            "record.time.format: 'hh:mm' is no time format",
        ),
        ('type = "answered"', 'type = "anserwed"', "anserwed", "event.2.type: 'anserwed' is no kind"),
        ("queue = {", "qeue = {", "qeue", "event.1.qeue: no field of queued; there are channel_source"),
        (
            'values = "queues"',
            'values = "quues"',
            "quues",
            "event.1.queue.values: there is no [values.quues]",
        ),
        ('1 = "koordinaten"', '1 = "Koordinaten 1"', "Koordinaten 1", "values.queues.1: 'Koordinaten 1'"),
        ("kind = \"'blind'\"", "kind = \"'loud'\"", "loud", "event.3.kind: 'loud' can't be a kind"),
        ("kind = \"'blind'\"\n", "", 'type = "handed_over"', "event.3: handed_over needs kind"),
        ('leg = "id"\n', "", "[[event]]", "event.1: has no leg, and [record] has none either"),
        ("[input]", "[inptu]", "[inptu]", "input: Field required"),
        ('unit = "s"', 'unit = "h"', 'unit = "h"', "event.4.talk_ms.unit: Input should be"),
        ('name = "tickets"', 'name = "Tickets"', "name =", "name: String should match"),
        ("[input]", '[input]\nzone = "Mars/Olympus"', "Mars", "input.zone: 'Mars/Olympus' is no time zone"),
        ('{ number = "phone", address = "mail" }', "{}", "party", "record.party: give number, address"),
        (
            'ignore = ["test"]',
            'ignore = [\n  "a",\n  "b b",\n]',
            "ignore",
            "record.ignore.2: 'b b' is no JMESPath",
        ),
        (
            "[record]",
            "[record]\naudience = \"'nobody'\"",
            "nobody",
            "record.audience: 'nobody' is no audience",
        ),
    ],
)
def test_the_line_and_the_key_are_named(old: str, new: str, at: str, said: str) -> None:
    assert old in TICKETS
    text = TICKETS.replace(old, new, 1)
    number = line(text, at)
    if said.startswith(("event.3: handed_over", "event.1: has no leg")):
        number = line(text, "[[event]]", 2 if "handed_over" in said else 0)
    if said.startswith("input: "):
        number = 1
    with pytest.raises(ConfigurationError) as caught:
        read_mapping(text, "sources/tickets/source.toml")
    assert str(caught.value).startswith(f"sources/tickets/source.toml:{number}: {said}")


def test_what_is_no_toml_names_its_line() -> None:
    with pytest.raises(ConfigurationError, match=r"source.toml: not valid TOML: .*at line 3"):
        read_mapping('name = "a"\n\nchannel = ?\n', "source.toml")


def test_the_folder_and_the_name_are_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "parking"
    folder.mkdir()
    (folder / "source.toml").write_text(TICKETS, encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"source.toml:1: name: is 'tickets', but the folder is called"
    ):
        load_mapping(folder / "source.toml")
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_mapping(tmp_path / "none" / "source.toml")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"desks": {"1": "koordinaten"}}, "no such table; there are queues, units"),
        ({"queues": {"2": "No Slug"}}, "queues.2: 'No Slug' can't be a queue"),
    ],
)
def test_an_instances_own_tables_are_checked(values: dict[str, dict[str, str]], said: str) -> None:
    settings = settings_of(mapping())
    with pytest.raises(ValueError, match=said):
        settings.model_validate({"path": "x", "values": values})
    known = settings.model_validate({"path": "x", "values": {"queues": {"2": "koordinaten"}}})
    assert known.values == {"queues": {"2": "koordinaten"}}


def test_a_source_of_a_mapping_is_an_ordinary_source() -> None:
    source = source_of(mapping())
    assert (source.name, source.channel) == ("tickets", "visit")
    settings = source.settings.model_validate({"path": "x"})
    assert source.records is not None
    records = source.records(b'{"a":1}\n\n{"b":2}\n', settings)
    assert [(raw.place, raw.payload) for raw in records] == [("line 1", b'{"a":1}'), ("line 3", b'{"b":2}')]


@given(st.data())
def test_a_key_is_found_on_its_line(data: st.DataObject) -> None:
    """Every key stands on a known line, with values over several lines and comments between."""
    lines: list[str] = []
    places: dict[tuple[str | int, ...], int] = {}
    for table in range(data.draw(st.integers(1, 4))):
        lines.append(data.draw(st.sampled_from(["", "# a comment", "  "])))
        lines.append("[[event]]")
        places[("event", table)] = len(lines)
        for key in range(data.draw(st.integers(0, 4))):
            lines += [""] * data.draw(st.integers(0, 2))
            places[("event", table, f"k{key}")] = len(lines) + 1
            lines += data.draw(
                st.sampled_from(
                    [
                        [f"k{key} = 1"],
                        [f"k{key} = {{ from = 'a', b.c = 2 }}"],
                        [f"k{key} = [", "  1, # one", "  2,", "]"],
                        [f'k{key} = """', "[[event]]", f'k{key} = 3"""'],
                    ]
                )
            )
    text = "\n".join(lines) + "\n"
    for place, number in places.items():
        assert line_of(text, place) == number
        assert line_of(text, (*place, "missing")) == number
