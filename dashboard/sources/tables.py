"""Another city's table as tickets: which column means what, and how each row becomes events or is refused.

Pure: a chunk of a file goes in, events and refusals come out. How the chunks are fetched is the file feed's part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from dashboard.events import Event
from dashboard.masking import mask
from dashboard.nouns.tickets import TicketClosed, TicketReported, Verdict
from dashboard.sources.feed import Context, Rejected, Settings
from dashboard.sources.records import decode, split
from dashboard.sources.values import (
    RAW,
    Moments,
    Refusal,
    moments,
    number_of,
    place_of,
    point_of,
    short_text,
    short_title,
)
from dashboard.sources.whereabouts import PointSettings, beside, turned

AHEAD = timedelta(days=1)  # A report later than this after the reading is a wrong date, whatever the zone.


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is no time zone; write one such as Asia/Shanghai")
    return value


Zone = Annotated[str, AfterValidator(_zone)]


class Columns(BaseModel):
    """Which column of the source holds what; only ``number`` and ``reported`` must be there.

    Of ``caller`` (a telephone number, an account) only a mark is kept that is equal for the same one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: str
    reported: str
    title: str | None = None
    category: str | None = None
    unit: str | None = None
    channel: str | None = None
    due: str | None = None
    closed: str | None = None
    verdict: str | None = None
    place_code: str | None = None
    place_name: str | None = None
    lon: str | None = None
    lat: str | None = None
    caller: str | None = None

    @model_validator(mode="after")
    def _pair(self) -> Columns:
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon and lat go together; name both columns or none")
        return self


ROLES = tuple(Columns.model_fields)
CALLER = ROLES.index("caller")


class TableSettings(PointSettings, Settings):
    """How a table is to be read."""

    format: Literal["auto", "csv", "tsv", "json", "jsonl"] = "auto"  # By the file's ending.
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None  # By the header.
    encoding: str | None = None  # utf-8, with or without a mark, else gb18030.
    zone: Zone | None = None  # Of times that name none; the city's.
    time_formats: Annotated[tuple[str, ...], Field(min_length=1)] = ("iso",)  # "iso", "unix", "unix_ms", or strptime's.
    columns: Columns
    verdicts: dict[str, Literal["on_time", "overdue"]] = Field(default_factory=dict)
    place_by: tuple[Literal["code", "point", "name"], ...] = ("code", "point", "name")

    @field_validator("encoding")
    @classmethod
    def _encoding(cls, value: str | None) -> str | None:
        try:
            "".encode(value or "utf-8")
        except LookupError:
            raise ValueError(f"{value!r} is no encoding; write one such as utf-8 or gb18030") from None
        return value

    def format_of(self, path: Path) -> Literal["csv", "json", "jsonl"]:
        """How the file is built: ``csv`` (whatever the delimiter), one JSON document, or one to a line."""
        ending = path.suffix.lower() if self.format == "auto" else f".{self.format}"
        return "json" if ending == ".json" else "jsonl" if ending in (".jsonl", ".ndjson") else "csv"

    def delimiter_of(self, path: Path, header: str) -> str:
        """What stands between two fields: as set, a tab by the ending, else what the header has most of."""
        if self.delimiter is not None:
            return self.delimiter
        if self.format == "tsv" or path.suffix.lower() in (".tsv", ".tab"):
            return "\t"
        return max(",;\t|", key=header.count)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole records as they stand in the file. ``line`` is the first one's number, counted from 1.

    ``columns`` is the header of a delimited table, and empty for JSON, where each line of ``body`` is one
    record and ``unit`` says what is counted. ``read`` is when that was, to tell what lies in the future.
    """

    body: bytes
    line: int
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    unit: str = "line"
    read: datetime | None = None

    def __str__(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(slots=True)
class Reading:
    """What a chunk says: events and refusals, and the latest moment at which a ticket was reported."""

    items: list[Event | Rejected] = field(default_factory=list)
    latest: datetime | None = None


# -- from a chunk to events ----------------------------------------------------------------------------------


def missing(columns: tuple[str, ...], settings: TableSettings) -> str:
    """What a header lacks, in a sentence; empty if it has every column that is mapped, once."""
    for role, name in settings.columns.model_dump(exclude_none=True).items():
        if columns.count(name) != 1:
            fault = "has no column" if name not in columns else "has more than one column"
            return f"{fault} {name!r} (columns.{role}); it has {', '.join(map(repr, columns))}"
    return ""


Values = tuple[str, ...]  # In the order of ``ROLES``, trimmed.


class Row:
    """A row that can be used; ``flaws`` are what is to be noted of it, as pairs of reason and detail."""

    def __init__(self, values: Values, clock: Moments, settings: TableSettings, latest: datetime | None) -> None:
        (number, reported, heading, category, unit, channel, due, closed, verdict, code, name, lon, lat,
         self.caller) = values  # fmt: skip
        self.flaws: list[tuple[str, str]] = []
        self.number = number_of(number)
        if not reported:
            raise Refusal("no_reported_time")
        try:
            self.reported = clock(reported)
            self.closed = clock(closed) if closed else None
        except ValueError as error:
            raise Refusal("impossible_date", str(error)) from None
        if latest is not None and self.reported > latest:
            raise Refusal("time_in_future", f"reported {reported}")
        self.due = self._due(due, clock) if due else None
        if self.closed is not None and self.closed < self.reported:
            self.closed = self._late(closed, clock)
        self.title, long = short_title(heading)
        if long:
            self.flaws.append(("title_too_long", f"{len(heading):,} characters, cut"))
        self.category, self.unit, self.channel = short_text(category), short_text(unit), short_text(channel)
        self.verdict: Verdict = settings.verdicts.get(verdict, "")
        if verdict and not self.verdict and settings.verdicts and closed:
            self.flaws.append(("unknown_verdict", f"{verdict[:40]!r} is none of {', '.join(settings.verdicts)}"))
        self.code, self.name = code, name
        try:
            self.point = turned(point_of(lon, lat), settings.coordinates)
        except Refusal as refusal:
            self.point = None
            self.flaws.insert(0, (refusal.reason, refusal.detail))

    def _due(self, text: str, clock: Moments) -> datetime | None:
        """The deadline; a mere day means its end. One that cannot be is noted, and the ticket has none."""
        try:
            due = clock(text)
        except ValueError as error:
            self.flaws.append(("impossible_date", f"due: {error}"))
            return None
        return clock.day_end(due) if clock.is_day(text) else due

    def _late(self, text: str, clock: Moments) -> datetime:
        """The closing where it seems to precede the report: later the same day, or in the hour that comes twice."""
        assert self.closed is not None
        if clock.is_day(text) and clock.day_end(self.closed) >= self.reported:
            return self.reported
        again = clock.second_run(self.closed)
        if again < self.reported:
            raise Refusal("closed_before_reported", f"closed {text}")
        return again


def read(chunk: Chunk, settings: TableSettings, ctx: Context) -> Reading:
    """The events of a chunk: ``<number>:reported`` for each row, and ``<number>:closed`` where it is closed.

    A row is refused whole, or passes; what is only flawed in it (its place, its coordinates, a title too
    long, a deadline that is none) passes with a note.
    """
    lines, bad = decode(chunk.body, settings.encoding)
    reading = Reading()
    items = reading.items
    rows = _fields(chunk, settings, lines) if chunk.columns else _objects(settings, lines)
    source = settings.source or settings.name
    clock = moments(settings.zone or ctx.city.zone, settings.time_formats)
    latest = None if chunk.read is None else chunk.read + AHEAD

    def note(reason: str, detail: str, start: int, end: int, caller: str, kept: bool = False) -> None:
        raw = mask(hidden("".join(lines[start:end]), caller)[:RAW].rstrip("\r\n"))
        items.append(Rejected(reason, raw, f"{chunk.unit} {chunk.line + start}", detail, kept))

    passed: list[tuple[int, int, Row]] = []
    for start, end, values in rows:
        caller = "" if isinstance(values, Refusal) else values[CALLER]
        try:
            if bad and not bad.isdisjoint(range(start, end)):
                raise Refusal("bad_encoding", f"is not {settings.encoding or 'UTF-8'}")
            if isinstance(values, Refusal):
                raise values
            passed.append((start, end, Row(values, clock, settings, latest)))
        except Refusal as refusal:
            note(refusal.reason, refusal.detail, start, end, caller)
    located = ctx.gazetteer.locate_many([row.point for _, _, row in passed])
    said = [
        (row.point, place)
        for (_, _, row), found in zip(passed, located, strict=True)
        if row.point is not None and found[0] is not None
        and (place := place_of(("code", "name"), row.code, row.name, (None, ""), ctx.places)[0])
    ]  # fmt: skip
    beyond = beside(said, settings.coordinates, ctx, source)
    if beyond is not None:
        items.append(beyond)
    for (start, end, row), found in zip(passed, located, strict=True):
        place, flaw = place_of(settings.place_by, row.code, row.name, found, ctx.places)
        if found[1] in ("zero_point", "swapped_point"):
            row.point = None
            row.flaws.append((found[1], "its place is known otherwise" if place else ""))
        elif flaw and row.flaws and row.flaws[0][0] == "bad_coordinates":
            flaw = "bad_coordinates"
        elif flaw:
            row.flaws.append((flaw, row.code or row.name))
        for reason, detail in row.flaws:
            note(reason, detail, start, end, row.caller, kept=True)
        if reading.latest is None or row.reported > reading.latest:
            reading.latest = row.reported
        number = row.number
        items.append(
            TicketReported(
                id=number + ":reported", source=source, time=row.reported, subject=number, title=row.title,
                category=row.category, unit=row.unit, channel=row.channel, place=place, point=row.point,
                due=row.due, flaw=flaw, caller=ctx.caller(row.caller) if row.caller else "",
            )
        )  # fmt: skip
        if row.closed is not None:
            items.append(
                TicketClosed(id=number + ":closed", source=source, time=row.closed, subject=number, verdict=row.verdict)
            )
    return reading


def hidden(raw: str, caller: str) -> str:
    """A refused row as it may be kept: without who called, whatever that looks like."""
    return raw.replace(caller, "***") if caller else raw


def _fields(chunk: Chunk, settings: TableSettings, lines: list[str]) -> Iterator[tuple[int, int, Values | Refusal]]:
    """The values of each record of a delimited table, in the order of ``ROLES``."""
    columns = chunk.columns
    width = len(columns)
    names = settings.columns.model_dump()
    pick = itemgetter(*(width if names[role] is None else columns.index(names[role]) for role in ROLES))
    for start, end, fields in split(lines, chunk.delimiter, width):
        if len(fields) == width:
            fields.append("")
            yield start, end, tuple(map(str.strip, pick(fields)))
        else:
            open_quote = "a quote is left open, or text stands behind one"
            wrong = f"{len(fields)} fields under {width} columns" if fields else open_quote
            yield start, end, Refusal("wrong_field_count", wrong)


def _objects(settings: TableSettings, lines: list[str]) -> Iterator[tuple[int, int, Values | Refusal]]:
    """The values of each line's JSON object, in the order of ``ROLES``."""
    names = list(settings.columns.model_dump().values())
    for at, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            record = msgspec.json.decode(line)
        except RecursionError:
            yield at, at + 1, Refusal("not_json", "is nested too deeply")
            continue
        except (msgspec.DecodeError, ValueError) as error:
            yield at, at + 1, Refusal("not_json", str(error))
            continue
        if not isinstance(record, dict):
            yield at, at + 1, Refusal("wrong_type", "is no object")
            continue
        try:
            yield at, at + 1, tuple("" if name is None else _text(record.get(name), name) for name in names)
        except Refusal as refusal:
            yield at, at + 1, refusal


def _text(value: object, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise Refusal("wrong_type", f"{name} is a {type(value).__name__}")
