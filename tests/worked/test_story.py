"""A story is read in one way only: what is not plain is refused, with the line it stands in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kommuncenter.worked.cases import load_themes
from kommuncenter.worked.figures import read_scope, rows_of, written
from kommuncenter.worked.phrases import span_ms
from kommuncenter.worked.story import read_story
from schemas.catalogue import load_catalogue
from schemas.errors import ConfigurationError
from streams.core.rules import Rules

MONDAY = "måndag 2026-11-16\n"
CALL = "09:00 samtal A ställer sig i kö, nummer 1"


def test_lines_become_events_in_utc() -> None:
    queued, answered = read_story(MONDAY + CALL + "\n09:00:01.500 samtal A får svar")
    assert queued.time == datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
    assert answered.time == datetime(2026, 11, 16, 8, 0, 1, 500_000, tzinfo=UTC)
    assert queued.subject == answered.subject == "pbx1:A"
    assert (queued.source, queued.type) == ("pbx1", "kommuncenter.contact.queued")


def test_a_line_told_twice_is_one_event_and_repetitions_are_many() -> None:
    once, twice = read_story(MONDAY + CALL + "\n" + CALL)
    assert once == twice
    many = read_story(MONDAY + "3 gånger, var 1 tim:\n  " + CALL + "\n" + CALL)
    assert len({event.subject for event in many}) == len({event.id for event in many}) == 4
    assert [event.time.hour for event in many] == [8, 9, 10, 8]


def test_the_hour_that_comes_twice_must_be_told_apart() -> None:
    day = "söndag 2026-10-25\n"
    line = "02:30 {}samtal A ställer sig i kö"
    summer, winter = read_story(day + line.format("sommartid ") + "\n" + line.format("vintertid "))
    assert (summer.time.hour, winter.time.hour) == (0, 1)


@pytest.mark.parametrize(
    ("story", "said"),
    [
        (CALL, "begins with a day"),
        ("tisdag 2026-11-16", "is a måndag"),
        (MONDAY + "klockan nio ringer det", "line 2"),
        (MONDAY + "09:00 brev A kommer in", "begin with one of"),
        (MONDAY + "09:00 samtal A får hicka", "'får hicka' is not among"),
        (MONDAY + CALL + ", på måfå", "'på måfå' is no known detail"),
        (MONDAY + CALL + ", löst", "outcome: has no place in contact.queued"),
        (MONDAY + "09:00 samtal A lämnar kön", "Field required"),
        (MONDAY + "09:00 samtal A registreras, ämne va-avfall", "Field required"),
        (MONDAY + CALL[:-1] + "96", "choose one of 1 to 95"),
        (MONDAY + CALL + " (gammal)", "write (nyckelbyte) or (ny nyckel)"),
        ("söndag 2026-10-25\n02:30 samtal A får svar", "say sommartid or vintertid"),
        (MONDAY + "09:00 vintertid samtal A får svar", "say sommartid or vintertid"),
        ("söndag 2026-03-29\n02:30 samtal A får svar", "no such time"),
        (MONDAY + "2 gånger, var stund:", "no span of time"),
    ],
)
def test_what_is_not_plain_is_refused(story: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_story(story)
    assert said in str(error.value)


def test_spans_are_read_in_hours_minutes_and_seconds() -> None:
    assert [span_ms(text) for text in ("1 tim", "2 min", "1 min 30 s", "45 s")] == [3.6e6, 1.2e5, 9e4, 4.5e4]


@pytest.mark.parametrize(
    ("scope", "said"),
    [("kl. 09:00", "name the day"), ("måndag 2026-11-16, kl. 09:05", "no quarter"), ("i våras", "a day is")],
)
def test_a_scope_that_names_nothing_is_refused(scope: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_scope(scope)
    assert said in str(error.value)


@pytest.mark.parametrize(("name", "like"), [("nonsense", 1), ("nonsense", "1 av 1 (100 %)")])
def test_a_figure_that_does_not_exist_is_refused(name: str, like: int | str) -> None:
    with pytest.raises(ConfigurationError):
        written({}, read_scope(""), name, like)


def test_a_wrong_figure_is_seen_in_every_part_of_it() -> None:
    """The counts, the percentage and the interval all come from the rows, never from what was expected."""
    story = MONDAY + CALL + "\n09:00:10 samtal A får svar\n09:02 samtal A avslutas"
    rows = rows_of([read_story(story)], Rules(load_catalogue()))
    for like in ("2 av 2 (100 %)", "1 av 1 (99 %)", "1 av 1 (100 %, 30–100 %, få)", "–"):
        assert written(rows, read_scope(""), "service_level", like) != like
    assert written(rows, read_scope(""), "service_level", "0 av 0 (0,0 %)") == "1 av 1 (100,0 %)"
    assert written(rows, read_scope(""), "offered", 2) == 1


def test_a_faulty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "01-fel.toml").write_text("theme = 1")
    with pytest.raises(ConfigurationError, match=r"01-fel\.toml: theme"):
        load_themes(tmp_path)
    (tmp_path / "01-fel.toml").write_text("theme =")
    with pytest.raises(ConfigurationError, match=r"01-fel\.toml: not valid TOML"):
        load_themes(tmp_path)
