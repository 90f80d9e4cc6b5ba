"""Deterministic ids, pseudonyms and partitions: the same input gives the same names, always."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass, field

from schemas.errors import ConfigurationError
from schemas.events import Party

_SEPARATOR = b"\x1f"
_KEY_ID = re.compile(r"^[a-z0-9]{1,16}$")


def stable_hash(*parts: str) -> str:
    """Return 32 hex digits that depend on the parts and their borders only."""
    joined = _SEPARATOR.join(part.encode("utf-8", "surrogatepass") for part in parts)
    return hashlib.sha256(joined).hexdigest()[:32]


def message_ref(message_id: str) -> str:
    """Return the hash that stands for an RFC 5322 Message-ID in events."""
    return stable_hash("message-id", message_id.strip().strip("<>").strip())


def normalise_number(raw: str, country: str = "46") -> str | None:
    """Return a telephone number as E.164 (``+46…``), or None where it is hidden or no number.

    Swedish national numbers (``08-…``) get the country code; ``00`` is read as ``+``.
    """
    digits = re.sub(r"[\s().\-/]", "", raw)
    if digits.startswith("+"):
        digits = digits[1:]
    elif digits.startswith("00"):
        digits = digits[2:]
    elif digits.startswith("0"):
        digits = country + digits[1:]
    else:
        return None
    return f"+{digits}" if re.fullmatch(r"[1-9]\d{6,14}", digits) else None


def normalise_address(raw: str) -> str | None:
    """Return a mail address in lower case and NFC, or None where it is no address."""
    address = unicodedata.normalize("NFC", raw.strip().strip("<>")).lower()
    return address if re.fullmatch(r"[^\s@<>]{1,64}@[^\s@<>]{1,255}", address) else None


@dataclass(frozen=True, slots=True)
class PseudonymKey:
    """A secret and its id. The secret stays outside Kafka and ClickHouse."""

    key_id: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _KEY_ID.match(self.key_id):
            raise ConfigurationError(
                "pseudonym key id: 1 to 16 of a-z and 0-9 are allowed; choose another id"
            )
        if len(self.secret) < 16:
            raise ConfigurationError(
                f"pseudonym key {self.key_id}: the secret has {len(self.secret)} bytes; give at least 16"
            )

    def pseudonym(self, normalised: str) -> str:
        """Return ``<key id>:<hex>`` for a number or address that is already normalised."""
        digest = hmac.new(self.secret, normalised.encode(), hashlib.sha256).hexdigest()
        return f"{self.key_id}:{digest}"


@dataclass(frozen=True, slots=True)
class Pseudonymiser:
    """Turns numbers and addresses into pseudonyms; during a change of keys under both keys."""

    current: PseudonymKey
    previous: PseudonymKey | None = None

    def number(self, raw: str) -> Party | None:
        """Return the party of a telephone number; None for a hidden or unusable one."""
        return self._party(normalise_number(raw))

    def address(self, raw: str) -> Party | None:
        """Return the party of a mail address; None for an unusable one."""
        return self._party(normalise_address(raw))

    def _party(self, normalised: str | None) -> Party | None:
        if normalised is None:
            return None
        return Party(
            current=self.current.pseudonym(normalised),
            previous=self.previous.pseudonym(normalised) if self.previous else None,
        )


def murmur2(data: bytes) -> int:
    """Return Kafka's 32-bit murmur2 of ``data`` (the Java client's, unsigned)."""
    mask = 0xFFFFFFFF
    m = 0x5BD1E995
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little")
        k = (k * m) & mask
        k ^= k >> 24
        k = (k * m) & mask
        h = ((h * m) & mask) ^ k
    rest = data[whole:]
    if rest:
        h ^= int.from_bytes(rest, "little")
        h = (h * m) & mask
    h ^= h >> 13
    h = (h * m) & mask
    return h ^ (h >> 15)


def partition_for(key: str, partitions: int) -> int:
    """Return the partition in which Kafka's default partitioner puts ``key`` (CORRECTIONS 18)."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
