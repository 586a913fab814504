"""The projector: folds the stream into the board, and posts the views that screens want.

It is the only one to hold the board. Its snapshot and position are one file, written by a forked child
while folding goes on; what the snapshot has not seen is still in the stream or in history.
"""

from __future__ import annotations

import gc
import logging
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, cast

import msgspec
from redis.exceptions import RedisError

from dashboard.board import THINGS, VIEWS, Board, Gap
from dashboard.nouns.escalation import alarm_of
from dashboard.nouns.noun import Rules
from dashboard.sources.feed import rules_of
from dashboard.travel.history import History, HistoryFailed
from dashboard.travel.roles import Backoff, House, Stop, Ups, only_one
from dashboard.travel.stepline import Speaker
from dashboard.travel.stream import Notices, Reader, connect, set_aside

log = logging.getLogger("projector")
COALESCE = 0.15  # Seconds between two posts; the first change after a pause is posted at once.
SNAPSHOT_EVERY = 10.0  # Seconds from one snapshot to the next, at least.
WEAR = 1_000_000  # Bytes a second that snapshots may write in the long run: 32 TB a year, which a disk endures …
CARRIED = 16_000_000  # … but for as many bytes folded since, which the stream keeps until a snapshot has them.
LONGEST_KEY, MOST = 300, 200  # Characters of a thing's key, and things that are looked at at a time.
WANTED_FOR = 30.0  # Seconds an ask holds; screens ask again well before.
STANDS = 2.0  # Seconds for which what was asked for once can be read.
COMPARE = 2.0  # Seconds between two looks whether history has what the board has not.
RING = 0.5  # Seconds between two looks at the steps of the escalation.
AT_ONCE = 16  # Entries per read, so that a backlog does not keep screens waiting.


class Projector:
    """A board with its snapshot file and its notice board."""

    def __init__(self, rules: Rules, snapshot: Path) -> None:
        self.rules, self.file = rules, snapshot
        self.epoch = secrets.token_hex(4)
        self.board = self._restore()
        self.wanted: dict[str, float] = {}
        self._once: set[str] = set()  # Of these, what is posted and then not kept up to date.
        self._posted: dict[str, bytes] = {}
        self._saved = dict(self.board.position)
        self._child: int | None = None
        self._saving: dict[str, int] = {}
        self._carried = 0
        self._behind: dict[str, int] = {}

    def _restore(self) -> Board:
        try:
            return Board.restore(self.rules, self.file.read_bytes())
        except FileNotFoundError:
            return Board(self.rules)
        except (OSError, ValueError) as error:
            log.error("the snapshot is not used, the board is built anew from history: %s", error)
            return Board(self.rules)

    def fold(self, spool: str, seq: int, packed: bytes) -> bool:
        """Take in one packed batch, as ``Board.fold`` does."""
        self._carried += len(packed)
        return self.board.fold(spool, seq, packed)

    # -- catching up -------------------------------------------------------------------------------------

    def fill(self, history: History) -> None:
        """Fold what history has and the board has not.

        Raises:
            HistoryFailed: if the database cannot be reached; the board is right for its position all the same.
        """
        for name, upto in history.positions().items():
            if upto > self.board.position.get(name, 0):
                for kept in history.batches(name, self.board.position.get(name, 0), upto):
                    self.board.position[name] = kept.seq - 1  # Batches of passing events alone are not kept.
                    self.fold(name, kept.seq, kept.packed)
                self.board.position[name] = upto

    def stuck(self, reached: Mapping[str, int]) -> bool:
        """Whether history, which is at ``reached``, has batches of a spool that has not moved here since last asked.

        They were lost from the stream before they were read here, and no later batch has told of the gap yet.
        """
        behind = {name: self.board.position.get(name, 0) for name in reached}
        behind = {name: position for name, position in behind.items() if position < reached[name]}
        still = any(self._behind.get(name) == position for name, position in behind.items())
        self._behind = behind
        return still

    # -- posting -----------------------------------------------------------------------------------------

    def want(self, keys: list[str], now: float, seconds: float = WANTED_FOR) -> None:
        """Somebody asks for these views, for so long, or for zero seconds once; a field ``view|place`` that means
        nothing is passed over.
        """
        for key in keys:
            view, _, place = key.partition("|")
            if view in THINGS and (len(place) > LONGEST_KEY or (key not in self.wanted and self._things() >= MOST)):
                continue
            if view in THINGS or (view in VIEWS and place in self.rules.places):
                if seconds:
                    self._once.discard(key)
                elif key not in self.wanted:
                    self._once.add(key)
                self.wanted[key] = max(now + min(seconds or STANDS, WANTED_FOR), self.wanted.get(key, 0.0))

    def _things(self) -> int:
        return sum(key.partition("|")[0] in THINGS for key in self.wanted)

    def changed(self, now: float) -> tuple[dict[str, bytes], list[str]]:
        """The wanted views whose numbers are other than last posted, and the fields nobody wants any more."""
        unposted = self._once - self._posted.keys()  # They are posted, however busy the board was meanwhile.
        stale = [key for key, until in self.wanted.items() if until < now and key not in unposted]
        for key in stale:
            del self.wanted[key]
            self._once.discard(key)
            self._posted.pop(key, None)
        documents = {}
        for key in self.wanted:
            if key in self._once and key in self._posted:
                continue
            view, _, place = key.partition("|")
            document = self.board.view(view, place)
            numbers = msgspec.json.encode(document["data"])
            if self._posted.get(key) != numbers:
                self._posted[key] = numbers
                if key in unposted:
                    self.wanted[key] = now + STANDS
                documents[key] = msgspec.json.encode({**document, "epoch": self.epoch})
        return documents, stale

    def pulse(self) -> dict[str, Any]:
        """What every screen is told each second: how far the board is, how much of the past it was told, how each feed
        is, and what panels rest on that is broken.
        """
        board = self.board
        feeds = board.view("feeds", self.rules.places.root.code)["data"]["feeds"]
        return {
            "epoch": self.epoch, "offset": board.offset, "as_of": board.now, "wall": board.wall,
            "past": board.past,
            "feeds": {row["name"]: {"state": row["state"], "heard": row["heard"]} for row in feeds},
            **board.view("resting", self.rules.places.root.code)["data"],
        }  # fmt: skip

    def posted(self, standing: int) -> bool:
        """After a post ``standing`` views are on the notice board; True if some were lost and all are due again."""
        lost = standing < len(self._posted)
        if lost:
            self.forget_posts()
        return lost

    def forget_posts(self) -> None:
        """Post everything anew: the notice board may have been lost."""
        self._posted.clear()

    # -- snapshot ----------------------------------------------------------------------------------------

    def due(self, seconds: float) -> bool:
        """Whether a snapshot is due so many seconds after the one before was begun: every ten seconds while the board
        is small; a large one the later the larger it is, unless much has come since.
        """
        if seconds < SNAPSHOT_EVERY:
            return False
        if self._carried >= CARRIED or not self.file.exists():
            return True
        return seconds >= self.file.stat().st_size / WEAR

    def save(self) -> None:
        """Begin to write a snapshot in a child process, unless one is being written or nothing has changed."""
        if self._child is not None or self.board.position == self._saved:
            return
        try:
            child = os.fork()
        except OSError as error:  # There is no memory for another process just now; folding goes on without.
            log.error("the snapshot could not be begun: %s", error)
            self._carried = CARRIED  # So that it is tried again soon.
            return
        self._child, self._saving, self._carried = child, dict(self.board.position), 0
        if child == 0:
            status = 1
            try:
                write_whole(self.file, self.board.dump())
                status = 0
            finally:
                os._exit(status)

    def saved(self, *, wait: bool = False) -> Mapping[str, int] | None:
        """The position of a snapshot that has become durable since the last call."""
        if self._child is None:
            return None
        pid, status = os.waitpid(self._child, 0 if wait else os.WNOHANG)
        if pid == 0:
            return None
        self._child = None
        if status != 0:
            log.error("the snapshot could not be written to %s; is the disk full?", self.file)
            self._carried += CARRIED  # So that it is tried again soon.
            return None
        self._saved = self._saving
        return self._saved


def write_whole(file: Path, data: bytes) -> None:
    """Replace ``file`` by one with ``data``, so that a crash leaves the old or the new one."""
    fresh = file.with_suffix(".new")
    with fresh.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def run(house: House, stop: Stop) -> None:
    """Fold and post until told to stop, through any failure of Redis or the database."""
    with only_one(house.data, "projector"):
        _work(house, stop)


def _work(house: House, stop: Stop) -> None:
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # Millions of small values, none of them in a cycle.
    projector = Projector(rules_of(house.city), house.snapshot)
    redis = connect(house.redis_url)
    reader, notices, history = Reader(redis, house.keys), Notices(redis, house.keys), History(house.database_url)
    backoff, stream, database = Backoff(), Ups(log, "the stream"), Ups(log, "the database")
    # A board without a snapshot is not shown before history was asked: its numbers would be wrong.
    shown = bool(projector.board.position)
    fill_at: float | None = 0.0
    posted, beat, saved, pause, dirty = 0.0, 0.0, monotonic(), COALESCE, True
    compared, gap, cleared = 0.0, False, False
    plan, rung = house.city.escalation, 0.0
    speaker = None if plan is None else Speaker(redis, house.keys, 3600 * plan.not_older_than_hours)
    while not stop:
        try:
            if fill_at is not None and monotonic() >= fill_at:
                filled = _fill(projector, history, database)
                fill_at = None if filled else monotonic() + 5.0
                shown |= filled
                dirty = True
                if gap:
                    reader.rewind()
                    gap = False
            if not cleared:
                notices.clear()
                cleared = True
            wait = max(1, int(1000 * min(1.0, pause - (monotonic() - posted)))) if dirty else 250
            entries, asks = reader.read(AT_ONCE, wait, asks=True)
            if stream.down_since is not None:
                projector.forget_posts()
                stream.up()
            backoff.reset()
            for ask in asks:
                projector.want(ask.keys, monotonic(), WANTED_FOR if ask.seconds is None else ask.seconds)
            for entry in entries:
                try:
                    dirty |= projector.fold(entry.spool, entry.seq, entry.packed)
                except Gap as missing:  # Other feeds go on; history, or the feed itself, will give what is missing.
                    if not gap:
                        log.warning("%s; looking in history", missing)
                        gap, fill_at = True, min(fill_at or inf, monotonic() + 0.1)
            now = monotonic()
            if speaker is not None and shown and projector.board.now and now - rung >= RING:
                rung = now
                clock = alarm_of(cast(Any, projector.board.slices["ticket"]), projector.board.now)
                speaker.say(clock, projector.board.now, now)
            if now - compared > COMPARE:
                compared = now
                if projector.stuck(reader.told(house.keys.history)):
                    fill_at = min(fill_at or inf, now)
            dirty |= bool(asks)
            # Without a tick since it was built from history alone, the board does not know what time it is.
            if shown and projector.board.now and ((dirty and now - posted >= pause) or now - beat >= 1.0):
                documents, gone = projector.changed(now)
                dirty = projector.posted(notices.post(documents, projector.pulse(), projector.board.position, gone))
                spent = monotonic() - now
                posted = beat = monotonic()
                pause = max(COALESCE, 3 * spent)
            position = projector.saved()
            if position is not None:
                reader.reached(house.keys.board, position)
            if projector.due(now - saved):
                saved = now
                projector.save()
                reader.reached(house.keys.board, projector._saved)
        except RedisError as error:
            stream.down(error)
            if "WRONGTYPE" in str(error):
                with suppress(RedisError):
                    set_aside(redis, house.keys)
            stop.wait(backoff.next())
    projector.saved(wait=True)
    projector.save()
    projector.saved(wait=True)


def _fill(projector: Projector, history: History, database: Ups) -> bool:
    """Take from history what it has; True if it could be asked."""
    try:
        history.prepare()
        projector.fill(history)
    except HistoryFailed as error:
        database.down(error)
        return False
    database.up()
    return True
