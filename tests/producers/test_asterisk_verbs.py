"""Every verb of queue_log: the README's table, the code and the list of verbs say the same."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from producers import registry
from producers.contract import Broadcast, Raw, Reason, Rejected
from producers.sources.asterisk.source import VERBS, normalise
from tests.producers.test_asterisk import CONTEXT, SETTINGS
from tests.require import require
from tests.services.asterisk import VARIABLE, asterisk_binary, queue_module

LISTED = tomllib.loads((Path(__file__).with_name("asterisk_verbs.toml")).read_text("utf-8"))
_ROW = re.compile(r"\| ([A-Z]+) \| (.+) \| ([a-z_, ]+) \| .*\|")
_EXAMPLES = {"url": "", "number": "0701740605", "key": "5", "extension": "3301", "name": "Kim|Exempel"}
"""Of what is no number."""
_NUMBERS = {
    "holdtime",
    "calltime",
    "waittime",
    "ringtime",
    "logintime",
    "position",
    "origposition",
    "seconds",
}
_NAMES = {"bridge", "app", "channel", "context", "info", "reason", "paused", "did", "text", "code", "status"}
_NAMES |= {"penalty", "ringinuse", "exten@context", "talktime", "params", "BRIDGE", "APP", "LINK"}


def table() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield verb, layout of its data and the events of every row, one a layout."""
    readme = (registry.folder("asterisk") / "README.md").read_text("utf-8")
    for row in _ROW.finditer(readme.replace(r"\|", "¦")):
        events = () if row[3] == "none" else tuple(row[3].split(", "))
        for layout in row[2].split("<br>"):
            yield row[1], layout.strip("`–").replace("¦", "|"), events


def example(field: str) -> str:
    """Return a value for a field of a layout."""
    if field in _NUMBERS:
        return "12"
    assert field in _EXAMPLES or field in _NAMES, f"what is {field!r}?"
    return _EXAMPLES.get(field, field)


def test_the_table_the_code_and_the_list_know_the_same_verbs() -> None:
    listed = {verb for verbs in LISTED.values() for verb in verbs}
    assert {verb for verb, _, _ in table()} == listed == VERBS


@pytest.mark.parametrize(("verb", "layout", "events"), list(table()))
@pytest.mark.parametrize("agent", ["Agent/1001", "Kim | Exempel"])
@pytest.mark.parametrize("fraction", ["", ".25"])
def test_every_layout_gives_what_the_table_says(
    verb: str, layout: str, events: tuple[str, ...], agent: str, fraction: str
) -> None:
    data = "|".join(map(example, layout.split("|"))) if layout else ""
    line = f"1795510800{fraction}|1795510799.1|kommuncenter|{agent}|{verb}|{data}"
    result = normalise(Raw(line.encode(), "queue_log line 1"), SETTINGS, CONTEXT)
    assert not isinstance(result, Rejected), result
    found = [item.event if isinstance(item, Broadcast) else item for item in result]
    assert tuple(event.type.rpartition(".")[2] for event in found) == events
    assert len({event.id for event in found}) == len(found)


@pytest.mark.parametrize("callid", ["NONE", "MANAGER", "REALTIME", "CLI", ""])
@pytest.mark.parametrize("verb", sorted(VERBS - {"QUEUESTART"}))
def test_what_is_about_no_call_gives_nothing(verb: str, callid: str) -> None:
    line = f"1795510800|{callid}|kommuncenter|Agent/1001|{verb}|".encode()
    assert normalise(Raw(line, "queue_log line 1"), SETTINGS, CONTEXT) == ()


def test_an_unknown_verb_is_rejected_and_not_passed_over() -> None:
    line = b"1795510800|1795510799.1|kommuncenter|Agent/1001|TELEPORTED|12"
    result = normalise(Raw(line, "queue_log line 1"), SETTINGS, CONTEXT)
    assert isinstance(result, Rejected)
    assert result.reason is Reason.UNKNOWN_KIND


@pytest.mark.integration
def test_a_real_exchange_can_write_the_verbs_that_are_said_to_be_its_own() -> None:
    binary = asterisk_binary()
    require("asterisk", binary is not None, f"no asterisk; .ci/fetch-asterisk DIR and {VARIABLE}=DIR")
    assert binary is not None
    module, program = queue_module(binary).read_bytes(), binary.parent
    for verb in set(LISTED["written"]) - {"CONFIGRELOAD", "QUEUESTART", "WITHDRAW"}:
        assert verb.encode() in module, f"{verb} is in no line that {program} writes"
