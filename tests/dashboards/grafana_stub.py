"""Grafana's HTTP API as far as publishing speaks with it, on a real port.

Written from the documentation of Grafana 12 and 13 (dashboards, dashboard versions, folders, annotations)
and the errors that its dashboard service names. It adds to a board's JSON what it knows better, as Grafana
does, so that nobody can compare that with what was sent.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kommuncenter.embedded.processes import free_port

TOKEN = "glsa_an-invented-token"
ACCOUNT = "sa-1-kommuncenter"


@dataclass(slots=True)
class Board:
    """A board with its versions, the latest last."""

    dashboard: dict[str, Any]
    folder: str
    versions: list[dict[str, Any]] = field(default_factory=list)
    provisioned: bool = False


@dataclass(slots=True)
class Stub:
    """What Grafana holds, and what was asked of it."""

    port: int
    prefix: str = ""
    folders: dict[str, str] = field(default_factory=dict)
    boards: dict[str, Board] = field(default_factory=dict)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    data_sources: set[str] = field(default_factory=set)
    writes: list[str] = field(default_factory=list)
    answers: dict[str, Response] = field(default_factory=dict)
    """Path (its beginning) -> what is answered in the place of the right answer."""
    before_save: Any = None
    """Called once when a board is to be saved: what somebody else does at that moment."""
    before_folder: Any = None
    """Likewise when a folder is to be made."""
    folder_taken: int = 412
    """What is answered to a uid that a folder has already; versions of Grafana differ: 409 or 412."""
    rights: bool = True
    oldest_first: bool = False
    """The documentation shows the versions latest first, but does not promise it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    def change(self, uid: str, who: str, message: str = "", **changed: Any) -> None:
        """Save a board as a person does in the browser."""
        board = self.boards[uid]
        self._store(board, {**board.dashboard, **changed}, message, who)

    def put(self, dashboard: dict[str, Any], folder: str = "", *, provisioned: bool = False) -> None:
        """Have a board that was made by others."""
        board = self.boards[dashboard["uid"]] = Board({}, folder, provisioned=provisioned)
        self._store(board, dashboard, "", "anna")

    def _store(self, board: Board, dashboard: dict[str, Any], message: str, who: str) -> None:
        number = len(board.versions) + 1
        board.dashboard = {"preload": False, **dashboard, "id": 7, "version": number}
        board.versions.append({"version": number, "message": message, "createdBy": who})

    # ---- the API ---------------------------------------------------------------------------------

    async def answer(self, request: Request) -> Response:
        """Answer as Grafana does: first who asks, then what."""
        path = request.url.path.removeprefix(self.prefix)
        for begin, canned in self.answers.items():
            if path.startswith(begin):
                return canned
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(401, "Invalid API key", messageId="api-key.invalid")
        if request.method == "POST":
            self.writes.append(path)
            if not self.rights:
                return _error(403, "You'll need additional permissions to perform this action.")
            return self._post(path, await request.json())
        return self._get(path, request.query_params.get("limit", "1000"))

    def _get(self, path: str, limit: str) -> Response:
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "folders"] and parts[2] in self.folders:
            return JSONResponse({"id": 1, "uid": parts[2], "title": self.folders[parts[2]], "version": 1})
        if parts[:2] == ["api", "folders"]:
            return _error(404, "folder not found", status="not-found")
        if parts[:3] == ["api", "datasources", "uid"]:
            return self._data_source(parts[3])
        board = self.boards.get(parts[3]) if parts[:3] == ["api", "dashboards", "uid"] else None
        if board is None:
            return _error(404, "Dashboard not found", status="not-found")
        if parts[4:] == ["versions"]:
            listed = board.versions if self.oldest_first else [*reversed(board.versions)]
            return JSONResponse({"continueToken": "", "versions": listed[: int(limit)]})
        meta = {
            "version": len(board.versions),
            "folderUid": board.folder,
            "provisioned": board.provisioned,
            "updatedBy": board.versions[-1]["createdBy"],
        }
        return JSONResponse({"dashboard": board.dashboard, "meta": meta})

    def _data_source(self, uid: str) -> Response:
        if not self.rights:
            return _error(403, "You'll need additional permissions to perform this action.")
        if uid not in self.data_sources:
            return _error(404, "Data source not found")
        return JSONResponse({"id": 1, "uid": uid})

    def _post(self, path: str, body: dict[str, Any]) -> Response:
        if path == "/api/folders":
            return self._make_folder(body)
        if path == "/api/dashboards/db":
            return self._save(body)
        assert path == "/api/annotations", path
        self.annotations.append(body)
        return JSONResponse({"message": "Annotation added", "id": len(self.annotations)})

    def _make_folder(self, body: dict[str, Any]) -> Response:
        _do(self.before_folder)
        if body["uid"] in self.folders:
            return _error(self.folder_taken, "the folder has been changed by someone else")
        if body["title"] in self.folders.values():
            return _error(409, "a folder with the same name already exists in the current location")
        self.folders[body["uid"]] = body["title"]
        return JSONResponse({"id": 2, **body, "version": 1})

    def _save(self, body: dict[str, Any]) -> Response:
        self.before_save, act = None, self.before_save
        _do(act)
        dashboard, folder = body["dashboard"], body["folderUid"]
        if folder and folder not in self.folders:
            return _error(404, "folder not found", status="not-found")
        board = self.boards.get(dashboard["uid"])
        if board is not None and board.provisioned:
            return _error(400, "Cannot save provisioned dashboard")
        if board is not None and not body["overwrite"] and dashboard["version"] != len(board.versions):
            return _error(412, "The dashboard has been changed by someone else", status="version-mismatch")
        board = self.boards.setdefault(dashboard["uid"], Board({}, folder))
        board.folder = folder
        self._store(board, dashboard, body["message"], ACCOUNT)
        return JSONResponse({"status": "success", "uid": dashboard["uid"], "version": len(board.versions)})


def _do(act: Any) -> None:
    if act is not None:
        act()


def _error(code: int, message: str, **more: str) -> Response:
    return JSONResponse({"message": message, **more}, status_code=code)


@contextlib.contextmanager
def grafana_stub(prefix: str = "") -> Iterator[Stub]:
    """Give a Grafana without boards; below a path, as behind a proxy, where one is given."""
    stub = Stub(free_port(), prefix)
    app = Starlette(routes=[Route("/{path:path}", stub.answer, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=stub.port, log_level="critical", lifespan="off"))
    started = threading.Event()
    server.startup = _then(server.startup, started)  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, name="grafana stub")
    thread.start()
    try:
        assert started.wait(10)
        yield stub
    finally:
        server.should_exit = True
        thread.join()


def _then(startup: Any, started: threading.Event) -> Any:
    async def wrapped(sockets: Any = None) -> None:
        await startup(sockets)
        started.set()

    return wrapped
