"""Checks of a source as a whole, and of its cases against their golden files."""

from __future__ import annotations

import contextlib
import io
import logging
import tomllib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from structlog.testing import capture_logs

from producers import registry
from producers.conformance.cases import Case, cases_in
from producers.conformance.personal import check_leaks
from producers.contract import Source
from schemas.events import Event, event_adapter, to_json

HEADINGS = ("What it reads", "Settings", "Events", "What it can't tell", "Personal data")
"""What a source's README tells, each under a heading of the second level."""


def check_source(name: str) -> list[str]:
    """Return what is wrong with a source as a whole. Raises ConfigurationError for an unknown source."""
    return check_folder(registry.load(name), registry.folder(name))


def check_folder(source: Source[Any], folder: Path) -> list[str]:
    """Return what is wrong with the folder of a source: its cases, README and sample."""
    problems = [] if cases_in(source, folder) else ["has no cases"]
    for file, check in (("README.md", _check_readme), ("sample.toml", _check_sample)):
        path = folder / file
        problems += check(source, path.read_text("utf-8")) if path.is_file() else [f"{file} is missing"]
    return [f"{source.name}: {problem}" for problem in problems]


def check_case(case: Case) -> list[str]:
    """Return what is wrong with a case: against its golden files, and in itself."""
    with _recorded() as written:
        outcome, again = case.run(), case.run()
    problems = []
    if list(outcome.events) != case.expected_events():
        problems.append(_difference("events", outcome.events, case.expected_events()))
    if outcome.rejected() != case.expected_rejections():
        problems.append(_difference("rejections", outcome.rejected(), case.expected_rejections()))
    if outcome.said() != again.said():
        problems.append("the same records gave something else the second time")
    if written:
        problems.append(
            "normalise wrote to a log or to the screen; it is pure, the runner tells of rejections"
        )
    by_id: dict[str, Event] = {}
    for event in outcome.events:
        if by_id.setdefault(event.id, event) != event:
            problems.append(f"two different events have the id {event.id}")
    problems += check_events(outcome.events, case.source.name)
    problems += check_leaks([record.payload for record in case.records()], outcome.said())
    return [f"{case.name}: {problem}" for problem in problems]


def check_events(events: Sequence[Event], instance: str) -> list[str]:
    """Return what is wrong with events of any source: times, names, and whether they can be read back."""
    problems = []
    for event in events:
        if event.time.utcoffset() != timedelta(0):
            problems.append(f"{event.id}: its time is not in UTC")
        if event.source != instance:
            problems.append(f"{event.id}: its source is {event.source!r}, not the instance")
        if event_adapter.validate_json(to_json(event)) != event:
            problems.append(f"{event.id}: is another one after it was written and read")
    return problems


def _check_readme(_: Source[Any], text: str) -> list[str]:
    lines = {line.strip() for line in text.splitlines()}
    return [
        f"README.md: has no heading “## {heading}”" for heading in HEADINGS if f"## {heading}" not in lines
    ]


def _check_sample(source: Source[Any], text: str) -> list[str]:
    """A sample's values are the defaults, so that it can be read as their documentation."""
    try:
        sample = source.settings.model_validate(tomllib.loads(text))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        return [f"sample.toml: {error}"]
    return [
        f"sample.toml: {key} is not the default"
        for key, field in source.settings.model_fields.items()
        if not field.is_required()
        and key in sample.model_fields_set
        # What is None by default can only be shown with an example.
        and field.get_default(call_default_factory=True) is not None
        and getattr(sample, key) != field.get_default(call_default_factory=True)
    ]


@contextlib.contextmanager
def _recorded() -> Iterator[list[object]]:
    """Collect what is logged or printed meanwhile."""
    written: list[object] = []
    screen = io.StringIO()
    handler = logging.Handler()
    handler.emit = written.append  # type: ignore[method-assign, assignment]
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with capture_logs() as logs, contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
            yield written
    finally:
        root.removeHandler(handler)
    written += [*logs, *filter(None, [screen.getvalue()])]


def _difference(what: str, found: Sequence[object], expected: Sequence[object]) -> str:
    for number, (mine, golden) in enumerate(zip(found, expected, strict=False), start=1):
        if mine != golden:
            return f"{what}: no. {number} is {mine!r}, expected {golden!r}"
    return f"{what}: {len(found)} found, {len(expected)} expected"
