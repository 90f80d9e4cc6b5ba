"""Errors, grouped by what the caller can do about them."""

from __future__ import annotations


class KommuncenterError(Exception):
    """Base of every error that this project raises on purpose.

    The message says what is wrong, where, and what to do; it never holds personal data.
    """


class ConfigurationError(KommuncenterError):
    """A setting, the catalogue or the installation is wrong; a person has to change it."""


class FatalError(KommuncenterError):
    """The process can't go on and must end; restarting it may help."""


class RetriableError(KommuncenterError):
    """A service is away for now; the same call may succeed later."""


class RejectedError(KommuncenterError):
    """One record can't be used; it goes to the dead letters and the rest goes on."""
