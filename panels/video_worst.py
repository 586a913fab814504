"""Where the cameras fail most: the places below, or the streets of a single place, worst first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import heads
from dashboard.screens.marks import amount, clipped, empty, row, share
from dashboard.screens.networkrecords import FAULTS
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, percent

ROWS = 16
COLUMNS = (
    Words("地点", "Place"),
    Words("", ""),
    Words("离线率", "Offline"),
    Words("离线", "Off"),
    Words("未知", "Unkn."),
    Words("应在线 n", "Due n"),
)
EMPTY = Words("此处没有摄像头", "No cameras here")


def frame(ctx: Context) -> Any:
    """A list with its columns named."""
    return html.Div(
        [heads(COLUMNS), html.Div(id="video_worst-rows", className="rows")],
        className="list video-worst",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The share that is offline as a bar against the worst of all, and what it is made of."""
    found = views["video_worst"].get("places", [])[:ROWS]
    shares = [place["offline"] / place["rate"][1] if place["rate"][1] else 0.0 for place in found]
    most = max(shares, default=0.0)
    rows = []
    for place, part in zip(found, shares, strict=True):
        code, due = place["place"], place["rate"][1]
        name = place["name"] or (ctx.places[code].title(ctx.language) if code in ctx.places else code)
        rows.append(
            row([
                html.Span(clipped(name) or DASH, className="name"),
                share(part / most if most else 0, "low"),
                html.Span(f"{percent(place['offline'], due)} %" if due else DASH, className="n"),
                amount(place["offline"], ctx.language, "n late" if place["offline"] else "n quiet", 4),
                amount(place["unknown"], ctx.language, "n" if place["unknown"] else "n quiet", 4),
                amount(due, ctx.language, "n quiet"),
            ])
        )  # fmt: skip
    return {"video_worst-rows.children": rows or empty(EMPTY, ctx.language)}


PANEL = Panel(
    id="video_worst",
    title=Words("离线最多的地方", "Worst places"),
    reads=("video_worst",),
    frame=frame,
    paint=paint,
    example={
        "video_worst": {
            "places": [
                {
                    "place": "440605124", "name": "", "rate": [2640, 2780], "offline": 128, "unknown": 12,
                    "degraded": 51, "bound": 0.039,
                },
                {
                    "place": "440605011", "name": "<b>桂澜路</b>", "rate": [9, 9], "offline": 0, "unknown": 0,
                    "degraded": 1, "bound": 0.0,
                },
            ],
            "number": 2,
        }
    },
    period=Words("此刻 · 按离线率", "now · by share offline"),
    formula=Words(
        "离线率 = 离线 ÷（应在线 − 计划停用）；按其威尔逊区间下限（95 %）排列，三路坏一路不会排在千路坏百路之前",
        "Offline ÷ (should be online − planned), ranked by the lower bound of its Wilson interval (95 %)",
    ),
    records={"": FAULTS},
)  # fmt: skip
