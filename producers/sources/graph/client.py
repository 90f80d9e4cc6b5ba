"""Asks Microsoft Graph for pages of changes, and waits when told to."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote

import aiohttp
import structlog
from yarl import URL

from producers.sources.graph.fields import EXPAND, SELECT
from producers.sources.graph.settings import GraphSettings
from producers.sources.graph.tokens import Tokens
from schemas.clock import Clock
from schemas.errors import ConfigurationError, RetriableError

ATTEMPTS: Final = 6
"""How often a page is asked for before the runner is told that Graph is away."""

Sleep = Callable[[float], Awaitable[None]]

_log = structlog.get_logger(__name__)
_LOST_STATE: Final = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired"})


class LostState(Exception):  # noqa: N818 - a turn of the protocol, not a fault
    """Graph has forgotten what a link stood for: the folder is to be read from its beginning."""


class Refused(Exception):  # noqa: N818 - the reader decides what it means
    """Graph does not give this folder. The message names status and code, and nobody."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a folder's changes, the link to go on with, and whether it was the last for now."""

    items: Sequence[Mapping[str, object]]
    link: str
    last: bool


class GraphClient:
    """A connection to Graph; an async context manager. Building one connects to nothing."""

    def __init__(self, settings: GraphSettings, tokens: Tokens, clock: Clock, sleep: Sleep) -> None:
        self._settings = settings
        self._tokens = tokens
        self._clock = clock
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> GraphClient:
        try:
            trust = ssl.create_default_context(cafile=self._settings.ca_file)
        except OSError as error:
            raise ConfigurationError(
                f"graph.ca_file {self._settings.ca_file}: can't be used ({type(error).__name__})"
            ) from None
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust),
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout_seconds),
            trust_env=True,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._tokens.close()
        if self._session is not None:
            await self._session.close()

    def first_link(self, user: str, folder: str) -> str:
        """Return the link with which reading a folder begins."""
        path = f"users/{quote(user, safe='@')}/mailFolders/{quote(folder, safe='')}/messages/delta"
        query = f"$select={SELECT}&$expand={quote(EXPAND, safe='()$=')}"
        return f"{self._settings.endpoint.rstrip('/')}/{path}?{query}"

    def is_ours(self, link: str) -> bool:
        """Tell whether a link leads to Graph: a token is sent nowhere else."""
        try:
            return URL(link).origin() == URL(self._settings.endpoint).origin()
        except ValueError:
            return False

    async def page(self, link: str) -> Page:
        """Return the page behind a link, waiting as long as Graph says, a few times.

        Raises LostState, Refused, RetriableError while Graph is away, and ConfigurationError.
        """
        fresh = False
        for attempt in range(ATTEMPTS):
            token = await asyncio.to_thread(self._tokens.get, fresh=fresh)
            answer = await self._ask(link, token)
            if answer.status == 200:
                return self._page(answer.body)
            if answer.status == 401 and not fresh:
                fresh = True
            elif answer.passes:
                await self._sleep(answer.wait(attempt, self._clock.now()))
            else:
                raise answer.error()
        raise RetriableError("graph: is away, or asks to wait longer")

    async def _ask(self, link: str, token: str) -> _Answer:
        assert self._session is not None, "enter the client first"
        prefer = f'IdType="ImmutableId", odata.maxpagesize={self._settings.page_size}'
        headers = {"Authorization": f"Bearer {token}", "Prefer": prefer, "Accept": "application/json"}
        url = URL(link, encoded=True)  # as Graph gave it: its tokens are opaque
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                body = await response.read()
                return _Answer(response.status, response.headers.get("Retry-After"), body)
        except aiohttp.ClientConnectorCertificateError:
            raise ConfigurationError(
                f"graph.endpoint {self._settings.endpoint}: its certificate can't be trusted; name its "
                "issuer in graph.ca_file"
            ) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            return _Answer(0, None, b"", type(error).__name__)

    def _page(self, body: bytes) -> Page:
        try:
            found = json.loads(body)
            items = [item for item in found["value"] if isinstance(item, dict)]
            last = "@odata.deltaLink" in found
            link = str(found["@odata.deltaLink" if last else "@odata.nextLink"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise RetriableError("graph: a page is no page of messages") from None
        if not self.is_ours(link):
            raise RetriableError("graph: a page leads to another host, which gets no token")
        return Page(items, link, last)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of a request; status 0 where no answer came, then ``fault`` says why."""

    status: int
    retry_after: str | None
    body: bytes
    fault: str = ""

    @property
    def passes(self) -> bool:
        """Whether trying again may help."""
        return self.status in {0, 408, 429} or self.status >= 500

    def wait(self, attempt: int, now: datetime) -> float:
        """Return how many seconds to wait: what Graph says, else twice as long each time."""
        seconds = _seconds(self.retry_after, now) if self.retry_after else None
        waiting = seconds if seconds is not None else float(2**attempt)
        _log.warning("graph_waits", status=self.status or self.fault, seconds=waiting)
        return waiting

    def error(self) -> Exception:
        """Return what an answer means that trying again does not change."""
        code = self._code()
        if self.status == 410 or code.lower() in _LOST_STATE:
            return LostState()
        if self.status == 401:
            return RetriableError("graph: refuses a new token")
        return Refused(f"{self.status} {code}")

    def _code(self) -> str:
        """Return Graph's code of the error; its own words may name people and are left out."""
        try:
            code = json.loads(self.body)["error"]["code"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return ""
        return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z]{1,64}", code) else ""


def _seconds(retry_after: str, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header, which has seconds or a date; None where it has neither."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
