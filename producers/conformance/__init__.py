"""The conformance kit: what every source must hold to, checked over its golden cases.

A case is a folder ``cases/<case>/`` beside the source's ``source.py``:

- ``input.<anything>``: one record a line, or as the source's own ``records`` cuts it; or ``input/``: one
  record a file, in the order of their names;
- ``expected.jsonl``: the events, one a line; ``rejected.jsonl``: ``{"place", "reason", "detail"}``;
- ``figures.toml``: what the case's events come to as figures (see ``kommuncenter.conformance``);
- ``personal.toml``: ``texts = […]``, names and free text in the input that must have no effect whatever.
  Numbers of the ranges reserved for fiction, and mail addresses, are found without being named;
- ``settings.toml``, ``catalogue.toml``: where the defaults (the sample, for what has none) and the shipped
  catalogue won't do;
- ``records.toml``: what the reader would say beside the payload, by record (``"line 3"`` or the file's name;
  ``"*"`` for all): ``received_at`` (a time with a zone) and ``[….attributes]``.

``python -m producers.conformance NAME`` writes the expected files anew, for a person to read and commit.
All checks return what is wrong, in words; an empty list says that nothing is. Run them all by
``kommuncenter source test NAME``, or in pytest by ``kommuncenter.conformance.SourceSuite``.
"""

from __future__ import annotations

from producers.conformance.cases import CASES, KEY, PARTITIONS, Case, Outcome, cases_in, cases_of
from producers.conformance.checks import check_case, check_events, check_folder, check_source
from producers.conformance.json_input import check_json
from producers.conformance.personal import check_leaks, check_planted

__all__ = [
    "CASES",
    "KEY",
    "PARTITIONS",
    "Case",
    "Outcome",
    "cases_in",
    "cases_of",
    "check_case",
    "check_events",
    "check_folder",
    "check_json",
    "check_leaks",
    "check_planted",
    "check_source",
]
