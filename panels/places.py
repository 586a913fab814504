"""The places directly below, ranked by how surely their tickets are closed on time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dash import html

from dashboard.marks import amount, both, clipped, empty, linked, row, share
from dashboard.noun import Document
from dashboard.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, percent

ROWS = 40
COLUMNS = (
    Words("", ""),
    Words("下限", "At least"),
    Words("按期率", "On time"),
    Words("应结 n", "Due n"),
    Words("在办", "Open"),
    Words("超期", "Late"),
)
PLACE = Words("地点", "Place")
EMPTY = Words("本级之下没有地点", "There are no places below this one")


def frame(ctx: Context) -> Any:
    """A ranked list with its columns named."""
    head = [html.Span(), html.Span(id="places-head", className="name"), *[html.Span(both(words)) for words in COLUMNS]]
    return html.Div(
        [html.Div(head, className="row head"), html.Div(id="places-rows", className="rows")], className="list places"
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Rank, bound as a bar, rate, n, in hand and late; a name leads down to its place."""
    low, middle, _ = ctx.city.rate_colours
    rows = []
    for rank, found in enumerate(views["ranks"].get("places", [])[:ROWS], start=1):
        bound, whole, part, code = found["bound"], found["due"], found["on_time"], found["place"]
        due = {"rate": "on_time", "period": "month"}
        below = partial(ctx.behind, code)
        kind = (
            "none" if bound is None else "low" if part < low * whole else "middle" if part < middle * whole else "high"
        )
        name: Any = html.Span(clipped(code), className="name")
        if code in ctx.places:
            name = html.A(
                ctx.places[code].title(ctx.language), className="name", href=f"?place={code}", **{"data-place": code}
            )
        rows.append(
            row([
                html.Span(DASH if bound is None else str(rank), className="rank"),
                name,
                share(bound or 0, kind),
                html.Span(DASH if bound is None else f"{100 * bound:.1f} %", className="n"),
                linked(f"{percent(part, whole)} %" if whole else DASH, below(**due, met=1), "n quiet"),
                amount(whole, ctx.language, "n quiet", 6, below(**due)),
                amount(found["open"], ctx.language, behind=below(open=1)),
                amount(found["late"], ctx.language, "n late" if found["late"] else "n quiet", 4, below(late=1)),
            ])
        )  # fmt: skip
    head = html.A([PLACE[ctx.language], " ›"], href=ctx.rates("place"), className="behind")
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
    period=Words("本月至今", "this month so far"),
    formula=Words(
        "按本月至今按期结案率的威尔逊区间下限（95 %）排名；n 为应结件数",
        "By the lower bound of the Wilson interval (95 %) of this month's on-time rate so far; n is what was due",
    ),
)
