"""``kommuncenter dlq``: what could not be used, why, and once more."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated

import typer

from kommuncenter.commands.common import err, logged_settings, out, told
from kommuncenter.deadletters import telling
from kommuncenter.deadletters.letters import Letters
from schemas.clickhouse.letters import Chosen
from schemas.errors import ConfigurationError
from schemas.timebase import STOCKHOLM, day_start

app = typer.Typer(help="Dead letters: records that could not be used.", no_args_is_help=True)

Instance = Annotated[str | None, typer.Option(help="A source instance, or a topic.")]
Reason = Annotated[str | None, typer.Option(help="A reason, such as bad_time.")]
Since = Annotated[str | None, typer.Option(help="Found since: 2026-11-24, or 2026-11-24T08:00.")]
Until = Annotated[str | None, typer.Option(help="Found until: a day, included, or an instant.")]


@app.command("list")
@told
def list_(
    instance: Instance = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    *,
    each: Annotated[bool, typer.Option("--each", help="One by one, not in groups.")] = False,
    replayed: Annotated[
        bool, typer.Option("--replayed", help="Those that have been replayed as well.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what could not be used and has not been replayed, in groups that have one cause."""
    from kommuncenter import wiring

    letters = wiring.letters(logged_settings())
    found_in = _instant("--since", since), _instant("--until", until, end=True)
    chosen = Chosen(None, instance, reason, *found_in, replayed)
    if each:
        found = letters.find(chosen)
        _print(telling.letter_lines(found), telling.letters_json(found) if json else None)
    else:
        groups = letters.groups(chosen)
        _print(telling.group_lines(groups), telling.groups_json(groups) if json else None)


@app.command()
@told
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    payload: Annotated[
        bool, typer.Option("--payload", help="The record as well. It may hold personal data.")
    ] = False,
) -> None:
    """Show all that is known of a dead letter."""
    from kommuncenter import wiring
    from kommuncenter.sealing import unsealer

    settings = logged_settings()
    letters = wiring.letters(settings)
    for [one] in letters.with_records(_known(letters, [letter_id])):
        _print(telling.shown(one, letters.tries(letter_id), settings.retention.dead_letter_payload_days))
        if payload and one.kept:
            original = one.letter.original(unsealer(settings.dead_letters))
            err.print(telling.PERSONAL, style="bold", soft_wrap=True)
            _print(telling.record_lines(original))


@app.command()
@told
def replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    instance: Instance = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would happen, and send nothing.")
    ] = False,
) -> None:
    """Read dead letters once more, as the source's code and settings are now, and publish their events.

    Takes ids, or all open letters of an instance, a reason or a time. Replaying twice changes nothing.
    """
    from kommuncenter import wiring

    settings = logged_settings()
    letters = wiring.letters(settings)
    chosen = Chosen(None, instance, reason, _instant("--since", since), _instant("--until", until, end=True))
    if bool(ids) == (chosen != Chosen()):
        raise ConfigurationError("dlq replay: give either ids, or --instance, --reason, --since or --until")
    wanted = _known(letters, ids) if ids else [one.letter.id for one in letters.find(chosen)]
    summary = telling.Summary(wiring.late_before(settings), settings.state_dir)
    with wiring.replayer(settings) as replayer:
        for one in replayer.replay(wanted, dry_run=dry_run):
            summary.add(one)
    _print(summary.lines(dry_run=dry_run))
    if not summary.all_replayed:
        raise typer.Exit(1)


def _known(letters: Letters, ids: Sequence[str]) -> list[str]:
    """Return ids without repetition. Raises ConfigurationError for one that there is no letter of."""
    wanted = list(dict.fromkeys(ids))
    found = {one.letter.id for one in letters.find(Chosen(ids=wanted))}
    missing = [one for one in wanted if one not in found]
    if missing:
        raise ConfigurationError(
            f"{missing[0]}: no such dead letter; `kommuncenter dlq list --each` has the ids"
        )
    return wanted


def _instant(option: str, text: str | None, *, end: bool = False) -> datetime | None:
    """Return an instant; a day is its beginning in Sweden, or its end. Raises ConfigurationError."""
    if text is None:
        return None
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return day_start(date.fromisoformat(text) + timedelta(days=int(end)))
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{option} {text!r}: no such day or instant; write it as 2026-11-24 or 2026-11-24T08:00"
        ) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=STOCKHOLM)


def _print(lines: Iterable[str], json: str | None = None) -> None:
    """Print lines as they are, whatever they hold; or the JSON instead."""
    if json is not None:
        sys.stdout.write(json)
        return
    for line in lines:
        out.print(line, soft_wrap=True, markup=False, highlight=False)
