"""Microsoft Graph and Entra as far as the Graph source speaks with them, on a real port, with TLS.

Written from the documentation of delta queries, throttling, and the client credentials flow.
"""

from __future__ import annotations

import base64
import contextlib
import json
import random
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kommuncenter.embedded.processes import free_port

TENANT: Final = "kommun.example"
CLIENT: Final = "11111111-2222-3333-4444-555555555555"
SECRET: Final = "hemlig~det-som-ingen-ska-se"
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

Folder = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that is given instead of a page."""

    status: int
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    """Whether the answer ends before it is whole."""


@dataclass(slots=True)
class Stub:
    """Mailboxes, what changed in them, and what was asked."""

    port: int
    certificate: Path
    folders: dict[Folder, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    good: set[str] = field(default_factory=set)
    chance: random.Random = field(default_factory=lambda: random.Random(3))
    generation: int = 1
    """Links of another generation are forgotten."""
    elsewhere: bool = False
    """Whether links lead to another host."""
    _changes: int = 0

    @property
    def authority(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def endpoint(self) -> str:
        return f"{self.authority}/v1.0"

    def put(self, folder: Folder, item: dict[str, Any]) -> None:
        """Put a message into a folder, or say that it has changed."""
        self._changes += 1
        self.folders.setdefault(folder, []).append((self._changes, item))

    def remove(self, folder: Folder, item: dict[str, Any], reason: str = "deleted") -> None:
        self.put(folder, {"id": item["id"], "@removed": {"reason": reason}})

    def move(self, item: dict[str, Any], old: Folder, new: Folder) -> None:
        self.remove(old, item)
        self.put(new, item)

    def revoke(self) -> None:
        """Let the tokens given so far be good no longer."""
        self.good.clear()

    # ---- Entra -----------------------------------------------------------------------------------

    def discovery(self, request: Request) -> Response:
        if request.path_params["tenant"] != TENANT:
            return JSONResponse({"error": "invalid_tenant"}, 400)
        base = f"{self.authority}/{TENANT}"
        return JSONResponse(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            }
        )

    async def token(self, request: Request) -> Response:
        form = await request.form()
        known = form.get("client_id") == CLIENT and form.get("grant_type") == "client_credentials"
        scoped = re.fullmatch(r"https://localhost:\d+/\.default", str(form.get("scope")))
        if not known or not scoped or not self._proven(form):
            told = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid secret of Kim."}
            return JSONResponse(told, 401)
        token = secrets.token_urlsafe(32)
        self.tokens.append(token)
        self.good.add(token)
        return JSONResponse({"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    def _proven(self, form: Mapping[str, Any]) -> bool:
        if "client_assertion" not in form:
            return form.get("client_secret") == SECRET
        key = x509.load_pem_x509_certificate(self.certificate.read_bytes()).public_key()
        try:
            claims = jwt.decode(
                str(form["client_assertion"]),
                key,  # type: ignore[arg-type]
                algorithms=["RS256", "PS256"],
                audience=f"{self.authority}/{TENANT}/oauth2/v2.0/token",
            )
        except jwt.InvalidTokenError:
            return False
        return form.get("client_assertion_type") == ASSERTION and claims["iss"] == CLIENT

    # ---- Graph -----------------------------------------------------------------------------------

    def delta(self, request: Request) -> Response:
        """Answer one request for a page of a folder's changes."""
        self.asked.append(request)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.good:
            return _error(401, "InvalidAuthenticationToken")
        if self.faults:
            return _faulty(self.faults.pop(0))
        folder = (request.path_params["user"], request.path_params["folder"])
        if folder not in self.folders:
            return _error(404, "ErrorItemNotFound")
        query = request.query_params
        state = _unpacked(query.get("$skiptoken") or query.get("$deltatoken"))
        if state and state["generation"] != self.generation:
            return _error(410, "syncStateNotFound")
        if state is None:
            state = {"since": 0, "until": self._changes, "at": 0, "asked": dict(query)}
        elif "$deltatoken" in query:
            state |= {"since": state["until"], "until": self._changes, "at": 0}
        return JSONResponse(self._page(request, folder, state))

    def _page(self, request: Request, folder: Folder, state: dict[str, Any]) -> dict[str, Any]:
        latest = {
            item["id"]: item
            for number, item in self.folders[folder]
            if state["since"] < number <= state["until"]
        }
        items = list(latest.values())
        random.Random(f"{folder}{state['until']}").shuffle(items)  # Graph promises no order
        prefer = request.headers["prefer"]
        size = int(prefer.partition("odata.maxpagesize=")[2])
        page = items[state["at"] : state["at"] + size]
        state = {**state, "at": state["at"] + size, "generation": self.generation}
        more = state["at"] < len(items)
        kind, token = ("nextLink", "skiptoken") if more else ("deltaLink", "deltatoken")
        host = "https://localhost:1" if self.elsewhere else self.authority
        link = f"{host}{request.url.path}?${token}={_packed(state)}"
        shown = [_selected(item, state["asked"], immutable='IdType="ImmutableId"' in prefer) for item in page]
        return {"@odata.context": f"{self.endpoint}/$metadata", f"@odata.{kind}": link, "value": shown}

    def app(self) -> Starlette:
        routes = [
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self.discovery),
            Route("/{tenant}/oauth2/v2.0/token", self.token, methods=["POST"]),
            Route("/v1.0/users/{user}/mailFolders/{folder}/messages/delta", self.delta),
        ]
        return Starlette(routes=routes)


def _selected(item: dict[str, Any], asked: Mapping[str, str], *, immutable: bool) -> dict[str, Any]:
    """Return what was asked for of a message; where ids need not stay, it has another one each time."""
    if "@removed" in item:
        return item
    wanted = {"id", "@odata.etag", *asked["$select"].split(",")}
    if "singleValueExtendedProperties" in asked.get("$expand", ""):
        wanted.add("singleValueExtendedProperties")
    shown = {name: value for name, value in item.items() if name in wanted}
    return shown if immutable else {**shown, "id": secrets.token_hex(8)}


def _packed(state: Mapping[str, Any]) -> str:
    """Return a token as opaque as Graph's, with characters that must come back as they were sent."""
    return base64.b64encode(json.dumps(state).encode()).decode().replace("=", "%3D").replace("+", "%2B")


def _unpacked(token: str | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(base64.b64decode(token)) if token else None
    return found


def _error(status: int, code: str, headers: Mapping[str, str] | None = None) -> Response:
    told = {"error": {"code": code, "message": "about kim.exempel@mail.example"}}
    return JSONResponse(told, status, headers=dict(headers or {}))


def _faulty(fault: Fault) -> Response:
    if fault.cut:
        return Response(b'{"value": [', fault.status, headers={"Content-Length": "5000"})
    return _error(fault.status, fault.code, fault.headers)


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of ``localhost``; return its file, and one with the key before it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    alone, both = folder / "cert.pem", folder / "both.pem"
    alone.write_bytes(made)
    both.write_bytes(secret + made)
    return alone, both


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Stub]:
    """Yield the stub, serving on localhost until the end."""
    alone, both = certificate(folder)
    stub = Stub(free_port(), alone)
    config = uvicorn.Config(
        stub.app(),
        host="localhost",
        port=stub.port,
        ssl_certfile=both,
        log_level="error",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
            assert thread.is_alive(), "the stub did not start"
        yield stub
    finally:
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()
