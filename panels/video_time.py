"""Who was away longest today: single cameras by their time offline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import both, clipped, empty, light, row
from dashboard.screens.networkrecords import AWAY
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import CAMERAS, DASH, Words, duration

ROWS = 20
COLUMNS = (Words("", ""), Words("摄像头", "Camera"), Words("地点", "Where"), Words("今日离线", "Offline"))
EMPTY = Words("今日没有摄像头离线", "No camera has been offline today")


def frame(ctx: Context) -> Any:
    """A list with its columns named."""
    head = [html.Span(both(words), className="name" if n in (1, 2) else "") for n, words in enumerate(COLUMNS)]
    return html.Div(
        [html.Div(head, className="row head"), html.Div(id="video_time-rows", className="rows")],
        className="list video-time",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """State now, name, where, and hours and minutes offline today."""
    rows = []
    for camera in views["video_time"].get("longest", [])[:ROWS]:
        code = camera["place"]
        known = code in ctx.places and code != ctx.place
        look = CAMERAS.get(camera["state"], CAMERAS["unknown"])[0]
        rows.append(
            row([
                light(look, ctx.language),
                html.Span(clipped(camera["name"]), className="name"),
                html.Span(ctx.places[code].title(ctx.language) if known else DASH, className="where quiet"),
                html.Span(duration(camera["seconds"]), className="n"),
            ])
        )  # fmt: skip
    return {"video_time-rows.children": rows or empty(EMPTY, ctx.language)}


PANEL = Panel(
    id="video_time",
    title=Words("今日离线最久", "Longest offline today"),
    reads=("video_time",),
    frame=frame,
    paint=paint,
    example={
        "video_time": {
            "recorded": {}, "platforms": [], "away": {},
            "longest": [
                {"name": "桂澜路·平东社区 03", "place": "440605011", "seconds": 52_660, "state": "offline"},
                {"name": "<b>广佛路</b> 11", "place": "", "seconds": 1260, "state": "online"},
            ],
        }
    },
    period=Words("零时至今", "since midnight"),
    formula=Words(
        "今日零点至今处于离线的时长；计划停用与平台无声不计",
        "Time in the state offline since midnight; what was planned or nobody could know is left out",
    ),
    records={"": AWAY},
)  # fmt: skip
