"""The services' fixtures, for the tests of the services themselves."""

from __future__ import annotations

from tests.services.browser import browser, page
from tests.services.dovecot import dovecot

__all__ = ["browser", "dovecot", "page"]
