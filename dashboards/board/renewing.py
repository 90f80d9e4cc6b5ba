"""Readings that may be some seconds old: renewed in the background, so that no picture waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from schemas.errors import RetriableError

T = TypeVar("T")
TOO_OLD = 5
"""A reading that is so many times as old as it may be is waited for, so that its error is seen."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Known(Generic[T]):
    key: object
    read_at: float
    value: T


class Renewed(Generic[T]):
    """The last value of a reading. Not for several threads at once; the reading itself runs in ``pool``."""

    def __init__(self, pool: ThreadPoolExecutor, seconds: Callable[[T], float]) -> None:
        """Take where readings run, and for how long a value is fresh."""
        self._pool = pool
        self._seconds = seconds
        self._known: _Known[T] | None = None
        self._coming: Future[_Known[T]] | None = None

    def get(self, key: object, read: Callable[[], T]) -> T:
        """Return a value that was read for ``key``; what is not fresh is read anew, for the next time.

        Raises what the reading does where there is nothing to return instead.
        """
        self._take()
        if self._known is None or self._known.key != key or self._age() > TOO_OLD:
            self._known = _Known(key, time.monotonic(), read())
        elif self._age() > 1 and self._coming is None:
            self._coming = self._pool.submit(lambda: _Known(key, time.monotonic(), read()))
        return self._known.value

    def _age(self) -> float:
        """Return the age of the value, where 1 is the end of its freshness."""
        assert self._known is not None
        return (time.monotonic() - self._known.read_at) / self._seconds(self._known.value)

    def _take(self) -> None:
        if self._coming is None or not self._coming.done():
            return
        coming, self._coming = self._coming, None
        error = coming.exception()
        if error is None:
            self._known = coming.result()
        elif not isinstance(error, RetriableError):
            _log.error("renewal_failed", reason=repr(error))
