"""History keeps its word on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from dashboard.board import CODEC
from dashboard.events import Event
from dashboard.history import History, HistoryFailed
from dashboard.tickets import Ticket, apply
from tests.flow import closed, packed, reported
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
    history.write(events, fold(*events), [(SPOOL, seq, len(events), packed(events))], {SPOOL: seq})


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
