"""The desk's log: who has it, what happened in the shift, what was noted; and the hand-over to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import both, clipped, named
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words

ROWS = 100
TITLE = Words("值班日志", "Log")


def frame(ctx: Context) -> Any:
    """Who has the desk, the shift in numbers, the way to note and hand over, and the lines."""
    return html.Div(
        [
            html.Div(id="desk_log-data", hidden=True),
            html.Div(id="desk_log-holder", className="holder"),
            html.Div(id="desk_log-shift", className="shift"),
            html.Div(
                [
                    html.Button(
                        [html.Kbd("n", lang="en"), both(Words("记事", "Note"))], type="button", **{"data-shift": "note"}
                    ),
                    html.Button(
                        [html.Kbd("h", lang="en"), both(Words("交班", "Hand over"))],
                        type="button",
                        **{"data-shift": "over"},
                    ),
                    html.Button(both(Words("导出", "Export")), type="button", **{"data-shift": "export"}),
                    html.Button(both(Words("打印", "Print")), type="button", **{"data-shift": "print"}),
                ],
                className="acts",
                role="toolbar",
                **named(TITLE),
            ),
            html.Div(id="desk_log-form", className="form"),
            html.Div(
                html.Ol(id="desk_log-rows"),
                className="scroll",
                tabIndex=0,
                role="region",
                **named(TITLE),
            ),
        ],
        className="desk-log",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The lines as ``assets/shift.mjs`` draws them, in the screen's language."""
    view = views["handover"]
    at = 1 if ctx.language == "en" else 0
    rows = []
    for line in view.get("log", [])[:ROWS]:
        kept = {name: line.get(name) for name in ("id", "at", "kind", "by", "to", "severity", "stands", "until")}
        rows.append(kept | {"text": line.get("text") or "", "title": clipped((line.get("title") or ("", ""))[at])})
    return {"desk_log-data.data": {"rows": rows, "holder": view.get("holder"), "shift": view.get("shift") or {}}}


PANEL = Panel(
    id="desk_log",
    title=TITLE,
    reads=("handover",),
    whole=True,
    frame=frame,
    paint=paint,
    example={
        "handover": {
            "holder": {"name": "陈静", "by": "周志强", "since": 1_795_260_000.0, "summary": "夜间值班"},
            "shift": {
                "since": 1_795_260_000.0,
                "raised": {"1": 1, "2": 3, "3": 2, "4": 9},
                "ended": {"1": 0, "2": 1, "3": 1, "4": 0},
                "acknowledged": 4,
                "snoozed": 1,
                "assigned": 2,
                "reopened": 0,
                "noted": 1,
            },
            "log": [
                {
                    "id": "3",
                    "at": 1_795_299_500.0,
                    "kind": "noted",
                    "by": "陈静",
                    "to": "",
                    "title": ["", ""],
                    "text": "水利局<b>水泵车</b>已到海五路",
                    "alert": None,
                    "severity": None,
                    "stands": False,
                    "until": None,
                },
                {
                    "id": "2",
                    "at": 1_795_299_000.0,
                    "kind": "acknowledged",
                    "by": "陈静",
                    "to": "",
                    "text": "已派人",
                    "title": ["海五路下穿 超警戒", "Haiwu Road: alarm"],
                    "alert": "s",
                    "severity": 2,
                    "stands": True,
                    "until": None,
                },
                {
                    "id": "1",
                    "at": 1_795_298_000.0,
                    "kind": "raised",
                    "by": "",
                    "to": "",
                    "text": "",
                    "title": ["海五路下穿 超警戒", "Haiwu Road: alarm"],
                    "alert": "s",
                    "severity": 2,
                    "stands": True,
                },
            ],
        }
    },
    period=Words("本班", "this shift"),
    formula=Words(
        "自最近一次交班起（最多 12 小时）：发生、解除、确认、指派与记事",
        "Since the last hand-over (12 hours at most): raised, over, acknowledged, assigned and noted",
    ),
)
