"""Who closes on time: units ranked so that a few lucky tickets do not beat a thousand good ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.marks import amount, both, clipped, empty, linked, row, share
from dashboard.noun import Document
from dashboard.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, percent

ROWS = 24
COLUMNS = (
    Words("单位", "Unit"),
    Words("", ""),
    Words("下限", "At least"),
    Words("按期率", "On time"),
    Words("应结 n", "Due n"),
    Words("在办", "Open"),
    Words("超期", "Late"),
)
EMPTY = Words("尚无责任单位", "No units yet")


def frame(ctx: Context) -> Any:
    """A ranked list with its columns named."""
    _, *others = COLUMNS
    head = [html.Span(), html.Span(id="units-head", className="name"), *[html.Span(both(words)) for words in others]]
    return html.Div(
        [html.Div(head, className="row head"), html.Div(id="units-rows", className="rows")], className="list units"
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Rank, bound as a bar, rate, n, and what is in hand and late; no rank without anything due."""
    low, middle, _ = ctx.city.rate_colours
    rows = []
    for rank, unit in enumerate(views["units"].get("units", [])[:ROWS], start=1):
        due = {"unit": unit["unit"], "rate": "on_time", "period": "month"}
        bound, whole, part = unit["bound"], unit["due"], unit["on_time"]
        kind = (
            "none" if bound is None else "low" if part < low * whole else "middle" if part < middle * whole else "high"
        )
        rows.append(
            row([
                html.Span(DASH if bound is None else str(rank), className="rank"),
                html.Span(clipped(ctx.city.translated(unit["unit"], ctx.language)) or DASH, className="name"),
                share(bound or 0, kind),
                html.Span(DASH if bound is None else f"{100 * bound:.1f} %", className="n"),
                linked(f"{percent(part, whole)} %" if whole else DASH, ctx.behind(**due, met=1), "n quiet"),
                amount(whole, ctx.language, "n quiet", behind=ctx.behind(**due)),
                amount(unit["open"], ctx.language, behind=ctx.behind(unit=unit["unit"], open=1)),
                amount(unit["late"], ctx.language, "n late" if unit["late"] else "n quiet", 4,
                    ctx.behind(unit=unit["unit"], late=1)),
            ])
        )  # fmt: skip
    head = html.A([COLUMNS[0][ctx.language], " ›"], href=ctx.rates("unit"), className="behind")
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
    period=Words("本月至今", "this month so far"),
    formula=Words(
        "按本月至今按期结案率的威尔逊区间下限（95 %）排名；n 为应结件数",
        "By the lower bound of the Wilson interval (95 %) of this month's on-time rate so far; n is what was due",
    ),
)
