"""Cuts exported files into rows: CSV with titles above its tables, as networks write it, and JSON."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator, Sequence

from producers.mapped.records import Record, cut_json

_BOMS = {
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    codecs.BOM_UTF8: "utf-8",
}
_DELIMITERS = (",", ";", "\t")


def cut(content: bytes) -> Iterator[Record]:
    """Yield the rows of a file, each as JSON: ``{"title": …, "row": {column: cell}}``. Raises nothing.

    A table is a line of column names and the rows up to an empty line. A line of one cell before it is its
    title. A file that begins with a bracket is JSON: an array of objects, or one a line.
    """
    text = _decoded(content).strip("\ufeff")
    if text.lstrip()[:1] in {"[", "{"}:
        for place, item in cut_json(text.encode("utf-8", "replace")):
            yield place, b'{"title":"","row":' + item + b"}"
        return
    yield from _tables(text)


def _decoded(content: bytes) -> str:
    """Return the text by its mark (BOM), else as UTF-8, else as Windows writes it."""
    for bom, encoding in _BOMS.items():
        if content.startswith(bom):
            return content[len(bom) :].decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _tables(text: str) -> Iterator[Record]:
    names: Sequence[str] = ()
    title, began = "", 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        for row in reader:
            line, began = began, reader.line_num + 1
            cells = [cell.strip() for cell in row]
            filled = [cell for cell in cells if cell]
            if line == 1 and cells[:1] == ["sep="]:
                continue  # says to a spreadsheet what the delimiter is
            if not filled:
                names, title = (), ""
            elif len(cells) == 1:
                names, title = (), cells[0]
            elif not names:
                names = cells
            else:
                told = {"title": title, "row": dict(zip(names, cells, strict=False))}
                yield f"line {line}", json.dumps(told).encode()
    except csv.Error:  # a field beyond the size that is allowed
        yield f"line {began}", b"a row that can't be read"


def _delimiter(text: str) -> str:
    """Return the delimiter that the first line names, or else the one of which there are most."""
    first = text.partition("\n")[0].strip()
    if first.startswith("sep=") and first[4:5] in _DELIMITERS:
        return first[4:5]
    head = text[:2000]
    return max(_DELIMITERS, key=head.count)
