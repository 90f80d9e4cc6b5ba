"""A small portion of the nightly fuzzing; and that it finds what it is for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from producers import registry
from producers.conformance import Case, cases_of
from producers.conformance.fuzzing import Sample, flaws_of
from producers.contract import Broadcast, Context, Normalised, Raw, Reason, Rejected, Source
from producers.sources.desk.source import SOURCE
from tests.fuzz.__main__ import fuzz, main
from tests.fuzz.findings import Finding, minimised, save
from tests.fuzz.target import Target, make_target, target_of
from tests.fuzz.worker import SEEDED, engines, seeded

PORTION = 2_000


@pytest.mark.parametrize("name", registry.names())
def test_a_portion_of_the_nightly_inputs(name: str) -> None:
    run = seeded(target_of(name), PORTION, seed=1)
    assert run.inputs == PORTION
    assert [finding.flaw for finding in run.findings.values()] == []


def broken(normalise: Any) -> Target:
    """Return the desk's target with another normaliser."""
    source = replace(SOURCE, normalise=normalise)
    cases = [Case(source, case.folder) for case in cases_of("desk")]
    return make_target(source, cases)


def raises(raw: Raw, settings: Any, context: Context) -> Normalised:
    """Breaks where a line's JSON is cut off behind a colon."""
    if raw.payload.rstrip().endswith(b":"):
        raise ValueError(raw.payload)
    return SOURCE.normalise(raw, settings, context)


def leaks(raw: Raw, settings: Any, context: Context) -> Normalised:
    """Tells, of a line that can't be read, what stood in it."""
    result = SOURCE.normalise(raw, settings, context)
    if isinstance(result, Rejected) and result.reason is Reason.UNREADABLE:
        return Rejected(result.reason, "no JSON: " + raw.payload.decode("ascii", "replace")[:200])
    return result


def found(target: Target) -> Finding:
    """Return the only kind of finding, minimised."""
    run = seeded(target, 3_000, seed=1)
    [finding] = run.findings.values()
    return minimised(target, finding)


def test_an_exception_is_found_minimised_and_saved_as_a_case(tmp_path: Path) -> None:
    target = broken(raises)
    finding = found(target)
    assert finding.flaw == "normalise raised ValueError"
    assert target.split(finding.data)[1] == b":"

    case = Case(target.source, save(target, finding, tmp_path))
    [record] = case.records()
    golden = target.samples[target.split(finding.data)[0]].record
    assert (record.payload, record.received_at, record.attributes) == (
        b":",
        golden.received_at,
        golden.attributes,
    )
    assert flaws_of(target.source, Sample(record, case.settings(), case.context())) == [finding.flaw]
    assert (case.folder / "flaw.txt").read_text() == "normalise raised ValueError\n"


def test_what_the_reader_says_beside_a_record_is_saved_with_it(tmp_path: Path) -> None:
    target = target_of("mail")
    for number, sample in enumerate(target.samples):
        data = target.input(number, b"Subject: x\n\n")
        case = Case(target.source, save(target, Finding("wrong", data), tmp_path))
        [record] = case.records()
        assert (record.received_at, record.attributes) == (
            sample.record.received_at,
            sample.record.attributes,
        )
        assert case.settings() == sample.settings


def test_a_number_that_comes_out_is_found() -> None:
    def normalise(raw: Raw, settings: Any, context: Context) -> Normalised:
        return Rejected(Reason.UNREADABLE, f"can't read {raw.payload.decode('ascii', 'replace')[:250]!r}")

    told: Source[Any] = replace(registry.load("asterisk"), normalise=normalise)
    target = make_target(told, [Case(told, case.folder) for case in cases_of("asterisk")])
    run = seeded(target, 300, seed=1)
    assert any(finding.flaw.startswith("leaks ") for finding in run.findings.values())


def test_a_number_may_not_come_out_of_its_own_field_but_out_of_one_for_ids_it_does() -> None:
    asterisk: Source[Any] = registry.load("asterisk")

    def normalise(raw: Raw, settings: Any, context: Context) -> Normalised:
        """Call the leg by who calls."""
        caller = raw.payload.decode("ascii", "replace").split("|")[-2]
        result = asterisk.normalise(raw, settings, context)
        if isinstance(result, Rejected):
            return result
        events = [item for item in result if not isinstance(item, Broadcast)]
        return [event.model_copy(update={"subject": f"pbx1:{caller}"}) for event in events]

    golden = b"1795510800|1795510800.0|kommuncenter|NONE|ENTERQUEUE||0701740605|1"
    moved = b"1795510800|0701740605|kommuncenter|NONE|ENTERQUEUE|||1"
    for source, flaws in ((asterisk, []), (replace(asterisk, normalise=normalise), ["leaks 701740605"])):
        [case] = cases_of("asterisk")[:1]
        sample = Sample(Raw(golden, "line 1"), case.settings(), case.context())
        target = Target(source, [sample], [case], frozenset({0}), ())
        assert target.flaws(target.input(0, golden)) == flaws
        assert target.flaws(target.input(0, golden.replace(b"kommuncenter", b"x"))) == flaws
        assert target.flaws(target.input(0, moved)) == []


def test_the_same_seed_gives_the_same_inputs() -> None:
    target, inputs = broken(raises), 2_000
    one, same, other = (seeded(target, inputs, seed).findings for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("engine", engines())
def test_the_whole_of_it_over_a_source(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["social", "--inputs", "300", "--engine", engine, "--directory", str(tmp_path)]
    assert main([*arguments, "--processes", "1", "--seed", "7"]) == 0
    said = capsys.readouterr().out
    assert f"1 sources, 300 inputs each, {engine}, seed 7" in said
    assert "300 inputs in all" in said


def test_a_process_that_comes_to_no_end_is_a_fault(tmp_path: Path) -> None:
    outcome = fuzz("nosuch", 10, 1, SEEDED, tmp_path)
    assert not outcome.good
    assert "nosuch" in outcome.broke
    assert main(["nosuch", "--inputs", "10", "--directory", str(tmp_path)]) == 1
