"""What was found in food: the year's pass rate with its n, month by month, by kind of food, and who failed for what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import clipped, empty, fraction, number, rate, row, share
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.servicerecords import FAILED_SAMPLES
from dashboard.screens.strokes import between, key, plotted
from dashboard.words import DASH, Words, compact, in_percent, percent

NAMES = {
    "year": Words("今年合格率", "Passed, year"),
    "month": Words("本月合格率", "Month"),
    "failed": Words("不合格", "Failed"),
}
KINDS = (Words("食品类别", "Food"), Words("", ""), Words("不合格率", "Failed"), Words("批次 n", "Samples n"))
NAMED = (Words("最近不合格", "Failed last"), Words("缘由", "Found"), Words("地点", "Where"), Words("日期", "Day"))
BATCHES, GOAL, EACH_MONTH = Words("批次", ""), Words("目标", "goal"), Words("每月合格率", "Passed by month")
EMPTY = Words("今年尚无抽检", "No samples this year")
KIND_ROWS, ROWS = 8, 12


def frame(ctx: Context) -> Any:
    """Three figures, the months, the kinds, and the latest failures."""
    return html.Div(
        [
            figures("market_food", NAMES),
            html.Div(id="market_food-months", className="chart-of"),
            html.Div(
                [heads(KINDS), html.Div(id="market_food-kinds", className="rows")],
                className="list foods",
            ),
            html.Div(
                [heads(NAMED, names=len(NAMED) - 1), html.Div(id="market_food-rows", className="rows")],
                className="list failures",
            ),
        ],
        className="food",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Rates with numerator and denominator against the goal; a food's bar is its failures against the worst's."""
    view, language = views["market_food"], ctx.language
    (passed, judged), (now, whole) = view.get("rate", (0, 0)), view.get("month", (0, 0))
    goal = view.get("goal")
    months = view.get("months", [])
    rates = [100 * good / n if n else None for _, good, n in months]
    known = [value for value in rates if value is not None]
    least = min(95.0, *known) // 1 if known else 95.0
    kinds = view.get("categories", [])[:KIND_ROWS]
    most = max((1 - kind["rate"][0] / kind["rate"][1] for kind in kinds if kind["rate"][1]), default=0)
    aim = f"{GOAL[language]} {in_percent(100 * goal)} %" if goal is not None and judged else ""
    legend = [key("stroke", EACH_MONTH[language]), *([key("goal", aim)] if aim else [])]
    failed = judged - passed
    return {
        "market_food-year.children": rate(passed, judged),
        "market_food-year-why.children": html.Span(fraction(passed, judged, language)),
        "market_food-month.children": rate(now, whole),
        "market_food-month-why.children": html.Span(fraction(now, whole, language)),
        "market_food-failed.children": number(
            failed if judged else None, BATCHES[language], "alarm" if failed else "", language, 5
        ),
        "market_food-failed-why.children": html.Span(aim, className="quiet"),
        "market_food-months.children": plotted(
            between(rates, least, 100.0, 100 * goal if goal is not None else None), f"{least:.0f}–100 %",
            (months[0][0], months[-1][0]), legend,
        )
        if known
        else "",
        "market_food-kinds.children": [_kind(kind, most, ctx) for kind in kinds] or empty(EMPTY, language),
        "market_food-rows.children": [_failure(found, ctx) for found in view.get("failed", [])[:ROWS]],
    }  # fmt: skip


def _kind(kind: Mapping[str, Any], most: float, ctx: Context) -> Any:
    passed, judged = kind["rate"]
    part = 1 - passed / judged if judged else 0.0
    return row([
        html.Span(clipped(ctx.city.translated(kind["name"], ctx.language)) or DASH, className="name"),
        share(part / most if most else 0, "low"),
        html.Span(f"{percent(judged - passed, judged)} %" if judged else DASH, className="n"),
        html.Span(f"{compact(judged - passed, ctx.language, 5)} / {compact(judged, ctx.language, 5)}",
            className="n quiet"),
    ])  # fmt: skip


def _failure(found: Mapping[str, Any], ctx: Context) -> Any:
    code, day = found["place"], datetime.fromtimestamp(found["at"], UTC).astimezone(ctx.city.tz)
    return row([
        html.Span(clipped(ctx.city.translated(found["category"], ctx.language)) or DASH, className="name",
            title=clipped(found["name"])),
        html.Span(clipped(ctx.city.translated(found["found"], ctx.language)) or DASH, className="name quiet"),
        html.Span(ctx.places[code].title(ctx.language) if code in ctx.places else DASH, className="name quiet"),
        html.Span(f"{day:%m-%d}", className="n quiet"),
    ])  # fmt: skip


PANEL = Panel(
    id="market_food",
    title=Words("食品抽检", "Food samples"),
    reads=("market_food",),
    frame=frame,
    paint=paint,
    example={
        "market_food": {
            "rate": [2152, 2186], "goal": 0.98, "month": [141, 142], "failures": 34,
            "categories": [
                {"name": "水产品", "rate": [284, 301], "bound": 0.036},
                {"name": "餐饮食品", "rate": [366, 375], "bound": 0.013},
                {"name": "<b>糕点</b>", "rate": [160, 160], "bound": 0.0},
            ],
            "months": [
                [f"2025-{11 + at}" if at < 2 else f"2026-{at - 1:02d}", 196 - at % 4, 200] for at in range(13)
            ],
            "failed": [
                {"number": "S261109-015", "name": "水产品 S261109-015", "category": "水产品", "found": "恩诺沙星超标",
                 "place": "A", "at": 1_794_194_475.0},
                {"number": "S2", "name": "<b>S2</b>", "category": "蔬菜", "found": "", "place": "",
                 "at": 1_793_251_612.0},
            ],
        }
    },
    period=Words("今年至今 · 批次", "this year so far · samples"),
    formula=Words(
        "合格率 = 合格批次 ÷ 已判定批次；类别按不合格率的威尔逊区间下限（95 %）排列，少量批次不会排到前面",
        "Passed ÷ judged samples; foods by the lower bound of the Wilson interval (95 %) of their failures, so that "
        "a few samples do not lead",
    ),
    records={"": FAILED_SAMPLES},
)  # fmt: skip
