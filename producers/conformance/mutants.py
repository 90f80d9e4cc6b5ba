"""Mutants: a source with one small fault put in, to see whether its golden cases notice.

A mutant that no case notices is a line whose meaning no case shows. Where that has a reason (the fault
changes nothing visible, or takes a megabyte to show), it stands with that in ``cases/unnoticed.toml``.
"""

from __future__ import annotations

import contextlib
import hashlib
import signal
import threading
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from producers.conformance.cases import CASES, Case
from producers.conformance.code_mutants import Load, code_mutants, code_of
from producers.conformance.mapping_mutants import mapping_mutants
from producers.contract import Source
from schemas.errors import ConfigurationError

SAMPLE = 60
"""How many mutants of a source are tried by default: those with the lowest hash of their name, so that a
change in one function does not change which are tried of the others."""

UNNOTICED = "unnoticed.toml"
MAPPING = "source.toml"
_LONGEST_CPU_S = 2.0


class _TooLong(BaseException):
    """A mutant runs for ever. No ``except Exception`` may swallow it."""


def check_mutants(cases: Sequence[Case], folder: Path, sample: int = SAMPLE) -> list[str]:
    """Return which mutants no case notices, and what is wrong with the list of those that none can.

    Raises ConfigurationError for a source that stands in none of the modules in ``folder``.
    """
    source = cases[0].source
    mutants = mutants_of(source, folder, cases)
    path = folder / CASES / UNNOTICED
    accepted = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    problems = [f"{UNNOTICED}: there is no mutant {name!r}" for name in accepted.keys() - mutants.keys()]
    chosen = sorted(mutants, key=lambda name: hashlib.sha256(name.encode()).digest())[:sample]
    for name in sorted({*chosen, *(accepted.keys() & mutants.keys())}):
        noticed = is_noticed(mutants[name], cases)
        if noticed and name in accepted:
            problems.append(f"{UNNOTICED}: {name}: a case does notice it")
        if not noticed and name not in accepted:
            problems.append(f"no case notices {name}")
    return [f"{source.name}: {problem}" for problem in problems]


def mutants_of(source: Source[Any], folder: Path, cases: Sequence[Case]) -> Mapping[str, Load]:
    """Return all mutants of a source by their names. Raises ConfigurationError where it can't be found."""
    if (folder / MAPPING).is_file():
        return dict(mapping_mutants((folder / MAPPING).read_text("utf-8")))
    code = code_of(source, folder)
    if code is None:
        raise ConfigurationError(f"source {source.name!r}: is in none of the modules in {folder}")
    return dict(code_mutants(code, cases))


def is_noticed(mutant: Load, cases: Sequence[Case]) -> bool:
    """Tell whether a case gives something else with the mutant, or fails."""
    try:
        with _limited():
            source = mutant()
            return any(_differs(replace(case, source=source)) for case in cases)
    except (Exception, _TooLong):
        return True


def _differs(case: Case) -> bool:
    outcome = case.run()
    return list(outcome.events) != case.expected_events() or outcome.rejected() != case.expected_rejections()


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Raise _TooLong after some seconds of computing; outside the main thread there is no such limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, _LONGEST_CPU_S, _LONGEST_CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
