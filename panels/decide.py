"""The four numbers that decide the day: in hand, due within the hour, overdue, closed on time this month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import amount, both, elapsed, light_bar, light_legend, number, parted, rate, tip
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import LIGHTS, Words

NAMES = {
    "open": Words("在办工单", "Open tickets"),
    "hour": Words("1 小时内到期", "Due in 1 h"),
    "late": Words("已超期", "Overdue"),
    "rate": Words("本月按期结案率", "On time this month"),
}
FORMULAS = {
    "open": Words("已上报、未结案的工单，含本级及以下", "Reported and not yet closed, here and below"),
    "hour": Words("时限在未来 60 分钟内的在办工单", "Open tickets whose deadline lies in the next 60 minutes"),
    "late": Words("已过时限仍未结案的工单", "Open tickets past their deadline"),
    "rate": Words(
        "按期结案 ÷ 本月至今应结（时限已到，或已结案）",
        "Closed on time ÷ due to close this month so far (deadline passed, or closed)",
    ),
}
UNITS = Words("个单位", "units")
OLDEST = Words("最久", "Longest")
NONE = Words("无", "None")
CROWDED, LATE = 10_000, 1_000  # Open and long late tickets from which on there is no room for all lights in figures.


def frame(ctx: Context) -> Any:
    """Four tiles."""
    return html.Div(
        [
            html.Div(
                [
                    html.H3(both(NAMES[name]), **tip(FORMULAS[name])),
                    html.Div(id=f"decide-{name}", className="big"),
                    html.Div(id=f"decide-{name}-why", className="why"),
                ],
                className=f"tile {name}",
            )
            for name in NAMES
        ],
        className="tiles",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Each number, and under it what makes it mean something."""
    view, language = views["tickets"], ctx.language
    lights: Mapping[str, int] = view.get("lights", {})
    late = lights.get("overdue", 0) + lights.get("worst", 0)
    # What is on track then says the bar alone. The words of those that are long late are the widest.
    crowded = ("soon", "overdue", "worst") if view.get("open", 0) >= CROWDED or lights.get("worst", 0) >= LATE else ()
    whole, part = view.get("month_so_far", (0, 0))
    due = {"rate": "on_time", "period": "month"}
    oldest = [f"{OLDEST[language]} ", elapsed(view.get("oldest_due"))] if late else NONE[language]
    return {
        "decide-open.children": number(view.get("open", 0), language=language, room=6, behind=ctx.behind(open=1)),
        "decide-open-why.children": [
            light_bar(lights),
            light_legend(lights, language, crowded or tuple(LIGHTS), lambda name: ctx.behind(light=name)),
        ],
        "decide-hour.children": number(view.get("in_hour", 0), language=language, room=4, behind=ctx.behind(due_in=60)),
        "decide-hour-why.children": [amount(view.get("in_hour_units", 0), language), f" {UNITS[language]}"],
        "decide-late.children": number(late, language=language, room=4, behind=ctx.behind(late=1)),
        "decide-late-why.children": oldest,
        "decide-rate.children": rate(part, whole, ctx.behind(**due)),
        "decide-rate-why.children": parted(part, whole, ctx.behind(**due, met=1), ctx.behind(**due), language),
    }


PANEL = Panel(
    id="decide",
    title=Words("今日要情", "The day's numbers"),
    reads=("tickets",),
    frame=frame,
    paint=paint,
    example={
        "tickets": {
            "open": 6214,
            "lights": {"none": 12, "normal": 5902, "soon": 277, "overdue": 19, "worst": 4},
            "in_hour": 47,
            "in_hour_units": 14,
            "oldest_due": 1_795_000_000.0,
            "month_so_far": [19527, 18902],
        }
    },
    bare=True,
)
