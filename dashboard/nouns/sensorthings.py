"""One gauge or car park of the map, as a click on it is answered: its state and since when, its reading, its limits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from dashboard.nouns.noun import Document
from dashboard.nouns.sensoralerts import FAULTS
from dashboard.nouns.sensorlayers import GAUGES, PARKS, gauge_state, is_park, park_state
from dashboard.nouns.sensors import SLOT, SLOTS, Gauge, Sensors
from dashboard.nouns.thresholds import Thresholds
from dashboard.words import Words, measured

ABOUT = {
    "ails": Words("异常", "Fault"), "warn": Words("警戒值", "Warns at"), "alarm": Words("超限值", "Alarms at"),
    "source": Words("数据源", "Feed"), "number": Words("编号", "Number"),
}  # fmt: skip


def view_thing(
    board: Sensors, key: str, now: float, *, names: tuple[str, ...], state: Callable[[Sensors, Gauge, float], str]
) -> Document:
    """One gauge: its state as a number of ``names`` and since when, its latest reading, and what is known of it.

    ``long`` says that it has been so for as long as the gauge is remembered: a day.
    """
    gauge = board.gauges.get(key.removeprefix("gauge|")) if key.startswith("gauge|") else None
    if gauge is None:
        return {}
    limits = board.limits(gauge)
    fault = gauge.fault(limits, now)
    since, long = _since(gauge, limits, fault)
    about: list[tuple[Words, Words]] = [(ABOUT["ails"], FAULTS[fault])] if fault in FAULTS else []
    for name, limit in (("warn", limits.warn), ("alarm", limits.alarm)):
        if limit is not None and not is_park(gauge):
            about.append((ABOUT[name], Words(*(measured(limit, gauge.unit, lang) for lang in ("zh", "en")))))
    about += [(ABOUT["source"], Words(gauge.source, gauge.source)), (ABOUT["number"], Words(*[gauge.sensor] * 2))]
    return {
        "name": gauge.name or gauge.sensor, "state": names.index(state(board, gauge, now)), "since": since,
        "long": long, "at": gauge.at if gauge.id else None, "place": gauge.place,
        "reading": [gauge.value if gauge.id else None, gauge.unit, gauge.capacity],
        "about": [[label.zh, label.en, text.zh, text.en] for label, text in about],
    }  # fmt: skip


def _since(gauge: Gauge, limits: Thresholds, fault: str) -> tuple[float | None, bool]:
    """Since when a gauge is as it is, to a quarter of an hour, and whether that is as far back as is remembered."""
    long = SLOT * (SLOTS - 2)
    if fault:
        since = gauge.unchanged_since() if fault == "stuck" else gauge.at if fault == "silent" else None
        return since, fault == "stuck" and gauge.at - gauge.unchanged_since() > long
    grade = gauge.grade(limits)
    if grade == "none" or is_park(gauge):
        return None, False
    begin = gauge.at
    for number in sorted(gauge.slots, reverse=True):
        if gauge.graded(gauge.slots[number].value, limits) != grade:
            break
        begin = number * SLOT
    return begin, gauge.at - begin > long


THINGS = {
    "gauge_thing": partial(view_thing, names=GAUGES, state=gauge_state),
    "park_thing": partial(view_thing, names=PARKS, state=park_state),
}
