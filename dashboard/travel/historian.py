"""The historian: reads the stream with a position of its own and writes every event and ticket to SQL."""

from __future__ import annotations

import gc
import logging
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from redis.exceptions import RedisError

from dashboard.board import CODEC, NOUNS
from dashboard.events import Event
from dashboard.nouns.tickets import Ticket, apply
from dashboard.sources.feed import rules_of
from dashboard.travel.history import History, HistoryFailed
from dashboard.travel.moves import Before
from dashboard.travel.roles import Backoff, House, Stop, Ups, only_one
from dashboard.travel.stream import Entry, Reader, connect, set_aside

log = logging.getLogger("historian")
AT_ONCE = 24  # Entries per transaction, up to 12,000 events.
TELL = 0.5  # Seconds between two notes of how far history is, and two trims of the stream.
REMEMBERED = 50_000  # Tickets kept in memory between transactions.
MEND = 5.0  # Seconds between two looks whether our keys in Redis are of the right type.
RESENT = 5.0  # Seconds in which a feed that sends anew has sent it all.
UNHEARD = 600.0  # Seconds after which a feed that does not send anew never will.
TICKET_EVENTS = NOUNS["ticket"].events


@dataclass
class _Hole:
    """Batches from ``first`` on are missing; ``lowest`` is the first one behind them that was met."""

    first: int
    since: float
    lowest: int
    asked: bool = False
    answered: float | None = None
    final: bool = False


class Holes:
    """Batches that are missing in the stream, per spool, and what is still to be tried for each.

    First the stream is read again from its beginning; then the feed is asked to send again what its spool
    holds, and meanwhile that spool's batches wait; only what does not come then is lost. Times are monotonic.
    """

    def __init__(self) -> None:
        self._open: dict[str, _Hole] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    def met(self, spool: str, first: int, found: int, now: float) -> Literal["rewind", "wait", "lost"]:
        """Batch ``found`` came where ``first`` was to come: what to do."""
        hole = self._open.get(spool)
        if hole is None or hole.first != first:
            self._open[spool] = _Hole(first, now, found)
            return "rewind"
        hole.lowest = min(hole.lowest, found)
        return "lost" if hole.final and found == hole.lowest else "wait"

    def close(self, spool: str) -> None:
        """The spool goes on."""
        self._open.pop(spool, None)

    def to_ask(self) -> list[str]:
        """The spools whose feeds are to be asked now; each is named once."""
        asked = [spool for spool, hole in self._open.items() if not hole.asked]
        for spool in asked:
            self._open[spool].asked = True
        return asked

    def unanswered(self) -> list[str]:
        """The spools whose feeds were asked and have not begun to send."""
        return [spool for spool, hole in self._open.items() if hole.asked and hole.answered is None]

    def answer(self, spool: str, now: float) -> None:
        """The feed has begun to send again."""
        self._open[spool].answered = now

    def overdue(self, now: float) -> bool:
        """Whether hope is to be given up for any; then the stream is to be read again from its beginning."""
        late = [
            hole
            for hole in self._open.values()
            if not hole.final
            and (now - hole.since > UNHEARD or (hole.answered is not None and now - hole.answered > RESENT))
        ]
        for hole in late:
            hole.final = True
        return bool(late)


class Historian:
    """One reader; ``position`` (spool → last batch) is what the database has, never more."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.position: dict[str, int] = {}
        self._recent: dict[tuple[str, str], Ticket] = {}
        self.holes = Holes()

    def start(self) -> None:
        """Read from the database how far it is.

        Raises:
            HistoryFailed: if it cannot be reached.
        """
        self.history.prepare()
        if self.history.rules is not None:
            self.history.renew()
        self.position = self.history.positions()
        self._recent.clear()

    def take(self, entries: list[Entry], now: float) -> bool:
        """Commit what is new of ``entries``; False if a gap asks for the stream to be read from its beginning.

        ``now`` is monotonic, in seconds.

        Raises:
            HistoryFailed: if nothing could be committed; the same entries may be taken again.
        """
        position = dict(self.position)
        happened: list[Event] = []
        kept: list[tuple[str, int, int, bytes]] = []
        missing: list[tuple[str, int, int]] = []
        whole = True
        for entry in entries:
            known = position.get(entry.spool, 0)
            if entry.seq <= known:
                continue
            if entry.seq != known + 1:
                todo = self.holes.met(entry.spool, known + 1, entry.seq, now)
                if todo == "wait":
                    continue
                if todo == "rewind":
                    whole = False
                    break
                log.error("%s: batches %d to %d are lost", entry.spool, known + 1, entry.seq - 1)
                missing.append((entry.spool, known + 1, entry.seq - 1))
            lasting = [event for event in CODEC.unpack(entry.packed) if event.durable]
            if lasting:
                happened += lasting
                kept.append((entry.spool, entry.seq, entry.events, entry.packed))
            position[entry.spool] = entry.seq
        changed, before = self._fold(happened)
        moved = {spool: seq for spool, seq in position.items() if self.position.get(spool) != seq}
        if moved:
            self.history.write(happened, list(changed.values()), kept, moved, missing, before)
            self.position = position
            self._remember(changed)
            for spool in moved:
                self.holes.close(spool)
        return whole

    def _fold(self, happened: list[Event]) -> tuple[dict[tuple[str, str], Ticket], Before]:
        """The tickets that ``happened`` changes, as they are afterwards, and as they are kept."""
        mine = [event for event in happened if isinstance(event, TICKET_EVENTS)]
        touched = {(event.source, event.subject) for event in mine}
        known = {key: self._recent[key] for key in touched if key in self._recent}
        known.update(self.history.tickets([key for key in touched if key not in known]))
        changed: dict[tuple[str, str], Ticket] = {}
        for event in mine:
            key = (event.source, event.subject)
            before = changed.get(key) or known.get(key)
            after = apply(before, event)
            if after is not before:
                changed[key] = after
        return changed, {key: known.get(key) for key in changed}

    def _remember(self, changed: dict[tuple[str, str], Ticket]) -> None:
        if len(self._recent) > REMEMBERED:
            self._recent.clear()
        self._recent.update(changed)


def run(house: House, stop: Stop) -> None:
    """Read and write until told to stop, through any failure of Redis or the database."""
    with only_one(house.data, "historian"):
        _work(house, stop)


def _work(house: House, stop: Stop) -> None:
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    redis = connect(house.redis_url)
    reader = Reader(redis, house.keys)
    historian = Historian(History(house.database_url, rules_of(house.city)))
    backoff, stream, database = Backoff(), Ups(log, "the stream"), Ups(log, "the database")
    started = False
    told = mended = 0.0
    while not stop:
        try:
            if not started:
                historian.start()
                reader.rewind()
                started = True
                database.up()
            entries, _ = reader.read(AT_ONCE, 500)
            now = monotonic()
            if entries and not historian.take(entries, now):
                reader.rewind()
            database.up()
            if now - told > TELL:
                told = now
                reader.trim(historian.position)
                reader.reached(house.keys.history, historian.position)
                _close_holes(historian.holes, reader, now)
            if now - mended > MEND:
                mended = now
                set_aside(redis, house.keys)
            stream.up()
            backoff.reset()
        except RedisError as error:
            stream.down(error)
            mended = 0.0
            if "WRONGTYPE" in str(error):
                with suppress(RedisError):
                    set_aside(redis, house.keys)
            stop.wait(backoff.next())
        except HistoryFailed as error:
            database.down(error)
            started = False  # Whether the transaction was committed is for the database to say.
            stop.wait(backoff.next())
    historian.history.close()


def _close_holes(holes: Holes, reader: Reader, now: float) -> None:
    """Ask feeds for what is missing, see whether they answer, and give up in the end."""
    if not holes:
        return
    unanswered = holes.unanswered()
    if unanswered:
        for spool in reader.sent(unanswered):
            holes.answer(spool, now)
    asked = holes.to_ask()
    if asked:
        log.warning("batches are missing in the stream; asking for them again: %s", ", ".join(asked))
        reader.ask_again(asked)
    if holes.overdue(now):
        reader.rewind()
