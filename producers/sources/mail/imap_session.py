"""One IMAP connection: opens folders read-only and fetches header blocks. Blocking; use it from a thread."""

from __future__ import annotations

import contextlib
import imaplib
import os
import re
import socket
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxLoginError, UnexpectedCommandStatusError

from producers.sources.mail.headers import HEADER_BYTES
from producers.sources.mail.settings import ImapSettings
from schemas.errors import ConfigurationError

CUT_CONNECTION = (OSError, imaplib.IMAP4.error, ImapToolsError)
"""What a connection raises when it breaks, or when the server can't serve for now."""

_PARTS = f"(UID INTERNALDATE BODY.PEEK[HEADER]<0.{HEADER_BYTES}>)"
_PIECE = 50_000
_UID = re.compile(rb"\bUID (\d+)")
_DATE = re.compile(
    rb'INTERNALDATE "([ \d]?\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"'
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FOR_NOW = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]", re.IGNORECASE)  # RFC 5530 §3


@dataclass(frozen=True, slots=True)
class Fetched:
    """One message: its number in the folder, the server's date (UTC) and its header block."""

    uid: int
    received_at: datetime | None
    header: bytes


def refused_for_good(error: UnexpectedCommandStatusError) -> bool:
    """Tell whether a server's NO is an answer that waiting won't change."""
    return _FOR_NOW.search(str(error.command_result)) is None


def password_of(settings: ImapSettings) -> str:
    """Return the password. Raises ConfigurationError where there is none."""
    given = (
        settings.password.get_secret_value() if settings.password else os.environ.get(settings.password_env)
    )
    if not given:
        raise ConfigurationError(
            f"imap.password: not set; put it in the environment variable {settings.password_env}"
        )
    return given


class Session:
    """A connection that is logged in. Building one connects."""

    def __init__(self, settings: ImapSettings) -> None:
        """Connect and log in.

        Raises ConfigurationError where the server refuses the login or its certificate can't be trusted,
        and one of CUT_CONNECTION where it can't be reached for now.
        """
        password = password_of(settings)
        self._mailbox = _connect(settings)
        try:
            _login(self._mailbox, settings, password)
        except BaseException:
            self.close()
            raise
        self._open: str | None = None
        self._validity = 0
        self._next = 0

    def examine(self, folder: str) -> int:
        """Open a folder read-only, and see what is new in it. Return its UIDVALIDITY."""
        self._open = None
        self._mailbox.folder.set(folder, readonly=True)
        self._open, self._validity = folder, self._told("UIDVALIDITY")
        self._next = self._told("UIDNEXT")
        return self._validity

    def ensure_open(self, folder: str) -> int:
        """Return the UIDVALIDITY of a folder, opening it only if another one is open."""
        return self._validity if self._open == folder else self.examine(folder)

    def uids_after(self, uid: int, since: date | None) -> list[int]:
        """Return the numbers above ``uid`` in the open folder, ascending.

        Asked for in pieces: the answer is one line, and imaplib takes no line of more than a megabyte.
        """
        days = f" SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}" if since is not None else ""
        pieces = [f"{at}:{at + _PIECE - 1}" for at in range(uid + 1, self._next, _PIECE)]
        found: set[int] = set()
        # Where the server does not tell UIDNEXT: `n:*`, which always includes the last message, also where
        # its number is below n (RFC 3501 §6.4.8).
        for piece in pieces if self._next else [f"{uid + 1}:*"]:
            found.update(map(int, self._mailbox.uids(f"UID {piece}{days}", charset=None)))
        return sorted(number for number in found if number > uid)

    def fetch(self, uids: Sequence[int]) -> list[Fetched]:
        """Return the messages with these numbers that still exist, ascending."""
        status, answer = self._mailbox.client.uid("FETCH", ",".join(map(str, uids)), _PARTS)
        if status != "OK":
            raise imaplib.IMAP4.abort("the server refused to fetch")
        wanted = set(uids)
        return sorted((one for one in parse_fetch(answer) if one.uid in wanted), key=lambda one: one.uid)

    @property
    def can_idle(self) -> bool:
        """Tell whether the server can tell of new mail."""
        return "IDLE" in self._mailbox.client.capabilities

    def start_idle(self) -> None:
        """Ask to be told of new mail in the open folder: :meth:`fileno` then becomes readable."""
        self._mailbox.idle.start()  # type: ignore[no-untyped-call]

    def stop_idle(self) -> None:
        """End what :meth:`start_idle` began."""
        self._mailbox.idle.stop()  # type: ignore[no-untyped-call]

    def _told(self, code: str) -> int:
        """Return the number that the server gave with this response code; 0 where it gave none."""
        _, values = self._mailbox.client.response(code)
        first = values[0] if values else None
        return int(first) if isinstance(first, bytes) else 0

    def fileno(self) -> int:
        """Return the descriptor of the connection."""
        return self._mailbox.client.sock.fileno()

    def close(self) -> None:
        """Cut the connection at once, also under a thread that reads from it."""
        client = self._mailbox.client
        with contextlib.suppress(OSError):
            client.sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(*CUT_CONNECTION):
            client.shutdown()


def parse_fetch(answer: Iterable[object]) -> list[Fetched]:
    """Return the messages in imaplib's answer to FETCH.

    The answer holds (text before a literal, literal) pairs, each followed by the text after it, and now and
    then a line that the server sent unasked.
    """
    messages: list[tuple[bytes, bytes]] = []
    for item in answer:
        if isinstance(item, tuple) and len(item) == 2:
            messages.append((bytes(item[0]), bytes(item[1])))
        elif (
            isinstance(item, bytes) and item.lstrip().startswith((b")", b"UID", b"INTERNALDATE")) and messages
        ):
            messages[-1] = (messages[-1][0] + b" " + item, messages[-1][1])
        elif isinstance(item, bytes) and b"BODY[HEADER]" in item:
            messages.append((item, b""))
    fetched = (_fetched(text, header) for text, header in messages)
    return [one for one in fetched if one is not None]


def _fetched(text: bytes, header: bytes) -> Fetched | None:
    uid = _UID.search(text)
    return Fetched(int(uid[1]), _internal_date(text), header) if uid else None


def _internal_date(text: bytes) -> datetime | None:
    """Return the server's date in UTC; None where there is none or it is no date."""
    found = _DATE.search(text)
    if found is None:
        return None
    day, month, year, hour, minute, second, sign, off_hours, off_minutes = (
        part.decode("ascii") for part in found.groups()
    )
    try:
        offset = timedelta(hours=int(off_hours), minutes=int(off_minutes)) * (-1 if sign == "-" else 1)
        number = _MONTHS.index(month.capitalize()) + 1
        at = datetime(
            int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=timezone(offset)
        )
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _connect(settings: ImapSettings) -> BaseMailBox:
    if settings.security == "none":
        return MailBoxUnencrypted(settings.host, settings.port, settings.timeout_seconds)
    try:
        # Given to imap-tools, because what imaplib makes by itself verifies nothing.
        trust = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise ConfigurationError(
            f"imap.ca_file {settings.ca_file}: can't be used ({type(error).__name__}); check the file"
        ) from None
    try:
        if settings.security == "starttls":
            return MailBoxStartTls(settings.host, settings.port, settings.timeout_seconds, trust)
        return MailBox(settings.host, settings.port, settings.timeout_seconds, ssl_context=trust)
    except ssl.SSLCertVerificationError as error:
        raise ConfigurationError(
            f"imap.host {settings.host}: its certificate can't be trusted ({error.verify_message}); "
            "check the host's name, or name its issuer in imap.ca_file"
        ) from None


def _login(mailbox: BaseMailBox, settings: ImapSettings, password: str) -> None:
    refusal = (
        f"imap: {settings.host} refuses the login; check imap.user, and the password in the environment "
        f"variable {settings.password_env}"
    )
    try:
        if password.isascii() and settings.user.isascii():
            mailbox.login(settings.user, password, initial_folder=None)
        else:
            mailbox.login_utf8(settings.user, password, initial_folder=None)
    except MailboxLoginError as error:
        if refused_for_good(error):
            raise ConfigurationError(refusal) from None
        raise
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        if _FOR_NOW.search(str(error)):
            raise
        raise ConfigurationError(refusal) from None
