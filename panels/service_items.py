"""What people ask for: the month's items by frequency, with today's number, the rate on time and the bad ratings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import heads
from dashboard.screens.marks import amount, clipped, empty, row, share
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.servicerecords import ITEMS
from dashboard.words import DASH, Words, compact, percent

ROWS = 30
COLUMNS = (
    Words("事项", "Item"),
    Words("", ""),
    Words("本月", "Month"),
    Words("今日", "Today"),
    Words("按期率", "On time"),
    Words("差评", "Bad"),
)
PARTS = ("way-0", "way-1", "way-2", "way-3")
EMPTY = Words("本月尚无办件", "No cases this month")


def frame(ctx: Context) -> Any:
    """A bar of channels over a list of items."""
    return html.Div(
        [
            html.Div(id="service_items-channels", className="channels-of"),
            heads(COLUMNS),
            html.Div(id="service_items-rows", className="rows"),
        ],
        className="list service-items",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The most frequent first, its bar as a share of the most frequent; above it the channels as shares of one bar."""
    view, language = views["service_items"], ctx.language
    found = view.get("items", [])[:ROWS]
    most = max((item["month"] for item in found), default=0)
    rows = []
    for item in found:
        kept, due = item["on_time"]
        rows.append(
            row([
                html.Span(clipped(ctx.city.translated(item["name"], language)) or DASH, className="name"),
                share(item["month"] / most if most else 0),
                amount(item["month"], language),
                amount(item["today"], language, "n quiet", 4),
                html.Span(f"{percent(kept, due)} %" if due else DASH, className="n", title=f"{kept:,} / {due:,}"),
                amount(item["bad"], language, "n late" if item["bad"] else "n quiet", 4),
            ])
        )  # fmt: skip
    return {
        "service_items-channels.children": _channels(view.get("channels", []), ctx),
        "service_items-rows.children": rows or empty(EMPTY, language),
    }


def _channels(channels: list[Any], ctx: Context) -> Any:
    """Where they ask: the channels as parts of one bar, with their share and number."""
    whole = sum(n for _, n in channels)
    if not whole:
        return ""
    shown = channels[: len(PARTS)]
    parts = [
        html.Span(className=f"part {look}", style={"flexGrow": n})
        for look, (_, n) in zip(PARTS, shown, strict=False) if n
    ]  # fmt: skip
    words = [
        html.Span([
            html.Span(className=f"swatch {look}"), f" {clipped(ctx.city.translated(name, ctx.language)) or DASH} ",
            html.B(f"{percent(n, whole)} %"), f" {compact(n, ctx.language, 5)}",
        ])
        for look, (name, n) in zip(PARTS, shown, strict=False)
    ]  # fmt: skip
    return [html.Div(parts, className="bar"), html.Div(words, className="said-of")]


PANEL = Panel(
    id="service_items",
    title=Words("高频事项与渠道", "Items and channels"),
    reads=("service_items",),
    frame=frame,
    paint=paint,
    example={
        "service_items": {
            "items": [
                {"name": "个体工商户登记", "today": 34, "month": 655, "bad": 8, "on_time": [640, 651]},
                {"name": "社保参保登记", "today": 24, "month": 606, "bad": 0, "on_time": [600, 600]},
                {"name": "<b>企业</b>设立登记", "today": 0, "month": 3, "bad": 0, "on_time": [0, 0]},
            ],
            "total": 3, "month": 1264,
            "channels": [["窗口", 560], ["网上", 360], ["粤省事", 240], ["自助机", 104]],
        }
    },
    period=Words("本月至今 · 件", "this month so far · cases"),
    formula=Words(
        "按本月受理件数排列；按期率 = 承诺时限内办结 ÷ 应办结；按整日上报的大厅只计入渠道，不计入事项",
        "By cases accepted this month; on time = finished as promised ÷ due; halls that report whole days count in the "
        "channels and not in the items",
    ),
    records={"": ITEMS},
)  # fmt: skip
