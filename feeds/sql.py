"""Rows of a database, by a watermark: any SQLAlchemy URL, read-only, in slices, late commits read again."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from socket import SHUT_RDWR, socket
from typing import Annotated, Any, cast
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator
from sqlalchemy import Engine, column, create_engine, event, literal, literal_column, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.types import NullType

from dashboard.sources.credentials import Auth, secret_of
from dashboard.sources.feed import Context, Delivery, Feed, Parsed, Rejected, SourceFailed
from dashboard.sources.mapping import fillable
from dashboard.sources.plainly import usual
from dashboard.sources.readings import Record
from dashboard.sources.rows import RowSettings, read_rows, value_of
from dashboard.sources.watermark import Mark, less, moment_of

AHEAD = timedelta(minutes=10)  # A watermark further ahead of the clock does not move the cursor.
NAME = re.compile(r"[^\W\d]\w{0,62}")


class Settings(RowSettings):
    """Where the database is, what is asked of it, and which column says what is new."""

    url: str  # As SQLAlchemy has it, without a password: postgresql://wall@db.example/hotline
    auth: Auth | None = None
    query: str  # One SELECT without a limit or an order; both are added.
    watermark: str  # The column that grows: a time of change or a number.
    key: str  # A column that tells rows of the same watermark apart.
    overlap: Annotated[float, Field(ge=0)] = 300.0  # Read again: seconds of a time, or as much of a number.
    slice: Annotated[int, Field(gt=0, le=50_000)] = 2_000  # Rows that are fetched at once.
    timeout: Annotated[float, Field(gt=0, le=3600)] = 60.0  # Seconds for one slice.
    watermark_zone: str | None = None  # Of a watermark that names none; the zone of the other times.

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError(f"{value!r} is no database; write one such as postgresql://wall@db.example/hall") from None
        if url.password:
            raise ValueError("holds a password; name its file in auth")
        return value

    @field_validator("query")
    @classmethod
    def _query(cls, value: str) -> str:
        value = value.strip().rstrip(";").rstrip()
        if not re.match(r"(?is)(select|with)\b", value) or ";" in value:
            raise ValueError("is not one SELECT; the house only reads")
        return value

    @field_validator("watermark", "key")
    @classmethod
    def _name(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise ValueError(f"{value!r} is no name of a column; give it one by AS in the query")
        return value

    @model_validator(mode="after")
    def _who(self) -> Settings:
        if self.auth is not None and self.auth.kind != "basic":
            raise ValueError('auth: a database wants a user and a password; use kind = "basic"')
        return self


class Source:
    """The database, asked by one thread at a time."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self.settings, self.context = settings, context
        self.url: URL = make_url(settings.url)
        if settings.auth is not None:
            self.url = self.url.set(username=settings.auth.user, password=secret_of(settings.auth, context.city))
        self.backend = self.url.get_backend_name()
        self.zone = ZoneInfo(settings.watermark_zone or settings.zone or context.city.zone)
        self._raw: list[Any] = []  # The connections to PostgreSQL that are open.
        self.engine = self._engine()
        names: list[Any] = [column(settings.watermark), column(settings.key)]
        self._source: Any = text(settings.query.replace(":", "\\:")).columns(*names).subquery("source")
        self._hands = ThreadPoolExecutor(1, f"sql-{settings.name}")

    def _engine(self) -> Engine:
        seconds = self.settings.timeout
        try:
            if self.backend == "postgresql":
                engine = create_engine(
                    self.url.set(drivername="postgresql+psycopg"), pool_size=1, pool_pre_ping=True,
                    connect_args={
                        "connect_timeout": max(2, round(min(10.0, seconds))), "application_name": "citywall",
                        "tcp_user_timeout": round(1000 * seconds), "keepalives_idle": 10,
                        "options": f"-c datestyle=ISO,YMD -c default_transaction_read_only=on"
                        f" -c statement_timeout={round(1000 * seconds)}",
                    },
                )  # fmt: skip
                event.listen(engine, "connect", _times_as_text)
                event.listen(engine, "connect", lambda raw, _: self._raw.append(raw))
                event.listen(engine, "close", lambda raw, _: self._raw.clear())
            elif self.backend == "sqlite":
                file = self.context.city.path(self.url.database or "")
                if not file.is_file():
                    raise SourceFailed(f"{file} is not there; name the database's file")
                url = self.url.set(database=f"file:{quote(str(file))}", query={"mode": "ro", "uri": "true"})
                engine = create_engine(url, pool_size=1, connect_args={"timeout": min(seconds, 30.0)})
                event.listen(engine, "connect", lambda db, _: db.execute("PRAGMA query_only=ON"))
            else:
                engine = create_engine(self.url, pool_size=1, pool_pre_ping=True)
        except ImportError as error:
            needs = f"needs the driver {error.name}, which is not installed; use postgresql:// or sqlite:///"
            raise SourceFailed(f"{self.shown}: {needs}") from None
        except (SQLAlchemyError, TypeError, ValueError) as error:
            raise SourceFailed(f"{self.shown}: {str(error).splitlines()[0][:160]}") from None
        return engine

    @property
    def shown(self) -> str:
        """The database as it may be named: without a password."""
        return self.url.set(password=None).render_as_string()

    async def ask(self, what: Any, *arguments: Any) -> Any:
        """Have the thread ask.

        Raises:
            SourceFailed: in one plain sentence, if there is no answer.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.settings.timeout + min(5.0, self.settings.timeout)):
                return await loop.run_in_executor(self._hands, partial(what, *arguments))
        except TimeoutError:
            raise SourceFailed(f"{self.shown} has not answered for {self.settings.timeout:g} s") from None
        except SQLAlchemyError as error:
            raise SourceFailed(f"{self.shown}: {_plainly(error)}") from None

    def _rows(self, wanted: Any, limit: int) -> list[dict[str, Any]]:
        settings = self.settings
        source = self._source
        mark, key = source.c[settings.watermark], source.c[settings.key]
        asked: Any = select(literal_column("source.*")).select_from(source).where(wanted(mark, key))
        with self.engine.connect() as db:
            if self.backend == "postgresql":
                db = db.execution_options(postgresql_readonly=True)
            found = db.execute(asked.order_by(mark, key).limit(limit))
            return [dict(row) for row in found.mappings().all()]

    def slice(self, start: Any, after: tuple[Any, Any] | None) -> list[dict[str, Any]]:
        """The next rows from watermark ``start`` on (all if None), behind ``after``, in their order."""

        def wanted(mark: Any, key: Any) -> Any:
            if after is not None:
                last, tie = _bare(after[0]), _bare(after[1])
                return (mark > last) | ((mark == last) & (key > tie))
            return mark.is_not(None) if start is None else mark >= _bare(start)

        return self._rows(wanted, self.settings.slice)

    def unmarked(self) -> list[dict[str, Any]]:
        """Some rows without a watermark: nobody would ever read them."""
        return self._rows(lambda mark, key: mark.is_(None), 100)

    def top(self) -> Any:
        """The greatest watermark there is."""
        settings = self.settings
        mark = self._source.c[settings.watermark]
        with self.engine.connect() as db:
            return db.execute(select(mark).where(mark.is_not(None)).order_by(mark.desc()).limit(1)).scalar()

    def past(self, value: object) -> bool:
        """Whether a watermark is not ahead of the clock; a number never is."""
        moment = moment_of(value, self.zone)
        if moment is None:
            return not isinstance(value, str)
        return moment <= self.context.now() + AHEAD

    def close(self) -> None:
        """Let go of the connection; a thread that still waits for it ends with it."""
        for raw in self._raw:
            with suppress(Exception):
                socket(fileno=os.dup(raw.fileno())).shutdown(SHUT_RDWR)
        self._hands.shutdown(wait=False, cancel_futures=True)
        self.engine.dispose()


def _bare(value: Any) -> Any:
    """A value without a type: the database takes a time that stands in a text for what its column is."""
    return literal(value, NullType())


def _times_as_text(connection: Any, _: object) -> None:
    """Take times as PostgreSQL writes them: the year 20000 or `infinity` would else fail the whole slice."""
    from psycopg.types.string import TextLoader

    for kind in ("date", "timestamp", "timestamptz"):
        connection.adapters.register_loader(kind, TextLoader)


def _plainly(error: SQLAlchemyError) -> str:
    inner = getattr(error, "orig", None) or error
    said = str(inner).strip().splitlines()
    return usual(inner) or (said[0] if said else type(error).__name__)[:200]


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """All rows by watermark and key, then each interval those that are new; in slices, each with its cursor.

    Each time reading begins ``overlap`` before the greatest watermark, so that what was committed late, or shares a
    watermark with the last row, is found, and an hour earlier still while an hour comes twice; rows known to be
    unchanged are passed by. A watermark that lies ahead of
    the clock does not move the cursor. If the greatest watermark goes back, the table was restored: all is read
    again, and what was stored before is a duplicate.

    Raises:
        SourceFailed: if the database cannot be reached or asked, or lacks a column that is mapped.
    """
    source = Source(settings, context)
    mark = Mark.of(context.cursor, settings.watermark, settings.overlap, source.zone)
    try:
        told = context.cursor is not None
        while True:
            start = mark.start
            fresh = False
            while True:
                rows: list[dict[str, Any]] = await source.ask(source.slice, start, mark.after)
                if not rows:
                    break
                _whole(rows[0], settings)
                new = mark.new(rows)
                last = rows[-1]
                mark.after = last[settings.watermark], last[settings.key]
                fresh = True
                if new:
                    yield Delivery(Rows(new), mark.cursor())
                if len(rows) < settings.slice:
                    break
            if fresh:
                mark.settle(source.past)
            elif mark.high is not None:
                top = await source.ask(source.top)
                if top is not None and less(top, start):
                    note = Rejected("watermark_back", str(top), settings.watermark, "all is read again", kept=True)
                    mark = Mark(settings.watermark, settings.overlap, source.zone)
                    yield Delivery(Rows([], (note,)), mark.cursor())
                    continue
            if not told:
                told = True
                lost = tuple(
                    Rejected("no_watermark", json.dumps(row, default=str, ensure_ascii=False), settings.watermark)
                    for row in await source.ask(source.unmarked)
                )
                yield Delivery(Rows([], lost), mark.cursor())
            else:
                yield Delivery(Rows([]), mark.cursor())
            if context.trial:
                return
            await asyncio.sleep(settings.interval or 60.0)
    finally:
        source.close()


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a slice that are new, and what is to be noted beside them."""

    rows: Sequence[dict[str, Any]]
    notes: tuple[Rejected, ...] = ()

    def __str__(self) -> str:
        return json.dumps([{k: value_of(v) for k, v in row.items()} for row in self.rows[:20]], default=str)


def _whole(row: dict[str, Any], settings: Settings) -> None:
    for setting, name in settings.wanted().items():
        if name not in row:
            raise SourceFailed(f"the query gives no column {name!r} ({setting}); it gives {', '.join(row)}")


def parse(payload: Rows, settings: Settings, context: Context) -> Parsed:
    """The readings or tickets of rows, each taken or refused by itself."""
    yield from payload.notes
    records = [
        Record({name: value_of(value) for name, value in row.items()}, f"{settings.key} {row.get(settings.key)}")
        for row in payload.rows
    ]
    yield from read_rows(records, settings, context)


FEED = Feed(
    kind="sql",
    caption="Rows of a database, by a watermark",
    parse=cast(Any, parse),
    open=open,
    Settings=Settings,
    nouns=fillable(),
    interval=60.0,
    mapped=(
        "the query's columns by `[feeds.columns]` as tickets, or by `[[feeds.readings]]` as readings, by `[feeds.map]` "
        "(`event`, `fields`) as any event. Rows come in "
        "slices by `watermark` and `key`; `overlap` seconds (or numbers) are read again each time, for what was "
        "committed late. The transaction is read-only. Times without a zone are of `zone`."
    ),
    refused=(
        "rows without a watermark (named once), dates that cannot be, numbers that are none; a mapped column that is "
        "gone, or a query that is not one SELECT, is a failed source. A watermark ahead of the clock does not move "
        "the cursor; one that goes back has everything read again."
    ),
    example="""\
[[feeds]]
kind = "sql"
name = "hotline"
url = "postgresql://db.example/hotline"
auth = { kind = "basic", user = "wall", secret_file = "hotline.password" }
query = "SELECT id, opened, changed, title, class, dept, closed, town FROM cases"
watermark = "changed"
key = "id"
overlap = 600

[feeds.columns]
number = "id"
reported = "opened"
title = "title"
category = "class"
unit = "dept"
closed = "closed"
place_code = "town"
""",
)
