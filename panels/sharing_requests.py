"""Requests for data: how many were asked, granted, refused and are pending, month by month, and what waits longest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.amounts import MONTHS
from dashboard.screens.frames import heads
from dashboard.screens.marks import amount, clipped, countdown, empty, fraction, light, rate, row
from dashboard.screens.networkrecords import REQUESTS
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, compact, percent

ROWS = 24
ANSWERS = {
    "granted": ("normal", Words("同意", "Granted")),
    "refused": ("paused", Words("不予", "Refused")),
    "pending": ("soon", Words("待办", "Pending")),
    "overdue": ("overdue", Words("超期", "Overdue")),
}
IN_TIME = Words("按时答复", "Answered in time")
MEDIAN = Words("答复中位", "Median answer")
DAYS = Words("天", "d")
MONTH = Words("{n}月", "{month}")
COLUMNS = (
    Words("申请的数据", "Data wanted"),
    Words("数源部门", "Owner"),
    Words("申请部门", "Asked by"),
    Words("剩余", "Left"),
)
EMPTY = Words("没有待办的需求", "No request is pending")


def frame(ctx: Context) -> Any:
    """The granted share with its parts, twelve months, and the pending ones."""
    return html.Div(
        [
            html.Div(
                [
                    html.Div(
                        [
                            html.Div(id="sharing_requests-big", className="big"),
                            html.Div(id="sharing_requests-big-why", className="beside"),
                        ],
                        className="lead",
                    ),
                    html.Div(id="sharing_requests-bar"),
                    html.Div(id="sharing_requests-answers", className="legend answers"),
                    html.Div(id="sharing_requests-months", className="months"),
                ],
                className="asked",
            ),
            html.Div(
                [heads(COLUMNS, names=3), html.Div(id="sharing_requests-rows", className="rows")],
                className="list",
            ),
        ],
        className="sharing-requests",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The share granted with numerator and denominator; what is overdue is told apart from what is pending."""
    view, language = views["sharing_requests"], ctx.language
    asked, overdue = view.get("asked", 0), view.get("overdue", 0)
    counts = {name: view.get(name, 0) for name in ANSWERS}
    counts["pending"] -= overdue
    met, answered = view.get("in_time", (0, 0))
    median = view.get("median")
    bar = [html.Span(className=f"part {ANSWERS[name][0]}", style={"flexGrow": n}) for name, n in counts.items() if n]
    answers = [
        html.Span([light(ANSWERS[name][0], language), f" {ANSWERS[name][1][language]} ", html.B(compact(n, language))])
        for name, n in counts.items()
        if n
    ]
    rows = []
    for found in view.get("waiting", [])[:ROWS]:
        rows.append(
            row([
                html.Span(clipped(ctx.city.translated(found["entry"], language)) or DASH, className="name"),
                html.Span(clipped(ctx.city.translated(found["owner"], language)), className="quiet"),
                html.Span(clipped(ctx.city.translated(found["department"], language)), className="quiet"),
                countdown(found["due"]),
            ], "overdue" if found["late"] else "")
        )  # fmt: skip
    return {
        "sharing_requests-big.children": rate(counts["granted"], asked),
        "sharing_requests-big-why.children": [
            html.Span(fraction(counts["granted"], asked, language)),
            html.Span(f"{IN_TIME[language]} {percent(met, answered)} %" if answered else "", className="quiet"),
            html.Span(
                "" if median is None else f"{MEDIAN[language]} {median / 86400:.1f} {DAYS[language]}", className="quiet"
            ),
        ],
        "sharing_requests-bar.children": html.Div(bar, className="bar") if bar else "",
        "sharing_requests-answers.children": answers,
        "sharing_requests-months.children": _months(view.get("months", [])[-12:], language) if asked else "",
        "sharing_requests-rows.children": rows or empty(EMPTY, language),
    }


def _months(found: list[list[int]], language: str) -> list[Any]:
    """A column for each month: what was asked, and the part of it that was granted."""
    most = max((asked for _, asked, _ in found), default=0) or 1
    columns = []
    for at, asked, granted in found:
        month = at % 12
        inner = html.Div(style={"height": f"{100 * granted / asked if asked else 0:.1f}%"}, className="part")
        high = 100 * asked / most
        columns.append(
            html.Div([
                amount(asked, language, "n", 4),
                html.Div(html.Div(inner, className="whole", style={"height": f"{high:.1f}%"}), className="column"),
                html.Span(MONTH[language].format(n=month + 1, month=MONTHS[month]), className="of until"),
            ])
        )  # fmt: skip
    return columns


PANEL = Panel(
    id="sharing_requests",
    title=Words("数据需求", "Requests for data"),
    reads=("sharing_requests",),
    frame=frame,
    paint=paint,
    example={
        "sharing_requests": {
            "asked": 1859, "granted": 1328, "refused": 492, "pending": 39, "overdue": 2, "in_time": [1755, 1820],
            "median": 410_635.0, "number": 75, "owners": [],
            "months": [[24311 + at, 150 + 7 * at, 110 + 4 * at] for at in range(12)],
            "waiting": [
                {"key": "s|1", "entry": "企业登记信息", "department": "税务局", "owner": "市监局",
                 "asked": 1_795_000_000.0, "due": 1_795_300_000.0, "late": True},
                {"key": "s|2", "entry": "<b>人口基础信息</b>", "department": "民政局", "owner": "公安分局",
                 "asked": 1_795_100_000.0, "due": 1_795_900_000.0, "late": False},
            ],
        }
    },
    period=Words("今年至今 · 件", "this year so far"),
    formula=Words(
        "同意率 = 同意 ÷ 今年提出（含待办）；待办超过答复时限（来源所定，否则十个工作日）为超期；"
        "柱为当月提出，深色为其中同意",
        "Granted ÷ asked this year, pending included; overdue is what is pending beyond its time (the source's own, "
        "else ten work days); a column is what was asked in a month, its dark part what was granted",
    ),
    records={"": REQUESTS},
)  # fmt: skip
