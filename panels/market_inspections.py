"""Inspections by random choice: how far each plan is against its time, what was found, and what is put right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import amount, clipped, empty, fraction, light, number, rate, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.servicerecords import PLANS
from dashboard.screens.strokes import columns, key, plotted, top_of
from dashboard.words import DASH, Words, compact, percent

NAMES = {
    "done": Words("完成率", "Done"),
    "found": Words("问题发现率", "Problems found"),
    "right": Words("整改率", "Put right"),
    "today": Words("今日检查", "Today"),
}
COLUMNS = (
    Words("计划", "Plan"),
    Words("进度与时序", "Progress and time"),
    Words("完成", "Done"),
    Words("滞后", "Behind"),
    Words("问题", "Found"),
)
ROWS = 14
SLACK = 0.03  # By how much of a plan it may be behind before it warns; three times as much is red.
TIME = Words("时序", "time")
HOUSES, BEHIND = Words("户", ""), Words("项滞后", "behind")
EACH_DAY, JOINT = Words("每日检查", "Inspections by day"), Words("联合", "joint")
EMPTY = Words("没有进行中的检查计划", "No plan is under way")


def frame(ctx: Context) -> Any:
    """Four figures, the days, and the plans."""
    return html.Div(
        [
            figures("market_inspections", NAMES),
            html.Div(id="market_inspections-days", className="chart-of"),
            html.Div(
                [heads(COLUMNS, names=2, marked=True), html.Div(id="market_inspections-rows", className="rows")],
                className="list plans",
            ),
        ],
        className="inspected",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The rates with numerator and denominator; a plan's bar has a mark where its time stands."""
    view, language = views["market_inspections"], ctx.language
    whole = view.get("all", {})
    done, planned, found = (whole.get(name, 0) for name in ("done", "planned", "found"))
    right, expected = whole.get("put_right", 0), whole.get("expected", 0)
    days = view.get("days", [])
    made = [n for _, n in days]
    behind = whole.get("behind", 0)
    pace = f"{TIME[language]} {percent(expected, planned)} %" if planned else ""
    return {
        "market_inspections-done.children": rate(done, planned),
        "market_inspections-done-why.children": [
            html.Span(fraction(done, planned, language)), html.Span(pace, className="quiet"),
        ],
        "market_inspections-found.children": rate(found, done),
        "market_inspections-found-why.children": html.Span(fraction(found, done, language)),
        "market_inspections-right.children": rate(right, found),
        "market_inspections-right-why.children": html.Span(fraction(right, found, language)),
        "market_inspections-today.children": number(whole.get("today"), HOUSES[language], language=language, room=5),
        "market_inspections-today-why.children": html.Span(
            [amount(behind, language, "warn"), f" {BEHIND[language]}"] if behind else ""
        ),
        "market_inspections-days.children": plotted(
            columns(made, now=len(made) - 1), compact(top_of(made), language, 5), (days[0][0][5:], days[-1][0][5:]),
            [key("now", EACH_DAY[language])],
        )
        if any(made)
        else "",
        "market_inspections-rows.children": [_plan(plan, ctx) for plan in view.get("plans", [])[:ROWS]]
        or empty(EMPTY, language),
    }  # fmt: skip


def _plan(plan: Mapping[str, Any], ctx: Context) -> Any:
    """One plan: done of planned as a bar with the mark of its time, by how many it is behind, and what was found."""
    language, planned, done = ctx.language, plan["planned"], plan["done"]
    gap = plan["gap"]
    late = gap / planned if planned else 0.0
    look = "overdue" if late > 3 * SLACK else "soon" if late > SLACK else "normal"
    part = min(1.0, done / planned) if planned else 0.0
    due = min(1.0, max(0.0, plan["expected"] / planned)) if planned else 0.0
    name = clipped(ctx.city.translated(plan["name"], language)) or DASH
    where = ctx.places[plan["where"]].title(language) if plan["where"] in ctx.places else ""
    return row([
        light(look, language),
        html.Span([name, html.Span(f" {JOINT[language]}", className="quiet") if plan["joint"] else ""],
            className="name", title=where),
        html.Div([
            html.Div(style={"width": f"{100 * part:.1f}%"}, className=f"done {look}"),
            html.Span(className="time", style={"left": f"{100 * due:.1f}%"}),
        ], className="progress"),
        html.Span(f"{percent(done, planned)} %" if planned else DASH, className="n", title=f"{done:,} / {planned:,}"),
        html.Span(compact(round(gap), language, 5) if gap >= 0.5 else DASH,
            className="n late" if look == "overdue" else "n"),
        amount(plan["found"], language, "n quiet", 5),
    ])  # fmt: skip


PANEL = Panel(
    id="market_inspections",
    title=Words("双随机检查", "Inspections"),
    reads=("market_inspections",),
    frame=frame,
    paint=paint,
    example={
        "market_inspections": {
            "plans": [
                {"name": "广告经营", "plans": 7, "planned": 300, "done": 168, "found": 15, "put_right": 4,
                 "joint": False, "ends": "2026-12-20", "left": 30, "gap": 100.5, "expected": 269.5, "where": "A"},
                {"name": "餐饮服务单位", "plans": 7, "planned": 2400, "done": 2100, "found": 273, "put_right": 241,
                 "joint": True, "ends": "2026-12-20", "left": 30, "gap": 51.0, "expected": 2156.0, "where": ""},
                {"name": "<b>学校</b>食堂", "plans": 7, "planned": 780, "done": 744, "found": 66, "put_right": 58,
                 "joint": True, "ends": "2026-12-20", "left": 30, "gap": -44.0, "expected": 700.0, "where": ""},
            ],
            "total": 3,
            "all": {"plans": 56, "planned": 5523, "done": 4612, "found": 491, "put_right": 388, "expected": 4961.3,
                    "behind": 35, "today": 31},
            "days": [[f"2026-11-{1 + at:02d}", None if at % 7 in (0, 6) else 28 + at % 5] for at in range(20)],
        }
    },
    period=Words("进行中的计划", "plans under way"),
    formula=Words(
        "完成率 = 已查 ÷ 计划；问题发现率 = 发现问题 ÷ 已查；整改率 = 已整改 ÷ 发现问题；竖线为计划期已过之份额，"
        "滞后 = 至昨日应查 − 已查",
        "Done ÷ planned; problems found ÷ done; put right ÷ found; the mark is the share of a plan's time that has "
        "passed, behind = what should have been done by yesterday − done",
    ),
    records={"": PLANS},
)  # fmt: skip
