"""What a replay found, in words and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from kommuncenter.sources.replay import Difference, Kind, Replayed

_MOST_SHOWN = 20

_MEANINGS = {
    Kind.MISSING: "given by the source, not in the archive",
    Kind.ADDITIONAL: "in the archive, not given by the source any more",
    Kind.CHANGED: "in both, but not the same",
}


def replay_lines(found: Replayed, topic: str | None, *, applied: bool) -> Iterator[str]:
    """Yield what a replay found, line by line; the first differences one by one, all of them counted."""
    sent = f"sent to {topic}" if topic else "sent nowhere"
    yield f"{found.records} records, {found.events} events ({sent}), {found.rejected} rejected"
    if found.since is not None and found.until is not None:
        yield f"from {found.since:%Y-%m-%d %H:%M:%S} to {found.until:%Y-%m-%d %H:%M:%S} UTC"
    if found.expired:
        yield f"{found.expired} events are older than the archive keeps, and not compared"
    for difference in found.differences[:_MOST_SHOWN]:
        yield f"  {_line(difference)}"
    if len(found.differences) > _MOST_SHOWN:
        yield f"  … and {len(found.differences) - _MOST_SHOWN} more (--json prints all)"
    counts = Counter(difference.kind for difference in found.differences)
    for kind, meaning in _MEANINGS.items():
        if counts[kind]:
            yield f"{counts[kind]} {kind}: {meaning}"
    if applied and found.missing:
        yield f"{len(found.missing)} missing events were sent to the instance's own topic"
    if not found.differences:
        yield "The archive holds just what the source gives."
    if found.place is not None:
        yield f"Read to: {found.place}"


def replay_json(found: Replayed) -> str:
    """Return what a replay found as JSON, every difference in it."""
    said = {
        "records": found.records,
        "events": found.events,
        "rejected": found.rejected,
        "expired": found.expired,
        "since": found.since and found.since.isoformat(),
        "until": found.until and found.until.isoformat(),
        "place": found.place,
        "differences": [
            {
                "kind": difference.kind,
                "id": difference.id,
                "at": difference.at.isoformat(),
                "type": difference.type,
                "leg": difference.leg,
                "fields": difference.fields,
            }
            for difference in found.differences
        ],
    }
    return json.dumps(said, ensure_ascii=False, indent=2) + "\n"


def _line(difference: Difference) -> str:
    kind = difference.type.removeprefix("kommuncenter.")
    fields = f" ({', '.join(difference.fields)})" if difference.fields else ""
    return f"{difference.kind:10} {difference.at:%Y-%m-%d %H:%M:%S} {kind} {difference.leg}{fields}"
