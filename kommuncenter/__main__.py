"""``python -m kommuncenter``: the command line."""

from __future__ import annotations

from kommuncenter.cli import app

if __name__ == "__main__":
    app()
