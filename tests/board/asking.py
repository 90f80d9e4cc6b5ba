"""A visitor of an application in this process: sends requests without a server, and keeps cookies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.datastructures import Headers

HOST = "board.example"


@dataclass(frozen=True)
class Answered:
    """A whole answer."""

    status_code: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass
class Visiting:
    """Somebody who asks an application; ``address`` is where the connection comes from."""

    app: Starlette
    address: str = "192.0.2.7"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answered:
        """Fetch an address."""
        return self._ask("GET", path, headers or {}, b"")

    def post(
        self, path: str, data: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """Send a form."""
        body = urlencode(data or {}).encode()
        kind = {
            "content-type": "application/x-www-form-urlencoded",
            "content-length": str(len(body)),
        }
        return self._ask("POST", path, {**kind, **(headers or {})}, body)

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answered:
        bare, _, query = path.partition("?")
        sent = {"host": HOST, **headers}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": bare,
            "raw_path": bare.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            "client": (self.address, 50000),
            "server": (HOST, 80),
        }
        answer = asyncio.run(_answer(self.app, scope, body))
        self._keep(answer.headers.getlist("set-cookie"))
        return answer

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            for name, cookie in SimpleCookie(line).items():
                if cookie["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = cookie.value


async def _answer(app: Starlette, scope: dict[str, Any], body: bytes) -> Answered:
    sent = [{"type": "http.request", "body": body, "more_body": False}]
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return sent.pop() if sent else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    await app(scope, receive, send)
    start = next(message for message in said if message["type"] == "http.response.start")
    chunks = (message.get("body", b"") for message in said if message["type"] == "http.response.body")
    return Answered(start["status"], Headers(raw=start["headers"]), b"".join(chunks))
