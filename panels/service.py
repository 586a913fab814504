"""Government service at a glance: today's cases against a like day, what is on time, how long the longest waits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import module, rated
from dashboard.screens.marks import amount, change, clipped, fraction, number, rate
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.servicerecords import ACCEPTANCES, BAD_RATINGS, COUNTED, LATE_CASES, PROMISES, WAITS
from dashboard.screens.strokes import columns, key, plotted, top_of
from dashboard.words import DASH, Words, compact, percent

NAMES = {
    "today": Words("今日受理", "Accepted today"),
    "rate": Words("按期办结率", "On time"),
    "wait": Words("最长等候", "Longest wait"),
}
FACTS = {
    "open": Words("在办 · 超期", "Open · late"),
    "good": Words("好评率", "Good ratings"),
    "spot": Words("当日办结", "Same day"),
    "fast": Words("时限压缩", "Limits cut by"),
}
CASES, MINUTES = Words("件", ""), Words("分钟", "min")
SAME_TIME = Words("同刻", "by now")
MEAN = Words("平均", "mean")
NOBODY = Words("无人等候", "nobody waits")
CLOSED = Words("大厅未开放", "halls closed")
TODAY = Words("今日", "Today")
HOURS = ("0", "6", "12", "18", "24")
WEEK = (Words("周一", "Mon"), Words("周二", "Tue"), Words("周三", "Wed"), Words("周四", "Thu"), Words("周五", "Fri"),
        Words("周六", "Sat"), Words("周日", "Sun"))  # fmt: skip


def frame(ctx: Context) -> Any:
    """Three figures, the day's columns, and four more facts where there is room."""
    return module("service", NAMES, "hours", FACTS)


def day_of(text: str, language: str) -> str:
    """A day as the screen names it, such as 周五 or Fri."""
    return WEEK[date.fromisoformat(text).weekday()][language] if text else DASH


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Each figure with what makes it mean something; the columns are hours, the pale ones those of the like day."""
    view, language = views["service"], ctx.language
    accepted, before = view.get("today", {}).get("accepted", 0), view.get("before", {}).get("accepted")
    like = day_of(view.get("like", ""), language)
    kept, due = view.get("on_time", (0, 0))
    waiting = view.get("waiting", {})
    longest, grade = waiting.get("longest"), waiting.get("grade", "none")
    total, called = waiting.get("mean", (0, 0))
    idle = CLOSED if waiting.get("halls") and not waiting.get("open") else NOBODY
    wait = number(round(longest), MINUTES[language], grade) if longest is not None else number(DASH)
    mean = f"{MEAN[language]} {total / called:.1f} {MINUTES[language]}" if called else idle[language]
    today, ghost = (*view.get("hours", ()), [], [])[:2]
    ghost = ghost if view.get("hours_known") else []
    legend = [key("now", TODAY[language]), *([key("ghost", like)] if ghost else [])]
    top = compact(top_of(today, ghost), language, 4)
    return {
        "service-today.children": number(accepted, CASES[language], language=language, room=5),
        "service-today-why.children": [
            html.Span(change(accepted, before) if before else DASH),
            html.Span(f"{like} {SAME_TIME[language]} {compact(before, language, 5)}", className="quiet"),
        ],
        "service-rate.children": rate(kept, due),
        "service-rate-why.children": html.Span(fraction(kept, due, language)),
        "service-wait.children": wait,
        "service-wait-why.children": [
            html.Span(clipped(ctx.city.translated(waiting.get("where", ""), language)) if longest is not None else ""),
            html.Span(mean, className="quiet"),
        ],
        "service-hours.children": plotted(columns(today, ghost, view.get("hour")), top, HOURS, legend)
        if today or ghost
        else "",
        **_facts(view, ctx),
    }


def _facts(view: Document, ctx: Context) -> Painted:
    language = ctx.language
    late = view.get("late", 0)
    good = view.get("ratings", {}).get("good", (0, 0))
    spot = view.get("same_day", (0, 0))
    promised, legal = view.get("compressed", (0, 0))
    cut = percent(legal - promised, legal) if legal else DASH
    days = f"{promised:,.0f} / {legal:,.0f} {DAYS[language]}" if legal else f"{DASH} / {DASH}"
    return {
        "service-open.children": [
            html.Div(number(view.get("open"), "", language=language, room=5)),
            html.Div([amount(late, language, "alarm" if late else ""), f" {LATE[language]}"], className="of"),
        ],
        "service-good.children": rated(good, language),
        "service-spot.children": rated(spot, language),
        "service-fast.children": [
            html.Div(number(cut, "%" if legal else "")), html.Div(days, className="of"),
        ],
    }  # fmt: skip


DAYS, LATE = Words("工作日", "days"), Words("件超期", "late")
PANEL = Panel(
    id="service",
    title=Words("政务服务", "Government service"),
    reads=("service",),
    frame=frame,
    paint=paint,
    example={
        "service": {
            "today": {"accepted": 1038, "finished": 986, "same_day": 610}, "like": "2026-11-20",
            "before": {"accepted": 977, "finished": 1004},
            "hours": [
                [6, 2, 2, 3, 1, 6, 5, 16, 85, 149, 164, 96, 40, 31, 120, 118, 90, 40, 0, 0, 0, 0, 0, 0],
                [4, 4, 2, 3, 2, 9, 11, 17, 72, 132, 134, 75, 40, 30, 104, 113, 89, 46, 28, 22, 26, 31, 23, 17],
            ],
            "hour": 17, "hours_known": True, "workday": True, "open": 989, "late": 9, "over": 0,
            "on_time": [14752, 15018], "on_time_before": [12836, 13100], "legal": [6093, 6093], "goal": 0.98,
            "same_day": [4614, 15009], "compressed": [14188.0, 120896.0],
            "waiting": {
                "halls": 8, "silent": 0, "open": 8, "waiting": 73, "windows": 49, "longest": 35.0,
                "where": "狮山政务服务中心", "mean": [5032.3, 675], "grade": "warn",
            },
            "ratings": {"stars": [25, 43, 75, 324, 3163], "good": [3562, 3630], "bad": 68, "taken": [3630, 15009]},
            "redress": {"open": 31, "late": 1, "rate": [63, 64], "days": 15},
            "channels": [["窗口", 179, 8015], ["网上", 86, 5368]], "odd": {},
        }
    },
    period=Words("今日 · 本月按期", "today · on time this month"),
    formula=Words(
        "今日受理与上一工作日（休息日为上周同日）同一时刻相比；按期办结率 = 本月承诺时限内办结 ÷ 本月应办结；"
        "最长等候为各大厅此刻排队最久者，平均为今日已叫号者；时限压缩 = 1 − 承诺工作日 ÷ 法定工作日",
        "Today against the working day before (on a day off: the same day a week ago) up to the same time; on time = "
        "finished as promised ÷ due this month; the mean wait is that of those called today; limits cut by = 1 − "
        "working days promised ÷ working days the law allows",
    ),
    records={
        "": WAITS,
        "today": ACCEPTANCES,
        "hours": ACCEPTANCES,
        "rate": PROMISES,
        "open": LATE_CASES,
        "good": BAD_RATINGS,
        "spot": COUNTED,
        "fast": COUNTED,
    },
)  # fmt: skip
