"""What sources of JSON records share: instants, keys, and rejections that tell nothing of the record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from producers.contract import Reason, Rejected
from producers.records import Instant, Key, rejected

instants: TypeAdapter[datetime] = TypeAdapter(Instant)


@given(
    st.datetimes(datetime.fromisoformat("2001-01-01"), datetime.fromisoformat("8999-01-01")),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_every_instant_with_a_zone_is_read_in_utc(at: datetime, zone: timezone) -> None:
    there = at.replace(tzinfo=zone)
    for given_as in (there, there.isoformat(), f" {there:%Y-%m-%dT%H:%M:%S.%f%z} "):
        found = instants.validate_python(given_as)
        assert found == there
        assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "yesterday", "2026-11-24", "2026-11-24T10:00:00", 1795000000, None, ["2026"]),
        *("1999-12-31T23:59:59Z", "9001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"),
        *("9999-12-31T23:59:59-14:00", "９０２６-11-24T10:00:00Z"),
    ],
)
def test_anything_else_is_no_instant(wrong: object) -> None:
    with pytest.raises(ValidationError, match="no ISO 8601 time with a zone"):
        instants.validate_python(wrong)


class Called(BaseModel):
    action: Literal["called"]
    at: Instant
    visit: Key


class Ended(BaseModel):
    action: Literal["ended"]
    seconds: Annotated[int, Field(ge=0)]


lines: TypeAdapter[Called | Ended] = TypeAdapter(Annotated[Called | Ended, Field(discriminator="action")])


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        ("no JSON", Reason.UNREADABLE, "no JSON"),
        ("[1]", Reason.UNREADABLE, "no JSON object"),
        ('{"at": "2026-11-24T10:00:00Z"}', Reason.UNKNOWN_KIND, "no known kind of record"),
        ('{"action": "Kim Exempel"}', Reason.UNKNOWN_KIND, "no known kind of record"),
        ('{"action": "ended"}', Reason.MISSING_FIELD, "seconds is missing"),
        (
            '{"action": "called", "at": "Kim Exempel", "visit": "a"}',
            Reason.BAD_TIME,
            "at is no ISO 8601 time with a zone",
        ),
        (
            '{"action": "called", "at": "2026-11-24T10:00:00Z", "visit": "Kim Exempel"}',
            Reason.BAD_VALUE,
            "visit has a value that is not allowed (string_pattern_mismatch)",
        ),
        (
            '{"action": "ended", "seconds": -1}',
            Reason.BAD_VALUE,
            "seconds has a value that is not allowed (greater_than_equal)",
        ),
    ],
)
def test_a_rejection_names_the_field_and_says_nothing_of_what_stood_in_it(
    record: str, reason: Reason, detail: str
) -> None:
    with pytest.raises(ValidationError) as failed:
        lines.validate_json(record)
    assert rejected(failed.value) == Rejected(reason, detail)


def test_a_record_that_is_no_model_at_all_is_called_the_record() -> None:
    with pytest.raises(ValidationError) as failed:
        TypeAdapter(int).validate_json('"Kim Exempel"')
    assert rejected(failed.value) == Rejected(
        Reason.BAD_VALUE, "the record has a value that is not allowed (int_parsing)"
    )
