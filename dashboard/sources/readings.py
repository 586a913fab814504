"""Readings out of other systems' records: which key means what, and how each becomes an event or is refused.

Pure: records go in, events and refusals come out. How they are fetched is the feed's part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dashboard.events import Event
from dashboard.nouns.sensors import SPELLINGS, UNITS, SensorReading, standard
from dashboard.sources.feed import Context, Rejected, Settings
from dashboard.sources.quantities import number
from dashboard.sources.values import ROUNDED, Moments, Refusal, moments, place_of, point_of, raw_of, short_text
from dashboard.sources.whereabouts import PointSettings, beside, turned

AHEAD = timedelta(minutes=10)  # By how much a sensor's clock may be fast.
LONGEST = 120  # Characters of a sensor's id.
LARGEST = 1e15  # No gauge of a city reads more.


class Reading(BaseModel):
    """Where a record tells a reading: each entry is a key of the record or a JMESPath into it (https://jmespath.org).

    ``unit`` is what the source measures in; it is converted to the quantity's own, and never guessed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    quantity: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    unit: str
    value: str = "value"
    sensor: str = "sensor"
    time: str = "time"
    name: str | None = None
    place: str | None = None  # Holds a code or a name.
    lon: str | None = None
    lat: str | None = None
    capacity: str | None = None
    range: tuple[float, float] | None = None  # What the sensor can read at all, in the source's unit.

    @model_validator(mode="after")
    def _fits(self) -> Reading:
        standard(0.0, self.unit, self.quantity)
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon and lat go together; name both keys or none")
        return self

    @field_validator("value", "sensor", "time", "name", "place", "lon", "lat", "capacity")
    @classmethod
    def _path(cls, value: str | None) -> str | None:
        if value is not None and not value:
            raise ValueError("names no key; leave it out where the source has none")
        return value


class ReadingSettings(PointSettings, Settings):
    """What is common to the kinds whose records are readings."""

    readings: tuple[Reading, ...] = ()
    zone: str | None = None  # Of times that name none; the city's.
    time_formats: Annotated[tuple[str, ...], Field(min_length=1)] = ("iso",)  # Also "unix", "unix_ms", or as strptime.
    place_by: tuple[Literal["code", "point", "name"], ...] = ("code", "name", "point")
    missing: tuple[str, ...] = ("", "-", "--", "/", "NA", "N/A", "NaN", "null", "None", "-999999", "-9999")

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(f"{value!r} is no time zone; write one such as Asia/Shanghai")
        return value


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it came. ``known`` is what is told beside it, such as by a topic; ``arrived`` stands in for a time
    that it does not name.
    """

    data: Any
    where: str
    known: Mapping[str, str] | None = None
    arrived: datetime | None = None


@lru_cache(maxsize=1024)
def _compiled(path: str) -> ParsedResult | None:
    try:
        return jmespath.compile(path)
    except (JMESPathError, ValueError):
        return None


def find(data: Any, path: str) -> Any:
    """What stands at a key of ``data`` or, failing that, at a JMESPath into it; None where there is nothing."""
    if isinstance(data, Mapping) and path in data:
        return data[path]
    compiled = _compiled(path)
    if compiled is None:
        return None
    try:
        return compiled.search(data)
    except (JMESPathError, RecursionError):
        return None


class Reader:
    """Reads records for one feed: its settings, the city's places, and the latest moment that can be."""

    def __init__(self, settings: ReadingSettings, ctx: Context) -> None:
        self.settings, self.ctx = settings, ctx
        self.source = settings.source or settings.name
        formats = tuple("unix" if form == "unix_ms" else form for form in settings.time_formats)
        self.clock: Moments = moments(settings.zone or ctx.city.zone, formats)
        self.millis = "unix_ms" in settings.time_formats
        self.latest = ctx.now() + AHEAD

    def read(self, records: Iterable[tuple[Record, Reading]]) -> Iterator[Event | Rejected]:
        """The readings of records, each with how it is to be read; a record without its value is refused alone."""
        passed: list[tuple[Record, dict[str, Any], list[tuple[str, str]], str, str]] = []
        for record, reading in records:
            try:
                passed.append((record, *self._fields(record, reading)))
            except Refusal as refusal:
                yield Rejected(refusal.reason, raw_of(record.data), record.where, refusal.detail)
        located = self.ctx.gazetteer.locate_many([fields["point"] for _, fields, _, _, _ in passed])
        said = [
            (fields["point"], code)
            for (_, fields, _, code, _), found in zip(passed, located, strict=True)
            if found[0] is not None and code in self.ctx.places
        ]
        note = beside(said, self.settings.coordinates, self.ctx, self.settings.name)
        if note is not None:
            yield note
        for (record, fields, flaws, code, name), found in zip(passed, located, strict=True):
            place, flaw = place_of(self.settings.place_by, code, name, found, self.ctx.places)
            if found[1] in ("zero_point", "swapped_point"):
                fields["point"] = None
                flaws.append((found[1], "its place is known otherwise" if place else ""))
            elif flaw == "unknown_place" and record.known is not None and "place" in record.known:
                yield Rejected("foreign_place", raw_of(record.data), record.where, f"{code[:40]!r} is no place here")
                continue
            elif flaw and not (flaws and flaws[-1][0] == "bad_coordinates"):
                flaws.append((flaw, short_text(code)))
            for reason, detail in flaws:
                yield Rejected(reason, raw_of(record.data), record.where, detail, kept=True)
            yield SensorReading(**fields, place=place, flaw=flaw)

    def _fields(self, record: Record, reading: Reading) -> tuple[dict[str, Any], list[tuple[str, str]], str, str]:
        """The fields of the event, its flaws, and the code and name of its place."""
        flaws: list[tuple[str, str]] = []

        def text(role: str, path: str | None) -> str:
            if record.known is not None and role in record.known:
                return record.known[role]
            value = None if path is None else find(record.data, path)
            if value is None:
                return ""
            if isinstance(value, bool) or not isinstance(value, str | int | float | datetime):
                raise Refusal("wrong_type", f"{path} is a {type(value).__name__}")
            return value.isoformat() if isinstance(value, datetime) else str(value).strip()

        sensor = text("sensor", reading.sensor)
        if not sensor:
            raise Refusal("no_sensor", f"{reading.sensor} is empty or not there")
        if len(sensor) > LONGEST or not sensor.isprintable() or "|" in sensor or ROUNDED.fullmatch(sensor):
            raise Refusal("bad_sensor", f"{sensor[:40]!r} is too long, was rounded, or holds what no id may hold")
        value = find(record.data, reading.value)
        if value is None or str(value).strip() in self.settings.missing:
            raise Refusal("no_value", f"{reading.value} is {str(value)[:20]!r}")
        measured = number(value, reading.unit)
        if abs(measured) > LARGEST:
            raise Refusal("impossible_value", f"{measured:g} is beyond all gauges")
        if reading.range is not None and not reading.range[0] <= measured <= reading.range[1]:
            raise Refusal("impossible_value", f"{measured:g} {reading.unit} is outside {reading.range}")
        kept, unit = standard(measured, reading.unit, reading.quantity)
        if abs(kept) > LARGEST:
            raise Refusal("impossible_value", f"{measured:g} {reading.unit} is beyond all gauges")
        time = self._time(text("time", reading.time), record)
        capacity: float | None = None
        if reading.capacity is not None and (size := find(record.data, reading.capacity)) is not None:
            capacity = number(size)
            if not 0 <= capacity <= LARGEST:
                raise Refusal("impossible_value", f"a capacity of {capacity:g}")
            if kept > capacity:
                flaws.append(("over_capacity", f"{kept:g} of {capacity:g}"))
        if reading.quantity in ("occupied", "rain") and kept < 0:
            raise Refusal("impossible_value", f"{kept:g} {unit} of {reading.quantity}")
        point = None
        try:
            point = turned(point_of(text("lon", reading.lon), text("lat", reading.lat)), self.settings.coordinates)
        except Refusal as refusal:
            flaws.append((refusal.reason, refusal.detail))
        place = text("place", reading.place)
        fields = {
            "id": f"{sensor}:{reading.quantity}:{time.isoformat()}", "source": self.source, "subject": sensor,
            "time": time, "quantity": reading.quantity, "value": kept, "unit": unit, "capacity": capacity,
            "name": short_text(text("name", reading.name)), "point": point,
        }  # fmt: skip
        named = self.ctx.places.named(place) if place and place not in self.ctx.places else None
        return fields, flaws, named or place, ""

    def _time(self, said: str, record: Record) -> datetime:
        if not said:
            if record.arrived is None:
                raise Refusal("no_time", "it does not say when; set arrival = true to take the time it comes")
            return record.arrived
        if self.millis and said.removeprefix("-").isdigit():
            said = str(int(said) / 1000)
        try:
            time = self.clock(said)
        except (ValueError, OverflowError) as error:
            raise Refusal("impossible_date", str(error)) from None
        if time > self.latest:
            raise Refusal("time_in_future", f"{said[:40]}; set the sensor's clock")
        return time


def kept_unit(reading: Reading) -> str:
    """The unit in which a reading is kept."""
    return UNITS.get(reading.quantity) or SPELLINGS.get(reading.unit, reading.unit)
