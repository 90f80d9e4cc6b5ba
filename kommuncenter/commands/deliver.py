"""``kommuncenter deliver``: reports by e-mail."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

import structlog
import typer
from rich.table import Table

from kommuncenter.commands.common import logged_settings, out, told
from kommuncenter.delivery.deliver import Outcome
from kommuncenter.delivery.records import Delivery, digest_of
from kommuncenter.schedule import wait_until
from kommuncenter.settings import Settings
from schemas.errors import ConfigurationError, KommuncenterError

log = structlog.get_logger(__name__)

app = typer.Typer(help="Reports by e-mail.", no_args_is_help=True)
TRY_AGAIN_AFTER = timedelta(minutes=5)


@app.command("due")
@told
def due() -> None:
    """Deliver the reports that are due, each once; for cron. Exit with 1 if one could not be delivered."""
    from kommuncenter import wiring
    from kommuncenter.delivery.reports import reports_of

    settings = logged_settings()
    reports = reports_of(settings)
    found = list(reports.due(wiring.clock(settings).now()))
    outcomes = {period.name: reports.deliver(period) for period in found}
    for name, outcome in outcomes.items():
        out.print(f"{name}: {outcome.value}", highlight=False)
    if not found:
        out.print("Nothing is due.")
    _exit(outcomes.values())


@app.command("run")
@told
def run() -> None:
    """Deliver the reports as they fall due, until stopped."""
    from kommuncenter import wiring
    from kommuncenter.delivery.reports import reports_of

    settings = logged_settings()
    reports, clock = reports_of(settings), wiring.clock(settings)
    while True:
        try:
            for period in reports.due(clock.now()):
                log.info("report_delivered", period=period.name, outcome=reports.deliver(period).value)
        except ConfigurationError:
            raise
        except KommuncenterError as error:
            log.error("report_not_delivered", reason=str(error))
        now = clock.now()
        wait_until(min(reports.next_due(now), now + TRY_AGAIN_AFTER), clock)


@app.command("send")
@told
def send(
    *,
    week: Annotated[str | None, typer.Option(help="ISO week, such as 2026-W47.")] = None,
    month: Annotated[str | None, typer.Option(help="Month, such as 2026-11.")] = None,
    tertial: Annotated[str | None, typer.Option(help="Four months, such as 2026-T3.")] = None,
    correction: Annotated[
        bool, typer.Option("--correction", help="Send it once more, as corrected, to all.")
    ] = False,
) -> None:
    """Deliver a report now to those recipients who have not had it."""
    from kommuncenter import reporting
    from kommuncenter.delivery.reports import reports_of

    reports = reports_of(logged_settings())
    chosen = reporting.chosen_period(week, month, tertial, None, None)
    outcome = reports.deliver(chosen, correction=correction)
    out.print(f"{chosen.name}: {outcome.value}", highlight=False)
    _exit([outcome])


@app.command("list")
@told
def listed(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False
) -> None:
    """Show what was delivered, what is in doubt, and whom the server refused."""
    from kommuncenter import wiring

    settings = logged_settings()
    names = _names(settings)
    found = [_told(delivery, names) for delivery in wiring.deliveries(settings).deliveries()]
    if as_json:
        sys.stdout.write(jsonlib.dumps(found, ensure_ascii=False, indent=2) + "\n")
        return
    table = Table("delivery", "report", "state", "last step", box=None, pad_edge=False)
    for row in found:
        kind = ", test" if row["test"] else f", correction {row['correction']}" if row["correction"] else ""
        table.add_row(row["delivery"], f"{row['period']}{kind}", row["state"], row["at"])
    out.print(table)
    for row in found:
        if row["missing"] and row["state"] == "sent":
            line = f"{row['delivery']}: not delivered to {', '.join(row['missing'])}"
            out.print(line, soft_wrap=True, markup=False, highlight=False)


@app.command("resend")
@told
def resend(delivery: Annotated[str, typer.Argument(help="Of `deliver list`.")]) -> None:
    """Send again what is in doubt or has failed, under the same Message-ID.

    Of what is sent, to those whom the server refused.
    """
    from kommuncenter import wiring
    from kommuncenter.delivery.reports import reports_of

    settings = logged_settings()
    found = wiring.deliveries(settings).deliveries(delivery)
    if not found:
        raise ConfigurationError(f"{delivery}: no such delivery; see `kommuncenter deliver list`")
    outcome = reports_of(settings).resend(found[0])
    out.print(f"{found[0].which.period}: {outcome.value}", highlight=False)
    _exit([outcome])


def _exit(outcomes: Any) -> None:
    if any(outcome not in {Outcome.SENT, Outcome.DONE_BEFORE, Outcome.YIELDED} for outcome in outcomes):
        raise typer.Exit(1)


def _names(settings: Settings) -> Mapping[str, str]:
    """Return digest -> address of those whom the settings name; the store keeps no addresses."""
    chosen = settings.delivery
    return {digest_of(address): address for address in (*chosen.recipients, chosen.test_recipient) if address}


def _told(delivery: Delivery, names: Mapping[str, str]) -> dict[str, Any]:
    which, last = delivery.which, delivery.records[-1]
    missing: Sequence[str] = [names.get(who, f"unknown {who}") for who in delivery.missing]
    return {
        "delivery": which.id,
        "period": which.period,
        "scope": which.scope,
        "state": delivery.state.value,
        "test": which.test,
        "correction": which.correction,
        "at": f"{last.at:%Y-%m-%d %H:%M} UTC",
        "missing": missing,
        "reason": last.reason,
    }
