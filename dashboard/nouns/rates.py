"""Rates as numerator over denominator, and the bound units are ranked by."""

from __future__ import annotations

from math import sqrt


def wilson(part: int, whole: int, z: float = 1.96) -> float | None:
    """Lower bound of the Wilson score interval of ``part`` in ``whole`` (0 to 1); None for an empty whole.

    Ranking by it keeps a unit with 3 of 3 below one with 990 of 1,000. Source: E. B. Wilson,
    "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    >>> wilson(0, 0) is None, round(wilson(3, 3), 3), round(wilson(990, 1000), 3)
    (True, 0.438, 0.982)
    """
    if whole <= 0:
        return None
    share = part / whole
    centre = share + z * z / (2 * whole)
    spread = z * sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return (centre - spread) / (1 + z * z / whole)
