"""What the tickets are about: categories by today's intake, with those in hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import amount, both, clipped, empty, row, share
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words

ROWS = 24
TODAY = Words("今日", "Today")
IN_HAND = Words("在办", "Open")
EMPTY = Words("今日尚无工单", "No tickets yet today")


def frame(ctx: Context) -> Any:
    """A list with two columns of numbers."""
    head = html.Div([html.Span(), html.Span(), html.Span(both(TODAY)), html.Span(both(IN_HAND))], className="row head")
    return html.Div([head, html.Div(id="categories-rows", className="rows")], className="list categories")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The most frequent first; the bar is the share of the most frequent."""
    found = views["categories"].get("categories", [])
    most = max((intake for _, intake, _ in found), default=0)
    rows = [
        row([
            html.Span(clipped(ctx.city.translated(name, ctx.language)) or DASH, className="name"),
            share(intake / most if most else 0),
            amount(intake, ctx.language, behind=ctx.behind(category=name, reported="today")),
            amount(open_, ctx.language, "n quiet", behind=ctx.behind(category=name, open=1)),
        ])
        for name, intake, open_ in found[:ROWS]
    ]  # fmt: skip
    return {"categories-rows.children": rows or empty(EMPTY, ctx.language)}


PANEL = Panel(
    id="categories",
    title=Words("事项分类", "Categories"),
    reads=("categories",),
    frame=frame,
    paint=paint,
    example={
        "categories": {
            "categories": [["占道经营", 214, 903], ["井盖缺损", 118, 402], ["路灯不亮", 96, 377], ["", 3, 9]],
            "channels": [],
        }
    },
    period=Words("今日零时起 · 件", "since midnight · tickets"),
    formula=Words("今日上报件数；在办为现有未结案件数", "Reported today; open are those not yet closed"),
)
