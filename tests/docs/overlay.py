"""An environment on top of this one, into which a page may install packages without changing this one."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

MODULES = ("kommuncenter", "pytest", "mypy")
PROGRAMS = ("ruff", "uv")


def overlay(directory: Path) -> dict[str, str]:
    """Make an environment in ``directory`` that has all that this one has; return its variables."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(directory)], check=True)
    ours, beneath = _site_packages(directory), sysconfig.get_path("purelib")
    (ours / "beneath.pth").write_text(f"import site; site.addsitedir({beneath!r})\n", encoding="utf-8")
    binaries = directory / "bin"
    for name in MODULES:
        script = binaries / name
        script.write_text(f'#!/bin/sh\nexec "{binaries}/python" -m {name} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    for name in PROGRAMS:
        (binaries / name).symlink_to(Path(sys.executable).parent / name)
    path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "VIRTUAL_ENV": str(directory), "UV_OFFLINE": "1"}


def _site_packages(directory: Path) -> Path:
    paths = {"base": str(directory), "platbase": str(directory)}
    return Path(sysconfig.get_path("purelib", scheme="venv", vars=paths))
