"""Rows of a database or of pushed messages: as readings, as tickets, or by a map as any event of the house."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from dashboard.sources.feed import Context, Parsed
from dashboard.sources.mapped import mapped
from dashboard.sources.mapping import EventMap, MapSettings
from dashboard.sources.readings import Reader, Reading, ReadingSettings, Record
from dashboard.sources.tables import Chunk, Columns, TableSettings
from dashboard.sources.tables import read as read_table


class RowSettings(ReadingSettings):
    """What the rows are: readings (one or more of each), tickets with columns as those of a table's file, or by
    ``[feeds.map]`` any event of the house.
    """

    columns: Columns | None = None
    map: EventMap | None = None
    verdicts: dict[str, Literal["on_time", "overdue"]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _something(self) -> RowSettings:
        if sum((self.columns is not None, bool(self.readings), self.map is not None)) != 1:
            raise ValueError(
                "say what the rows are: [feeds.columns] for tickets, [[feeds.readings]], or [feeds.map] for any event"
            )
        return self

    @property
    def fills(self) -> tuple[str, ...]:
        """The noun that these rows fill."""
        return ("sensor",) if self.readings else ("ticket",) if self.map is None else self.map.noun

    def wanted(self) -> dict[str, str]:
        """The keys that are mapped, by the setting that names them; JMESPaths are left out."""
        if self.columns is not None:
            return {f"columns.{role}": key for role, key in self.columns.model_dump(exclude_none=True).items()}
        if self.map is not None:
            return {f"map.fields.{name}": key for name, key in self.map.fields.items() if key.isidentifier()}
        return {
            f"readings.{role}": key for reading in self.readings for role, key in _keys(reading) if key.isidentifier()
        }


def _keys(reading: Reading) -> list[tuple[str, str]]:
    roles = ("value", "sensor", "time", "name", "place", "lon", "lat", "capacity")
    return [(role, key) for role in roles if (key := getattr(reading, role)) is not None]


def read_rows(records: Iterable[Record], settings: RowSettings, ctx: Context) -> Parsed:
    """The events of records and what is refused of them, each by itself."""
    if settings.readings:
        yield from Reader(settings, ctx).read((record, one) for record in records for one in settings.readings)
        return
    if settings.map is not None:
        rules = MapSettings(
            name=settings.name, kind=settings.kind, source=settings.source, zone=settings.zone,
            time_formats=settings.time_formats, place_by=settings.place_by, coordinates=settings.coordinates,
            **dict(settings.map),
        )  # fmt: skip
        rows = list(records)
        yield from mapped([plain(row.data) for row in rows], rules, ctx, [row.where for row in rows])
        return
    assert settings.columns is not None
    body = "\n".join(json.dumps(plain(record.data), ensure_ascii=False, default=str) for record in records)
    table = TableSettings(
        name=settings.name, kind=settings.kind, source=settings.source, columns=settings.columns,
        verdicts=settings.verdicts, zone=settings.zone, time_formats=settings.time_formats,
        place_by=settings.place_by, coordinates=settings.coordinates,
    )  # fmt: skip
    chunk = Chunk(body.encode("utf-8", "backslashreplace"), 1, unit="row", read=ctx.now())
    yield from read_table(chunk, table, ctx).items


def plain(data: Any) -> Any:
    """A record with its values as JSON can hold them; numbers that are none become texts, and are refused as such."""
    return {str(key): value_of(value) for key, value in data.items()} if isinstance(data, dict) else data


def value_of(value: Any) -> Any:
    """One value as JSON can hold it: a time in ISO form, a decimal as it is written, bytes as text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    return value
