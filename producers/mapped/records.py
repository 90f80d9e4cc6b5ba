"""Cuts input into records: JSON (one, an array, or one a line), posted forms, and the rows of CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from producers.mapped.model import Input, InputKind

Record = tuple[str, bytes]
"""What tells it from the others of its file or request, for people, and the record itself."""

_BOMS = {"utf-8": "utf-8-sig"}


def cut(content: bytes, given: Input) -> Iterator[Record]:
    """Yield the records of a whole file of input. Raises nothing: what can't be cut is one record."""
    if given.kind is InputKind.CSV:
        yield from rows(content, given)
    elif given.content == "form":
        yield from ((f"line {number}", line) for number, line in _lines(content))
    else:
        yield from cut_json(content)


def cut_body(body: bytes, given: Input) -> Iterator[Record]:
    """Yield the records of one request. Raises nothing: what can't be cut is one record."""
    return iter([("record 1", body)]) if given.content == "form" else cut_json(body)


def cut_json(content: bytes) -> Iterator[Record]:
    """Yield the items of a JSON array, or one JSON value, or each line as one."""
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        yield from ((f"line {number}", line) for number, line in _lines(content))
        return
    if not isinstance(whole, list):
        yield "record 1", content.strip()
        return
    for number, item in enumerate(whole, start=1):
        yield f"record {number}", json.dumps(item, ensure_ascii=True, separators=(",", ":")).encode()


def rows(content: bytes, given: Input) -> Iterator[Record]:
    """Yield the rows of CSV as JSON objects by the names of its first row.

    What can't be decoded is replaced, so that one bad character costs one field.
    """
    text = content.decode(_BOMS.get(given.encoding, given.encoding), errors="replace")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=given.delimiter)
    names: Sequence[str] | None = None
    line = 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error:  # a field beyond the size that is allowed; the reader goes on with the next row
            yield f"line {line}", b"a row that can't be read"
            line = reader.line_num + 1
            continue
        if row is None:
            return
        began, line = line, reader.line_num + 1
        if names is None:
            names = [name.strip() for name in row]
        elif any(field.strip() for field in row):
            yield f"line {began}", row_object(names, row)


def row_object(names: Iterable[str], row: Iterable[str]) -> bytes:
    """Return a row as a JSON object; fields without a name are left out."""
    pairs = zip(names, (field.strip() for field in row), strict=False)
    return json.dumps(dict(pairs), ensure_ascii=True, separators=(",", ":")).encode()


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            yield number, line.strip()
