"""Just enough of ClickHouse's lexer to find one statement, its format clause and its inline data.

It never decides what a query means; it finds where things begin and end, so that the engine is
given exactly one statement and never the data of an insert as part of its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from kommuncenter.embedded.clickhouse.errors import NOT_IMPLEMENTED, SYNTAX_ERROR, refusal

# The order matters: a comment before an operator, a heredoc before a lone dollar sign.
# Rules as in ClickHouse's src/Parsers/Lexer.cpp. Block comments nest, so they are found apart.
_TOKEN = re.compile(
    rb"""
      (?P<space>[\s\x00]+ | \xc2\xa0)
    | (?P<comment>--[^\n]* | //[^\n]* | \#[ !][^\n]*)
    | (?P<block>/\*)
    | (?P<string>'(?:[^'\\]+|\\.|'')*+' | \xe2\x80\x98.*?\xe2\x80\x99 | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<quoted>"(?:[^"\\]+|\\.|"")*+" | `(?:[^`\\]+|\\.|``)*+` | \xe2\x80\x9c.*?\xe2\x80\x9d)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<number>\d[\w.]*)
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(rb"/\*|\*/")
_ROWS = frozenset({"SELECT", "WITH", "FROM", "(", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK"})
_DATA_GAP = re.compile(rb"[ \t\f]*\r?\n?")


class Token(NamedTuple):
    """One token: word, quoted, string, number or symbol. `upper`: a word or symbol in capitals, else none."""

    kind: str
    text: bytes
    upper: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, apart from its format clause and its data.

    `text` is what the engine is given; `data` the inline rows of an insert, else None; `format` the
    name in the FORMAT clause (for `VALUES`: Values), else None.
    """

    kind: str
    text: bytes
    tokens: tuple[Token, ...]
    format: str | None
    data: bytes | None

    @property
    def gives_rows(self) -> bool:
        """Whether it answers with a result set, an empty one too."""
        return self.kind in _ROWS


def tokens(source: bytes) -> Iterator[Token]:
    """The tokens of `source` without space and comments, found as they are asked for."""
    position = 0
    while (match := _TOKEN.match(source, position)) is not None:
        kind = match.lastgroup if match.lastgroup != "tag" else "string"
        position = match.end()
        if kind == "block":
            position = _block_end(source, position)
        elif kind is not None and kind not in ("space", "comment"):
            text = match[0]
            upper = text.decode("utf-8", "replace").upper() if kind in ("word", "symbol") else ""
            yield Token(kind, text, upper, match.start(), position)


def _block_end(source: bytes, position: int) -> int:
    depth = 1
    while depth and (edge := _BLOCK_EDGE.search(source, position)) is not None:
        depth += 1 if edge[0] == b"/*" else -1
        position = edge.end()
    return len(source) if depth else position


def parse(source: bytes) -> Statement:
    """The one statement in `source`. Raises ClickHouseError for none, for several, or for misplaced data."""
    stream = tokens(source)
    first = next(stream, None)
    if first is None:
        raise refusal(SYNTAX_ERROR, "Empty query.")
    if first.upper == "INSERT":
        return _insert(source, first, stream)
    found = [first, *stream]
    _one_statement(found)
    return _plain(first.upper, source, found)


def _plain(kind: str, source: bytes, found: list[Token]) -> Statement:
    if any(a.upper == "INSERT" and b.upper in ("INTO", "FUNCTION") for a, b in pairwise(found)):
        raise refusal(NOT_IMPLEMENTED, "INSERT must be the first word of a statement.")
    while found and found[-1].upper == ";":
        found.pop()
    clause = _format_clause(found)
    if clause is None:
        return Statement(kind, source[: found[-1].end], tuple(found), None, None)
    word, name = found[clause], found[clause + 1]
    text = source[: word.start] + b" " + source[name.end : found[-1].end]
    rest = (*found[:clause], *found[clause + 2 :])
    return Statement(kind, text, rest, name.text.decode(), None)


def _one_statement(found: list[Token]) -> None:
    ended = False
    for token in found:
        if ended and token.upper != ";":
            raise refusal(SYNTAX_ERROR, "Multi-statements are not allowed: send one statement in a request.")
        ended = ended or token.upper == ";"


def _format_clause(found: list[Token]) -> int | None:
    """Where FORMAT name stands: at the end, or just before SETTINGS, outside every bracket."""
    depth = 0
    for index, token in enumerate(found):
        depth += (token.upper in ("(", "[")) - (token.upper in (")", "]"))
        if depth == 0 and token.upper == "FORMAT" and index > 0:
            after = found[index + 1 : index + 3]
            if after and after[0].kind == "word" and (len(after) == 1 or after[1].upper == "SETTINGS"):
                return index
    return None


def _insert(source: bytes, first: Token, stream: Iterator[Token]) -> Statement:
    """Reads the head of an insert: what follows FORMAT name or VALUES is data, whatever it looks like."""
    found, depth, selects = [first], 0, False
    for token in stream:
        before = found[-1].upper
        found.append(token)
        depth += (token.upper in ("(", "[")) - (token.upper in (")", "]"))
        if depth or before in ("INTO", "TABLE", "."):
            continue
        selects = selects or token.upper in ("SELECT", "WITH")
        if token.upper == "VALUES" and not selects:
            if b";" in source[token.end :]:
                _one_statement(list(stream))
            return _with_data(source, found[:-1], token, "Values", token.end)
        if token.upper == "FORMAT":
            name = next(stream, None)
            if selects or name is None or name.kind != "word":
                raise refusal(NOT_IMPLEMENTED, "INSERT … SELECT takes no FORMAT, and FORMAT needs a name.")
            gap = _DATA_GAP.match(source, name.end)
            return _with_data(source, found[:-1], token, name.text.decode(), gap.end() if gap else name.end)
    _one_statement(found)
    return _plain_insert(source, found)


def _plain_insert(source: bytes, found: list[Token]) -> Statement:
    while found[-1].upper == ";":
        found.pop()
    return Statement("INSERT", source[: found[-1].end], tuple(found), None, None)


def _with_data(source: bytes, head: list[Token], cut: Token, name: str, data_from: int) -> Statement:
    return Statement("INSERT", source[: cut.start].rstrip(), tuple(head), name, source[data_from:])
