"""Numbers as people, reports and spreadsheets write them, with their units; read exactly or refused."""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal

from dashboard.values import Refusal

LARGEST = 1e18  # No count and no sum of money of a city is larger.
MISSING = frozenset(("", "-", "--", "–", "—", "——", "…", "...", "/", "*", "n/a", "na", "nil", "null", "none", "nan",
                     "无", "缺", "暂无", "待定", "未公布", "#n/a", "#value!", "#ref!", "#div/0!"))  # fmt: skip
SCALES = {"": 1, "十": 10, "百": 100, "千": 1000, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8,
          "十亿": 10**9, "百亿": 10**10, "千亿": 10**11, "万亿": 10**12}  # fmt: skip
UNITS = {"％": "%", "百分点": "pp", "个百分点": "pp", "百分比": "%", "p.p.": "pp"}
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?=\.?\d)(?P<whole>\d{1,3}(?:,\d{3})+|\d*)(?P<part>\.\d+)?(?P<power>[eE][+-]?\d{1,3})?"
    r" ?(?P<unit>[^\d,.+-].*)?"
)
_SCALED = re.compile(r"(万亿|[千百十]亿|[千百十]万|[亿万千百十]?)(.*)")
_MARKS = str.maketrans("−－﹣", "---")


def scale_of(unit: str) -> tuple[int, str]:
    """What one of ``unit`` counts, and the unit it counts in: 万元 is 10,000 of 元.

    >>> scale_of("万元"), scale_of("亿"), scale_of("kW")
    ((10000, '元'), (100000000, ''), (1, 'kW'))
    """
    unit = UNITS.get(unit, unit)
    found = _SCALED.fullmatch(unit)
    if found is None or (found[1] in ("百", "千", "十") and found[2][:1] in ("分", "瓦", "米", "克", "帕", "伏")):
        return 1, unit  # 千瓦 and 千克 are units by themselves.
    return SCALES[found[1]], found[2]


def quantity_of(value: object, unit: str = "") -> tuple[float | None, str]:
    """A number in ``unit``, and that unit; None for what says that there is no value: missing is never 0.

    Full-width digits, grouped thousands and scales (1.2万) are read. A text that names its unit must name one
    that is or scales to ``unit``; where ``unit`` is empty, the text's own is given.

    Raises:
        Refusal: ``bad_number``, ``not_finite``, ``wrong_unit``, or ``ambiguous_number`` where a number may
            mean several (1.234,5 or 1.2万 of 万元).

    >>> quantity_of("１，２３４．５"), quantity_of("1.2万", "元"), quantity_of("12%"), quantity_of("—")
    ((1234.5, ''), (12000.0, '元'), (12.0, '%'), (None, ''))
    """
    unit = UNITS.get(unit, unit)
    if value is None:
        return None, unit
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Refusal("bad_number", f"is a {type(value).__name__} and no number")
    if isinstance(value, int | float):
        return _bounded(value), unit
    text = unicodedata.normalize("NFKC", value[:200]).translate(_MARKS).strip()
    if text.lower() in MISSING:
        return None, unit
    if text.lower() in ("inf", "+inf", "-inf", "infinity", "-infinity", "∞"):
        raise Refusal("not_finite", f"{text} is beyond all numbers")
    found = _NUMBER.fullmatch(text)
    if found is None or len(value) > 200:
        if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})*,\d+|[+-]?\d+(,\d+)+(\.\d+)?", text):
            raise Refusal("ambiguous_number", f"{text[:40]!r} may be several numbers; write 1234.5 or 1,234.5")
        raise Refusal("bad_number", f"{text[:40]!r} is no number")
    number = Decimal(
        f"{found['sign']}{found['whole'].replace(',', '') or 0}{found['part'] or ''}{found['power'] or ''}"
    )
    factor, unit = _fitting((found["unit"] or "").strip(), unit, text)
    return _bounded(number * factor), unit


def _fitting(said: str, unit: str, text: str) -> tuple[Decimal, str]:
    """By what to multiply a number in the unit it ``said``, to have it in ``unit``."""
    if not said:
        return Decimal(1), unit
    scale, base = scale_of(said)
    wanted, known = scale_of(unit)
    if base == known:
        return Decimal(scale) / wanted, unit
    if not base:
        if wanted > 1:
            raise Refusal(
                "ambiguous_number", f"{text[:40]!r} counted in {unit} may be several numbers; write it plainly"
            )
        return Decimal(scale), unit
    if not unit:
        return Decimal(1), UNITS.get(said, said)
    raise Refusal("wrong_unit", f"{text[:40]!r} is not in {unit}, which it was said to be in")


def _bounded(number: float | Decimal) -> float:
    """A number as it is kept."""
    if isinstance(number, int) and abs(number) > 2**53:
        raise Refusal("bad_number", f"{str(number)[:20]}… has more figures than a measurement can have")
    found = float(number)
    if not math.isfinite(found):
        raise Refusal("not_finite", f"{str(number)[:40]} is beyond all numbers")
    if abs(found) > LARGEST:
        raise Refusal("bad_number", f"{str(number)[:40]} is more than there can be")
    return found
