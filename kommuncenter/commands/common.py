"""What all commands share: the consoles, the settings, and how our own errors are told."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import stamina
import typer
from rich.console import Console

from kommuncenter.logs import configure_logs
from kommuncenter.settings import Settings, load_settings
from schemas.errors import ConfigurationError, KommuncenterError, RetriableError

out = Console()
err = Console(stderr=True)
P = ParamSpec("P")
T = TypeVar("T")


def told(command: Callable[P, None]) -> Callable[P, None]:
    """Tell our own errors in a line, without a trace: 2 for what a person has to change, else 1."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except KommuncenterError as error:
            # Not cut into lines: it is copied, searched for, and read in logs.
            err.print(
                f"kommuncenter: {error}", style="bold red", markup=False, highlight=False, soft_wrap=True
            )
            raise typer.Exit(2 if isinstance(error, ConfigurationError) else 1) from error

    return wrapper


def logged_settings() -> Settings:
    """Return the settings, and set up logging as they say."""
    settings = load_settings()
    configure_logs(settings.log_level)
    return settings


def patiently(action: Callable[[], T]) -> T:
    """Do something that needs other services, as often as it takes: every failed try is logged with why."""
    return stamina.retry(on=RetriableError, attempts=None, timeout=None, wait_max=5.0)(action)()
