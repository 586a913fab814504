"""Rows of a database, by a watermark: any SQLAlchemy URL, read-only, in slices, late commits read again."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from hashlib import blake2b
from socket import SHUT_RDWR, socket
from typing import Annotated, Any, cast
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator
from sqlalchemy import Engine, column, create_engine, event, literal, literal_column, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.types import NullType

from dashboard.credentials import Auth, secret_of
from dashboard.feed import Context, Delivery, Feed, Parsed, Rejected, SourceFailed
from dashboard.mapping import fillable
from dashboard.plainly import usual
from dashboard.readings import Record
from dashboard.rows import RowSettings, read_rows, value_of

REMEMBERED = 10_000  # Rows within the overlap, at least, that are known to be unchanged.
KEPT = 2_000  # As many of them are in the cursor, so that a restart does not read them as new.
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


Value = int | float | str | datetime | date | Decimal


@dataclass(slots=True)
class Mark:
    """Where we are. ``high`` is the greatest watermark up to which all was read, ``known`` the rows of the overlap.

    ``after`` is where a reading that is under way goes on: watermark and key of the last row.
    """

    high: Any = None
    after: tuple[Any, Any] | None = None
    known: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: str | None) -> Mark:
        """The mark that a cursor holds."""
        if cursor is None:
            return cls()
        held = json.loads(cursor)
        after = None if held["after"] is None else (_read(held["after"][0]), _read(held["after"][1]))
        return cls(_read(held["high"]), after, dict.fromkeys(held["known"]))

    def cursor(self) -> str:
        """The mark as a cursor."""
        known = list(self.known)[-KEPT:]
        after = None if self.after is None else [_written(self.after[0]), _written(self.after[1])]
        return json.dumps({"high": _written(self.high), "after": after, "known": known})


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    return {"number": str(value)} if isinstance(value, Decimal) else value


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "time" in value:
        return datetime.fromisoformat(value["time"])
    return date.fromisoformat(value["day"]) if "day" in value else Decimal(value["number"])


def moment_of(value: object, zone: ZoneInfo) -> datetime | None:
    """A watermark as a moment; None if it is no time. One without a zone is of ``zone``."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the zone is added below.
    if not isinstance(value, datetime):
        return None
    try:
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:  # The first and the last day that Python knows.
        return None


def earlier(value: Any, overlap: float) -> Any:
    """A watermark ``overlap`` before this one, in the form the source writes it.

    Raises:
        ValueError: if it is neither a number nor a time.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value - type(value)(overlap)
    if isinstance(value, Decimal):
        return value - Decimal(overlap)
    if isinstance(value, datetime):
        return value - timedelta(seconds=overlap)
    if isinstance(value, date):
        return value - timedelta(days=-(-overlap // 86400))
    moment = datetime.fromisoformat(str(value))
    if len(str(value)) <= 10:
        return (moment - timedelta(days=-(-overlap // 86400))).date().isoformat()
    return (moment - timedelta(seconds=overlap)).isoformat(str(value)[10])


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
    watermark with the last row, is found; rows known to be unchanged are passed by. A watermark that lies ahead of
    the clock does not move the cursor. If the greatest watermark goes back, the table was restored: all is read
    again, and what was stored before is a duplicate.

    Raises:
        SourceFailed: if the database cannot be reached or asked, or lacks a column that is mapped.
    """
    mark = Mark.of(context.cursor)
    source = Source(settings, context)
    try:
        told = context.cursor is not None
        while True:
            start = _start(mark, settings)
            fresh = False
            while True:
                rows: list[dict[str, Any]] = await source.ask(source.slice, start, mark.after)
                if not rows:
                    break
                _whole(rows[0], settings)
                new = _new(rows, mark, settings)
                last = rows[-1]
                mark.after = last[settings.watermark], last[settings.key]
                fresh = True
                if new:
                    yield Delivery(Rows(new), mark.cursor())
                if len(rows) < settings.slice:
                    break
            if fresh:
                _settle(mark, source, settings)
            elif mark.high is not None:
                top = await source.ask(source.top)
                if top is not None and _less(top, start):
                    note = Rejected("watermark_back", str(top), settings.watermark, "all is read again", kept=True)
                    mark = Mark()
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


def _start(mark: Mark, settings: Settings) -> Any:
    """The watermark to begin at; None for the beginning of all."""
    if mark.high is None:
        return None
    return _before(mark.high, settings)


def _before(value: Any, settings: Settings) -> Any:
    try:
        return earlier(value, settings.overlap)
    except OverflowError:
        return None
    except (ValueError, TypeError):
        said = f"{settings.watermark} holds {str(value)[:40]!r}, which is neither a time nor a number"
        raise SourceFailed(f"watermark: {said}; choose another column") from None


def _less(one: Any, other: Any) -> bool:
    try:
        return other is not None and bool(one < other)
    except TypeError:
        return False


def _whole(row: dict[str, Any], settings: Settings) -> None:
    for setting, name in settings.wanted().items():
        if name not in row:
            raise SourceFailed(f"the query gives no column {name!r} ({setting}); it gives {', '.join(row)}")


def _new(rows: list[dict[str, Any]], mark: Mark, settings: Settings) -> list[dict[str, Any]]:
    """The rows that were not seen with this content; all are remembered for the next overlap."""
    found = []
    for row in rows:
        written = json.dumps([value_of(value) for value in row.values()], default=str, ensure_ascii=False)
        digest = blake2b(written.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
        if digest not in mark.known:
            found.append(row)
        else:
            mark.known.pop(digest)
        mark.known[digest] = row[settings.watermark]
    if len(mark.known) > 2 * REMEMBERED:
        mark.known = dict(list(mark.known.items())[-REMEMBERED:])
    return found


def _settle(mark: Mark, source: Source, settings: Settings) -> None:
    """All was read: the greatest watermark that is not ahead of the clock is the new ``high``."""
    if mark.after is not None and source.past(mark.after[0]):
        mark.high = mark.after[0]
    else:
        behind = [value for value in mark.known.values() if value is not None and source.past(value)]
        if behind:
            mark.high = max(behind)
        elif mark.after is not None and str(mark.after[0]).lstrip("-") != "infinity":
            _before(mark.after[0], settings)
    mark.after = None
    floor = _start(mark, settings)
    mark.known = {name: value for name, value in mark.known.items() if value is None or not _less(value, floor)}


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
