"""The line from the projector to the courier: the steps that are due, said again and again until they are old.

Nothing on it is the truth. A step may be lost with the stream, or be said a hundred times: the courier keeps what
it has once taken, and what it has not it will be told again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import msgspec
from redis import Redis

from dashboard.nouns.escalation import AlarmClock, Due
from dashboard.travel.stream import Keys

AT_ONCE = 500  # Steps in one entry.
LENGTH = 2000  # Entries that are kept.
HEARTBEAT = 1.0  # Seconds after which the time is said though no step is due.
AGAIN = 30.0  # Seconds after which all that is due is said again.

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Due]).decode


class Speaker:
    """The projector's end."""

    def __init__(self, redis: Redis, keys: Keys, oldest: float) -> None:
        self.redis, self.key, self.oldest = redis, keys.steps, oldest
        self._said = self._all = float("-inf")

    def say(self, clock: AlarmClock, city_time: float, now: float) -> None:
        """Say what is new; everything, if that was ``AGAIN`` seconds ago. ``now`` is any clock that never goes back.

        Steps that have been due for more than ``oldest`` seconds are not said any more.

        Raises:
            redis.exceptions.RedisError: if it cannot be said; all of it will be said again.
        """
        due = clock.news()
        if now - self._all >= AGAIN:
            due = list(clock.due())
            self._all = now
        due = [one for one in due if one.moment >= city_time - self.oldest]
        if not due and now - self._said < HEARTBEAT:
            return
        try:
            with self.redis.pipeline(transaction=False) as pipe:
                for start in range(0, max(1, len(due)), AT_ONCE):
                    said = {"t": repr(city_time), "p": _pack(due[start : start + AT_ONCE])}
                    pipe.xadd(self.key, cast(Any, said), maxlen=LENGTH, approximate=True)
                pipe.execute()
        except BaseException:
            self._all = float("-inf")
            raise
        self._said = now


class Listener:
    """The courier's end: it hears first what is still on the line, and then what is said."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self.redis, self.key = redis, keys.steps
        self._last = "0-0"

    def hear(self, wait: int) -> Iterator[tuple[float, Sequence[Due]]]:
        """The city's time and the steps of each entry, waiting up to ``wait`` ms for the first.

        Raises:
            redis.exceptions.RedisError: if the server cannot be reached.
        """
        reply = cast("list[Any] | None", self.redis.xread({self.key: self._last}, count=20, block=wait)) or []
        for _, rows in reply:
            for id_, fields in rows:
                yield float(fields[b"t"]), _unpack(fields[b"p"])
                self._last = id_.decode()

    def rewind(self) -> None:
        """Hear again what is still on the line; after it was lost, its numbers may have begun anew."""
        self._last = "0-0"
