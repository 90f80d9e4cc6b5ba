"""Reads queue_log as it grows."""

from __future__ import annotations

from producers.contract import Reader, ReaderContext
from producers.sources.asterisk.lines import second_of
from producers.sources.asterisk.settings import AsteriskSettings
from producers.tail import FollowedFile


def reader(settings: AsteriskSettings, context: ReaderContext) -> Reader:
    """Return a reader of the log; nothing is opened. Identical lines are numbered within their second."""
    return FollowedFile(settings.path, key=second_of, follow=settings.follow, on_gap=context.on_gap)
