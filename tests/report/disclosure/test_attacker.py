"""The attacker of the tests is no fool: it works out what can be worked out."""

from __future__ import annotations

from tests.report.disclosure.attacker import Attacker, Published


def test_one_hidden_number_of_a_sum_is_found() -> None:
    attacker = Attacker(Published({"all": 10, "a": 7}, [("all", ["a", "b"])], few=frozenset({"b"})))
    assert attacker.bounds("b") == (3, 3)


def test_labels_pin_four_of_four() -> None:
    parts = ["a", "b", "c", "d"]
    attacker = Attacker(Published({}, [("all", parts)], few=frozenset({"all", *parts})))
    assert attacker.bounds("a") == (1, 1)


def test_a_number_that_is_not_few_has_a_hole() -> None:
    published = Published({"all": 6}, [("all", ["a", "b"])], not_few=frozenset({"a"}), few=frozenset({"b"}))
    attacker = Attacker(published)
    assert attacker.bounds("a") == (5, 5)
    assert [value for value in range(1, 5) if attacker.can_be("b", value)] == [1]


def test_two_hidden_numbers_keep_their_secret() -> None:
    published = Published({"all": 20, "a": 7}, [("all", ["a", "b", "c"])], few=frozenset({"b"}))
    attacker = Attacker(published)
    assert attacker.bounds("b") == (1, 4)
    assert attacker.bounds("c") == (9, 12)
    assert all(attacker.can_be("b", value) for value in range(1, 5))
