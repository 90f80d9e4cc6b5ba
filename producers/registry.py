"""Finds the sources: folders of producers/sources, the installation's own folder, and packages that have one.

A folder holds a ``source.py`` (Python) or a ``source.toml`` (a mapping).
"""

from __future__ import annotations

import importlib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from producers.contract import Source
from schemas.errors import ConfigurationError

ENTRY_POINT_GROUP = "kommuncenter.sources"
"""A package outside offers a source as ``name = "package.module:SOURCE"`` in this group."""

SOURCES_FOLDER = Path(__file__).parent / "sources"
_PYTHON, _MAPPING = "source.py", "source.toml"
_installation: list[Path] = []


def look_in(folder: Path | None) -> None:
    """Look for mapped sources in the installation's folder as well, in place of one that was set before."""
    _installation[:] = [] if folder is None else [folder]


def names() -> tuple[str, ...]:
    """Return the names of all sources, sorted. Imports none of them, and reads no mapping."""
    return tuple(sorted({*_own(), *_mapped_here(), *_offered()}))


def load(name: str) -> Source[Any]:
    """Return a source by its name. Raises ConfigurationError that lists the known ones.

    For a mapping with an error it names the file, the line and the key.
    """
    own, here, offered = _own(), _mapped_here(), _offered()
    places = [
        *([f"the folder {own[name]}"] if name in own else []),
        *([f"the folder {here[name]}"] if name in here else []),
        *([f"the package behind {offered[name].value!r}"] if name in offered else []),
    ]
    if len(places) > 1:
        raise ConfigurationError(
            f"source {name!r}: {' and '.join(places)} each have one of the same name; remove one, or have "
            "it renamed"
        )
    folder = own.get(name) or here.get(name)
    found = _load_folder(name, folder) if folder else _load_offered(offered.get(name))
    if not places:
        raise ConfigurationError(f"source {name!r}: unknown; known are {', '.join(names()) or 'none'}")
    if not isinstance(found, Source):
        raise ConfigurationError(f"source {name!r}: SOURCE is missing, or is no Source")
    if found.name != name:
        raise ConfigurationError(f"source {name!r}: calls itself {found.name!r}; the names must be equal")
    return found


def folder(name: str) -> Path:
    """Return the folder in which a source, its README, sample and cases stand. Raises ConfigurationError."""
    load(name)
    known = _own().get(name) or _mapped_here().get(name)
    if known:
        return known
    file = importlib.import_module(_offered()[name].module).__file__
    if file is None:
        raise ConfigurationError(f"source {name!r}: its package stands in no folder")
    return Path(file).parent


def mapping(name: str) -> Path | None:
    """Return the ``source.toml`` of a source; None for one in Python. Raises ConfigurationError."""
    path = folder(name) / _MAPPING
    return path if path.is_file() else None


def _own() -> dict[str, Path]:
    return _folders(SOURCES_FOLDER, _PYTHON) | _folders(SOURCES_FOLDER, _MAPPING)


def _mapped_here() -> dict[str, Path]:
    """Return the mapped sources of the installation; Python is not run out of a folder of settings."""
    return {name: path for folder in _installation for name, path in _folders(folder, _MAPPING).items()}


def _folders(root: Path, file: str) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in root.glob(f"*/{file}")}


def _offered() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def _load_folder(name: str, folder: Path) -> object:
    if (folder / _MAPPING).is_file():
        from producers.mapped.source import load_source

        return load_source(folder)
    return getattr(importlib.import_module(f"producers.sources.{name}.source"), "SOURCE", None)


def _load_offered(point: EntryPoint | None) -> object:
    if point is None:
        return None
    try:
        found: object = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"source {point.name!r}: {point.value!r} can't be imported: {error}"
        ) from error
    return found
