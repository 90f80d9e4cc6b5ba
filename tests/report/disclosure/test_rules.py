"""What a public report leaves out, merges and says instead, by plain examples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboards.report.disclosure import Ledger, made_public
from dashboards.report.disclosure.calendar import fitted, pieces, span_of
from dashboards.report.disclosure.ledger import ledger_json, read_ledger
from dashboards.report.document import (
    Audience,
    Cell,
    Column,
    Document,
    Kind,
    Paragraph,
    Row,
    Section,
    Sentence,
    Shown,
    Sum,
    Table,
    as_published,
    quantity,
)
from dashboards.report.render.html import render_html
from dashboards.report.render.text import plain, spoken
from schemas.errors import ConfigurationError, FatalError
from tests.report.disclosure.centre import CHANNELS, MADE_AT, SENSITIVE, TOPICS, Centre, Errands, report

WEEK = "2026-W47"
MANY: Errands = {("v", topic, channel): (30, 15) for topic in TOPICS for channel in CHANNELS}


def public_of(errands: Errands) -> Document:
    return made_public(report(Centre(errands, {WEEK: ("v",)}), WEEK)).document


def shown(document: Document) -> dict[str, Shown]:
    return {key: cell.shown for key, cell in document.cells.items()}


def test_what_is_large_is_published_whole_but_for_sensitive_topics() -> None:
    document = public_of(MANY)
    assert set(shown(document).values()) == {Shown.FULL}
    assert document.audience is Audience.PUBLIC
    assert [row.key for row in document.table_of["matris"].rows] == [
        "vatten",
        "bygglov",
        "område-omsorg",
        "område-göra",
        "total",
    ]


def test_a_merged_area_is_the_sum_of_its_topics() -> None:
    document = public_of(MANY)
    errands, solved = document.cells["matris/område-göra/all"], document.cells["matris/område-göra/solved"]
    assert (errands.value, solved.hits, solved.n, solved.value) == (120, 60, 120, 0.5)
    assert document.cells["områden/Göra/all"].value == 120


def test_few_are_called_few_and_three_more_are_left_out() -> None:
    document = public_of({**MANY, ("v", "vatten", "mail"): (3, 0)})
    counts = {key: cell.shown for key, cell in document.cells.items() if cell.kind is Kind.COUNT}
    assert counts["matris/vatten/mail"] is Shown.FEW
    assert sum(found is Shown.HIDDEN for found in counts.values()) == 3
    assert counts["matris/total/all"] is Shown.FULL


def test_nothing_is_left_of_a_hidden_number() -> None:
    document = public_of({**MANY, ("v", "vatten", "mail"): (3, 2)})
    hidden = [cell for cell in document.cells.values() if cell.shown is not Shown.FULL]
    assert hidden
    assert {(c.value, c.hits, c.n, c.low, c.high, c.text, c.few, c.preliminary) for c in hidden} == {
        (None, None, None, None, None, "", False, False)
    }
    html = render_html(document)
    assert "färre än 5" in html
    assert "visas inte" in html


def test_the_version_tells_nothing_of_what_is_left_out() -> None:
    """A digest of hidden numbers could be tried with every guess."""
    three, two = ({**MANY, ("v", "vatten", "mail"): (n, n)} for n in (3, 2))
    assert public_of(MANY).data_version != public_of(three).data_version
    with_three = made_public(small_table(3)).document
    with_two = made_public(small_table(2)).document
    assert with_three.data_version == with_two.data_version
    assert public_of(two).data_version != "1"


def small_table(n: int) -> Document:
    """Return a report with one count and no sum."""
    count = Cell("t/a/n", Kind.COUNT, n, of=(quantity("errands", WEEK),))
    table = Table("t", "T", "", (Column("n", "N", Kind.COUNT),), (Row("a", "A", (count,)),))
    return Document("R", "", WEEK, MADE_AT, f"digest of {n}", (Section("s", "S", (table,)),))


def test_rows_with_hidden_cells_come_last_by_name() -> None:
    """By their place among the others their values could be told."""
    rows = public_of({**MANY, ("v", "vatten", "mail"): (3, 0)}).table_of["matris"].rows
    hiding = [any(cell is not None and cell.shown is not Shown.FULL for cell in row.cells) for row in rows]
    labels = [row.label for row, hides in zip(rows, hiding, strict=True) if hides]
    assert hiding == [*sorted(hiding[:-1]), False]
    assert labels == sorted(labels)
    assert len(labels) == 2


def test_a_sentence_says_few_or_nothing() -> None:
    topics = {("v", "vatten", "mail"): (0, 0), ("v", "vatten", "telephone"): (3, 1)}
    document = report(Centre({**MANY, **topics}, {WEEK: ("v",)}), WEEK)
    told = made_public(document).document
    said = [plain(pieces) for pieces in spoken(told, told.sentences())]
    assert said[0] == "Vatten: färre än 5."
    assert not any("Omsorg" in words for words in said)
    assert [plain(pieces) for pieces in spoken(document, document.sentences())] == [
        "3\u00a0ärenden gällde vatten.",
        "Omsorg: 60",
    ]


def test_sentences_and_topics_marked_sensitive_are_left_out() -> None:
    document = report(Centre(MANY, {WEEK: ("v",)}), WEEK)
    section = document.sections[0]
    words = Paragraph((Sentence(("Om skyddade uppgifter.",), sensitive=True),))
    document = replace(document, sections=(replace(section, blocks=(words, *section.blocks)),))
    html = render_html(made_public(document).document)
    assert "Om skyddade uppgifter." in render_html(document)
    assert "Om skyddade uppgifter." not in html
    assert ">bad<" not in html


def test_a_sensitive_topic_leaves_by_day_or_week_and_not_by_the_hour() -> None:
    rows = []
    for topic in ("bad", "vatten"):
        of = quantity("surge", "2026-11-18T09:15:00+00:00", topic=topic)
        cell = Cell(f"s/{topic}/n", Kind.COUNT, 15, of=(of,))
        rows.append(Row(topic, "Onsdag kl. 10", (cell,), area=TOPICS[topic], sensitive=topic in SENSITIVE))
    table = Table("s", "Störningar", "", (Column("n", "Kom", Kind.COUNT),), tuple(rows))
    document = Document("R", "", WEEK, MADE_AT, "1", (Section("a", "A", (table,)),))
    assert [row.key for row in made_public(document).document.table_of["s"].rows] == ["vatten"]


def test_words_about_a_hidden_number_are_hidden_with_it() -> None:
    count = Cell("t/a/n", Kind.COUNT, 2, of=(quantity("errands", WEEK),))
    word = Cell("t/a/word", Kind.TEXT, text="↓ färre")
    columns = (Column("n", "N", Kind.COUNT), Column("word", "Förändring", Kind.TEXT))
    table = Table("t", "T", "", columns, (Row("a", "A", (count, word)),))
    document = Document("R", "", WEEK, MADE_AT, "1", (Section("s", "S", (table,)),))
    assert shown(made_public(document).document) == {"t/a/n": Shown.FEW, "t/a/word": Shown.HIDDEN}


def test_the_same_report_again_tells_nothing_new() -> None:
    document = report(Centre({**MANY, ("v", "vatten", "mail"): (3, 2)}, {WEEK: ("v",)}), WEEK)
    first = made_public(document)
    ledger = Ledger().with_issue(first.issue)
    again = made_public(document, ledger)
    assert again == first
    assert ledger.with_issue(again.issue) == ledger


def test_a_correction_does_not_tell_what_was_left_out_before() -> None:
    errands = {**MANY, ("v", "vatten", "mail"): (3, 2)}
    first = made_public(report(Centre(errands, {WEEK: ("v",)}), WEEK))
    [hidden] = [
        cell
        for cell in first.document.cells.values()
        if cell.kind is Kind.COUNT and cell.shown is Shown.HIDDEN and cell.key.startswith("matris/vatten/")
    ]
    old = Cell("r/a/old", Kind.COUNT, 30, of=(as_published(hidden.of[0], "1"),))
    table = Table("r", "Rättelser", "", (Column("old", "Publicerat", Kind.COUNT),), (Row("a", "A", (old,)),))
    later = {**MANY, ("v", "vatten", "telephone"): (40, 15)}
    document = report(Centre(later, {WEEK: ("v",)}), WEEK, version="2")
    document = replace(document, sections=(*document.sections, Section("r-", "R", (table,))))
    told = made_public(document, Ledger().with_issue(first.issue)).document
    assert told.cells["r/a/old"].shown is not Shown.FULL
    assert made_public(document).document.cells["r/a/old"].shown is Shown.FULL


def test_a_correction_of_a_sensitive_topic_is_left_out() -> None:
    document = report(Centre(MANY, {WEEK: ("v",)}), WEEK, version="2")
    rows = []
    for topic in ("bad", "vatten"):
        of = quantity("errands", WEEK, topic=topic)
        cells = (
            Cell(f"r/{topic}/old", Kind.COUNT, 50, of=(as_published(of, "1"),)),
            Cell(f"r/{topic}/new", Kind.COUNT, 60, of=(of,)),
        )
        rows.append(Row(topic, topic, cells))
    columns = (Column("old", "Publicerat", Kind.COUNT), Column("new", "Rättat", Kind.COUNT))
    corrections = Table("r", "Rättelser", "", columns, tuple(rows))
    document = replace(document, sections=(*document.sections, Section("r-", "R", (corrections,))))
    told = made_public(document).document
    assert [row.key for row in told.table_of["r"].rows] == ["vatten"]


def test_the_ledger_is_read_back_as_it_was_written() -> None:
    errands = {**MANY, ("v", "vatten", "mail"): (3, 2)}
    ledger = Ledger().with_issue(made_public(report(Centre(errands, {WEEK: ("v",)}), WEEK)).issue)
    assert read_ledger(ledger_json(ledger)) == ledger
    with pytest.raises(ConfigurationError, match="line 2"):
        read_ledger(ledger_json(ledger) + "{}\n")


def test_a_report_that_contradicts_itself_is_not_published() -> None:
    document = report(Centre(MANY, {WEEK: ("v",)}), WEEK)
    wrong = Sum(quantity("errands", WEEK), (quantity("errands", WEEK, topic="vatten"),))
    with pytest.raises(FatalError, match="do not add up"):
        made_public(replace(document, sums=(*document.sums, wrong)))


@pytest.mark.parametrize(
    ("period", "days"),
    [
        ("2026-11-16", 1),
        ("2026-W47", 7),
        ("2026-11", 30),
        ("2026-T3", 122),
        ("2024", 366),
        ("2026-11-01..2026-11-10", 10),
    ],
)
def test_periods_have_their_days(period: str, days: int) -> None:
    span = span_of(period)
    assert span is not None
    assert span[1] - span[0] == days


def test_a_month_is_cut_at_its_weeks() -> None:
    spans = [span for name in ("2026-11", "2026-W45", "2026-W46") if (span := span_of(name)) is not None]
    assert len(pieces(spans)) == 4
    found = fitted(dict(zip(spans, (100, 30, 40), strict=True)))
    assert found is not None
    assert sum(found.values()) == 100
    assert fitted(dict(zip(spans, (60, 30, 40), strict=True))) is None
