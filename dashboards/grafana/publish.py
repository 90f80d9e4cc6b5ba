"""Publishing the boards to a Grafana that is there: only what differs, and never over what a person changed.

A board of ours is known by its uid. Which version we published, and what it was, stands in the message of
that version: Grafana may write a board's JSON in another way than it got it, so comparing that says little.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from dashboards.grafana.model import Dashboard
from dashboards.grafana.overlays import DEPLOYED_TAG

FOLDER_UID, FOLDER_TITLE = "kommuncenter", "Kommuncenter"
_MESSAGE = re.compile(r"^kommuncenter (?P<digest>[0-9a-f]{16})$")
_OF_THE_SERVER = ("id", "version")
"""What Grafana writes into a board's JSON by itself."""


@dataclass(frozen=True, slots=True)
class Published:
    """A board as Grafana has it. ``message`` and ``saved_by`` are of its latest version."""

    dashboard: Mapping[str, Any]
    version: int
    folder_uid: str
    message: str
    saved_by: str
    provisioned: bool


class Remote(Protocol):
    """Grafana, as far as publishing needs it.

    Every call raises RetriableError while Grafana is away or its answer is an error of its own, and
    ConfigurationError where address, token or rights are wrong; both say what to do.
    """

    def ensure_folder(self, uid: str, title: str) -> None:
        """Make the folder, unless one with that uid is there; its title is left as it is."""

    def has_folder(self, uid: str) -> bool:
        """Tell whether there is such a folder."""

    def has_data_source(self, uid: str) -> bool:
        """Tell whether there is such a data source; also true where one may not look."""

    def board(self, uid: str) -> Published | None:
        """Return a board; None where there is none."""

    def save(
        self, dashboard: Mapping[str, Any], *, folder_uid: str, message: str, version: int | None
    ) -> None:
        """Save a board as the successor of ``version`` (None: a new one).

        Raises RetriableError if it has been saved by someone else since.
        """

    def annotate(self, text: str, tags: Sequence[str]) -> None:
        """Mark the present on all boards that show annotations with the tags."""


class Fate(StrEnum):
    """What became of a board."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """A person changed it, and it was left so."""
    PROVISIONED = "provisioned"
    """It comes from files on Grafana's own machine, and can't be saved from here."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a board, or in a dry run would; and how what is there differs from ours."""

    uid: str
    title: str
    fate: Fate
    difference: tuple[str, ...] = ()
    saved_by: str = ""

    @property
    def written(self) -> bool:
        """Tell whether the board is another than before."""
        return self.fate in (Fate.CREATED, Fate.UPDATED)


def publish(
    remote: Remote, boards: Sequence[Dashboard], *, dry_run: bool = False, force: bool = False
) -> list[Outcome]:
    """Publish boards into our folder, and mark it as a deploy if any was written.

    Boards of others are not looked at. One of ours that a person has changed is kept as it is, unless
    ``force``. One that was moved to another folder stays there. A dry run writes nothing. Raises what the
    remote raises; boards before that are published, and running it again goes on.
    """
    if not dry_run:
        remote.ensure_folder(FOLDER_UID, FOLDER_TITLE)
    outcomes = [_publish_one(remote, board, dry_run=dry_run, force=force) for board in boards]
    written = [outcome.title for outcome in outcomes if outcome.written]
    if written and not dry_run:
        remote.annotate(f"Tavlor uppdaterade: {', '.join(written)}", (DEPLOYED_TAG,))
    return outcomes


def _publish_one(remote: Remote, board: Dashboard, *, dry_run: bool, force: bool) -> Outcome:
    wanted = json.loads(board.to_json())
    there = remote.board(board.uid)
    outcome = _judge(board, wanted, there, force=force)
    if outcome.written and not dry_run:
        remote.save(
            wanted,
            folder_uid=there.folder_uid if there else FOLDER_UID,
            message=f"kommuncenter {digest(wanted)}",
            version=there.version if there else None,
        )
    return outcome


def _judge(board: Dashboard, wanted: Mapping[str, Any], there: Published | None, *, force: bool) -> Outcome:
    """Decide what is to become of a board."""
    if there is None:
        return Outcome(board.uid, board.title, Fate.CREATED)
    ours = _MESSAGE.match(there.message)
    if there.provisioned:
        fate = Fate.PROVISIONED
    elif ours and ours["digest"] == digest(wanted):
        return Outcome(board.uid, board.title, Fate.UNCHANGED)
    else:
        fate = Fate.UPDATED if ours or force else Fate.KEPT
    return Outcome(board.uid, board.title, fate, difference(there.dashboard, wanted), there.saved_by)


def digest(dashboard: Mapping[str, Any]) -> str:
    """Return what tells one content of a board from another."""
    return hashlib.sha256("\n".join(_lines(dashboard)).encode()).hexdigest()[:16]


def difference(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Return how a board in Grafana differs from ours, as a unified diff of its JSON."""
    return tuple(difflib.unified_diff(_lines(there), _lines(wanted), "grafana", "registry", lineterm=""))


def _lines(dashboard: Mapping[str, Any]) -> list[str]:
    ours = {name: value for name, value in dashboard.items() if name not in _OF_THE_SERVER}
    return json.dumps(ours, ensure_ascii=False, indent=2, sort_keys=True).splitlines()
