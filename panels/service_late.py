"""What is not kept: the rate on time by day against the goal, and the cases that are open beyond their limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import clipped, empty, light, number, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.servicerecords import LATE_CASES, PROMISES
from dashboard.screens.strokes import between, key, plotted
from dashboard.words import DASH, Words, days_words, in_percent

ROWS = 16
NAMES = {"late": Words("超过承诺时限", "Beyond promise"), "open": Words("在办", "In hand")}
COLUMNS = (Words("事项", "Item"), Words("大厅", "Hall"), Words("受理号", "Number"), Words("已超", "Over by"))
CASES, GOAL = Words("件", ""), Words("目标", "Goal")
EACH_DAY = Words("每日按期率", "On time by day")
EMPTY = Words("没有超期办件", "No case is late")


def frame(ctx: Context) -> Any:
    """Figures and the line on the left, the list on the right."""
    return html.Div(
        [
            html.Div(
                [
                    figures("service_late", NAMES, "figures two", why=False),
                    html.Div(id="service_late-days", className="chart-of"),
                ],
                className="module",
            ),
            html.Div(
                [heads(COLUMNS, names=3, marked=True), html.Div(id="service_late-rows", className="rows")],
                className="list service-late",
            ),
        ],
        className="split",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The longest late first, with the working days since; a case beyond the law's limit too has the worst light."""
    view, language = views["service_late"], ctx.language
    goal, late = view.get("goal"), view.get("late")
    rows = [
        row([
            light("worst" if case["over"] else "overdue", language),
            html.Span(clipped(ctx.city.translated(case["item"], language)) or DASH, className="name"),
            html.Span(clipped(ctx.city.translated(case["hall"], language)) or DASH, className="name quiet"),
            html.Span(clipped(case["number"]), className="name quiet"),
            html.Span(days_words(case["days"], language, 1), className="days"),
        ], "late")
        for case in view.get("cases", [])[:ROWS]
    ]  # fmt: skip
    days = view.get("days", [])
    rates = [100 * kept / due if due else None for _, kept, due in days]
    known = [value for value in rates if value is not None]
    least = min(95.0, *known) // 5 * 5 if known else 95.0
    shown = [key("stroke", EACH_DAY[language])]
    if goal is not None:
        shown.append(key("goal", f"{GOAL[language]} {in_percent(100 * goal)} %"))
    return {
        "service_late-late.children": number(late, CASES[language], "alarm" if late else "", language, 4),
        "service_late-open.children": number(view.get("open"), CASES[language], language=language, room=4),
        "service_late-days.children": plotted(
            between(rates, least, 100.0, 100 * goal if goal is not None else None), f"{least:.0f}–100 %",
            (days[0][0][5:], days[-1][0][5:]), shown,
        )
        if known
        else "",
        "service_late-rows.children": rows or empty(EMPTY, language),
    }  # fmt: skip


PANEL = Panel(
    id="service_late",
    title=Words("超期办件", "Late cases"),
    reads=("service_late",),
    frame=frame,
    paint=paint,
    example={
        "service_late": {
            "cases": [
                {"key": "halls|1", "number": "NH261112-0430", "item": "居住证办理", "hall": "狮山政务服务中心",
                 "place": "440605124", "channel": "窗口", "due": 1_795_051_117.0, "over": True, "days": 1.17},
                {"key": "halls|2", "number": "<b>NH261118</b>", "item": "", "hall": "", "place": "", "channel": "",
                 "due": 1_795_053_530.0, "over": False, "days": 0.4},
            ],
            "late": 9, "open": 989, "goal": 0.98,
            "days": [[f"2026-11-{1 + at:02d}", 470 + at % 5, 480 + at % 3] for at in range(21)],
        }
    },
    period=Words("此刻 · 近三十日", "now · last thirty days"),
    formula=Words(
        "承诺时限已过而未办结者，按超出的工作日排列；◆ 为连法定时限也已超过；按期率 = 承诺时限内办结 ÷ 当日应办结",
        "Open beyond what was promised, by working days since; ◆ is beyond the law's limit too; on time = finished as "
        "promised ÷ due that day",
    ),
    records={"": LATE_CASES, "days": PROMISES},
)  # fmt: skip
