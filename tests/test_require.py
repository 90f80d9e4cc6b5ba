"""The KC_REQUIRE rule itself: a missing service is skipped here and fails where it is demanded."""

from __future__ import annotations

import pytest

from tests.require import REQUIRE_VARIABLE, require


def test_an_available_service_lets_the_test_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUIRE_VARIABLE, "kafka")
    require("kafka", True, "unused")


@pytest.mark.parametrize("demanded", ["", "imap", "kafkaesque, imap"])
def test_a_missing_service_skips(monkeypatch: pytest.MonkeyPatch, demanded: str) -> None:
    monkeypatch.setenv(REQUIRE_VARIABLE, demanded)
    with pytest.raises(pytest.skip.Exception, match="kafka is not here: no jars"):
        require("kafka", False, "no jars")


@pytest.mark.parametrize("demanded", ["kafka", "imap, kafka", "kafka,imap"])
def test_a_demanded_service_that_is_missing_fails(monkeypatch: pytest.MonkeyPatch, demanded: str) -> None:
    monkeypatch.setenv(REQUIRE_VARIABLE, demanded)
    with pytest.raises(pytest.fail.Exception, match="demands kafka, which is not here: no jars"):
        require("kafka", False, "no jars")
