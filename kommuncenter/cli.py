"""The command line: ``kommuncenter``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from kommuncenter.commands import access, dashboards, deliver, dlq, source
from kommuncenter.commands.common import logged_settings, out, patiently, told
from kommuncenter.commands.rebuild import rebuild
from kommuncenter.commands.report import report
from kommuncenter.commands.verify import verify
from kommuncenter.logs import configure_logs
from kommuncenter.settings import config_path, load_settings

app = typer.Typer(
    help="Service statistics of a municipal contact centre.", no_args_is_help=True, rich_markup_mode=None
)
config_app = typer.Typer(help="Settings and catalogue.", no_args_is_help=True)
app.add_typer(source.app, name="source")
app.add_typer(config_app, name="config")
app.add_typer(dlq.app, name="dlq")
app.add_typer(deliver.app, name="deliver")
app.add_typer(access.app, name="access")
app.add_typer(dashboards.app, name="dashboards")


@app.command()
@told
def demo(
    *,
    queue_log: Annotated[
        Path | None, typer.Option(help="An Asterisk queue_log to show instead of the simulated centre.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the board; 0 takes a free one.")] = 8080,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="Simulated weeks before the live day.")] = 4,
    speed: Annotated[float, typer.Option(min=0.1, help="How fast the simulated day goes.")] = 12.0,
    seed: Annotated[int, typer.Option(help="Another seed is another centre.")] = 1,
    start: Annotated[
        datetime, typer.Option(formats=["%H:%M"], help="When the simulated day goes live.")
    ] = datetime(2026, 11, 24, 10),  # noqa: DTZ001 - only the local clock time of it is used
    directory: Annotated[Path, typer.Option(help="Where the demo keeps its files; emptied first.")] = Path(
        "var/demo"
    ),
) -> None:
    """Run everything on this machine: broker, store, worker, sources, registration form and live board."""
    from kommuncenter.demo import DemoPlan, run_demo

    configure_logs("warning")
    plan = DemoPlan(directory, port, weeks, speed, seed, start.time(), queue_log)
    run_demo(plan, out)


@app.command()
@told
def worker() -> None:
    """Fold contact events into figures: the Faust worker. Waits for the store and the broker."""
    from kommuncenter import wiring
    from streams.app import run_worker

    settings = logged_settings()
    run_worker(patiently(lambda: wiring.worker_app(settings)))


@app.command()
@told
def board() -> None:
    """Serve the live board."""
    from kommuncenter import serving, wiring

    settings = logged_settings()
    serving.serve_board(wiring.board(settings), settings.board.host, settings.board.port)


@app.command()
@told
def migrate() -> None:
    """Bring the store's tables up to date, and set how long they keep their rows."""
    from kommuncenter import database, wiring

    settings = logged_settings()
    applied = database.migrate(settings.clickhouse)
    database.apply_retention(wiring.database(settings), settings.retention)
    out.print(f"Applied: {', '.join(applied)}" if applied else "The store is up to date.")


@app.command()
@told
def doctor() -> None:
    """Look at settings, broker, store and sources, and say what is wrong and what to do."""
    from kommuncenter.doctor import examine

    table = Table("", "what", "found")
    findings = examine()
    for finding in findings:
        table.add_row("ok" if finding.good else "NO", finding.what, finding.said)
    out.print(table)
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


app.command()(verify)
app.command()(rebuild)
app.command()(report)


@config_app.command("check")
@told
def config_check() -> None:
    """Check settings, catalogue and every configured source without connecting to anything."""
    from kommuncenter import wiring

    settings = load_settings()
    catalogue = wiring.catalogue(settings)
    wiring.clock(settings)
    for instance in settings.sources:
        wiring.source_and_settings(settings, instance)
    out.print(f"Settings: {config_path() or 'environment and defaults'}: ok")
    out.print(f"Catalogue: {len(catalogue.topics)} topics, {len(catalogue.units)} units: ok")
    out.print(f"Sources: {', '.join(settings.sources)}: ok")
