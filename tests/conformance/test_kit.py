"""Every check of the kit finds the fault that it is for: a source that passes is broken in one place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import producers.template.visit.source as template
from kommuncenter.conformance import all_checks, check_figures, check_has_figures
from kommuncenter.sources.new import TEMPLATE, load_file
from producers.conformance import (
    Case,
    cases_in,
    check_case,
    check_events,
    check_folder,
    check_json,
    check_leaks,
    check_planted,
)
from producers.conformance.fuzzing import check_fuzzed
from producers.conformance.mutants import UNNOTICED, check_mutants
from producers.contract import Source
from schemas.events import event_adapter

HERE = TEMPLATE / "visit"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the template's source of visits, to be broken."""
    copy = tmp_path / "newsource"
    shutil.copytree(HERE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


Break = Callable[..., list[Case]]


@pytest.fixture
def broken(folder: Path) -> Break:
    """Breaks the source's code: what stands there, and what instead; its golden files are written anew."""

    def cases(old: str, new: str, *, rewrite: bool = True) -> list[Case]:
        text = (folder / "source.py").read_text("utf-8")
        assert text.count(old) == 1, old
        (folder / "source.py").write_text(text.replace(old, new), "utf-8")
        found = list(cases_in(load_file(folder / "source.py"), folder))
        for case in found if rewrite else ():
            case.write()
        return found

    return cases


def over(check: Callable[[Case], list[str]], cases: list[Case]) -> str:
    return "\n".join(problem for case in cases for problem in check(case))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def source_in(folder: Path) -> Source[Any]:
    return load_file(folder / "source.py")


def test_a_source_without_cases_fails(folder: Path) -> None:
    shutil.rmtree(folder / "cases")
    assert check_folder(source_in(folder), folder) == ["newsource: has no cases"]
    assert [problems for _, problems in all_checks(source_in(folder), folder)] == [
        ["newsource: has no cases"]
    ]


def test_a_missing_heading_and_a_missing_file_are_found(folder: Path) -> None:
    edit(folder / "README.md", "## Personal data", "## Persons")
    (folder / "sample.toml").unlink()
    assert check_folder(source_in(folder), folder) == [
        "newsource: README.md: has no heading “## Personal data”",
        "newsource: sample.toml is missing",
    ]


@pytest.mark.parametrize("wrong", ["follow = false", 'follow = "perhaps"', "unknown = 1", "follow ="])
def test_a_sample_that_is_not_the_defaults_is_found(folder: Path, wrong: str) -> None:
    edit(folder / "sample.toml", "follow = true", wrong)
    (problem,) = check_folder(source_in(folder), folder)
    assert problem.startswith("newsource: sample.toml: ")


def test_another_event_and_another_rejection_are_found(broken: Break) -> None:
    cases = broken('case "no show"', 'case "did not come"', rewrite=False)
    said = over(check_case, cases)
    assert "newsource/usual: events: 4 found, 5 expected" in said
    assert "newsource/usual: rejections: 1 found, 0 expected" in said


def test_an_id_that_changes_with_every_reading_is_found(broken: Break) -> None:
    cases = broken("stable_hash(settings.system, line.id)", "__import__('secrets').token_hex(16)")
    assert "the same records gave something else the second time" in over(check_case, cases)


def test_one_id_for_two_events_is_found(broken: Break) -> None:
    cases = broken("stable_hash(settings.system, line.id)", "stable_hash(settings.system, line.visit)")
    assert "two different events have the id" in over(check_case, cases)


def test_a_time_that_is_not_in_utc_and_another_instance_are_found() -> None:
    event = event_adapter.validate_python(
        {
            "id": "0" * 32,
            "source": "telephony",
            "subject": "pbx1:1",
            "time": "2026-11-24T10:00:00+01:00",
            "type": "kommuncenter.contact.abandoned",
            "data": {"channel": "telephone"},
        }
    )
    assert len(check_events([event], "telephony")) == 1
    assert len(check_events([event], "other")) == 2


@pytest.mark.parametrize(
    "telling",
    [
        "__import__('structlog').get_logger().info('seen', visit=line.visit)",
        "__import__('logging').getLogger('x').warning(line.visit)",
        "__import__('sys').stdout.write(line.visit)",
    ],
)
def test_what_normalise_writes_to_a_log_is_found(broken: Break, telling: str) -> None:
    cases = broken("    event: Event\n", f"    {telling}\n    event: Event\n")
    assert "normalise wrote to a log or to the screen" in over(check_case, cases)


def test_the_order_of_keys_must_not_matter(broken: Break) -> None:
    by_order = "next(iter(__import__('json').loads(raw.payload)))"
    cases = broken("stable_hash(settings.system, line.id)", f"stable_hash(line.id, {by_order})")
    said = over(check_json, cases)
    assert "another order of keys gives other events" in said
    assert "an unknown field (x_unknown) gives other events" in said


def test_unknown_fields_must_be_harmless(broken: Break) -> None:
    cases = broken('ConfigDict(frozen=True, extra="ignore")', 'ConfigDict(frozen=True, extra="forbid")')
    assert "an unknown field (x_unknown) gives other events" in over(check_json, cases)


def test_a_number_that_comes_out_is_found(broken: Break) -> None:
    digits = "settings.system + ':' + (''.join(filter(str.isdigit, line.telephone)) or line.visit)"
    cases = broken('f"{settings.system}:{line.visit}"', digits)
    assert "leaks 701740605" in over(check_case, cases)


def test_a_number_that_is_hashed_without_the_key_is_found(broken: Break) -> None:
    cases = broken("stable_hash(settings.system, line.id)", "stable_hash(line.id, line.telephone)")
    assert over(check_case, cases) == ""
    assert "event no. 1: id can be made of a telephone number without the key" in over(check_planted, cases)


def test_a_number_that_is_hashed_with_the_key_is_fine(broken: Break) -> None:
    keyed = "str(context.pseudonymiser.number(line.telephone))"
    cases = broken("stable_hash(settings.system, line.id)", f"stable_hash(line.id, {keyed})")
    assert over(check_planted, cases) == ""


def test_a_name_that_has_an_effect_is_found(broken: Break) -> None:
    cases = broken("    what: str\n", '    what: str\n    name: str = ""\n')
    assert over(check_planted, cases) == ""
    edit(cases[0].folder.parent.parent / "source.py", "line.id)", "line.id, line.name)")
    named = list(cases_in(source_in(cases[0].folder.parent.parent), cases[0].folder.parent.parent))
    assert "another text in place of 'Kim Exempel' changes the events or the rejections" in over(
        check_planted, named
    )


def test_a_personal_text_that_is_not_in_the_input_is_found(folder: Path) -> None:
    edit(folder / "cases/usual/personal.toml", "Kim", "Robin")
    cases = list(cases_in(source_in(folder), folder))
    assert "personal.toml: 'Robin Exempel' is nowhere in the input" in over(check_planted, cases)


def test_input_that_comes_back_in_a_rejection_is_found(broken: Break) -> None:
    cases = broken('"what happened is nothing that is known"', 'f"{line.what} is not known"')
    assert "another text in place of 'Kim Exempel' changes" in over(check_planted, cases)


def test_the_leak_check_finds_a_number_in_any_way_of_writing() -> None:
    given = [b"ring 070-174 06 05", b"or +46313900601", b"(08) 465 00 412", b"mail Kim.Exempel@example.org"]
    assert check_leaks(given, b"nothing of the kind") == []
    assert check_leaks(given, b"+46701740605") == ["leaks 701740605"]
    assert check_leaks(given, b"031-390 06 01") == ["leaks 313900601"]
    assert check_leaks(given, b"0046 (0)8/465 004 12") == ["leaks 846500412"]
    assert check_leaks(given, b"<kim.exempel@EXAMPLE.org>") == ["leaks kim.exempel@example.org"]


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("Line.model_validate_json(raw.payload)", "Line(**__import__('json').loads(raw.payload))", "raised"),
        ("return rejected(error)", "return Rejected(Reason.BAD_VALUE, str(error))", "long or not printable"),
        ("line.at,", "line.at.astimezone(__import__('zoneinfo').ZoneInfo('CET')),", "not in UTC"),
        ("return rejected(error)", "return Rejected(Reason.BAD_VALUE, f'{id(error)}')", "for another reason"),
    ],
)
def test_fuzzing_finds_what_the_cases_do_not_show(broken: Break, old: str, new: str, finding: str) -> None:
    assert finding in "\n".join(check_fuzzed(broken(old, new)))


def test_fuzzing_finds_a_rare_field_of_a_rare_kind(broken: Break) -> None:
    """It takes a corrupted golden record: arbitrary input never gets so far."""
    cases = broken(
        '        case "called":\n',
        '        case "called":\n            assert line.visit in {"v1", "v2"}\n',
    )
    (problem,) = check_fuzzed(cases)
    assert "corrupted input: normalise raised" in problem


def test_other_figures_are_found(folder: Path) -> None:
    edit(folder / "cases/usual/figures.toml", "answered = 1", "answered = 2\nunheard_of = 1")
    cases = list(cases_in(source_in(folder), folder))
    assert over(check_figures, cases).splitlines() == [
        "newsource/usual: figures.toml: answered is 1, expected 2",
        "newsource/usual: figures.toml: unheard_of: no measure is called so",
    ]
    (folder / "cases/usual/figures.toml").unlink()
    assert check_has_figures(cases) == ["newsource: no case has a figures.toml"]


def test_cases_that_say_too_little_are_found(tmp_path: Path) -> None:
    shutil.copytree(HERE / "cases/usual", tmp_path / "usual")
    usual = [Case(template.SOURCE, tmp_path / "usual")]
    said = "\n".join(check_mutants(usual, HERE, 1000))
    assert "no case notices source._events: return Rejected(Reason.UNKNOWN_KIND, " in said
    assert template.SOURCE is usual[0].source


def test_a_list_of_unnoticed_faults_has_to_be_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = list(cases_in(template.SOURCE, HERE))
    noticed = "source.normalise: return rejected(error): return None"
    listed = tmp_path / UNNOTICED
    listed.write_text(f'"{noticed}" = "no reason"\n"source.gone: 1 -> 2" = "it was there once"\n', "utf-8")
    monkeypatch.setattr("producers.conformance.mutants.CASES", tmp_path)
    assert check_mutants(cases, HERE, 0) == [
        "newsource: unnoticed.toml: there is no mutant 'source.gone: 1 -> 2'",
        f"newsource: unnoticed.toml: {noticed}: a case does notice it",
    ]


def test_a_case_of_another_source_does_not_fit() -> None:
    """The golden files are read: a case is no case because it is there."""
    usual, rejected = (Case(template.SOURCE, HERE / "cases" / name) for name in ("usual", "rejected"))
    swapped = replace(rejected, folder=usual.folder)
    assert check_case(swapped) == []
    assert usual.run(rejected.records()).rejected() != usual.expected_rejections()
