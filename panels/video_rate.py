"""How many cameras can be seen through: the online rate, the states it is made of, and the platforms, worst first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import heads
from dashboard.screens.marks import amount, clipped, empty, fraction, light, rate, row, share
from dashboard.screens.networkrecords import FAULTS
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import CAMERAS, DASH, Words, percent

ROWS = 12
COLUMNS = (
    Words("平台", "Platform"),
    Words("", ""),
    Words("在线率", "Online"),
    Words("异常", "Degr."),
    Words("离线", "Off"),
    Words("应在线", "Due"),
)
WHOLE = Words("完好率", "Fault-free")
SILENT = Words("平台无声", "Silent")
EMPTY = Words("尚未接入视频平台", "No video platform yet")
TITLE = Words("在线率", "Online rate")


def frame(ctx: Context) -> Any:
    """The rate with its bar and legend, and a list of platforms."""
    return html.Div(
        [
            html.Div(
                [
                    html.Div(id="video_rate-big", className="big"),
                    html.Div(id="video_rate-big-why", className="why"),
                    html.Div(id="video_rate-states", className="states"),
                ],
                className="video-sum",
            ),
            html.Div(id="video_rate-bar"),
            heads(COLUMNS),
            html.Div(id="video_rate-rows", className="rows"),
        ],
        className="list video-rate",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The rate with numerator and denominator; a silent platform says so instead of a rate that nobody knows."""
    view, language = views["video"], ctx.language
    part, whole = view.get("rate", (0, 0))
    good, _ = view.get("whole", (0, 0))
    counts = view.get("counts", {})
    rows = []
    low, middle, _ = ctx.city.rate_colours
    for platform in view.get("platforms", [])[:ROWS]:
        up, due = platform["rate"]
        mine = platform["counts"]
        kind = "low" if up < low * due else "middle" if up < middle * due else "high"
        rows.append(
            row([
                html.Span(clipped(ctx.city.translated(platform["name"], language)), className="name"),
                share(up / due if due else 0, kind),
                html.Span(SILENT[language], className="n late")
                if platform["silent"]
                else html.Span(f"{percent(up, due)} %" if due else DASH, className="n"),
                amount(mine.get("degraded", 0), language, "n quiet", 4),
                amount(mine.get("offline", 0), language, "n late" if mine.get("offline") else "n quiet", 4),
                amount(due, language, "n quiet"),
            ])
        )  # fmt: skip
    bar = [
        html.Span(className=f"part {look}", style={"flexGrow": counts.get(name, 0)})
        for name, (look, _) in CAMERAS.items()
        if counts.get(name, 0)
    ]
    states = [
        html.Span([light(look, language), f" {words[language]} ", html.B(amount(counts[name], language, ""))])
        for name, (look, words) in CAMERAS.items()
        if counts.get(name, 0)
    ]
    return {
        "video_rate-big.children": rate(part, whole),
        "video_rate-big-why.children": [
            html.Span(fraction(part, whole, language), className="quiet"),
            html.Span([f"{WHOLE[language]} ", html.B(f"{percent(good, whole)} %" if whole else DASH)]),
        ],
        "video_rate-states.children": states,
        "video_rate-bar.children": html.Div(bar, className="bar") if bar else "",
        "video_rate-rows.children": rows or empty(EMPTY, language),
    }


PANEL = Panel(
    id="video_rate",
    title=Words("视频在线率", "Cameras online"),
    reads=("video",),
    frame=frame,
    paint=paint,
    example={
        "video": {
            "total": 10222, "rate": [10086, 10191], "whole": [9880, 10191],
            "counts": {"online": 9880, "degraded": 206, "offline": 95, "planned": 31, "unknown": 10},
            "platforms": [
                {
                    "name": "水利视频", "rate": [0, 10], "silent": True, "heard": 1_795_000_000.0,
                    "counts": {"online": 0, "degraded": 0, "offline": 0, "planned": 0, "unknown": 10},
                },
                {
                    "name": "雪亮工程", "rate": [10086, 10181], "silent": False, "heard": 1_795_300_000.0,
                    "counts": {"online": 9880, "degraded": 206, "offline": 95, "planned": 31, "unknown": 0},
                },
            ],
        }
    },
    period=Words("此刻 · 按平台", "now · by platform"),
    formula=Words(
        "在线率 = 在线（含异常）÷（应在线 − 计划停用）；平台无声时为未知，仍计入分母；完好率 = 无故障在线 ÷ 同一分母",
        "Online, degraded included ÷ (should be online − planned); behind a silent platform a camera is unknown and "
        "stays in the denominator; fault-free = online without a fault ÷ the same",
    ),
    records={"": FAULTS},
)  # fmt: skip
