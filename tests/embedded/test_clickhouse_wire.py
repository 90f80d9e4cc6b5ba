"""Compression both ways, and the Native blocks that the endpoint writes itself."""

from __future__ import annotations

import gzip
import zlib

import pytest
from clickhouse_connect.driver.compression import get_compressor
from hypothesis import given
from hypothesis import strategies as st

from kommuncenter.embedded.clickhouse import wire
from kommuncenter.embedded.clickhouse.errors import ClickHouseError

LIMIT = 1_000_000
CODINGS = ["lz4", "zstd", "gzip", "deflate"]


def as_clickhouse_connect_sends(blocks: list[bytes], coding: str) -> bytes:
    """The body of an insert, made by the client's own compressor."""
    compressor = get_compressor(coding)
    body = b"".join(bytes(compressor.compress_block(block)) for block in blocks)
    return body + bytes(compressor.flush() or b"")  # type: ignore[no-untyped-call]


@given(st.lists(st.binary(min_size=1), min_size=1), st.sampled_from(["lz4", "zstd", "gzip"]))
def test_an_insert_is_unpacked_as_the_client_packed_it(blocks: list[bytes], coding: str) -> None:
    packed = as_clickhouse_connect_sends(blocks, coding)
    assert wire.decompress(packed, coding, LIMIT) == b"".join(blocks)


@given(st.binary(max_size=5000), st.sampled_from(CODINGS))
def test_an_answer_comes_back(body: bytes, coding: str) -> None:
    packed, used = wire.compress(body, f"br, {coding};q=0.9")
    assert used == (coding if len(body) >= 1024 else None)
    assert wire.decompress(packed, used or "", LIMIT) == body


def test_nothing_is_packed_that_was_not_asked_for() -> None:
    assert wire.compress(b"x" * 5000, "br, identity") == (b"x" * 5000, None)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_that_unpacks_beyond_the_limit_is_refused(coding: str) -> None:
    packed, _ = wire.compress(bytes(LIMIT + 1), coding)
    with pytest.raises(ClickHouseError) as caught:
        wire.decompress(packed, coding, LIMIT)
    assert (caught.value.code, caught.value.status) == (307, 413)
    assert wire.decompress(wire.compress(bytes(LIMIT), coding)[0], coding, LIMIT) == bytes(LIMIT)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("damage", [lambda packed: b"no" + packed, lambda packed: packed[: len(packed) // 2]])
def test_a_damaged_body_is_incorrect_data(coding: str, damage: object) -> None:
    packed, _ = wire.compress(bytes(range(256)) * 8, coding)
    assert callable(damage)
    with pytest.raises(ClickHouseError) as caught:
        wire.decompress(damage(packed), coding, LIMIT)
    assert (caught.value.code, caught.value.status) == (117, 400)


def test_an_unknown_coding_is_named() -> None:
    with pytest.raises(ClickHouseError, match="br is not known here, only lz4") as caught:
        wire.decompress(b"x", "br", LIMIT)
    assert caught.value.status == 501


def test_the_standard_library_reads_what_is_sent() -> None:
    body = b"x" * 5000
    assert gzip.decompress(wire.compress(body, "gzip")[0]) == body
    assert zlib.decompress(wire.compress(body, "deflate")[0]) == body


def test_an_empty_block_has_names_and_types() -> None:
    long = "å" * 100
    expected = b"\x02\x00" + b"\x01a\x05UInt8" + b"\xc8\x01" + long.encode() + b"\x06String"
    assert wire.empty_block([("a", "UInt8"), (long, "String")]) == expected


def test_the_handshake_is_the_block_that_clickhouse_go_decodes() -> None:
    """Golden bytes after lib/proto/block.go: block info, counts; name, type, flag and value per column."""
    info = bytes.fromhex("01 00 02 ffffffff 00")
    plain = (
        b"\x04\x01"
        b"\x0ddisplayName()\x06String{}\x0ckommuncenter"
        b"\x09version()\x06String{}\x0826.9.2.1"
        b"\x0arevision()\x06UInt32{}\x00\x00\x00\x00"
        b"\x0atimezone()\x06String{}\x03UTC"
    )
    assert wire.handshake_block("26.9.2.1", "UTC", 54460) == info + plain.replace(b"{}", b"\x00")
    assert wire.handshake_block("26.9.2.1", "UTC", 54453) == info + plain.replace(b"{}", b"")
