"""A dead letter: a record that could not be used, sealed; where it stands at its source, and why."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.errors import ConfigurationError
from schemas.identity import stable_hash

MOST_SEALED_BYTES = 256 * 1024
"""A larger record is not kept: sealed it would not fit into one Kafka message of a megabyte."""

Seal = Callable[[bytes], str]
"""Encrypts what may hold personal data. An empty text says that it is dropped instead."""

Unseal = Callable[[str], bytes]
"""Undoes a Seal. Raises ConfigurationError where the keys at hand are not the ones it was sealed with."""


def drop(content: bytes) -> str:  # noqa: ARG001 - a Seal's signature
    """Keep nothing: the Seal of an installation whose policy, or lack of a key, is to drop."""
    return ""


class LetterKind(StrEnum):
    """What could not be used: a source's record, or a message on a topic."""

    RECORD = "record"
    MESSAGE = "message"


class Original(BaseModel):
    """The bytes that could not be used, and what was known beside them: enough to use them again.

    Of a record: what its reader said (see ``producers.contract.Raw``). Of a message: its partition.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_bytes="base64", val_json_bytes="base64")

    payload: bytes
    nth: int = 0
    sequence: int = 0
    received_at: datetime | None = None
    attributes: Mapping[str, str] = {}
    partition: int | None = None


class _Kept(BaseModel):
    """What is sealed. The letter's id shows that the record was not put into another letter."""

    letter: str
    original: Original


class DeadLetter(BaseModel):
    """A record that could not be used.

    The record may hold personal data, and so it is in ``sealed``, encrypted, or dropped (then that is
    empty). ``place`` says where it stands, ``detail`` is for people; neither holds personal data. ``sha256``
    is the record's hash, keyed where its finder has a key. ``at`` is when it was found (UTC). The id depends
    on the instance, the place and the content only, so that reading again gives the same id. Of a message on
    a topic, ``instance`` is the topic.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    instance: str
    place: str
    reason: str
    detail: str
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]
    at: AwareDatetime
    kind: LetterKind = LetterKind.RECORD
    sealed: str = ""

    def original(self, unseal: Unseal) -> Original:
        """Return what was sealed.

        Raises ConfigurationError where it can't be read with the keys at hand, or belongs to another letter.
        """
        kept = _Kept.model_validate_json(unseal(self.sealed))
        if kept.letter != self.id:
            raise ConfigurationError(f"dead letter {self.id}: holds another one's record; it was changed")
        return kept.original


def dead_letter(
    *,
    instance: str,
    place: str,
    reason: str,
    detail: str,
    original: Original,
    at: datetime,
    kind: LetterKind = LetterKind.RECORD,
    seal: Seal = drop,
    secret: bytes = b"",
) -> DeadLetter:
    """Return the dead letter of a record, which is measured (in bytes), hashed and sealed.

    ``secret`` is the key of the hash. A plain hash of a line with a telephone number in it is as good as
    the number: there are few enough numbers to try them all.
    """
    payload = original.payload
    plain = hashlib.sha256
    digest = (hmac.new(secret, payload, plain) if secret else plain(payload)).hexdigest()
    letter_id = stable_hash(instance, place, digest)
    fits = len(payload) <= MOST_SEALED_BYTES
    kept = _Kept(letter=letter_id, original=original)
    return DeadLetter(
        id=letter_id,
        instance=instance,
        place=place,
        reason=reason,
        detail=detail,
        sha256=digest,
        size=len(payload),
        at=at,
        kind=kind,
        sealed=seal(kept.model_dump_json().encode()) if fits else "",
    )


def what_is_wrong(error: ValidationError) -> str:
    """Return the first error's field and kind, and nothing of the value."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['type']}"
