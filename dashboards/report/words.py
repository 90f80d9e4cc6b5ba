"""Pieces of sentences that several sections share. Numbers are never written here: only places for cells."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.report.comparison import Change
from dashboards.report.context import Compared, Context
from dashboards.report.document import Form, Gap, Part, Ref, Sentence
from schemas.metric import Unit
from schemas.statistics import SMALL_N

FEW = f" Underlaget är litet, färre än {SMALL_N}, så siffran är osäker."


def sentence(
    *parts: Part, rests_on: Sequence[str] = (), instead: Sequence[Part] = (), sensitive: bool = False
) -> Sentence:
    """Return a sentence of parts; those that are next to each other and plain text become one."""
    return Sentence(_joined(parts), tuple(rests_on), _joined(instead), sensitive)


def _joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    whole: list[Part] = []
    for part in parts:
        if isinstance(part, str) and whole and isinstance(whole[-1], str):
            whole[-1] += part
        elif part != "":
            whole.append(part)
    return tuple(whole)


def of_all(key: str, one: str, many: str) -> tuple[Part, ...]:
    """Return ``510 av 750 ärenden, 68 % (65–71 %)`` of a share."""
    return (
        Ref(key, Form.HITS),
        " av ",
        Ref(key, Form.N, one, many),
        ", ",
        Ref(key),
        " (",
        Ref(key, Form.INTERVAL),
        ")",
    )


def verdict(context: Context, compared: Compared, row: str) -> tuple[Part, ...]:
    """Return how a figure stands to its goal and to the period compared with, each with a space before it.

    ``row`` is ``table/row``; its cells are ``now``, ``then`` and ``goal``.
    """
    share = compared.share
    parts: list[Part] = []
    if share is not None and compared.metric.target is not None:
        goal = Ref(f"{row}/goal")
        if share.covers(compared.metric.target):
            parts += [" Målet ", goal, " ligger inom osäkerheten."]
        else:
            side = "över" if share.value > compared.metric.target else "under"
            parts += [f" Det är {side} målet ", goal, "."]
    parts += changed(context, compared, row)
    if share is not None and share.small:
        parts.append(FEW)
    return tuple(parts)


def changed(context: Context, compared: Compared, row: str) -> tuple[Part, ...]:
    """Return what the comparison says, with the earlier number and a space before it; may be empty."""
    now, then = f"{row}/now", f"{row}/then"
    if compared.value is None or compared.metric.unit is not Unit.SHARE:
        return ()
    if compared.change is Change.UNCHANGED:
        return (f" Oförändrat mot {context.then_words} (", Ref(then), ").")
    if compared.change is Change.NOT_YET:
        return (f" {context.then_heading}: ", Ref(then), "; jämförs när siffran är slutlig.")
    if compared.change is Change.UNKNOWN:
        known = context.material.then is not None  # if not, the summary says so once
        return (f" {context.then_heading} saknas att jämföra med.",) if known else ()
    word = "högre" if compared.change is Change.HIGHER else "lägre"
    return (" Det är ", Gap(now, then), f" {word} än {context.then_words} (", Ref(then), ").")


def in_text(label: str) -> str:
    """Return a label as it stands within a sentence: ``vatten, avlopp och avfall``, but ``SITHS-kort``."""
    plain = label[:1].isupper() and not label[1:2].isupper()
    return label[0].lower() + label[1:] if plain else label
