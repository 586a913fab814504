"""The stream between the feeds' disks and those who read: one Redis log per city, and the views' notice board.

All keys of a city share one hash tag, so one server, Sentinel and Cluster run the same code. Nothing here
is the truth: the spools and history are. The stream may lose its tail or all of itself; its readers keep
positions by spool and number, and the senders look at what the stream has before they go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import msgspec
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

from dashboard.travel.spool import Batch

TIMEOUT = 5.0  # Seconds for one command; blocking reads wait for less.
ASKED = 10  # Seconds back from which a reader that begins takes asks; screens repeat them more often.

# Where the log is gone, what is said to have been sent is worth nothing: every sender starts again from its spool.
APPEND = """
if redis.call('TYPE', KEYS[1]).ok ~= 'stream' then
  if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[1] .. ':set-aside') end
  redis.call('DEL', KEYS[2])
end
local has = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
if has ~= tonumber(ARGV[2]) or tonumber(ARGV[3]) <= has then return {0, has} end
redis.call('XADD', KEYS[1], '*', 's', ARGV[1], 'q', ARGV[3], 'n', ARGV[4], 'p', ARGV[5])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return {1, tonumber(ARGV[3])}
"""
# Walks from the oldest entry to the first one that a reader still needs, and drops what lies before it; a walk
# ends after some megabytes, as nobody else is served meanwhile.
TRIM = """
local function position(key)
  local flat, found = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do found[flat[i]] = tonumber(flat[i + 1]) end
  return found
end
local board, history = position(KEYS[2]), position(KEYS[3])
for i = 1, #ARGV, 2 do history[ARGV[i]] = tonumber(ARGV[i + 1]) end
local start, keep, dropped, bytes = '-', false, 0, 0
for _ = 1, 100 do
  if bytes > 8000000 then break end
  local entries = redis.call('XRANGE', KEYS[1], start, '+', 'COUNT', 20)
  if #entries == 0 then break end
  for _, entry in ipairs(entries) do
    local spool, seq = entry[2][2], tonumber(entry[2][4])
    if (board[spool] or 0) < seq or (history[spool] or 0) < seq then keep = entry[1] break end
    dropped, bytes = dropped + 1, bytes + #entry[2][8]
    start = '(' .. entry[1]
  end
  if keep then break end
end
if dropped == 0 then return 0 end
if keep then redis.call('XTRIM', KEYS[1], 'MINID', keep)
else redis.call('XTRIM', KEYS[1], 'MINID', string.sub(start, 2)) end
return dropped
"""


@dataclass(frozen=True)
class Keys:
    """The names of a city's keys."""

    city: str

    def _key(self, name: str) -> str:
        return f"{{{self.city}}}:{name}"

    @property
    def log(self) -> str:
        """The stream of packed batches."""
        return self._key("log")

    @property
    def sent(self) -> str:
        """Hash spool → last batch in the stream; written together with the entry."""
        return self._key("sent")

    @property
    def board(self) -> str:
        """Hash spool → last batch in the board's snapshot."""
        return self._key("board")

    @property
    def history(self) -> str:
        """Hash spool → last batch committed to SQL."""
        return self._key("history")

    @property
    def folded(self) -> str:
        """Hash spool → last batch the board has folded in memory; only told, nothing rests on it."""
        return self._key("folded")

    @property
    def asks(self) -> str:
        """Stream of the views that screens want."""
        return self._key("asks")

    @property
    def views(self) -> str:
        """Hash ``view|place`` → document."""
        return self._key("views")

    @property
    def pulse(self) -> str:
        """The board's latest pulse."""
        return self._key("pulse")

    @property
    def news(self) -> str:
        """Channel on which changed views and pulses are announced."""
        return self._key("news")

    @property
    def steps(self) -> str:
        """Stream of the steps of the escalation that are due."""
        return self._key("steps")

    def trace(self, place: str) -> str:
        """Stream of the numbers of the screens at a place over the last day."""
        return self._key(f"trace:{place}")

    def traces(self, moment: float) -> str:
        """Hash of the numbers of the screens at the deeper places, by place, noted in the span that begins then."""
        return self._key(f"traces:{moment:.0f}")

    @property
    def courier(self) -> str:
        """What the courier says of itself."""
        return self._key("courier")

    @property
    def screens(self) -> str:
        """Hash screen → what is wished of it."""
        return self._key("screens")

    @property
    def displays(self) -> str:
        """Hash screen → what it said last of itself."""
        return self._key("displays")

    @property
    def plays(self) -> str:
        """Hash screen → where its playlist stands."""
        return self._key("plays")

    def picture(self, screen: str) -> str:
        """A screen's thumbnail, with the moment it was made in its first line."""
        return self._key(f"picture:{screen}")

    @property
    def orders(self) -> str:
        """Channel of what is to be done by screens."""
        return self._key("orders")

    @property
    def kinds(self) -> dict[str, str]:
        """The keys that are of use only as what Redis calls their type."""
        screens = (self.screens, self.displays, self.plays)
        hashes = (self.sent, self.board, self.history, self.folded, self.views, *screens)
        streams = dict.fromkeys((self.log, self.asks, self.steps), "stream")
        return {**streams, self.pulse: "string", self.courier: "string", **dict.fromkeys(hashes, "hash")}


SET_ASIDE = """
for at, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= ARGV[at] then redis.call('RENAME', key, key .. ':set-aside') end
end
"""


def set_aside(redis: Redis, keys: Keys) -> None:
    """Rename whatever stands under one of our names and is of another type; all of it can be built again.

    Raises:
        redis.exceptions.RedisError: if the server cannot be reached.
    """
    redis.register_script(SET_ASIDE)(keys=list(keys.kinds), args=list(keys.kinds.values()))


def connect(url: str) -> Redis:
    """A client that fails at once: whoever calls knows best whether trying again is safe."""
    return Redis.from_url(
        url, protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
    )


def connect_async(url: str) -> AsyncRedis:
    """As ``connect``, for asyncio."""
    return AsyncRedis.from_url(
        url, protocol=2, retry=AsyncRetry(NoBackoff(), 0), socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
    )


class Ask(NamedTuple):
    """Views as ``view|place`` that somebody wants kept up to date, and for how many seconds: None is as usual, and for
    zero they are posted once, as they are then.
    """

    keys: list[str]
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One batch as it stands in the stream."""

    id: str
    spool: str
    seq: int
    events: int
    packed: bytes


class Sender:
    """Moves one spool's batches into the stream, each exactly once per life of the stream."""

    def __init__(self, redis: AsyncRedis, keys: Keys, spool: str) -> None:
        self.redis, self.keys, self.spool = redis, keys, spool
        self.position = 0  # The last batch the stream is believed to have.
        self._append = redis.register_script(APPEND)

    async def learn(self) -> int:
        """Ask the stream for the last batch it has."""
        has = await cast(Any, self.redis.hget(self.keys.sent, self.spool))
        self.position = int(has or 0)
        return self.position

    async def send(self, batches: Sequence[Batch]) -> bool:
        """Append batches that follow on ``position``; False if the stream has another last batch than believed.

        ``position`` then is what the stream has, and the batches behind it are to be sent.

        Raises:
            redis.exceptions.RedisError: if the stream cannot be reached or is full; nothing is known then,
                and sending again is safe.
        """
        async with self.redis.pipeline(transaction=False) as pipe:
            before = self.position
            for batch in batches:
                await self._append(
                    keys=[self.keys.log, self.keys.sent],
                    args=[self.spool, before, batch.seq, batch.events, batch.packed],
                    client=pipe,
                )
                before = batch.seq
            replies = await pipe.execute()
        self.position = int(replies[-1][1]) if replies else self.position
        return all(taken for taken, _ in replies)


class Reader:
    """Reads a city's stream from the beginning on; what it hands out may have been handed out before."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self.redis, self.keys = redis, keys
        self.last = "0-0"
        self.ask = ""  # The last ask that was read.
        self._trim = redis.register_script(TRIM)

    def rewind(self) -> None:
        """Start again from the oldest entry, and with the asks of the last seconds."""
        self.last, self.ask = "0-0", ""

    def read(self, count: int, block: int, *, asks: bool = False) -> tuple[list[Entry], list[Ask]]:
        """The next entries, at most ``count``, waiting up to ``block`` ms; and, with ``asks``, the new asks.

        Raises:
            redis.exceptions.RedisError: if the server cannot be reached.
        """
        streams: dict[str, str] = {self.keys.log: self.last}
        if asks:
            if not self.ask:
                now = self.redis.time()[0]
                self.ask = f"{1000 * max(0, now - ASKED)}-0"
            streams[self.keys.asks] = self.ask
        reply = cast("list[Any] | None", self.redis.xread(cast(Any, streams), count=count, block=block)) or []
        entries: list[Entry] = []
        wanted: list[Ask] = []
        for key, rows in reply:
            if key.decode() == self.keys.log:
                for id_, fields in rows:
                    found = Entry(
                        id_.decode(), fields[b"s"].decode(), int(fields[b"q"]), int(fields[b"n"]), fields[b"p"]
                    )
                    entries.append(found)
                self.last = entries[-1].id
            else:
                for id_, fields in rows:
                    self.ask = id_.decode()
                    seconds = float(fields[b"for"]) if b"for" in fields else None
                    wanted.append(Ask(msgspec.json.decode(fields[b"keys"], type=list[str]), seconds))
        if not entries and self.last != "0-0":
            self._look_for_loss()
        return entries, wanted

    def _look_for_loss(self) -> None:
        """Rewind if the stream now ends before what was read last: it was lost, wholly or in part."""
        try:
            end = self.redis.xinfo_stream(self.keys.log)["last-generated-id"]
        except ResponseError:
            self.rewind()
            return
        if _order(end.decode() if isinstance(end, bytes) else end) < _order(self.last):
            self.rewind()

    def reached(self, key: str, position: Mapping[str, int]) -> None:
        """Note in the hash ``key`` how far this reader's durable state goes."""
        if position:
            self.redis.hset(key, mapping=cast(Any, dict(position)))

    def told(self, key: str) -> dict[str, int]:
        """The position that stands in the hash ``key``."""
        return {spool.decode(): int(seq) for spool, seq in cast("dict[bytes, bytes]", self.redis.hgetall(key)).items()}

    def trim(self, history: Mapping[str, int] | None = None) -> int:
        """Drop the entries that both the board's snapshot and history have; returns how many.

        ``history`` is how far history is, should that not be noted yet: a server whose memory is full takes no notes,
        and only by trimming does it get room again.
        """
        args = [part for spool, seq in (history or {}).items() for part in (spool, seq)]
        return int(cast(int, self._trim(keys=[self.keys.log, self.keys.board, self.keys.history], args=args)))

    def ask_again(self, spools: Iterable[str]) -> None:
        """Have all that these spools still hold sent anew; what readers know already changes nothing."""
        self.redis.hdel(self.keys.sent, *spools)

    def sent(self, spools: Sequence[str]) -> set[str]:
        """Those of the spools of which anything has been sent since it was asked for."""
        found = cast("list[bytes | None]", self.redis.hmget(self.keys.sent, list(spools)))
        return {spool for spool, has in zip(spools, found, strict=True) if has is not None}


def _order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


def view_key(name: str, place: str) -> str:
    """The field of the views' hash for a view at a place."""
    return f"{name}|{place}"


class Notices:
    """The projector's side of the notice board: writes changed views and says so."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self.redis, self.keys = redis, keys

    def post(
        self,
        documents: Mapping[str, bytes],
        pulse: Mapping[str, Any],
        position: Mapping[str, int],
        dropped: Iterable[str] = (),
    ) -> int:
        """Write the documents and the pulse, and announce both in one message; returns how many views stand there.

        Raises:
            redis.exceptions.RedisError: if the server cannot be reached.
        """
        said = msgspec.json.encode(pulse)
        with self.redis.pipeline(transaction=False) as pipe:
            if documents:
                pipe.hset(self.keys.views, mapping=cast(Any, dict(documents)))
            gone = list(dropped)
            if gone:
                pipe.hdel(self.keys.views, *gone)
            if position:
                pipe.hset(self.keys.folded, mapping=cast(Any, dict(position)))
            pipe.set(self.keys.pulse, said, px=60_000)
            pipe.hlen(self.keys.views)
            pipe.publish(self.keys.news, msgspec.json.encode({"keys": list(documents), "pulse": pulse}))
            return int(pipe.execute()[-2])

    def clear(self) -> None:
        """Take down all views, and how far the board was: they are of a board that is gone.

        Raises:
            redis.exceptions.RedisError: if the server cannot be reached.
        """
        self.redis.delete(self.keys.views, self.keys.folded)
