"""The traces of the deeper places as they are kept: a hash for each span of hours, with each place's numbers packed.

A grid has some eighty numbers, most of them small and many of them zero. Their names stand once in a hash, under a
name of their own; packed, a place takes about two hundred bytes, which is what makes a day of all places fit.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from dashboard.travel.stream import Keys

Noted = float | tuple[float, float]
"""A number, or numerator and denominator."""
Note = tuple[float, dict[str, Any]]
"""The moment, and each number by its name."""
STANDS = 172_800  # Seconds after which Redis itself forgets a span.
NAMES = "="  # What the field of a list of names begins with; no place's code does.


class Hours:
    """The hashes of one city, each of ``span`` seconds of its time."""

    def __init__(self, redis: Redis, keys: Keys, span: float) -> None:
        self.redis, self.keys, self.span = redis, keys, span
        self._names: dict[str, None] = {}

    def _key(self, moment: float) -> str:
        return self.keys.traces(moment // self.span * self.span)

    async def lacking(self, moment: float, places: Iterable[str], count: int) -> list[str]:
        """The first ``count`` of the places that are not noted in the span of ``moment``."""
        key = self._key(moment)
        await fits(self.redis, key, b"hash")
        known = {field.decode() for field in cast("list[bytes]", await cast(Any, self.redis.hkeys(key)))}
        return list(islice((place for place in places if place not in known), count))

    async def note(self, moment: float, figures: Mapping[str, Mapping[str, Noted]]) -> None:
        """Keep the numbers of some places, by place and name, as they are at a moment; what is kept already stays."""
        self._names.update(dict.fromkeys(name for noted in figures.values() for name in noted))
        names = tuple(self._names)
        layout = NAMES + blake2b("\n".join(names).encode(), digest_size=6).hexdigest()
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.hset(self._key(moment), layout, cast(Any, msgspec.msgpack.encode(names)))
            for place, noted in figures.items():
                row = (moment, layout, tuple(_short(noted.get(name)) for name in names))
                pipe.hsetnx(self._key(moment), place, cast(Any, zlib.compress(msgspec.msgpack.encode(row))))
            pipe.expire(self._key(moment), STANDS)
            await pipe.execute()

    async def read(self, places: Sequence[str], since: float, until: float) -> dict[str, list[Note]]:
        """What was noted of each place between two moments, the oldest first."""
        first, last = (int(moment // self.span) for moment in (since, until))
        spans = [self.keys.traces(number * self.span) for number in range(first, last + 1)]
        async with self.redis.pipeline(transaction=False) as pipe:
            for span in spans:
                pipe.hmget(span, list(places))
            read: list[Any] = await pipe.execute(raise_on_error=False)
            nothing: list[Any] = [None] * len(places)  # For what is no hash: a trace has gaps.
            found = [nothing if isinstance(rows, ResponseError) else [_row(raw) for raw in rows] for rows in read]
            wanted = [(span, row[1]) for span, rows in zip(spans, found, strict=True) for row in rows if row]
            lists = list(dict.fromkeys(wanted))
            for span, layout in lists:
                pipe.hget(span, layout)
            told = [msgspec.msgpack.decode(raw) if raw else () for raw in await pipe.execute()]
        names = dict(zip(lists, told, strict=True))
        notes: dict[str, list[Note]] = {place: [] for place in places}
        for span, rows in zip(spans, found, strict=True):
            for place, row in zip(places, rows, strict=True):
                if row and since <= row[0] <= until:
                    values = zip(names[span, row[1]], row[2], strict=False)
                    notes[place].append((row[0], {name: value for name, value in values if value is not None}))
        return notes


async def fits(redis: Redis, key: str, kind: bytes) -> bool:
    """Whether a key is there and of a kind; what stands in its place and is of another is put aside."""
    found = await redis.type(key)
    if found not in (kind, b"none"):
        await redis.rename(key, f"{key}:set-aside")
    return found == kind


def _short(value: Noted | None) -> Any:
    """A number as it packs best: 7 as one byte, where 7.0 takes nine."""
    if isinstance(value, tuple):
        return tuple(_short(part) for part in value)
    return int(value) if value is not None and value.is_integer() and abs(value) < 2**53 else value


def _row(raw: bytes | None) -> Any:
    try:
        return msgspec.msgpack.decode(zlib.decompress(raw)) if raw else None
    except (zlib.error, msgspec.DecodeError):  # It is not of ours.
        return None
