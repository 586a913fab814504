"""Who waits: people in the halls through the day against a like day, and each hall's day as a strip of cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import figures
from dashboard.screens.marks import both, clipped, empty, fraction, number
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.servicerecords import OPEN_WINDOWS, WAITS
from dashboard.screens.strokes import key, lines, plotted, strip, top_of
from dashboard.words import DASH, Words, compact

FIRST, LAST = 32, 74  # Quarters of the day that are shown: from eight to half past six.
ROWS = 12
NAMES = {
    "now": Words("等候人数", "Waiting"),
    "windows": Words("开放窗口", "Windows open"),
    "longest": Words("最长等候", "Longest wait"),
    "mean": Words("今日平均等候", "Mean wait today"),
}
PEOPLE, MINUTES = Words("人", ""), Words("分钟", "min")
HALL = Words("大厅", "Hall")
CALLED = Words("已叫号", "called")
PER = Words("人 / 窗口", "per window")
HALLS = Words("个大厅开放", "halls open")
SILENT = Words("无声", "silent")
TODAY, BEFORE = Words("今日", "Today"), Words("同类日", "Like day")
EMPTY = Words("尚无大厅排队数据", "No hall has told of its queue")
AXIS = ("8", "10", "12", "14", "16", "18")
COLUMNS = (Words("等候", "Now"), Words("最长", "Longest"))
GRADES = {"warn": "■ ", "alarm": "▲ "}


def frame(ctx: Context) -> Any:
    """Four figures, the day's line, and a strip for each hall."""
    head = html.Div(
        [
            html.Span(both(HALL), className="name"),
            html.Div([html.Span(mark) for mark in AXIS], className="axis"),
            *[html.Span(both(words)) for words in COLUMNS],
        ],
        className="strip head",
    )
    return html.Div(
        [
            figures("service_waiting", NAMES),
            html.Div(id="service_waiting-day", className="chart-of"),
            head,
            html.Div(id="service_waiting-halls", className="strips rows"),
        ],
        className="waiting",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The figures with their n, today's line over the like day's, and the halls with the longest wait first."""
    view, language = views["service_waiting"], ctx.language
    whole = view.get("all", {})
    today, before = (view.get(name, [])[FIRST:LAST] for name in ("today", "before"))
    waiting, windows, longest = whole.get("waiting"), whole.get("windows"), whole.get("longest")
    minutes, called = whole.get("mean", (0, 0))
    halls = view.get("halls", [])[:ROWS]
    most = top_of(*(hall["line"][FIRST:LAST] for hall in halls))
    rows = [_strip(hall, most, ctx) for hall in halls]
    legend = [key("stroke", TODAY[language]), key("faint", BEFORE[language])]
    silent = whole.get("silent", 0)
    working, known = whole.get("open", 0), whole.get("halls", 0)
    opened = f"{fraction(working, known, language, 4)} {HALLS[language]}" if known else ""
    return {
        "service_waiting-now.children": number(waiting, PEOPLE[language], language=language, room=5),
        "service_waiting-now-why.children": html.Span(
            f"{waiting / windows:.1f} {PER[language]}" if waiting and windows else ""
        ),
        "service_waiting-windows.children": number(windows, "", language=language, room=5),
        "service_waiting-windows-why.children": [
            html.Span(opened),
            html.Span(f"{compact(silent, language)} {SILENT[language]}", className="alarm") if silent else "",
        ],
        "service_waiting-longest.children": number(
            None if longest is None else round(longest), MINUTES[language], whole.get("grade", "none")
        ),
        "service_waiting-longest-why.children": html.Span(
            clipped(ctx.city.translated(whole.get("where", ""), language))
        ),
        "service_waiting-mean.children": number(f"{minutes / called:.1f}" if called else DASH, MINUTES[language]),
        "service_waiting-mean-why.children": html.Span(
            f"n = {compact(called, language, 5)} {CALLED[language]}" if called else ""
        ),
        "service_waiting-day.children": plotted(
            lines(today, before), compact(top_of(today, before), language, 4), AXIS, legend
        )
        if any(value is not None for value in [*today, *before])
        else "",
        "service_waiting-halls.children": rows or empty(EMPTY, language),
    }


def _strip(hall: Mapping[str, Any], most: float, ctx: Context) -> Any:
    longest, grade = hall["longest"], hall["grade"]
    told = hall["state"] == "silent"
    said = SILENT[ctx.language] if told else DASH if longest is None else f"{GRADES.get(grade, '')}{longest:.0f} ′"
    return html.Div(
        [
            html.Span(clipped(ctx.city.translated(hall["name"], ctx.language)), className="name"),
            html.Div(strip(hall["line"][FIRST:LAST], most), className="cells-of"),
            html.Span(DASH if told else compact(hall["waiting"], ctx.language, 4), className="n"),
            html.Span(said, className=f"n grade {'alarm' if told else grade}"),
        ],
        className="strip",
    )


LINE = [None] * 33 + [2, 7, 4, 3, 6, 9, 7, 12, 16, 14, 11, 8, 5, 2, 0, 0, 1, 1, 1, 1, 1, 3, 6, 8] + [None] * 39
PANEL = Panel(
    id="service_waiting",
    title=Words("大厅等候", "Waiting in the halls"),
    reads=("service_waiting",),
    frame=frame,
    paint=paint,
    example={
        "service_waiting": {
            "today": [None if n is None else 3 * n for n in LINE], "before": LINE, "like": "2026-11-19", "slot": 56,
            "warn": 20.0, "alarm": 40.0,
            "halls": [
                {"name": "狮山政务服务中心", "place": "440605124", "state": "open", "age": 20.0, "waiting": 41,
                 "windows": 6, "longest": 42.0, "mean": [2218.7, 98], "grade": "alarm", "line": LINE},
                {"name": "<b>大沥</b>政务服务中心", "place": "", "state": "silent", "age": 900.0, "waiting": 0,
                 "windows": None, "longest": None, "mean": [0, 0], "grade": "none", "line": LINE},
            ],
            "all": {"halls": 8, "silent": 1, "open": 7, "waiting": 73, "windows": 49, "longest": 42.0,
                    "where": "狮山政务服务中心", "mean": [5032.3, 675], "grade": "alarm"},
        }
    },
    period=Words("此刻 · 每一刻钟", "now · by quarter of an hour"),
    formula=Words(
        "各大厅报来的排队人数之和；每格一刻钟，越亮人越多；平均等候按已叫号人数加权；逾十分钟未报者为无声，不计入",
        "The sum of the halls' own counts; a cell is a quarter of an hour, the brighter the more; the mean is weighed "
        "by who was called; a hall not heard of for ten minutes is silent and left out",
    ),
    records={"": WAITS, "windows": OPEN_WINDOWS},
)  # fmt: skip
