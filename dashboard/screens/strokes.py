"""Small charts in the house's own hand: columns by the hour, a line over days, strips of cells; drawn from numbers.

Each is a drawing that the card stretches to its measures, with its letters laid over it: what an axis says stands in
the corners and below, in the card's own type. A value that is missing is a gap, never a zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from dashboard.screens.marks import Mark, box, drawing, outline

Values = Sequence[float | None]


def top_of(*series: Values) -> float:
    """The greatest value of some series, and at least 1, so that nothing is divided by nothing."""
    return max([1.0, *(value for values in series for value in values if value is not None)])


def columns(values: Values, ghost: Values = (), now: int | None = None, most: float | None = None) -> Mark:
    """Columns side by side, over the paler ones of another day; the column ``now`` is still growing."""
    most = most or top_of(values, ghost)
    step = 100 / max(1, len(values), len(ghost))
    shapes = [
        box(step * at + 0.08 * step, 100 - 100 * n / most, 0.84 * step, 100 * n / most, "ghost")
        for at, n in enumerate(ghost) if n
    ]  # fmt: skip
    shapes += [
        box(step * at + 0.2 * step, 100 - 100 * n / most, 0.6 * step, 100 * n / most, "col now" if at == now else "col")
        for at, n in enumerate(values) if n
    ]  # fmt: skip
    return drawing(shapes, 100, 100, "columns")


def path_of(values: Values, least: float, most: float) -> str:
    """The line through the values as SVG path data in a field of 100 × 100; a missing value breaks it."""
    step, span = 100 / max(1, len(values) - 1), max(1e-9, most - least)
    parts, pen = [], False
    for at, value in enumerate(values):
        if value is None:
            pen = False
            continue
        height = 100 - 100 * min(1.0, max(0.0, (value - least) / span))
        alone = not pen and (at + 1 == len(values) or values[at + 1] is None)
        parts.append(f"{'L' if pen else 'M'}{step * at:.2f} {height:.2f}" + (f"l{0.4:g} 0" if alone else ""))
        pen = True
    return "".join(parts)


def area_of(values: Values, most: float) -> str:
    """The area between the values and nothing, each unbroken stretch by itself."""
    step = 100 / max(1, len(values) - 1)
    parts: list[str] = []
    stretch: list[tuple[float, float]] = []
    for at, value in enumerate([*values, None]):
        if value is not None:
            stretch.append((step * at, 100 - 100 * min(1.0, max(0.0, value / most))))
        elif stretch:
            inner = "".join(f"L{x:.2f} {y:.2f}" for x, y in stretch)
            parts.append(f"M{stretch[0][0]:.2f} 100{inner}L{stretch[-1][0]:.2f} 100Z")
            stretch = []
    return "".join(parts)


def lines(values: Values, ghost: Values = (), most: float | None = None) -> Mark:
    """A line with its area, from nothing up, over the fainter line of another day."""
    most = most or top_of(values, ghost)
    shapes = [outline(area_of(values, most), "area"), outline(path_of(ghost, 0, most), "faint")]
    return drawing([*shapes, outline(path_of(values, 0, most), "stroke")], 100, 100, "lines")


def between(values: Values, least: float, most: float, goal: float | None = None) -> Mark:
    """A line between two values of an axis that does not begin with nothing, and the goal it is to reach."""
    height = 100 - 100 * min(1.0, max(0.0, ((goal or 0.0) - least) / max(1e-9, most - least)))
    shapes = [outline(f"M0 {height:.2f}L100 {height:.2f}", "goal")] if goal is not None else []
    return drawing([*shapes, outline(path_of(values, least, most), "stroke")], 100, 100, "lines")


def strip(values: Values, most: float) -> Mark:
    """One cell for each value, the fuller the more; a missing value is an empty place."""
    step = 100 / max(1, len(values))
    shapes = [
        box(step * at, 0, 0.9 * step, 100, f"cell amount-{level(value, most)}")
        for at, value in enumerate(values) if value is not None
    ]  # fmt: skip
    return drawing(shapes, 100, 100, "cells")


def level(value: float, most: float) -> int:
    """Which of six steps a value has, 0 for nothing."""
    return 0 if value <= 0 else min(5, 1 + int(5 * value / max(most, 1e-9) - 1e-9))


def plotted(chart: Mark, top: str = "", marks: Sequence[str] = (), words: Sequence[Any] = ()) -> Mark:
    """A chart with the value of its upper edge, what its axis says from left to right, and a legend above it."""
    head = [html.Div([*words, *([html.Span(top, className="top")] if top else [])], className="said")]
    axis = [html.Div([html.Span(mark) for mark in marks], className="axis")] if marks else []
    return html.Div([*(head if top or words else []), html.Div(chart, className="field"), *axis], className="plotted")


def key(kind: str, word: str) -> Mark:
    """One entry of a legend: a swatch in the manner of what it stands for, and its word."""
    return html.Span([html.Span(className=f"key {kind}"), word])


def balance(up: Values, down: Values, now: int | None = None) -> Mark:
    """What came above a line and what went below it, side by side; the column ``now`` is still growing."""
    above, below = top_of(up), top_of(down)
    zero = 100 * above / (above + below)
    step, scale = 100 / max(1, len(up)), 100 / (above + below)
    shapes = [
        box(step * at + 0.15 * step, zero - scale * n, 0.7 * step, scale * n, "col now" if at == now else "col")
        for at, n in enumerate(up) if n
    ]  # fmt: skip
    shapes += [box(step * at + 0.15 * step, zero, 0.7 * step, scale * n, "gone") for at, n in enumerate(down) if n]
    return drawing([*shapes, outline(f"M0 {zero:.2f}L100 {zero:.2f}", "zero")], 100, 100, "columns")
