"""Thresholds as the city file sets them, for sensors, cloud, video, service and market: none is a constant."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]
Many = Annotated[int, Field(ge=1)]


class Thresholds(BaseModel):
    """When a gauge warns and when it is held to be broken; what is left out is taken from its quantity's.

    ``warn`` and ``alarm`` are in the quantity's own unit (see ``sensors.UNITS``); with ``low`` it is the small
    values that are bad. A gauge is silent when nothing was read for ``silent_minutes``, and stuck when it has
    said the same for ``stuck_hours``. ``steady`` is the change an hour that counts as none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    warn: float | None = None
    alarm: float | None = None
    low: bool | None = None
    silent_minutes: Positive | None = None
    stuck_hours: Annotated[float, Field(gt=0, le=24)] | None = None
    steady: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _order(self) -> Thresholds:
        if self.warn is not None and self.alarm is not None:
            wrong = self.alarm > self.warn if self.low else self.alarm < self.warn
            if wrong:
                raise ValueError("alarm lies before warn; swap them, or set low = true where small values are bad")
        return self

    def over(self, general: Thresholds) -> Thresholds:
        """These, and from ``general`` what is left out here; what contradicts these does not hold."""
        mine = self.model_dump(exclude_none=True)
        found = {**general.model_dump(exclude_none=True), **mine}
        warn, alarm = found.get("warn"), found.get("alarm")
        if warn is not None and alarm is not None and (alarm > warn if found.get("low") else alarm < warn):
            found = {name: value for name, value in found.items() if name in mine or name not in ("warn", "alarm")}
        return Thresholds(**found)


# Gauges of water say something else at least once in half a day; rain and parked cars may stay at 0 for long.
USUAL = {
    "level": Thresholds(stuck_hours=12, steady=0.02),
    "flow": Thresholds(stuck_hours=12),
    "temperature": Thresholds(stuck_hours=6, steady=0.5),
}


class SensorTable(BaseModel):
    """``[sensors]`` of the city file: thresholds by quantity, and by sensor or ``sensor/quantity``.

    A sensor that is named in ``points`` is expected: one that never reports is a fault and not absent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    silent_minutes: Positive = 60
    filling: Annotated[float, Field(gt=0, le=1)] = 0.85  # The share of spaces from which on a car park fills up …
    full: Annotated[float, Field(gt=0, le=1)] = 0.95  # … and from which on it is full.
    quantities: dict[str, Thresholds] = Field(default_factory=dict)
    points: dict[str, Thresholds] = Field(default_factory=dict)

    def of(self, sensor: str, quantity: str) -> Thresholds:
        """The thresholds of one gauge."""
        found = Thresholds(silent_minutes=self.silent_minutes)
        for more in (
            USUAL.get(quantity),
            self.quantities.get(quantity),
            self.points.get(sensor),
            self.points.get(f"{sensor}/{quantity}"),
        ):
            found = more.over(found) if more is not None else found
        return found


class IncidentTable(BaseModel):
    """``[incidents]`` of the city file: which open tickets are an emergency.

    Those of ``categories``; with ``urgent`` those that came as urgent; and those whose limit is at most ``hours`` on
    the clock that runs nights and holidays.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    categories: frozenset[str] = frozenset()
    urgent: bool = True
    hours: Positive | None = None


class CloudTable(BaseModel):
    """``[cloud]`` of the city file: when a sample is too old, a pool too full, a certificate near its end, a link slow,
    lossy or loaded.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    silent_minutes: Positive = 5
    full_warn: Annotated[float, Field(gt=0, le=1)] = 0.8
    full_alarm: Annotated[float, Field(gt=0, le=1)] = 0.9
    certificate_warn_days: Positive = 30
    certificate_alarm_days: Positive = 7
    latency_warn: Positive = 0.05  # Seconds.
    latency_alarm: Positive = 0.2
    loss_warn: Annotated[float, Field(gt=0, le=100)] = 1  # Percent, as are loads.
    loss_alarm: Annotated[float, Field(gt=0, le=100)] = 5
    load_warn: Annotated[float, Field(gt=0, le=100)] = 80
    load_alarm: Annotated[float, Field(gt=0, le=100)] = 95


class VideoTable(BaseModel):
    """``[video]`` of the city file: when a camera is offline, flapping or forgiven, and what falls together.

    A camera is offline after ``misses`` polls in a row that do not find it, and unknown once its platform has been
    silent for ``silent_intervals``. One that came or went ``flaps`` times within ``flap_minutes`` is damped until it
    has been ``calm_minutes`` without. For ``grace_minutes`` after its platform came back nothing is missed. Outages
    that begin within ``moment_seconds`` and are ``together`` or more, and at least ``half`` of what shares a
    platform, switch or street, are one fault; so are ``mass`` of all cameras, if they are ``many``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    misses: Annotated[int, Field(ge=1, le=20)] = 3
    silent_intervals: Annotated[float, Field(ge=1, le=100)] = 3
    flaps: Annotated[int, Field(ge=2, le=100)] = 6
    flap_minutes: Positive = 10
    calm_minutes: Positive = 5
    grace_minutes: Annotated[float, Field(ge=0, le=120)] = 3
    moment_seconds: Positive = 60
    together: Annotated[int, Field(ge=2)] = 3
    half: Annotated[float, Field(gt=0, le=1)] = 0.5
    mass: Annotated[float, Field(gt=0, le=1)] = 0.05
    many: Annotated[int, Field(ge=2)] = 200


class ServiceTable(BaseModel):
    """``[service]`` of the city file: the halls and their places, the redress of bad ratings, when a wait is long.

    ``halls`` maps the name of a hall to the code of its place; where any are named, others are unknown. A bad rating
    is to be put right within ``redress_days`` working days. A queue that was not heard of for ``silent_minutes`` is
    not known. A longest wait beyond ``wait_warn`` minutes warns, one beyond ``wait_alarm`` is an alert, and a graver
    one beyond ``wait_grave`` times that. Bad ratings whose time has lapsed are an alert, a graver one from
    ``redress_many`` on. Cases beyond what was promised are one when they are ``late_many`` and ``late_share`` of those
    in hand. ``goal`` is the share of cases to be on time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    halls: dict[str, str] = Field(default_factory=dict)
    redress_days: Positive = 15
    silent_minutes: Positive = 10
    wait_warn: Positive = 20
    wait_alarm: Positive = 40
    wait_grave: Annotated[float, Field(ge=1)] = 2
    redress_many: Many = 10
    late_many: Many = 20
    late_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    goal: Annotated[float, Field(gt=0, le=1)] = 0.98

    @model_validator(mode="after")
    def _waits(self) -> ServiceTable:
        if self.wait_alarm < self.wait_warn:
            raise ValueError("wait_alarm lies before wait_warn; swap them")
        return self


class MarketTable(BaseModel):
    """``[market]`` of the city file: when a certificate is near its end, and which tickets are 12315 complaints.

    A certificate warns ``due_days`` before its end. ``complaints`` are the categories of the tickets that are consumer
    complaints. ``food_goal`` is the share of food samples that is to pass; one that failed is to be followed up within
    ``food_days``. Lapsed certificates and neglected food are an alert, a graver one from ``lapsed_many`` and
    ``food_many`` on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    due_days: Positive = 30
    soon_days: Positive = 7
    complaints: tuple[str, ...] = ()
    food_goal: Annotated[float, Field(gt=0, le=1)] = 0.98
    food_days: Positive = 90
    lapsed_many: Many = 20
    food_many: Many = 10

    @model_validator(mode="after")
    def _days(self) -> MarketTable:
        if self.due_days < self.soon_days:
            raise ValueError("due_days lies before soon_days; swap them")
        return self


class SharingTable(BaseModel):
    """``[sharing]`` of the city file: who shares, when an entry or an API is broken, and what rests on which of them.

    Where ``departments`` are named, others are unknown. An entry is broken when it is late by more than
    ``broken_cycles`` of its cycles, an API while ``failing_share`` of at least ``failing_calls`` calls fail. A request
    is to be answered within ``answer_days`` work days unless its source says otherwise. ``rests`` maps an entry or an
    API, by name or id, to the feeds, nouns and panels that are greyed while it is broken.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    departments: tuple[str, ...] = ()
    broken_cycles: Annotated[float, Field(ge=1, le=100)] = 3
    failing_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    failing_calls: Annotated[int, Field(ge=1)] = 20
    answer_days: Positive = 10
    target: Annotated[float, Field(gt=0, le=1)] = 0.95
    rests: dict[str, tuple[str, ...]] = Field(default_factory=dict)
