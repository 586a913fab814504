"""The time of questions: what "now" is where somebody asks history instead of looking at the board."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from time import time
from typing import Any, cast

import msgspec
from redis.exceptions import RedisError

from dashboard.city import City
from dashboard.screens.push import Hub

STANDS = 10.0  # Seconds after which a board that says nothing stands still.

Moment = Callable[[], Awaitable[Mapping[str, Any]]]
"""Gives ``now`` (the city's time), ``as_of`` and ``wall`` of the board's latest word, and how many batches history is
``behind`` it."""


def moment_of(hub: Hub, city: City) -> Moment:
    """The time of questions: the board's own, which goes on with the wall's where the board stands still and the
    city's time is ours.
    """
    heard: dict[str, Any] = {}

    async def moment() -> Mapping[str, Any]:
        with suppress(RedisError, OSError, msgspec.DecodeError):
            raw, folded, kept = await asyncio.gather(
                cast(Any, hub.redis.get(hub.keys.pulse)), cast(Any, hub.redis.hgetall(hub.keys.folded)),
                cast(Any, hub.redis.hgetall(hub.keys.history)),
            )  # fmt: skip
            if raw:
                heard.update(msgspec.json.decode(raw))
            heard["behind"] = sum(max(0, int(seq) - int(kept.get(spool, 0))) for spool, seq in folded.items())
        as_of, wall, now = heard.get("as_of"), heard.get("wall"), time()
        if not as_of:
            return {"now": now, "as_of": None, "wall": None, "behind": None}
        old = now - wall if wall and not city.replayed else 0.0
        return {
            "now": as_of + (old if old > STANDS else 0.0),
            "as_of": as_of,
            "wall": wall,
            "behind": heard.get("behind"),
        }

    return moment
