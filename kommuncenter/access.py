"""Who may see the board, out of the settings; and the refusal to show it to a network without asking."""

from __future__ import annotations

import secrets

import structlog

from dashboards.board.access import Access, KnownToken, OpenAccess, ProxyAccess, Role, TokenAccess
from kommuncenter.settings import AccessSettings, Settings
from producers.loopback import is_loopback
from schemas.errors import ConfigurationError

_MIN_KEY = 32
_log = structlog.get_logger(__name__)


def board_access(settings: Settings) -> Access:
    """Return how the board finds out who asks. Raises ConfigurationError for what would leave it open."""
    chosen, host = settings.access, settings.board.host
    if chosen.mode == "none":
        if not is_loopback(host):
            raise ConfigurationError(
                f"board.host (KC_BOARD__HOST): {host} can be reached from other machines, and access.mode is "
                'none. Set access.mode (KC_ACCESS__MODE) to "token" or "proxy" (docs/board.md), or listen on '
                "127.0.0.1"
            )
        return OpenAccess()
    return _tokens(chosen) if chosen.mode == "token" else _proxy(chosen)


def _tokens(chosen: AccessSettings) -> TokenAccess:
    tokens = [
        KnownToken(name, token.role, token.sha256, _session_seconds(chosen, token.role))
        for name, token in chosen.tokens.items()
        if token.sha256
    ]
    if not tokens:
        raise ConfigurationError(
            "access.tokens: none is issued, so nobody could log in; make one with "
            "`kommuncenter access token --role leader`"
        )
    return TokenAccess(tokens, _session_key(chosen), secure=chosen.secure_cookie)


def _session_seconds(chosen: AccessSettings, role: Role) -> float:
    return 86_400 * chosen.wall_session_days if role is Role.WALL else 3600 * chosen.session_hours


def _session_key(chosen: AccessSettings) -> bytes:
    if chosen.session_key is None or not chosen.session_key.get_secret_value():
        _log.warning("session_key_missing", consequence="every restart of the board ends all sessions")
        return secrets.token_bytes(32)
    key = chosen.session_key.get_secret_value()
    if len(key) < _MIN_KEY:
        raise ConfigurationError(
            f"access.session_key (KC_ACCESS__SESSION_KEY): has {len(key)} characters, needs {_MIN_KEY}; take "
            "the output of `openssl rand -hex 32`"
        )
    return key.encode()


def _proxy(chosen: AccessSettings) -> ProxyAccess:
    if not chosen.proxy_addresses or not chosen.proxy_roles:
        raise ConfigurationError(
            "access: mode proxy needs proxy_addresses (from which the header is believed) and proxy_roles "
            "(group -> role)"
        )
    return ProxyAccess(chosen.proxy_addresses, chosen.proxy_header, chosen.proxy_roles)
