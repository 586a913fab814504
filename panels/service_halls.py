"""The halls side by side: queue, longest wait, today's cases, what is kept of promises, and how people rate them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import heads
from dashboard.screens.marks import amount, clipped, empty, light, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.servicerecords import WAITS
from dashboard.words import DASH, Words, percent

ROWS = 16
COLUMNS = (
    Words("大厅", "Hall"),
    Words("等候", "Waiting"),
    Words("窗口", "Windows"),
    Words("最长等候", "Longest"),
    Words("平均", "Mean"),
    Words("今日", "Today"),
    Words("按期率", "On time"),
    Words("好评率", "Good"),
)
STATES = {None: "none", "silent": "worst", "closed": "paused", "open": "normal"}
LOOKS = {"warn": "soon", "alarm": "overdue"}
SILENT, CLOSED = Words("无声", "Silent"), Words("未开放", "Closed")
EMPTY = Words("此处没有办事大厅", "No hall here")


def frame(ctx: Context) -> Any:
    """A list with its columns named."""
    return html.Div(
        [heads(COLUMNS, marked=True), html.Div(id="service_halls-rows", className="rows")],
        className="list service-halls",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The longest wait first; a hall's light is that of its longest wait, or says that it is closed or silent."""
    view, language = views["service_halls"], ctx.language
    goal = view.get("goal", 0.98)
    rows = []
    for hall in view.get("halls", [])[:ROWS]:
        state, grade, longest = hall["state"], hall["grade"], hall["longest"]
        minutes, called = hall["mean"]
        look = LOOKS.get(grade, STATES.get(state, "none"))
        kept, due = hall["on_time"]
        good, rated = hall["good"]
        known = state == "open"
        wait = SILENT[language] if state == "silent" else CLOSED[language] if state == "closed" else DASH
        rows.append(
            row([
                light(look, language),
                _name(hall, ctx),
                amount(hall["waiting"], language, room=4) if known else html.Span(DASH, className="n quiet"),
                amount(hall["windows"], language, "n quiet", 4) if known else html.Span(DASH, className="n quiet"),
                html.Span(f"{longest:.0f} ′" if known and longest is not None else wait,
                    className=f"n grade {'alarm' if state == 'silent' else grade}"),
                html.Span(f"{minutes / called:.1f} ′" if called else DASH, className="n quiet",
                    title=f"n = {called:,}"),
                amount(hall["accepted"], language, room=5),
                html.Span(f"{percent(kept, due)} %" if due else DASH, title=f"{kept:,} / {due:,}",
                    className="n late" if due and kept < goal * due else "n"),
                html.Span(f"{percent(good, rated)} %" if rated else DASH, className="n quiet",
                    title=f"{good:,} / {rated:,}"),
            ])
        )  # fmt: skip
    return {"service_halls-rows.children": rows or empty(EMPTY, language)}


def _name(hall: Mapping[str, Any], ctx: Context) -> Any:
    """A hall's name, which leads to its place."""
    name, code = clipped(ctx.city.translated(hall["name"], ctx.language)), hall["place"]
    if code in ctx.places and code != ctx.place:
        return html.A(name, className="name", href=f"?place={code}", **{"data-place": code})
    return html.Span(name, className="name")


PANEL = Panel(
    id="service_halls",
    title=Words("办事大厅", "Service halls"),
    reads=("service_halls",),
    frame=frame,
    paint=paint,
    example={
        "service_halls": {
            "goal": 0.98,
            "halls": [
                {"name": "狮山政务服务中心", "place": "440605124", "state": "open", "age": 0.0, "waiting": 41,
                 "windows": 6, "longest": 42.0, "mean": [2218.7, 98], "grade": "alarm", "accepted": 55, "open": 173,
                 "late": 2, "on_time": [2438, 2540], "bound": 0.951, "good": [604, 625]},
                {"name": "<b>大沥</b>政务服务中心", "place": "A", "state": "open", "age": 0.0, "waiting": 28,
                 "windows": 7, "longest": 24.0, "mean": [1284.8, 110], "grade": "warn", "accepted": 43, "open": 139,
                 "late": 2, "on_time": [2164, 2196], "bound": 0.969, "good": [488, 496]},
                {"name": "九江政务服务中心", "place": "B", "state": "silent", "age": 2000.0, "waiting": 0,
                 "windows": None, "longest": None, "mean": [0, 0], "grade": "none", "accepted": 20, "open": 80,
                 "late": 0, "on_time": [0, 0], "bound": None, "good": [0, 0]},
            ],
            "total": 3, "all": {},
        }
    },
    period=Words("此刻 · 本月率", "now · rates of the month"),
    formula=Words(
        "按最长等候排列；按期率 = 本月承诺时限内办结 ÷ 本月应办结；好评率 = 三星及以上 ÷ 本月评价；悬停见分子分母",
        "By the longest wait; on time = finished as promised ÷ due this month; good = three stars and more ÷ ratings "
        "of the month; hover for numerator and denominator",
    ),
    records={"": WAITS},
)  # fmt: skip
