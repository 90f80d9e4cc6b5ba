"""``kommuncenter dashboards``: Grafana's boards as code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kommuncenter.commands.common import err, out, told
from kommuncenter.settings import Settings, load_settings

if TYPE_CHECKING:
    from dashboards.grafana.boards import Choices

app = typer.Typer(help="Grafana dashboards as code.", no_args_is_help=True)


def choices(settings: Settings) -> Choices:
    """Return what the boards show of an installation's settings."""
    from dashboards.grafana.boards import Choices
    from kommuncenter import wiring

    return Choices(wiring.catalogue(settings), wiring.definitions(settings), wiring.silence_rule(settings))


@app.command()
@told
def generate(
    to: Annotated[Path | None, typer.Option("--out", help="Folder; default: the committed one.")] = None,
) -> None:
    """Write Grafana's dashboards and alarms from their registries; those in a folder go by the settings."""
    from dashboards.grafana import generate as generating

    chosen = choices(load_settings()) if to else None
    written = generating.write(to or generating.COMMITTED, chosen)
    written += generating.write_alerting(to / "alerting" if to else generating.COMMITTED_ALERTING, chosen)
    for path in written:
        out.print(str(path))


@app.command()
@told
def check() -> None:
    """Fail if the committed dashboards or alarms differ from their registries."""
    from dashboards.grafana import generate as generating

    differences = generating.check(generating.COMMITTED)
    differences += generating.check_alerting(generating.COMMITTED_ALERTING)
    for difference in differences:
        err.print(difference, markup=False, highlight=False)
    if differences:
        raise typer.Exit(1)
    out.print("The committed dashboards and alarms are current.")
