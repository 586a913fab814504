"""Sensors: what a gauge reads, in which unit, how it stood over the last day, and whether it is to be believed.

A gauge that stops changing or stops reporting is a fault, not calm weather: it keeps its last value only
together with the fault and the age.
"""

from __future__ import annotations

from math import isfinite
from typing import Annotated

import msgspec

from dashboard.events import Event
from dashboard.nouns.noun import Rules, SetBack
from dashboard.nouns.standing import Standing
from dashboard.nouns.thresholds import Thresholds

SLOT = 900  # Seconds; of each slot the latest value, the least and the greatest are kept.
SLOTS = 96  # A day.
TREND = 3600  # Seconds over which a trend is taken.
GRADES = ("none", "normal", "warn", "alarm")
FAULTS = ("never", "wrong_unit", "silent", "stuck")

UNITS: dict[str, str] = {
    "level": "m", "rain": "mm", "flow": "m3/s", "temperature": "°C", "humidity": "%", "pressure": "hPa",
    "wind": "m/s", "battery": "V", "occupied": "spaces", "pm2_5": "µg/m3", "pm10": "µg/m3", "noise": "dB",
}  # fmt: skip
"""The unit each known quantity is kept in; a quantity that is not listed keeps the unit it comes in."""

FACTORS: dict[str, dict[str, float]] = {
    "m": {"mm": 0.001, "cm": 0.01, "dm": 0.1, "km": 1000.0, "ft": 0.3048, "in": 0.0254},
    "mm": {"cm": 10.0, "m": 1000.0, "in": 25.4},
    "m3/s": {"l/s": 0.001, "m3/h": 1 / 3600, "ft3/s": 0.028316846592},
    "hPa": {"Pa": 0.01, "kPa": 10.0, "mbar": 1.0},
    "m/s": {"km/h": 1 / 3.6, "kn": 1852 / 3600},
    "V": {"mV": 0.001},
    "µg/m3": {"mg/m3": 1000.0},
}
"""What one of another unit is in the unit that is kept. A foot is 0.3048 m exactly (1959), an inch 25.4 mm."""

SPELLINGS = {
    "米": "m", "厘米": "cm", "毫米": "mm", "feet": "ft", "foot": "ft", "m³/s": "m3/s", "ft³/s": "ft3/s", "cfs": "ft3/s",
    "℃": "°C", "C": "°C", "deg C": "°C", "μg/m³": "µg/m3", "µg/m³": "µg/m3", "ug/m3": "µg/m3", "μg/m3": "µg/m3",
    "个": "spaces", "泊位": "spaces", "in/h": "in",
}  # fmt: skip


Finite = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]  # No gauge of a city reads more.


class SensorReading(Event, frozen=True, kw_only=True, omit_defaults=True, tag="sensor.reading"):
    """A sensor (``subject``) measured ``value`` of ``quantity``, in the declared ``unit``, at ``time``.

    ``capacity`` is what the value is out of, where there is such a thing (a car park's spaces). ``place`` is a
    code, empty where only the city is known, and then ``flaw`` says why; ``point`` is (lon, lat) in WGS-84 degrees.
    """

    quantity: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    value: Finite
    unit: str
    name: str = ""
    capacity: Annotated[float, msgspec.Meta(ge=0, le=1e15)] | None = None
    place: str = ""
    point: tuple[float, float] | None = None
    flaw: str = ""


def standard(value: float, unit: str, quantity: str) -> tuple[float, str]:
    """``value`` in the unit its quantity is kept in, and that unit.

    Raises:
        ValueError: if the unit is none of this quantity; it is never guessed.

    >>> standard(10.0, "feet", "level")
    (3.048, 'm')
    """
    unit = SPELLINGS.get(unit, unit)
    kept = UNITS.get(quantity, unit)
    if unit == kept:
        return value, kept
    factor = FACTORS.get(kept, {}).get(unit)
    if factor is not None:
        return value * factor, kept
    if (unit, kept) == ("°F", "°C"):
        return (value - 32) / 1.8, kept
    raise ValueError(f"{unit or 'no unit'} is no unit of {quantity}; declare {kept} or one that converts to it")


def key_of(source: str, sensor: str, quantity: str, unit: str) -> str:
    """The name of a gauge. Where the house knows no unit for a quantity, another unit is another gauge."""
    return f"{source}|{sensor}|{quantity}" + ("" if quantity in UNITS else f"|{unit}")


class Slot(msgspec.Struct, gc=False, array_like=True):
    """What was read in a quarter of an hour: the latest (moment, event id, value), the least and the greatest."""

    moment: float
    id: str
    value: float
    low: float
    high: float


class Gauge(msgspec.Struct, array_like=True):
    """What is known of one quantity of one sensor; ``at`` and ``id`` are those of its latest reading."""

    source: str
    sensor: str
    quantity: str
    unit: str = ""
    at: float = 0.0
    id: str = ""
    value: float = 0.0
    name: str = ""
    capacity: float | None = None
    place: str = ""
    lon: float | None = None
    lat: float | None = None
    flaw: str = ""
    slots: dict[int, Slot] = {}
    odd: tuple[float, str] | None = None  # The latest reading in a unit that is none of the quantity: moment, unit.

    @property
    def key(self) -> str:
        """The gauge's name across all sources; a source holds no ``|``."""
        return key_of(self.source, self.sensor, self.quantity, self.unit)

    def take(self, event: SensorReading) -> None:
        """Take in a reading; the same readings in any order, any number of times, end in the same gauge."""
        moment = event.time.timestamp()
        try:
            value, _ = standard(event.value, event.unit, self.quantity)
        except ValueError:
            self.odd = max(self.odd or (moment, event.unit), (moment, event.unit))
            return
        number, newest = int(moment // SLOT), int(self.at // SLOT)
        if number > newest - SLOTS:
            known = self.slots.get(number)
            if known is None:
                self.slots[number] = Slot(moment, event.id, value, value, value)
            else:
                known.low, known.high = min(known.low, value), max(known.high, value)
                if (moment, event.id) > (known.moment, known.id):
                    known.moment, known.id, known.value = moment, event.id, value
        if (moment, event.id) > (self.at, self.id):
            self.at, self.id, self.value = moment, event.id, value
            self.name, self.capacity, self.flaw = event.name, event.capacity, event.flaw
            self.place = event.place
            self.lon, self.lat = event.point or (None, None)
            if number > newest:
                self.slots = {at: slot for at, slot in self.slots.items() if at > number - SLOTS}

    def set_back(self, now: float) -> None:
        """Hold what it read at moments after ``now`` to be of now: it was stamped by a clock that ran ahead."""
        if self.odd is not None and self.odd[0] > now:
            self.odd = now, self.odd[1]
        if self.at <= now:
            return
        self.at = now
        last = int(now // SLOT)
        self.slots = {number: slot for number, slot in self.slots.items() if number <= last}
        known = self.slots.get(last)
        if known is None:
            self.slots[last] = Slot(now, self.id, self.value, self.value, self.value)
        else:
            known.moment, known.id, known.value = now, self.id, self.value
            known.low, known.high = min(known.low, self.value), max(known.high, self.value)

    def series(self) -> list[Slot]:
        """The slots of the last day, oldest first."""
        return [slot for _, slot in sorted(self.slots.items())]

    def unchanged_since(self) -> float:
        """The earliest moment from which on every reading was the latest value; at most a day back."""
        since, newest = self.at, int(self.at // SLOT)
        for number in range(newest, newest - SLOTS, -1):
            slot = self.slots.get(number)
            if slot is None:
                continue
            if slot.low != self.value or slot.high != self.value:
                break
            since = min(since, slot.moment)
        return since

    def change(self) -> float | None:
        """By how much it changes in an hour, over the last hour; None where nothing was read an hour ago."""
        first, last = int((self.at - 2 * TREND) // SLOT), int((self.at - TREND + SLOT) // SLOT)
        earlier = [slot for number in range(first, last + 1) if (slot := self.slots.get(number)) is not None]
        earlier = [slot for slot in earlier if TREND - SLOT <= self.at - slot.moment <= 2 * TREND]
        if not earlier:
            return None
        start = min(earlier, key=lambda slot: abs(self.at - slot.moment - TREND))
        return (self.value - start.value) * 3600 / (self.at - start.moment)

    def fault(self, limits: Thresholds, now: float) -> str:
        """One of ``FAULTS``, or "" for a gauge that is to be believed."""
        if self.odd is not None and self.odd[0] >= self.at:
            return "wrong_unit"
        if not self.id:
            return "never"
        if now - self.at > 60 * (limits.silent_minutes or 60):
            return "silent"
        if limits.stuck_hours is not None and self.at - self.unchanged_since() >= 3600 * limits.stuck_hours - SLOT:
            return "stuck"
        return ""

    def grade(self, limits: Thresholds) -> str:
        """One of ``GRADES``; ``none`` where there is neither a threshold nor a value."""
        return self.graded(self.value, limits) if self.id else "none"

    @staticmethod
    def graded(value: float, limits: Thresholds) -> str:
        """The grade that a value has by thresholds."""
        if limits.warn is None and limits.alarm is None:
            return "none"
        sign = -1.0 if limits.low else 1.0
        for grade, limit in (("alarm", limits.alarm), ("warn", limits.warn)):
            if limit is not None and sign * value >= sign * limit:
                return grade
        return "normal"


class Sensors:
    """The sensors' slice of the board: every gauge, and which of them stand at or below each place."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.gauges: dict[str, Gauge] = {}
        self.standing = Standing(rules.places)
        self._limits: dict[str, Thresholds] = {}
        self._time = SetBack()

    def fold(self, event: Event) -> None:
        """Take in a reading. One that is no finite number cannot come by a feed, and is left out here."""
        if not isinstance(event, SensorReading) or not isfinite(event.value):
            return
        unit = UNITS.get(event.quantity) or SPELLINGS.get(event.unit, event.unit)
        event = self._time.held(event)
        key = key_of(event.source, event.subject, event.quantity, unit)
        gauge = self.gauges.get(key)
        if gauge is None:
            gauge = self.gauges[key] = Gauge(event.source, event.subject, event.quantity, unit)
            self.standing.put(key, gauge.place)
        before = gauge.place
        gauge.take(event)
        self.standing.move(key, before, gauge.place)

    def at(self, place: str) -> list[Gauge]:
        """The gauges at or below a place, by key."""
        return [self.gauges[key] for key in self.standing.at(place)]

    def limits(self, gauge: Gauge) -> Thresholds:
        """The thresholds of a gauge."""
        found = self._limits.get(gauge.key)
        if found is None:
            found = self._limits[gauge.key] = self.rules.sensors.of(gauge.sensor, gauge.quantity)
        return found

    def never(self) -> list[str]:
        """The sensors that the city file expects and nobody has heard of, as ``sensor`` or ``sensor/quantity``."""
        heard = {gauge.sensor for gauge in self.gauges.values()}
        heard |= {f"{gauge.sensor}/{gauge.quantity}" for gauge in self.gauges.values()}
        return sorted(set(self.rules.sensors.points) - heard)

    def advance(self, now: float) -> None:
        """Ages and faults are worked out when a view is asked for; only a clock that is put right changes anything."""
        if self._time.to(now):
            for gauge in self.gauges.values():
                gauge.set_back(now)

    def dump(self) -> object:
        """The gauges."""
        return list(self.gauges.values())

    def load(self, dumped: object) -> None:
        """Take the gauges back."""
        self.gauges, self.standing = {}, Standing(self.rules.places)
        for gauge in msgspec.convert(dumped, list[Gauge]):
            self.gauges[gauge.key] = gauge
            self.standing.put(gauge.key, gauge.place)
