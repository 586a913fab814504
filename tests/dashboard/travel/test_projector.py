"""The projector: one board, the same from stream, snapshot and history, and only wanted views on the notice board."""

from __future__ import annotations

import errno
import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis
from redis.exceptions import ResponseError

from dashboard.board import Board, Gap
from dashboard.travel import historian as historian_role
from dashboard.travel import projector as projector_role
from dashboard.travel.historian import Historian
from dashboard.travel.history import History
from dashboard.travel.projector import MOST, STANDS, WANTED_FOR, WEAR, Projector, write_whole
from dashboard.travel.roles import House, Stop
from dashboard.travel.stream import Entry, Keys, connect
from tests.flow import START, closed, entry, packed, reported, rules, tick, tickets_of, views_of
from tests.town import town

HOTLINE, APP, CLOCK, TIME = "hotline@1", "app@1", "clock@1", "time@1"


def load() -> list[Entry]:
    """Two feeds that tell of the same tickets, and a clock."""
    found = []
    for seq in range(1, 21):
        found.append(entry(seq, reported(seq, "A1" if seq % 2 else "B"), spool=HOTLINE))
        found.append(entry(seq, closed(seq), closed(seq, 90.0, id=f"{seq}-again"), spool=APP))
        found.append(entry(seq, tick(3600.0 * seq), spool=CLOCK))
    return found


def folded(entries: list[Entry]) -> Board:
    board = Board(rules())
    for one in entries:
        board.fold(one.spool, one.seq, one.packed)
    return board


def kept(history: History, entries: list[Entry]) -> History:
    """History after it has taken these."""
    historian = Historian(history)
    historian.start()
    assert historian.take(entries, 0.0)
    return history


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    opened = History(f"sqlite:///{tmp_path / 'history.db'}")
    opened.prepare()
    yield opened
    opened.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "board.snapshot"


# -- the board -----------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_between_feeds_and_repetition_do_not_matter(chance: random.Random) -> None:
    entries = load()
    wanted = folded(entries)
    by_feed = {spool: [one for one in entries if one.spool == spool] for spool in (HOTLINE, APP, CLOCK)}
    board = Board(rules())
    while any(by_feed.values()):
        spool = chance.choice([name for name, left in by_feed.items() if left])
        one = by_feed[spool].pop(0)
        assert board.fold(one.spool, one.seq, one.packed)
        again = chance.choice(entries)
        if again.seq <= board.position.get(again.spool, 0):
            assert not board.fold(again.spool, again.seq, again.packed)
        if chance.random() < 0.1:
            board = Board.restore(rules(), board.dump())
    assert board.position == wanted.position
    assert tickets_of(board) == tickets_of(wanted)
    assert views_of(board) == views_of(wanted)


def test_a_batch_whose_forerunner_is_missing_is_refused_and_changes_nothing() -> None:
    board = folded(load())
    before = views_of(board)
    with pytest.raises(Gap, match="batch 21 is missing before 23"):
        board.fold(HOTLINE, 23, packed([reported(23)]))
    assert views_of(board) == before
    with pytest.raises(msgspec.MsgspecError):
        board.fold(HOTLINE, 21, b"\xdd\x00\x00\x00\x02\x01")
    assert board.position[HOTLINE] == 20


# -- the snapshot --------------------------------------------------------------------------------------------


def test_a_snapshot_gives_the_same_board_and_is_told_once_it_is_durable(file: Path) -> None:
    projector = Projector(rules(), file)
    for one in load():
        projector.board.fold(one.spool, one.seq, one.packed)
    assert projector.saved() is None
    projector.save()
    assert projector.saved(wait=True) == {HOTLINE: 20, APP: 20, CLOCK: 20}
    projector.save()
    assert projector.saved(wait=True) is None, "nothing has changed since"
    again = Projector(rules(), file)
    assert again.board.position == projector.board.position
    assert views_of(again.board) == views_of(projector.board)
    assert again.epoch != projector.epoch


def test_a_snapshot_that_cannot_be_written_leaves_the_old_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    projector = Projector(rules(), file)
    entries = load()
    projector.board.fold(entries[0].spool, entries[0].seq, entries[0].packed)
    projector.save()
    assert projector.saved(wait=True)
    before = file.read_bytes()
    file.with_suffix(".new").mkdir()
    projector.board.fold(entries[3].spool, entries[3].seq, entries[3].packed)
    projector.save()
    assert projector.saved(wait=True) is None
    assert file.read_bytes() == before
    file.with_suffix(".new").rmdir()
    projector.save()
    assert projector.saved(wait=True) == {HOTLINE: 2}, "tried again, since nothing was saved"


def test_a_large_snapshot_is_written_less_often_unless_much_has_come_since(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector_role, "CARRIED", 2 * len(load()[0].packed))
    projector = Projector(rules(), file)
    assert (projector.due(9.0), projector.due(11.0)) == (False, True)

    def become_large() -> None:
        with file.open("ab") as stream:
            stream.truncate(60 * WEAR)  # A hole, which takes no room.

    become_large()
    assert (projector.due(59.0), projector.due(61.0)) == (False, True)
    for one in load()[:9:3]:
        projector.fold(one.spool, one.seq, one.packed)
    assert (projector.due(9.0), projector.due(11.0)) == (False, True)
    projector.save()
    assert projector.saved(wait=True)
    become_large()
    assert not projector.due(59.0)
    file.with_suffix(".new").mkdir()
    projector.fold(HOTLINE, 4, load()[9].packed)
    projector.save()
    assert projector.saved(wait=True) is None
    assert projector.due(11.0), "what failed is tried again soon"


def test_without_memory_for_a_snapshot_folding_goes_on_and_it_is_tried_again(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused() -> int:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    projector = Projector(rules(), file)
    first, second, *_ = (one for one in load() if one.spool == HOTLINE)
    projector.fold(HOTLINE, first.seq, first.packed)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fork", refused)
        projector.save()
    assert "the snapshot could not be begun: [Errno 12] Cannot allocate memory" in caplog.text
    assert projector.saved(wait=True) is None
    assert projector.fold(HOTLINE, second.seq, second.packed)
    with file.open("ab") as stream:
        stream.truncate(60 * WEAR)
    assert projector.due(11.0), "what failed is tried again soon"
    projector.save()
    assert projector.saved(wait=True) == {HOTLINE: 2}


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "a bit", "another house"])
def test_a_damaged_snapshot_is_never_taken_for_a_board(file: Path, history: History, damage: str) -> None:
    entries = load()
    whole = folded(entries).dump()
    document = msgspec.msgpack.decode(whole[16:])
    document["slices"]["video"] = []
    other = msgspec.msgpack.encode(document)
    file.write_bytes(
        {
            "empty": b"",
            "cut": whole[: len(whole) // 2],
            "text": b"disk quota exceeded",
            "a bit": whole[:700] + bytes([whole[700] ^ 1]) + whole[701:],
            "another house": _sealed(other),
        }[damage]
    )
    projector = Projector(rules(), file)
    assert projector.board.position == {}
    projector.fill(kept(history, entries))
    assert tickets_of(projector.board) == tickets_of(folded(entries))


def _sealed(document: bytes) -> bytes:
    from hashlib import blake2b

    return blake2b(document, digest_size=16).digest() + document


def test_any_single_bit_of_a_snapshot_is_noticed(file: Path) -> None:
    whole = folded(load()).dump()
    chance = random.Random(3)
    for at in chance.sample(range(len(whole)), 200):
        bad = bytearray(whole)
        bad[at] ^= 1 << chance.randrange(8)
        with pytest.raises(ValueError, match="snapshot"):
            Board.restore(rules(), bytes(bad))


def test_a_crash_while_writing_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    target = tmp_path / "board.snapshot"
    old, new = os.urandom(3_000_000), os.urandom(3_000_000)
    write_whole(target, old)
    seen = set()
    for delay in (0.0, 0.001, 0.003, 0.006, 0.01, 0.2):
        child = os.fork()
        if child == 0:
            write_whole(target, new)
            os._exit(0)
        sleep(delay)
        os.kill(child, 9)
        os.waitpid(child, 0)
        found = target.read_bytes()
        assert found in (old, new)
        seen.add(found == new)
        write_whole(target, old)
    assert True in seen


# -- catching up ---------------------------------------------------------------------------------------------


def test_a_board_from_history_alone_is_that_of_the_stream_ticket_for_ticket(file: Path, history: History) -> None:
    entries = load()
    projector = Projector(rules(), file)
    projector.fill(kept(history, entries))
    wanted = folded(entries)
    assert tickets_of(projector.board) == tickets_of(wanted)
    assert projector.board.position == wanted.position, "passing batches count as folded"
    projector.board.fold(CLOCK, 21, packed([tick(3600.0 * 21)]))
    wanted.fold(CLOCK, 21, packed([tick(3600.0 * 21)]))
    assert views_of(projector.board) == views_of(wanted)


def test_filling_takes_only_what_the_board_has_not(file: Path, history: History) -> None:
    entries = load()
    projector = Projector(rules(), file)
    for one in entries[:31]:
        projector.board.fold(one.spool, one.seq, one.packed)
    kept(history, entries[:45])
    projector.fill(history)
    projector.fill(history)
    for one in entries:
        projector.board.fold(one.spool, one.seq, one.packed)
    assert views_of(projector.board) == views_of(folded(entries))


def test_a_board_behind_history_with_nothing_coming_is_noticed(file: Path) -> None:
    projector = Projector(rules(), file)
    projector.board.fold(HOTLINE, 1, packed([reported(1)]))
    assert not projector.stuck({HOTLINE: 3, APP: 0})
    assert projector.stuck({HOTLINE: 3})
    projector.board.fold(HOTLINE, 2, packed([reported(2)]))
    assert not projector.stuck({HOTLINE: 3}), "it moves"
    projector.board.fold(HOTLINE, 3, packed([reported(3)]))
    assert not projector.stuck({HOTLINE: 3})
    assert not projector.stuck({HOTLINE: 3})


# -- posting -------------------------------------------------------------------------------------------------


def test_one_thing_is_wanted_by_its_key_and_not_more_than_some_of_them(file: Path) -> None:
    projector = Projector(rules(), file)
    key = "camera_thing|wvp|P|c 1"
    projector.want([key, f"camera_thing|{'x' * 400}"], 0.0)
    documents, _ = projector.changed(0.0)
    assert {name: msgspec.json.decode(found)["data"] for name, found in documents.items()} == {key: {}}
    projector.want([f"camera_thing|{n}" for n in range(2 * MOST)], 0.0)
    assert len(projector.wanted) == MOST
    projector.want([key, "tickets|A"], 1.0)
    assert {key, "tickets|A"} <= projector.wanted.keys(), "who looks already goes on, and places are no things"
    assert len(projector.changed(WANTED_FOR + 0.5)[1]) == MOST - 1


def test_only_wanted_views_are_posted_and_only_when_their_numbers_change(file: Path) -> None:
    projector = Projector(rules(), file)
    projector.board.fold(HOTLINE, 1, packed([reported(1)]))
    assert projector.changed(0.0) == ({}, [])
    projector.want(["tickets|A", "tickets|B", "nonsense|A", "tickets|nowhere", "tickets", ""], 0.0)
    assert set(projector.wanted) == {"tickets|A", "tickets|B"}
    documents, gone = projector.changed(0.0)
    assert set(documents) == {"tickets|A", "tickets|B"}
    assert gone == []
    said = msgspec.json.decode(documents["tickets|A"])
    assert (said["data"]["open"], said["offset"], said["epoch"]) == (1, 1, projector.epoch)
    assert projector.changed(1.0) == ({}, [])
    projector.board.fold(HOTLINE, 2, packed([reported(2, "B")]))
    documents, _ = projector.changed(1.0)
    assert set(documents) == {"tickets|B"}


def test_what_nobody_asks_for_any_more_is_taken_down(file: Path) -> None:
    projector = Projector(rules(), file)
    projector.want(["tickets|A", "units|A"], 0.0)
    projector.changed(0.0)
    projector.want(["units|A"], 20.0)
    documents, gone = projector.changed(WANTED_FOR + 1)
    assert (documents, gone) == ({}, ["tickets|A"])
    projector.want(["tickets|A"], WANTED_FOR + 2)
    assert set(projector.changed(WANTED_FOR + 2)[0]) == {"tickets|A"}, "posted afresh when asked for again"


def test_what_is_asked_for_once_is_posted_as_it_is_then(file: Path) -> None:
    projector = Projector(rules(), file)
    projector.want(["tickets|A", "tickets|B"], 0.0, 0)
    assert set(projector.changed(0.0)[0]) == {"tickets|A", "tickets|B"}
    projector.want(["tickets|B"], 0.1)
    projector.want(["tickets|B"], 0.1, 0)
    projector.board.fold(HOTLINE, 1, packed([reported(1)]))
    projector.board.fold(HOTLINE, 2, packed([reported(2, "B")]))
    assert set(projector.changed(0.2)[0]) == {"tickets|B"}, "a screen has it kept up to date"
    assert projector.changed(STANDS + 0.1) == ({}, ["tickets|A"])
    projector.want(["tickets|A"], STANDS + 1)
    assert msgspec.json.decode(projector.changed(STANDS + 1)[0]["tickets|A"])["data"]["open"] == 1


def test_what_is_asked_for_once_is_posted_however_late_and_stands_for_a_while(file: Path) -> None:
    projector = Projector(rules(), file)
    projector.want(["tickets|A"], 0.0, 0)
    assert set(projector.changed(60.0)[0]) == {"tickets|A"}
    assert projector.changed(60.0 + STANDS) == ({}, [])
    assert projector.changed(60.1 + STANDS) == ({}, ["tickets|A"])


def test_views_that_vanish_from_the_notice_board_are_posted_again(file: Path) -> None:
    projector = Projector(rules(), file)
    projector.want(["tickets|A", "units|A"], 0.0)
    projector.changed(0.0)
    projector.posted(2)
    assert projector.changed(1.0) == ({}, [])
    projector.posted(1)
    assert set(projector.changed(1.0)[0]) == {"tickets|A", "units|A"}


# -- at work -------------------------------------------------------------------------------------------------


class AtWork:
    """Projector and historian at work on a real Valkey, and a hand that appends to the stream."""

    def __init__(self, home: Path, url: str) -> None:
        city = town(home, {"kind": "clock", "name": "clock"}, {"kind": "cloudevents", "name": "hotline"})
        self.house = House(city, home, url, f"sqlite:///{home / 'history.db'}")
        self.redis: Redis = connect(url)
        self.keys = Keys(city.name)
        self.stops: list[tuple[Stop, threading.Thread]] = []
        self.ticks = 0

    def start(self, *roles: Callable[[House, Stop], None], clock: bool = True) -> None:
        """Let roles work, each in a thread, and the city's time pass."""
        for role in (*roles, *([self.keep_time] if clock and not self.ticks else [])):
            stop = Stop()
            thread = threading.Thread(target=role, args=(self.house, stop))
            thread.start()
            self.stops.append((stop, thread))

    def keep_time(self, house: House, stop: Stop) -> None:
        """Tick until told to stop: without a tick a board does not know what time it is."""
        with connect(house.redis_url) as redis:
            while not stop.wait(0.1):
                one = entry(self.ticks + 1, tick(10_001.0 + self.ticks), spool=TIME)
                fields: Any = {"s": one.spool, "q": one.seq, "n": one.events, "p": one.packed}
                with suppress(ResponseError):  # The log may just now be of another type.
                    redis.xadd(self.keys.log, fields)
                    self.ticks += 1

    def end(self) -> None:
        """End all of them, in order."""
        for stop, thread in self.stops:
            stop.set()
            thread.join(20)
            assert not thread.is_alive()
        self.stops.clear()

    def append(self, *entries: Entry) -> None:
        """Append to the stream, as the feeds' process would, but whatever stands there."""
        for one in entries:
            fields: Any = {"s": one.spool, "q": one.seq, "n": one.events, "p": one.packed}
            self.redis.xadd(self.keys.log, fields)
            self.redis.hset(self.keys.sent, one.spool, str(one.seq))

    def offset(self, key: str) -> dict[str, int]:
        """The positions in a hash, but for that of time."""
        found: Any = self.redis.hgetall(key)
        return {name.decode(): int(seq) for name, seq in found.items() if name.decode() != TIME}

    def open_at(self, place: str) -> int | None:
        """The open tickets that a screen at a place would be shown."""
        found: Any = self.redis.hget(self.keys.views, f"tickets|{place}")
        return None if found is None else int(msgspec.json.decode(found)["data"]["open"])

    def ask(self, *views: str) -> None:
        """Want views, as a web process does."""
        self.redis.xadd(self.keys.asks, {"keys": msgspec.json.encode(views)})


@pytest.fixture
def work(tmp_path: Path, redis_url: str) -> Iterator[AtWork]:
    made = AtWork(tmp_path, redis_url)
    yield made
    made.end()
    made.redis.close()


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, f"not within {seconds} s"
        sleep(0.02)


def stream(upto: int, after: int = 0) -> list[Entry]:
    found = []
    for seq in range(after + 1, upto + 1):
        found.append(entry(seq, reported(seq, "A"), spool=HOTLINE))
        found.append(entry(seq, tick(60.0 * seq), spool=CLOCK))
    return found


def test_the_wall_is_told_what_it_asks_for(work: AtWork) -> None:
    work.append(*stream(3))
    work.ask("tickets|A")
    work.start(projector_role.run)
    until(lambda: work.open_at("A") == 3)
    assert work.open_at("B") is None
    work.append(*stream(5, after=3))
    until(lambda: work.open_at("A") == 5)
    pulse: Any = msgspec.json.decode(work.redis.get(work.keys.pulse) or b"")
    assert pulse["offset"] >= 10
    work.append(entry(6, tick(9000.0), spool=CLOCK), *(entry(n, reported(n, "A"), spool=HOTLINE) for n in (6, 7)))
    until(lambda: msgspec.json.decode(work.redis.get(work.keys.pulse) or b"")["past"] == pulse["past"] + 2)


def test_a_board_that_does_not_know_the_time_is_not_shown(work: AtWork) -> None:
    work.append(entry(1, reported(1, "A"), spool=HOTLINE))
    work.ask("tickets|A")
    work.start(projector_role.run, clock=False)
    sleep(1.5)
    assert work.open_at("A") is None
    work.append(entry(1, tick(60.0), spool=CLOCK))
    until(lambda: work.open_at("A") == 1)


@pytest.mark.parametrize("by", [3600.0, -3600.0])
def test_a_clock_that_was_wrong_by_an_hour_is_right_again_at_once(work: AtWork, by: float) -> None:
    """The time, and with it the lights, within seconds, and not when the hour is over; also after a restart."""
    two_days = 48 * 3600.0  # The tickets fall due, an hour apart.
    moments = iter([two_days + 1800, two_days + 1800 + by, two_days + 1802, two_days + 1804])
    due = [reported(60 * n, "A", due=START + timedelta(hours=48 + n)) for n in range(-1, 3)]

    def turn(seq: int) -> tuple[float, int]:
        moment = next(moments)
        work.append(entry(seq, tick(moment), spool=CLOCK))
        wanted = START.timestamp() + moment, 1 + int((moment - two_days) // 3600) + 1

        def shown() -> tuple[float, int] | None:
            found: Any = work.redis.hget(work.keys.views, "tickets|A")
            if found is None:
                return None
            document = msgspec.json.decode(found)
            pulse: Any = work.redis.get(work.keys.pulse)
            return msgspec.json.decode(pulse)["as_of"], document["data"]["lights"]["overdue"]

        until(lambda: shown() == wanted)
        return wanted

    work.append(entry(1, *due, spool=HOTLINE))
    work.ask("tickets|A")
    work.start(projector_role.run, clock=False)
    one, wrong, right = turn(1), turn(2), turn(3)
    assert one[1] == right[1] != wrong[1]
    work.end()
    work.ask("tickets|A")
    work.start(projector_role.run, clock=False)
    assert turn(4)[1] == right[1]


def test_views_of_a_board_that_is_gone_are_taken_down(work: AtWork) -> None:
    work.redis.hset(work.keys.views, "tickets|A", b'{"data":{"open":999}}')
    work.append(*stream(1))
    work.start(projector_role.run)
    until(lambda: work.open_at("A") is None)


def test_what_was_lost_unread_of_a_feed_that_is_silent_now_comes_from_history(work: AtWork) -> None:
    """History has it, so the spool has forgotten it, and no later batch tells the board of the gap."""
    work.append(*stream(2))
    work.ask("tickets|A")
    work.start(projector_role.run)
    until(lambda: work.open_at("A") == 2)
    history = kept(History(work.house.database_url), stream(6))
    history.close()
    work.redis.hset(work.keys.history, HOTLINE, "6")
    until(lambda: work.open_at("A") == 6)


def test_a_gap_in_one_feed_does_not_stop_the_others(work: AtWork) -> None:
    work.append(*stream(2))
    work.ask("tickets|A")
    work.start(projector_role.run)
    until(lambda: work.open_at("A") == 2)
    work.append(entry(9, reported(9, "A"), spool=HOTLINE))
    work.append(*[one for one in stream(4, after=2) if one.spool == CLOCK])
    until(lambda: work.offset(work.keys.folded) == {HOTLINE: 2, CLOCK: 4})
    work.append(*[entry(seq, reported(seq, "A"), spool=HOTLINE) for seq in range(3, 9)])
    until(lambda: work.offset(work.keys.folded) == {HOTLINE: 9, CLOCK: 4})
    assert work.open_at("A") == 9


def test_flushall_costs_no_number_on_the_wall(work: AtWork) -> None:
    entries = stream(4)
    work.append(*entries)
    work.ask("tickets|A", "units|A")
    work.start(projector_role.run, historian_role.run)
    until(lambda: work.open_at("A") == 4 and work.offset(work.keys.history).get(HOTLINE) == 4)
    work.redis.flushall()
    until(lambda: work.open_at("A") == 4)
    until(lambda: work.redis.hexists(work.keys.views, "units|A"))
    work.append(*stream(5, after=4))
    until(lambda: work.open_at("A") == 5 and work.offset(work.keys.history).get(HOTLINE) == 5)


def test_keys_of_the_wrong_type_do_not_stop_the_readers(work: AtWork) -> None:
    work.append(*stream(2))
    work.ask("tickets|A")
    work.start(projector_role.run, historian_role.run)
    until(lambda: work.open_at("A") == 2)
    for key, kind in work.keys.kinds.items():
        work.redis.delete(key)
        work.redis.zadd(key, {f"not a {kind}": 1})
    until(lambda: all(work.redis.type(key) != b"zset" for key in work.keys.kinds), 15)
    work.append(*stream(3, after=2))
    work.ask("tickets|A")
    until(lambda: work.open_at("A") == 3)


def test_a_second_projector_of_one_house_waits_for_the_first(work: AtWork) -> None:
    work.append(*stream(2))
    work.ask("tickets|A")
    work.start(projector_role.run)
    until(lambda: work.open_at("A") == 2)
    first = msgspec.json.decode(work.redis.get(work.keys.pulse) or b"")["epoch"]
    work.start(projector_role.run)
    sleep(0.7)
    assert msgspec.json.decode(work.redis.get(work.keys.pulse) or b"")["epoch"] == first
    stop, thread = work.stops.pop(0)
    stop.set()
    thread.join()
    until(lambda: msgspec.json.decode(work.redis.get(work.keys.pulse) or b"")["epoch"] != first)


def test_after_an_orderly_end_snapshot_history_and_stream_are_the_same(work: AtWork) -> None:
    entries = load()
    work.start(projector_role.run, historian_role.run)
    for _, part in groupby(entries, key=lambda one: one.seq):
        work.append(*part)
    wanted = {HOTLINE: 20, APP: 20, CLOCK: 20}
    until(lambda: work.offset(work.keys.folded) == work.offset(work.keys.history) == wanted)
    work.end()
    from dashboard.sources.feed import rules_of

    board = Board.restore(rules_of(work.house.city), work.house.snapshot.read_bytes())
    history = History(work.house.database_url)
    assert tickets_of(board) == tickets_of(history) == tickets_of(folded(entries))
    history.close()
