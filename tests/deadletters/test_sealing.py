"""Sealed records: only the right key opens them, only in their own letter, and the policy is obeyed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from kommuncenter.sealing import sealer, unsealer
from kommuncenter.settings import DeadLetterSettings
from schemas.deadletter import MOST_SEALED_BYTES, DeadLetter, Original, Seal, dead_letter, drop
from schemas.errors import ConfigurationError

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
SECRET = "an invented secret of the tests"

secrets_ = st.text(st.characters(codec="utf-8"), min_size=16, max_size=64)
originals = st.builds(
    Original,
    payload=st.binary(max_size=300),
    nth=st.integers(0, 5),
    sequence=st.integers(0, 10**6),
    received_at=st.none() | st.datetimes(timezones=st.none() | st.just(UTC)),
    attributes=st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))),
    partition=st.none() | st.integers(0, 1023),
)


def keyed(key: str | None, previous: str | None = None, **more: object) -> DeadLetterSettings:
    return DeadLetterSettings.model_validate({"key": key, "previous_key": previous, **more})


def letter_of(original: Original, seal: Seal, place: str = "queue_log line 17") -> DeadLetter:
    return dead_letter(
        instance="telephony",
        place=place,
        reason="bad_time",
        detail="the epoch is not a number",
        original=original,
        at=AT,
        seal=seal,
    )


@given(originals, secrets_)
def test_what_is_sealed_comes_back_as_it_was(original: Original, key: str) -> None:
    letter = letter_of(original, sealer(keyed(key)))
    over_kafka = DeadLetter.model_validate_json(letter.model_dump_json())
    assert over_kafka == letter
    assert over_kafka.original(unsealer(keyed(key))) == original


@given(st.binary(min_size=8, max_size=300), secrets_)
def test_nothing_of_a_record_stands_in_its_letter(payload: bytes, key: str) -> None:
    letter = letter_of(
        Original(payload=payload, attributes={"mailbox": "kim@example.org"}), sealer(keyed(key))
    )
    written = letter.model_dump_json().encode()
    for said in (written, base64.urlsafe_b64decode(letter.sealed)):
        assert payload not in said
        assert base64.b64encode(payload).rstrip(b"=") not in said
        assert b"kim@" not in said


@given(originals, secrets_, secrets_, secrets_)
def test_after_a_change_of_keys_the_former_still_opens_and_a_third_one_never(
    original: Original, old: str, new: str, third: str
) -> None:
    assume(len({old, new, third}) == 3)
    before, after = letter_of(original, sealer(keyed(old))), letter_of(original, sealer(keyed(new, old)))
    for letter in (before, after):
        assert letter.original(unsealer(keyed(new, old))) == original
    with pytest.raises(ConfigurationError, match="another key"):
        after.original(unsealer(keyed(old)))
    for settings in (keyed(third), keyed(third, new)):
        with pytest.raises(ConfigurationError, match="another key"):
            before.original(unsealer(settings))


@given(originals, st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_byte_is_noticed(original: Original, where: int, by: int) -> None:
    letter = letter_of(original, sealer(keyed(SECRET)))
    content = bytearray(base64.urlsafe_b64decode(letter.sealed))
    content[where % len(content)] ^= by
    changed = letter.model_copy(update={"sealed": base64.urlsafe_b64encode(content).decode()})
    with pytest.raises(ConfigurationError, match="was changed"):
        changed.original(unsealer(keyed(SECRET)))


def test_a_record_in_another_letter_is_noticed() -> None:
    seal = sealer(keyed(SECRET))
    mine, other = (letter_of(Original(payload=b"a line"), seal, f"line {n}") for n in (1, 2))
    swapped = mine.model_copy(update={"sealed": other.sealed})
    with pytest.raises(ConfigurationError, match=f"{mine.id}: holds another one's record"):
        swapped.original(unsealer(keyed(SECRET)))


@pytest.mark.parametrize(
    ("payload", "key", "kept"),
    [
        (None, None, False),
        (None, "", False),
        (None, SECRET, True),
        ("encrypt", SECRET, True),
        ("drop", SECRET, False),
        ("drop", None, False),
    ],
)
def test_the_policy_is_obeyed_and_without_one_a_key_is_the_choice(
    payload: Literal["encrypt", "drop"] | None, key: str | None, kept: bool
) -> None:
    seal = sealer(keyed(key, payload=payload))
    assert (seal is not drop) == kept
    assert bool(letter_of(Original(payload=b"a line"), seal).sealed) == kept


@pytest.mark.parametrize("key", [None, ""])
def test_encrypting_without_a_key_is_refused(key: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"KC_DEAD_LETTERS__KEY\): not set"):
        sealer(keyed(key, payload="encrypt"))


@pytest.mark.parametrize("name", ["key", "previous_key"])
def test_a_short_key_is_refused_and_not_told(name: str) -> None:
    settings = DeadLetterSettings.model_validate({name: "invented-fifteen"[:15]})
    with pytest.raises(ConfigurationError, match=rf"dead_letters\.{name}: has 15 characters") as raised:
        unsealer(settings)
    assert "invented" not in str(raised.value)
    assert "invented" not in repr(settings)


def test_without_a_key_nothing_is_opened() -> None:
    letter = letter_of(Original(payload=b"a line"), sealer(keyed(SECRET)))
    with pytest.raises(ConfigurationError, match="needed to read what was kept"):
        letter.original(unsealer(DeadLetterSettings()))


def test_a_record_that_no_message_could_hold_is_dropped_and_told() -> None:
    seal = sealer(keyed(SECRET))
    fits = letter_of(Original(payload=bytes(MOST_SEALED_BYTES)), seal)
    assert 0 < len(fits.model_dump_json()) < 1_000_000  # Kafka's default for the largest message
    too_large = letter_of(Original(payload=bytes(MOST_SEALED_BYTES + 1)), seal)
    assert (too_large.sealed, too_large.size) == ("", MOST_SEALED_BYTES + 1)


def test_the_hash_of_a_record_is_keyed_and_the_id_follows_from_it() -> None:
    line = Original(payload=b"1795507260|1795507260.1|kommuncenter|NONE|ENTERQUEUE||0701740605|1")

    def made(secret: bytes) -> DeadLetter:
        return dead_letter(
            instance="telephony",
            place="line 1",
            reason="bad_time",
            detail="",
            original=line,
            at=AT,
            secret=secret,
        )

    assert made(b"one") == made(b"one")
    hashes = {made(secret).sha256 for secret in (b"", b"one", b"two")}
    assert len(hashes) == len({made(secret).id for secret in (b"", b"one", b"two")}) == 3


def test_a_letter_of_an_older_version_is_read() -> None:
    old = letter_of(Original(payload=b"a line"), drop).model_dump_json(exclude={"kind", "sealed"})
    letter = DeadLetter.model_validate_json(old)
    assert (letter.kind, letter.sealed) == ("record", "")


def test_secrets_stay_secret() -> None:
    assert SECRET not in repr(keyed(SECRET, SECRET)) + str(keyed(SECRET).key)
    assert isinstance(keyed(SECRET).key, SecretStr)
