"""The board: all that is true about the city now, folded from events, without redis, clock or chance.

It holds one slice per noun and a position: for each spool, the last batch it has folded. A batch at or
below its position changes nothing, and one that skips a number is refused, so batches may come again
and again, in any order between feeds, and the board stays the same. Only the clock goes by the order of its own
spool: its latest tick is the time, also where that is earlier than the one before.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import Any, cast

import msgspec

from dashboard import nouns
from dashboard.discovery import declaring
from dashboard.events import Codec, Event
from dashboard.nouns.clock import Clock
from dashboard.nouns.noun import Alert, Document, Listener, Noun, Rules, Slice

NOUNS: dict[str, Noun] = {noun.name: noun for noun in (cast(Noun, value) for _, value in declaring(nouns, "NOUN"))}
CODEC = Codec(kind for noun in NOUNS.values() for kind in noun.events)
PAST = 3600.0  # Seconds after which what is told is of the past.
APART = 60.0  # Seconds by which wall time and the city's may differ and still count as the same.
SEAL = 16  # Bytes of the checksum before a dump.
VIEWS: dict[str, Noun] = {view: noun for noun in NOUNS.values() for view in noun.views}
THINGS: dict[str, Noun] = {view: noun for noun in NOUNS.values() for view in noun.things}
ODDITIES = tuple(view for view in VIEWS if view == "anomalies" or view.endswith("_oddities"))  # What does not fit.


class Gap(Exception):
    """A batch came whose forerunner is missing."""

    def __init__(self, spool: str, expected: int, found: int) -> None:
        super().__init__(f"spool {spool}: batch {expected} is missing before {found}")
        self.spool, self.expected, self.found = spool, expected, found


class Board:
    """The fold of the log up to ``position`` (spool → last batch folded)."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.position: dict[str, int] = {}
        self.past = 0  # Events folded here that were of the past when they came; while many come, a sum is half told.
        self.slices: dict[str, Slice] = {name: noun.slice(rules) for name, noun in NOUNS.items()}
        self._routes = {kind: self.slices[noun.name] for noun in NOUNS.values() for kind in noun.events}
        self._clock = cast(Clock, self.slices["clock"])
        self._told: tuple[float, list[tuple[str, Alert]]] | None = None
        for part in self.slices.values():
            if isinstance(part, Listener):
                part.listen(self.told)

    @property
    def offset(self) -> int:
        """How many batches have been folded; two boards of one city with the same position have the same."""
        return sum(self.position.values())

    @property
    def now(self) -> float:
        """The city's time, seconds since 1970 UTC."""
        return self._clock.now

    @property
    def wall(self) -> float:
        """Wall time at the latest tick, seconds since 1970 UTC."""
        return self._clock.wall

    def fold(self, spool: str, seq: int, batch: bytes) -> bool:
        """Take in one packed batch; False if it was folded before.

        Raises:
            Gap: if ``seq`` skips a number. The first batch ever seen of a spool must be number 1.
            msgspec.MsgspecError: if the batch cannot be read; the board is unchanged.
        """
        known = self.position.get(spool, 0)
        if seq <= known:
            return False
        if seq != known + 1:
            raise Gap(spool, known + 1, seq)
        events = CODEC.unpack(batch)
        if events and self.now - events[0].time.timestamp() > PAST:
            self.past += len(events)
        self.take(events)
        self.position[spool] = seq
        return True

    def take(self, events: list[Event]) -> None:
        """Fold events that are known not to have been folded from this position."""
        self._told = None
        now = self._clock.now
        routes = self._routes
        for event in events:
            routes[type(event)].fold(event)
            if self._clock.now != now:
                now = self._clock.now
                for part in self.slices.values():
                    part.advance(now)

    def told(self, now: float) -> list[tuple[str, Alert]]:
        """What the nouns have to alert of at ``now``, each with its noun's name; worked out once for each change.

        Before the first tick, at 0, nobody knows what time it is: nothing is late.
        """
        if self._told is None or self._told[0] != now:
            found: list[tuple[str, Alert]] = []
            for noun in NOUNS.values() if now else ():
                if noun.alerts is not None:
                    # Feeds live in wall time; where the city's is another, as in a replay, theirs is moved to it.
                    shift = now - self.wall if noun.name == "feed" and abs(now - self.wall) > APART else 0.0
                    by = self.wall if noun.name == "feed" else now
                    for alert in noun.alerts(self.slices[noun.name], by):
                        found.append((noun.name, replace(alert, since=alert.since + shift) if shift else alert))
            self._told = now, found
        return self._told[1]

    def view(self, name: str, place: str) -> Document:
        """The view ``name`` at ``place``: its numbers with ``as_of`` and the feeds it rests on.

        Of a view of one thing ``place`` is that thing's key.

        Raises:
            KeyError: if there is no such view or place.
        """
        thing = THINGS.get(name)
        noun = thing or VIEWS[name]
        if thing is None and place not in self.rules.places:
            raise KeyError(place)
        now = self.wall if noun.name == "feed" else self.now
        views = noun.things if thing is not None else noun.views
        return {
            "as_of": self.now,
            "offset": self.offset,
            "feeds": [rule.name for rule in self.rules.feeds if noun.name in rule.nouns],
            "data": views[name](self.slices[noun.name], place, now),
        }

    def dump(self) -> bytes:
        """The whole board with its position, as one document behind its checksum."""
        parts = {name: part.dump() for name, part in self.slices.items()}
        document = msgspec.msgpack.encode({"position": self.position, "slices": parts})
        return blake2b(document, digest_size=SEAL).digest() + document

    @classmethod
    def restore(cls, rules: Rules, dumped: bytes) -> Board:
        """The board that was dumped.

        Raises:
            ValueError: if the bytes are damaged, or from a house with other nouns; counts are derived anew, so
                other rules are no obstacle.
        """
        board = cls(rules)
        seal, document = dumped[:SEAL], dumped[SEAL:]
        if blake2b(document, digest_size=SEAL).digest() != seal:
            raise ValueError("the board's snapshot is damaged: its checksum is another")
        try:
            found: dict[str, Any] = msgspec.msgpack.decode(document, type=dict[str, Any])
            if found["slices"].keys() != board.slices.keys():
                raise ValueError("the board's snapshot is of a house with other nouns")
            for name, part in board.slices.items():
                part.load(found["slices"][name])
            board.position = msgspec.convert(found["position"], dict[str, int])
            for part in board.slices.values():
                part.advance(board.now)
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            raise ValueError(f"the board's snapshot cannot be read: {error}") from error
        return board
