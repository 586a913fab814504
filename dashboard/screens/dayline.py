"""A day in twenty-four columns: today's amounts against the outline of yesterday's, with what went wrong in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from dashboard.screens.marks import Mark, box, drawing, outline
from dashboard.words import compact

HIGH = 100.0
MARKS = (0, 6, 12, 18, 24)

Hours = Sequence[Sequence[float]]
"""``[hour of the day, amount, how much of it went wrong]`` of the hours in which there was something."""


def dayline(today: Hours, yesterday: Hours, language: str) -> list[Mark]:
    """The columns with their scale: the hour that goes on is bright, yesterday is a stepped line.

    Empty where neither day has anything.
    """
    most = max((row[1] for row in (*today, *yesterday)), default=0)
    if most <= 0:
        return []
    latest = max((row[0] for row in today), default=-1)
    shapes: list[Mark] = []
    for hour, amount, wrong in today:
        high, bad = HIGH * amount / most, HIGH * wrong / most
        shapes.append(box(hour + 0.12, HIGH - high, 0.76, high, "now" if hour == latest else "done"))
        if bad:
            shapes.append(box(hour + 0.12, HIGH - bad, 0.76, bad, "bad"))
    before = {int(row[0]): row[1] for row in yesterday}
    if before:
        points = []
        for hour in range(24):
            high = HIGH - HIGH * before.get(hour, 0) / most
            points += [f"{hour} {high:.1f}", f"{hour + 1} {high:.1f}"]
        shapes.append(outline("M" + "L".join(points), "before"))
    marks = [html.Span(f"{hour:02d}", style={"left": f"{100 * hour / 24:.2f}%"}) for hour in MARKS]
    return [
        html.Div(drawing(shapes, 24, HIGH, "day"), className="field"),
        html.Div(marks, className="marks"),
        html.Span(compact(most, language, 4), className="most"),
    ]


def frame(name: str) -> Any:
    """Where a dayline is drawn."""
    return html.Div(id=name, className="dayline")
