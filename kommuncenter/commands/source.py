"""``kommuncenter source``: run sources, and make, test, try out and replay them."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from kommuncenter.commands.common import err, logged_settings, out, told
from kommuncenter.commands.status import status
from kommuncenter.commands.webhook import webhook
from kommuncenter.settings import load_settings, sources_folder
from schemas.errors import ConfigurationError
from schemas.events import Channel
from schemas.topics import shadow_topic

app = typer.Typer(help="Event sources.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A source, such as asterisk; see `source list`.")]


@app.command("list")
@told
def list_sources() -> None:
    """List the sources that there are, and the instances that are configured."""
    from producers.registry import load, names

    settings = load_settings()
    table = Table("source", "channel", "configured instances")
    for name in names():
        used = [key for key, given in settings.sources.items() if given.get("type") == name]
        table.add_row(name, load(name).channel.value, ", ".join(used) or "-")
    out.print(table)


@app.command()
@told
def run(
    instances: Annotated[list[str], typer.Argument(help="Configured instances, such as telephony.")],
) -> None:
    """Read sources and publish their events until stopped."""
    from kommuncenter import serving, wiring

    settings = logged_settings()
    wiring.create_topics(settings)
    runners = [wiring.source_runner(settings, instance) for instance in instances]
    asyncio.run(serving.run_sources(runners))


@app.command()
@told
def form(
    instance: Annotated[str, typer.Argument(help="A configured instance of the desk source.")],
) -> None:
    """Serve the desk's registration form."""
    from kommuncenter import serving, wiring

    settings = logged_settings()
    serving.serve(wiring.desk_form(settings, instance), settings.desk.host, settings.desk.port)


app.command("webhook")(webhook)
app.command("status")(status)


@app.command()
@told
def new(
    name: Annotated[str, typer.Argument(help="Name of the source: a to z, 0 to 9 and _.")],
    channel: Annotated[Channel, typer.Option(help="telephone, email or visit.")],
    directory: Annotated[
        Path | None,
        typer.Option(
            help="For Python: a new directory, for a package of its own; else it goes to producers/sources. "
            "For a mapping: the folder of sources; else that of the settings."
        ),
    ] = None,
    *,
    mapped: Annotated[bool, typer.Option("--mapped", help="A mapping in TOML instead of Python.")] = False,
) -> None:
    """Make a new source that passes every test, for you to change."""
    from kommuncenter.sources.new import new_mapped_source, new_source

    if mapped:
        folder = new_mapped_source(name, channel, directory or sources_folder(load_settings()))
    else:
        folder = new_source(name, channel, directory)
    file = "source.toml" if mapped else "source.py"
    out.print(f"Made {folder}. Read its README.md, change {file} and the cases, then:", highlight=False)
    if directory is not None and not mapped:
        out.print(f"  pip install --editable {directory}", highlight=False)
    out.print(f"  kommuncenter source test {name}", highlight=False)


@app.command("test")
@told
def run_kit(
    names: Annotated[list[str], typer.Argument(help="Sources, such as asterisk; see `source list`.")],
    examples: Annotated[
        int, typer.Option(min=1, help="Arbitrary inputs; ten times as many corrupted.")
    ] = 100,
    mutants: Annotated[int, typer.Option(min=0, help="Faults to put in, one at a time.")] = 60,
) -> None:
    """Run the conformance kit over sources."""
    from producers import registry

    try:
        from kommuncenter.conformance import all_checks
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{error.name} is not installed; install kommuncenter-stats[conformance]"
        ) from error
    load_settings()  # the installation's own sources are beside them
    wrong = 0
    for name in names:
        checks = all_checks(registry.load(name), registry.folder(name), examples=examples, mutants=mutants)
        for what, problems in checks:
            out.print(f"{'NO' if problems else 'ok'}  {name}: {what}", highlight=False)
            for problem in problems:
                out.print(f"    {problem}", markup=False, highlight=False)
            wrong += len(problems)
    if wrong:
        raise typer.Exit(1)


@app.command()
@told
def golden(name: Name) -> None:
    """Write the golden files of a source's cases anew, for you to read and commit."""
    from producers.conformance import cases_of

    load_settings()
    for case in cases_of(name):
        case.write()
        out.print(f"{case.name}: written; read it before you commit it", highlight=False)


@app.command()
@told
def check(
    name: Name,
    sample: Annotated[
        Path, typer.Option(help="A file of input, a folder with a record a file, or the folder of a case.")
    ],
    settings: Annotated[
        Path | None, typer.Option(help="The source's settings (TOML); default: its sample.toml.")
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Try a source on a sample: events, rejections, and fields that nobody reads. Nothing is sent."""
    from kommuncenter import wiring
    from kommuncenter.sources import dry_run

    found = dry_run.dry_run(name, sample, settings, wiring.catalogue(load_settings()))
    if json:
        sys.stdout.write(found.as_json())
        return
    if found.outcome.events:
        table = Table("time (UTC)", "event", "leg", "says")
        for row in dry_run.event_rows(found.outcome.events):
            table.add_row(*row)
        out.print(table)
    if found.outcome.rejections:
        table = Table("rejected", "reason", "detail")
        for rejected in found.outcome.rejected():
            table.add_row(rejected["place"], rejected["reason"], rejected["detail"])
        out.print(table)
    if found.unread is None:
        err.print("The records are no JSON objects: which of their fields nobody reads can't be told.")
    elif found.unread:
        out.print(f"Fields that nobody reads: {', '.join(found.unread)}", markup=False, highlight=False)
    out.print(dry_run.summary(found), highlight=False)


@app.command()
@told
def replay(
    instance: Annotated[str, typer.Argument(help="A configured instance, such as telephony.")],
    start: Annotated[
        str | None,
        typer.Option("--from", help="A place that an earlier replay told; default: the beginning."),
    ] = None,
    topic: Annotated[
        str | None, typer.Option(help="Where to send what it gives; default: kc.shadow.INSTANCE.")
    ] = None,
    quiet: Annotated[
        float, typer.Option(min=0.1, help="Seconds without anything new after which all is read.")
    ] = 60.0,
    *,
    compare_only: Annotated[bool, typer.Option("--compare-only", help="Send nothing anywhere.")] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Send what is missing to the instance's own topic, to be counted.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Read a source again, into a topic that nobody counts, and compare with the archive."""
    from kommuncenter import wiring
    from kommuncenter.sources import telling

    settings = logged_settings()
    into = None if compare_only else topic or shadow_topic(instance)
    with wiring.source_replay(settings, instance, into) as prepared:
        found = asyncio.run(prepared.run(start, timedelta(seconds=quiet)))
    if apply and found.missing:
        wiring.send(settings, instance, found.missing)
    if json:
        sys.stdout.write(telling.replay_json(found))
    else:
        for line in telling.replay_lines(found, into, applied=apply):
            out.print(line, markup=False, highlight=False)
    if found.differences:
        raise typer.Exit(1)
