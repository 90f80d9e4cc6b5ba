"""Makes a new source out of the template of its channel: code, README, sample and golden cases."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import producers.template
from producers import registry
from producers.conformance import cases_in
from producers.contract import Source
from producers.mapped.source import load_source
from schemas.errors import ConfigurationError
from schemas.events import Channel

TEMPLATE = Path(producers.template.__file__).parent
TEMPLATE_NAME = "newsource"
CHANNELS = (Channel.TELEPHONE, Channel.EMAIL, Channel.VISIT)

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST_NAME = 24
_PYTHON = frozenset({"__init__.py", "source.py", "settings.toml", "expected.jsonl", "rejected.jsonl"})
"""What a mapped source does not share with one in Python."""


def new_source(name: str, channel: Channel, directory: Path | None = None) -> Path:
    """Make a source in Python and return its folder.

    Without a directory it stands in ``producers/sources`` of this checkout. With one, that becomes a package
    of its own, which offers the source by an entry point. Raises ConfigurationError for a name that can't be
    used, a directory that has something in it, and outside a checkout.
    """
    _check(name, channel)
    if directory is None:
        folder = _sources_of_checkout() / name
        _write(TEMPLATE / channel.value, folder, name)
    else:
        if directory.exists() and any(directory.iterdir()):
            raise ConfigurationError(f"{directory}: is not empty; name a new directory")
        folder = directory / f"kommuncenter_{name}"
        _write(TEMPLATE / "package", directory, name)
        _write(TEMPLATE / channel.value, folder, name)
        (folder / "py.typed").touch()
    _write_golden(load_file(folder / "source.py"), folder)
    return folder


def new_mapped_source(name: str, channel: Channel, sources: Path) -> Path:
    """Make a mapped source among the installation's ``sources``, and return its folder.

    Raises ConfigurationError for a name that can't be used.
    """
    _check(name, channel)
    folder = sources / name
    _write(TEMPLATE / channel.value, folder, name, but=_PYTHON)
    _write(TEMPLATE / "mapped" / channel.value, folder, name)
    _write_golden(load_source(folder), folder)
    return folder


def _write_golden(source: Source[Any], folder: Path) -> None:
    """Write what a new source gives: its name is in the golden events, and in what their ids are made of."""
    for case in cases_in(source, folder):
        case.write()


def _check(name: str, channel: Channel) -> None:
    if channel not in CHANNELS:
        raise ConfigurationError(f"channel {channel}: there is no template; choose {', '.join(CHANNELS)}")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or keyword.iskeyword(name):
        raise ConfigurationError(
            f"{name!r}: can't be the name of a source; use a to z, 0 to 9 and _ between them, up to "
            f"{_LONGEST_NAME}, beginning with a letter"
        )
    if name in registry.names():
        raise ConfigurationError(f"{name!r}: there is such a source already; choose another name")


def _sources_of_checkout() -> Path:
    if not (registry.SOURCES_FOLDER.parent.parent / "pyproject.toml").is_file():
        raise ConfigurationError(
            "this is no checkout of kommuncenter-stats, so a new source needs a package of its own; name its "
            "directory with --directory"
        )
    return registry.SOURCES_FOLDER


def _write(template: Path, to: Path, name: str, but: frozenset[str] = frozenset()) -> None:
    """Copy a template with the name in it, and in the names of its files; some files are left out."""
    for path in _files(template):
        if path.name in but:
            continue
        target = to / _renamed(str(path.relative_to(template)), name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_renamed(path.read_text("utf-8"), name), encoding="utf-8")


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a template, without what tools have put beside them."""
    for path in sorted(folder.rglob("*")):
        own = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in own):
            yield path


def _renamed(text: str, name: str) -> str:
    in_classes = "".join(part.capitalize() for part in name.split("_"))
    return text.replace(TEMPLATE_NAME, name).replace(TEMPLATE_NAME.capitalize(), in_classes)


def load_file(file: Path) -> Source[Any]:
    """Return the source in a file that is in no package that can be imported (yet)."""
    spec = importlib.util.spec_from_file_location("_kommuncenter_new_source", file)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    # pydantic looks the module of a class up by its name.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]
    found: Source[Any] = module.SOURCE
    return found
