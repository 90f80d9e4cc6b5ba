"""The overview for managers: each worked case's title, story and figures, in Swedish, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kommuncenter.worked.cases import Case, Expected, Theme
from kommuncenter.worked.figures import Rows, read_scope, rows_of, written
from kommuncenter.worked.labels import label
from streams.core.rules import Rules

OVERVIEW = "sa-raknar-vi.md"

_HEAD = """\
# Så räknar vi

Sidan är gjord av räkneexemplen i `tests/worked/cases`. Ett program räknar fram varje siffra på nytt ur
händelserna i exemplet, med samma regler som räknar de riktiga siffrorna. Stämmer inte en siffra stoppas
ändringen.

Siffrornas exakta definitioner finns i [metrics.md](metrics.md). En andel skrivs med båda talen, till exempel
80 av 95 (84,2 %). Ett streck (–) betyder att det inte finns något att räkna på.
"""


def overview(themes: Sequence[Theme], rules: Rules) -> str:
    """Return the page. Raises ConfigurationError for a case that can't be read."""
    lines = [_HEAD, *(f"- [{theme.theme}](#{_anchor(theme.theme)})" for theme in themes)]
    for theme in themes:
        lines += ["", f"## {theme.theme}", "", theme.intro]
        for case in theme.case:
            lines += ["", *_case(case, rules)]
    return "\n".join(lines) + "\n"


def _anchor(heading: str) -> str:
    """Return the anchor that Markdown viewers give a heading."""
    return heading.lower().replace(" ", "-").replace(",", "")


def _case(case: Case, rules: Rules) -> Iterator[str]:
    yield f'<a id="{case.id}"></a>'
    yield ""
    yield f"### {case.title}"
    yield ""
    yield case.text
    yield ""
    yield "| Siffra | Värde |"
    yield "|---|---|"
    first, last = case.story(), case.sequel()
    when = "först, " if case.later else ""
    yield from _figures(rows_of([first], rules), case.before, case.before_within, when)
    when = "sedan, " if case.before or case.before_within else ""
    yield from _figures(rows_of([first, last], rules), case.figures, case.within, when)


def _figures(rows: Rows, whole: Expected, parts: Mapping[str, Expected], when: str) -> Iterator[str]:
    for scope, wanted in {"": whole, **parts}.items():
        told = (when + scope).removesuffix(", ")
        for name, like in wanted.items():
            value = written(rows, read_scope(scope), name, like)
            yield f"| {label(name)}{f' ({told})' if told else ''} | {value} |"
