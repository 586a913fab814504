"""History: every event and the current tickets in SQL, on SQLite or PostgreSQL.

What a reader has taken in and how far it has read are written in one transaction. Beside the single events
the packed batches are kept as they came, so that a board can be built anew, or a gap in the stream filled,
from history alone.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from dashboard.board import CODEC
from dashboard.events import Event
from dashboard.nouns.noun import Rules
from dashboard.nouns.ticketevents import TicketEvent
from dashboard.nouns.tickets import Ticket, apply, relived
from dashboard.travel import moves
from dashboard.travel.ticketfacts import CALLED, FACTS, UNASKED, fingerprint, row_of

log = logging.getLogger("history")

HistoryFailed = SQLAlchemyError
"""What is raised when the database cannot be reached or refuses."""

metadata = MetaData()
events = Table(
    "events", metadata,
    Column("source", Text, primary_key=True), Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False), Column("time", Double, nullable=False),
    Column("subject", Text, nullable=False), Column("body", Text, nullable=False),
    Index("events_subject", "source", "subject"),
    sqlite_with_rowid=False,
)  # fmt: skip
tickets = Table(
    "tickets", metadata,
    Column("source", Text, primary_key=True), Column("number", Text, primary_key=True),
    *(Column(name, kind, nullable=True) for name, kind in FACTS.items()),
    *(Index("tickets_" + "_".join(of), *of) for of in (
        ("deadline",), ("closed",), ("reported",), ("unit", "deadline"), ("place",), ("category",), ("state",),
    )),
    # All that can be asked of tickets, narrow enough to be read through, and who called of what; not for PostgreSQL.
    Index("tickets_facets", "reported", *(name for name in FACTS if name not in UNASKED), info={"only": "sqlite"}),
    Index("tickets_calls", "caller", "category", "reported", info={"only": "sqlite"}, sqlite_where=text(CALLED)),
    sqlite_with_rowid=False,
)  # fmt: skip
batches = Table(
    "batches", metadata,
    Column("spool", Text, primary_key=True), Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("events", Integer, nullable=False), Column("packed", LargeBinary, nullable=False),
)  # fmt: skip
positions = Table(
    "positions", metadata,
    Column("spool", Text, primary_key=True), Column("seq", BigInteger, nullable=False),
)  # fmt: skip
gaps = Table(
    "gaps", metadata,
    Column("spool", Text, primary_key=True), Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False), Column("at", Double, nullable=False),
)  # fmt: skip

meta = Table(
    "meta", metadata,
    Column("name", Text, primary_key=True), Column("value", Text, nullable=False),
)  # fmt: skip

_LIVES = select(tickets.c.source, tickets.c.number, tickets.c.trail)

# Of the tickets' table and of that of their moves; others are built anew.
VERSION = "3 " + " ".join([*tickets.c.keys(), "|", *moves.moves.c.keys()])

# A server that is there but does not answer is given up after some seconds, like one that is gone.
PATIENCE = {
    "connect_timeout": 5, "tcp_user_timeout": 10_000,
    "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
    # To compile a query takes longer than any of ours runs; what they sort is to be sorted in memory.
    "options": "-c jit=off -c work_mem=32MB",
}  # fmt: skip

LOCKED = 30.0  # Seconds for which another's writing is waited for on SQLite.
LOCK = 0x63697479  # The advisory lock under which tables are made.

_json = msgspec.json.Encoder()
_KIND = {kind: name for name, kind in CODEC.types.items()}


@dataclass(frozen=True, slots=True)
class Kept:
    """A batch as history keeps it."""

    seq: int
    packed: bytes


class History:
    """The database at ``url``, its tables made if need be; who writes tickets to it gives the city's ``rules``."""

    def __init__(self, url: str, rules: Rules | None = None) -> None:
        self.url, self.rules = make_url(url), rules
        self.postgres = self.url.get_backend_name() == "postgresql"
        if self.postgres:
            url_ = self.url.set(drivername="postgresql+psycopg")
            self.engine = create_engine(url_, pool_pre_ping=True, connect_args=PATIENCE)
        else:
            self.engine = create_engine(self.url, connect_args={"timeout": LOCKED})
            event.listen(self.engine, "connect", _pragmas)
        self._ready = False

    def prepare(self) -> None:
        """Make the tables that are not there yet. Who only reads waits for nobody where they are there.

        Raises:
            HistoryFailed: if the database cannot be reached or written.
        """
        if not self._ready and self.rules is None:
            with self.engine.connect() as db:
                there = set(inspect(db).get_table_names())
                self._ready = there >= {*metadata.tables, *moves.moves.metadata.tables}
        if not self._ready:
            with self.engine.begin() as db:
                if self.postgres:  # There two who create the same table at the same time may both fail.
                    db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
                db.execute(CreateTable(meta, if_not_exists=True))
                old = self._known(db).get("tickets") != VERSION and inspect(db).has_table("tickets")
                if old and self.rules is not None:
                    # The word is taken back before the deed: wherever this ends, it is begun again.
                    db.execute(meta.delete())
                    db.execute(DropTable(tickets))
                    db.execute(DropTable(moves.moves, if_exists=True))
                for table in (*metadata.sorted_tables, moves.moves):
                    if table is not tickets or not old or self.rules is not None:
                        self._make(db, table)
                if not old or self.rules is not None:
                    self._note(db, "tickets", VERSION)
            self._ready = True

    def _make(self, db: Connection, table: Table) -> None:
        db.execute(CreateTable(table, if_not_exists=True))
        for index in table.indexes:
            if index.info.get("only") in (None, self.engine.dialect.name):
                db.execute(CreateIndex(index, if_not_exists=True))

    def _known(self, db: Connection) -> dict[str, str]:
        return {row.name: row.value for row in db.execute(select(meta))}

    def _note(self, db: Connection, name: str, value: str) -> None:
        (_upsert_postgres if self.postgres else _upsert_sqlite)(db, meta, [(name, value)])

    def renew(self) -> None:
        """Build the current tickets anew from the kept batches, if their table or the city's rules are others now.

        Raises:
            HistoryFailed: if the database cannot be reached or written; it is begun again the next time.
        """
        assert self.rules is not None
        steps = self.rules.accept, self.rules.dispatch, self.rules.whistle
        rules = " ".join([fingerprint(self.rules), *map(str, steps)])
        with self.engine.connect() as db:
            if self._known(db).get("rules") == rules:
                return
        done, told = 0, time.monotonic()
        for spool, upto in self.positions().items():
            happened: list[TicketEvent] = []
            for kept in self.batches(spool, 0, upto):
                happened += [one for one in CODEC.unpack(kept.packed) if isinstance(one, TicketEvent)]
                if len(happened) > 10_000:
                    done += self._relive(happened)
                    happened = []
                if time.monotonic() - told > 5.0:
                    told = time.monotonic()
                    log.info("the tickets are built anew by the rules of now: %s events so far", f"{done:,}")
            done += self._relive(happened)
        with self.engine.begin() as db:
            self._note(db, "rules", rules)
        if done:
            log.info("the tickets were built anew from %s events", f"{done:,}")

    def _relive(self, happened: Sequence[TicketEvent]) -> int:
        known = self.tickets(list({(one.source, one.subject) for one in happened}))
        for one in happened:
            key = one.source, one.subject
            known[key] = apply(known.get(key), one)
        self.write([], list(known.values()), [], {})
        return len(happened)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    # -- reading -----------------------------------------------------------------------------------------

    def positions(self) -> dict[str, int]:
        """Spool → the last batch that is committed."""
        with self.engine.connect() as db:
            return {row.spool: row.seq for row in db.execute(select(positions))}

    def batches(self, spool: str, after: int, upto: int) -> Iterator[Kept]:
        """The kept batches of a spool with ``after < seq <= upto`` in order; those of passing events are not kept."""
        query = (
            select(batches.c.seq, batches.c.packed).where(batches.c.spool == spool).order_by(batches.c.seq).limit(100)
        )
        while after < upto:
            with self.engine.connect() as db:
                rows = db.execute(query.where(batches.c.seq > after, batches.c.seq <= upto)).all()
            if not rows:
                return
            yield from (Kept(row.seq, row.packed) for row in rows)
            after = rows[-1].seq

    def tickets(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Ticket]:
        """Those of the tickets, by (source, number), that are known."""
        with self.engine.connect() as db:
            return self._tickets(db, keys)

    def all_tickets(self) -> Iterator[Ticket]:
        """Every current ticket, in the order of source and number."""
        with self.engine.connect() as db:
            for row in db.execution_options(yield_per=5000).execute(_LIVES.order_by("source", "number")):
                yield relived(row.source, row.number, row.trail)

    def count_events(self) -> int:
        """How many events are kept."""
        with self.engine.connect() as db:
            return int(db.execute(text("SELECT count(*) FROM events")).scalar_one())

    def _tickets(self, db: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Ticket]:
        found: dict[tuple[str, str], Ticket] = {}
        by_source: dict[str, list[str]] = {}
        for source, number in keys:
            by_source.setdefault(source, []).append(number)
        for source, numbers in by_source.items():
            for start in range(0, len(numbers), 500):
                part = numbers[start : start + 500]
                query = _LIVES.where(tickets.c.source == source, tickets.c.number.in_(part))
                found.update({(row.source, row.number): relived(*row) for row in db.execute(query)})
        return found

    # -- writing -----------------------------------------------------------------------------------------

    def write(
        self,
        happened: Sequence[Event],
        changed: Sequence[Ticket],
        kept: Sequence[tuple[str, int, int, bytes]],
        reached: Mapping[str, int],
        missing: Sequence[tuple[str, int, int]] = (),
        before: moves.Before | None = None,
    ) -> None:
        """Write events, current tickets, packed batches (spool, seq, events, bytes) and positions, all or nothing.

        Events that are known already change nothing. ``missing`` are ranges of batches that were lost for good.
        Who knows what is kept of the ``changed`` tickets ``before`` has fewer rows written.

        Raises:
            HistoryFailed: if the database cannot be reached or refuses; then nothing was written.
        """
        rows = {
            "events": [
                (e.source, e.id, _KIND[type(e)], e.time.timestamp(), e.subject, _json.encode(e).decode())
                for e in happened
            ],
            "tickets": [row_of(ticket, self.rules) for ticket in changed],
            "batches": list(kept),
            "positions": list(reached.items()),
            "gaps": [(spool, first, last, time.time()) for spool, first, last in missing],
        }
        try:
            with self.engine.begin() as db:
                for table in (events, tickets, batches, positions, gaps):
                    if rows[table.name]:
                        upsert(db, table, rows[table.name])
                moves.write(db, changed, before, upsert)
        except self.engine.dialect.loaded_dbapi.Error as error:  # COPY goes past SQLAlchemy, and so do its errors.
            raise OperationalError("COPY", None, error) from error


def _conflict(table: Table) -> str:
    """What happens to a row whose key is there: what is of now is replaced, the rest is as it was."""
    key = ", ".join(column.name for column in table.primary_key)
    if table not in (tickets, positions, meta, moves.moves):
        return f"ON CONFLICT ({key}) DO NOTHING"
    values = ", ".join(f"{c.name} = excluded.{c.name}" for c in table.c if not c.primary_key)
    return f"ON CONFLICT ({key}) DO UPDATE SET {values}"


def upsert(db: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """Write rows, their values in the order of the table's columns; see ``_conflict`` for those whose key is there."""
    (_upsert_postgres if db.dialect.name == "postgresql" else _upsert_sqlite)(db, table, rows)


def _upsert_sqlite(db: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * len(table.c))
    db.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({marks}) {_conflict(table)}", rows)


def _upsert_postgres(db: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """COPY into a temporary table and from there upsert: about ten times as fast as single inserts."""
    fresh = f"new_{table.name}"
    db.exec_driver_sql(f"CREATE TEMP TABLE IF NOT EXISTS {fresh} (LIKE {table.name}) ON COMMIT DELETE ROWS")
    cursor = cast(Any, db.connection.cursor())
    names = ", ".join(f'"{c.name}"' for c in table.c)
    with cursor.copy(f"COPY {fresh} ({names}) FROM STDIN") as copy:
        for row in rows:
            # PostgreSQL's text knows no NUL; the event's body keeps it in its escaped form.
            copy.write_row([value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in row])
    key = ", ".join(c.name for c in table.primary_key)
    # One command may not touch a row twice, and rows of one key in a fixed order cannot deadlock.
    rows_once = f"SELECT DISTINCT ON ({key}) {names} FROM {fresh} ORDER BY {key}"
    db.exec_driver_sql(f"INSERT INTO {table.name} ({names}) {rows_once} {_conflict(table)}")
    db.exec_driver_sql(f"DELETE FROM {fresh}")


def _pragmas(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    until = time.monotonic() + LOCKED
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            # Where several open a new file at once SQLite refuses this to some of them, however long they would wait.
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)
    for pragma in ("synchronous=FULL", "cache_size=-65536", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
