"""The conformance kit's tests, for pytest; and the check that a source's cases come to the right figures.

A package with a source of its own runs all of it by::

    from kommuncenter.conformance import SourceSuite

    class TestParking(SourceSuite):
        source = "parking"

Needs what the extra ``conformance`` installs. A case's ``figures.toml`` holds measures and metrics after both
stages of the stream, written as in the worked cases (see ``kommuncenter.worked.figures``)::

    [figures]
    offered = 2
    service_level = "1 av 2 (50 %)"

    [within."telefon"]
    answered = 1
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from kommuncenter.worked.cases import Expected
from kommuncenter.worked.figures import read_scope, rows_of, written
from producers import registry
from producers.conformance import (
    Case,
    cases_in,
    check_case,
    check_folder,
    check_json,
    check_planted,
)
from producers.conformance.fuzzing import EXAMPLES, check_fuzzed
from producers.conformance.mutants import SAMPLE, check_mutants
from producers.contract import Source
from schemas.errors import ConfigurationError
from schemas.measures import IDENTITY_RIGHT
from streams.core.rules import Rules

FIGURES = "figures.toml"


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    figures: Expected = {}
    within: Mapping[str, Expected] = {}


def check_figures(case: Case) -> list[str]:
    """Return where a case's events come to other figures than its ``figures.toml`` says.

    The identity of DOMAIN §2 is checked for every case.
    """
    rows = rows_of([case.run().events], Rules(case.context().catalogue))
    problems = []
    for key, amounts in rows.items():
        offered = amounts.measures.get("offered", 0)
        if offered != sum(amounts.measures.get(name, 0) for name in IDENTITY_RIGHT):
            problems.append(f"{key.window}: what was offered is not what became of it")
    try:
        told = _figures(case)
        for scope, expected in {"": told.figures, **told.within}.items():
            for name, wanted in expected.items():
                found = written(rows, read_scope(scope), name, wanted)
                if found != wanted:
                    place = f"{name} within {scope!r}" if scope else name
                    problems.append(f"{FIGURES}: {place} is {found!r}, expected {wanted!r}")
    except ConfigurationError as error:
        problems.append(f"{FIGURES}: {error}")
    return [f"{case.name}: {problem}" for problem in problems]


def check_has_figures(cases: Sequence[Case]) -> list[str]:
    """Return what is wrong with a source that has events, but no case that says what they come to."""
    if any((case.folder / FIGURES).exists() for case in cases) or not any(c.expected_events() for c in cases):
        return []
    return [f"{cases[0].source.name}: no case has a {FIGURES}"]


def _figures(case: Case) -> _Figures:
    path = case.folder / FIGURES
    try:
        return _Figures.model_validate(tomllib.loads(path.read_text("utf-8")) if path.exists() else {})
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(str(error)) from error


def all_checks(
    source: Source[Any], folder: Path, *, examples: int = EXAMPLES, mutants: int = SAMPLE
) -> Iterator[tuple[str, list[str]]]:
    """Yield every check of the kit by its name, with what is wrong, as they are done."""
    cases = cases_in(source, folder)
    yield "folder, README and sample", check_folder(source, folder)
    if not cases:
        return
    yield "golden cases", [problem for case in cases for problem in check_case(case)]
    yield "figures", check_has_figures(cases) + [p for case in cases for p in check_figures(case)]
    yield "order of keys and unknown fields", [problem for case in cases for problem in check_json(case)]
    yield "personal data", [problem for case in cases for problem in check_planted(case)]
    yield "fuzzed input", check_fuzzed(cases, examples)
    yield "mutants", check_mutants(cases, folder, mutants)


class SourceSuite:
    """Tests that every source must pass. Subclass it with the name of a source."""

    source: ClassVar[str]
    examples: ClassVar[int] = EXAMPLES
    """Arbitrary inputs; ten times as many corrupted ones."""
    mutants: ClassVar[int] = SAMPLE
    """Faults that are put in, one at a time."""

    @pytest.fixture
    def cases(self) -> tuple[Case, ...]:
        """The golden cases; there must be some."""
        found = cases_in(registry.load(self.source), registry.folder(self.source))
        assert found, f"{self.source}: has no cases"
        return found

    def test_has_cases_a_readme_and_a_sample_of_its_defaults(self) -> None:
        """So it can be read, configured and checked."""
        _expect_none(check_folder(registry.load(self.source), registry.folder(self.source)))

    def test_cases_give_what_they_should(self, cases: Sequence[Case]) -> None:
        """Golden events and rejections; ids that stay; times in UTC; nothing personal."""
        _expect_none([problem for case in cases for problem in check_case(case)])

    def test_cases_come_to_the_right_figures(self, cases: Sequence[Case]) -> None:
        """After both stages of the stream."""
        _expect_none(
            check_has_figures(cases) + [problem for case in cases for problem in check_figures(case)]
        )

    def test_order_of_keys_and_unknown_fields_are_harmless(self, cases: Sequence[Case]) -> None:
        """In input that is JSON."""
        _expect_none([problem for case in cases for problem in check_json(case)])

    def test_personal_data_has_no_effect(self, cases: Sequence[Case]) -> None:
        """But in pseudonyms."""
        _expect_none([problem for case in cases for problem in check_planted(case)])

    def test_nothing_is_raised_whatever_comes(self, cases: Sequence[Case]) -> None:
        """On arbitrary bytes, and on golden input that was changed."""
        _expect_none(check_fuzzed(cases, self.examples))

    def test_faults_are_noticed(self, cases: Sequence[Case]) -> None:
        """By one of the golden cases."""
        _expect_none(check_mutants(cases, registry.folder(self.source), self.mutants))


def _expect_none(problems: Sequence[str]) -> None:
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)
