"""A dead letter: that a record could not be used, where it stands at its source, and why."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from schemas.identity import stable_hash


class DeadLetter(BaseModel):
    """A record that could not be used.

    The record itself is not kept: it may hold personal data, and ``place`` says where it stands at the
    source. ``detail`` is for people and holds no personal data. ``at`` is when it was found (UTC). The id
    depends on the instance, the place and the content only, so that reading again gives the same id.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    instance: str
    place: str
    reason: str
    detail: str
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]
    at: AwareDatetime


def dead_letter(
    *, instance: str, place: str, reason: str, detail: str, payload: bytes, at: datetime
) -> DeadLetter:
    """Return the dead letter of ``payload``, which is hashed and measured (in bytes) but not kept."""
    digest = hashlib.sha256(payload).hexdigest()
    return DeadLetter(
        id=stable_hash(instance, place, digest),
        instance=instance,
        place=place,
        reason=reason,
        detail=detail,
        sha256=digest,
        size=len(payload),
        at=at,
    )
