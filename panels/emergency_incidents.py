"""The open emergencies by the time they have left, each leading to its ticket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.cases import handler, matter
from dashboard.screens.cityrecords import INCIDENTS
from dashboard.screens.marks import clipped, countdown, empty, light, light_legend, number, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words

EMPTY = Words("没有在办的突发事件", "No open incident")
UNIT = Words("件在办", "open")


def frame(ctx: Context) -> Any:
    """A sum, its lights, and a list."""
    return html.Div(
        [
            html.Div(
                [
                    html.Div(id="emergency_incidents-total", className="total"),
                    html.Div(id="emergency_incidents-lights"),
                ],
                className="summed",
            ),
            html.Div(id="emergency_incidents-rows", className="rows"),
        ],
        className="list incidents",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Light, what, where, who, time left. As many as fit are shown, all are counted."""
    view, language = views["incidents"], ctx.language
    rows = []
    for ticket in view.get("incidents", []):
        what = clipped(ticket["title"] or ticket["category"]) or ticket["number"]
        kind = clipped(ctx.city.translated(ticket["category"], language))
        rows.append(
            row(
                [
                    light(ticket["light"], language),
                    matter(ticket, ctx, f"{kind} · {what}", kind=ticket["category"]),
                    html.Span(ctx.below(ticket["place"]) or DASH, className="where quiet"),
                    handler(ticket["unit"], ctx),
                    countdown(ticket["due"]) if ticket["due"] is not None else html.Span(DASH, className="n quiet"),
                ],
                ticket["light"],
            )
        )
    return {
        "emergency_incidents-total.children": number(view.get("total"), UNIT[language], language=language, room=5),
        "emergency_incidents-lights.children": light_legend(view.get("lights", {}), language),
        "emergency_incidents-rows.children": rows or empty(EMPTY, language),
    }


PANEL = Panel(
    id="emergency_incidents",
    title=Words("突发事件", "Incidents"),
    reads=("incidents",),
    frame=frame,
    paint=paint,
    example={
        "incidents": {
            "incidents": [
                {
                    "key": "hotline|1", "number": "1", "title": "桂澜路与佛平路交叉口道路积水", "category": "道路积水",
                    "unit": "排水公司", "place": "440605011", "due": 1_795_300_000.0, "light": "overdue", "level": 1,
                    "since": 1_795_280_000.0,
                },
                {
                    "key": "hotline|2", "number": "2", "title": "<b>燃气异味</b>", "category": "燃气隐患",
                    "unit": "燃气公司", "place": "440605125", "due": 1_795_303_600.0, "light": "soon", "level": 0,
                    "since": 1_795_300_000.0,
                },
                {
                    "key": "hotline|3", "number": "3", "title": "", "category": "树木倒伏", "unit": "", "place": "",
                    "due": None, "light": "paused", "level": 0, "since": None,
                },
            ],
            "total": 3, "lights": {"normal": 0, "soon": 1, "overdue": 1, "worst": 0, "paused": 1, "none": 0},
            "categories": [["道路积水", 1], ["燃气隐患", 1], ["树木倒伏", 1]], "places": {"440605011": 1},
        }
    },
    period=Words("按剩余时限", "by time left"),
    formula=Words(
        "在办工单中：城市文件 [incidents] 所列类别、紧急件，以及时限不超过规定紧急工作时的工单",
        "Open tickets of the categories in [incidents] of the city file, urgent ones, and those within its limit",
    ),
    records={"": INCIDENTS},
)  # fmt: skip
