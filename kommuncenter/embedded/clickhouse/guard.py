"""What the endpoint refuses, since chdb has no users, no access rights and a database that reads files.

Measured on chdb 26.9: `readonly` does not stop INTO OUTFILE, the function `file`, nor `FROM '/a/file.csv'`
(chdb's default database resolves names of files), and `readonly = 2` not the table functions either.
These rules close that for everyone; on top, the engine's own `readonly` holds for the reading user.
They keep mistakes and dashboards inside the store; they are no wall against somebody with a shell here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from kommuncenter.embedded.clickhouse.errors import (
    ACCESS_DENIED,
    NOT_IMPLEMENTED,
    READONLY,
    SUPPORT_IS_DISABLED,
    ClickHouseError,
    refusal,
)
from kommuncenter.embedded.clickhouse.sql import Statement, Token

# Table functions that stay inside the store. Every other one that the engine has is refused.
_HARMLESS = frozenset(
    {"numbers", "numbers_mt", "zeros", "zeros_mt", "generateseries", "generate_series", "generaterandom"}
    | {"primes", "null", "values", "sqlstandardvalues", "view", "merge", "dictionary", "format"}
    | {"mergetreeindex", "mergetreeprojection"}
)
# A scalar function, and one that stands in SETTINGS, that are in no list of table functions.
_OUTSIDE = frozenset({"file", "python", "disk"})
_ENGINES = re.compile(
    r"(Replacing|Summing|Aggregating|Collapsing|VersionedCollapsing|Coalescing)?MergeTree"
    r"|Memory|Log|TinyLog|StripeLog|Null|Set|Join|Buffer|Merge|Atomic|View|MaterializedView|GenerateRandom"
)
_READING = frozenset(
    {"SELECT", "WITH", "FROM", "(", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "SET", "USE"}
)
_SUBQUERY = frozenset({"SELECT", "WITH", "FROM", "EXPLAIN", "("})
_BEFORE_TABLE = frozenset({"FROM", "JOIN", "DESC", "DESCRIBE", "TABLE"})
_REFUSED_STARTS = frozenset({("BACKUP",), ("RESTORE",), ("SYSTEM", "SHUTDOWN"), ("SYSTEM", "KILL")})
_IDENTIFIER_PARAMETER = re.compile(rb"\{\s*(\w+)\s*:\s*Identifier\s*\}")
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)


class _Place(NamedTuple):
    """A token, the two before it, the one after it; could a string be a table there; outside all brackets."""

    earlier: str
    before: str
    token: Token
    after: str
    table: bool
    outer: bool


def refused_functions(table_functions: Collection[str], functions: Collection[str]) -> frozenset[str]:
    """Names, in small letters, of the functions that reach outside the store (files, networks, models)."""
    tables = {name.lower() for name in table_functions} - _HARMLESS
    return frozenset(tables | _OUTSIDE | {name.lower() for name in functions if name[:2].lower() == "ai"})


def check(
    statement: Statement, parameters: Mapping[str, str], refused: frozenset[str], *, reader: bool
) -> None:
    """Raises ClickHouseError when the statement may not run here; `reader` is the user of dashboards."""
    if reader and statement.kind not in _READING:
        raise refusal(READONLY, f"Cannot execute {statement.kind} in readonly mode.")
    starts = tuple(token.upper for token in statement.tokens[:2])
    if starts in _REFUSED_STARTS or starts[:1] in _REFUSED_STARTS:
        raise refusal(SUPPORT_IS_DISABLED, "The embedded endpoint has no backups and is not stopped by SQL.")
    creates = statement.kind in ("CREATE", "ATTACH", "REPLACE")
    for place in _places(statement.tokens):
        # The query of a view may have a column of the name engine.
        creates = creates and not (place.outer and place.token.upper in ("SELECT", "WITH"))
        if creates:
            _check_creation(place)
        _check_reach(place, refused)
    for name in _IDENTIFIER_PARAMETER.findall(statement.text):
        if _names_a_file(parameters.get(name.decode(), "")):
            raise _outside("a file as a table")


def _places(tokens: tuple[Token, ...]) -> Iterator[_Place]:
    """ClickHouse takes a string for a table after FROM, JOIN, DESCRIBE or a comma between tables.

    A comma between the arguments of a function, or in a list or an array, is no such place.
    """
    subquery = [True]
    words = ["", "", *(token.upper for token in tokens), ""]
    for index, token in enumerate(tokens):
        earlier, before, after = words[index], words[index + 1], words[index + 3]
        table = before in _BEFORE_TABLE or (before == "," and subquery[-1])
        yield _Place(earlier, before, token, after, table, len(subquery) == 1)
        if token.upper in ("(", "["):
            subquery.append(token.upper == "(" and after in _SUBQUERY)
        elif token.upper in (")", "]") and len(subquery) > 1:
            subquery.pop()


def _check_reach(place: _Place, refused: frozenset[str]) -> None:
    token = place.token
    if (place.before, token.upper) in {("INTO", "OUTFILE"), ("FROM", "INFILE")}:
        raise _outside(f"{place.before} {token.upper}")
    if token.kind in ("word", "quoted") and _name(token).lower() in refused and _is_call(place):
        raise _outside(f"the function {_name(token)}")
    named = (token.kind == "quoted" and place.before != "AS") or (token.kind == "string" and place.table)
    if named and _names_a_file(_name(token)):
        raise _outside("a file as a table")


def _is_call(place: _Place) -> bool:
    """`name(…)`, and the bare names that stand for a function: APPLY name, APPLY(name), arrayMap(name, …)."""
    by_name = place.before == "(" and place.earlier.startswith(("APPLY", "ARRAY", "MAP"))
    return place.after == "(" or place.before == "APPLY" or by_name


def _check_creation(place: _Place) -> None:
    """Kafka above all: its failed CREATE leaves metadata with which the store never opens again."""
    token = place.token
    if token.kind in ("word", "quoted"):
        engine = place.before == "ENGINE" or (place.earlier, place.before) == ("ENGINE", "=")
        if engine and place.outer and not _ENGINES.fullmatch(_name(token)):
            raise refusal(NOT_IMPLEMENTED, f"The embedded endpoint has no engine {_name(token)}.")
        source = (place.earlier, place.before) == ("SOURCE", "(")
        if source and _name(token).upper() not in ("CLICKHOUSE", "NULL"):
            raise _outside(f"the dictionary source {_name(token)}")


def _outside(what: str) -> ClickHouseError:
    return refusal(ACCESS_DENIED, f"The embedded endpoint refuses {what}: it would reach outside the store.")


def _name(token: Token) -> str:
    text = token.text
    if token.kind in ("quoted", "string"):
        width = 3 if text[:1] == b"\xe2" else 1
        text = _ESCAPE.sub(_unescape, text[width:-width])
    return text.decode("utf-8", "surrogateescape")


def _unescape(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1][1:].decode()) if len(match[1]) == 3 else match[1]


def _names_a_file(name: str) -> bool:
    """Whether chdb's default database could take the name for a file: an existing path, or a pattern."""
    if "\0" in name or len(name) > 4000:
        return False
    if "/" in name and any(sign in name for sign in "*?{"):
        return True
    path = Path(name)
    return bool(name) and path.exists() and not path.is_dir()
