"""``kommuncenter report``: the report of a week, a month, a tertial or any days."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kommuncenter.commands.common import err, logged_settings, told
from schemas.errors import ConfigurationError


@told
def report(
    *,
    week: Annotated[str | None, typer.Option(help="ISO week, such as 2026-W47.")] = None,
    month: Annotated[str | None, typer.Option(help="Month, such as 2026-11.")] = None,
    tertial: Annotated[str | None, typer.Option(help="Four months, such as 2026-T3.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="First day, such as 2026-11-16.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last day, included.")] = None,
    area: Annotated[str, typer.Option(help="Only errands of an area of the catalogue.")] = "",
    compare: Annotated[
        str, typer.Option(help="With the period before (previous) or last-year.")
    ] = "previous",
    form: Annotated[
        str, typer.Option("--format", help="html, pdf, csv, xlsx, json; several by commas.")
    ] = "html",
    to: Annotated[
        Path | None,
        typer.Option("--out", help="A folder, or a file for one format; without it to standard output."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public/--internal", help="Hide what must not leave the centre.")
    ] = False,
    publish: Annotated[
        bool, typer.Option("--publish", help="Keep this version, so that later ones list corrections.")
    ] = False,
) -> None:
    """Write the report of a period: plain Swedish, every figure with its interval, definitions at the end."""
    from dashboards.report.material import Request
    from kommuncenter import reporting

    names = reporting.formats(form)
    asked = Request(
        reporting.chosen_period(week, month, tertial, since, until), reporting.against(compare), area
    )
    paths = _paths(to, names)
    settings = logged_settings()
    made = reporting.make(settings, asked)
    told = reporting.public(settings, made) if public else None
    files = reporting.rendered(made, told.document if told else made.document, names)
    if paths is None:
        [content] = files.values()
        sys.stdout.buffer.write(content)
    else:
        targets = paths or [(to or Path()) / name for name in files]
        reporting.write(dict(zip(targets, files.values(), strict=True)))
        for target in targets:
            err.print(f"Wrote {target}", highlight=False, soft_wrap=True)
    if publish:
        new = reporting.record(settings, made, told)
        err.print(
            f"Version {made.document.data_version} {'is kept' if new else 'was kept already'} as published."
        )


def _paths(to: Path | None, names: tuple[str, ...]) -> list[Path] | None:
    """Return the file that was named; none where a folder was, and None for standard output."""
    if to is None:
        if len(names) > 1:
            raise ConfigurationError(
                f"--format {','.join(names)}: several files need a folder; name it by --out"
            )
        if names == ("pdf",) and sys.stdout.isatty():
            raise ConfigurationError("--format pdf: a screen can't show it; name a file by --out")
        return None
    if len(names) == 1 and to.suffix and not to.is_dir():
        if to.suffix != f".{names[0]}":
            raise ConfigurationError(f"--out {to}: ends otherwise than the format, {names[0]}")
        return [to]
    if to.exists() and not to.is_dir():
        raise ConfigurationError(f"--out {to}: is no folder; {len(names)} files need one")
    return []
