"""Alerts of gauges: those over a threshold, and those that are stuck, silent or were never heard of.

Since when a gauge is over its threshold, the quarters of an hour of its last day tell; what lasts for longer is told
anew after a day. Where several gauges of one source fell silent, that is one alert.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from dashboard.nouns.noun import Alert
from dashboard.nouns.sensors import SLOT, SLOTS, Gauge, Sensors
from dashboard.nouns.thresholds import Thresholds
from dashboard.words import Words

OVER = {"alarm": 2, "warn": 3}
FAULT = 4
TOGETHER = 4  # So many gauges of one source with one fault are one alert.
GAP = 4  # Quarters of an hour without a reading that do not end an occurrence.
FAULTS = {
    "silent": Words("失联", "silent"),
    "stuck": Words("读数停滞", "stuck"),
    "wrong_unit": Words("单位不符", "wrong unit"),
}


def alerts(board: Sensors, now: float) -> Iterator[Alert]:
    """What of the gauges somebody has to see to, and what of the last day is over."""
    broken: dict[tuple[str, str], list[Gauge]] = defaultdict(list)
    for key in sorted(board.gauges):
        gauge = board.gauges[key]
        limits = board.limits(gauge)
        fault = gauge.fault(limits, now)
        if fault in FAULTS:
            broken[gauge.source, fault].append(gauge)
        if fault in ("", "stuck"):
            yield from _over(gauge, limits, now)
    for (source, fault), found in sorted(broken.items()):
        if len(found) < TOGETHER:
            for gauge in found:
                yield _broken(gauge, fault)
            continue
        first = min(found, key=lambda gauge: (gauge.at, gauge.key))
        words = FAULTS[fault]
        yield Alert(
            f"sensor|{fault}|{source}|{first.at:.0f}", FAULT - 1, first.at,
            Words(f"{len(found)} 个感知设备{words.zh} · {source}", f"{len(found)} gauges {words.en} · {source}"),
            Words(*("、".join(gauge.name or gauge.sensor for gauge in found[:4]),) * 2),
        )  # fmt: skip
    for name in board.never():
        yield Alert(
            f"sensor|never|{name}",
            FAULT,
            now - now % 86400,
            Words(f"感知设备从未上报 · {name}", f"Never heard of · {name}"),
        )


def _broken(gauge: Gauge, fault: str) -> Alert:
    name, words = gauge.name or gauge.sensor, FAULTS[fault]
    since = (
        gauge.unchanged_since()
        if fault == "stuck"
        else gauge.odd[0]
        if fault == "wrong_unit" and gauge.odd
        else gauge.at
    )
    # What has stood still for all of the day that is remembered has no beginning that would stay the same.
    mark = "long" if fault == "stuck" and gauge.at - since > SLOT * (SLOTS - 2) else f"{since // SLOT:.0f}"
    return Alert(
        f"sensor|{fault}|{gauge.key}|{'' if fault == 'wrong_unit' else mark}", FAULT, since,
        Words(f"{words.zh} · {name}", f"{words.en.capitalize()} · {name}"),
        Words(f"最后读数 {gauge.value:g} {gauge.unit}", f"Last reading {gauge.value:g} {gauge.unit}"), gauge.place,
    )  # fmt: skip


def _over(gauge: Gauge, limits: Thresholds, now: float) -> Iterator[Alert]:
    """The occurrence that lasts, or the latest of the day that has ended."""
    first = limits.warn if limits.warn is not None else limits.alarm
    if first is None:
        return
    sign = -1.0 if limits.low else 1.0
    beyond = [slot.low <= first if limits.low else slot.high >= first for slot in gauge.series()]
    if not any(beyond):
        return
    numbers = sorted(gauge.slots)
    last = max(at for at, over in enumerate(beyond) if over)
    begin = last
    for at in range(last - 1, -1, -1):
        if beyond[at] and numbers[begin] - numbers[at] <= GAP:
            begin = at
    grade = gauge.grade(limits)
    stands = grade in OVER
    if not stands and int(now // SLOT) - numbers[last] <= 0:
        return  # It was over for a moment of this quarter of an hour: what becomes of it is told then.
    worst = max(
        sign * (gauge.slots[number].low if limits.low else gauge.slots[number].high)
        for number in numbers[begin : last + 1]
    )
    severity = OVER["alarm"] if limits.alarm is not None and worst >= sign * limits.alarm else OVER["warn"]
    name, value = gauge.name or gauge.sensor, gauge.value if stands else sign * worst
    long = numbers[begin] <= int(gauge.at // SLOT) - SLOTS + 2
    since = numbers[begin] * SLOT
    bound = limits.alarm if severity == OVER["alarm"] else first
    words = Words("超警戒", "alarm") if severity == OVER["alarm"] else Words("超预警", "warning")
    yield Alert(
        f"sensor|over|{gauge.key}|{'long' if long else numbers[begin]}", OVER[grade] if stands else severity, since,
        Words(f"{name} {words.zh} {value:g} {gauge.unit}", f"{name}: {words.en}, {value:g} {gauge.unit}"),
        Words(f"阈值 {bound:g} {gauge.unit}", f"Threshold {bound:g} {gauge.unit}"), gauge.place,
        ended=None if stands else (numbers[last] + 1) * SLOT,
    )  # fmt: skip
