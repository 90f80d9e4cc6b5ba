"""Runs the commands of a page: every fenced ``bash`` block of it, in order, in one shell.

A walk-through has its commands in ```` ```bash ```` blocks, files included (``cat > … <<'EOF'``). What is
only to be looked at stands in blocks of another language (``console``, ``text``, ``python``).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"

_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OURS = re.compile(r"KC_\w+")


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a page's commands. ``output`` is what they wrote, errors included, as on a screen."""

    output: str
    seconds: float


def bash_blocks(page: str) -> list[str]:
    """Return the commands of a page's text, one string a block."""
    return _BLOCK.findall(page)


def run_page(
    page: Path, where: Path, *, timeout_s: float = 100.0, variables: dict[str, str] | None = None
) -> Finished:
    """Run a page's commands in the folder ``where``; fail, with their output, where one of them fails.

    They find this environment's programs (``kommuncenter``, ``pytest``) first on the path; their home is
    ``where``. No KC_ variable is passed on but those in ``variables``.
    """
    blocks = bash_blocks(page.read_text(encoding="utf-8"))
    assert blocks, f"{page.name}: has no bash block"
    began = time.monotonic()
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=where,
        env=_environment(where, variables or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert result.returncode == 0, f"{page.name}: exit {result.returncode}\n{result.stdout}"
    return Finished(result.stdout, time.monotonic() - began)


def _environment(where: Path, variables: dict[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not _OURS.fullmatch(name)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    wide = {"COLUMNS": "110", "TERM": "dumb", "NO_COLOR": "1"}
    return {**inherited, **wide, "PATH": path, "HOME": str(where), **variables}
