"""``kommuncenter dashboards``: Grafana's boards as code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kommuncenter.commands.common import err, out, told
from kommuncenter.settings import Settings, load_settings

if TYPE_CHECKING:
    from dashboards.grafana.boards import Choices
    from dashboards.grafana.publish import Outcome

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


@app.command()
@told
def publish(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the differences, write nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite our boards also where a person changed them.")
    ] = False,
) -> None:
    """Publish the dashboards to the Grafana of the settings; exit with 1 if one was kept as a person left it.

    Alarms and the data source are provisioned by files on Grafana's own machine.
    """
    from dashboards.grafana.boards import boards
    from dashboards.grafana.model import DATA_SOURCE_UID
    from dashboards.grafana.publish import Fate
    from dashboards.grafana.publish import publish as publish_boards
    from kommuncenter.grafana import connected

    settings = load_settings()
    with connected(settings.grafana) as remote:
        outcomes = publish_boards(remote, boards(choices(settings)), dry_run=dry_run, force=force)
        asked = remote.has_data_source(DATA_SOURCE_UID)
    for outcome in outcomes:
        for line in outcome.difference:
            out.print(line, markup=False, highlight=False, soft_wrap=True)
        out.print(_told(outcome, dry_run=dry_run), markup=False, highlight=False, soft_wrap=True)
    if not asked:
        err.print(
            f"Grafana has no data source {DATA_SOURCE_UID}, and the boards will be empty: provision it "
            "(docs/grafana.md)",
            markup=False,
            highlight=False,
        )
    if any(outcome.fate in (Fate.KEPT, Fate.PROVISIONED) for outcome in outcomes):
        raise typer.Exit(1)


def _told(outcome: Outcome, *, dry_run: bool) -> str:
    """Return a line on what became of a board."""
    from dashboards.grafana.publish import Fate

    by = f" by {outcome.saved_by}" if outcome.saved_by else ""
    said = {
        Fate.CREATED: "would be created" if dry_run else "created",
        Fate.UPDATED: "would be updated" if dry_run else "updated",
        Fate.UNCHANGED: "unchanged",
        Fate.KEPT: f"kept: changed{by} in Grafana; take that into the code, or overwrite it with --force",
        Fate.PROVISIONED: "comes from files on Grafana's machine; replace those, or remove their provider",
    }
    return f"{outcome.title}: {said[outcome.fate]}"


@app.command()
@told
def annotate(
    text: Annotated[str, typer.Argument(help="What was deployed, such as 'Version 1.4 i drift'.")],
) -> None:
    """Mark a deploy, now, on every board; for the script that deploys."""
    from dashboards.grafana.overlays import DEPLOYED_TAG
    from kommuncenter.grafana import connected

    with connected(load_settings().grafana) as remote:
        remote.annotate(text, (DEPLOYED_TAG,))
    out.print("Marked on the boards.")
