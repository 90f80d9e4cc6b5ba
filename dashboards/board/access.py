"""Who may see what: roles, and how a request tells which it has (a token, a session, or a proxy's word)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from starlette.requests import HTTPConnection

COOKIE = "kommuncenter"
TOKEN_BYTES = 32
"""A token is random and long, so a plain hash keeps it: there is nothing to guess at."""


class May(StrEnum):
    """What a role may permit."""

    WALL = "wall"
    """The wall's picture."""
    TILES = "tiles"
    BOARD = "board"
    API = "api"
    DEFINITIONS = "definitions"
    SOURCES = "sources"
    """How sources and the board itself do, in detail."""


class Role(StrEnum):
    """Who somebody is to the board."""

    WALL = "wall"
    LEADER = "leader"
    MANAGER = "manager"
    OPERATIONS = "operations"

    def may(self, what: May) -> bool:
        """Tell whether the role permits something."""
        return what in _PERMITTED[self]


_LEADER = frozenset({May.WALL, May.TILES, May.BOARD, May.API})
_PERMITTED = {
    Role.WALL: frozenset({May.WALL, May.TILES}),
    Role.LEADER: _LEADER,
    Role.MANAGER: _LEADER | {May.DEFINITIONS},
    Role.OPERATIONS: _LEADER | {May.SOURCES},
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. ``session_ends`` (seconds since 1970) is set for those who logged in with a token."""

    roles: frozenset[Role]
    session_ends: float | None = None

    def may(self, what: May) -> bool:
        """Tell whether any of the roles permits something."""
        return any(role.may(what) for role in self.roles)

    def seconds_left(self) -> float | None:
        """Return for how long the session lasts; None where it has no end."""
        return None if self.session_ends is None else max(0.0, self.session_ends - time.time())


class Access(Protocol):
    """How the board finds out who asks."""

    def visitor(self, request: HTTPConnection) -> Visitor | None:
        """Return who asks; None for somebody unknown."""
        ...

    @property
    def login(self) -> TokenAccess | None:
        """What takes a token by a form; None where nobody logs in here."""
        ...


class OpenAccess:
    """Everybody may see everything: for a board that only this machine can reach."""

    login: TokenAccess | None = None

    def visitor(self, request: HTTPConnection) -> Visitor | None:
        """Return somebody with every role."""
        del request
        return Visitor(frozenset(Role))


def token_hash(token: str) -> str:
    """Return the SHA-256 of a token in hexadecimal digits: what the settings hold of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """Return a new token of 256 random bits."""
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token that was issued: to whom, for which role, and its hash.

    ``session_seconds`` is how long a login with it lasts.
    """

    name: str
    role: Role
    sha256: str
    session_seconds: float


@dataclass
class LoginLimit:
    """How often somebody may try a wrong token: so many tries in so many seconds, by address and in all."""

    tries: int = 10
    tries_in_all: int = 100
    seconds: float = 60.0
    _wrong: dict[str, list[float]] = field(default_factory=dict)

    def wait(self, address: str) -> float:
        """Return how many seconds an address has to wait before it may try again; 0 if it need not."""
        now = time.monotonic()
        self._forget(now)
        waits = [0.0]
        for found, allowed in (
            (self._wrong.get(address, []), self.tries),
            (sorted(at for ats in self._wrong.values() for at in ats), self.tries_in_all),
        ):
            if len(found) >= allowed:
                waits.append(found[-allowed] + self.seconds - now)
        return max(waits)

    def failed(self, address: str) -> None:
        """Take note of a wrong token."""
        self._wrong.setdefault(address, []).append(time.monotonic())

    def _forget(self, now: float) -> None:
        for address, ats in list(self._wrong.items()):
            kept = [at for at in ats if at > now - self.seconds]
            if kept:
                self._wrong[address] = kept
            else:
                del self._wrong[address]


@dataclass
class TokenAccess:
    """A token in a header (``Authorization: Bearer``), or a session that a token was exchanged for.

    A session is a signed cookie and holds the token's name, its hash's beginning, and when it ends. A token
    that is taken out of the settings, or replaced, ends its sessions. There is no session before a login, so
    there is none to fixate.
    """

    tokens: Sequence[KnownToken]
    key: bytes
    secure: bool = True
    limit: LoginLimit = field(default_factory=LoginLimit)

    @property
    def login(self) -> TokenAccess | None:
        """This: a token can be given in a form."""
        return self

    def visitor(self, request: HTTPConnection) -> Visitor | None:
        """Return who asks by header or cookie. A header that is wrong is not made good by a cookie."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme:
            known = self.known(token.strip()) if scheme.lower() == "bearer" else None
            return Visitor(frozenset({known.role})) if known else None
        return self._of_session(request.cookies.get(COOKIE, ""))

    def known(self, token: str) -> KnownToken | None:
        """Return the issued token that this is. Every one is compared, and in constant time."""
        given, found = token_hash(token), None
        for known in self.tokens:
            if hmac.compare_digest(given, known.sha256):
                found = known
        return found

    def session(self, known: KnownToken) -> str:
        """Return the value of a new session's cookie."""
        ends = int(time.time() + known.session_seconds)
        content = f"{known.name}.{known.sha256[:16]}.{ends}.{secrets.token_hex(8)}"
        return f"{_packed(content.encode())}.{_packed(self._signed(content))}"

    def _of_session(self, cookie: str) -> Visitor | None:
        packed, _, signature = cookie.partition(".")
        try:
            content = _unpacked(packed).decode()
            given = _unpacked(signature)
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None
        if not hmac.compare_digest(given, self._signed(content)):
            return None
        name, mark, ends, _ = content.split(".")
        if float(ends) <= time.time():
            return None
        for known in self.tokens:
            if known.name == name and known.sha256[:16] == mark:
                return Visitor(frozenset({known.role}), float(ends))
        return None

    def _signed(self, content: str) -> bytes:
        return hmac.new(self.key, content.encode(), hashlib.sha256).digest()


def _packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class ProxyAccess:
    """A reverse proxy has logged the person in, and names their groups in a header.

    The header is believed only where the connection itself comes from one of the proxy's addresses; from
    anywhere else, and where it comes twice, the request is nobody's.
    """

    networks: Sequence[Network]
    header: str
    roles: Mapping[str, Role]
    login: TokenAccess | None = None

    def visitor(self, request: HTTPConnection) -> Visitor | None:
        """Return who the proxy says that it is."""
        if request.client is None or not self._is_proxy(request.client.host):
            return None
        given = request.headers.getlist(self.header)
        if len(given) != 1:
            return None
        groups = (group.strip() for group in given[0].split(","))
        roles = frozenset(self.roles[group] for group in groups if group in self.roles)
        return Visitor(roles) if roles else None

    def _is_proxy(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)
