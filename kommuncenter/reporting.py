"""A report from the settings and the store, in the formats asked for, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dashboards.report import period
from dashboards.report.content import report, scope_of
from dashboards.report.disclosure import Ledger, Public, made_public
from dashboards.report.disclosure.ledger import ledger_json, read_ledger
from dashboards.report.document import Audience, Document
from dashboards.report.material import Request
from dashboards.report.period import Against, Period
from dashboards.report.versions import publish
from kommuncenter import wiring
from kommuncenter.settings import Settings
from schemas.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Made:
    """A report, internal, and what sets it apart from others of its period."""

    document: Document
    scope: str
    name: str
    """Of its files, without an ending: ``rapport-2026-W47``."""


def make(settings: Settings, request: Request) -> Made:
    """Read the store and return the report.

    Raises ConfigurationError for a period that has not begun or an area that there is not, and RetriableError
    while the store is away.
    """
    chosen = wiring.definitions(settings)
    document = report(
        wiring.database(settings), wiring.catalogue(settings), request, wiring.clock(settings).now(), chosen
    )
    area = f"-{request.area}" if request.area else ""
    return Made(document, scope_of(request, chosen), f"rapport-{document.period.replace('..', '--')}{area}")


def public(settings: Settings, made: Made) -> Public:
    """Return what may leave the centre of a report, with regard to what earlier public ones told.

    Raises ConfigurationError where it can't be read what these were, and FatalError where what they told
    gives away something of this one.
    """
    return made_public(made.document, _told_before(settings))


def record(settings: Settings, made: Made, told: Public | None = None) -> bool:
    """Keep the version as published, so that a later one says what was corrected; tell whether it is new.

    ``told`` is the public version, where it is that one that leaves the centre: what it told is kept as well.
    """
    if told is not None:
        ledger = _told_before(settings).with_issue(told.issue)
        write({_ledger(settings): ledger_json(ledger).encode()})
    at = wiring.clock(settings).now()
    return publish(wiring.database(settings), made.document, made.scope, at)


def _told_before(settings: Settings) -> Ledger:
    path = _ledger(settings)
    return read_ledger(path.read_text(encoding="utf-8")) if path.exists() else Ledger()


def _ledger(settings: Settings) -> Path:
    """Return the file that keeps what public reports have told; it holds what they left out too."""
    return settings.state_dir / "public-reports.jsonl"


def _html(document: Document) -> bytes:
    from dashboards.report.render.html import render_html

    return render_html(document).encode()


def _pdf(document: Document) -> bytes:
    from dashboards.report.render.pdf import render_pdf

    return render_pdf(document)


def _csv(document: Document) -> bytes:
    from dashboards.report.render.csv import render_csv

    return render_csv(document)


def _xlsx(document: Document) -> bytes:
    from dashboards.report.render.xlsx import render_xlsx

    return render_xlsx(document)


def _json(document: Document) -> bytes:
    from dashboards.report.render.json import render_json

    return render_json(document)


FORMATS: Mapping[str, Callable[[Document], bytes]] = {
    "html": _html,
    "pdf": _pdf,
    "csv": _csv,
    "xlsx": _xlsx,
    "json": _json,
}
"""What a report can be written as."""


def formats(text: str) -> tuple[str, ...]:
    """Return the formats in a list such as ``html,pdf``. Raises ConfigurationError."""
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise ConfigurationError(
            f"--format {text!r}: no such format; there are {', '.join(FORMATS)}, separated by commas"
        )
    return names


def rendered(made: Made, document: Document, names: Iterable[str]) -> dict[str, bytes]:
    """Return file name -> content; ``document`` is the report itself, or what may leave the centre of it."""
    whose = "-offentlig" if document.audience is Audience.PUBLIC else ""
    return {f"{made.name}{whose}.{name}": FORMATS[name](document) for name in names}


def chosen_period(
    week: str | None, month: str | None, tertial: str | None, since: str | None, until: str | None
) -> Period:
    """Return the period that was asked for. Raises ConfigurationError for none, for two, or a wrong one."""
    days = None if since is None and until is None else f"{since}..{until}"
    given: dict[str, tuple[str, Callable[[str], Period]]] = {
        option: (text, read)
        for option, text, read in (
            ("--week", week, period.week),
            ("--month", month, period.month),
            ("--tertial", tertial, period.tertial),
            ("--from and --to", days, period.days),
        )
        if text is not None
    }
    if len(given) != 1:
        found = f"not {' and '.join(given)} at once" if given else "such as --week 2026-W47"
        raise ConfigurationError(f"name one period: --week, --month, --tertial, or --from and --to; {found}")
    if days is not None and (since is None or until is None):
        raise ConfigurationError("--from and --to: name both, such as --from 2026-01-01 --to 2026-03-31")
    [(text, read)] = given.values()
    return read(text)


def against(text: str) -> Against:
    """Return what a period is compared with. Raises ConfigurationError."""
    names = {"previous": Against.BEFORE, "last-year": Against.LAST_YEAR}
    if text not in names:
        raise ConfigurationError(f"--compare {text!r}: no such comparison; there are {', '.join(names)}")
    return names[text]


def write(files: Mapping[Path, bytes]) -> None:
    """Write files under other names first and give them their own when all are whole.

    Raises ConfigurationError where one can't be written; then none is there.
    """
    drafts = {path.with_name(f".{path.name}.{os.getpid()}"): path for path in files}
    for path in files:
        if path.is_dir():
            raise ConfigurationError(f"--out: {path} is a folder where a file is to be; name another")
    try:
        for draft, path in drafts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(files[path])
                file.flush()
                os.fsync(file.fileno())
        for draft, path in drafts.items():
            draft.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"--out: {error.filename or 'the folder'} can't be written ({error.strerror}); check it"
        ) from error
    finally:
        for draft in drafts:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
