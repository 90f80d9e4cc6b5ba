"""Follows a CSV file that grows: its first line names the columns of all others."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from producers.contract import Batch, Lag, Place, Raw
from producers.mapped.model import Input
from producers.mapped.records import row_object
from producers.tail import FollowedFile
from schemas.errors import ConfigurationError, RetriableError

_HEADING = " line 1"


class FollowedCsv:
    """Reads rows as JSON objects. A row is one line here: a field may hold no line break.

    Files that the log was rotated into have to have the same columns in the same order.
    """

    def __init__(self, path: Path, given: Input, on_gap: Callable[[str], None] | None = None) -> None:
        """Take the file and how it is written; nothing is opened. Raises ConfigurationError for UTF-16."""
        if given.encoding == "utf-16":
            raise ConfigurationError(f"{path}: UTF-16 can't be followed by line; put whole files in a folder")
        self._path = path
        self._input = given
        self._file = FollowedFile(path, on_gap=on_gap)

    async def batches(self, start: Place | None) -> AsyncIterator[Batch]:
        """Yield batches from ``start``. Raises RetriableError where the file can't be read for now."""
        names = self._names() if start is not None else []
        async for batch in self._file.batches(start):
            rows: list[Raw] = []
            for record in batch.records:
                fields = self._fields(record.payload)
                if record.place.endswith(_HEADING):
                    names = [name.strip().lstrip("\ufeff") for name in fields]
                else:
                    rows.append(replace(record, payload=row_object(names, fields)))
            yield replace(batch, records=tuple(rows))

    def lag(self) -> Lag | None:
        """Return how many bytes of the file are still to be read."""
        return self._file.lag()

    def _fields(self, line: bytes) -> Sequence[str]:
        text = line.decode(self._input.encoding, errors="replace")
        try:
            return next(csv.reader([text], delimiter=self._input.delimiter), [])
        except csv.Error:
            return []

    def _names(self) -> Sequence[str]:
        try:
            with self._path.open("rb") as file:
                return [name.strip().lstrip("\ufeff") for name in self._fields(file.readline().rstrip())]
        except OSError as error:
            raise RetriableError(f"{self._path}: can't be read ({error.strerror})") from error
