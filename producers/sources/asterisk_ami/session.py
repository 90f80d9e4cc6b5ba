"""A session with an exchange's manager interface: connect, log in, listen, and notice when it is dead."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping

from producers.sources.asterisk_ami.protocol import END, Message, action, answer_to, parse
from producers.sources.asterisk_ami.settings import AmiSettings
from schemas.errors import ConfigurationError, RetriableError

EVENTS = "call,agent,system,dialplan"
"""Classes of events that are asked for: dialplan tells why a caller left a queue, system of restarts."""
_LARGEST_MESSAGE = 1 << 18
_PING = "ping"


class Session:
    """A logged-in connection. Use :func:`session`."""

    def __init__(
        self, settings: AmiSettings, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take a connection to the exchange."""
        self._settings = settings
        self._reader = reader
        self._writer = writer

    async def send(self, name: str, headers: Mapping[str, str] | None = None) -> None:
        """Send an action. Raises RetriableError."""
        with _away():
            self._writer.write(action(name, headers or {}))
            await asyncio.wait_for(self._writer.drain(), self._settings.timeout_seconds)

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what the exchange says, for ever. Raises RetriableError when it is gone, or says nothing.

        After a silence it is asked for a sign of life, which is yielded as well.
        """
        asked = False
        while True:
            wait = self._settings.timeout_seconds if asked else self._settings.ping_seconds
            try:
                with _away():
                    # What has come of a message stays there when the time is up.
                    block = await asyncio.wait_for(self._reader.readuntil(END), wait)
            except RetriableError as error:
                if asked or not isinstance(error.__cause__, TimeoutError):
                    raise
                await self.send("Ping", {"ActionID": _PING})
                asked = True
                continue
            asked = False
            if block.strip():
                yield parse(block)

    async def log_in(self, secret: str) -> None:
        """Prove to know the secret, without sending it. Raises ConfigurationError where it is refused."""
        with _away():
            greeting = await self._within(self._reader.readuntil(b"\r\n"))
        if b"Call Manager" not in greeting:
            raise ConfigurationError("what answers at the host and port is no manager interface")
        await self.send("Challenge", {"AuthType": "MD5"})
        challenge = (await self._answer()).get("Challenge", "")
        await self.send(
            "Login",
            {
                "AuthType": "MD5",
                "Username": self._settings.user,
                "Key": answer_to(challenge, secret),
                "Events": EVENTS,
            },
        )
        if (await self._answer()).get("Response") != "Success":
            raise ConfigurationError("the exchange refuses the user or the secret; look at manager.conf")

    async def _answer(self) -> Message:
        with _away():
            return parse(await self._within(self._reader.readuntil(END)))

    async def _within(self, reading: Awaitable[bytes]) -> bytes:
        return await asyncio.wait_for(reading, self._settings.timeout_seconds)


@contextlib.asynccontextmanager
async def session(settings: AmiSettings, secret: str) -> AsyncIterator[Session]:
    """Connect and log in. Raises RetriableError while the exchange is away, and ConfigurationError."""
    encryption = ssl.create_default_context(cafile=settings.ca_file) if settings.tls else None
    with _away():
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(settings.host, settings.port, ssl=encryption, limit=_LARGEST_MESSAGE),
            settings.timeout_seconds,
        )
    try:
        opened = Session(settings, reader, writer)
        await opened.log_in(secret)
        yield opened
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise ConfigurationError(
            f"the exchange's certificate is not trusted: {error.verify_message}"
        ) from error
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise RetriableError(f"the exchange can't be reached ({type(error).__name__})") from error
