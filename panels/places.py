"""The places directly below, ranked by how surely their tickets are closed on time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import clipped, empty
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.ranking import FORMULA, PERIOD, headed, ranked, ranking
from dashboard.words import Words

ROWS = 40
PLACE = Words("地点", "Place")
EMPTY = Words("本级之下没有地点", "There are no places below this one")


def frame(ctx: Context) -> Any:
    """A ranked list with its columns named."""
    return ranking("places")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Rank, bound as a bar, rate, n, in hand and late; a name leads down to its place."""
    rows = []
    for rank, found in enumerate(views["ranks"].get("places", [])[:ROWS], start=1):
        code = found["place"]
        name: Any = html.Span(clipped(code), className="name")
        if code in ctx.places:
            name = html.A(
                ctx.places[code].title(ctx.language), className="name", href=f"?place={code}", **{"data-place": code}
            )
        behind = partial(ctx.behind, code)
        rows.append(ranked(rank, name, found, ctx.city.rate_colours, ctx.language, behind, place=True))
    head = headed(PLACE, ctx.language, ctx.rates("place"))
    return {"places-head.children": head, "places-rows.children": rows or empty(EMPTY, ctx.language)}


PANEL = Panel(
    id="places",
    title=Words("地点排名", "Places ranked"),
    reads=("ranks",),
    frame=frame,
    paint=paint,
    example={
        "ranks": {
            "units": [],
            "places": [
                {"place": "A", "open": 1204, "late": 3, "due": 3120, "on_time": 3054, "bound": 0.973},
                {"place": "B", "open": 1986, "late": 61, "due": 4004, "on_time": 3552, "bound": 0.877},
                {"place": "T", "open": 2, "late": 0, "due": 0, "on_time": 0, "bound": None},
            ],
        }
    },
    period=PERIOD,
    formula=FORMULA,
)
