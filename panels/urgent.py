"""The most urgent tickets by the time they have left, counted down by the city's clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.cases import handler, matter, spot
from dashboard.screens.marks import countdown, empty, light, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words

EMPTY = Words("没有带时限的在办工单", "No open ticket has a deadline")


def frame(ctx: Context) -> Any:
    """A list."""
    return html.Div(html.Div(id="urgent-rows", className="rows"), className="list urgent")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Light, what, where and who, time left. As many as fit are shown."""
    rows = []
    for ticket in views["urgent"].get("tickets", []):
        rows.append(
            row(
                [
                    light(ticket["light"], ctx.language),
                    matter(ticket, ctx, kind=ticket["category"]),
                    spot(ticket["place"], ctx),
                    handler(ticket["unit"], ctx),
                    countdown(ticket["due"]),
                ],
                ticket["light"],
            )
        )
    return {"urgent-rows.children": rows or empty(EMPTY, ctx.language)}


PANEL = Panel(
    id="urgent",
    title=Words("最紧急", "Most urgent"),
    reads=("urgent",),
    frame=frame,
    paint=paint,
    example={
        "urgent": {
            "tickets": [
                {
                    "key": "hotline|1", "number": "1", "title": "松岗中心小学旁沙井盖缺损", "category": "井盖",
                    "unit": "狮山城管", "place": "", "due": 1_795_300_000.0, "light": "overdue",
                },
                {
                    "key": "hotline|2", "number": "2", "title": "<b>下穿通道积水 0.23 m</b>", "category": "积水",
                    "unit": "", "place": "", "due": 1_795_303_600.0, "light": "soon",
                },
            ],
            "open": 2,
            "dues": 2,
        }
    },
    period=Words("按剩余时限", "by time left"),
    formula=Words(
        "按剩余时限排列：超期不足 1 小时与即将到期者在前，久超者在后",
        "By time left: those past by less than an hour and those next due come first, long overdue ones after",
    ),
)  # fmt: skip
