"""How ``kommuncenter verify`` reads its days and tells what it found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta

from rich.console import Console

from schemas.errors import ConfigurationError
from streams.verify.compare import Difference, Verification

MOST_SHOWN = 50


def days(since: str | None, until: str | None) -> tuple[date | None, date | None]:
    """Return the days as the verifier takes them: the last one not included. Raises ConfigurationError."""
    first = day("--since", since)
    last = day("--until", until)
    return first, None if last is None else last + timedelta(days=1)


def day(option: str, text: str | None) -> date | None:
    """Return the day that an option names, if it is given. Raises ConfigurationError for anything else."""
    if text is None:
        return None
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):  # fromisoformat takes weeks as well
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{option} {text!r}: no such day; write it as 2026-11-16") from error


def show(found: Verification, out: Console) -> None:
    """Print what was compared, and what differs: at most 50 differences, then how many more."""
    for line in _lines(found):
        out.print(line, soft_wrap=True, markup=False, highlight=False)


def _lines(found: Verification) -> Iterator[str]:
    last = found.until - timedelta(days=1)
    yield f"From {found.since} to {last}: {found.events} events, {found.late} late."
    if found.late:
        yield "Late events count nowhere until their days are rebuilt."
    if found.awaiting_rebuild:
        yield f"{found.awaiting_rebuild} contacts of frozen days would be changed by a rebuild."
    if found.since < found.pseudonyms_from:
        yield f"Figures that need a pseudonym are compared from {found.pseudonyms_from} on."
    for compared in found.compared:
        yield f"  {compared.what}: {compared.rows} rows, {compared.values} values"
    if found.equal:
        yield "equal"
        return
    shown = found.differences[:MOST_SHOWN]
    yield from map(_line, shown)
    more = found.differing - len(shown)
    yield f"{found.differing} differences" + (f", of which {more} are not shown" if more else "")


def _line(told: Difference) -> str:
    """Return a difference as a line: what, where, which figure, both values and by how much they differ."""
    stored, recomputed = told.stored, told.recomputed
    by = ""
    if isinstance(stored, int) and isinstance(recomputed, int):
        by = f" ({stored - recomputed:+d})"
    was, ought = ("nothing" if value is None else value for value in (stored, recomputed))
    return f"{told.what}: {told.where}: {told.figure}: stored {was}, recomputed {ought}{by}"


def as_json(found: Verification) -> str:
    """Return all of it as JSON, one document and a line break."""
    told = {**asdict(found), "until": found.until - timedelta(days=1), "equal": found.equal}
    return json.dumps(told, default=str, ensure_ascii=False, indent=2) + "\n"
