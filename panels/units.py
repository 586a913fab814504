"""Who closes on time: units ranked so that a few lucky tickets do not beat a thousand good ones."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import clipped, empty
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.ranking import FORMULA, PERIOD, headed, ranked, ranking
from dashboard.words import DASH, Words

ROWS = 24
UNIT = Words("单位", "Unit")
EMPTY = Words("尚无责任单位", "No units yet")


def frame(ctx: Context) -> Any:
    """A ranked list with its columns named."""
    return ranking("units")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Rank, bound as a bar, rate, n, and what is in hand and late; no rank without anything due."""
    rows = []
    for rank, unit in enumerate(views["units"].get("units", [])[:ROWS], start=1):
        name = html.Span(clipped(ctx.city.translated(unit["unit"], ctx.language)) or DASH, className="name")
        behind = partial(ctx.behind, unit=unit["unit"])
        rows.append(ranked(rank, name, unit, ctx.city.rate_colours, ctx.language, behind))
    head = headed(UNIT, ctx.language, ctx.rates("unit"))
    return {"units-head.children": head, "units-rows.children": rows or empty(EMPTY, ctx.language)}


PANEL = Panel(
    id="units",
    title=Words("单位排名", "Units ranked"),
    reads=("units",),
    frame=frame,
    paint=paint,
    example={
        "units": {
            "units": [
                {"unit": "桂城城管", "open": 310, "late": 2, "due": 1204, "on_time": 1190, "bound": 0.981},
                {"unit": "狮山环卫", "open": 411, "late": 19, "due": 903, "on_time": 820, "bound": 0.887},
                {"unit": "大沥水务", "open": 4, "late": 0, "due": 0, "on_time": 0, "bound": None},
            ]
        }
    },
    period=PERIOD,
    formula=FORMULA,
)
