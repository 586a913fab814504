"""A feed's disk: nothing a source has given is forgotten before history has it.

One SQLite file per feed. A put stores the new events as numbered batches, the rejected records, the
counters and the source's cursor in one transaction that is on the disk when it returns. Whether an event
is new is decided here and nowhere else: the same source and id with the same content is a duplicate. With
another content it is what the event's type makes of it, such as a report that was put right; else it is refused, once.
Names are remembered in two tables: when the younger is full, the older is dropped
and the two change places, so that a feed that runs for years keeps a bounded file.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Protocol

from dashboard.events import BATCH, Event, identity, pack, pack_batch
from dashboard.events import mark as mark_of

RAW = 4096  # Characters of a rejected record that are kept.
LONGEST_NAME = 200  # Characters.
REMEMBERED = 10_000_000  # The names of at least so many latest events are remembered, and of at most twice as many.
TURNS = 2  # Times that a source which is asked, and whose latest word holds, may tell something in the same words.
WHEN = 4  # Bytes of a mark that say when it happened.
KEPT = 10_000  # Rejected records that are kept; all are counted.

SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch (seq INTEGER PRIMARY KEY AUTOINCREMENT, events INTEGER NOT NULL, packed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS seen (name TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen_before (name TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rejected (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, reason TEXT NOT NULL, place TEXT NOT NULL,
    detail TEXT NOT NULL, raw TEXT NOT NULL, kept INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS reason (
    reason TEXT, kept INTEGER, n INTEGER NOT NULL, PRIMARY KEY (reason, kept)) WITHOUT ROWID;
"""
# The younger names become the older ones.
ROTATE = (
    "DROP TABLE seen_before",
    "ALTER TABLE seen RENAME TO seen_before",
    "CREATE TABLE seen (name TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID",
)


class Refusal(Protocol):
    """What a spool must know of a rejected record; see ``feed.Rejected``."""

    @property
    def reason(self) -> str:
        """One of few words."""

    @property
    def raw(self) -> str:
        """What came, as text."""

    @property
    def where(self) -> str:
        """Line or id."""

    @property
    def detail(self) -> str:
        """A sentence."""

    @property
    def kept(self) -> bool:
        """Whether the record passed all the same."""


@dataclass(frozen=True, slots=True)
class Counters:
    """How many records came and what became of them: ``received = stored + duplicate + dead``."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    dead: int = 0
    flawed: int = 0

    def __add__(self, other: Counters) -> Counters:
        return Counters(
            self.received + other.received, self.stored + other.stored, self.duplicate + other.duplicate,
            self.dead + other.dead, self.flawed + other.flawed,
        )  # fmt: skip

    def __sub__(self, other: Counters) -> Counters:
        return Counters(
            self.received - other.received, self.stored - other.stored, self.duplicate - other.duplicate,
            self.dead - other.dead, self.flawed - other.flawed,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Batch:
    """One numbered batch of packed events."""

    seq: int
    events: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A rejected record as it was kept."""

    at: float
    reason: str
    where: str
    detail: str
    raw: str
    kept: bool


def name(event: Event) -> str:
    """What an event is remembered by: its source (which holds no ``|``) and id, and nothing else.

    Most sources count upwards, so that names in clear are stored side by side; hashed ones would each
    touch a page of their own. Names beyond ``LONGEST_NAME`` are hashed all the same.
    """
    plain = f"{event.source}|{event.id}"
    return plain if len(plain) <= LONGEST_NAME else f"|{identity(event).hex()}"


def when(event: Event) -> bytes:
    """A few bytes that differ where an event that may be retold happened at another time; none for the others."""
    if type(event).retold is Event.retold:
        return b""
    return blake2b(event.time.isoformat().encode(), digest_size=WHEN).digest()


def _text(text: str) -> str:
    """``text`` as UTF-8 can hold it."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class SpoolFull(Exception):
    """The disk takes nothing more; nothing of the put was stored."""


class Spool:
    """The spool in ``file``, made if need be. Used by one process at a time.

    ``turns`` is how often a report may be told in the same words, others in between: once, where the same post may
    be delivered again much later, and ``TURNS`` where a source is asked and its latest word holds.

    Raises:
        SpoolFull: if the disk is full or cannot be written.
    """

    def __init__(self, file: Path, *, durable: bool = True, remembered: int = REMEMBERED, turns: int = 1) -> None:
        self.file, self.remembered, self.turns = file, remembered, turns
        # A thread may still be at work when its task has been given up; a database must not be closed under it.
        self._writing, self._reading = Lock(), Lock()
        try:
            self._open(file, durable)
        except (OSError, sqlite3.OperationalError) as error:
            raise SpoolFull(f"{file} cannot be written: {error}") from error

    def _open(self, file: Path, durable: bool) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=30)
        file.chmod(0o600)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        self._db.execute("PRAGMA cache_size=-65536")
        self._db.executescript(SCHEMA)
        self._db.execute("INSERT OR IGNORE INTO about VALUES ('id', ?)", (secrets.token_hex(6),))
        self._reader = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=30)
        self.id: str = f"{file.stem}@{self._about('id')}"
        self.counters = Counters(**{name: int(self._about(name) or 0) for name in Counters.__slots__})
        # Known without the file: who asks in an event loop must not wait for a thread that is writing.
        self.latest = self.last  # The number of the last batch that this process knows to be on the disk.
        self.cursor = self._about("cursor")  # Where the source is to be read on from; None before the first.

    def _about(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def close(self) -> None:
        """Let go of the file, once nobody is at work in it."""
        with self._writing, self._reading:
            self._reader.close()
            self._db.close()

    def rewind(self) -> None:
        """Forget where the source was read to: it will be read again from its beginning, and give duplicates."""
        self._db.execute("DELETE FROM about WHERE name = 'cursor'")
        self.cursor = None

    def put(self, events: Sequence[Event], rejected: Sequence[Refusal] = (), cursor: str | None = None) -> Counters:
        """Store what is new of ``events``, and the rest of the delivery's fate; returns what was counted.

        Raises:
            SpoolFull: if the disk is full or cannot be written; then nothing was stored.
        """
        with self._writing:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    counted = self._put(events, rejected, cursor)
                    last = self.last
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:  # A full disk has ended it already.
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.OperationalError as error:
                raise SpoolFull(f"{self.file} cannot be written: {error}") from error
            self.counters += counted
            self.latest = last
            self.cursor = self.cursor if cursor is None else cursor
            return counted

    def _put(self, events: Sequence[Event], rejected: Sequence[Refusal], cursor: str | None) -> Counters:
        db = self._db
        new: list[bytes] = []
        again = 0
        dead: list[tuple[float, str, str, str, str, int]] = []
        now = time.time()
        lasting = [event for event in events if event.durable]
        passing = [event for event in events if not event.durable]
        keys = [_text(name(event)) for event in lasting]
        known = self._known(keys)
        fresh: dict[str, bytes] = {}
        for event, key in zip(lasting, keys, strict=True):
            try:
                packed = pack(event)
            except UnicodeEncodeError as error:  # Half a surrogate pair is no text, and no store takes it.
                dead.append((now, "not_text", _text(event.id), str(error), repr(event)[:RAW], 0))
                continue
            mark = mark_of(event, packed) + when(event)
            before = known.get(key)
            if before is None:
                known[key] = mark
                fresh[key] = mark
                new.append(packed)
            elif mark.startswith(before):  # Marks of old were of the content alone.
                again += 1
            else:
                this = f"{key}\0{mark.hex()}"
                often = (known.get(this) or self._known([this]).get(this, b"\0"))[0]
                amended = self._retold(event, mark, before, now + len(new) / 1e6)
                if often >= (1 if amended is None else self.turns):
                    again += 1  # It came with this content before, was refused with it, or its source turns to and fro.
                    continue
                known[this] = bytes((often + 1,))
                fresh[this] = known[this]
                if amended is not None:
                    was = f"{key}\0{before.hex()}"
                    if was not in known and not self._known([was]):
                        known[was] = fresh[was] = b"\x01"
                    known[key] = mark
                    fresh[key] = mark
                    new.append(pack(amended))
                    continue
                dead.append(
                    (now, "id_reused", event.id, "the same id came before with another content", repr(event)[:RAW], 0)
                )
        young = int(self._about("young") or 0) + len(fresh)
        if young > self.remembered:
            for statement in ROTATE:
                db.execute(statement)
            young = len(fresh)
        # In the table's own order, so that as few of its pages as possible are written.
        db.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?)", sorted(fresh.items()))
        flawed = 0
        for record in rejected:
            flawed += record.kept
            where, detail, raw = _text(record.where), _text(record.detail), _text(record.raw[:RAW])
            dead.append((now, record.reason, where, detail, raw, int(record.kept)))
        if dead:
            self._reject(dead)
        stored = new + [pack(event) for event in passing]
        for start in range(0, len(stored), BATCH):
            part = stored[start : start + BATCH]
            db.execute("INSERT INTO batch (events, packed) VALUES (?, ?)", (len(part), pack_batch(part)))
        counted = Counters(len(lasting) + len(rejected) - flawed, len(new), again, len(dead) - flawed, flawed)
        total = self.counters + counted
        about = [(name, str(getattr(total, name))) for name in Counters.__slots__]
        if cursor is not None:
            about.append(("cursor", cursor))
        about.append(("young", str(young)))
        if counted != Counters() or cursor is not None:
            db.executemany(
                "INSERT INTO about VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", about
            )
        return counted

    @staticmethod
    def _retold(event: Event, mark: bytes, before: bytes, now: float) -> Event | None:
        """What is new in an event that was told before otherwise; None if it is another with the same id."""
        if len(before) == len(mark) and before[-WHEN:] != mark[-WHEN:]:
            return None  # It happened at another time, so it is something else.
        return event.retold(datetime.fromtimestamp(now, UTC))

    def _known(self, keys: list[str]) -> dict[str, bytes]:
        """The content marks of those events that came before."""
        found: dict[str, bytes] = {}
        for start in range(0, len(keys), BATCH):
            part = keys[start : start + BATCH]
            marks = ",".join("?" * len(part))
            for table in ("seen_before", "seen"):
                found.update(self._db.execute(f"SELECT name, content FROM {table} WHERE name IN ({marks})", part))
        return found

    def _reject(self, letters: list[tuple[float, str, str, str, str, int]]) -> None:
        self._db.executemany(
            "INSERT INTO rejected (at, reason, place, detail, raw, kept) VALUES (?, ?, ?, ?, ?, ?)", letters
        )
        self._db.executemany(
            "INSERT INTO reason VALUES (?, ?, 1) ON CONFLICT (reason, kept) DO UPDATE SET n = n + 1",
            [(letter[1], letter[5]) for letter in letters],
        )
        self._db.execute("DELETE FROM rejected WHERE number <= (SELECT max(number) FROM rejected) - ?", (KEPT,))

    # -- towards the stream ------------------------------------------------------------------------------

    def batches(self, after: int, limit: int = 16) -> list[Batch]:
        """The next batches behind ``after``, in order; only what is on the disk, a put under way is not seen."""
        query = "SELECT seq, events, packed FROM batch WHERE seq > ? ORDER BY seq LIMIT ?"
        with self._reading:
            return [Batch(*row) for row in self._reader.execute(query, (after, limit))]

    def waiting(self, after: int) -> int:
        """How many batches lie behind ``after``."""
        with self._reading:
            return int(self._reader.execute("SELECT count(*) FROM batch WHERE seq > ?", (after,)).fetchone()[0])

    @property
    def last(self) -> int:
        """The number of the last batch ever stored, by whichever process; 0 before the first."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'batch'").fetchone()
        return 0 if row is None else int(row[0])

    def trim(self, upto: int) -> None:
        """Forget the batches up to ``upto``: history has them.

        Raises:
            SpoolFull: if the disk cannot be written; then they are still there.
        """
        try:
            with self._writing:
                self._db.execute("DELETE FROM batch WHERE seq <= ?", (upto,))
        except sqlite3.OperationalError as error:
            raise SpoolFull(f"{self.file} cannot be written: {error}") from error

    # -- dead letters ------------------------------------------------------------------------------------

    def letters(self, limit: int = 100) -> Iterator[Letter]:
        """The latest rejected records, newest first."""
        rows = self._db.execute(
            "SELECT at, reason, place, detail, raw, kept FROM rejected ORDER BY number DESC LIMIT ?", (limit,)
        )
        return (Letter(at, reason, where, detail, raw, bool(kept)) for at, reason, where, detail, raw, kept in rows)

    def reasons(self, *, kept: bool = False) -> dict[str, int]:
        """How many records were refused (or, with ``kept``, passed with a flaw), by reason."""
        rows = self._db.execute("SELECT reason, n FROM reason WHERE kept = ? ORDER BY n DESC, reason", (int(kept),))
        return dict(rows.fetchall())
