"""How senders of webhooks prove who they are: a token, or a signature of what they send.

Secrets are compared in constant time. A previous secret is accepted as well, so that one can be changed
without losing what is sent meanwhile.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

TIMESTAMP, BODY = "{timestamp}", "{body}"


@dataclass(frozen=True, slots=True)
class Received:
    """A request as far as its proof goes. Names of headers are in lower case."""

    headers: Mapping[str, str]
    body: bytes
    target: str
    """Path and query, as they were asked for."""


class _Secret(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: Annotated[SecretStr, Field(min_length=16)]
    previous_secret: Annotated[SecretStr, Field(min_length=16)] | None = None
    """Still accepted while the secret is being changed."""

    def secrets(self) -> Iterator[bytes]:
        """Yield the secrets that are accepted."""
        for secret in (self.secret, self.previous_secret):
            if secret is not None:
                yield secret.get_secret_value().encode()


class TokenAuthentication(_Secret):
    """A token in a header, such as ``Authorization: Bearer …`` or ``X-Api-Key: …``."""

    kind: Literal["token"]
    header: str = "Authorization"
    prefix: str = "Bearer "

    def genuine(self, request: Received, now: datetime) -> bool:  # noqa: ARG002 - a token has no time
        """Tell whether the request has the token."""
        said = request.headers.get(self.header.lower(), "").encode()
        prefix = self.prefix.encode()
        return _any_equal(said, (prefix + secret for secret in self.secrets()))

    @property
    def description(self) -> str:
        """How to prove oneself, for people."""
        return f"Send the header `{self.header}: {self.prefix}<secret>`."


class SignatureAuthentication(_Secret):
    """An HMAC of the body, and perhaps of a time, in a header."""

    kind: Literal["signature"]
    header: str = "X-Hub-Signature-256"
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    """What stands before the signature in the header, such as ``sha256=``."""
    signed: str = BODY
    """What is signed, with ``{body}`` and perhaps ``{timestamp}`` in it, such as ``{timestamp}.{body}``."""
    timestamp_header: str | None = None
    """The header with the time (epoch seconds) that was signed."""
    tolerance: timedelta = timedelta(minutes=5)
    """A request whose time is further from now is refused."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.signed.count(BODY) != 1:
            raise ValueError("signed: must have {body} in it, once")
        if (TIMESTAMP in self.signed) != (self.timestamp_header is not None):
            raise ValueError("signed has {timestamp} in it if, and only if, timestamp_header is set")
        return self

    def genuine(self, request: Received, now: datetime) -> bool:
        """Tell whether body and time are signed, and the time is near ``now``."""
        timestamp = ""
        if self.timestamp_header is not None:
            timestamp = request.headers.get(self.timestamp_header.lower(), "")
            if not _near(timestamp, now, self.tolerance):
                return False
        before, _, after = self.signed.replace(TIMESTAMP, timestamp).partition(BODY)
        message = before.encode() + request.body + after.encode()
        said = request.headers.get(self.header.lower(), "").encode()
        expected = (
            self.prefix.encode() + _signature(secret, message, self.algorithm, self.encoding)
            for secret in self.secrets()
        )
        return _any_equal(said, expected)

    @property
    def description(self) -> str:
        """How to prove oneself, for people."""
        return (
            f"Send the header `{self.header}: {self.prefix}<signature>`, the {self.encoding} HMAC-"
            f"{self.algorithm.upper()} of `{self.signed}` under the secret"
            + (f", and the time in `{self.timestamp_header}`." if self.timestamp_header else ".")
        )


class TwilioAuthentication(_Secret):
    """Twilio's signature: HMAC-SHA1 of the address and the sorted fields of the form, in base64.

    See Twilio's "Webhooks security". The secret is the account's auth token.
    """

    kind: Literal["twilio"]
    public_url: Annotated[str, Field(pattern=r"^https?://[^/]+$")]
    """Scheme and host as Twilio is told them, without a path; a proxy may have changed them on the way."""

    def genuine(self, request: Received, now: datetime) -> bool:  # noqa: ARG002 - Twilio signs no time
        """Tell whether address and fields are signed."""
        try:
            fields = parse_qsl(request.body.decode(), keep_blank_values=True, errors="strict")
        except UnicodeError:
            return False
        message = self.public_url + request.target + "".join(name + value for name, value in sorted(fields))
        said = request.headers.get("x-twilio-signature", "").encode()
        return _any_equal(
            said, (_signature(secret, message.encode(), "sha1", "base64") for secret in self.secrets())
        )

    @property
    def description(self) -> str:
        """How to prove oneself, for people."""
        return f"Twilio signs its requests to {self.public_url} in `X-Twilio-Signature`."


Authentication = Annotated[
    TokenAuthentication | SignatureAuthentication | TwilioAuthentication, Field(discriminator="kind")
]


def _signature(secret: bytes, message: bytes, algorithm: str, encoding: str) -> bytes:
    digest = hmac.new(secret, message, getattr(hashlib, algorithm)).digest()
    return base64.b64encode(digest) if encoding == "base64" else digest.hex().encode()


def _any_equal(said: bytes, expected: Iterator[bytes]) -> bool:
    """Tell whether one is equal; all are compared, so that the time tells nothing."""
    return sum(hmac.compare_digest(said, one) for one in expected) > 0


def _near(timestamp: str, now: datetime, tolerance: timedelta) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    return abs(datetime.fromtimestamp(int(timestamp), UTC) - now) <= tolerance
