"""The newsource source against the conformance kit."""

from __future__ import annotations

from kommuncenter.conformance import SourceSuite


class TestNewsource(SourceSuite):
    """All of the kit's tests."""

    source = "newsource"
