"""A digest of what a message says, whatever its revision: to see whether stage 2 has heard it."""

from __future__ import annotations

import hashlib

from schemas.legs import LegMessage, Retraction


def digest(message: LegMessage) -> str:
    """Return 32 hex digits that depend on the kind and the leg only."""
    if isinstance(message, Retraction):
        return hashlib.sha256(b"retraction").hexdigest()[:32]
    return hashlib.sha256(message.kind.encode() + message.leg.model_dump_json().encode()).hexdigest()[:32]
