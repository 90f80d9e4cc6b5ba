"""What a wall is told: nothing of sensitive topics and small counts, and no way to work them out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.board import sentences as say
from dashboards.board.audience import FEW, Audience, sensitive_areas, sensitive_topics, shown_to
from dashboards.board.periods import Period
from dashboards.board.picture import Picture, read_picture
from dashboards.board.spread import OTHER_TOPICS
from schemas.catalogue import Catalogue, load_catalogue
from tests.board.days import NOW
from tests.board.fakes import FakeStore

CATALOGUE = load_catalogue()
TOPICS = ("omsorg", "va-avfall", "turism", "ekonomi", "bygg-miljo", "")
MINUTE = timedelta(minutes=1)


def picture_of(counts: dict[str, int], period: Period = Period.TODAY) -> Picture:
    store = FakeStore()
    for topic, errands in counts.items():
        for at in (NOW - 60 * MINUTE, NOW - timedelta(days=7)):
            store.add(at, "telephone", CATALOGUE.area_of(topic), topic, errands=errands)
    return read_picture(store, CATALOGUE, NOW, period)


def wall(picture: Picture) -> Picture:
    return shown_to(picture, Audience.WALL, CATALOGUE)


@given(st.dictionaries(st.sampled_from(TOPICS), st.integers(1, 40)))
def test_a_wall_never_tells_what_is_sensitive_or_small_and_loses_no_errand(counts: dict[str, int]) -> None:
    whole, seen = picture_of(counts), wall(picture_of(counts))
    assert sum(row.errands for row in seen.topics) == sum(counts.values())
    assert shown_to(whole, Audience.DESK, CATALOGUE) is whole
    named = [row for row in seen.topics if row.topic is not None]
    assert all(row.topic != "omsorg" and row.errands >= FEW for row in named)
    others = [row for row in seen.topics if row.topic is None]
    if others:
        [other] = others
        assert other.label == OTHER_TOPICS
        assert len(counts) - len(named) >= min(2, len(counts)), "one alone would be known by its row"


def test_what_has_passed_is_told_in_full() -> None:
    counts = {"omsorg": 7, "va-avfall": 2}
    before = picture_of(counts, Period.LAST_WEEK)
    assert wall(before) is before
    assert {row.topic for row in before.topics} == set(counts)
    assert {row.topic for row in wall(picture_of(counts)).topics} == {None}


def test_small_counts_of_several_are_not_told_exactly() -> None:
    [row] = wall(picture_of({"omsorg": 1, "turism": 2})).topics
    assert say.few(row) == "färre än 5"
    [larger] = wall(picture_of({"omsorg": 3, "turism": 2})).topics
    assert say.few(larger) == "5"


def test_a_sensitive_surge_has_no_name_on_a_wall() -> None:
    store = FakeStore()
    store.surges = [
        (topic, NOW - 76 * MINUTE, NOW - 46 * MINUTE, NOW - MINUTE, 24, 3.0, 0)
        for topic in ("omsorg", "turism")
    ]
    picture = read_picture(store, CATALOGUE, NOW, Period.TODAY)
    told = [alarm.text.replace("\u00a0", " ") for alarm in say.alarms(picture)]
    assert told == [
        f"{topic}: fler ärenden än vanligt sedan kl. 12.25, 24 mot 3 en vanlig dag (8 gånger så många)."
        for topic in ("Omsorg och stöd", "Turism")
    ]
    seen = [alarm.text.replace("\u00a0", " ") for alarm in say.alarms(wall(picture))]
    assert seen[0] == "Ett ämne har fler ärenden än vanligt sedan kl. 12.25."
    assert seen[1] == told[1]


@pytest.mark.parametrize(
    ("contacts", "usual", "said"),
    [
        (61, 22.5, "61 mot 22,5 en vanlig dag (2,7 gånger så många)"),
        (9, 0.0, "9 mot 0 en vanlig dag"),
        (9, 0.4, "9 mot 0,5 en vanlig dag"),
        (40, 10.0, "40 mot 10 en vanlig dag (4 gånger så många)"),
    ],
)
def test_how_much_more_than_usual(contacts: int, usual: float, said: str) -> None:
    store = FakeStore()
    store.surges = [("", NOW - 76 * MINUTE, NOW - 46 * MINUTE, NOW, contacts, usual, 0)]
    [alarm] = say.alarms(read_picture(store, CATALOGUE, NOW, Period.TODAY))
    text = alarm.text.replace("\u00a0", " ").replace("\u2060", "")
    assert text == f"Fler kontakter än vanligt sedan kl. 12.25: {said}."


def test_a_surge_that_is_over_is_no_alarm_and_yesterday_s_is_none_of_today() -> None:
    store = FakeStore()
    over = ("", NOW - 300 * MINUTE, NOW - 270 * MINUTE, NOW - 200 * MINUTE, 61, 20.0, 1)
    store.surges = [over, ("", NOW - timedelta(days=1), NOW, NOW, 61, 20.0, 0)]
    picture = read_picture(store, CATALOGUE, NOW, Period.TODAY)
    assert len(picture.surges) == 1
    assert say.alarms(picture) == []


def test_the_shipped_catalogue_has_sensitive_topics(catalogue: Catalogue) -> None:
    assert sensitive_topics(catalogue) == {"omsorg"}
    assert sensitive_areas(catalogue) == {"omsorg-stod"}
