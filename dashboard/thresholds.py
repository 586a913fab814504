"""Thresholds of sensors and of the cloud, as the city file sets them: no limit is a constant of the house."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]


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
        """These, and from ``general`` what is left out here."""
        return Thresholds(**{**general.model_dump(exclude_none=True), **self.model_dump(exclude_none=True)})


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


class CloudTable(BaseModel):
    """``[cloud]`` of the city file: when a sample is too old, a pool too full, a certificate near its end."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    silent_minutes: Positive = 5
    full_warn: Annotated[float, Field(gt=0, le=1)] = 0.8
    full_alarm: Annotated[float, Field(gt=0, le=1)] = 0.9
    certificate_warn_days: Positive = 30
    certificate_alarm_days: Positive = 7
