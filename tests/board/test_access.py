"""Who may see what: codes, sessions, a proxy's word, and what is refused."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from dashboards.board.access import (
    COOKIE,
    Access,
    KnownToken,
    LoginLimit,
    May,
    ProxyAccess,
    Role,
    TokenAccess,
    new_token,
    token_hash,
)
from dashboards.board.app import board_app
from schemas.catalogue import Catalogue
from tests.board.asking import Visiting
from tests.board.days import NOW
from tests.board.fakes import FakeStore, FixedClock

CODES = {role: f"a code of the {role.value}, long and invented" for role in Role}
KEY = b"a key that signs sessions in tests"


def tokens(*, seconds: float = 3600.0) -> TokenAccess:
    known = [KnownToken(role.value, role, token_hash(code), seconds) for role, code in CODES.items()]
    return TokenAccess(known, KEY, secure=False)


def client(access: Access, catalogue: Catalogue, **more: Any) -> Visiting:
    app = board_app(FakeStore(), FixedClock(NOW), catalogue, access=access, **more)
    return Visiting(app)


def logged_in(access: TokenAccess, catalogue: Catalogue, role: Role) -> Visiting:
    visitor = client(access, catalogue)
    assert visitor.post("/logga-in", data={"kod": CODES[role]}).status_code == 303
    return visitor


def asked(headers: Mapping[str, str], host: str = "10.0.0.5") -> Request:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "client": (host, 1)})


HTML = {"accept": "text/html"}
PERMITTED = {
    "/": {Role.WALL, Role.LEADER, Role.MANAGER, Role.OPERATIONS},
    "/bricka/offered": {Role.WALL, Role.LEADER, Role.MANAGER, Role.OPERATIONS},
    "/definitioner": {Role.MANAGER},
    "/api/v1/picture": {Role.LEADER, Role.MANAGER, Role.OPERATIONS},
    "/api/v1/metrics": {Role.LEADER, Role.MANAGER, Role.OPERATIONS},
    "/api/v1/sources": {Role.OPERATIONS},
    "/api/v1/health": {Role.OPERATIONS},
}


@pytest.mark.parametrize("path", PERMITTED)
@pytest.mark.parametrize("role", Role)
def test_each_role_sees_what_it_may(catalogue: Catalogue, role: Role, path: str) -> None:
    access = tokens()
    by_session = logged_in(access, catalogue, role).get(path, headers=HTML)
    by_header = client(access, catalogue).get(path, headers={"authorization": f"Bearer {CODES[role]}"})
    expected = 200 if role in PERMITTED[path] else 403
    assert (by_session.status_code, by_header.status_code) == (expected, expected)


@pytest.mark.parametrize("path", [*PERMITTED, "/events"])
def test_nobody_sees_anything_without_a_code(catalogue: Catalogue, path: str) -> None:
    visitor = client(tokens(), catalogue)
    wrong = visitor.get(path, headers={"authorization": "Bearer a wrong one"})
    assert wrong.status_code == 401
    assert wrong.headers["www-authenticate"] == "Bearer"
    page = visitor.get(path, headers=HTML)
    if path.startswith("/api"):
        assert page.status_code == 401
    else:
        assert page.status_code == 303
        assert page.headers["location"] == ("../" if "/bricka" in path else "") + "logga-in"


@pytest.mark.parametrize("path", ["/halsa", "/theme.css", "/sw.js", "/static/board.js", "/logga-in"])
def test_what_holds_no_figures_is_open_and_health_tells_little(catalogue: Catalogue, path: str) -> None:
    answer = client(tokens(), catalogue).get(path)
    assert answer.status_code == 200
    if path == "/halsa":
        assert set(answer.json()) == {"status", "picture_at", "day"}
        full = logged_in(tokens(), catalogue, Role.OPERATIONS).get(path)
        assert "listeners" in full.json()


def test_a_wall_is_always_a_wall(catalogue: Catalogue) -> None:
    page = logged_in(tokens(), catalogue, Role.WALL).get("/", headers=HTML).text
    assert 'class="wall"' in page
    for words in ("Skrivbordsvy", "Registrera besök", "definitioner"):
        assert words not in page
    assert "Skrivbordsvy" in logged_in(tokens(), catalogue, Role.LEADER).get("/?vy=vagg").text


def test_a_session_is_kept_from_scripts_and_from_other_sites(catalogue: Catalogue) -> None:
    access = tokens()
    access.secure = True
    answer = client(access, catalogue).post("/logga-in", data={"kod": CODES[Role.WALL]})
    cookie = answer.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=lax", "secure", "path=/", "max-age=3600"):
        assert part in cookie
    assert CODES[Role.WALL] not in cookie


def test_a_session_that_is_brought_along_is_not_taken_over(catalogue: Catalogue) -> None:
    visitor = client(tokens(), catalogue)
    visitor.cookies[COOKIE] = "chosen.byanattacker"
    visitor.post("/logga-in", data={"kod": CODES[Role.LEADER]})
    assert visitor.cookies[COOKIE] != "chosen.byanattacker"
    again = logged_in(tokens(), catalogue, Role.LEADER)
    assert again.cookies[COOKIE] != visitor.cookies[COOKIE]


def session(access: TokenAccess, role: Role) -> str:
    [known] = [token for token in access.tokens if token.role is role]
    return access.session(known)


def of_cookie(access: TokenAccess, value: str) -> object:
    return access.visitor(asked({"cookie": f"{COOKIE}={value}"}))


def test_sessions_end_with_their_time_their_key_and_their_token() -> None:
    access = tokens()
    good = session(access, Role.WALL)
    found = of_cookie(access, good)
    assert found is not None
    assert of_cookie(TokenAccess(access.tokens, b"another key"), good) is None
    replaced = KnownToken("wall", Role.WALL, token_hash("another code"), 3600)
    assert of_cookie(TokenAccess([replaced], KEY), good) is None
    assert of_cookie(TokenAccess([], KEY), good) is None
    assert of_cookie(access, session(tokens(seconds=-1), Role.WALL)) is None


def test_the_events_end_when_the_session_does() -> None:
    found = tokens(seconds=90).visitor(
        asked({"cookie": f"{COOKIE}={session(tokens(seconds=90), Role.WALL)}"})
    )
    assert found is not None
    assert found.session_ends is not None
    assert 80 < (found.seconds_left() or 0) <= 90
    assert found.session_ends > time.time()


@given(st.text(max_size=80), st.integers(0, 200))
def test_no_changed_cookie_is_a_session(junk: str, place: int) -> None:
    access = tokens()
    good = session(access, Role.LEADER)
    place %= len(good)
    changed = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
    assert access._of_session(junk) is None
    found = access._of_session(changed)  # the last character's lowest bits are no part of the signature
    assert found is None or (place == len(good) - 1 and found.roles == {Role.LEADER})


def test_tokens_are_long_and_only_their_hash_is_kept() -> None:
    made = {new_token() for _ in range(50)}
    assert len(made) == 50
    assert all(len(token) >= 43 for token in made)
    assert token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://board.example", "sec-fetch-site": "same-origin"}, 303),
        ({"origin": "https://board.example"}, 303),  # behind a proxy that ends TLS
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/logga-in", "/logga-ut"])
def test_no_other_site_logs_anybody_in_or_out(
    catalogue: Catalogue, headers: dict[str, str], status: int, path: str
) -> None:
    visitor = logged_in(tokens(), catalogue, Role.LEADER)
    answer = visitor.post(path, data={"kod": CODES[Role.LEADER]}, headers=headers)
    assert answer.status_code == status


def test_logging_out_ends_the_session_and_what_the_browser_kept(catalogue: Catalogue) -> None:
    visitor = logged_in(tokens(), catalogue, Role.LEADER)
    assert visitor.get("/inloggad").status_code == 204
    answer = visitor.post("/logga-ut")
    assert '"storage"' in answer.headers["clear-site-data"]
    assert visitor.get("/inloggad").status_code == 401


def test_wrong_codes_are_told_and_after_some_nobody_may_try(catalogue: Catalogue) -> None:
    access = tokens()
    visitor = client(access, catalogue)
    for _ in range(access.limit.tries):
        answer = visitor.post("/logga-in", data={"kod": "wrong"})
        assert answer.status_code == 403
        assert "Koden stämmer inte" in answer.text
    blocked = visitor.post("/logga-in", data={"kod": CODES[Role.LEADER]})
    assert blocked.status_code == 429
    assert int(blocked.headers["retry-after"]) > 0
    assert "set-cookie" not in blocked.headers


def test_the_limit_is_by_address_and_in_all_and_passes() -> None:
    limit = LoginLimit(tries=2, tries_in_all=3, seconds=60)
    limit.failed("a")
    assert limit.wait("a") == 0
    limit.failed("a")
    assert limit.wait("a") > 0
    assert limit.wait("b") == 0
    limit.failed("b")
    assert limit.wait("c") > 0
    passed = LoginLimit(tries=1, seconds=-1)
    passed.failed("a")
    assert passed.wait("a") == 0


@pytest.mark.parametrize("form", [{}, {"kod": ""}, {"kod": "x" * 5000}, {"annat": "1"}])
def test_forms_that_hold_no_code(catalogue: Catalogue, form: dict[str, str]) -> None:
    assert client(tokens(), catalogue).post("/logga-in", data=form).status_code in {403, 413}


GROUPS = {"KC-Gruppledare": Role.LEADER, "KC-Drift": Role.OPERATIONS}
PROXY = ProxyAccess([ipaddress.ip_network("10.0.0.0/29")], "x-forwarded-groups", GROUPS)


@pytest.mark.parametrize(
    ("host", "groups", "roles"),
    [
        ("10.0.0.5", "KC-Gruppledare", {Role.LEADER}),
        ("10.0.0.5", "Alla, KC-Drift ,KC-Gruppledare", {Role.LEADER, Role.OPERATIONS}),
        ("::ffff:10.0.0.5", "KC-Drift", {Role.OPERATIONS}),
        ("10.0.0.5", "Alla", None),
        ("10.0.0.5", "", None),
        ("10.0.0.9", "KC-Gruppledare", None),
        ("127.0.0.1", "KC-Gruppledare", None),
        ("not an address", "KC-Gruppledare", None),
    ],
)
def test_a_proxy_is_believed_by_its_address(host: str, groups: str, roles: set[Role] | None) -> None:
    found = PROXY.visitor(asked({"X-Forwarded-Groups": groups}, host))
    assert (found.roles if found else None) == roles


def test_a_header_that_comes_twice_or_not_at_all_is_nobody_s() -> None:
    twice = Request(
        {
            "type": "http",
            "headers": [(b"x-forwarded-groups", b"KC-Drift"), (b"x-forwarded-groups", b"Alla")],
            "client": ("10.0.0.5", 1),
        }
    )
    assert PROXY.visitor(twice) is None
    assert PROXY.visitor(asked({})) is None
    assert (
        PROXY.visitor(asked({"x-forwarded-for": "10.0.0.5", "x-forwarded-groups": "KC-Drift"}, "1.2.3.4"))
        is None
    )


def test_behind_a_proxy_nobody_logs_in_here(catalogue: Catalogue) -> None:
    answer = client(PROXY, catalogue).get("/", headers=HTML)
    assert answer.status_code == 401
    assert "Du är inte inloggad" in answer.text


def test_tiles_may_be_open_while_the_board_is_not(catalogue: Catalogue) -> None:
    visitor = client(tokens(), catalogue, tiles_open=True)
    assert visitor.get("/bricka/offered").status_code == 200
    assert visitor.get("/", headers=HTML).status_code == 303


def test_every_permission_is_somebody_s() -> None:
    assert all(any(role.may(what) for role in Role) for what in May)
