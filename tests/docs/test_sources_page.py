"""The page of sources names every source, every check, and headings and files as they are."""

from __future__ import annotations

import re

import pytest

from kommuncenter.conformance import all_checks
from producers import registry
from producers.conformance.checks import HEADINGS
from producers.conformance.mutants import SAMPLE, UNNOTICED
from tests.docs.commands import DOCS

PAGE = (DOCS / "sources.md").read_text("utf-8")


def test_every_source_is_in_the_list_with_its_channel_and_kind() -> None:
    rows = dict(re.findall(r"^\| \[(\w+)\]\(\S+?\) \|(.*)\|$", PAGE, re.MULTILINE))
    assert sorted(rows) == sorted(registry.names())
    for name, row in rows.items():
        assert row.split("|")[-1].strip() == ("mapping" if registry.mapping(name) else "Python"), name
        channel = registry.load(name).channel.value.replace("email", "e-mail")
        assert row.split("|")[-2].strip() in {channel, "any" if channel == "unknown" else "", "none"}, name


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", PAGE))))
def test_links_lead_somewhere(link: str) -> None:
    assert (DOCS / link).exists()


def test_the_checks_are_those_of_the_kit() -> None:
    table = PAGE.split("| check |")[1].split("\n\n")[0]
    desk = registry.load("desk"), registry.folder("desk")
    names = [name for name, _ in all_checks(*desk, examples=1, mutants=0)]
    assert re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) == names


def test_headings_and_files_are_those_of_the_kit() -> None:
    *first, last = HEADINGS
    assert f"READMEs have the headings {', '.join(f'*{h}*' for h in first)} and *{last}*." in " ".join(
        PAGE.split()
    )
    assert f"`cases/{UNNOTICED}`" in PAGE
    assert f"{SAMPLE} mutants are tried" in PAGE
