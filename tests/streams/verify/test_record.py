"""What is kept of a run of verify."""

from __future__ import annotations

from datetime import date

from streams.verify.compare import Compared, Difference, Verification
from streams.verify.record import differences_by_kind

DAY = date(2026, 11, 16)


def found(*kinds: str, differing: int) -> Verification:
    """Return a run of two comparisons that tells of one difference for each of some kinds."""
    compared = (Compared("figures", 10, 20), Compared("contacts", 5, 9))
    told = tuple(Difference(kind, str(n), "errands", 1, 2) for n, kind in enumerate(kinds))
    return Verification(DAY, DAY, DAY, 100, 0, 0, compared, told, differing)


def test_differences_are_counted_by_kind_and_none_gets_lost() -> None:
    assert differences_by_kind(found(differing=0)) == {"figures": 0, "contacts": 0}
    assert differences_by_kind(found("contacts", differing=1)) == {"figures": 0, "contacts": 1}
    beyond = differences_by_kind(found("figures", "figures", "contacts", differing=12_000))
    assert beyond == {"figures": 11_999, "contacts": 1}
