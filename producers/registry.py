"""Finds the sources: folders of producers/sources, and packages that say they have one."""

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


def names() -> tuple[str, ...]:
    """Return the names of all sources, sorted. Imports none of them."""
    return tuple(sorted({*_own(), *_offered()}))


def load(name: str) -> Source[Any]:
    """Return a source by its name. Raises ConfigurationError that lists the known ones."""
    own, offered = _own(), _offered()
    if name in own and name in offered:
        raise ConfigurationError(
            f"source {name!r}: the package behind {offered[name].value!r} offers one of the same name as "
            "ours; remove that package, or have it renamed"
        )
    if name in own:
        found = getattr(importlib.import_module(f"producers.sources.{name}.source"), "SOURCE", None)
    elif name in offered:
        found = _load_offered(offered[name])
    else:
        raise ConfigurationError(f"source {name!r}: unknown; known are {', '.join(names()) or 'none'}")
    if not isinstance(found, Source):
        raise ConfigurationError(f"source {name!r}: SOURCE is missing, or is no Source")
    if found.name != name:
        raise ConfigurationError(f"source {name!r}: calls itself {found.name!r}; the names must be equal")
    return found


def folder(name: str) -> Path:
    """Return the folder in which a source, its README, sample and cases stand. Raises ConfigurationError."""
    load(name)
    if name in _own():
        return SOURCES_FOLDER / name
    file = importlib.import_module(_offered()[name].module).__file__
    if file is None:
        raise ConfigurationError(f"source {name!r}: its package stands in no folder")
    return Path(file).parent


def _own() -> frozenset[str]:
    return frozenset(path.parent.name for path in SOURCES_FOLDER.glob("*/source.py"))


def _offered() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def _load_offered(point: EntryPoint) -> object:
    try:
        found: object = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"source {point.name!r}: {point.value!r} can't be imported: {error}"
        ) from error
    return found
