"""The spool: each event is kept once, each refusal is counted, and a put is whole or did not happen."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.board import CODEC
from dashboard.events import BATCH, Event
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.ticketevents import TicketAmended
from dashboard.nouns.tickets import TicketClosed, TicketReported
from dashboard.sources.feed import Rejected
from dashboard.travel.spool import KEPT, RAW, TURNS, Counters, Spool, SpoolFull

START = datetime(2026, 3, 1, tzinfo=UTC)


def report(number: int | str, title: str = "", source: str = "s") -> TicketReported:
    return TicketReported(id=f"{number}:reported", source=source, time=START, subject=str(number), title=title)


def tick(number: int) -> ClockTick:
    return ClockTick(id=f"tick-{number}", source="s", time=START, wall=START)


def stored(spool: Spool) -> list[Event]:
    """All events in the spool, in order."""
    return [event for batch in spool.batches(0, 1_000_000) for event in CODEC.unpack(batch.packed)]


def balance(spool: Spool) -> None:
    counters = spool.counters
    assert counters.received == counters.stored + counters.duplicate + counters.dead
    assert sum(spool.reasons().values()) == counters.dead
    assert sum(spool.reasons(kept=True).values()) == counters.flawed


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "feed.db", durable=False)


def test_an_event_is_kept_once(spool: Spool, tmp_path: Path) -> None:
    assert spool.put([report(1), report(2), report(1)]) == Counters(3, 2, 1, 0, 0)
    assert spool.put([report(2), report(3)]) == Counters(2, 1, 1, 0, 0)
    spool.close()
    again = Spool(tmp_path / "feed.db")
    assert again.put([report(1), report(4)]) == Counters(2, 1, 1, 0, 0)
    assert stored(again) == [report(1), report(2), report(3), report(4)]
    assert again.counters == Counters(7, 4, 3, 0, 0)
    balance(again)


def test_it_is_not_closed_under_whoever_is_at_work_in_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "feed.db", durable=False)
    begun = threading.Event()

    class Letters(list[Rejected]):
        def __iter__(self) -> Iterator[Rejected]:
            begun.set()
            yield from super().__iter__()

    with ThreadPoolExecutor(1) as thread:
        put = thread.submit(spool.put, [report(1)], Letters(Rejected("r", str(n)) for n in range(5000)))
        assert begun.wait(10)
        spool.close()  # Waits until the put is whole.
        assert put.result() == Counters(5001, 1, 0, 5000, 0)
    again = Spool(tmp_path / "feed.db")
    assert (again.counters.dead, stored(again)) == (5000, [report(1)])


def test_names_are_remembered_for_long_and_not_for_ever(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "feed.db", durable=False, remembered=4)
    for number in range(1, 13):
        assert spool.put([report(number)]) == Counters(1, 1, 0, 0, 0)
        latest = [report(n) for n in range(max(1, number - 3), number + 1)]
        assert spool.put(latest) == Counters(len(latest), 0, len(latest), 0, 0)
        spool.close()  # How full the younger table is survives.
        spool = Spool(tmp_path / "feed.db", durable=False, remembered=4)
    for table in ("seen", "seen_before"):
        assert spool._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] <= 4
    assert spool.put([report(12, "other")]) == Counters(1, 1, 0, 0, 0)
    assert spool.put([report(1)]) == Counters(1, 1, 0, 0, 0)  # Long forgotten: the ticket itself knows it.
    balance(spool)


def test_the_same_id_from_another_source_is_another_event(spool: Spool) -> None:
    spool.put([report(1), report(1, source="t")])
    assert len(stored(spool)) == 2


def closed(minute: int, verdict: Any = "") -> TicketClosed:
    moment = datetime(2026, 3, 1, 4, minute, tzinfo=UTC)
    return TicketClosed(id="1:closed", source="s", time=moment, subject="1", verdict=verdict)


def test_the_same_id_with_other_content_is_refused_once(spool: Spool) -> None:
    assert spool.put([closed(1), closed(2)]) == Counters(2, 1, 0, 1, 0)
    assert spool.put([closed(3), closed(1), closed(2)]) == Counters(3, 0, 2, 1, 0)  # Each other content once.
    assert stored(spool) == [closed(1)]
    assert spool.reasons() == {"id_reused": 2}
    assert [(letter.reason, letter.where) for letter in spool.letters()] == [("id_reused", "1:closed")] * 2
    balance(spool)


def test_a_post_that_is_delivered_again_late_does_not_take_back_what_was_put_right(spool: Spool) -> None:
    for _ in range(2):
        spool.put([report(1, "a")])
        spool.put([report(1, "b")])
    spool.put([report(1, "a"), report(1, "a")])
    assert [one.title for one in stored(spool) if isinstance(one, TicketReported | TicketAmended)] == ["a", "b"]
    assert spool.counters == Counters(6, 2, 4, 0, 0)
    balance(spool)


def test_a_report_in_other_words_is_put_right_and_one_of_another_time_is_another(spool: Spool) -> None:
    spool.turns = TURNS
    assert spool.put([report(1, "a"), report(1, "a"), report(1, "b"), report(1, "b")]) == Counters(4, 2, 2, 0, 0)
    assert spool.put([report(1, "b")]) == Counters(1, 0, 1, 0, 0)
    assert spool.put([report(1, "a")]) == Counters(1, 1, 0, 0, 0)  # It turns back, and that counts as well …
    for _ in range(3):
        spool.put([report(1, "b"), report(1, "a")])
    assert len(stored(spool)) <= 2 * 2 + 1  # … but not for ever.
    first, *later = stored(spool)
    assert first == report(1, "a")
    assert [one.title for one in later if isinstance(one, TicketAmended)] == ["b", "a", "b"]
    assert all(one.subject == first.subject and one.time > first.time for one in later)
    another = msgspec.structs.replace(report(1, "c"), time=datetime(2026, 3, 2, tzinfo=UTC))
    assert spool.put([another, another]) == Counters(2, 0, 1, 1, 0)
    assert spool.reasons() == {"id_reused": 1}
    balance(spool)


def test_marks_of_an_older_house_are_of_the_content_alone(spool: Spool) -> None:
    spool.put([report(1, "a"), report(2, "a")])
    spool._db.execute("UPDATE seen SET content = substr(content, 1, 8)")
    assert spool.put([report(1, "a"), report(2, "b")]) == Counters(2, 1, 1, 0, 0)
    balance(spool)


def test_names_of_any_length_are_told_apart(spool: Spool) -> None:
    long = "x" * 5000
    assert spool.put([report(long + "a"), report(long + "b"), report(long + "a")]) == Counters(3, 2, 1, 0, 0)


def test_half_a_character_is_refused_and_the_rest_passes(spool: Spool) -> None:
    broken = Rejected("r", "raw \ud800", "where \ud800", "detail \ud800")
    assert spool.put([report(1), report(2, "\ud800"), report(3)], [broken]) == Counters(4, 2, 0, 2, 0)
    assert spool.reasons() == {"not_text": 1, "r": 1}
    assert stored(spool) == [report(1), report(3)]


def test_passing_events_are_neither_remembered_nor_counted(spool: Spool) -> None:
    assert spool.put([tick(1), report(1)]) == Counters(1, 1, 0, 0, 0)
    assert spool.put([tick(1)]) == Counters()
    assert [event.kind for event in stored(spool)] == ["ticket.reported", "clock.tick", "clock.tick"]


def test_batches_are_numbered_without_gaps(spool: Spool, tmp_path: Path) -> None:
    spool.put([report(n) for n in range(2 * BATCH + 1)])
    spool.put([])
    spool.put([report(1)])
    spool.put([report("last")])
    assert [(batch.seq, batch.events) for batch in spool.batches(0)] == [(1, BATCH), (2, BATCH), (3, 1), (4, 1)]
    assert [batch.seq for batch in spool.batches(1, 2)] == [2, 3]
    assert (spool.waiting(0), spool.waiting(3), spool.last) == (4, 1, 4)
    spool.trim(4)
    assert (spool.batches(0), spool.last) == ([], 4)
    spool.close()
    again = Spool(tmp_path / "feed.db")
    again.put([report("new"), report("last")])
    assert [batch.seq for batch in again.batches(0)] == [5]
    assert again.counters.duplicate == 2


def test_a_spool_made_anew_has_another_name(tmp_path: Path) -> None:
    first = Spool(tmp_path / "feed.db")
    assert Spool(tmp_path / "feed.db").id == first.id
    assert Spool(tmp_path / "other" / "feed.db").id != first.id
    assert first.id.startswith("feed@")


def test_nobody_else_may_read_it(spool: Spool) -> None:
    assert spool.file.stat().st_mode & 0o777 == 0o600


def test_the_cursor_comes_with_its_data(spool: Spool) -> None:
    seen = [spool.cursor]
    spool.put([report(1)], cursor="a")
    spool.put([report(2)])
    seen.append(spool.cursor)
    spool.put([], cursor="b")
    with pytest.raises(AttributeError):
        spool.put([report(3)], [cast(Any, object())], cursor="c")
    seen.append(spool.cursor)
    assert seen == [None, "a", "b"]
    assert (len(stored(spool)), spool.counters.received) == (2, 2)
    assert spool.put([report(3)]).stored == 1


def test_letters_are_kept_raw_and_counted(spool: Spool) -> None:
    flawed = Rejected("unknown_place", "raw", "line 3", "B", kept=True)
    counted = spool.put([report(1)], [Rejected("no_number", "x" * 2 * RAW, "line 2", "why"), flawed])
    assert counted == Counters(2, 1, 0, 1, 1)
    newest, oldest = spool.letters()
    assert (newest.reason, newest.where, newest.detail, newest.raw, newest.kept) == (
        "unknown_place", "line 3", "B", "raw", True,
    )  # fmt: skip
    assert (oldest.raw, oldest.kept) == ("x" * RAW, False)
    assert (spool.reasons(), spool.reasons(kept=True)) == ({"no_number": 1}, {"unknown_place": 1})
    balance(spool)


def test_old_letters_go_and_stay_counted(spool: Spool) -> None:
    for start in range(0, KEPT + 2000, 2000):
        spool.put([], [Rejected("bad", str(start + n)) for n in range(2000)])
    letters = list(spool.letters(limit=10**6))
    assert len(letters) == KEPT
    assert letters[0].raw == str(KEPT + 1999)
    assert spool.reasons() == {"bad": KEPT + 2000}


def test_a_full_disk_takes_nothing_and_loses_nothing(spool: Spool) -> None:
    spool.put([report(0)], cursor="0")
    pages = spool._db.execute("PRAGMA page_count").fetchone()[0]
    spool._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    many = [report(n, "long title " * 20) for n in range(1, 1000)]
    with pytest.raises(SpoolFull, match=r"feed\.db cannot be written: database or disk is full"):
        spool.put(many, [Rejected("bad", "raw")], "1")
    assert (stored(spool), spool.cursor, spool.counters) == ([report(0)], "0", Counters(1, 1, 0, 0, 0))
    balance(spool)
    spool._db.execute("PRAGMA max_page_count = 1000000")
    assert spool.put(many, [Rejected("bad", "raw")], "1") == Counters(1000, 999, 0, 1, 0)


def test_no_folder_to_write_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolFull, match="cannot be written"):
        Spool(tmp_path / "file" / "feed.db")


def test_what_is_being_put_is_not_sent_yet(spool: Spool) -> None:
    spool.put([report(1)])
    spool._db.execute("BEGIN IMMEDIATE")
    spool._put([report(2)], [], None)
    assert len(spool.batches(0)) == 1
    spool._db.execute("COMMIT")
    assert len(spool.batches(0)) == 2


def test_number_and_cursor_are_known_while_a_thread_is_at_work_in_the_file(spool: Spool, tmp_path: Path) -> None:
    spool.put([report(1)], cursor="a")
    spool._db.execute("BEGIN IMMEDIATE")
    spool._put([report(2)], [], "b")
    assert (spool.latest, spool.cursor) == (1, "a"), "what is not on the disk yet"
    spool._db.execute("ROLLBACK")
    held, asked = threading.Event(), threading.Event()

    def hold() -> bool:
        held.set()
        return asked.wait(5)

    spool._db.create_function("hold", 0, hold)  # SQLite lets nobody else near this connection meanwhile.
    with ThreadPoolExecutor(1) as thread:
        at_work = thread.submit(lambda: spool._db.execute("SELECT hold()").fetchone()[0])
        assert held.wait(5)
        assert (spool.latest, spool.cursor) == (1, "a")
        asked.set()
        assert at_work.result(10), "whoever asked has waited for the thread"
    other = Spool(tmp_path / "feed.db", durable=False)
    assert (other.latest, other.cursor) == (1, "a")
    other.put([report(n) for n in range(2, 3 + BATCH)], cursor="c")
    assert (other.latest, other.cursor, spool.last) == (3, "c", 3)
    other.rewind()
    assert other.cursor is None
    other.close()


KILLED = """
import sys
from pathlib import Path
from tests.dashboard.travel.test_spool import report
from dashboard.sources.feed import Rejected
from dashboard.travel.spool import Spool

spool = Spool(Path(sys.argv[1]))
start = int(spool.cursor or 0)
for n in range(start, 10**9, 100):
    spool.put([report(m) for m in range(n - n % 300, n + 100)], [Rejected("bad", str(n))], str(n + 100))
    print(n, flush=True)
"""


def test_killed_at_any_moment_a_put_is_whole_or_did_not_happen(tmp_path: Path) -> None:
    file = tmp_path / "feed.db"
    for round_ in range(4):
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(file)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        acknowledged = -100
        for _ in range(3 + 7 * round_):
            acknowledged = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        spool = Spool(file)
        reached = int(spool.cursor or 0)
        assert reached >= acknowledged + 100
        assert stored(spool) == [report(n) for n in range(reached)]
        assert spool.reasons() == {"bad": reached // 100}
        balance(spool)
        with sqlite3.connect(file) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        spool.close()


events = st.builds(report, st.integers(0, 12), st.sampled_from(["", "a", "b"]), st.sampled_from(["s", "t"]))
letters = st.builds(Rejected, st.sampled_from(["x", "y"]), st.text(max_size=5), kept=st.booleans())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.lists(events, max_size=8), st.lists(letters, max_size=3), st.booleans()), max_size=6))
def test_against_a_model(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[list[TicketReported], list[Rejected], bool]]
) -> None:
    """A dictionary of what came first says what a spool has to hold, however it is put and reopened."""
    file = tmp_path_factory.mktemp("spool") / "feed.db"
    spool, received = Spool(file, durable=False), 0
    first: dict[tuple[str, str], Event] = {}
    for batch, refused, reopen in puts:
        spool.put(batch, refused)
        received += len(batch) + sum(not letter.kept for letter in refused)
        for event in batch:
            first.setdefault((event.source, event.id), event)
        if reopen:
            spool.close()
            spool = Spool(file, durable=False)
    held = stored(spool)
    assert [event for event in held if isinstance(event, TicketReported)] == list(first.values())
    said = {event.subject for event in held if isinstance(event, TicketAmended)}
    told = [event for batch, _, _ in puts for event in batch]
    assert said == {event.subject for event in told if event != first[event.source, event.id]}
    assert spool.counters.received == received
    balance(spool)
    spool.close()
