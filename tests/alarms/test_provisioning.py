"""The provisioned files: what Grafana demands of them, and that nothing in a text is lost on the way."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dashboards.grafana import generate
from dashboards.grafana.alarm import Alarm, Audience
from dashboards.grafana.alarms import alarms
from dashboards.grafana.alerting import ADDRESSES
from dashboards.grafana.as_yaml import to_yaml
from schemas.catalogue import load_catalogue
from tests.alarms.grafana import at_instant
from tests.deployment.compose import read_compose

ALARMS = alarms(load_catalogue())
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FILES = generate.generate_alerting()
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1)
BLOCKS = st.lists(TEXTS.map(lambda t: f"x{t}".rstrip()), min_size=2, max_size=4).map("\n".join)
SCALARS = st.one_of(TEXTS, BLOCKS, st.booleans(), st.integers(-9, 9999), st.sampled_from([0.5, 1.25]))
KEYS = st.from_regex(r"[a-z][a-zA-Z_]{0,8}", fullmatch=True).filter(
    lambda key: key not in {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.dictionaries(KEYS, inner, min_size=1, max_size=3),
        st.lists(st.dictionaries(KEYS, inner, min_size=1, max_size=2), min_size=1, max_size=3),
    ),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, TREES, min_size=1, max_size=3))
def test_what_is_written_is_what_a_reader_of_yaml_gets(value: dict[str, Any]) -> None:
    assert yaml.safe_load(to_yaml(value)) == value


def test_the_committed_files_are_current() -> None:
    assert generate.check_alerting(generate.COMMITTED_ALERTING) == []


def test_uids_and_titles_are_unique_and_short_enough() -> None:
    for texts in ([alarm.uid for alarm in ALARMS], [alarm.title for alarm in ALARMS]):
        assert len(set(texts)) == len(texts)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", alarm.uid) for alarm in ALARMS)


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: str(alarm.uid))
def test_an_alarm_says_what_why_and_what_to_do(alarm: Alarm) -> None:
    assert alarm.summary.endswith(".")
    assert len(alarm.steps) >= 2
    assert at_instant(alarm.query.sql, NOON)
    assert not alarm.query.parameters
    # Grafana expands ${…} in annotations, and $NAME in labels.
    assert "${" not in alarm.summary + alarm.why + "".join(alarm.steps)


def test_every_alarm_has_a_way_to_somebody() -> None:
    points = yaml.safe_load(FILES["contact-points.yaml"])["contactPoints"]
    [policy] = yaml.safe_load(FILES["policies.yaml"])["policies"]
    names = {point["name"] for point in points}
    assert names == {audience.value for audience in Audience}
    assert {policy["receiver"], *(route["receiver"] for route in policy["routes"])} == names
    variables = {point["receivers"][0]["settings"]["addresses"].removeprefix("$") for point in points}
    assert variables == set(ADDRESSES.values())
    assert variables <= set(read_compose().services["grafana"].environment)
    defined = set(re.findall(r'define "([^"]+)"', FILES["templates.yaml"]))
    used = set(re.findall(r'template \\"([^"\\]+)\\"', FILES["contact-points.yaml"]))
    assert used == defined


def test_a_clock_that_can_not_be_set_is_refused() -> None:
    for sql in ("SELECT now()", "SELECT today()", "SELECT 1 WHERE $__timeFilter(at)"):
        with pytest.raises(ValueError, match="can't be set"):
            at_instant(sql, NOON)
