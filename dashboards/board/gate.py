"""The gate: logging in and out, who may see a page, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards.board.access import COOKIE, Access, May, TokenAccess, Visitor
from dashboards.board.rendering import login_page, message_page

Answer = TypeVar("Answer")
Page = Callable[[Request], Awaitable[Answer]]

LOGIN_PATH = "logga-in"
NO_STORE = {"cache-control": "no-store"}
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
_MAX_FORM_BYTES = 4096


class Gate:
    """Lets those in who may. What it has found out about a request stands in ``request.state.visitor``."""

    def __init__(self, access: Access) -> None:
        """Take how it is found out who asks."""
        self._access = access

    def visitor(self, request: Request) -> Visitor | None:
        """Return who asks; None for somebody unknown."""
        return self._access.visitor(request)

    def page(self, *permits: May) -> Callable[[Page[Answer]], Page[Answer | Response]]:
        """Return a decorator: the page is shown to whom any of ``permits`` is permitted.

        Somebody unknown is led to the login, if there is one.
        """

        def decorate(page: Page[Answer]) -> Page[Answer | Response]:
            async def guarded(request: Request) -> Answer | Response:
                found = self.visitor(request)
                if found is None:
                    return self._unknown(request)
                if not any(found.may(permit) for permit in permits):
                    return refused()
                request.state.visitor = found
                return await page(request)

            return guarded

        return decorate

    def noted(self, page: Page[Answer]) -> Page[Answer]:
        """Return a page that is shown to everybody, and knows who asks; None for somebody unknown."""

        async def open_page(request: Request) -> Answer:
            request.state.visitor = self.visitor(request)
            return await page(request)

        return open_page

    def _unknown(self, request: Request) -> Response:
        if self._access.login is None:
            text = "Du är inte inloggad, eller har ingen roll i statistiken. Be den som sköter den om hjälp."
            return HTMLResponse(message_page("Du är inte inloggad", text), 401, headers=NO_STORE)
        if request.headers.get("accept", "").find("text/html") < 0:
            return Response("Log in first.", 401, headers={**NO_STORE, "www-authenticate": "Bearer"})
        depth = request.url.path.removeprefix(request.scope.get("root_path", "")).count("/") - 1
        return RedirectResponse("../" * depth + LOGIN_PATH, 303, headers=NO_STORE)

    async def asked(self, request: Request) -> Response:
        """Tell whether the request is somebody's: 204 or 401. Pages ask when their events end."""
        return Response(status_code=204 if self.visitor(request) else 401, headers=NO_STORE)

    async def login(self, request: Request) -> Response:
        """Show the form, or exchange a token for a session."""
        access = self._access.login
        if access is None:
            return RedirectResponse("./", 303)
        if request.method != "POST":
            return HTMLResponse(login_page(), headers=NO_STORE)
        if not same_site(request):
            return HTMLResponse(login_page("Formuläret kom från en annan sida. Försök igen."), 403)
        address = request.client.host if request.client else ""
        wait = access.limit.wait(address)
        if wait > 0:
            text = "För många försök. Vänta en minut och försök igen."
            return HTMLResponse(
                login_page(text), 429, headers={**NO_STORE, "retry-after": str(int(wait) + 1)}
            )
        return await self._exchange(request, access, address)

    async def _exchange(self, request: Request, access: TokenAccess, address: str) -> Response:
        if int(request.headers.get("content-length") or _MAX_FORM_BYTES + 1) > _MAX_FORM_BYTES:
            return HTMLResponse(login_page("Koden är för lång."), 413, headers=NO_STORE)
        async with request.form(max_files=0, max_fields=4) as form:
            token = form.get("kod")
        known = access.known(token.strip()) if isinstance(token, str) else None
        if known is None:
            access.limit.failed(address)
            return HTMLResponse(login_page("Koden stämmer inte."), 403, headers=NO_STORE)
        answer = RedirectResponse("./", 303, headers=NO_STORE)
        answer.set_cookie(
            COOKIE,
            access.session(known),
            max_age=int(known.session_seconds),
            path=request.scope.get("root_path", "") or "/",
            secure=access.secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    async def logout(self, request: Request) -> Response:
        """End the session, and let the browser forget what it has kept."""
        if not same_site(request):
            return refused()
        headers = {**NO_STORE, "clear-site-data": '"cache", "storage"'}
        answer = RedirectResponse(LOGIN_PATH, 303, headers=headers)
        answer.delete_cookie(COOKIE, path=request.scope.get("root_path", "") or "/", httponly=True)
        return answer


def refused() -> Response:
    """Return the page for who is known but may not."""
    text = "Din roll omfattar inte den här sidan."
    return HTMLResponse(message_page("Du får inte se sidan", text), 403, headers=NO_STORE)


def same_site(request: Request) -> bool:
    """Tell whether a form was sent by a page of ours: nobody else may log a person in or out.

    Browsers say where a form comes from. Behind a proxy the scheme may differ, so hosts are compared.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


class SecurityHeaders:
    """Adds the headers that hold for every answer, unless it has its own."""

    def __init__(self, app: ASGIApp) -> None:
        """Take the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                own = {name.lower() for name, _ in headers}
                added = ((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items())
                message["headers"] = [*headers, *((name, value) for name, value in added if name not in own)]
            await send(message)

        await self._app(scope, receive, send_with_headers)
