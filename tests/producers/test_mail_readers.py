"""The mail readers without a server: Maildir on a disk, places, and imaplib's answers."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.contract import Batch, Raw
from producers.sources.mail.imap import Mark, dump_place, load_place
from producers.sources.mail.imap_session import parse_fetch, password_of
from producers.sources.mail.maildir import MaildirReader, Progress, load_progress
from producers.sources.mail.settings import ImapSettings, MaildirSettings, MailSettings
from schemas.errors import ConfigurationError, RetriableError

NOW = 1_795_000_000
HEADER = b"Message-ID: <a@x.example>\n\n"


class FixedClock:
    """Stands still."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(NOW, UTC)


def reader(path: Path, since: date | None = None, batch_size: int = 200) -> MaildirReader:
    maildir = MaildirSettings(path=path, overlap_hours=1)
    settings = MailSettings(maildir=maildir, poll_seconds=0.01, since=since, batch_size=batch_size)
    return MaildirReader(settings, maildir, FixedClock())


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for folder in (tmp_path, tmp_path / ".Sent"):
        for part in ("new", "cur", "tmp"):
            (folder / part).mkdir(parents=True)
    return tmp_path


def deliver(folder: Path, epoch: int, name: str, part: str = "new") -> Path:
    path = folder / part / f"{epoch}.{name}.host"
    path.write_bytes(HEADER + b"body that nobody reads")
    return path


async def first_batches(source: MaildirReader, start: str | None, count: int) -> list[Batch]:
    """Return at most ``count`` batches with records, fewer where the reader has seen all there is."""
    found: list[Batch] = []
    async with contextlib.aclosing(source.batches(start)) as stream:  # type: ignore[type-var]
        async for batch in stream:
            if not batch.records:
                break
            found.append(batch)
            if len(found) == count:
                break
    return found


def read(source: MaildirReader, start: str | None = None, count: int = 1) -> list[Batch]:
    return asyncio.run(first_batches(source, start, count))


def records(batches: list[Batch]) -> list[Raw]:
    return [record for batch in batches for record in batch.records]


def test_both_folders_are_read_in_the_order_of_delivery(maildir: Path) -> None:
    deliver(maildir, NOW - 30, "b", "cur")
    deliver(maildir / ".Sent", NOW - 20, "c", "cur")
    deliver(maildir, NOW - 40, "a")
    found = records(read(reader(maildir)))
    assert [record.attributes["folder"] for record in found] == ["inbox", "inbox", "sent"]
    assert [record.received_at for record in found] == [
        datetime.fromtimestamp(NOW - ago, UTC) for ago in (40, 30, 20)
    ]
    assert {record.payload for record in found} == {HEADER}


def test_reading_resumes_where_it_ended_also_when_flags_and_folders_changed(maildir: Path) -> None:
    path = deliver(maildir, NOW - 40, "a")
    (batch,) = read(reader(maildir))
    path.rename(maildir / "cur" / f"{path.name}:2,S")
    deliver(maildir, NOW - 40, "b")
    (again,) = read(reader(maildir), batch.after)
    assert len(again.records) == 1
    assert read(reader(maildir), again.after) == []


def test_reading_again_from_before_gives_the_same_records(maildir: Path) -> None:
    for number in range(7):
        deliver(maildir, NOW - 100 + number, f"m{number}")
    batches = read(reader(maildir, batch_size=3), count=3)
    assert [len(batch.records) for batch in batches] == [3, 3, 1]
    for batch in batches:
        assert read(reader(maildir, batch_size=3), batch.before)[0] == batch


def test_a_message_that_turns_up_behind_others_is_found_within_the_overlap(maildir: Path) -> None:
    deliver(maildir, NOW - 40, "a")
    (batch,) = read(reader(maildir))
    deliver(maildir, NOW - 40 - 3599, "late")
    deliver(maildir, NOW - 40 - 3601, "too-late")
    (again,) = read(reader(maildir), batch.after)
    assert [record.received_at for record in again.records] == [datetime.fromtimestamp(NOW - 3639, UTC)]


def test_a_name_from_the_future_does_not_hide_what_comes_after_it(maildir: Path) -> None:
    deliver(maildir, NOW + 80_000, "soon")
    (batch,) = read(reader(maildir))
    deliver(maildir, NOW - 5, "b")
    (again,) = read(reader(maildir), batch.after)
    assert len(again.records) == 1
    assert read(reader(maildir), again.after) == []


def test_nothing_is_moved_or_changed(maildir: Path) -> None:
    deliver(maildir, NOW - 40, "a")
    deliver(maildir / ".Sent", NOW - 40, "b", "cur")
    before = {path: path.stat().st_mtime_ns for path in maildir.rglob("*")}
    read(reader(maildir))
    assert {path: path.stat().st_mtime_ns for path in maildir.rglob("*")} == before


def test_mail_before_the_first_day_is_left_out(maildir: Path) -> None:
    deliver(maildir, 1_700_000_000, "old")
    deliver(maildir, NOW - 40, "new")
    assert len(records(read(reader(maildir, since=date(2026, 1, 1))))) == 1


def test_links_and_hidden_files_are_no_messages(maildir: Path, tmp_path: Path) -> None:
    (maildir / "new" / "1.link.host").symlink_to(deliver(maildir, NOW - 40, "a"))
    (maildir / "new" / ".hidden").write_bytes(HEADER)
    (maildir / "new" / "2.folder.host").mkdir()
    assert len(records(read(reader(maildir)))) == 1


def test_mail_that_comes_while_waiting_is_read(maildir: Path) -> None:
    async def scenario() -> Batch:
        stream = reader(maildir).batches(None)
        assert (await anext(stream)).records == ()
        deliver(maildir, NOW - 1, "a")
        while not (batch := await asyncio.wait_for(anext(stream), 10)).records:
            pass
        return batch

    assert len(asyncio.run(scenario()).records) == 1


def test_a_maildir_that_goes_away_later_is_waited_for(maildir: Path) -> None:
    async def scenario() -> None:
        stream = reader(maildir).batches(None)
        await anext(stream)
        (maildir / "new").rmdir()
        await asyncio.wait_for(anext(stream), 10)

    with pytest.raises(RetriableError):
        asyncio.run(scenario())


def test_a_path_that_is_no_maildir_is_said_clearly(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not a Maildir"):
        read(reader(tmp_path))


@pytest.mark.parametrize("place", ["", "nonsense", "[]", '{"epoch": "x"}', '{"inbox": 3}', "null"])
def test_a_place_that_is_not_ours_starts_again(place: str) -> None:
    assert load_progress(place) == Progress()
    assert load_place(place) == {}


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["inbox", "sent"]), st.builds(Mark, st.integers(0, 2**32), st.integers(0, 2**32))
    )
)
def test_places_come_back_as_they_were(marks: dict[str, Mark]) -> None:
    assert load_place(dump_place(marks)) == marks


def test_answers_to_fetch_are_read_in_every_shape() -> None:
    date_text = b'INTERNALDATE " 5-Nov-2026 09:00:00 +0100"'
    answer: list[object] = [
        (b"1 (UID 7 " + date_text + b" BODY[HEADER]<0> {3}", b"a\r\n"),
        b")",
        (b"2 (BODY[HEADER]<0> {3}", b"b\r\n"),
        b" UID 8 " + date_text + b")",
        b"3 (FLAGS (\\Seen) UID 7)",
        b"4 (UID 9 " + date_text + b' BODY[HEADER]<0> "")',
        (b"5 (UID 10 BODY[HEADER]<0> {1}", b"c"),
        b" FLAGS (\\Seen))",
        (b'6 (UID 11 INTERNALDATE "32-Nov-2026 09:00:00 +0100" BODY[HEADER]<0> {1}', b"d"),
        b")",
        None,
    ]
    at = datetime(2026, 11, 5, 8, tzinfo=UTC)
    found = [(one.uid, one.received_at, one.header) for one in parse_fetch(answer)]
    assert found == [(7, at, b"a\r\n"), (8, at, b"b\r\n"), (9, at, b""), (10, None, b"c"), (11, None, b"d")]


def test_the_password_comes_from_the_environment_and_is_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = ImapSettings.model_validate({"host": "imap.example", "user": "kommun", "password": "given"})
    assert password_of(settings) == "given"
    assert "given" not in repr(settings)
    silent = settings.model_copy(update={"password": None})
    monkeypatch.setenv("KC_MAIL_PASSWORD", "from-env")
    assert password_of(silent) == "from-env"
    monkeypatch.delenv("KC_MAIL_PASSWORD")
    with pytest.raises(ConfigurationError, match="KC_MAIL_PASSWORD"):
        password_of(silent)
