"""Where water may stand: each point with its last day against its thresholds, the worst first, and its trend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.cityrecords import HIGH, LEVELS
from dashboard.screens.frames import heads
from dashboard.screens.marks import clipped, empty, light, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.sparks import spark
from dashboard.words import DASH, Words, count, measured

ROWS = 24
COLUMNS = (
    Words("水位点", "Level gauge"),
    Words("近 24 小时", "Last 24 h"),
    Words("水位", "Level"),
    Words("每小时", "Per hour"),
)
LOOKS = {"alarm": "overdue", "warn": "soon", "normal": "normal", "none": "none"}
FAULTS = {
    "never": Words("从未上报", "never heard"),
    "wrong_unit": Words("单位不符", "wrong unit"),
    "silent": Words("无声", "silent"),
    "stuck": Words("读数卡死", "stuck"),
}
TRENDS = {"rising": "▲", "falling": "▼", "steady": "＝", "": ""}
EMPTY = Words("此处没有水位点", "No level gauge here")
WARN, ALARM = Words("警戒", "Warning"), Words("封闭", "Closed")
RISING = Words("上涨中", "rising")
LEAST = 0.2  # Metres to which a point's chart reaches at least.


def frame(ctx: Context) -> Any:
    """Counts in one line, and a list."""
    return html.Div(
        [
            html.Div(id="emergency_water-counts", className="counts"),
            heads(COLUMNS, marked=True),
            html.Div(id="emergency_water-rows", className="rows"),
        ],
        className="list water",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """A point that cannot be believed keeps its last day, and in the place of its level says what is wrong with it."""
    view, language = views["water"], ctx.language
    rows = []
    for gauge in view.get("levels", [])[:ROWS]:
        fault, change = gauge["fault"], gauge["change"]
        look = "paused" if fault else LOOKS.get(gauge["grade"], "none")
        where = ctx.below(gauge["place"])
        limits = ((gauge["warn"], "soon"), (gauge["alarm"], "overdue"))
        said = [html.Span(FAULTS.get(fault, FAULTS["silent"])[language], className="ill wide")] if fault else [
            html.Span(measured(gauge["value"], "m", language), className=f"n {look}"),
            html.Span([
                html.Span(TRENDS.get(gauge["trend"], ""), className="shape"),
                f" {_signed(change)}" if change is not None else DASH,
            ], className="n quiet"),
        ]  # fmt: skip
        name = clipped(ctx.city.translated(gauge["name"], language))
        rows.append(
            row(
                [
                    light(look, language),
                    html.Span(name, className="name", title=f"{name} · {where}" if where else name),
                    html.Span(spark(gauge.get("day", []), limits, LEAST), className=f"chart-cell {look}"),
                    *said,
                ],
                look,
            )
        )
    over = view.get("over", {})
    counts = [
        html.Span([light(look, language), f" {words[language]} ", html.B(count(over.get(grade, 0)))])
        for grade, look, words in (("alarm", "overdue", ALARM), ("warn", "soon", WARN))
    ]
    if view.get("total"):
        counts.append(
            html.Span([html.Span("▲", className="shape"), f" {RISING[language]} ", html.B(count(view["rising"]))])
        )
    return {
        "emergency_water-counts.children": counts if view.get("total") else "",
        "emergency_water-rows.children": rows or empty(EMPTY, language),
    }


def _signed(change: float) -> str:
    """Centimetres an hour with their sign; what rounds to nothing has none."""
    shown = f"{abs(100 * change):.0f}"
    return f"{'' if shown == '0' else '+' if change > 0 else '−'}{shown} cm"


DAY = [0.02] * 60 + [0.02 + 0.008 * n for n in range(36)]
PANEL = Panel(
    id="emergency_water",
    title=Words("易涝点水位", "Flood-prone points"),
    reads=("water",),
    frame=frame,
    paint=paint,
    example={
        "water": {
            "levels": [
                {
                    "key": "g|W-U01|level", "sensor": "W-U01", "name": "佛平路下穿隧道", "place": "440605011",
                    "value": 0.3, "unit": "m", "fault": "", "grade": "alarm", "trend": "rising", "change": 0.08,
                    "at": 1_795_301_900.0, "warn": 0.15, "alarm": 0.27, "quantity": "level", "day": DAY,
                },
                {
                    "key": "g|W-R02|level", "sensor": "W-R02", "name": "<b>盐步大道河西段</b>", "place": "440605125",
                    "value": 0.17, "unit": "m", "fault": "", "grade": "warn", "trend": "falling", "change": -0.03,
                    "at": 1_795_301_900.0, "warn": 0.15, "alarm": 0.27, "quantity": "level",
                    "day": [value * 0.6 for value in reversed(DAY)],
                },
                {
                    "key": "g|W-J10|level", "sensor": "W-J10", "name": "官山路樵高路口", "place": "440605122",
                    "value": 0.08, "unit": "m", "fault": "stuck", "grade": "normal", "trend": "", "change": None,
                    "at": 1_795_301_900.0, "warn": 0.15, "alarm": 0.27, "quantity": "level", "day": [0.083] * 96,
                },
                {
                    "key": "g|W-J01|level", "sensor": "W-J01", "name": "南海大道海五路口", "place": "440605011",
                    "value": 0.02, "unit": "m", "fault": "", "grade": "normal", "trend": "steady", "change": 0.0,
                    "at": 1_795_301_900.0, "warn": 0.15, "alarm": 0.27, "quantity": "level",
                    "day": [0.02] * 40 + [None] * 8 + [0.02] * 48,
                },
            ],
            "rains": [], "total": 18, "working": 17, "over": {"warn": 1, "alarm": 1}, "rising": 1, "hours": [],
            "until": 1_795_302_000.0,
        }
    },
    period=Words("此刻 · 近 24 小时", "now · last 24 h"),
    formula=Words(
        "按警戒程度排列；每小时变化取最近一小时；虚线为警戒与封闭水位；卡死、无声或单位不符的读数不采信",
        "By how far a point is over its thresholds (dashed); change over the last hour; gauges that are stuck, silent "
        "or in a wrong unit are not believed",
    ),
    records={"": LEVELS, "counts": HIGH},
)  # fmt: skip
