"""Each scenario does what it says, and changes nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from producers.simulator import Record, RecordKind, Scenarios, SimulationSettings, simulate
from producers.simulator.settings import Interval, fire_ban, water_leak
from schemas.catalogue import load_catalogue
from schemas.identity import Pseudonymiser, PseudonymKey
from schemas.timebase import local_day
from tests.producers.simulated import Oracle

CATALOGUE = load_catalogue()
PSEUDONYMISER = Pseudonymiser(PseudonymKey("t1", b"a secret of the tests"))
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 2, day) for day in (2, 3, 4))


def at(hour: int, minute: int = 0) -> datetime:
    """Return an instant of the Tuesday; local time is an hour ahead."""
    return datetime(2026, 2, 3, hour, minute, tzinfo=UTC)


NOTHING = Scenarios()


def run(scenarios: Scenarios = NOTHING, seed: int = 6, days: int = 3) -> list[Record]:
    configured = SimulationSettings(seed=seed, days=days, scenarios=scenarios)
    return list(simulate(configured, CATALOGUE, PSEUDONYMISER, MONDAY))


PLAIN = run()


def of(kind: RecordKind, records: list[Record]) -> list[Record]:
    return [record for record in records if record.kind is kind]


def others(kind: RecordKind, records: list[Record]) -> list[Record]:
    return [record for record in records if record.kind is not kind]


def on(day: date, records: list[Record]) -> list[Record]:
    return [record for record in records if local_day(record.at) == day]


def verb(record: Record) -> str:
    return record.payload.decode().split("|")[4]


def entered(records: list[Record], hours: tuple[int, int] = (0, 24)) -> int:
    return sum(
        record.kind is RecordKind.QUEUE_LOG
        and verb(record) == "ENTERQUEUE"
        and hours[0] <= record.at.hour < hours[1]
        for record in records
    )


def topics(records: list[Record]) -> Counter[str]:
    return Counter(errand.topic for errand in Oracle().read(records).errands())


def test_a_water_leak_brings_eight_times_the_water_errands_at_first() -> None:
    """Over 30 seeds, by the true rate: 150 × 1.08 × 9 % a day, times 1 + 7·2^(−t/4 h)."""
    leak = Scenarios(crises=(water_leak(at(7)),))
    extra = Counter[int]()
    for seed in range(30):
        before, after = run(seed=seed, days=2), run(leak, seed=seed, days=2)
        extra[0] += topics(after)["va-avfall"] - topics(before)["va-avfall"]
        extra[1] += entered(on(TUESDAY, after)) - entered(on(TUESDAY, before))
        assert on(MONDAY, before) == on(MONDAY, after)
    hours = (0.11, 0.15, 0.17, 0.14, 0.09, 0.12, 0.13, 0.09)
    expected = sum(150 * 1.08 * 0.09 * share * 7 * 2 ** (-(n + 0.5) / 4) for n, share in enumerate(hours))
    # More callers hang up than on a quiet day, and some call again: calls are above and errands below.
    assert 0.6 * expected < extra[0] / 30 < expected
    assert 0.95 * expected < extra[1] / 30 < 1.6 * expected


def test_a_water_leak_fades_over_the_days() -> None:
    leak = Scenarios(crises=(water_leak(at(7)),))
    tuesday, wednesday = 0, 0
    for seed in range(10):
        before, after = topics(on(WEDNESDAY, run(seed=seed))), topics(on(WEDNESDAY, run(leak, seed=seed)))
        wednesday += after["va-avfall"] - before["va-avfall"]
        before, after = topics(on(TUESDAY, run(seed=seed))), topics(on(TUESDAY, run(leak, seed=seed)))
        tuesday += after["va-avfall"] - before["va-avfall"]
    assert wednesday < tuesday / 20


def test_a_fire_ban_doubles_what_comes_that_day() -> None:
    ban = Scenarios(crises=(fire_ban(at(0)),))
    before = after = 0
    for seed in range(15):
        before += len(Oracle().read(on(TUESDAY, run(seed=seed))).errands())
        after += len(Oracle().read(on(TUESDAY, run(ban, seed=seed))).errands())
    assert 1.6 * before < after < 2.1 * before


def test_a_crisis_leaves_mails_and_visits_of_the_day_alone() -> None:
    changed = run(Scenarios(crises=(water_leak(at(7)), fire_ban(at(7)))))
    for kind in (RecordKind.INBOX, RecordKind.SENT):
        assert of(kind, on(TUESDAY, changed)) == of(kind, on(TUESDAY, PLAIN))


def test_a_silent_telephone_system_writes_nothing_and_restarts() -> None:
    down = Interval(start=at(9, 10), end=at(11))
    changed = run(Scenarios(telephony_silent=(down,)))
    log = of(RecordKind.QUEUE_LOG, changed)
    assert not [record for record in log if down.start <= record.at < down.end]
    restarts = [record for record in log if verb(record) == "QUEUESTART"]
    assert [record.at for record in restarts] == [down.end]
    before = [record for record in of(RecordKind.QUEUE_LOG, PLAIN) if record.at < down.start]
    assert [record for record in log if record.at < down.start] == before
    # No call that was open when the system went down has a line after it.
    open_calls = {record.leg for record in before if record.leg} & {
        record.leg for record in of(RecordKind.QUEUE_LOG, PLAIN) if record.at >= down.start and record.leg
    }
    assert open_calls
    assert not [record for record in changed if record.leg in open_calls and record.at >= down.start]
    assert on(WEDNESDAY, changed) == on(WEDNESDAY, PLAIN)


def test_late_mail_comes_in_one_batch_and_is_answered_after_it() -> None:
    late = Interval(start=at(6), end=at(12))
    changed = run(Scenarios(late_mail=(late,)))
    inbox = of(RecordKind.INBOX, changed)
    delayed = [record for record in of(RecordKind.INBOX, PLAIN) if late.start <= record.at < late.end]
    assert len(delayed) > 5
    assert not [record for record in inbox if late.start <= record.at < late.end]
    batch = {record.leg for record in inbox if record.at == late.end}
    assert {record.leg for record in delayed if b"References:" not in record.payload} <= batch
    for mail in Oracle().read(changed).mails.values():
        assert all(answer > mail.at for answer in mail.answers)
    assert of(RecordKind.QUEUE_LOG, changed) == of(RecordKind.QUEUE_LOG, PLAIN)


def test_a_doubled_webhook_writes_each_line_of_the_day_twice() -> None:
    changed = run(Scenarios(doubled_visits=frozenset({TUESDAY})))
    expected: list[Record] = []
    for record in PLAIN:
        twice = record.kind is RecordKind.VISIT and local_day(record.at) == TUESDAY
        expected += [record] * (2 if twice else 1)
    assert changed == expected
    assert len(changed) > len(PLAIN) + 50


def test_a_wrong_clock_changes_the_shown_time_only() -> None:
    changed = run(Scenarios(clock_off={TUESDAY: timedelta(hours=1)}))
    assert [(record.at, record.kind, record.leg) for record in changed] == [
        (record.at, record.kind, record.leg) for record in PLAIN
    ]
    for wrong, right in zip(changed, PLAIN, strict=True):
        if right.kind is RecordKind.QUEUE_LOG and local_day(right.at) == TUESDAY:
            shown, _, rest = wrong.payload.partition(b"|")
            meant, _, same = right.payload.partition(b"|")
            assert int(shown) == int(meant) + 3600
            assert rest == same
        else:
            assert wrong == right


def test_missing_ends() -> None:
    changed = run(Scenarios(missing_complete={TUESDAY: 0.5}))
    gone = [record for record in PLAIN if record not in set(changed)]
    assert set(changed) < set(PLAIN)
    assert {verb(record) for record in gone} == {"COMPLETEAGENT", "COMPLETECALLER"}
    ends = sum(
        record.kind is RecordKind.QUEUE_LOG and verb(record).startswith("COMPLETE")
        for record in on(TUESDAY, PLAIN)
    )
    assert len(gone) / ends == pytest.approx(0.5, abs=0.2)


def test_a_log_without_transfers() -> None:
    changed = run(Scenarios(no_transfers=frozenset({TUESDAY})))

    def transfers(records: list[Record]) -> list[Record]:
        return [record for record in of(RecordKind.QUEUE_LOG, records) if verb(record).endswith("TRANSFER")]

    assert transfers(on(TUESDAY, PLAIN))
    assert not transfers(on(TUESDAY, changed))
    assert others(RecordKind.QUEUE_LOG, changed) == others(RecordKind.QUEUE_LOG, PLAIN)
    for record, was in zip(on(TUESDAY, changed), on(TUESDAY, PLAIN), strict=True):
        if record != was:
            *_, hold, talk, position = record.payload.decode().split("|")
            *_, hold_before, talk_before, position_before = was.payload.decode().split("|")
            assert verb(record) == "COMPLETEAGENT"
            assert (hold, position) == (hold_before, position_before)
            assert int(talk) > int(talk_before)


def begun(records: list[Record]) -> list[Record]:
    return [record for record in records if b"References:" not in record.payload]


def test_no_scenario_reaches_other_days_calls() -> None:
    everything = Scenarios(
        telephony_silent=(Interval(start=at(9), end=at(10)),),
        late_mail=(Interval(start=at(6), end=at(12)),),
        doubled_visits=frozenset({TUESDAY}),
        clock_off={TUESDAY: timedelta(hours=-1)},
        missing_complete={TUESDAY: 0.3},
        no_transfers=frozenset({TUESDAY}),
    )
    changed = run(everything)
    for day in (MONDAY, WEDNESDAY):
        for kind in (RecordKind.QUEUE_LOG, RecordKind.INBOX):
            assert begun(on(day, of(kind, changed))) == begun(on(day, of(kind, PLAIN)))


def test_intervals_must_have_a_length() -> None:
    with pytest.raises(ValueError, match="before end"):
        Interval(start=at(9), end=at(9))
