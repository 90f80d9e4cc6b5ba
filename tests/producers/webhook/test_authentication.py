"""Who sends a webhook: tokens and signatures, as senders make them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from producers.webhook.authentication import Authentication, Received

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SECRET = "sixteen characters or more"
OLD = "the secret that was there before"
ADAPTER: TypeAdapter[Authentication] = TypeAdapter(Authentication)
BODY = b'{"a": 1}'


def made(**given: object) -> Authentication:
    """Return what checks a proof, by its settings."""
    return ADAPTER.validate_python({"secret": SECRET} | given)


def genuine(
    auth: Authentication, headers: dict[str, str], body: bytes = BODY, target: str = "/hooks/x"
) -> bool:
    """Tell whether a request is genuine now."""
    return auth.genuine(Received(headers, body, target), NOW)


def signature(message: bytes, algorithm: str = "sha256", secret: str = SECRET) -> bytes:
    """Return an HMAC, made without the code under test."""
    return hmac.new(secret.encode(), message, getattr(hashlib, algorithm)).digest()


def test_a_bearer_token() -> None:
    auth = made(kind="token", previous_secret=OLD)
    assert genuine(auth, {"authorization": f"Bearer {SECRET}"})
    assert genuine(auth, {"authorization": f"Bearer {OLD}"})
    for wrong in ("", SECRET, f"bearer {SECRET}", f"Bearer {SECRET} ", f"Bearer {SECRET[:-1]}", "Bearer å"):
        assert not genuine(auth, {"authorization": wrong})
    assert not genuine(auth, {})


def test_an_api_key_in_a_header_of_its_own() -> None:
    auth = made(kind="token", header="X-Api-Key", prefix="")
    assert genuine(auth, {"x-api-key": SECRET})
    assert not genuine(auth, {"authorization": f"Bearer {SECRET}"})


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_a_signature_of_the_body(algorithm: str, encoding: str) -> None:
    auth = made(kind="signature", header="X-Signature", algorithm=algorithm, encoding=encoding, prefix="v=")
    digest = signature(BODY, algorithm)
    said = "v=" + (digest.hex() if encoding == "hex" else base64.b64encode(digest).decode())
    assert genuine(auth, {"x-signature": said})
    assert not genuine(auth, {"x-signature": said}, BODY + b" ")
    assert not genuine(auth, {"x-signature": said.removeprefix("v=")})
    assert not genuine(auth, {"x-other": said})


def test_the_style_of_genesys_open_messaging() -> None:
    auth = made(kind="signature", encoding="base64", prefix="sha256=")
    said = "sha256=" + base64.b64encode(signature(BODY)).decode()
    assert genuine(auth, {"x-hub-signature-256": said})


@pytest.mark.parametrize("signed", ["{timestamp}.{body}", "v0:{timestamp}:{body}"])
def test_a_signature_with_a_time_is_not_good_for_ever(signed: str) -> None:
    auth = made(
        kind="signature",
        header="X-Signature",
        signed=signed,
        timestamp_header="X-Timestamp",
        tolerance=timedelta(minutes=5),
        previous_secret=OLD,
    )

    def at(moment: datetime, secret: str = SECRET) -> dict[str, str]:
        stamp = str(int(moment.timestamp()))
        message = signed.replace("{timestamp}", stamp).replace("{body}", BODY.decode()).encode()
        return {"x-timestamp": stamp, "x-signature": signature(message, secret=secret).hex()}

    assert genuine(auth, at(NOW))
    assert genuine(auth, at(NOW, OLD))
    assert genuine(auth, at(NOW - timedelta(minutes=5)))
    assert genuine(auth, at(NOW + timedelta(minutes=5)))
    assert not genuine(auth, at(NOW - timedelta(minutes=5, seconds=1)))
    assert not genuine(auth, at(NOW + timedelta(minutes=5, seconds=1)))
    assert not genuine(auth, at(NOW) | {"x-timestamp": str(int(NOW.timestamp()) + 1)})
    for stamp in ("", "now", "-5", "٣", "9" * 50):
        assert not genuine(auth, at(NOW) | {"x-timestamp": stamp})


def test_the_style_of_twilio() -> None:
    """In the shape of the one that its documentation of signatures has."""
    auth = ADAPTER.validate_python(
        {"kind": "twilio", "secret": "12345" + "-" * 20, "public_url": "https://statistik.example"}
    )
    body = (
        b"CallSid=CA1234567890ABCDE&Caller=%2B46701740605&Digits=1234&From=%2B46701740605&To=%2B46313900601"
    )
    message = (
        "https://statistik.example/hooks/calls?foo=1&bar=2"
        "CallSidCA1234567890ABCDECaller+46701740605Digits1234From+46701740605To+46313900601"
    )
    digest = signature(message.encode(), "sha1", "12345" + "-" * 20)
    said = {"x-twilio-signature": base64.b64encode(digest).decode()}
    assert genuine(auth, said, body, "/hooks/calls?foo=1&bar=2")
    assert not genuine(auth, said, body, "/hooks/calls?foo=1&bar=3")
    assert not genuine(auth, said, body + b"&x=1", "/hooks/calls?foo=1&bar=2")
    assert not genuine(auth, {}, body, "/hooks/calls?foo=1&bar=2")
    assert not genuine(auth, said, b"\xff", "/hooks/calls?foo=1&bar=2")


@pytest.mark.parametrize(
    "given_",
    [
        {"kind": "token", "secret": "short"},
        {"kind": "signature", "signed": "{timestamp}"},
        {"kind": "signature", "signed": "{body}{body}"},
        {"kind": "signature", "signed": "{timestamp}.{body}"},
        {"kind": "signature", "timestamp_header": "X-T"},
        {"kind": "signature", "algorithm": "md5"},
        {"kind": "twilio", "public_url": "https://statistik.example/hooks"},
        {"kind": "none"},
    ],
)
def test_settings_that_protect_nothing_are_refused(given_: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        made(**given_)


def test_a_secret_is_in_no_text() -> None:
    for auth in (
        made(kind="token"),
        made(kind="signature"),
        made(kind="twilio", public_url="https://a.example"),
    ):
        assert SECRET not in repr(auth) + auth.description


@given(
    st.dictionaries(st.sampled_from(["authorization", "x-hub-signature-256", "x-t"]), st.text()), st.binary()
)
def test_nothing_is_raised_and_nothing_is_genuine_by_chance(headers: dict[str, str], body: bytes) -> None:
    for auth in (
        made(kind="token"),
        made(kind="signature"),
        made(kind="signature", signed="{timestamp}{body}", timestamp_header="X-T"),
        made(kind="twilio", public_url="https://a.example"),
    ):
        assert not auth.genuine(Received(headers, body, "/"), NOW)
