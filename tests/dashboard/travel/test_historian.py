"""The historian: the stream in SQL, exactly once, whatever of it was lost on the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event as listen

from dashboard.board import Board
from dashboard.nouns.tickets import Ticket
from dashboard.travel.historian import RESENT, UNHEARD, Historian, Holes
from dashboard.travel.history import History, HistoryFailed
from dashboard.travel.stream import Entry
from tests.flow import closed, entry, reported, rules, tick, tickets_of

SPOOL = "hotline@1"


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    opened = History(f"sqlite:///{tmp_path / 'history.db'}")
    yield opened
    opened.close()


@pytest.fixture
def historian(history: History) -> Historian:
    made = Historian(history)
    made.start()
    return made


def load(number: int = 12) -> list[Entry]:
    """Each ticket's report in one batch and its closing in a later one."""
    return [entry(seq, reported(seq), *([closed(seq - 3)] if seq > 3 else [])) for seq in range(1, number + 1)]


def fold(entries: list[Entry]) -> dict[str, Ticket]:
    board = Board(rules())
    for one in entries:
        board.fold(one.spool, one.seq, one.packed)
    return tickets_of(board)


def test_what_is_taken_is_what_the_board_folds(historian: Historian, history: History) -> None:
    entries = load()
    assert historian.take(entries[:5], 0.0)
    assert historian.take(entries[5:], 0.0)
    assert tickets_of(history) == fold(entries)
    assert history.count_events() == 12 + 9
    assert history.positions() == historian.position == {SPOOL: 12}


def test_what_comes_again_changes_nothing(historian: Historian, history: History) -> None:
    entries = load()
    for part in (entries[:8], entries[2:9], entries, entries[::-1], entries):
        assert historian.take(part, 0.0)
    assert tickets_of(history) == fold(entries)
    assert history.count_events() == 21


def test_a_historian_that_starts_again_goes_on_where_the_database_is(history: History) -> None:
    entries = load()
    for upto in (4, 4, 7, 12):
        historian = Historian(history)
        historian.start()
        historian.take(entries[:upto], 0.0)
    assert tickets_of(history) == fold(entries)
    assert history.count_events() == 21


def test_ticks_and_beats_move_the_position_and_are_not_kept(historian: Historian, history: History) -> None:
    assert historian.take([entry(1, tick(1.0)), entry(2, tick(2.0), reported(1)), entry(3, tick(3.0))], 0.0)
    assert history.positions() == {SPOOL: 3}
    assert history.count_events() == 1
    assert [kept.seq for kept in history.batches(SPOOL, 0, 3)] == [2]


def test_a_failed_commit_leaves_position_and_memory_as_they_were(historian: Historian, history: History) -> None:
    entries = load()
    historian.take(entries[:4], 0.0)

    def fail(connection: object) -> None:
        raise HistoryFailed("the database has died")

    listen.listen(history.engine, "commit", fail)
    with pytest.raises(HistoryFailed):
        historian.take(entries[4:], 0.0)
    listen.remove(history.engine, "commit", fail)
    assert historian.position == {SPOOL: 4}
    historian.start()
    assert historian.position == {SPOOL: 4}
    assert historian.take(entries, 0.0)
    assert tickets_of(history) == fold(entries)


def test_a_commit_that_was_answered_with_an_error_is_not_done_twice(historian: Historian, history: History) -> None:
    entries = load()
    original = history.write

    def write(*given: object) -> None:
        original(*given)  # type: ignore[arg-type]
        raise HistoryFailed("the answer was lost")

    history.write = write  # type: ignore[assignment, method-assign]
    with pytest.raises(HistoryFailed):
        historian.take(entries[:6], 0.0)
    history.write = original  # type: ignore[method-assign]
    historian.start()
    assert historian.position == {SPOOL: 6}
    historian.take(entries, 0.0)
    assert tickets_of(history) == fold(entries)
    assert history.count_events() == 21


# -- holes -------------------------------------------------------------------------------------------------


def test_a_gap_first_asks_for_the_stream_from_its_beginning(historian: Historian, history: History) -> None:
    entries = load()
    assert not historian.take([*entries[:3], entries[5]], 0.0)
    assert historian.position == {SPOOL: 3}, "what came before the gap is committed"
    assert historian.take(entries, 0.0)
    assert not historian.holes
    assert tickets_of(history) == fold(entries)


def test_other_feeds_go_on_while_one_waits_for_what_is_missing(historian: Historian) -> None:
    other = entry(1, reported(100), spool="other@1")
    assert not historian.take([entry(5, reported(5))], 0.0)
    assert historian.take([entry(5, reported(5)), other], 1.0)
    assert historian.position == {"other@1": 1}


def test_what_a_feed_sends_again_closes_the_hole(historian: Historian, history: History) -> None:
    entries = load()
    historian.take(entries[:3], 0.0)
    assert not historian.take(entries[5:], 1.0)
    assert historian.take(entries[5:], 1.1)
    assert historian.holes.to_ask() == [SPOOL]
    assert historian.holes.to_ask() == []
    assert historian.holes.unanswered() == [SPOOL]
    assert historian.take(entries[3:], 2.0), "the feed sends all it has, behind what stands there"
    assert not historian.holes
    assert tickets_of(history) == fold(entries)
    with history.engine.connect() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM gaps").scalar_one() == 0


def test_only_what_nobody_has_any_more_is_lost_and_it_is_written_down(historian: Historian, history: History) -> None:
    entries = load()
    historian.take(entries[:3], 0.0)
    stream = [*entries[8:], *entries[5:]]  # What stood there, and what the feed has sent again: from 6 on.
    assert not historian.take(stream, 1.0)
    historian.take(stream, 1.1)
    historian.holes.to_ask()
    historian.holes.answer(SPOOL, 2.0)
    assert historian.take(stream, 2.0)
    assert historian.position == {SPOOL: 3}, "there is still hope"
    assert not historian.holes.overdue(2.0 + RESENT)
    assert historian.holes.overdue(2.1 + RESENT)
    assert historian.take(stream, 9.0)
    assert historian.position == {SPOOL: 12}
    assert [kept.seq for kept in history.batches(SPOOL, 0, 12)] == [1, 2, 3, 6, 7, 8, 9, 10, 11, 12]
    with history.engine.connect() as db:
        assert db.exec_driver_sql("SELECT spool, first, last FROM gaps").all() == [(SPOOL, 4, 5)]


def test_a_feed_that_never_answers_is_waited_for_long_but_not_for_ever() -> None:
    holes = Holes()
    assert holes.met(SPOOL, 4, 9, 0.0) == "rewind"
    assert holes.met(SPOOL, 4, 9, 1.0) == "wait"
    assert holes.to_ask() == [SPOOL]
    assert not holes.overdue(UNHEARD)
    assert holes.met(SPOOL, 4, 7, 2.0) == "wait"
    assert holes.overdue(UNHEARD + 1)
    assert not holes.overdue(UNHEARD + 2), "said once"
    assert holes.met(SPOOL, 4, 9, UNHEARD + 2) == "wait", "a lower one was met"
    assert holes.met(SPOOL, 4, 7, UNHEARD + 2) == "lost"


def test_a_second_gap_of_a_feed_is_a_new_one() -> None:
    holes = Holes()
    assert holes.met(SPOOL, 4, 9, 0.0) == "rewind"
    assert holes.met(SPOOL, 6, 9, 1.0) == "rewind"
    holes.close(SPOOL)
    assert not holes
    assert holes.met(SPOOL, 6, 9, 2.0) == "rewind"


def test_who_reads_does_not_wait_for_who_writes(tmp_path: Path) -> None:
    """While the historian builds tickets anew for minutes, a projector that starts shows its board all the same."""
    url = f"sqlite:///{tmp_path}/history.db"
    first = History(url, rules())
    first.prepare()
    with closing(sqlite3.connect(tmp_path / "history.db", isolation_level=None)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        reader = History(url)
        with reader.engine.connect() as db:
            db.exec_driver_sql("PRAGMA busy_timeout = 0")
        reader.prepare()
        assert reader.positions() == {}
        writing.execute("ROLLBACK")
    first.close()
    reader.close()
