"""Mutants: a source with one small fault put in, to see whether its golden cases notice.

Taken is the code that ``normalise`` runs through in the golden cases: the functions that were called, and
the constants of their modules. A mutant that no case notices is a line whose meaning no case shows. Where
that has a reason (the fault changes nothing visible, or takes a megabyte to show), it stands with that in
``cases/unnoticed.toml``.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import signal
import sys
import threading
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

from producers.conformance.cases import CASES, Case
from producers.conformance.mutations import Site, sites_of
from producers.contract import Source
from producers.runner import normalise_all

SAMPLE = 60
"""How many mutants of a source are tried by default: those with the lowest hash of their name, so that a
change in one function does not change which are tried of the others."""

UNNOTICED = "unnoticed.toml"
_LONGEST_CPU_S = 2.0


class _TooLong(BaseException):
    """A mutant runs for ever. No ``except Exception`` may swallow it."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A source with a fault. ``name`` says where and what, and stays the same while that line does."""

    name: str
    module: str
    code: Callable[[], CodeType]


@dataclass(frozen=True, slots=True)
class Code:
    """The modules of a source: where it is loaded from, and which belong to it."""

    entry: str
    attribute: str
    folder: Path

    def load(self, changed: Mapping[str, CodeType] | None = None) -> Source[Any]:
        """Return the source, its modules loaded afresh, some with other code; what was loaded stays so."""
        with _unloaded(self.folder), _serving(changed or {}):
            found: Source[Any] = getattr(importlib.import_module(self.entry), self.attribute)
            return found


def check_mutants(cases: Sequence[Case], folder: Path, sample: int = SAMPLE) -> list[str]:
    """Return which mutants no case notices, and what is wrong with the list of those that none can.

    Empty for a source that is no Python code of its own in ``folder``.
    """
    source = cases[0].source
    code = code_of(source, folder)
    if code is None:
        return []
    mutants = {mutant.name: mutant for mutant in mutants_of(code, cases)}
    path = folder / CASES / UNNOTICED
    accepted = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    problems = [f"{UNNOTICED}: there is no mutant {name!r}" for name in accepted.keys() - mutants.keys()]
    chosen = sorted(mutants, key=lambda name: hashlib.sha256(name.encode()).digest())[:sample]
    for name in sorted({*chosen, *(accepted.keys() & mutants.keys())}):
        noticed = is_noticed(mutants[name], code, cases)
        if noticed and name in accepted:
            problems.append(f"{UNNOTICED}: {name}: a case does notice it")
        if not noticed and name not in accepted:
            problems.append(f"no case notices {name}")
    return [f"{source.name}: {problem}" for problem in problems]


def code_of(source: Source[Any], folder: Path) -> Code | None:
    """Return where a source that is loaded stands; None where it is in no module in ``folder``."""
    for name, module in list(sys.modules.items()):
        if _is_in(module, folder):
            for attribute, value in vars(module).items():
                if value is source:
                    return Code(name, attribute, folder)
    return None


def mutants_of(code: Code, cases: Sequence[Case]) -> Iterator[Mutant]:
    """Yield all mutants of the code that the cases run through."""
    run_through = _run_through(code, cases)
    for module, functions in sorted(run_through.items()):
        found = importlib.import_module(module)
        file = Path(found.__file__ or "")
        tree = ast.parse(file.read_bytes())
        tail = module.rpartition(".")[2]
        named: Counter[str] = Counter()
        for site in sites_of(tree, functions, vars(found)):
            named[site.name] += 1
            count = f" (no. {named[site.name]})" if named[site.name] > 1 else ""
            yield Mutant(f"{tail}.{site.name}{count}", module, _compiled(tree, site, file))


def is_noticed(mutant: Mutant, code: Code, cases: Sequence[Case]) -> bool:
    """Tell whether a case gives something else with the mutant, or fails."""
    try:
        with _limited():
            source = code.load({mutant.module: mutant.code()})
            return any(_differs(replace(case, source=source)) for case in cases)
    except (Exception, _TooLong):
        return True


def _differs(case: Case) -> bool:
    outcome = case.run()
    return list(outcome.events) != case.expected_events() or outcome.rejected() != case.expected_rejections()


def _run_through(code: Code, cases: Sequence[Case]) -> dict[str, set[str]]:
    """Return the functions of each of the source's modules that normalising the cases calls."""
    called: dict[str, set[str]] = {}
    source = code.load()
    prefix = str(code.folder.resolve())

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(prefix):
            module = frame.f_globals.get("__name__", "")
            called.setdefault(module, set()).add(frame.f_code.co_qualname)

    for case in cases:
        ready = (source, case.settings(), case.context(), case.records())
        before = sys.gettrace()
        sys.settrace(note)
        try:
            list(normalise_all(*ready))
        finally:
            sys.settrace(before)
    return called


def _compiled(tree: ast.Module, site: Site, file: Path) -> Callable[[], CodeType]:
    def code() -> CodeType:
        with site.mutated():
            return compile(tree, str(file), "exec")

    return code


@contextlib.contextmanager
def _unloaded(folder: Path) -> Iterator[None]:
    """Let the modules in ``folder`` be loaded anew meanwhile; afterwards all is as it was."""
    inside = {name: module for name, module in list(sys.modules.items()) if _is_in(module, folder)}
    for name in inside:
        del sys.modules[name]
    try:
        yield
    finally:
        for name, module in list(sys.modules.items()):
            if _is_in(module, folder):
                del sys.modules[name]
        sys.modules.update(inside)
        for name, module in inside.items():
            parent, _, own = name.rpartition(".")
            if parent in sys.modules:
                setattr(sys.modules[parent], own, module)


def _is_in(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).is_relative_to(folder)


@contextlib.contextmanager
def _serving(changed: Mapping[str, CodeType]) -> Iterator[None]:
    finder = _Finder(changed)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds modules as Python does, and gives some of them other code."""

    def __init__(self, changed: Mapping[str, CodeType]) -> None:
        self._changed = changed

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self._changed:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(name, spec.origin, self._changed[name])
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the loader's
        return self._code


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
