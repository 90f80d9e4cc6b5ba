"""The rule for services that a test needs: absent means skipped, or failed where KC_REQUIRE names them."""

from __future__ import annotations

import os

import pytest

REQUIRE_VARIABLE = "KC_REQUIRE"


def require(service: str, available: bool, reason: str) -> None:
    """Go on when the service is available; else skip the test, or fail it when KC_REQUIRE names the service.

    KC_REQUIRE is a comma-separated list of names such as kafka, browser and asterisk; CI names them all.
    """
    if available:
        return
    required = {name.strip() for name in os.environ.get(REQUIRE_VARIABLE, "").split(",")}
    if service in required:
        pytest.fail(f"{REQUIRE_VARIABLE} demands {service}, which is not here: {reason}", pytrace=False)
    pytest.skip(f"{service} is not here: {reason}")
