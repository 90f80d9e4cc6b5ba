"""Sending over SMTP, with the one question that matters answered: taken, surely not taken, or unknown."""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from typing import Protocol

from kommuncenter.delivery.settings import DeliverySettings
from schemas.errors import KommuncenterError, RetriableError

Refused = Mapping[str, int]
"""Recipients that the server would not take, and its answer's code."""


class NotSentError(RetriableError):
    """The server has surely not taken the mail, and may later."""


class NeverSentError(KommuncenterError):
    """The server has surely not taken the mail, and will not before a person has changed something."""


class InDoubtError(KommuncenterError):
    """The mail was on its way when the server stopped answering: whether it took it can't be known."""


class Mailer(Protocol):
    """Sends mails. Blocks."""

    def send(self, message: EmailMessage, sender: str, recipients: Sequence[str]) -> Refused:
        """Send a mail; return whom the server refused, where it took it for at least one.

        Raises NotSentError, NeverSentError or InDoubtError.
        """
        ...


class SmtpMailer:
    """Sends through a mail server, a connection for each mail."""

    def __init__(self, settings: DeliverySettings) -> None:
        """Take the settings; nothing is opened."""
        self._settings = settings
        self._where = f"mail server {settings.host}:{settings.port}"

    def send(self, message: EmailMessage, sender: str, recipients: Sequence[str]) -> Refused:
        """Send a mail step by step, so that it is known how far it got."""
        with contextlib.ExitStack() as stack:
            with self._surely_not():
                server = self._connected(stack)
                refused = self._envelope(server, sender, recipients)
                if len(refused) == len(recipients):
                    self._check(min(refused.values()), "would take none of the recipients")
                self._check(server.docmd("DATA")[0], "would not take the mail", good=354)
            self._check(self._content(server, message), "would not take the mail")
            return refused

    def _connected(self, stack: contextlib.ExitStack) -> smtplib.SMTP:
        """Return a session, encrypted and logged in as the settings say."""
        chosen = self._settings
        server: smtplib.SMTP
        if chosen.security == "tls":
            server = smtplib.SMTP_SSL(
                chosen.host, chosen.port, timeout=chosen.timeout_seconds, context=self._trust()
            )
        else:
            server = smtplib.SMTP(chosen.host, chosen.port, timeout=chosen.timeout_seconds)
        stack.callback(_leave, server)
        if chosen.security == "starttls":
            server.starttls(context=self._trust())
        server.ehlo_or_helo_if_needed()
        if chosen.user:
            server.login(chosen.user, chosen.password.get_secret_value())
        return server

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._settings.ca_file)
        except OSError as error:
            raise NeverSentError(
                f"delivery.ca_file {self._settings.ca_file}: can't be used ({type(error).__name__}); check it"
            ) from error

    def _envelope(self, server: smtplib.SMTP, sender: str, recipients: Sequence[str]) -> dict[str, int]:
        """Name sender and recipients; return those that are refused."""
        self._check(server.mail(sender)[0], "would not take mail from delivery.sender")
        answers = {address: server.rcpt(address)[0] for address in recipients}
        return {address: code for address, code in answers.items() if code not in {250, 251}}

    def _content(self, server: smtplib.SMTP, message: EmailMessage) -> int:
        """Send the mail itself; return the server's answer. From here on only that tells."""
        lines = re.sub(rb"(?m)^\.", b"..", message.as_bytes(policy=SMTP))
        try:
            server.send(lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            return server.getreply()[0]
        except (smtplib.SMTPException, OSError) as error:
            raise InDoubtError(
                f"{self._where}: stopped answering while the mail was on its way ({type(error).__name__})"
            ) from error

    def _check(self, code: int, what: str, good: int = 250) -> None:
        if code == good:
            return
        kind, advice = (
            (NotSentError, "it is tried again")
            if 400 <= code < 500
            else (NeverSentError, "see the server's log, correct [delivery], and use `deliver resend`")
        )
        raise kind(f"{self._where}: {what} (code {code}); {advice}")

    @contextlib.contextmanager
    def _surely_not(self) -> Iterator[None]:
        """Turn what goes wrong before the mail itself is sent into ours. Answers may name addresses."""
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            self._check(error.smtp_code, "would not let delivery.user in")
        except smtplib.SMTPResponseException as error:
            self._check(error.smtp_code, "would not talk")
        except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as error:
            raise NeverSentError(
                f"{self._where}: {type(error).__name__}; correct delivery.security, or name the issuer of "
                "its certificate in delivery.ca_file"
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotSentError(f"{self._where}: no answer ({type(error).__name__}); is it up?") from error


def _leave(server: smtplib.SMTP) -> None:
    """Take leave; a server that has gone already is no fault any more."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()
