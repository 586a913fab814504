"""History keeps its word on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from dashboard.board import CODEC
from dashboard.events import Event
from dashboard.nouns.sla import Limit, Limits
from dashboard.nouns.tickets import Ticket, apply
from dashboard.travel.history import History, HistoryFailed
from tests.flow import START, closed, packed, reported, rules
from tests.servers import Postgres

SPOOL = "hotline@1"


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    opened = History(database_url)
    opened.prepare()
    yield opened
    opened.close()


def fold(*events: Event) -> list[Ticket]:
    tickets: dict[str, Ticket] = {}
    for event in events:
        tickets[event.subject] = apply(tickets.get(event.subject), event)
    return list(tickets.values())


def write(history: History, seq: int, *events: Event) -> None:
    told = [CODEC.unpack(kept.packed) for kept in history.batches(SPOOL, 0, seq - 1)]
    numbers = {event.subject for event in events}
    changed = [ticket for ticket in fold(*(one for part in told for one in part), *events) if ticket.number in numbers]
    history.write(events, changed, [(SPOOL, seq, len(events), packed(events))], {SPOOL: seq})


def test_an_empty_history_is_empty(history: History) -> None:
    history.prepare()
    assert history.positions() == {}
    assert history.count_events() == 0
    assert list(history.all_tickets()) == []
    assert list(history.batches(SPOOL, 0, 10)) == []
    assert history.tickets([("hotline", "1")]) == {}


def test_any_number_may_prepare_it_at_the_same_time(database_url: str) -> None:
    histories = [History(database_url) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(History.prepare, histories))
    for opened in histories:
        assert opened.positions() == {}
        opened.close()


def test_a_new_file_that_another_is_writing_to_is_waited_for(tmp_path: Path) -> None:
    """SQLite refuses another journal at once while somebody writes, whatever the time it was given to wait."""
    file = tmp_path / "history.db"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE mine (n)")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        sqlite3.connect(file, timeout=5).execute("PRAGMA journal_mode=WAL")
    done = threading.Timer(0.5, other.execute, ["COMMIT"])
    done.start()
    opened = History(f"sqlite:///{file}")
    opened.prepare()
    assert opened.positions() == {}
    opened.close()
    done.join()
    other.close()


def test_what_was_written_is_read_as_it_was(history: History) -> None:
    events = [
        reported(1, title="井盖 “坏了”\t\\N\n", point=(113.123456789, 23.1), due=datetime(2026, 3, 2, tzinfo=UTC)),
        closed(1, verdict="on_time"), reported(2, place="", flaw="no_place"), closed(3),
    ]  # fmt: skip
    write(history, 1, *events)
    assert list(history.all_tickets()) == fold(*events)
    assert history.tickets([("hotline", "1"), ("hotline", "9"), ("other", "1")]) == {("hotline", "1"): fold(*events)[0]}
    assert history.positions() == {SPOOL: 1}
    assert [kept.packed for kept in history.batches(SPOOL, 0, 1)] == [packed(events)]
    with history.engine.connect() as db:
        bodies = [row.body for row in db.execute(text("SELECT body FROM events ORDER BY id"))]
    assert sorted(map(CODEC.read, bodies), key=lambda event: event.id) == sorted(events, key=lambda event: event.id)


def test_events_written_again_change_nothing_and_tickets_are_replaced(history: History) -> None:
    write(history, 1, reported(1))
    history.write([reported(1), closed(1)], fold(reported(1), closed(1)), [], {SPOOL: 2})
    history.write([reported(1), closed(1)], fold(reported(1), closed(1)), [(SPOOL, 1, 1, b"other")], {SPOOL: 2})
    assert history.count_events() == 2
    assert list(history.all_tickets()) == fold(reported(1), closed(1))
    assert history.positions() == {SPOOL: 2}
    assert [kept.packed for kept in history.batches(SPOOL, 0, 9)] == [packed([reported(1)])]


def test_the_same_event_twice_in_one_transaction_is_one(history: History) -> None:
    history.write([reported(1), reported(1)], fold(reported(1)), [], {SPOOL: 1})
    assert history.count_events() == 1


def test_all_is_written_or_nothing(history: History) -> None:
    write(history, 1, reported(1))
    with history.engine.begin() as db:  # What refuses the last table only, after all others were written.
        db.execute(text("DROP TABLE gaps"))
    with pytest.raises(HistoryFailed):
        history.write(
            [reported(2)], fold(reported(2)), [(SPOOL, 2, 1, packed([reported(2)]))], {SPOOL: 2}, [(SPOOL, 1, 1)]
        )
    assert history.count_events() == 1
    assert history.positions() == {SPOOL: 1}
    assert [ticket.number for ticket in history.all_tickets()] == ["1"]
    assert [kept.seq for kept in history.batches(SPOOL, 0, 9)] == [1]


def test_batches_come_in_order_page_by_page(history: History) -> None:
    kept = [(SPOOL, seq, 1, b"%d" % seq) for seq in range(1, 251) if seq % 3]
    history.write([], [], kept, {SPOOL: 250})
    history.write([], [], [("other@1", 5, 1, b"x")], {"other@1": 5})
    found = [(batch.seq, batch.packed) for batch in history.batches(SPOOL, 4, 248)]
    assert found == [(seq, b"%d" % seq) for seq in range(5, 249) if seq % 3]


def test_numbers_grow_beyond_what_32_bits_hold(history: History) -> None:
    write(history, 2**31 + 5, reported(1))
    history.write([], [], [], {SPOOL: 2**40}, [(SPOOL, 2**39, 2**40 - 1)])
    assert history.positions() == {SPOOL: 2**40}
    assert [kept.seq for kept in history.batches(SPOOL, 2**31, 2**32)] == [2**31 + 5]


def test_many_tickets_are_found_at_once(history: History) -> None:
    events = [reported(number) for number in range(1700)]
    history.write(events, fold(*events), [], {SPOOL: 1})
    wanted = [("hotline", str(number)) for number in range(0, 3400, 2)]
    assert len(history.tickets(wanted)) == 850


def test_a_database_that_is_not_there_is_said_and_waited_for(tmp_path: object) -> None:
    for url in (f"sqlite:///{tmp_path}/no/such/folder/history.db", f"postgresql://nobody@/none?host={tmp_path}"):
        history = History(url)
        with pytest.raises(HistoryFailed):
            history.prepare()
        with pytest.raises(HistoryFailed):
            history.positions()
        with pytest.raises(HistoryFailed):
            history.write([reported(1)], fold(reported(1)), [], {SPOOL: 1})
        history.close()


def test_postgresql_killed_and_started_again_is_used_again(postgres_server: Postgres, postgres_url: str) -> None:
    history = History(postgres_url)
    history.prepare()
    write(history, 1, reported(1))
    postgres_server.kill()
    try:
        with pytest.raises(HistoryFailed):
            write(history, 2, reported(2))
        with pytest.raises(HistoryFailed):
            history.tickets([("hotline", "1")])
    finally:
        postgres_server.start()
    write(history, 2, reported(2))
    assert history.positions() == {SPOOL: 2}
    assert history.count_events() == 2
    history.close()


def test_an_error_in_the_middle_of_copy_is_a_failure_of_history(postgres_url: str) -> None:
    """COPY goes past SQLAlchemy, so its errors are the driver's own and must be told as history's."""
    history = History(postgres_url)
    history.prepare()
    with pytest.raises(HistoryFailed):
        history.write([], [], [(SPOOL, "one", 1, b"x")], {SPOOL: 1})  # type: ignore[list-item]
    history.write([], [], [(SPOOL, 1, 1, b"x")], {SPOOL: 1})
    assert history.positions() == {SPOOL: 1}
    history.close()


@pytest.mark.parametrize("left", ["another table", "another version", "half of it"])
def test_a_table_of_another_version_is_built_anew_from_the_batches(database_url: str, left: str) -> None:
    first = History(database_url, rules())
    first.prepare()
    first.renew()
    told = [reported(1), reported(2, due=START + timedelta(hours=5)), closed(1), closed(2, 400)]
    write(first, 1, *told[:2])
    write(first, 2, *told[2:])
    expected = {ticket.number: ticket for ticket in fold(*told)}
    with first.engine.begin() as db:
        if left == "another table":
            db.execute(text("DROP TABLE tickets"))
            db.execute(text("DROP TABLE meta"))
            db.execute(text("CREATE TABLE tickets (source TEXT, number TEXT, reported_id TEXT)"))
        elif left == "another version":
            db.execute(text("UPDATE meta SET value = '1' WHERE name = 'tickets'"))
            db.execute(text("UPDATE tickets SET title = 'of yesterday'"))
        else:
            db.execute(text("DELETE FROM meta WHERE name = 'rules'"))
            db.execute(text("DELETE FROM tickets WHERE number = '1'"))
    first.close()
    if left == "another table":
        reader = History(database_url)
        reader.prepare()
        assert reader.positions() == {SPOOL: 2}, "who only reads leaves the table to who writes it"
        reader.close()
    again = History(database_url, rules())
    again.prepare()
    again.renew()
    assert {ticket.number: ticket for ticket in again.all_tickets()} == expected
    with again.engine.connect() as db:
        rows = db.execute(text("SELECT number, deadline, on_time FROM tickets ORDER BY number")).all()
    assert [tuple(row) for row in rows] == [
        ("1", (START + timedelta(hours=48, minutes=1)).timestamp(), 1),
        ("2", (START + timedelta(hours=5)).timestamp(), 0),
    ]  # fmt: skip
    again.close()


def test_other_limits_are_other_deadlines_also_of_what_is_in_the_table(database_url: str) -> None:
    for hours, kept in ((48, 1), (48, 1), (1, 0)):
        opened = History(database_url, replace(rules(), limits=Limits(default=Limit(hours))))
        opened.prepare()
        opened.renew()
        if hours == 48:
            write(opened, 1, reported(1), closed(1, 90))
        with opened.engine.connect() as db:
            row = db.execute(text("SELECT deadline, on_time FROM tickets")).one()
        assert tuple(row) == ((START + timedelta(hours=hours, minutes=1)).timestamp(), kept)
        opened.close()
