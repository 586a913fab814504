"""The historian: reads the stream with a position of its own and writes every event and ticket to SQL."""

from __future__ import annotations

import gc
import logging
from time import monotonic

from redis.exceptions import RedisError

from dashboard.board import CODEC, NOUNS
from dashboard.events import Event
from dashboard.history import History, HistoryFailed
from dashboard.roles import Backoff, House, Stop, Ups
from dashboard.stream import Entry, Reader, connect
from dashboard.tickets import Ticket, apply

log = logging.getLogger("historian")
AT_ONCE = 24  # Entries per transaction, up to 12,000 events.
TELL = 0.5  # Seconds between two notes of how far history is, and two trims of the stream.
REMEMBERED = 50_000  # Tickets kept in memory between transactions.
TICKET_EVENTS = NOUNS["ticket"].events


class Historian:
    """One reader; ``position`` (spool → last batch) is what the database has, never more."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.position: dict[str, int] = {}
        self._recent: dict[tuple[str, str], Ticket] = {}
        self._rewound: set[tuple[str, int]] = set()

    def start(self) -> None:
        """Read from the database how far it is.

        Raises:
            HistoryFailed: if it cannot be reached.
        """
        self.history.prepare()
        self.position = self.history.positions()
        self._recent.clear()

    def take(self, entries: list[Entry]) -> bool:
        """Commit what is new of ``entries``; False if a gap asks for the stream to be read from its beginning.

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
                gap = (entry.spool, known + 1)
                if gap not in self._rewound:
                    self._rewound.add(gap)
                    whole = False
                    break
                log.error("%s: batches %d to %d are lost", entry.spool, known + 1, entry.seq - 1)
                missing.append((entry.spool, known + 1, entry.seq - 1))
            lasting = [event for event in CODEC.unpack(entry.packed) if event.durable]
            if lasting:
                happened += lasting
                kept.append((entry.spool, entry.seq, entry.events, entry.packed))
            position[entry.spool] = entry.seq
        changed = self._fold(happened)
        moved = {spool: seq for spool, seq in position.items() if self.position.get(spool) != seq}
        if moved:
            self.history.write(happened, list(changed.values()), kept, moved, missing)
            self.position = position
            self._remember(changed)
        return whole

    def _fold(self, happened: list[Event]) -> dict[tuple[str, str], Ticket]:
        """The tickets that ``happened`` changes, as they are afterwards."""
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
        return changed

    def _remember(self, changed: dict[tuple[str, str], Ticket]) -> None:
        if len(self._recent) > REMEMBERED:
            self._recent.clear()
        self._recent.update(changed)


def run(house: House, stop: Stop) -> None:
    """Read and write until told to stop, through any failure of Redis or the database."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    redis = connect(house.redis_url)
    reader = Reader(redis, house.keys)
    historian = Historian(History(house.database_url))
    backoff, stream, database = Backoff(), Ups(log, "the stream"), Ups(log, "the database")
    started = False
    told = 0.0
    while not stop:
        try:
            if not started:
                historian.start()
                reader.rewind()
                started = True
                database.up()
            entries, _ = reader.read(AT_ONCE, 500)
            if entries and not historian.take(entries):
                reader.rewind()
            database.up()
            if monotonic() - told > TELL:
                told = monotonic()
                reader.reached(house.keys.history, historian.position)
                reader.trim()
            stream.up()
            backoff.reset()
        except RedisError as error:
            stream.down(error)
            stop.wait(backoff.next())
        except HistoryFailed as error:
            database.down(error)
            started = False  # Whether the transaction was committed is for the database to say.
            stop.wait(backoff.next())
    historian.history.close()
