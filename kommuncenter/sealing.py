"""Sealing what could not be used: authenticated encryption (Fernet) under keys that can be changed."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from kommuncenter.settings import DeadLetterSettings
from schemas.deadletter import Seal, Unseal, drop
from schemas.errors import ConfigurationError

LEAST_CHARACTERS = 16


def sealer(settings: DeadLetterSettings) -> Seal:
    """Return what seals records as the policy says.

    Raises ConfigurationError where they are to be encrypted and there is no key, or too short a one.
    """
    fernet = _cipher("key", settings.key)
    if settings.payload == "drop" or (settings.payload is None and fernet is None):
        return drop
    if fernet is None:
        raise ConfigurationError(
            "dead_letters.key (KC_DEAD_LETTERS__KEY): not set, though dead_letters.payload is encrypt; give "
            "the output of `openssl rand -hex 32`, and keep it"
        )
    return lambda content: fernet.encrypt(content).decode("ascii")


def unsealer(settings: DeadLetterSettings) -> Unseal:
    """Return what undoes the sealing under the key, or the previous one.

    Raises ConfigurationError for too short a key; that there is none is told only when it is needed.
    """
    given = _cipher("key", settings.key), _cipher("previous_key", settings.previous_key)
    ciphers = [cipher for cipher in given if cipher]

    def unseal(sealed: str) -> bytes:
        if not ciphers:
            raise ConfigurationError(
                "dead_letters.key (KC_DEAD_LETTERS__KEY): not set; it is needed to read what was kept"
            )
        try:
            return MultiFernet(ciphers).decrypt(sealed)
        except InvalidToken as error:
            raise ConfigurationError(
                "dead_letters.key, dead_letters.previous_key (KC_DEAD_LETTERS__KEY, …__PREVIOUS_KEY): the "
                "record was sealed under another key, or was changed"
            ) from error

    return unseal


def _cipher(name: str, secret: SecretStr | None) -> Fernet | None:
    """Return the cipher of a secret of any form; HKDF (RFC 5869) gives the 32 bytes that Fernet takes.

    None without a secret; an empty one is none, since that is how a variable of Compose that is not filled
    in arrives.
    """
    text = secret.get_secret_value() if secret else ""
    if not text:
        return None
    if len(text) < LEAST_CHARACTERS:
        raise ConfigurationError(
            f"dead_letters.{name}: has {len(text)} characters; give at least {LEAST_CHARACTERS}, such as the "
            "output of `openssl rand -hex 32`"
        )
    derived = HKDF(SHA256(), 32, salt=None, info=b"kommuncenter dead letters").derive(text.encode())
    return Fernet(urlsafe_b64encode(derived))
