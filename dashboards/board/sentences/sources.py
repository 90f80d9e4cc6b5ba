"""How the sources do: what is silent, what is not read, what could not be used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dashboards.board.sentences.judging import Tone, Verdict
from dashboards.board.sentences.moments import at
from dashboards.board.sources import SourceHealth
from dashboards.swedish import count_of, listed
from schemas.clickhouse.silence import SourceVerdict


def source_verdict(source: SourceHealth) -> Verdict:
    """Say how a source does."""
    return _SOURCE_VERDICTS[source.state]


_SOURCE_VERDICTS = {
    SourceVerdict.WORKING: Verdict("Fungerar", "✓", Tone.GOOD),
    SourceVerdict.SILENT: Verdict("Tyst", "!", Tone.WARNING),
    SourceVerdict.UNREAD: Verdict("Läses inte", "✕", Tone.BAD),
}


def sources(rows: Sequence[SourceHealth], today: date) -> str:
    """Say which sources are silent: what they would have told is missing in every figure."""
    if not rows:
        return "Ingen källa har hört av sig än. Siffrorna är därför tomma, inte noll."
    unread = [row.instance for row in rows if row.state is SourceVerdict.UNREAD]
    said = []
    if unread:
        said.append(f"{listed(unread)} läses inte: det som kommer därifrån saknas i siffrorna.")
    said += [silence(row, today) for row in rows if row.state is SourceVerdict.SILENT]
    return " ".join(said) or "Alla källor fungerar."


def silence(source: SourceHealth, today: date) -> str:
    """Say since when a source is silent, and what is missing."""
    if source.silent_since is None:
        return f"Från {source.instance} har inget kommit än."
    since = f"Från {source.instance} har inget kommit sedan {at(source.silent_since, today)}"
    if source.missing is None:
        return f"{since}."
    return f"{since}. Så länge brukar det inte vara tyst: {source.missing} kontakter hade varit vanligt."


def rejections(n: int) -> str:
    """Say how many records could not be used."""
    if not n:
        return "Inga poster har avvisats under perioden."
    return f"{count_of(n, 'post kunde', 'poster kunde')} inte användas under perioden. De saknas i siffrorna."
