"""The stream between spools and readers, on a real Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError, ResponseError

from dashboard.travel.spool import Spool
from dashboard.travel.stream import Entry, Keys, Notices, Reader, Sender, connect, connect_async, set_aside
from tests.flow import KEYS, batch, filled, reported
from tests.servers import Valkey

SPOOL = "hotline@1"


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with connect(redis_url) as client:
        yield client


@pytest.fixture
async def sending(redis_url: str) -> AsyncIterator[AsyncRedis]:
    client = connect_async(redis_url)
    yield client
    await client.aclose()


def seen(reader: Reader) -> list[tuple[str, int]]:
    """What a reader still finds, as spool and number."""
    found: list[Entry] = []
    while entries := reader.read(7, 20)[0]:
        found += entries
    return [(entry.spool, entry.seq) for entry in found]


async def send(client: AsyncRedis, *numbers: int, spool: str = SPOOL) -> Sender:
    sender = Sender(client, KEYS, spool)
    await sender.learn()
    assert await sender.send([batch(number, reported(number)) for number in numbers])
    return sender


def test_all_keys_of_a_city_lie_on_one_shard() -> None:
    keys = Keys("nanhai")
    names = [keys.log, keys.sent, keys.board, keys.history, keys.folded, keys.asks, keys.views, keys.pulse, keys.news]
    assert {name.split(":")[0] for name in names} == {"{nanhai}"}
    assert len(set(names)) == len(names)


async def test_what_is_sent_is_read_in_order_with_its_bytes(redis: Redis, sending: AsyncRedis) -> None:
    await send(sending, 1, 2, 3)
    entries, asks = Reader(redis, KEYS).read(10, 20)
    assert [(entry.seq, entry.packed) for entry in entries] == [
        (number, batch(number, reported(number)).packed) for number in (1, 2, 3)
    ]
    assert asks == []


async def test_a_batch_sent_twice_stands_there_once(redis: Redis, sending: AsyncRedis) -> None:
    sender = await send(sending, 1, 2)
    sender.position = 1  # As after an answer that never came.
    assert not await sender.send([batch(2, reported(2)), batch(3, reported(3))])
    assert sender.position == 3, "the second was taken all the same"
    assert await sender.send([batch(4, reported(4))])
    assert seen(Reader(redis, KEYS)) == [(SPOOL, 1), (SPOOL, 2), (SPOOL, 3), (SPOOL, 4)]


async def test_two_senders_of_one_spool_do_not_double_anything(redis: Redis, sending: AsyncRedis) -> None:
    senders = [Sender(sending, KEYS, SPOOL) for _ in range(5)]
    batches = [batch(number, reported(number)) for number in range(1, 21)]
    await asyncio.gather(*(sender.send(batches) for sender in senders))
    assert seen(Reader(redis, KEYS)) == [(SPOOL, number) for number in range(1, 21)]


async def test_a_sender_that_believes_too_much_learns_and_goes_on_from_its_spool(
    redis: Redis, sending: AsyncRedis, tmp_path: Path
) -> None:
    spool = filled(tmp_path, [[reported(number)] for number in range(1, 6)])
    sender = Sender(sending, KEYS, spool.id)
    assert await sender.send(spool.batches(0))
    redis.flushall()
    spool.put([reported(6)])
    assert not await sender.send(spool.batches(sender.position))
    assert sender.position == 0
    assert await sender.send(spool.batches(0))
    assert seen(Reader(redis, KEYS)) == [(spool.id, number) for number in range(1, 7)]


async def test_a_trimmed_spool_goes_on_behind_what_history_has(redis: Redis, sending: AsyncRedis) -> None:
    sender = Sender(sending, KEYS, SPOOL)
    assert await sender.learn() == 0
    assert await sender.send([batch(41, reported(41)), batch(42, reported(42))])
    assert seen(Reader(redis, KEYS)) == [(SPOOL, 41), (SPOOL, 42)]


@pytest.mark.parametrize("loss", ["deleted", "replaced"])
async def test_a_log_that_is_gone_while_the_positions_stand_is_filled_again(
    redis: Redis, sending: AsyncRedis, loss: str
) -> None:
    mine, other = await send(sending, 1, 2), await send(sending, 1, spool="other@1")
    redis.delete(KEYS.log)
    if loss == "replaced":
        redis.set(KEYS.log, "not ours")
    assert not await mine.send([batch(3, reported(3))])
    assert mine.position == 0
    assert await other.learn() == 0, "the other feeds' batches were lost with it"
    assert await mine.send([batch(number, reported(number)) for number in (1, 2, 3)])
    assert seen(Reader(redis, KEYS)) == [(SPOOL, 1), (SPOOL, 2), (SPOOL, 3)]
    assert redis.get(f"{KEYS.log}:set-aside") == (b"not ours" if loss == "replaced" else None)


@pytest.mark.parametrize("key", sorted(KEYS.kinds))
async def test_a_key_of_the_wrong_type_is_set_aside_and_the_right_ones_stay(
    redis: Redis, sending: AsyncRedis, key: str
) -> None:
    await send(sending, 1)
    reader = Reader(redis, KEYS)
    reader.reached(KEYS.history, {SPOOL: 1})
    redis.delete(key)
    redis.zadd(key, {"not ours": 1})
    set_aside(redis, KEYS)
    set_aside(redis, KEYS)
    assert not redis.exists(key)
    assert redis.zrange(f"{key}:set-aside", 0, -1) == [b"not ours"]
    if key not in (KEYS.log, KEYS.history):
        assert reader.told(KEYS.history) == {SPOOL: 1}
        assert seen(reader) == [(SPOOL, 1)]


async def test_a_reader_begins_again_after_the_stream_was_wiped(redis: Redis, sending: AsyncRedis) -> None:
    await send(sending, 1, 2)
    reader = Reader(redis, KEYS)
    assert len(seen(reader)) == 2
    redis.flushall()
    assert seen(reader) == []
    await send(sending, 1, 2, 3)
    assert seen(reader) == [(SPOOL, 1), (SPOOL, 2), (SPOOL, 3)]


async def test_a_reader_begins_again_after_a_lost_tail_even_if_the_clock_went_back(
    redis: Redis, sending: AsyncRedis
) -> None:
    await send(sending, 1, 2)
    reader = Reader(redis, KEYS)
    seen(reader)
    ahead = reader.last.replace(reader.last.split("-")[0], str(int(reader.last.split("-")[0]) + 3_600_000))
    reader.last = ahead  # As if what was read last had been written by a clock an hour ahead.
    await send(sending, 3)
    assert seen(reader) == [], "this is when it is found out"
    assert seen(reader) == [(SPOOL, 1), (SPOOL, 2), (SPOOL, 3)]


async def test_only_what_both_readers_have_is_trimmed(redis: Redis, sending: AsyncRedis) -> None:
    await send(sending, 1, 2, 3, 4, 5)
    await send(sending, 1, 2, spool="other@1")
    reader = Reader(redis, KEYS)
    assert reader.trim() == 0
    reader.reached(KEYS.board, {SPOOL: 5, "other@1": 2})
    assert reader.trim() == 0, "history has nothing yet"
    reader.reached(KEYS.history, {SPOOL: 3})
    assert reader.trim() == 3
    assert seen(Reader(redis, KEYS)) == [(SPOOL, 4), (SPOOL, 5), ("other@1", 1), ("other@1", 2)]
    reader.reached(KEYS.history, {SPOOL: 5, "other@1": 2})
    reader.trim()
    assert redis.xlen(KEYS.log) <= 1
    await send(sending, 6)
    assert (SPOOL, 6) in seen(reader), "an emptied stream goes on"


async def test_a_feed_asked_again_sends_all_its_spool_holds(redis: Redis, sending: AsyncRedis, tmp_path: Path) -> None:
    spool = filled(tmp_path, [[reported(number)] for number in range(1, 4)])
    sender = Sender(sending, KEYS, spool.id)
    assert await sender.send(spool.batches(0))
    redis.xtrim(KEYS.log, maxlen=0)
    reader = Reader(redis, KEYS)
    assert reader.sent([spool.id]) == {spool.id}
    reader.ask_again([spool.id])
    assert reader.sent([spool.id, "unknown@1"]) == set()
    assert await sender.learn() == 0
    assert await sender.send(spool.batches(0))
    assert reader.sent([spool.id]) == {spool.id}
    assert seen(reader) == [(spool.id, 1), (spool.id, 2), (spool.id, 3)]


def test_asks_of_the_last_seconds_reach_a_reader_that_begins(redis: Redis) -> None:
    redis.xadd(KEYS.asks, {"keys": b'["tickets|A"]'})
    reader = Reader(redis, KEYS)
    assert reader.read(5, 20, asks=True) == ([], [(["tickets|A"], None)])
    assert reader.read(5, 20, asks=True) == ([], [])
    redis.xadd(KEYS.asks, {"keys": b'["units|B"]'})
    assert reader.read(5, 20, asks=True) == ([], [(["units|B"], None)])


def test_asks_older_than_that_do_not(redis: Redis) -> None:
    redis.xadd(KEYS.asks, {"keys": b'["tickets|A"]'}, id="1700000000000-0")
    assert Reader(redis, KEYS).read(5, 20, asks=True) == ([], [])


def test_a_full_memory_refuses_and_keeps_positions_and_entries_together(own_valkey: Valkey, tmp_path: Path) -> None:
    async def work() -> None:
        client = connect_async(own_valkey.url)
        sender = Sender(client, KEYS, SPOOL)
        assert await sender.send([batch(1, reported(1))])
        await client.config_set("maxmemory", "1")
        with pytest.raises(RedisError, match="maxmemory"):
            await sender.send([batch(2, reported(2)), batch(3, reported(3))])
        await client.config_set("maxmemory", "0")
        assert await sender.learn() == 1
        assert await sender.send([batch(2, reported(2)), batch(3, reported(3))])
        await client.aclose()

    asyncio.run(work())
    with connect(own_valkey.url) as redis:
        assert seen(Reader(redis, KEYS)) == [(SPOOL, 1), (SPOOL, 2), (SPOOL, 3)]


def test_a_full_memory_is_trimmed_by_who_cannot_even_say_how_far_it_is(own_valkey: Valkey) -> None:
    """Else it would stay full for ever: positions are written, and a full server takes no writing."""
    with connect(own_valkey.url) as redis:
        reader = Reader(redis, KEYS)
        for seq in range(1, 41):
            redis.xadd(KEYS.log, {"s": SPOOL, "q": seq, "n": 1, "p": b"x" * 100_000})
        reader.reached(KEYS.board, {SPOOL: 30})
        used = cast("dict[str, int]", redis.info("memory"))["used_memory"]
        redis.config_set("maxmemory", str(used - 1_000_000))
        with pytest.raises(RedisError, match="maxmemory"):
            reader.reached(KEYS.history, {SPOOL: 20})
        assert reader.trim() == 0
        assert reader.trim({SPOOL: 20}) == 20
        reader.reached(KEYS.history, {SPOOL: 20})
        assert reader.told(KEYS.history) == {SPOOL: 20}
        assert [entry.seq for entry in reader.read(100, 10)[0]] == list(range(21, 41))


def test_a_torn_tail_takes_entries_and_positions_back_together(own_valkey: Valkey, tmp_path: Path) -> None:
    """Whatever byte the file ends at, the last position is that of the last entry."""
    spool = filled(tmp_path, [[reported(number)] for number in range(1, 41)])

    async def work(own: Spool) -> None:
        client = connect_async(own_valkey.url)
        sender = Sender(client, KEYS, own.id)
        await sender.learn()
        while batches := own.batches(sender.position):
            await sender.send(batches)
        await client.aclose()

    for cut in (1, 37, 120, 333, 1001):
        asyncio.run(work(spool))
        own_valkey.kill()
        file = max((own_valkey.data / "valkey" / "appendonlydir").glob("*.incr.aof"))
        with file.open("r+b") as stream:
            stream.truncate(file.stat().st_size - cut)
        own_valkey.start()
        with connect(own_valkey.url) as redis:
            numbers = [seq for _, seq in seen(Reader(redis, KEYS))]
            # While an fsync is under way Valkey holds writes back for up to two seconds: more may go than was cut.
            assert len(numbers) < 40
            assert numbers == list(range(1, len(numbers) + 1))
            assert Reader(redis, KEYS).told(KEYS.sent).get(spool.id, 0) == len(numbers)
    asyncio.run(work(spool))
    with connect(own_valkey.url) as redis:
        assert [seq for _, seq in seen(Reader(redis, KEYS))] == list(range(1, 41))


def test_the_notice_board_says_what_was_posted_and_how_much_stands_there(redis: Redis) -> None:
    notices = Notices(redis, KEYS)
    channel = redis.pubsub(  # type: ignore[no-untyped-call]
        ignore_subscribe_messages=True
    )
    channel.subscribe(KEYS.news)
    channel.get_message(timeout=1)
    assert notices.post({"tickets|A": b"{}", "tickets|B": b"{}"}, {"epoch": "e"}, {SPOOL: 3}) == 2
    message = channel.get_message(timeout=1)
    assert message is not None
    assert message["data"] == b'{"keys":["tickets|A","tickets|B"],"pulse":{"epoch":"e"}}'
    assert notices.post({}, {"epoch": "e"}, {}, ["tickets|A"]) == 1
    assert redis.hgetall(KEYS.views) == {b"tickets|B": b"{}"}
    assert redis.hgetall(KEYS.folded) == {SPOOL.encode(): b"3"}
    notices.clear()
    assert not redis.exists(KEYS.views, KEYS.folded)
    channel.close()


def test_a_client_fails_at_once_and_never_tries_blindly_again(own_valkey: Valkey) -> None:
    with connect(own_valkey.url) as redis:
        redis.set("a", 1)
        own_valkey.kill()
        with pytest.raises(RedisError):
            redis.incr("a")
        own_valkey.start()
        assert redis.get("a") == b"1"
        with pytest.raises(ResponseError):
            redis.hget("a", "b")
