"""``kommuncenter deliver``: the report of the closed week, from the store to a mailbox, once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from dashboards.report import period
from kommuncenter import doctor, wiring
from kommuncenter.cli import app
from kommuncenter.clocks import ScaledClock
from kommuncenter.commands import deliver
from kommuncenter.delivery.reports import Reports
from kommuncenter.delivery.settings import DeliverySettings
from kommuncenter.embedded.clickhouse import EmbeddedClickHouse
from kommuncenter.settings import Settings, load_settings
from schemas.clickhouse.queries import Query
from schemas.errors import KommuncenterError
from schemas.timebase import STOCKHOLM
from tests.dashboards.samples import RowStore, invented_days
from tests.dashboards.stored import Stored, database_with
from tests.delivery.server import Server, serving
from tests.services.clickhouse import clickhouse

__all__ = ["clickhouse"]

pytestmark = pytest.mark.integration

MONDAY = datetime(2026, 11, 23, 7, 45, tzinfo=STOCKHOLM)
"""A quarter after the report of week 47 is due."""
CHIEF, LEADER = "chef@kommun.example", "ledare@kommun.example"


@pytest.fixture(scope="module")
def stored(clickhouse: EmbeddedClickHouse) -> Iterator[Stored]:
    with database_with(clickhouse, RowStore(invented_days(date(2026, 8, 31), 84, seed=9))) as found:
        yield found


@pytest.fixture
def server(stored: Stored) -> Iterator[Server]:
    """A mail server, and a store in which nothing has been delivered."""
    for table in ("deliveries", "reports"):
        stored.writer.command(f"TRUNCATE TABLE {table}")
    with serving() as found:
        yield found


@dataclass
class SetClock:
    """Shows what it is set to."""

    at: datetime

    def now(self) -> datetime:
        """Return the instant."""
        return self.at.astimezone(UTC)


Setup = Callable[..., None]


@pytest.fixture
def setup(stored: Stored, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    """Write the settings, at an instant."""
    # Loggers keep the stream that they were made with; the runner closes its own after each command.
    monkeypatch.setattr(deliver, "logged_settings", load_settings)
    monkeypatch.setattr("kommuncenter.delivery.deliver.log", structlog.wrap_logger(structlog.ReturnLogger()))
    monkeypatch.chdir(tmp_path)

    def write(at: datetime = MONDAY, recipients: Sequence[str] = (CHIEF, LEADER), **more: object) -> None:
        store = stored.writer._settings
        clock = ScaledClock(at.astimezone(UTC), datetime.now(UTC), 1.0)
        given = {
            "host": "127.0.0.1",
            "port": server.port,
            "security": "none",
            "sender": "k@kommun.example",
            "recipients": list(recipients),
            "attempts": 1,
            **more,
        }
        lines = [f'state_dir = "{tmp_path / "state"}"', f'clock = "{clock.spec()}"', "[clickhouse]"]
        lines += [f'host = "{store.host}"', f"port = {store.port}", f'user = "{store.user}"']
        lines += [f'password = "{store.password.get_secret_value()}"', f'database = "{store.database}"']
        lines += ["[delivery]", *(f"{name} = {json.dumps(value)}" for name, value in given.items())]
        (tmp_path / "kommuncenter.toml").write_text("\n".join(lines), encoding="utf-8")

    monkeypatch.setenv("KC_CONFIG", str(tmp_path / "kommuncenter.toml"))
    return write


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_the_closed_week_goes_out_once_with_its_summary_and_the_report(
    setup: Setup, server: Server, stored: Stored
) -> None:
    setup()
    said = run("deliver", "due")
    assert (said.exit_code, said.stdout) == (0, "2026-W47: sent\n"), said.output
    [taken] = server.handler.taken
    assert taken.recipients == [CHIEF, LEADER]
    assert taken.message["Subject"] == "Veckorapport för Kommuncenter, vecka 47, 2026 – 16–22 november 2026"
    body = taken.message.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "Sammanfattning" in text
    assert text.count("\n- ") >= 3
    attached = {
        part.get_filename(): part.get_payload(decode=True) for part in taken.message.iter_attachments()
    }
    assert set(attached) == {"rapport-2026-W47.html", "rapport-2026-W47.pdf"}
    page = attached["rapport-2026-W47.html"]
    assert isinstance(page, bytes)
    assert page.decode() == run("report", "--week", "2026-W47").stdout
    assert run("deliver", "due").stdout == "Nothing is due.\n"
    assert len(server.handler.taken) == 1
    kept = stored.writer.rows(Query("SELECT period FROM reports"))
    assert [tuple(row) for row in kept] == [("2026-W47",)], "what is sent is published"
    [listed] = json.loads(run("deliver", "list", "--json").stdout)
    assert (listed["period"], listed["state"], listed["missing"]) == ("2026-W47", "sent", [])
    assert delivery_finding().good


def test_before_its_time_nothing_is_due_and_a_week_later_the_next_is(setup: Setup, server: Server) -> None:
    setup(MONDAY - timedelta(minutes=20))
    assert run("deliver", "due").stdout == "Nothing is due.\n"
    setup(MONDAY + timedelta(days=6))
    assert run("deliver", "due").stdout == "2026-W47: sent\n", "late is better than never"
    assert len(server.handler.taken) == 1


def test_while_it_runs_it_waits_for_the_report_and_tries_again(
    setup: Setup, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup()
    clock, waited = SetClock(MONDAY - timedelta(minutes=18)), list[str]()

    def wait(due: datetime, _clock: object) -> None:
        clock.at = due
        waited.append(f"{due.astimezone(STOCKHOLM):%H:%M}")
        if len(waited) == 4:
            raise KeyboardInterrupt

    server.handler.at_mail = ["451 later"]
    monkeypatch.setattr(wiring, "clock", lambda _: clock)
    monkeypatch.setattr(deliver, "wait_until", wait)
    monkeypatch.setattr(deliver, "log", structlog.wrap_logger(structlog.ReturnLogger()))
    run("deliver", "run")
    assert waited == ["07:30", "07:35", "07:40", "07:45"]
    assert len(server.handler.taken) == 1, "at 07:30 the server was busy, and at 07:35 it took it"


def test_a_test_is_no_delivery_and_publishes_nothing(setup: Setup, server: Server, stored: Stored) -> None:
    setup(test_recipient="it@kommun.example")
    assert run("deliver", "due").stdout == "2026-W47: sent\n"
    [taken] = server.handler.taken
    assert taken.recipients == ["it@kommun.example"]
    assert taken.message["Subject"].startswith("[TEST] ")
    assert stored.writer.rows(Query("SELECT count() FROM reports"))[0][0] == 0
    setup()
    assert run("deliver", "due").stdout == "2026-W47: sent\n"


def test_a_doubt_is_told_by_list_and_doctor_until_it_is_resent(setup: Setup, server: Server) -> None:
    setup()
    server.handler.hang_up = True
    said = run("deliver", "due")
    assert (said.exit_code, said.stdout) == (1, "2026-W47: in doubt\n")
    server.handler.hang_up = False
    assert run("deliver", "due").stdout == "Nothing is due.\n"
    [listed] = json.loads(run("deliver", "list", "--json").stdout)
    assert (listed["state"], listed["missing"]) == ("in doubt", [CHIEF, LEADER])
    finding = delivery_finding()
    assert not finding.good
    assert f"2026-W47: in doubt ({listed['delivery']})" in finding.said
    assert run("deliver", "resend", listed["delivery"]).stdout == "2026-W47: sent\n"
    assert len(set(server.handler.ids())) == 1
    assert "sent" in run("deliver", "list").stdout
    assert run("deliver", "resend", "another").exit_code == 2


def test_who_was_refused_is_named_and_gets_it_alone(setup: Setup, server: Server) -> None:
    setup()
    server.handler.refused = {LEADER: "550 unknown"}
    assert run("deliver", "send", "--week", "2026-W46").stdout == "2026-W46: sent\n"
    assert LEADER in run("deliver", "list").stdout
    assert "refused for 1 recipient" in delivery_finding().said
    [listed] = json.loads(run("deliver", "list", "--json").stdout)
    server.handler.refused = {}
    assert run("deliver", "resend", listed["delivery"]).exit_code == 0
    assert [taken.recipients for taken in server.handler.taken] == [[CHIEF], [LEADER]]


def test_without_a_mail_server_it_says_what_to_do(setup: Setup) -> None:
    setup(host="")
    said = run("deliver", "due")
    assert said.exit_code == 2
    assert "delivery.host (KC_DELIVERY__HOST)" in said.stderr
    assert delivery_finding().good


def test_the_public_report_goes_out_under_a_scope_of_its_own(setup: Setup, server: Server) -> None:
    setup(public=True, formats=["json"])
    assert run("deliver", "due").stdout == "2026-W47: sent\n"
    [part] = server.handler.taken[0].message.iter_attachments()
    assert part.get_filename() == "rapport-2026-W47-offentlig.json"
    setup()
    assert run("deliver", "due").stdout == "2026-W47: sent\n"


def delivery_finding() -> doctor.Finding:
    """Return what the doctor says of delivery."""
    try:
        return doctor.Finding("delivery", True, doctor._delivery(load_settings()))
    except KommuncenterError as error:
        return doctor.Finding("delivery", False, str(error))


KINDS = st.lists(st.sampled_from(["week", "month", "tertial"]), min_size=1, max_size=3, unique=True)
INSTANTS = st.integers(1_735_689_600, 1_925_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(KINDS, INSTANTS)
def test_the_next_report_is_due_at_its_time_on_the_day_after_a_period(
    kinds: list[str], now: datetime
) -> None:
    delivery = DeliverySettings.model_validate({"periods": kinds})
    reports = Reports(Settings.model_construct(delivery=delivery), None)  # type: ignore[arg-type]
    due = reports.next_due(now)
    assert due > now
    local = due.astimezone(STOCKHOLM)
    assert (local.hour, local.minute) == (7, 30)
    ends = {
        "week": local.weekday() == 0,
        "month": local.day == 1,
        "tertial": local.day == 1 and local.month in {1, 5, 9},
    }
    assert any(ends[kind] for kind in kinds)
    longest = {"week": 7, "month": 31, "tertial": 123}
    assert due - now <= timedelta(days=min(longest[kind] for kind in kinds), hours=1)


def test_every_name_of_a_period_gives_the_period() -> None:
    for name in ("2026-W47", "2026-11", "2026-T3", "2026-11-02..2026-11-15"):
        assert period.named(name).name == name
