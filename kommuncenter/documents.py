"""Documents that are generated: schemas, the API's description, pages of metrics, alarms and cases.

``python -m kommuncenter.documents`` writes them, ``--check`` fails if the committed ones differ.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from dashboards.board.api.openapi import openapi_json
from dashboards.grafana.alarms import alarms
from dashboards.report.render.json import ReportJson
from kommuncenter.alarms_page import alarms_page
from kommuncenter.metrics_page import metrics_page
from kommuncenter.worked.cases import load_themes
from kommuncenter.worked.pages import OVERVIEW, overview
from schemas.catalogue import load_catalogue
from schemas.events import event_adapter
from schemas.legs import leg_message_adapter
from streams.core.rules import Rules

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
CASES = ROOT / "tests" / "worked" / "cases"


def documents() -> Mapping[str, str]:
    """Return the text of each document by its file name. Needs a checkout: no wheel holds the cases."""
    themes, rules = load_themes(CASES), Rules(load_catalogue())
    return {
        "alarms.md": alarms_page(alarms(load_catalogue())),
        "events.schema.json": _schema(event_adapter.json_schema(), "Contact events (CloudEvents 1.0, JSON)"),
        "legs.schema.json": _schema(leg_message_adapter.json_schema(), "Messages between the stages"),
        "openapi.json": openapi_json(),
        "report.schema.json": _schema(ReportJson.model_json_schema(), "A report (kommuncenter report)"),
        "metrics.md": metrics_page(themes, rules),
        OVERVIEW: overview(themes, rules),
    }


def _schema(schema: Mapping[str, object], title: str) -> str:
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


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
