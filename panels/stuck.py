"""Stuck tickets: those that have been in their stage longer than nine in ten of their category ever were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.cases import handler, matter
from dashboard.screens.marks import elapsed, empty, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, STAGES, Words

ROWS = 24
EMPTY = Words("没有卡滞工单", "No ticket is stuck")


def frame(ctx: Context) -> Any:
    """A list."""
    return html.Div(html.Div(id="stuck-rows", className="rows"), className="list stuck")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Stage, what, who, how long it has stood there, and how many times the usual limit of its kind that is."""
    language = ctx.language
    rows = []
    for ticket in views["stuck"].get("tickets", [])[:ROWS]:
        stage = STAGES[ticket["stage"]][language] if ticket["stage"] in STAGES else DASH
        times = ticket["times"]
        rows.append(
            row([
                html.Span(stage, className="stage quiet"),
                matter(ticket, ctx, kind=ticket["category"]),
                handler(ticket["unit"], ctx),
                html.Span(elapsed(ticket["since"]), className="n"),
                html.Span(DASH if times is None else f"×{times:.1f}", className="n quiet"),
            ])
        )  # fmt: skip
    return {"stuck-rows.children": rows or empty(EMPTY, language)}


PANEL = Panel(
    id="stuck",
    title=Words("卡滞工单", "Stuck tickets"),
    reads=("stuck",),
    frame=frame,
    paint=paint,
    example={
        "stuck": {
            "tickets": [
                {
                    "key": "hotline|5", "number": "5", "title": "楼顶疑似违建", "category": "违法建设",
                    "stage": "dispatch", "unit": "狮山执法办", "place": "", "since": 1_794_900_000.0, "times": 3.4,
                },
                {
                    "key": "hotline|6", "number": "6", "title": "", "category": "欠薪投诉", "stage": "handle",
                    "unit": "", "place": "", "since": 1_794_990_000.0, "times": None,
                },
            ],
            "n": 2,
            "thresholds": [["违法建设", "dispatch", 86_400.0, 40]],
        }
    },
    period=Words("此刻 · 按倍数", "now · by multiple"),
    formula=Words(
        "在当前阶段停留超过同类工单该阶段用时的 90 % 分位；× 为该分位的倍数",
        "Longer in their stage than 90 % of the tickets of their category were; × is how many times that long",
    ),
)  # fmt: skip
