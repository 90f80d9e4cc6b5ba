"""Numbered, immutable migrations: which files there are, their statements and their checksums."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")

LEDGER = """CREATE TABLE IF NOT EXISTS schema_migrations
(
    number UInt32,
    name String,
    checksum String,
    statements_done UInt32,
    at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(statements_done)
ORDER BY number"""
"""Where it is recorded how far each migration has come."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, name, statements in order, and the checksum of its text."""

    number: int
    name: str
    statements: tuple[str, ...]
    checksum: str


def shipped_migrations() -> Sequence[Migration]:
    """Return the shipped migrations in order of their numbers."""
    found = []
    for entry in (resources.files("schemas.clickhouse") / "migrations").iterdir():
        match = _NAME.match(entry.name)
        if match:
            text = entry.read_text(encoding="utf-8")
            found.append(
                Migration(
                    int(match[1]),
                    match[2],
                    split_statements(text),
                    hashlib.sha256(text.encode()).hexdigest(),
                )
            )
    return sorted(found, key=lambda migration: migration.number)


def split_statements(text: str) -> tuple[str, ...]:
    """Return the statements of a file: each ends with a semicolon at the end of a line.

    Lines that are comments only are left out, so that a comment may hold a semicolon.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    parts = re.split(r";[ \t]*(?:\n|$)", "\n".join(lines))
    return tuple(part.strip() for part in parts if part.strip())
