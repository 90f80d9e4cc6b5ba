"""Who looks at a picture: a wall is read by whoever passes, so it tells less of topics than a desk does.

Sensitive topics leave the centre only as figures of a day or a week (DOMAIN §4), and small counts may point
at a person. On a wall both are shown together with others, for as long as the period goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from enum import StrEnum

from dashboards.board.picture import Picture
from dashboards.board.reading import Surge
from dashboards.board.spread import OTHER_TOPICS, TopicRow
from dashboards.figures import merged
from schemas.catalogue import Catalogue

FEW = 5
"""A count below this is small (DOMAIN §2.5)."""


class Audience(StrEnum):
    """For whom a picture is drawn."""

    DESK = "desk"
    WALL = "wall"


def shown_to(picture: Picture, audience: Audience, catalogue: Catalogue) -> Picture:
    """Return what an audience may see of a picture."""
    if audience is Audience.DESK or not picture.span.has_today:
        return picture
    sensitive = sensitive_topics(catalogue)
    return replace(
        picture,
        topics=_folded(picture.topics, sensitive),
        surges=tuple(nameless(surge) if surge.topic in sensitive else surge for surge in picture.surges),
    )


def sensitive_topics(catalogue: Catalogue) -> frozenset[str]:
    """Return the topics that the catalogue marks as sensitive."""
    return frozenset(name for name, topic in catalogue.topics.items() if topic.sensitive)


def sensitive_areas(catalogue: Catalogue) -> frozenset[str]:
    """Return the areas in which every topic is sensitive: their figures are those of the topics."""
    open_ones = {topic.area for topic in catalogue.topics.values() if not topic.sensitive}
    return frozenset({topic.area for topic in catalogue.topics.values()} - open_ones)


def _folded(rows: Sequence[TopicRow], sensitive: Collection[str]) -> tuple[TopicRow, ...]:
    """Put sensitive and small topics into one row; one more with them where they would stand alone in it."""
    hidden = [row for row in rows if (row.topic or "") in sensitive or row.errands < FEW]
    shown = [row for row in rows if row not in hidden]
    if not hidden:
        return tuple(rows)
    if len(hidden) == 1 and shown:
        hidden.append(shown.pop())
    others = TopicRow(None, OTHER_TOPICS, merged(row.sums for row in hidden), rows[0].total)
    return (*shown, others)


def nameless(surge: Surge) -> Surge:
    """Return a surge of which only its time is told."""
    return replace(surge, topic=None, label="", contacts=0, usual=0.0)
