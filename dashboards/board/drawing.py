"""A picture drawn as HTML, part by part, so that a page is sent only the parts that have changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, eq=False)
class Drawing:
    """The changing parts of a page: name of the element (``part-<name>``) -> its HTML.

    ``shape`` tells drawings apart that differ in more than their parts: those take the whole page's HTML.
    """

    shape: str
    html: str
    parts: Mapping[str, str]

    @cached_property
    def id(self) -> str:
        """The same for the same drawing."""
        return hashlib.sha256(self.html.encode()).hexdigest()[:16]

    def since(self, before: Drawing | None) -> Mapping[str, str] | None:
        """Return the parts that differ from what a page has; None if it needs the whole."""
        if before is None or before.shape != self.shape:
            return None
        return {name: html for name, html in self.parts.items() if before.parts.get(name) != html}
