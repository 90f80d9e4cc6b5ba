"""``kommuncenter access``: tokens for the board."""

from __future__ import annotations

from typing import Annotated

import typer

from dashboards.board.access import Role, new_token, token_hash
from kommuncenter.commands.common import err, out, told

app = typer.Typer(help="Who may see the live board.", no_args_is_help=True)


@app.callback()
def access() -> None:
    """Keep ``token`` a command of its own, though it is the only one."""


@app.command()
@told
def token(
    role: Annotated[Role, typer.Option(help="What it permits: see docs/board.md.")],
    name: Annotated[str | None, typer.Option(help="Whose it is; the role by default.")] = None,
) -> None:
    """Make a token: print it once, and what the settings keep of it."""
    made = new_token()
    called = name or role.value
    out.print(made, highlight=False, markup=False, soft_wrap=True)
    err.print("The token stands above; it is shown this once. The settings hold its hash only:\n")
    for line in (
        f"[access.tokens.{called}]",
        f'role = "{role.value}"',
        f'sha256 = "{token_hash(made)}"',
    ):
        err.print(line, highlight=False, markup=False, soft_wrap=True)
