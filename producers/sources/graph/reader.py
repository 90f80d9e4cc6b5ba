"""The Graph reader: changes of all folders of all mailboxes, oldest first, for ever; writes nothing.

A place is ``{"<mailbox> inbox": link, "<mailbox> sent": link}``, Graph's own next or delta links. A folder
whose link Graph has forgotten is read from its beginning again; deterministic ids make that harmless.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import structlog

from producers.contract import Batch, Place, Raw
from producers.sources.graph.client import GraphClient, LostState, Page, Refused, Sleep
from producers.sources.graph.fields import slimmed
from producers.sources.graph.messages import instant
from producers.sources.graph.settings import GraphSettings
from producers.sources.graph.tokens import Tokens
from producers.sources.mail.messages import INBOX, SENT
from schemas.clock import Clock
from schemas.errors import ConfigurationError, KommuncenterError, RetriableError
from schemas.timebase import day_start

TOGETHER: Final = 20_000
"""How many messages are read before they are put in order and handed on (some 20 MB)."""

_log = structlog.get_logger(__name__)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

Links = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to read. ``key`` names it in places."""

    key: str
    mailbox: str
    kind: str
    user: str
    folder: str


def dump_place(links: Links) -> Place:
    """Return links as text, the same links always as the same text."""
    return json.dumps(links, sort_keys=True, separators=(",", ":"))


def load_place(place: Place | None) -> Links:
    """Return the links in a place. One that is not ours starts again: doubles do no harm."""
    if place is None:
        return {}
    try:
        found = json.loads(place)
        return {str(key): link for key, link in found.items() if isinstance(link, str)}
    except (ValueError, AttributeError, RecursionError):
        _log.warning("graph_place_unreadable", action="reading from the beginning")
        return {}


class GraphReader:
    """Reads mailboxes. Building one connects to nothing."""

    def __init__(
        self, settings: GraphSettings, clock: Clock, sleep: Sleep = asyncio.sleep, together: int = TOGETHER
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._together = together
        self._tokens = Tokens(settings)
        self._folders = tuple(_folders(settings))
        self._opened: set[str] = set()

    async def batches(self, start: Place | None) -> AsyncIterator[Batch]:
        """Yield batches for ever; an empty one says that there was nothing new.

        Raises RetriableError while Graph or Entra is away: go on from the last place. Raises
        ConfigurationError for refused credentials, a certificate that can't be trusted, or a folder that was
        never given.
        """
        links = load_place(start)
        async with GraphClient(self._settings, self._tokens, self._clock, self._sleep) as client:
            while True:
                before = dump_place(links)
                records, links, whole = await self._look(client, links)
                after = dump_place(links)
                for batch in self._batched(records, before, after):
                    yield batch
                if whole:
                    yield Batch(after, after, ())
                    await self._sleep(self._settings.poll_seconds)

    async def _look(self, client: GraphClient, links: Links) -> tuple[list[Raw], Links, bool]:
        """Return what is new in all folders in the order in which it came, and whether that is all.

        Graph gives a folder's messages in no order. Handed on as they come, a first start on an old mailbox
        would give years of answers first and then years of questions, all late.
        """
        found: list[Raw] = []
        reached = dict(links)
        waiting = deque(self._folders)
        while waiting and len(found) < self._together:
            folder = waiting.popleft()
            page = await self._page(client, folder, reached.get(folder.key))
            reached[folder.key] = page.link
            found += self._records(folder, page)
            if not page.last:
                waiting.append(folder)
        found.sort(key=lambda record: (record.received_at or _LONG_AGO, record.place))
        return found, reached, not waiting

    async def _page(self, client: GraphClient, folder: _Folder, link: str | None) -> Page:
        first = client.first_link(folder.user, folder.folder)
        try:
            try:
                page = await client.page(link if link is not None and client.is_ours(link) else first)
            except LostState:
                _log.warning("graph_state_lost", folder=folder.key, action="reading it from the beginning")
                page = await client.page(first)
        except LostState:
            raise RetriableError(f"graph: {folder.key} has no beginning for now") from None
        except Refused as error:
            raise self._refusal(folder, error) from None
        self._opened.add(folder.key)
        return page

    def _refusal(self, folder: _Folder, error: Refused) -> KommuncenterError:
        """Until a folder was given once, a refusal is a wrong setting; later it may be taken back soon."""
        if folder.key in self._opened:
            return RetriableError(f"graph: {folder.key} is refused for now ({error})")
        return ConfigurationError(
            f"graph.mailboxes.{folder.mailbox}: Graph does not give its {folder.kind} folder ({error}); "
            "check user and folder, and that the app registration may read this mailbox (Mail.Read)"
        )

    def _records(self, folder: _Folder, page: Page) -> Iterator[Raw]:
        """Yield what is in a page; what was deleted or moved away is no news."""
        for item in page.items:
            if "@removed" in item:
                continue
            at = instant(str(item.get("receivedDateTime")))
            if _is_before(at, self._settings.since):
                continue
            yield Raw(
                payload=json.dumps(slimmed(item), ensure_ascii=False).encode("utf-8", "surrogatepass"),
                place=f"{folder.key} {item.get('id')}",
                received_at=at,
                attributes={"folder": folder.kind, "mailbox": folder.mailbox},
            )

    def _batched(self, records: Sequence[Raw], before: Place, after: Place) -> Iterator[Batch]:
        """Yield batches of records. Only after the last one the place is another one."""
        size = self._settings.batch_size
        for at in range(0, len(records), size):
            last = at + size >= len(records)
            yield Batch(before, after if last else before, records[at : at + size])
        if not records and after != before:
            yield Batch(before, after, ())


def _folders(settings: GraphSettings) -> Iterator[_Folder]:
    for name, mailbox in settings.mailboxes.items():
        for kind, folders in ((SENT, mailbox.sent), (INBOX, mailbox.inbox)):
            for number, folder in enumerate(folders):
                key = f"{name} {kind}" if number == 0 else f"{name} {kind} {folder}"
                yield _Folder(key, name, kind, mailbox.user, folder)


def _is_before(at: datetime | None, day: date | None) -> bool:
    return at is not None and day is not None and at < day_start(day)
