"""Numbers as people, reports and spreadsheets write them, with their units; read exactly or refused.

The one reader of numbers: whatever a feed takes for a number has come through ``quantity_of``.
"""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal

from dashboard.nouns.sensors import SPELLINGS
from dashboard.sources.values import Refusal

LARGEST = 1e18  # No count and no sum of money of a city is larger.
MISSING = frozenset(("", "-", "--", "–", "—", "——", "…", "...", "/", "*", "n/a", "na", "nil", "null", "none", "nan",
                     "无", "缺", "暂无", "待定", "未公布", "#n/a", "#value!", "#ref!", "#div/0!"))  # fmt: skip
SCALES = {"": 1, "十": 10, "百": 100, "千": 1000, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8,
          "十亿": 10**9, "百亿": 10**10, "千亿": 10**11, "万亿": 10**12}  # fmt: skip
UNITS = {"％": "%", "百分点": "pp", "个百分点": "pp", "百分比": "%", "p.p.": "pp"}
COUNTED = frozenset("个件户家人次路项宗起条例")  # What stands behind a number that only counts.
PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?=\.?[0-9])(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?P<part>\.[0-9]*)?"
    r"(?P<power>[eE][+-]?[0-9]{1,3})? ?(?P<unit>[^0-9,.+-].*)?"
)
# A unit is a sign or words, with the exponents 2 and 3: %, °C, 万元, m3/s, kW h. 0x10, 1e, 12:30 and 1_000 have none.
_WORD = r"[^\W\d_]+[23]?"
_UNIT = re.compile(rf"%|‰|°|[°¥$€£]?(?![eE]$|[oO][0-9]|[xX][0-9a-fA-F]*$){_WORD}(?:[/·*. ]{_WORD})*\.?")
_SEVERAL = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})*,[0-9]+|[+-]?[0-9]+(,[0-9]+)+(\.[0-9]+)?")
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


def number(value: object, unit: str = "") -> float:
    """A number in ``unit`` that has to be there.

    Raises:
        Refusal: as ``quantity_of`` does, ``no_value`` where it is missing, ``wrong_unit`` where it names a unit and
            should have none.

    >>> number("1,234.5"), number("1.2万"), number("１２"), number("12%", "%")
    (1234.5, 12000.0, 12.0, 12.0)
    """
    found, own = quantity_of(value, unit)
    if found is None:
        raise Refusal("no_value", f"{str(value)[:20]!r} says there is none")
    if own != UNITS.get(unit, unit):
        raise Refusal("wrong_unit", f"{str(value)[:40]!r} names a unit where a mere number should be")
    return found


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
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise Refusal("bad_number", f"is a {type(value).__name__} and no number")
    if not isinstance(value, str):
        return _bounded(value), unit
    if len(value) < 40 and PLAIN.fullmatch(value):  # The most there are: no unit, no group, nothing to be put right.
        return _bounded(float(value)), unit
    text = unicodedata.normalize("NFKC", value[:200]).translate(_MARKS).strip()
    if text.lower() in MISSING:
        return None, unit
    if text.lower() in ("inf", "+inf", "-inf", "infinity", "-infinity", "∞"):
        raise Refusal("not_finite", f"{text} is beyond all numbers")
    found = _NUMBER.fullmatch(text)
    said = (found["unit"] or "").strip() if found is not None else ""
    if (
        found is None
        or len(value) > 200
        or _raised(value)
        or (said and said not in UNITS and not _UNIT.fullmatch(said))
    ):
        if _SEVERAL.fullmatch(text):
            raise Refusal("ambiguous_number", f"{text[:40]!r} may be several numbers; write 1234.5 or 1,234.5")
        raise Refusal("bad_number", f"{text[:40]!r} is no number")
    plain = f"{found['sign']}{found['whole'].replace(',', '') or 0}{found['part'] or ''}{found['power'] or ''}"
    factor, unit = _fitting(said, unit, text)
    return _bounded(Decimal(plain) * factor), unit


def _raised(text: str) -> bool:
    """Whether a digit is raised, circled or a fraction (5², ①, ½), but for the exponent of a unit: m³."""
    return any(
        unicodedata.category(sign) == "No" and not (at and text[at - 1].isalpha()) for at, sign in enumerate(text)
    )


def _fitting(said: str, unit: str, text: str) -> tuple[Decimal, str]:
    """By what to multiply a number in the unit it ``said``, to have it in ``unit``."""
    if not said:
        return Decimal(1), unit
    scale, base = scale_of(said)
    wanted, known = scale_of(unit)
    if base == known or SPELLINGS.get(base, base) == SPELLINGS.get(known, known):
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
        raise Refusal("bad_number", "has more figures than a measurement can have")
    found = float(number)
    if not math.isfinite(found):
        raise Refusal("not_finite", f"{str(number)[:40]} is beyond all numbers")
    if abs(found) > LARGEST:
        raise Refusal("bad_number", f"{str(number)[:40]} is more than there can be")
    return found + 0.0  # Nothing is less than nothing: -0 is 0.
