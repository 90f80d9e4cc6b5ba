"""The pages made of the registry and the worked cases are current, whole, and computed."""

from __future__ import annotations

import re

import pytest

from kommuncenter.documents import CASES, DOCS, documents, main
from kommuncenter.metrics_page import example, metrics_page
from kommuncenter.worked.cases import load_themes
from kommuncenter.worked.figures import metric_text
from kommuncenter.worked.labels import label
from kommuncenter.worked.pages import OVERVIEW, overview
from schemas.catalogue import load_catalogue
from schemas.measures import MEASURE_NAMES
from schemas.metric import Metric
from schemas.metrics import BY_NAME, METRICS
from streams.core.rules import Rules

RULES = Rules(load_catalogue())
THEMES = load_themes(CASES)
ALL_CASES = [case for theme in THEMES for case in theme.case]


def test_the_committed_documents_are_current() -> None:
    for name, text in documents().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"{name}: run make format"
    assert main(["--check"]) == 0


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_has_an_example_that_says_something(metric: Metric) -> None:
    shown = example(metric, ALL_CASES, RULES)
    assert shown.endswith("**")
    assert not shown.endswith(("**–**", "**0**"))


def test_an_example_follows_the_events_and_not_what_is_expected_of_them() -> None:
    changed = [
        case.model_copy(update={"figures": dict.fromkeys(case.figures, "0 av 0 (0 %)")})
        for case in ALL_CASES
        if "service_level" in case.example_of
    ]
    assert example(BY_NAME["service_level"], changed, RULES).endswith("**80 av 95 (84 %)**")


def test_examples_are_of_metrics_that_exist_and_each_has_one() -> None:
    claimed = [name for case in ALL_CASES for name in case.example_of]
    assert sorted(claimed) == sorted(BY_NAME)


def test_the_page_of_metrics_says_everything_of_each() -> None:
    page = metrics_page(THEMES, RULES)
    sections = page.split("\n## ")[1:]
    assert len(sections) == len(METRICS)
    for metric, section in zip(METRICS, sections, strict=True):
        for part in (metric.label_sv, metric.description_sv, f"`{metric.formula()}`", metric.source):
            assert part in section
        for row in ("counts", "population", "left out", "belongs to", "final", "source", "example"):
            assert f"| {row} | " in section, metric.name
        assert ("| goal | " in section) == (metric.target is not None)
        assert ("preliminary" in section) >= bool(metric.final_after_days)
    assert all(f"| `{name}` |" in page for name in MEASURE_NAMES)


def test_mail_belongs_to_the_window_in_which_it_falls_due() -> None:
    due = [
        name
        for name, section in zip(BY_NAME, metrics_page(THEMES, RULES).split("\n## ")[1:], strict=True)
        if "falls due |" in section
    ]
    assert due == ["mail_in_time", "mail_replied_in_time", "mail_in_24h"]


def test_the_overview_tells_every_case_and_its_figures_in_swedish() -> None:
    page = overview(THEMES, RULES)
    for case in ALL_CASES:
        assert f'<a id="{case.id}"></a>' in page
        assert f"### {case.title}\n\n{case.text}\n" in page
        for figures in (case.figures, *case.within.values(), case.before, *case.before_within.values()):
            for name, value in figures.items():
                assert label(name) in page
                assert f"| {value} |" in page
    assert f"]({OVERVIEW}#" in metrics_page(THEMES, RULES)
    links = [line.split("](#")[1].rstrip(")") for line in page.splitlines() if line.startswith("- [")]
    headings = [
        re.sub(r"[^\w -]", "", line[3:]).lower().replace(" ", "-")
        for line in page.splitlines()
        if line.startswith("## ")
    ]
    assert links == headings


def test_a_plain_sum_is_written_as_a_number() -> None:
    assert metric_text(BY_NAME["handovers"], {"handovers": 3}) == "3"
    assert metric_text(BY_NAME["service_level"], {}) == "–"
