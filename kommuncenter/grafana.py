"""Grafana over its HTTP API: the only place that knows grafana-api (1.0.3, of 2020).

What that lacks (versions of a board, annotations' answers of today) goes through its raw client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import requests
from grafana_api.grafana_api import GrafanaClientError, GrafanaException, GrafanaServerError
from grafana_api.grafana_face import GrafanaFace

from dashboards.grafana.publish import Published
from kommuncenter.settings import GrafanaSettings
from schemas.errors import ConfigurationError, KommuncenterError, RetriableError

T = TypeVar("T")
_TOKEN = "Make a service account with the role Editor in Grafana, and set its token in KC_GRAFANA__TOKEN"  # noqa: S105 - no token


class NotFoundError(ConfigurationError):
    """Grafana has no such thing."""


class ForbiddenError(ConfigurationError):
    """The token's rights do not suffice."""


class ConflictError(RetriableError):
    """It was changed, or made, by someone else."""


@contextmanager
def connected(settings: GrafanaSettings) -> Iterator[Grafana]:
    """Give Grafana. Connects at the first call. Raises ConfigurationError without an address or a token."""
    if not settings.url:
        raise ConfigurationError(
            "grafana.url is not set: give Grafana's address, as in https://grafana.example"
        )
    if settings.token is None:
        raise ConfigurationError(f"grafana.token is not set. {_TOKEN}")
    parts = urlsplit(settings.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"grafana.url: {settings.url!r} is no address; write it as https://grafana.example/path"
        )
    path = parts.path.strip("/")
    face: Any = GrafanaFace(  # type: ignore[no-untyped-call]
        auth=settings.token.get_secret_value(),
        protocol=parts.scheme,
        host=f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname,
        port=parts.port,
        url_path_prefix=f"{path}/" if path else "",
        timeout=settings.timeout,
    )
    try:
        yield Grafana(face, settings.url)
    finally:
        face.api.s.close()


class Grafana:
    """A Remote for :mod:`dashboards.grafana.publish`."""

    def __init__(self, face: Any, url: str) -> None:
        """Take the client, and the address for what is said of errors."""
        self._face = face
        self._url = url

    def has_folder(self, uid: str) -> bool:
        """Tell whether there is such a folder."""
        try:
            self._asked(lambda: self._face.folder.get_folder(uid))
        except NotFoundError:
            return False
        return True

    def has_data_source(self, uid: str) -> bool:
        """Tell whether there is such a data source; an editor's token may not see them."""
        try:
            self._asked(lambda: self._face.api.GET(f"/datasources/uid/{quote(uid)}"))
        except NotFoundError:
            return False
        except ForbiddenError:
            return True
        return True

    def ensure_folder(self, uid: str, title: str) -> None:
        """Make the folder unless it is there; whoever makes it at the same time is let first."""
        if self.has_folder(uid):
            return
        try:
            self._asked(lambda: self._face.folder.create_folder(title, uid))
        except ConflictError as error:
            if not self.has_folder(uid):
                raise ConfigurationError(
                    f"grafana: {self._url}: the folder {title!r} can't be made ({error}); rename the one "
                    "that "
                    "has its name, or give that the uid " + uid
                ) from error

    def board(self, uid: str) -> Published | None:
        """Return a board and what its latest version says of itself."""
        try:
            return self._asked(lambda: self._board(uid))
        except NotFoundError:
            return None

    def _board(self, uid: str) -> Published:
        found = self._face.dashboard.get_dashboard(uid)
        dashboard, meta = found["dashboard"], found["meta"]
        versions = self._face.api.GET(f"/dashboards/uid/{quote(uid)}/versions?limit=20")["versions"]
        # Where the present version is not among them, nothing is known of who saved it: not by us, then.
        latest: Mapping[str, Any] = next(
            (version for version in versions if int(version["version"]) == int(meta["version"])), {}
        )
        return Published(
            dashboard=dashboard,
            version=int(meta["version"]),
            folder_uid=str(meta.get("folderUid") or ""),
            message=str(latest.get("message") or ""),
            saved_by=str(latest.get("createdBy") or meta.get("updatedBy") or ""),
            provisioned=bool(meta.get("provisioned")),
        )

    def save(
        self, dashboard: Mapping[str, Any], *, folder_uid: str, message: str, version: int | None
    ) -> None:
        """Save a board as the successor of a version."""
        body = {
            "dashboard": {**dashboard, "id": None, "version": version or 0},
            "folderUid": folder_uid,
            "message": message,
            "overwrite": False,
        }
        title = dashboard["title"]
        try:
            self._asked(lambda: self._face.dashboard.update_dashboard(body))
        except ConflictError as error:
            raise RetriableError(
                f"{error}: {title} was saved by someone else meanwhile; look at it, and publish again"
            ) from error
        except NotFoundError as error:
            raise RetriableError(
                f"{error}: the folder of {title} was removed meanwhile; publish again"
            ) from error

    def annotate(self, text: str, tags: Sequence[str]) -> None:
        """Mark the present on every board."""
        self._asked(lambda: self._face.api.POST("/annotations", json={"text": text, "tags": list(tags)}))

    def _asked(self, ask: Callable[[], T]) -> T:
        """Ask, and tell what went wrong in terms of what to do about it."""
        try:
            return ask()
        except requests.exceptions.SSLError as error:
            raise ConfigurationError(
                f"grafana: {self._url}: the certificate is not trusted; name its authority in "
                "REQUESTS_CA_BUNDLE"
            ) from error
        except (requests.ConnectionError, requests.Timeout) as error:
            raise RetriableError(
                f"grafana: {self._url} can't be reached ({type(error).__name__}); is it started, and is "
                "grafana.url its address?"
            ) from error
        except GrafanaServerError as error:
            raise RetriableError(
                f"grafana: {self._url} answers {error.status_code}: {_said(error)}; see its log, and "
                "publish again"
            ) from error
        except GrafanaClientError as error:
            raise self._refused(error) from error
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigurationError(
                f"grafana: {self._url} answers something else than Grafana does; is grafana.url its own "
                "address, and not a page to log in?"
            ) from error

    def _refused(self, error: GrafanaClientError) -> KommuncenterError:
        """Return what an answer of 4xx means."""
        said = f"grafana: {self._url}: {_said(error)}"
        status = error.status_code
        if status == requests.codes.unauthorized:
            return ConfigurationError(f"{said}: the token is not accepted. {_TOKEN}")
        if status == requests.codes.forbidden:
            return ForbiddenError(f"{said}: the token's rights do not suffice. {_TOKEN}")
        if status == requests.codes.not_found:
            return NotFoundError(f"{said}; is grafana.url Grafana's own address?")
        if status in (requests.codes.conflict, requests.codes.precondition_failed):
            return ConflictError(said)
        return ConfigurationError(f"{said} (answer {status}); check that this is Grafana 12 or 13")


def _said(error: GrafanaException) -> str:
    """Return what Grafana itself says, on one line and not too long: a proxy may answer with a page."""
    response = error.response
    said = response.get("message") if isinstance(response, dict) else response
    return " ".join(str(said or error.message).split())[:200]
