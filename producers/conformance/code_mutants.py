"""Mutants of a source that is Python: its modules loaded afresh, one of them with a fault in it.

Faults are put into the code that ``normalise`` runs through in the golden cases: into the functions that were
called, and the constants of their modules.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.abc
import importlib.machinery
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

from producers.conformance.cases import Case
from producers.conformance.mutations import Site, sites_of
from producers.contract import Source
from producers.runner import normalise_all

Load = Callable[[], Source[Any]]
"""Gives a source with a fault; raises what it likes where the fault lets it be no source at all."""


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


def code_of(source: Source[Any], folder: Path) -> Code | None:
    """Return where a source that is loaded stands; None where it is in no module in ``folder``."""
    for name, module in list(sys.modules.items()):
        if _is_in(module, folder):
            for attribute, value in vars(module).items():
                if value is source:
                    return Code(name, attribute, folder)
    return None


def code_mutants(code: Code, cases: Sequence[Case]) -> Iterator[tuple[str, Load]]:
    """Yield the name of each fault, and the source with it. A name stays the same while its line does."""
    for module, functions in sorted(_run_through(code, cases).items()):
        found = importlib.import_module(module)
        file = Path(found.__file__ or "")
        tree = ast.parse(file.read_bytes())
        tail = module.rpartition(".")[2]
        named: Counter[str] = Counter()
        for site in sites_of(tree, functions, vars(found)):
            named[site.name] += 1
            count = f" (no. {named[site.name]})" if named[site.name] > 1 else ""
            yield f"{tail}.{site.name}{count}", _with_fault(code, module, tree, site, file)


def _with_fault(code: Code, module: str, tree: ast.Module, site: Site, file: Path) -> Load:
    def load() -> Source[Any]:
        with site.mutated():
            compiled = compile(tree, str(file), "exec")
        return code.load({module: compiled})

    return load


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
