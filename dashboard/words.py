"""Texts in the two languages of the screen, and how numbers and durations are written in each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Words:
    """One text in Chinese and in English; a panel keeps its own beside its code."""

    zh: str
    en: str

    def __getitem__(self, language: str) -> str:
        return self.en if language == "en" else self.zh


DAYS = Words("日", "d")
DASH = "–"
"""What stands where there is no number: a rate without a denominator, a value that was never sent."""

LIGHTS: dict[str, tuple[str, Words]] = {
    "normal": ("●", Words("正常", "On track")),
    "soon": ("■", Words("临期", "Due soon")),
    "overdue": ("▲", Words("超期", "Overdue")),
    "worst": ("◆", Words("严重超期", "Long overdue")),
    "paused": ("❚", Words("暂停", "Paused")),
    "none": ("○", Words("无时限", "No limit")),
}
"""Shape and word of each light: colour is never alone."""

STAGES: dict[str, Words] = {
    "report": Words("上报", "Report"),
    "file": Words("立案", "File"),
    "dispatch": Words("派遣", "Dispatch"),
    "handle": Words("处置", "Handle"),
    "inspect": Words("核查", "Inspect"),
    "close": Words("结案", "Close"),
}
"""The six stages of a ticket as the wall names them, in the order of the work."""


CAMERAS: dict[str, tuple[str, Words]] = {
    "online": ("normal", Words("在线", "Online")),
    "degraded": ("soon", Words("异常", "Degraded")),
    "offline": ("overdue", Words("离线", "Offline")),
    "planned": ("paused", Words("计划停用", "Planned")),
    "unknown": ("none", Words("未知", "Unknown")),
}
"""The states of a camera: the light whose shape and colour each has, and its word."""

GRADES: dict[str, tuple[str, Words]] = {
    "down": ("overdue", Words("中断", "Down")),
    "alarm": ("worst", Words("越限", "Beyond limit")),
    "unknown": ("none", Words("未知", "Unknown")),
    "warn": ("soon", Words("预警", "Near limit")),
    "normal": ("normal", Words("正常", "Normal")),
}
"""How a link, a service or a host is, worst first: the light whose shape and colour it has, and its word."""

METRICS: dict[str, Words] = {
    "cpu": Words("计算", "Compute"),
    "memory": Words("内存", "Memory"),
    "storage": Words("存储", "Storage"),
    "gpu": Words("GPU", "GPU"),
}
"""What there is in a pool."""

LINES: dict[str, Words] = {"A": Words("主线", "main"), "B": Words("备线", "spare")}
"""The lines between the same two nodes."""


def count(number: int | float | None) -> str:
    """A whole number with thousands separators; a dash for None.

    >>> count(1234567), count(None)
    ('1,234,567', '–')
    """
    return DASH if number is None else f"{number:,.0f}"


@lru_cache(maxsize=4096)
def compact(number: int | float | None, language: str, room: int = 5) -> str:
    """A whole number in full where it has at most ``room`` digits, else in 万 and 亿, or K, M and B, to four digits.

    >>> compact(98765, "zh"), compact(12_345_678, "zh"), compact(12_345_678, "en"), compact(-250_000_000, "zh")
    ('98,765', '1235万', '12.35M', '-2.5亿')
    """
    if number is None or len(f"{abs(number):.0f}") <= room:
        return count(number)
    from babel.numbers import format_compact_decimal  # Its tables are read only where they are needed.

    locale = "en" if language == "en" else "zh"
    digits = sum(sign.isdigit() for sign in format_compact_decimal(number, locale=locale))
    return str(format_compact_decimal(number, locale=locale, fraction_digits=max(0, 4 - digits)))


def gained(n: int, language: str, room: int = 6) -> str:
    """A whole number as a change, with its sign.

    >>> gained(1240, "en"), gained(-3, "zh"), gained(0, "zh")
    ('+1,240', '−3', '±0')
    """
    return f"{'+' if n > 0 else '−' if n < 0 else '±'}{compact(abs(n), language, room)}"


def days_words(days: float, language: str, digits: int = 0) -> str:
    """A number of days; those that something is overdue by are below zero.

    >>> days_words(-8.07, "zh", 1), days_words(13.9, "en"), days_words(-0.2, "en")
    ('−8.1 日', '14 d', '0 d')
    """
    shown = f"{abs(days):.{digits}f}"
    sign = "−" if days < 0 and float(shown) else ""
    return f"{sign}{shown} {DAYS[language]}"


def in_percent(value: float, digits: int = 1) -> str:
    """A share that is given in percent, without the sign. What is neither none nor all is never rounded to either; what
    is more than all, or less than none, is written as it is. The browser's twin is ``assets/numbers.mjs``.

    >>> in_percent(99.98), in_percent(0.004, 2), in_percent(99.7, 0), in_percent(100.0), in_percent(0.0)
    ('99.9', '0.01', '99', '100.0', '0.0')
    >>> in_percent(1240.4, 0), in_percent(100.02), in_percent(-0.3)
    ('1,240', '100.0', '-0.3')
    """
    step = 10.0**-digits
    return f"{min(max(value, step), 100 - step) if 0 < value < 100 else value:,.{digits}f}"


def percent(part: float, whole: float, digits: int = 1) -> str:
    """``part`` of ``whole`` in percent as ``in_percent`` writes it; a dash where there is nothing to divide by.

    >>> percent(737, 972, 2), percent(25_995, 26_000), percent(1, 26_000), percent(0, 0)
    ('75.82', '99.9', '0.1', '–')
    """
    return DASH if whole == 0 else in_percent(100 * part / whole, digits)


MEASURES: dict[str, tuple[int, Words]] = {
    "m": (2, Words("m", "m")),
    "mm": (1, Words("mm", "mm")),
    "m3/s": (1, Words("m³/s", "m³/s")),
    "µg/m3": (0, Words("µg/m³", "µg/m³")),
    "°C": (1, Words("°C", "°C")),
    "spaces": (0, Words("泊位", "spaces")),
}
"""Of a unit that a gauge reads in: the decimals it is written with, and its word."""


def measured(value: float | None, unit: str, language: str) -> str:
    """What a gauge reads, with its unit; a dash where it never read anything, nothing where there is no gauge.

    >>> measured(0.231, "m", "zh"), measured(1204.0, "spaces", "en"), measured(None, "m", "zh")
    ('0.23 m', '1,204 spaces', '–')
    """
    if value is None:
        return DASH if unit else ""
    digits, words = MEASURES.get(unit, (1, Words(unit, unit)))
    return f"{value:,.{digits}f} {words[language]}".rstrip()


def duration(seconds: float) -> str:
    """A span as ``h:mm``, or days above two of them; negative when it is past.

    >>> duration(-42 * 60), duration(7200), duration(3 * 86400)
    ('−0:42', '2:00', '3 d')
    """
    sign, seconds = ("−" if seconds < 0 else ""), abs(seconds)
    if seconds >= 2 * 86400:
        return f"{sign}{seconds / 86400:,.0f} d"
    return f"{sign}{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d}"
