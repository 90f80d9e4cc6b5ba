"""Writes the golden files of the named sources anew: ``python -m producers.conformance NAME``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from producers.conformance.cases import cases_of


def main(arguments: Sequence[str]) -> int:
    """Write the golden files of the named sources anew."""
    for name in arguments:
        for case in cases_of(name):
            case.write()
            sys.stdout.write(f"{case.name}: written; read it before you commit it\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
