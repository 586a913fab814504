"""The supervision list: tickets that were put under supervision, by level and by the time they have left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.marks import clipped, countdown, empty, row
from dashboard.noun import Document
from dashboard.panel import Context, Painted, Panel
from dashboard.words import DASH, Words

ROWS = 24
LEVELS = {
    1: ("◔", Words("一级督办", "Level 1")),
    2: ("◑", Words("二级督办", "Level 2")),
    3: ("●", Words("三级督办", "Level 3")),
}
EMPTY = Words("没有督办工单", "No ticket is under supervision")
BY = Words("由", "by")


def frame(ctx: Context) -> Any:
    """A list."""
    return html.Div(html.Div(id="supervised-rows", className="rows"), className="list supervised")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Level, what, who, and the countdown to its deadline; those of the highest level first."""
    language = ctx.language
    rows = []
    for ticket in views["supervised"].get("tickets", [])[:ROWS]:
        shape, word = LEVELS.get(ticket["level"], LEVELS[1])
        what = clipped(ticket["title"]) or ticket["number"]
        by = clipped(ctx.city.translated(ticket["by"], language))
        said = f"{ticket['number']} · {what}" + (f" · {BY[language]} {by}" if by else "")
        level = html.Span(
            shape, className=f"light level-{ticket['level']}", title=word[language], role="img",
            **{"aria-label": word[language]},
        )  # fmt: skip
        rows.append(
            row([
                level,
                html.A(what, className="name behind", href=ctx.case(ticket["key"]), title=said),
                html.Span(clipped(ctx.city.translated(ticket["unit"], language)) or DASH, className="who quiet"),
                countdown(ticket["due"]) if ticket["due"] is not None else html.Span(DASH, className="n"),
            ])
        )  # fmt: skip
    return {"supervised-rows.children": rows or empty(EMPTY, language)}


PANEL = Panel(
    id="supervised",
    title=Words("督办清单", "Under supervision"),
    reads=("supervised",),
    frame=frame,
    paint=paint,
    example={
        "supervised": {
            "tickets": [
                {
                    "key": "hotline|3", "number": "3", "title": "排水口堵塞反复投诉", "level": 3,
                    "since": 1_795_200_000.0, "due": 1_795_303_600.0, "unit": "排水公司", "by": "区领导",
                },
                {
                    "key": "hotline|4", "number": "4", "title": "小区电梯故障维修迟缓", "level": 1,
                    "since": 1_795_100_000.0, "due": None, "unit": "", "by": "",
                },
            ],
            "n": 2,
        }
    },
    period=Words("此刻 · 按级别", "now · by level"),
    formula=Words(
        "督办中的在办工单，级别高者在前，同级按剩余时限",
        "Open tickets under supervision, the highest level first, within a level by time left",
    ),
)  # fmt: skip
