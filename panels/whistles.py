"""Whistles: the cases for which a street has called departments, who leads them, and who has reported in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.cases import matter, spot
from dashboard.screens.frames import figures
from dashboard.screens.marks import clipped, elapsed, empty, number, parted, rate, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words

ROWS = 24
NAMES = {
    "open": Words("未报到", "Waiting"),
    "answered": Words("已报到", "Reported in"),
    "in_time": Words("按时报到率", "In time"),
}
EMPTY = Words("没有等待报到的吹哨", "No whistle waits for an answer")
LEADS = Words("牵头", "led by")


def frame(ctx: Context) -> Any:
    """Three numbers, and the whistles that wait."""
    return html.Div(
        [
            figures("whistles", NAMES, "trio", why=False),
            html.Div(html.Div(id="whistles-rows", className="rows"), className="list whistles"),
        ],
        className="stack",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Those that wait longest come first."""
    view, language = views["whistles"], ctx.language
    rows = []
    for ticket in view.get("open", [])[:ROWS]:
        lead = clipped(ctx.city.translated(ticket["unit"], language)) or DASH
        rows.append(
            row([
                matter(ticket, ctx),
                spot(ticket["place"], ctx),
                html.Span(lead, className="who", title=f"{LEADS[language]} {lead}"),
                html.Span(elapsed(ticket["since"]), className="n"),
            ])
        )  # fmt: skip
    part, whole = view.get("in_time", [0, 0])
    answered = ctx.behind(answered="month")
    return {
        "whistles-open.children": number(
            view.get("n", 0), language=language, room=5, behind=ctx.behind(open=1, whistle="open")
        ),
        "whistles-answered.children": number(view.get("answered", 0), language=language, room=5, behind=answered),
        "whistles-in_time.children": [
            rate(part, whole),
            html.Span(parted(part, whole, ctx.behind(answered="month", prompt=1), answered, language), className="of"),
        ],
        "whistles-rows.children": rows or empty(EMPTY, language),
    }


PANEL = Panel(
    id="whistles",
    title=Words("吹哨报到", "Whistles"),
    reads=("whistles",),
    frame=frame,
    paint=paint,
    example={
        "whistles": {
            "open": [
                {
                    "key": "hotline|7", "number": "7", "title": "工地夜间施工与渣土车占道", "place": "",
                    "unit": "住建局", "since": 1_795_290_000.0, "due": None,
                },
                {
                    "key": "hotline|9", "number": "9", "title": "河涌旁违建餐馆污水直排", "place": "A",
                    "unit": "环境分局", "since": 1_795_299_000.0, "due": 1_795_310_000.0,
                },
            ],
            "answered": 41,
            "in_time": [38, 41],
            "n": 2,
        }
    },
    period=Words("此刻与本月", "now and this month"),
    formula=Words(
        "镇街吹哨后尚无部门报到的工单；已报到为本月；按时报到率 = 时限内报到 ÷ 已报到",
        "Tickets whose whistle nobody has answered yet; answered this month; in time = within the limit ÷ answered",
    ),
)  # fmt: skip
