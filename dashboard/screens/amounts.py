"""How economic figures are written: amounts to the digits they bear, growth with its sign, periods in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.nouns.releases import Period
from dashboard.words import DASH, Words

PERIODS = {
    "month": Words("{year} 年 {n} 月", "{month} {year}"),
    "quarter": Words("{year} 年 {n} 季度", "Q{n} {year}"),
    "year": Words("{year} 年", "{year}"),
}
MONTH = Words("{n} 月", "{month}")
DAY = Words("{n} 月 {day} 日", "{day} {month}")
UP_TO = Words("1–{n} 月", "Jan–{month}")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


COUNTED = frozenset("户家件人个辆台套宗项")
"""Units of things that there are no parts of."""


def written(value: float | None, unit: str = "") -> str:
    """An amount with as many decimals as an amount of its size is told with, and without any where its ``unit`` is one
    of things that are counted; a dash for None.

    >>> written(3238.13), written(58.1), written(71204.0), written(0.0), written(None), written(6489.0, "户")
    ('3,238.1', '58.10', '71,204', '0', '–', '6,489')
    """
    if value is None:
        return DASH
    digits = 0 if abs(value) >= 10_000 or value == 0 or unit in COUNTED else 1 if abs(value) >= 100 else 2
    return f"{value:,.{digits}f}".replace("-", "−")


def signed(value: float | None, unit: str = "") -> str:
    """A change with its sign, to one decimal; what rounds to nothing has none.

    >>> signed(4.84, "%"), signed(-0.2, "pp"), signed(0.01), signed(None, "%")
    ('+4.8 %', '−0.2 pp', '0.0', '–')
    """
    if value is None:
        return DASH
    shown = f"{abs(value):,.1f}"
    sign = "" if float(shown.replace(",", "")) == 0 else "+" if value > 0 else "−"
    return f"{sign}{shown} {unit}".rstrip()


def period_words(text: str | None, language: str, span: str = "single") -> str:
    """A period as it is read aloud; of a cumulative figure, from January up to its end.

    >>> period_words("2026-10", "zh"), period_words("2026Q3", "en"), period_words("2026-10", "zh", "cumulative")
    ('2026 年 10 月', 'Q3 2026', '1–10 月')
    """
    if not text:
        return DASH
    try:
        period = Period.of(text)
    except ValueError:
        return text
    last = (period.start + period.months - 1) % 12
    if span == "cumulative" and period.months < 12:
        return UP_TO[language].format(n=last + 1, month=MONTHS[last])
    n = last // 3 + 1 if period.every == "quarter" else last + 1
    return PERIODS[period.every][language].format(year=period.year, n=n, month=MONTHS[last])


def day_words(moment: float, zone: ZoneInfo, language: str) -> str:
    """The day of a moment (seconds since 1970 UTC), without its year.

    >>> day_words(1_794_448_800.0, ZoneInfo("Asia/Shanghai"), "zh")
    '11 月 12 日'
    """
    day = datetime.fromtimestamp(moment, UTC).astimezone(zone)
    return DAY[language].format(n=day.month, month=MONTHS[day.month - 1], day=day.day)


def values(history: Sequence[Sequence[Any]]) -> dict[Period, float | None]:
    """A series' history as the view sends it, by period."""
    found = {}
    for text, value in history:
        try:
            found[Period.of(str(text))] = value
        except ValueError:
            continue
    return found


def singles(history: Sequence[Sequence[Any]], span: str) -> dict[Period, float | None]:
    """The values of single periods out of a series' history; of a cumulative one the differences within a year.

    Where the period before is not known, neither is the difference: January is often told with February only.
    """
    known = values(history)
    if span != "cumulative":
        return known
    found: dict[Period, float | None] = {}
    for period, value in known.items():
        before = 0.0 if period.first_of_year else known.get(period.shifted(-1))
        found[period] = None if value is None or before is None else value - before
    return found


def last_twelve(months: Mapping[Period, float | None]) -> tuple[list[Period], list[list[tuple[float | None, str]]]]:
    """The twelve months up to the last one that is known, and for each its columns: the year before, and now.

    ``months`` must not be empty.
    """
    last = max(months)
    twelve = [last.shifted(back) for back in range(-11, 1)]
    return twelve, [[(months.get(period.year_before), "before"), (months.get(period), "now")] for period in twelve]
