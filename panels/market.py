"""The market at a glance: how many entities, how far the inspections are against time, what is due or overdue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.amounts import signed
from dashboard.screens.frames import module, rated
from dashboard.screens.marks import amount, clipped, fraction, number, rate
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.servicerecords import BY_FORM, ENDING, FAILED_SAMPLES, PLANS, SUMMED
from dashboard.screens.strokes import balance, key, plotted, top_of
from dashboard.words import DASH, Words, compact, gained, percent

NAMES = {
    "active": Words("在册主体", "Entities"),
    "plan": Words("双随机完成", "Inspections"),
    "due": Words("证照临期", "Near their end"),
}
FACTS = {
    "net": Words("本月净增", "Net this month"),
    "food": Words("食品合格率", "Food passed"),
    "right": Words("问题整改", "Put right"),
    "listed": Words("异常名录", "On the lists"),
}
HOUSES, ITEMS = Words("户", ""), Words("件", "")
YEAR = Words("同比", "on year")
TODAY = Words("今日净增", "today")
TIME = Words("时序", "time")
OVERDUE, NEAR = Words("已逾期", "overdue"), Words("三十日内", "in 30 days")
CAME, WENT = Words("新设", "New"), Words("注销", "Cancelled")
IN_OUT = Words("本月列入 {} · 移出 {}", "{} on · {} off")


def frame(ctx: Context) -> Any:
    """Three figures, the days' columns, and four more facts where there is room."""
    return module("market", NAMES, "days", FACTS)


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Each figure with what makes it mean something; columns above the line are new entities, below it cancelled."""
    view, language = views["market"], ctx.language
    came, went = view.get("today", (0, 0))
    year = view.get("year")
    grown = f"{YEAR[language]} {signed(100 * (year[0] / year[1] - 1) if year and year[1] else None, '%')}"
    plan, due = view.get("inspections", {}), view.get("due", {})
    done, planned, expected = plan.get("done", 0), plan.get("planned", 0), plan.get("expected", 0)
    pace = f"{TIME[language]} {percent(expected, planned)} %" if planned else ""
    overdue, near = due.get("overdue"), due.get("near")
    days = view.get("days", [])
    up, down = [day[1] for day in days], [day[2] for day in days]
    legend = [key("now", CAME[language]), key("gone", WENT[language])]
    chart = plotted(
        balance(up, down, len(up) - 1), compact(top_of(up, down), language, 5), [days[0][0][5:], days[-1][0][5:]],
        legend,
    ) if any([*up, *down]) else ""  # fmt: skip
    return {
        "market-active.children": number(view.get("active"), HOUSES[language], language=language, room=5),
        "market-active-why.children": [
            html.Span(grown), html.Span(f"{TODAY[language]} {gained(came - went, language)}", className="quiet"),
        ],
        "market-plan.children": rate(done, planned),
        "market-plan-why.children": [
            html.Span(fraction(done, planned, language)),
            html.Span(pace, className="warn" if done < expected * 0.97 else "quiet"),
        ],
        "market-due.children": number(near, ITEMS[language], language=language, room=5),
        "market-due-why.children": [
            html.Span([
                amount(overdue, language, "alarm" if overdue else ""), f" {ITEMS[language]}{OVERDUE[language]}",
            ]) if overdue is not None else "",
            html.Span(NEAR[language] if near is not None else "", className="quiet"),
        ],
        "market-days.children": chart,
        **_facts(view, ctx),
    }  # fmt: skip


def _facts(view: Document, ctx: Context) -> Painted:
    language = ctx.language
    came, went = view.get("month", (0, 0))
    plan = view.get("inspections", {})
    listed = view.get("listed", {})
    on, off = view.get("moved", (0, 0))
    names = " · ".join(clipped(ctx.city.translated(name, language)) for name in listed)
    return {
        "market-net.children": [
            html.Div(number(gained(came - went, language) if came or went else DASH)),
            html.Div(f"{compact(came, language, 5)} − {compact(went, language, 5)}", className="of"),
        ],
        "market-food.children": rated(view.get("food", (0, 0)), language),
        "market-right.children": rated((plan.get("put_right", 0), plan.get("found", 0)), language),
        "market-listed.children": [
            html.Div(number(sum(listed.values()) if listed else None, "", language=language, room=6), title=names),
            html.Div(IN_OUT[language].format(compact(on, language, 4),
                compact(off, language, 4)), className="of"),
        ],
    }  # fmt: skip


PANEL = Panel(
    id="market",
    title=Words("市场监管", "Market supervision"),
    reads=("market",),
    frame=frame,
    paint=paint,
    example={
        "market": {
            "active": 422_419, "kinds": [["个体工商户", 261_855], ["有限责任公司", 139_453]],
            "today": [140, 75], "yesterday": [206, 110], "month": [3041, 1801], "before": [4474, 2349],
            "months": [["2025-10", 397_978], ["2026-10", 420_054]], "year": [420_054, 397_978],
            "days": [
                ["2026-11-07", 22, 17], ["2026-11-08", 29, 21], ["2026-11-09", 212, 112], ["2026-11-10", 235, 107],
                ["2026-11-11", 201, 120], ["2026-11-12", 190, 118], ["2026-11-13", 190, 125], ["2026-11-14", 14, 14],
                ["2026-11-15", 25, 12], ["2026-11-16", 184, 103], ["2026-11-17", 215, 136], ["2026-11-18", 208, 113],
                ["2026-11-19", 206, 110], ["2026-11-20", 140, 75],
            ],
            "inspections": {"plans": 56, "planned": 5523, "done": 4612, "found": 491, "put_right": 388,
                            "expected": 4961.3, "behind": 35, "today": 31},
            "due": {"overdue": 17, "soon": 54, "near": 783, "days": [7, 30]},
            "food": [2152, 2186], "food_goal": 0.98, "listed": {"严重违法失信名单": 422, "经营异常名录": 8691},
            "moved": [172, 110], "odd": {},
        }
    },
    period=Words("此刻 · 近两周", "now · two weeks"),
    formula=Words(
        "在册 = 最近一次上报的存量 + 其后新设 − 其后注销；同比为上月末与去年同月末；双随机完成 = 已查 ÷ 计划，"
        "时序为计划期已过之份额；临期为三十日内到期的许可与特种设备检验",
        "Entities = the stock told last + new since − cancelled since; on year compares the ends of two months; "
        "inspections = done ÷ planned, beside the share of their time that has passed; near their end are licences and "
        "inspections of equipment that end within thirty days",
    ),
    records={"": BY_FORM, "plan": PLANS, "due": ENDING, "food": FAILED_SAMPLES, "right": PLANS, "listed": SUMMED},
)  # fmt: skip
