"""The registry of screens: what people wish of each, for good, and what each says of itself, for the moment.

A wish stands in three places, and any of them brings it back: in Redis, where every web process reads it; in SQL beside
history, where it is written before anybody is told that it holds, so that neither an empty Redis nor a power cut takes
it; and with the screen itself, which says what it remembers whenever it comes. The one with the highest number wins.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import msgspec
from redis.asyncio import Redis as AsyncRedis
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, select, text
from sqlalchemy.schema import CreateTable

from dashboard.scenes import Play
from dashboard.screens.screens import Report, Wish
from dashboard.travel.history import LOCK, History, HistoryFailed
from dashboard.travel.stream import Keys

PICTURE = 60.0  # Seconds for which a thumbnail is kept.
metadata = MetaData()
screens = Table(
    "screens", metadata, Column("id", Text, primary_key=True), Column("n", Integer, nullable=False),
    Column("wish", LargeBinary, nullable=False), sqlite_with_rowid=False,
)  # fmt: skip

# Sets a wish only over an older one; a screen that was forgotten is remembered by its number alone.
PUT = """
local found = redis.call('HGET', KEYS[1], ARGV[1])
if found then
  local known, wish = pcall(cjson.decode, found)
  if known and (wish.n or 0) >= tonumber(ARGV[2]) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""
_UPSERT = text(
    "INSERT INTO screens (id, n, wish) VALUES (:id, :n, :wish) "
    "ON CONFLICT (id) DO UPDATE SET n = excluded.n, wish = excluded.wish WHERE screens.n < excluded.n"
)


class Conflict(Exception):
    """Somebody else has wished something of this screen in the same moment, again and again."""


class Kept:
    """The wishes as they stand in SQL. All methods raise ``history.HistoryFailed`` where the database refuses."""

    def __init__(self, url: str) -> None:
        self.history = History(url)
        self._ready = False

    def prepare(self) -> None:
        """Make the table if it is not there yet."""
        if not self._ready:
            with self.history.engine.begin() as db:
                if self.history.postgres:
                    db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
                db.execute(CreateTable(screens, if_not_exists=True))
            self._ready = True

    def all(self) -> dict[str, Wish]:
        """All wishes by screen."""
        self.prepare()
        with self.history.engine.connect() as db:
            found = db.execute(select(screens.c.id, screens.c.wish)).all()
        return {row.id: msgspec.json.decode(row.wish, type=Wish) for row in found}

    def write(self, wishes: Mapping[str, Wish]) -> None:
        """Write wishes down, each over an older one only."""
        self.prepare()
        rows = [{"id": name, "n": wish.n, "wish": msgspec.json.encode(wish)} for name, wish in wishes.items()]
        with self.history.engine.begin() as db:
            db.execute(_UPSERT, rows)

    def drop(self, name: str) -> None:
        """Forget a screen."""
        self.prepare()
        with self.history.engine.begin() as db:
            db.execute(screens.delete().where(screens.c.id == name))

    def close(self) -> None:
        """Let go of all connections."""
        self.history.close()


class Registry:
    """The screens of a city, as all its web processes see them. What reaches Redis in vain raises ``RedisError``."""

    def __init__(self, redis: AsyncRedis, city: str, database_url: str) -> None:
        self.redis, self.kept = redis, Kept(database_url)
        self.keys = Keys(city)
        self._put = redis.register_script(PUT)

    # -- wishes ------------------------------------------------------------------------------------------

    async def wish(self, name: str) -> Wish:
        """What is wished of a screen; a blank one where nobody has said anything."""
        return (await self.wishes([name]))[name]

    async def wishes(self, names: Iterable[str] | None = None) -> dict[str, Wish]:
        """What is wished of these screens, or of all of which anything is."""
        if names is None:
            found = cast("dict[bytes, bytes]", await cast(Any, self.redis.hgetall(self.keys.screens)))
            return {name.decode(): _read(raw) for name, raw in found.items()}
        wanted = list(names)
        raws = await cast(Any, self.redis.hmget(self.keys.screens, wanted)) if wanted else []
        return {name: _read(raw) for name, raw in zip(wanted, raws, strict=True)}

    async def change(self, name: str, how: Callable[[Wish], Wish]) -> tuple[Wish, bool]:
        """Change a wish, tell whoever holds the screen, and write it down; the wish, and whether SQL has it.

        Raises:
            Conflict: if others keep changing the same one.
        """
        for _ in range(20):
            fresh = how(await self.wish(name))
            if await self.put({name: fresh}):
                break
        else:
            raise Conflict(name)
        await self.order("wish", [name])
        return fresh, await self.write({name: fresh})

    async def put(self, wishes: Mapping[str, Wish]) -> int:
        """Bring wishes into Redis, each over an older one only; how many were new there."""
        new = 0
        for name, wish in wishes.items():
            raw = msgspec.json.encode(wish)
            new += int(await cast(Any, self._put(keys=[self.keys.screens], args=[name, wish.n, raw])))
        return new

    async def write(self, wishes: Mapping[str, Wish]) -> bool:
        """Write wishes down in SQL; False where the database refuses: they hold in Redis all the same."""
        try:
            await asyncio.to_thread(self.kept.write, wishes)
        except HistoryFailed:
            return False
        return True

    async def restore(self) -> int:
        """Bring back what SQL has and Redis has not; how many wishes that were."""
        try:
            return await self.put(await asyncio.to_thread(self.kept.all))
        except HistoryFailed:
            return 0

    async def forget(self, name: str) -> bool:
        """Forget a screen that has gone for good; whether it was known."""
        found = await cast(Any, self.redis.hdel(self.keys.screens, name))
        found += await cast(Any, self.redis.hdel(self.keys.displays, name))
        await cast(Any, self.redis.hdel(self.keys.plays, name))
        try:
            await asyncio.to_thread(self.kept.drop, name)
        except HistoryFailed:
            pass  # It comes back then, as one that is not there.
        return bool(found)

    # -- what screens say --------------------------------------------------------------------------------

    async def reports(self) -> dict[str, Report]:
        """What each screen said last."""
        found = cast("dict[bytes, bytes]", await cast(Any, self.redis.hgetall(self.keys.displays)))
        said: dict[str, Report] = {}
        for name, raw in found.items():
            try:
                said[name.decode()] = msgspec.json.decode(raw, type=Report)
            except msgspec.MsgspecError:
                continue  # Of another version of the house; the screen says it again.
        return said

    async def note(self, reports: Mapping[str, Report]) -> None:
        """Note what screens have said."""
        if reports:
            rows = {name: msgspec.json.encode(report) for name, report in reports.items()}
            await cast(Any, self.redis.hset(self.keys.displays, mapping=cast(Any, rows)))

    async def prune(self, names: Iterable[str]) -> None:
        """Take screens off the list of which nobody wishes anything and that are gone."""
        gone = list(names)
        if gone:
            await cast(Any, self.redis.hdel(self.keys.displays, *gone))
            await cast(Any, self.redis.hdel(self.keys.plays, *gone))

    async def play(self, name: str) -> Play | None:
        """Where the playlist on a screen stands, so that it goes on in whichever process the screen comes to."""
        raw = await cast(Any, self.redis.hget(self.keys.plays, name))
        try:
            return msgspec.json.decode(raw, type=Play) if raw else None
        except msgspec.MsgspecError:
            return None

    async def note_play(self, name: str, play: Play) -> None:
        """Note where a playlist stands; needed only when its turn or what interrupts it has changed."""
        await cast(Any, self.redis.hset(self.keys.plays, name, msgspec.json.encode(play)))

    async def picture(self, name: str) -> bytes | None:
        """A screen's thumbnail, with the moment it was made in its first line."""
        return cast("bytes | None", await self.redis.get(self.keys.picture(name)))

    async def note_picture(self, name: str, body: bytes, now: float) -> None:
        """Keep a thumbnail for a minute."""
        await self.redis.set(self.keys.picture(name), f"{now}\n".encode() + body, px=int(1000 * PICTURE))

    async def pictures(self, names: Iterable[str]) -> dict[str, float]:
        """When the thumbnails of these screens were made, of those that there are."""
        made: dict[str, float] = {}
        for name in names:
            head = await self.redis.getrange(self.keys.picture(name), 0, 40)
            raw = head.encode("latin-1") if isinstance(head, str) else bytes(head)
            if b"\n" in raw:
                made[name] = float(raw.partition(b"\n")[0])
        return made

    async def may_ask(self, name: str, seconds: float) -> bool:
        """Whether a thumbnail may be asked for now: each so often, however many look."""
        return bool(await self.redis.set(f"{self.keys.picture(name)}:asked", b"1", nx=True, px=int(1000 * seconds)))

    # -- orders ------------------------------------------------------------------------------------------

    async def order(self, what: str, names: Iterable[str], **more: Any) -> int:
        """Tell all web processes that something is to be done by screens; how many processes heard it."""
        said = json.dumps({"do": what, "screens": list(names), **more})
        return int(await cast(Any, self.redis.publish(self.keys.orders, said)))


def _read(raw: bytes | None) -> Wish:
    if raw is None:
        return Wish()
    try:
        return msgspec.json.decode(raw, type=Wish)
    except msgspec.MsgspecError:
        return Wish()
