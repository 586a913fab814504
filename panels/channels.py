"""How citizens come: today's intake by channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import amount, clipped, empty, row, share
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, percent

ROWS = 10
EMPTY = Words("今日尚无工单", "No tickets yet today")


def frame(ctx: Context) -> Any:
    """A list."""
    return html.Div(html.Div(id="channels-rows", className="rows"), className="list channels")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The busiest first, each with its share of all."""
    found = views["categories"].get("channels", [])
    whole = sum(intake for _, intake in found)
    rows = [
        row([
            html.Span(clipped(ctx.city.translated(name, ctx.language)) or DASH, className="name"),
            share(intake / whole if whole else 0),
            amount(intake, ctx.language, behind=ctx.behind(channel=name, reported="today")),
            html.Span(f"{percent(intake, whole)} %", className="n quiet"),
        ])
        for name, intake in found[:ROWS]
    ]  # fmt: skip
    return {"channels-rows.children": rows or empty(EMPTY, ctx.language)}


PANEL = Panel(
    id="channels",
    title=Words("来源渠道", "Channels"),
    reads=("categories",),
    frame=frame,
    paint=paint,
    example={"categories": {"categories": [], "channels": [["12345 热线", 512], ["随手拍", 301], ["网格巡查", 225]]}},
    period=Words("今日零时起 · 件", "since midnight · tickets"),
    formula=Words(
        "今日上报件数按来源渠道；百分比为占今日上报总数", "Reported today by channel; percent of all reported today"
    ),
)
