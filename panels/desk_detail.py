"""The desk's detail: one alert with all that is known of it, what was done about it, and what can be done now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import named
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words

TITLE = Words("详情", "Detail")
ACTS = Words("处理", "Acts")


def frame(ctx: Context) -> Any:
    """Places for head, acts, form, facts and story; ``watch.mjs`` fills them for the chosen alert."""
    return html.Div(
        [
            html.Div(id="desk_detail-data", hidden=True),
            html.Div(id="desk_detail-head", className="head"),
            html.Div(id="desk_detail-acts", className="acts", role="toolbar", **named(ACTS)),
            html.Div(id="desk_detail-form", className="form"),
            html.Div(
                [
                    html.Div(id="desk_detail-facts", className="facts"),
                    html.Div(id="desk_detail-story", className="story"),
                ],
                className="scroll",
                tabIndex=0,
                role="region",
                **named(TITLE),
            ),
        ],
        className="desk-detail",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """What was done and noted about each alert, newest first."""
    done: dict[str, list[dict[str, Any]]] = {}
    for line in views["handover"].get("log", []):
        if line["alert"] and line["by"]:
            said = {name: line.get(name) for name in ("at", "kind", "by", "to", "text", "until")}
            done.setdefault(line["alert"], []).append(said)
    return {"desk_detail-data.data": done}


PANEL = Panel(
    id="desk_detail",
    title=TITLE,
    reads=("handover",),
    whole=True,
    frame=frame,
    paint=paint,
    example={
        "handover": {
            "log": [
                {
                    "id": "1",
                    "at": 1_795_299_500.0,
                    "kind": "assigned",
                    "by": "陈静",
                    "to": "梁慧敏",
                    "text": "",
                    "alert": "sensor|over|gauges|W-04|level|1994582",
                    "until": None,
                    "title": ["", ""],
                },
            ]
        }
    },
    period=Words("所选告警", "the alert that is chosen"),
    formula=Words(
        "告警的来源、位置、处理经过与可做的处理", "Where an alert comes from, what was done about it and what can be"
    ),
)
