"""Random streams: one per concern and day, so that a change in one concern moves nothing in another."""

from __future__ import annotations

from datetime import date
from random import Random

from schemas.identity import stable_hash


def stream(seed: int, concern: str, day: date) -> Random:
    """Return the random stream of a concern on a local day; the same arguments give the same numbers."""
    return Random(int(stable_hash(str(seed), concern, day.isoformat()), 16))  # noqa: S311


def poisson(rng: Random, mean: float) -> int:
    """Return a Poisson count, by counting the arrivals of a unit-rate process up to ``mean``."""
    count, reached = 0, rng.expovariate(1.0)
    while reached < mean:
        count += 1
        reached += rng.expovariate(1.0)
    return count


def spread(rng: Random, number: int, evenness: float) -> list[float]:
    """Return numbers in [0, 1) in random order, of which a share ``evenness`` is spread evenly.

    Those are systematic samples: equally far apart, with a random start. Each number by itself is uniform,
    but their counts in any part vary less than those of independent draws.
    """
    even = int(number * evenness)
    offset = rng.random()
    points = [(place + offset) / even for place in range(even)]
    points += [rng.random() for _ in range(number - even)]
    rng.shuffle(points)
    return points
