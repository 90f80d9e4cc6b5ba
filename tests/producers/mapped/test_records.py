"""How input is cut into records."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.mapped.model import Input, InputKind
from producers.mapped.records import cut, cut_body

CSV = Input(kind=InputKind.CSV)
JSONL = Input(kind=InputKind.JSONL)
WEBHOOK = Input(kind=InputKind.WEBHOOK)
FORM = Input(kind=InputKind.WEBHOOK, content="form")


@pytest.mark.parametrize(
    ("body", "records"),
    [
        (b'{"a": 1}', [("record 1", b'{"a": 1}')]),
        (b'[{"a": 1}, {"b": "\xc3\xa5"}]', [("record 1", b'{"a":1}'), ("record 2", b'{"b":"\\u00e5"}')]),
        (b'{"a": 1}\n\n{"b": 2}\r\n', [("line 1", b'{"a": 1}'), ("line 3", b'{"b": 2}')]),
        (b"[]", []),
        (b"", []),
        (b"  \n", []),
        (b"nonsense", [("line 1", b"nonsense")]),
        (b'{"a": 1}\nnonsense', [("line 1", b'{"a": 1}'), ("line 2", b"nonsense")]),
        (b"17", [("record 1", b"17")]),
    ],
)
def test_json_is_one_record_an_array_or_one_a_line(body: bytes, records: list[tuple[str, bytes]]) -> None:
    assert list(cut_body(body, WEBHOOK)) == records
    assert list(cut(body, JSONL)) == records


def test_a_posted_form_is_one_record_and_a_file_of_them_one_a_line() -> None:
    assert list(cut_body(b"a=1&b=2", FORM)) == [("record 1", b"a=1&b=2")]
    assert list(cut(b"a=1\na=2\n", FORM)) == [("line 1", b"a=1"), ("line 2", b"a=2")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_csv_in_several_encodings(encoding: str) -> None:
    content = 'Namn;Ort\r\n"Å; ""Ö""";x\r\n;\r\n\r\n"två\r\nrader";y;z\r\nkort\r\n'.encode(encoding)
    given_ = Input(kind=InputKind.CSV, encoding=encoding.removesuffix("-sig"))
    assert [(place, json.loads(row)) for place, row in cut(content, given_)] == [
        ("line 2", {"Namn": 'Å; "Ö"', "Ort": "x"}),
        ("line 5", {"Namn": "två\r\nrader", "Ort": "y"}),
        ("line 7", {"Namn": "kort"}),
    ]


def test_another_order_of_columns_gives_the_same_rows() -> None:
    one = [json.loads(row) for _, row in cut(b"a;b\n1;2\n", CSV)]
    other = [json.loads(row) for _, row in cut(b"b;a\n2;1\n", CSV)]
    assert one == other


def test_a_field_beyond_all_bounds_costs_its_row() -> None:
    content = b"a;b\n1;2\n" + b"x" * 200_000 + b";\n3;4\n"
    assert list(cut(content, CSV)) == [
        ("line 2", b'{"a":"1","b":"2"}'),
        ("line 3", b"a row that can't be read"),
        ("line 4", b'{"a":"3","b":"4"}'),
    ]


@given(st.binary(max_size=300), st.sampled_from([CSV, JSONL, WEBHOOK, FORM]))
def test_nothing_is_raised_whatever_is_cut(content: bytes, given_: Input) -> None:
    for _, payload in [*cut(content, given_), *cut_body(content, given_)]:
        assert isinstance(payload, bytes)


@given(st.lists(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3)), max_size=5))
def test_an_array_and_lines_say_the_same(records: list[dict[str, object]]) -> None:
    array = json.dumps(records).encode()
    lines = b"\n".join(json.dumps(record).encode() for record in records)
    assert [json.loads(payload) for _, payload in cut_body(array, WEBHOOK)] == records
    assert [json.loads(payload) for _, payload in cut_body(lines, WEBHOOK)] == records
