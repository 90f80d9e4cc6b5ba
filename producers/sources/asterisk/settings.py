"""Settings of an Asterisk exchange: those of any way in, and those of its queue_log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints

from producers.contract import SourceSettings
from schemas.events import Slug

Verb = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{1,39}$")]


class ExchangeSettings(SourceSettings):
    """What an exchange's events mean, however they are read."""

    system: Slug = "pbx1"
    """Name of the exchange; the first part of every leg's id. Never change it for the same exchange."""
    queues: Mapping[str, Slug] = {}
    """Asterisk's name of a queue -> the catalogue's. A queue not listed gets its own name, made a slug."""
    callback_keys: tuple[Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")], ...] = ()
    """Keys with which a caller leaves the queue to be called back, where that is offered."""
    country_code: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,2}$")] = "46"
    """Some trunks give numbers in full but without the plus; those begin with this."""


class AsteriskSettings(ExchangeSettings):
    """Settings of one exchange's queue_log."""

    path: Path = Path("/var/log/asterisk/queue_log")
    """The log. Its rotated siblings (``queue_log.1``, ``queue_log-20260101.gz``) are found by themselves."""
    follow: bool = True
    """Go on as the file grows; false reads a finished file to its end."""
    own_verbs: Mapping[Verb, Literal["callback", "ignore"]] = {}
    """Verbs that the own dialplan writes with QueueLog(), and what they mean."""
