"""Every source that there is, and what `source new` makes, against the whole conformance kit."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from kommuncenter.conformance import SourceSuite, all_checks
from kommuncenter.sources.new import CHANNELS, TEMPLATE
from producers import registry
from producers.conformance import cases_in
from producers.conformance.mutants import mutants_of
from schemas.events import Channel


def _suite(name: str) -> type[SourceSuite]:
    return type(f"Test_{name}", (SourceSuite,), {"source": name, "__module__": __name__})


globals().update({f"Test_{name}": _suite(name) for name in registry.names()})


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_template_passes_the_kit_with_every_fault_noticed(channel: Channel) -> None:
    source = importlib.import_module(f"producers.template.{channel}.source").SOURCE
    folder = Path(TEMPLATE) / channel
    assert len(mutants_of(source, folder, cases_in(source, folder))) > 25
    checked = list(all_checks(source, folder, mutants=1000))
    assert len(checked) == 7
    assert [problem for _, problems in checked for problem in problems] == []
