"""Data sharing in one card: updates on time, calls of today with their failures, requests granted, and the day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.dayline import dayline
from dashboard.screens.dayline import frame as day
from dashboard.screens.frames import figures
from dashboard.screens.marks import change, clipped, fraction, number, rate
from dashboard.screens.networkrecords import APIS, BROKEN_ENTRIES, REQUESTS, STALE
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, compact, percent

NAMES = {
    "on_time": Words("更新及时率", "Updated on time"),
    "calls": Words("今日接口调用", "API calls today"),
    "granted": Words("需求同意率", "Granted"),
}
TIMES = Words("次", "")
WORST = Words("最低", "Worst")
FAILED = Words("失败", "Failed")
PENDING = Words("待办", "Pending")
BROKEN = Words("中断", "Broken")


def frame(ctx: Context) -> Any:
    """Three figures over the day's calls."""
    return html.Div([figures("sharing", NAMES), day("sharing-day")], className="card-sum sharing-sum")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Each figure with its numerator and denominator, and the department, the failures or the pending behind it."""
    view, language = views["sharing"], ctx.language
    part, whole = view.get("on_time", (0, 0))
    calls, failures, _ = view.get("today", (0, 0, 0))
    now, before = view.get("same", (0, 0))
    requests = view.get("requests", {})
    asked, granted = requests.get("asked", 0), requests.get("granted", 0)
    worst = view.get("worst")
    hours = view.get("hours", {})
    said = ""
    if worst is not None:
        name = clipped(ctx.city.translated(worst[0], language))
        said = f"{WORST[language]} {percent(worst[1], worst[2])} % {name}"
    return {
        "sharing-on_time.children": rate(part, whole),
        "sharing-on_time-why.children": [html.Span(fraction(part, whole, language)), html.Span(said, className="name")],
        "sharing-calls.children": number(calls, TIMES[language], language=language, room=5),
        "sharing-calls-why.children": [
            html.Span(f"{FAILED[language]} {percent(failures, calls, 2)} %" if calls else DASH),
            change(now, before),
        ],
        "sharing-granted.children": rate(granted, asked),
        "sharing-granted-why.children": [
            html.Span(fraction(granted, asked, language)),
            html.Span(f"{PENDING[language]} {compact(requests.get('pending', 0), language)}"),
        ],
        "sharing-day.children": dayline(hours.get("today", ()), hours.get("yesterday", ()), language),
    }


PANEL = Panel(
    id="sharing",
    title=Words("数据共享", "Data sharing"),
    reads=("sharing",),
    frame=frame,
    paint=paint,
    example={
        "sharing": {
            "entries": 4820, "linked": [4526, 4820], "on_time": [4246, 4314], "broken": 14,
            "worst": ["通信办", 47, 58], "today": [554439, 750, 3300945], "yesterday": [1017853, 355, 6095789],
            "same": [501458, 505220], "failing": 1,
            "hours": {
                "today": [[0, 12980, 2], [6, 12627, 2], [8, 34704, 13], [10, 70972, 23], [13, 75016, 8000]],
                "yesterday": [[0, 12808, 2], [6, 12743, 2], [8, 35022, 9], [12, 72472, 20], [18, 54637, 28]],
            },
            "requests": {"asked": 1859, "granted": 1328, "refused": 492, "pending": 39, "overdue": 2},
        }
    },
    period=Words("今日 · 需求为今年", "today · requests this year"),
    formula=Words(
        "更新及时率 = 在各自周期内更新的目录 ÷ 应更新的目录（有周期且已挂接）；失败率 = 失败 ÷ 调用；"
        "同意率 = 同意 ÷ 今年提出；升降为今日整点前与昨日同一时段相比",
        "On time = entries updated within their own cycle ÷ entries that have one and their data; failed ÷ called; "
        "granted ÷ asked this year; the change is today's full hours against the same of yesterday",
    ),
    records={"": BROKEN_ENTRIES, "on_time": STALE, "calls": APIS, "day": APIS, "granted": REQUESTS},
)  # fmt: skip
