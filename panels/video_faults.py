"""What ails the cameras: faults with one cause as one line each, the largest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import clipped, elapsed, empty, number, row
from dashboard.screens.networkrecords import FAULTS, SHARED_FAULTS
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, compact

ROWS = 24
CAUSES: dict[str, tuple[str, Words]] = {
    "network": ("◆", Words("网络", "Network")),
    "platform": ("■", Words("平台", "Platform")),
    "switch": ("▲", Words("交换机", "Switch")),
    "street": ("▬", Words("街路", "Street")),
    "camera": ("○", Words("单点", "Single")),
}
COLUMNS = (
    Words("成因", "Cause"),
    Words("故障", "Fault"),
    Words("地点", "Where"),
    Words("离线", "Off"),
    Words("历时", "For"),
)
NAMES = {
    "alarms": Words("共因故障", "Shared causes"),
    "number": Words("故障", "Faults"),
    "cameras": Words("离线摄像头", "Cameras off"),
}
UNIT, ROADS = Words("起", ""), Words("路", "")
EMPTY = Words("没有摄像头离线", "No camera is offline")


def frame(ctx: Context) -> Any:
    """Three numbers and a list."""
    return html.Div(
        [
            figures("video_faults", NAMES, why=False),
            heads(COLUMNS, names=3),
            html.Div(id="video_faults-rows", className="rows"),
        ],
        className="list video-faults",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Cause with its shape, what it is, where, how many of how many are still down, and for how long."""
    view, language = views["video_faults"], ctx.language
    rows = []
    for fault in view.get("faults", [])[:ROWS]:
        cause = fault["cause"] if fault["cause"] in CAUSES else "camera"
        shape, word = CAUSES[cause]
        code = fault["place"]
        where = ctx.places[code].title(language) if code in ctx.places and code != ctx.place else DASH
        down, members = fault["down"], fault["members"]
        shared = cause != "camera"
        some = clipped(", ".join(fault["some"]))
        name = clipped(ctx.city.translated(fault["name"], language)) or some
        rows.append(
            row(
                [
                    html.Span([html.Span(shape, className="shape"), " ", word[language]], className="cause"),
                    html.Span(name, className="name", title=f"{clipped(fault['platform'])} · {some}"),
                    html.Span(where, className="where quiet"),
                    html.Span(
                        f"{compact(down, language, 4)} / {compact(members, language, 4)}"
                        if shared and down < members
                        else compact(down, language, 4),
                        className="n late" if shared else "n",
                    ),
                    elapsed(fault["since"]),
                ],
                cause,
            )
        )
    return {
        "video_faults-alarms.children": number(view.get("alarms"), UNIT[language], language=language, room=5),
        "video_faults-number.children": number(view.get("number"), UNIT[language], language=language, room=5),
        "video_faults-cameras.children": number(view.get("cameras"), ROADS[language], language=language, room=5),
        "video_faults-rows.children": rows or empty(EMPTY, language),
    }


PANEL = Panel(
    id="video_faults",
    title=Words("视频故障", "Video faults"),
    reads=("video_faults",),
    frame=frame,
    paint=paint,
    example={
        "video_faults": {
            "faults": [
                {
                    "key": "switch|SW-0102|1", "cause": "switch", "name": "SW-0102", "since": 1_795_300_000.0,
                    "down": 17, "members": 24, "place": "440605124", "platform": "雪亮工程",
                    "some": ["桂澜路 01", "桂澜路 02"],
                },
                {
                    "key": "camera|x|2", "cause": "camera", "name": "<b>桂澜路</b> 07", "since": 1_795_200_000.0,
                    "down": 1, "members": 1, "place": "", "platform": "城管视频", "some": ["桂澜路 07"],
                },
            ],
            "number": 2, "cameras": 18, "alarms": 1, "single": 1,
        }
    },
    period=Words("此刻", "now"),
    formula=Words(
        "一分钟内同一平台、交换机或街路过半摄像头离线，合为一起故障；连续三次心跳缺失才算离线",
        "Cameras that fall within a minute and are half of a platform, switch or street are one fault; a camera is "
        "offline after three missed heartbeats in a row",
    ),
    records={"": FAULTS, "alarms": SHARED_FAULTS},
)  # fmt: skip
