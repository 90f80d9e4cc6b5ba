"""One exchange, one way in: its log or its manager interface."""

from __future__ import annotations

import pytest

from kommuncenter.exchanges import check_ways_in
from kommuncenter.settings import Settings
from kommuncenter.wiring import source_runner
from producers.sources.asterisk.settings import AsteriskSettings
from producers.sources.asterisk_ami.settings import AmiSettings
from schemas.errors import ConfigurationError


def test_log_and_manager_interface_of_one_exchange_are_refused() -> None:
    both = {"telephony": AsteriskSettings(), "live": AmiSettings()}
    with pytest.raises(ConfigurationError, match=r"sources\.telephony and sources\.live both read"):
        check_ways_in(both)


def test_two_exchanges_and_one_way_twice_are_allowed() -> None:
    check_ways_in({"a": AsteriskSettings(), "b": AmiSettings(system="pbx2")})
    check_ways_in({"a": AsteriskSettings(), "b": AsteriskSettings(), "c": AmiSettings(system="pbx2")})


@pytest.mark.parametrize("started", ["telephony", "live"])
def test_neither_of_the_two_starts(started: str) -> None:
    settings = Settings(
        sources={"telephony": {"type": "asterisk"}, "live": {"type": "asterisk_ami"}, "mail": {"type": "?"}}
    )
    with pytest.raises(ConfigurationError, match="every call would count twice"):
        source_runner(settings, started)
