"""Small charts as plain shapes: a line with its gaps over a day, limits across it, and columns; drawn by the house.

A value that is not known is a gap: nothing is drawn through it. Fields are ``WIDE`` × ``HIGH`` and stretched to their
place by the card, so lines are strokes that do not scale and nothing is written in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dashboard.screens.marks import Mark, box, drawing, outline

WIDE, HIGH = 240.0, 60.0
Value = float | None


def spans(values: Sequence[Value]) -> list[list[tuple[int, float]]]:
    """The values that follow each other without a gap, each with its place.

    >>> spans([1.0, None, 2.0, 3.0])
    [[(0, 1.0)], [(2, 2.0), (3, 3.0)]]
    """
    found: list[list[tuple[int, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            found[-1].append((at, value))
    return [span for span in found if span]


def path(values: Sequence[Value], low: float, high: float, *, closed: bool = False, steps: int = 0) -> str:
    """SVG path data of a line through values between ``low`` (the field's foot) and ``high``; ``closed`` down to the
    foot it is an area. ``steps`` is over how many places the field is wide, if more than there are values.

    >>> path([0, 10, None, 5], 0, 10)
    'M0 60L80 0M240 30h0.1'
    """
    last = max(1, (steps or len(values)) - 1)
    height = (high - low) or 1.0
    parts = []
    for span in spans(values):
        points = [(WIDE * at / last, HIGH * (1 - (min(high, max(low, value)) - low) / height)) for at, value in span]
        line = "L".join(f"{round(x, 1):g} {round(y, 1):g}" for x, y in points)
        if closed:
            parts.append(f"M{round(points[0][0], 1):g} {HIGH:g}L{line}L{round(points[-1][0], 1):g} {HIGH:g}Z")
        else:
            parts.append(f"M{line}" + ("h0.1" if len(points) == 1 else ""))
    return "".join(parts)


def spark(values: Sequence[Value], limits: Iterable[tuple[float | None, str]] = (), top: float = 0.0) -> Mark:
    """A line on its area, from zero or the least value up; ``limits`` (value, kind) are lines across it.

    The field reaches up to ``top`` at least, and over the first of the limits, so that a calm day looks calm.
    """
    known = [value for value in values if value is not None]
    lines = [(limit, kind) for limit, kind in limits if limit is not None]
    low = min([0.0, *known])
    high = max([top, *known, *(1.15 * limit for limit, _ in lines[:1])]) or 1.0
    shapes = [outline(path(values, low, high, closed=True), "area"), outline(path(values, low, high), "line")]
    for limit, kind in lines:
        if low <= limit <= high:
            y = HIGH * (1 - (limit - low) / ((high - low) or 1.0))
            shapes.append(outline(f"M0 {round(y, 1):g}L{WIDE:g} {round(y, 1):g}", f"limit {kind}"))
    return drawing(shapes, WIDE, HIGH, "spark")


def columns(groups: Sequence[Sequence[tuple[Value, str]]], top: float = 0.0) -> Mark:
    """Groups of columns side by side, each column with its kind; what is not known has none."""
    high = max([top, *(value for group in groups for value, _ in group if value is not None)], default=0.0) or 1.0
    step = WIDE / max(1, len(groups))
    shapes = []
    for at, group in enumerate(groups):
        wide = 0.76 * step / max(1, len(group))
        for place, (value, kind) in enumerate(group):
            if value is not None and value > 0:
                tall = HIGH * value / high
                shapes.append(box(at * step + 0.12 * step + place * wide, HIGH - tall, 0.92 * wide, tall, kind))
    return drawing(shapes, WIDE, HIGH, "columns")
