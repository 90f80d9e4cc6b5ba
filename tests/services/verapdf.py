"""veraPDF for the tests: the check of PDF/UA-1 that its makers maintain; needs Java and its jars."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.require import require

JARS_VARIABLE: Final = "KC_VERAPDF_JARS"
_DRIVER: Final = Path(__file__).parent / "VeraPdf.java"
_DEADLINE_S: Final = 100


def breaches_of_pdf_ua_1(*files: Path) -> list[str]:
    """Return what in PDF files goes against PDF/UA-1, one line each; skips where veraPDF is not here."""
    jars, java = os.environ.get(JARS_VARIABLE, ""), shutil.which("java")
    there = bool(jars) and any(Path(jars).glob("validation-model-*.jar"))
    require("verapdf", there, f"{JARS_VARIABLE} names no folder with its jars; see .ci/fetch-verapdf")
    require("verapdf", java is not None, "there is no java on PATH")
    done = subprocess.run(
        [str(java), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*", str(_DRIVER), *files],
        capture_output=True,
        text=True,
        timeout=_DEADLINE_S,
        check=False,
    )
    lines = done.stdout.splitlines()
    if done.returncode != (1 if lines else 0):
        raise RuntimeError(f"veraPDF ended with {done.returncode}: {done.stdout}{done.stderr}")
    return lines
