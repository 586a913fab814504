"""The supervision list: tickets that were put under supervision, by level and by the time they have left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.cases import handler, matter
from dashboard.screens.marks import clipped, countdown, empty, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words

ROWS = 24
LEVELS = {
    1: ("◔", Words("一级督办", "Level 1")),
    2: ("◑", Words("二级督办", "Level 2")),
    3: ("●", Words("三级督办", "Level 3")),
}
EMPTY = Words("没有督办工单", "No ticket is under supervision")
BY = Words("由", "by")
INSTRUCTED = Words("领导批示", "Leader's instruction")
BACK = Words("待阅", "to read")


def frame(ctx: Context) -> Any:
    """A list."""
    return html.Div(html.Div(id="supervised-rows", className="rows"), className="list supervised")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Level, what, who, and the countdown to its deadline; those of the highest level first."""
    language = ctx.language
    rows = [_instructed(one, ctx) for one in views["instructions"].get("instructions", []) if one["ticket"]]
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
                matter(ticket, ctx, said),
                handler(ticket["unit"], ctx),
                countdown(ticket["due"]) if ticket["due"] is not None else html.Span(DASH, className="n"),
            ])
        )  # fmt: skip
    return {"supervised-rows.children": rows[:ROWS] or empty(EMPTY, language)}


def _instructed(one: Mapping[str, Any], ctx: Context) -> Any:
    """A ticket on which a leader has given an instruction, until that is closed."""
    language = ctx.language
    by = clipped(ctx.city.translated(one["by"], language))
    back = one["state"] == "reported"
    said = f"{INSTRUCTED[language]} · {one['text']} · {BY[language]} {by}"
    mark = html.Span(
        "✓" if back else "✎", className="light level-3", title=said, role="img", **{"aria-label": INSTRUCTED[language]}
    )
    return row([
        mark,
        matter({"key": one["ticket"], "number": one["ticket"], "title": one["title"]}, ctx, said),
        handler(one["to"], ctx),
        html.Span(BACK[language], className="n") if back else countdown(one["due"]),
    ])  # fmt: skip


PANEL = Panel(
    id="supervised",
    title=Words("督办清单", "Under supervision"),
    reads=("supervised", "instructions"),
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
            "n": 2, "late": 0, "first": None,
        },
        "instructions": {
            "instructions": [
                {
                    "id": "i1", "subject": "hotline|9", "ticket": "hotline|9", "state": "given", "light": "overdue",
                    "title": "虹岭路排水口堵塞", "said": "", "place": "", "by": "分管副区长", "to": "排水公司",
                    "text": "今日内查清堵塞原因", "since": 1_795_210_000.0, "due": 1_795_296_000.0, "reported": None,
                    "reporter": "", "answer": "", "on_time": None, "returns": 0, "why": "", "ended": None,
                },
            ],
            "ended": [], "open": 1, "back": 0, "late": 1, "on_time": [0, 0], "anomalies": 0,
        },
    },
    period=Words("此刻 · 按级别", "now · by level"),
    formula=Words(
        "有领导批示（✎）的工单在前，其次督办中的在办工单：级别高者在前，同级按剩余时限",
        "Tickets with a leader's instruction (✎) first, then open tickets under supervision, the highest level first, "
        "within a level by time left",
    ),
)  # fmt: skip
