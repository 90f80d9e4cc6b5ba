"""Bytes on the wire: compression both ways, and the two Native blocks that chdb does not write itself."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import lz4.frame  # type: ignore[import-untyped]

from kommuncenter.embedded.clickhouse.errors import (
    INCORRECT_DATA,
    NOT_IMPLEMENTED,
    QUERY_IS_TOO_LARGE,
    refusal,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# Below this many bytes a compressed answer saves nothing on the loopback interface.
_WORTH_COMPRESSING = 1024
# From this protocol revision on a column carries a flag for its serialization.
_CUSTOM_SERIALIZATION = 54454


def _frames(body: bytes, limit: int, new: Callable[[], Any]) -> bytes:
    """All frames of `body`, one after the other: clickhouse-connect sends one for each block."""
    whole = bytearray()
    rest = body
    while rest:
        decompressor = new()
        whole += _frame(decompressor, rest, limit - len(whole))
        if len(whole) > limit:
            raise too_large(limit)
        if not decompressor.eof:
            raise refusal(INCORRECT_DATA, "The compressed body ends in the middle of a frame.")
        rest = decompressor.unused_data or b""
    return bytes(whole)


def _frame(decompressor: Any, data: bytes, room: int) -> bytes:
    # One byte more than there is room for shows a frame that is too large without inflating all of it.
    try:
        return bytes(decompressor.decompress(data, room + 1))
    except (RuntimeError, zstd.ZstdError, zlib.error, EOFError) as error:
        raise refusal(INCORRECT_DATA, "The body is not compressed as its Content-Encoding says.") from error


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "deflate": zlib.decompressobj,
}
_COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": lambda body: zstd.compress(body, 1),
    "gzip": lambda body: zlib.compress(body, 1, wbits=31),
    "deflate": lambda body: zlib.compress(body, 1),
}


def too_large(limit: int) -> Exception:
    """The error for a body over `limit` bytes, compressed or not."""
    return refusal(QUERY_IS_TOO_LARGE, f"The request is larger than {limit} bytes: send it in several parts.")


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as it was before Content-Encoding.

    Raises ClickHouseError when it is damaged or larger than `limit` bytes.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in _DECOMPRESSORS:
        known = ", ".join(_DECOMPRESSORS)
        raise refusal(NOT_IMPLEMENTED, f"Content-Encoding {encoding[:20]} is not known here, only {known}.")
    return _frames(body, limit, _DECOMPRESSORS[encoding])


def compress(body: bytes, accepted: str) -> tuple[bytes, str | None]:
    """The body as one of the codings in an Accept-Encoding header, and that coding; None: as it was."""
    offered = {coding.split(";")[0].strip().lower() for coding in accepted.split(",")}
    if len(body) >= _WORTH_COMPRESSING:
        for coding, packed in _COMPRESSORS.items():
            if coding in offered:
                return packed(body), coding
    return body, None


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _varint(len(encoded)) + encoded


def empty_block(columns: Iterable[tuple[str, str]]) -> bytes:
    """A Native block of no rows: how many columns, no rows, and each column's name and type."""
    described = [_text(name) + _text(type_) for name, type_ in columns]
    return _varint(len(described)) + b"\x00" + b"".join(described)


def handshake_block(version: str, zone: str, revision: int) -> bytes:
    """The answer to clickhouse-go's first query, as the block of the protocol revision that it asked with.

    It says revision 0, so that what follows is decoded as plain Native, which is all that chdb writes.
    """
    info = b"\x01\x00\x02\xff\xff\xff\xff\x00"
    flag = b"\x00" if revision >= _CUSTOM_SERIALIZATION else b""
    columns = (
        ("displayName()", "String", _text("kommuncenter")),
        ("version()", "String", _text(version)),
        ("revision()", "UInt32", b"\x00\x00\x00\x00"),
        ("timezone()", "String", _text(zone)),
    )
    body = b"".join(_text(name) + _text(type_) + flag + value for name, type_, value in columns)
    return info + _varint(len(columns)) + b"\x01" + body
