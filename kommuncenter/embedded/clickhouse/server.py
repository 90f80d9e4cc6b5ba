"""ClickHouse's HTTP interface, as far as clickhouse-connect, clickhouse-go and curl use it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kommuncenter.embedded.clickhouse import wire
from kommuncenter.embedded.clickhouse.engine import Answer, Engine, Query
from kommuncenter.embedded.clickhouse.errors import (
    AUTHENTICATION_FAILED,
    NOT_IMPLEMENTED,
    REQUIRED_PASSWORD,
    STD_EXCEPTION,
    ClickHouseError,
    refusal,
)

MAX_BODY_BYTES = 256 * 1024 * 1024
ZONE = "UTC"
_HELLO = "SELECT displayName(), version(), revision(), timezone()"
# URL parameters that the HTTP interface takes for itself. No session is kept, so session_id has no effect.
_NO_SETTINGS = frozenset(
    {"query", "user", "password", "database", "default_format", "query_id", "role", "quota_key"}
    | {"session_id", "session_timeout", "session_check", "compress", "decompress", "wait_end_of_query"}
    | {"buffer_size", "client_protocol_version", "enable_http_compression"}
    | {"send_progress_in_http_headers", "http_headers_progress_interval_ms"}
    | {"cancel_http_readonly_queries_on_client_close"}
)
_CONTENT_TYPES = {
    "Native": "application/octet-stream",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "JSON": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
}


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may use the endpoint; a reader may change nothing."""

    name: str
    password: str
    reader: bool


def application(engine: Engine, users: tuple[User, ...], workers: Executor) -> Starlette:
    """The ASGI application over one engine."""
    endpoint = _Endpoint(engine, users, workers)
    routes = [
        Route("/", endpoint.query, methods=["GET", "POST"]),
        Route("/ping", _ping, methods=["GET"]),
    ]
    return Starlette(routes=routes)


async def _ping(request: Request) -> Response:
    del request
    return Response("Ok.\n", media_type="text/html")


class _Endpoint:
    def __init__(self, engine: Engine, users: tuple[User, ...], workers: Executor) -> None:
        self._engine = engine
        self._users = users
        self._workers = workers

    async def query(self, request: Request) -> Response:
        url = dict(parse_qsl(request.url.query, keep_blank_values=True))
        query_id = url.get("query_id") or secrets.token_hex(16)
        try:
            user = authenticate(self._users, request.headers, url)
            body = await _body(request) if request.method == "POST" else b""
            form = await _form(request, body)
            work = partial(self._answer, request, {**url, **form}, b"" if form else body, user)
            response = await asyncio.get_running_loop().run_in_executor(self._workers, work)
        except ClickHouseError as error:
            response = _failure(error)
        except Exception as error:  # a client must never be left without an answer
            response = _failure(refusal(STD_EXCEPTION, f"{type(error).__name__} inside the endpoint."))
        response.headers["X-ClickHouse-Query-Id"] = query_id
        response.headers["X-ClickHouse-Timezone"] = ZONE
        return response

    def _answer(self, request: Request, url: Mapping[str, str], body: bytes, user: User) -> Response:
        """Runs in a worker thread: unpack, run, pack."""
        body = wire.decompress(body, request.headers.get("content-encoding", ""), MAX_BODY_BYTES)
        source = url["query"].encode() + b"\n" + body if url.get("query") else body
        if not source.strip() and request.method == "GET":
            return Response("Ok.\n", media_type="text/html")
        if "1" in (url.get("compress"), url.get("decompress")):
            raise refusal(NOT_IMPLEMENTED, "ClickHouse's own block compression is not known here: use gzip.")
        answer = self._hello(source, url) or self._engine.run(_query(request, url, source, user))
        packed, coding = answer.body, None
        if url.get("enable_http_compression") == "1":
            packed, coding = wire.compress(answer.body, request.headers.get("accept-encoding", ""))
        return _success(answer, packed, coding)

    def _hello(self, source: bytes, url: Mapping[str, str]) -> Answer | None:
        revision = url.get("client_protocol_version", "0")
        if source.strip() != _HELLO.encode() or not revision.isdecimal() or revision == "0":
            return None
        return Answer(
            wire.handshake_block(self._engine.version, ZONE, int(revision)), "Native", result_rows=1
        )


def authenticate(users: tuple[User, ...], headers: Headers, url: Mapping[str, str]) -> User:
    """The user whom headers or URL name with the right password. Raises ClickHouseError."""
    given = _credentials(headers, url)
    if given is None:
        raise refusal(REQUIRED_PASSWORD, "Authentication is required: give user and password.")
    name, password = (text.encode("utf-8", "surrogatepass") for text in given)
    for user in users:
        # Both comparisons always run, so that the time taken says nothing about either.
        same_name = hmac.compare_digest(name, user.name.encode())
        if hmac.compare_digest(password, user.password.encode()) and same_name:
            return user
    raise refusal(
        AUTHENTICATION_FAILED,
        "Authentication failed: password is incorrect, or there is no user with such name.",
    )


def _credentials(headers: Headers, url: Mapping[str, str]) -> tuple[str, str] | None:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise refusal(AUTHENTICATION_FAILED, "Invalid authentication: the header is damaged.") from error
        return name, password
    if "x-clickhouse-user" in headers:
        return headers["x-clickhouse-user"], headers.get("x-clickhouse-key", "")
    if "user" in url:
        return url["user"], url.get("password", "")
    return None


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise wire.too_large(MAX_BODY_BYTES)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise wire.too_large(MAX_BODY_BYTES)
        chunks.append(chunk)
    return b"".join(chunks)


async def _form(request: Request, body: bytes) -> dict[str, str]:
    """The fields of a multipart body: clickhouse-connect sends query and parameters so when they are long."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return {}
    replay = Request(request.scope, _Once(body))
    try:
        fields = await replay.form(max_files=0, max_part_size=MAX_BODY_BYTES)
    except HTTPException as error:
        raise refusal(NOT_IMPLEMENTED, "The embedded endpoint takes no external tables.") from error
    return {name: value for name, value in fields.items() if isinstance(value, str)}


class _Once:
    """An ASGI receive channel with one body that has been read already."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __call__(self) -> dict[str, object]:
        return {"type": "http.request", "body": self._body, "more_body": False}


def _query(request: Request, url: Mapping[str, str], source: bytes, user: User) -> Query:
    headers = request.headers
    settings = {k: v for k, v in url.items() if k not in _NO_SETTINGS and not k.startswith("param_")}
    return Query(
        source,
        settings=settings,
        parameters={k.removeprefix("param_"): v for k, v in url.items() if k.startswith("param_")},
        database=url.get("database") or headers.get("x-clickhouse-database", ""),
        default_format=url.get("default_format") or headers.get("x-clickhouse-format", "TabSeparated"),
        # As the server does it: a GET may change nothing.
        readonly=2 if user.reader or request.method == "GET" else 0,
        reader=user.reader,
    )


def _success(answer: Answer, body: bytes, coding: str | None) -> Response:
    response = Response(body, media_type=_CONTENT_TYPES.get(answer.format or "", "text/plain; charset=UTF-8"))
    if answer.format is not None:
        response.headers["X-ClickHouse-Format"] = answer.format
    if coding is not None:
        response.headers["Content-Encoding"] = coding
    summary = {
        "read_rows": answer.read_rows,
        "read_bytes": answer.read_bytes,
        "written_rows": answer.written_rows,
        "written_bytes": answer.written_bytes,
        "total_rows_to_read": 0,
        "result_rows": answer.result_rows,
        "result_bytes": len(answer.body),
        "elapsed_ns": answer.elapsed_ns,
    }
    response.headers["X-ClickHouse-Summary"] = json.dumps(
        {name: str(value) for name, value in summary.items()}
    )
    return response


def _failure(error: ClickHouseError) -> Response:
    response = Response(error.text + "\n", status_code=error.status, media_type="text/plain; charset=UTF-8")
    response.headers["X-ClickHouse-Exception-Code"] = str(error.code)
    if error.code == REQUIRED_PASSWORD:
        response.headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
    return response
