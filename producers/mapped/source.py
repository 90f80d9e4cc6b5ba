"""Makes a ``Source`` of a mapping."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from producers.contract import Context, Normalised, Raw, Reader, ReaderContext, Source
from producers.mapped.load import load_mapping
from producers.mapped.model import InputKind, Mapped
from producers.mapped.normalise import Instance, normalise
from producers.mapped.records import cut
from producers.mapped.settings import (
    FileSettings,
    KafkaSettings,
    MappedSettings,
    WebhookSettings,
    settings_of,
)
from schemas.errors import ConfigurationError

FILE = "source.toml"


def load_source(folder: Path) -> Source[MappedSettings]:
    """Return the source whose mapping stands in ``folder``. Raises ConfigurationError."""
    return source_of(load_mapping(folder / FILE))


def source_of(mapped: Mapped) -> Source[MappedSettings]:
    """Return the source of a mapping. Its reader opens nothing before it is read from."""

    def normalise_mapped(raw: Raw, settings: MappedSettings, context: Context) -> Normalised:
        return normalise(
            raw, mapped, Instance(settings.system or mapped.name, settings.values or {}), context
        )

    def read(settings: MappedSettings, context: ReaderContext) -> Reader:
        return _reader(mapped, settings, context)

    def records(content: bytes, settings: MappedSettings) -> Iterator[Raw]:  # noqa: ARG001 - the contract's
        for number, (place, payload) in enumerate(cut(content, mapped.input)):
            yield Raw(payload, place, sequence=number)

    return Source(mapped.name, mapped.channel, settings_of(mapped), normalise_mapped, read, records)


def _reader(mapped: Mapped, settings: MappedSettings, context: ReaderContext) -> Reader:
    if isinstance(settings, WebhookSettings):
        from producers.webhook.reader import SpoolReader
        from producers.webhook.spool import Spool

        return SpoolReader(Spool(settings.spool / context.instance, settings.max_spool), mapped.input)
    if isinstance(settings, KafkaSettings):
        from producers.mapped.topic import TopicReader

        return TopicReader(settings, on_gap=context.on_gap)
    if not isinstance(settings, FileSettings):
        raise ConfigurationError(f"source {mapped.name!r}: has settings of another kind of input")
    if settings.path.is_dir():
        from producers.mapped.folder import FolderReader

        return FolderReader(settings.path, partial(cut, given=mapped.input), settings.settle)
    if mapped.input.kind is InputKind.CSV:
        from producers.mapped.csv_tail import FollowedCsv

        return FollowedCsv(settings.path, mapped.input, on_gap=context.on_gap)
    from producers.tail import FollowedFile

    return FollowedFile(settings.path, on_gap=context.on_gap)
