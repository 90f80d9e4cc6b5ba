"""Documents that are generated: the JSON Schema of the events, and the list of metrics.

``python -m kommuncenter.documents`` writes them, ``--check`` fails if the committed ones differ.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from schemas.events import event_adapter
from schemas.legs import leg_message_adapter
from schemas.measures import MEASURES
from schemas.metrics import METRICS

DOCS = Path(__file__).parent.parent / "docs"


def documents() -> Mapping[str, str]:
    """Return the text of each document by its file name."""
    return {
        "events.schema.json": _schema(event_adapter.json_schema(), "Contact events (CloudEvents 1.0, JSON)"),
        "legs.schema.json": _schema(leg_message_adapter.json_schema(), "Messages between the stages"),
        "metrics.md": _metrics(),
    }


def _schema(schema: Mapping[str, object], title: str) -> str:
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _metrics() -> str:
    lines = [
        "# Metrics",
        "",
        "Generated from `schemas/metrics.py` and `schemas/measures.py`; change those. A metric is a sum of",
        "measures, or a sum over a sum; an empty denominator gives nothing. Figures belong to the day of the",
        "contact's arrival, but for mail within its time, which belongs to the window in which it falls due.",
        "",
        "| name | Swedish label | formula | goal | source |",
        "|---|---|---|---|---|",
    ]
    for metric in METRICS:
        goal = "" if metric.target is None else f"{metric.target:.0%}"
        lines.append(
            f"| `{metric.name}` | {metric.label_sv} | `{metric.formula()}` | {goal} | {metric.source} |"
        )
    lines += ["", "## Measures", "", "| name | counted per | what it counts |", "|---|---|---|"]
    lines += [f"| `{m.name}` | {m.per.value} | {m.description} |" for m in MEASURES]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the documents, or with ``--check`` tell which differ; return the exit status."""
    differing = []
    for name, text in documents().items():
        path = DOCS / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            differing.append(name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    if differing and "--check" in arguments:
        sys.stderr.write(f"docs differ from the code: {', '.join(differing)}; run `make format`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
