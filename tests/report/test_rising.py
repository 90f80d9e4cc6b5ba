"""What rises: more than chance gives, and with many topics in mind."""

from __future__ import annotations

import random
from datetime import date, timedelta

from dashboards.report.rising import Series, levels

MONDAY = date(2026, 11, 16)
WEEK = [MONDAY + timedelta(days=n) for n in range(5)]


def series(now: list[int], before: list[list[int]]) -> Series:
    """Return a week of five days and the weeks before it, the nearest first."""
    counts = dict(zip(WEEK, now, strict=True))
    for back, week in enumerate(before, start=1):
        counts |= {day - timedelta(weeks=back): n for day, n in zip(WEEK, week, strict=True)}
    return Series(counts, {day: [day - timedelta(weeks=k + 1) for k in range(len(before))] for day in WEEK})


def test_a_leak_rises_and_the_rest_does_not() -> None:
    quiet = series([10, 9, 11, 10, 8], [[10, 10, 10, 10, 8]] * 8)
    leak = series([10, 60, 40, 15, 8], [[10, 9, 11, 10, 8]] * 8)
    found = levels({"quiet": quiet, "leak": leak})
    assert (found["leak"].rise, found["quiet"].rise) == (True, False)
    assert (found["leak"].now, found["leak"].usual) == (133, 48)


def test_a_topic_that_never_came_rises_from_five_on() -> None:
    never = [[0] * 5] * 8
    assert levels({"new": series([0, 12, 0, 0, 0], never)})["new"].rise
    assert not levels({"new": series([0, 4, 0, 0, 0], never)})["new"].rise
    assert levels({"new": series([0, 12, 0, 0, 0], never)})["new"].times is None


def test_with_too_few_weeks_nothing_is_said() -> None:
    found = levels({"a": series([50] * 5, [[1] * 5] * 2)})["a"]
    assert (found.now, found.usual, found.p, found.rise) == (250, None, None, False)


def test_the_fewer_weeks_are_known_the_more_it_takes() -> None:
    now = [9, 2, 2, 2, 2]
    assert not levels({"a": series(now, [[2] * 5] * 3)})["a"].rise
    assert levels({"a": series(now, [[2] * 5] * 8)})["a"].rise


def test_the_usual_is_the_median_week() -> None:
    weeks = [[1] * 5, [2] * 5, [3] * 5, [100] * 5]
    assert levels({"a": series([2] * 5, weeks)})["a"].usual == 12.5


def test_false_alarms_are_rare_with_thirteen_topics() -> None:
    """Counts that vary as a negative binomial does; in most weeks nothing is told as rising."""
    chance = random.Random(5)

    def count(mean: float) -> int:
        return poisson(chance, chance.gammavariate(mean / 0.5, 0.5))  # variance 1.5 times the mean

    weeks = 100
    false = 0
    for _ in range(weeks):
        topics = {
            str(number): series([count(mean) for _ in WEEK], [[count(mean) for _ in WEEK] for _ in range(8)])
            for number, mean in enumerate((20, 15, 15, 12, 10, 10, 8, 8, 6, 4, 3, 2, 1))
        }
        false += any(level.rise for level in levels(topics).values())
    assert false / weeks <= 0.12


def poisson(chance: random.Random, rate: float) -> int:
    """Return how many events fall into a unit of time, by their gaps."""
    events, left = 0, 1.0
    while (left := left - chance.expovariate(rate)) > 0:
        events += 1
    return events
