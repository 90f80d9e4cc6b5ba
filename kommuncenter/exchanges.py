"""An exchange is read through its log or through its manager interface, never both (CORRECTIONS 15)."""

from __future__ import annotations

from collections.abc import Mapping

from producers.contract import SourceSettings
from producers.sources.asterisk.settings import ExchangeSettings
from schemas.errors import ConfigurationError

WAYS_IN = frozenset({"asterisk", "asterisk_ami"})
"""The sources that read an exchange."""


def check_ways_in(instances: Mapping[str, SourceSettings]) -> None:
    """Raise ConfigurationError where two instances read one exchange in different ways.

    Their events would have different ids, and each call would count twice. The same way in twice is harmless.
    """
    first: dict[str, str] = {}
    for instance, settings in instances.items():
        if not isinstance(settings, ExchangeSettings):
            continue
        other = first.setdefault(settings.system, instance)
        if type(instances[other]) is not type(settings):
            raise ConfigurationError(
                f"sources.{other} and sources.{instance} both read the exchange {settings.system!r}, one its "
                "log and one its manager interface: every call would count twice. Remove one, or, "
                "if they are two exchanges, give one another 'system'"
            )
