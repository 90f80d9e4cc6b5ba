"""The Asterisk exchange live: what its manager interface tells, in the form of its queue_log."""

from __future__ import annotations

from typing import Final

from producers.contract import Context, Normalised, Raw, Source
from producers.sources.asterisk.source import normalise_line
from producers.sources.asterisk_ami.reader import reader
from producers.sources.asterisk_ami.settings import AmiSettings
from producers.sources.asterisk_ami.translator import LOST
from schemas.events import Channel

_OWN_VERBS: Final = {LOST: "ignore"}


def normalise(raw: Raw, settings: AmiSettings, context: Context) -> Normalised:
    """Return the events of one line of the spool. Total."""
    return normalise_line(raw, settings, _OWN_VERBS, context)


SOURCE = Source(
    name="asterisk_ami",
    channel=Channel.TELEPHONE,
    settings=AmiSettings,
    normalise=normalise,
    reader=reader,
)
