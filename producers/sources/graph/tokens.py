"""Access tokens for Microsoft Graph, from Entra, by client credentials: a secret or a certificate."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from msal.application import ConfidentialClientApplication
from requests.adapters import HTTPAdapter

from producers.sources.graph.settings import GraphSettings
from schemas.errors import ConfigurationError, KommuncenterError, RetriableError

_ERROR_NUMBER: Final = re.compile(r"\bAADSTS\d+")
_FOR_NOW: Final = frozenset({"temporarily_unavailable", "server_error", "too_many_requests"})


class Tokens:
    """Access tokens by client credentials. Blocking: use it from a thread. Building one opens nothing."""

    def __init__(self, settings: GraphSettings) -> None:
        self._settings = settings
        self._session = requests.Session()
        self._session.mount("https://", _Adapter(settings))
        self._app: Any = None

    def get(self, *, fresh: bool = False) -> str:
        """Return a token: a kept one while it is good, unless a ``fresh`` one is asked for.

        Raises ConfigurationError for what Entra refuses, and RetriableError while it is away.
        """
        try:
            if fresh or self._app is None:
                self._app = self._application()
            scope = f"https://{urlsplit(self._settings.endpoint).netloc}/.default"
            answer = self._app.acquire_token_for_client(scopes=[scope])
        except requests.exceptions.SSLError:
            raise ConfigurationError(
                f"graph.authority {self._settings.authority}: its certificate can't be trusted; name its "
                "issuer in graph.ca_file"
            ) from None
        except requests.RequestException as error:
            raise RetriableError(f"graph: Entra can't be reached ({type(error).__name__})") from None
        except ValueError:
            raise ConfigurationError(
                f"graph.tenant {self._settings.tenant!r}: unknown at {self._settings.authority}, or "
                "graph.certificate holds no private key and certificate; check both"
            ) from None
        if "access_token" in answer:
            return str(answer["access_token"])
        raise self._refusal(answer)

    def close(self) -> None:
        """Close what connections there are; the next call opens new ones."""
        self._session.close()

    def _application(self) -> Any:
        own = self._settings
        return ConfidentialClientApplication(  # type: ignore[no-untyped-call]
            own.client_id,
            client_credential=self._credential(),
            authority=f"{own.authority.rstrip('/')}/{own.tenant}",
            instance_discovery=False,
            http_client=self._session,
        )

    def _credential(self) -> str | dict[str, str]:
        own = self._settings
        if own.certificate is not None:
            try:
                text = own.certificate.read_text("ascii")
            except (OSError, ValueError) as error:
                raise ConfigurationError(
                    f"graph.certificate {own.certificate}: can't be read ({type(error).__name__})"
                ) from None
            return {"private_key": text, "public_certificate": text}
        given = (
            own.client_secret.get_secret_value()
            if own.client_secret
            else os.environ.get(own.client_secret_env)
        )
        if not given:
            raise ConfigurationError(
                f"graph.client_secret: not set; put it in the environment variable {own.client_secret_env}, "
                "or name a certificate"
            )
        return given

    def _refusal(self, answer: Mapping[str, object]) -> KommuncenterError:
        """Say why Entra gave no token by its codes; its own words are left out."""
        code = str(answer.get("error"))
        number = _ERROR_NUMBER.search(str(answer.get("error_description", "")))
        said = f"{code}, {number[0]}" if number else code
        if code in _FOR_NOW:
            return RetriableError(f"graph: Entra gives no token for now ({said})")
        return ConfigurationError(
            f"graph: Entra gives no token ({said}); check tenant, client_id, and the secret or certificate"
        )


class _Adapter(HTTPAdapter):
    """Sends with the timeout and the trust of the settings, over which the environment's would win."""

    def __init__(self, settings: GraphSettings) -> None:
        self._own_timeout = settings.timeout_seconds
        self._own_verify = str(settings.ca_file) if settings.ca_file else None
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        options |= {"timeout": self._own_timeout}
        if self._own_verify is not None:
            options |= {"verify": self._own_verify}
        return super().send(request, *args, **options)
