"""Who is in the market: entities by legal form with the month's change, the sectors of the new ones, the year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.amounts import signed
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import amount, clipped, empty, number, row, share
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.servicerecords import BY_FORM, COUNTED
from dashboard.screens.strokes import balance, between, key, plotted, top_of
from dashboard.words import DASH, Words, compact, gained

NAMES = {
    "active": Words("在册主体", "Entities"),
    "came": Words("本月新设", "New this month"),
    "went": Words("本月注销", "Cancelled"),
    "net": Words("本月净增", "Net"),
}
FORMS = (Words("类型", "Form"), Words("", ""), Words("在册", "Now"), Words("新设", "New"), Words("注销", "Gone"))
SECTORS = (Words("新设行业", "Sector of the new"), Words("", ""), Words("本月", "Month"), Words("上月", "Before"))
HOUSES = Words("户", "")
TODAY, BEFORE, YEAR = Words("今日", "today"), Words("上月", "before"), Words("同比", "on year")
CAME, WENT = Words("每日新设", "New by day"), Words("注销", "Cancelled")
MONTHS = Words("月末在册", "At months' ends")
EMPTY = Words("尚无主体数据", "Nobody has told of entities")
ROWS = 8


def frame(ctx: Context) -> Any:
    """Four figures, two charts, two lists."""

    def listed(name: str, columns: tuple[Words, ...]) -> Any:
        rows = html.Div(id=f"market_entities-{name}", className="rows")
        return html.Div([heads(columns), rows], className=f"list {name}")

    return html.Div(
        [
            figures("market_entities", NAMES),
            html.Div(
                [
                    html.Div(id="market_entities-days", className="chart-of"),
                    html.Div(id="market_entities-months", className="chart-of"),
                ],
                className="pair",
            ),
            html.Div([listed("forms", FORMS), listed("sectors", SECTORS)], className="pair lists"),
        ],
        className="entities",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The figures with today's and last month's; a form's or a sector's bar is its share of the largest."""
    view, language = views["market_entities"], ctx.language
    month, before, today = (view.get(name, (0, 0)) for name in ("month", "before", "today"))
    year = view.get("year")
    grown = f"{YEAR[language]} {signed(100 * (year[0] / year[1] - 1) if year and year[1] else None, '%')}"
    days, months = view.get("days", []), view.get("months", [])
    up, down = [day[1] for day in days], [day[2] for day in days]
    known = [n for _, n in months if n is not None]
    painted: Painted = {
        "market_entities-active.children": number(view.get("active"), HOUSES[language], language=language, room=6),
        "market_entities-active-why.children": html.Span(grown),
        "market_entities-net.children": number(gained(month[0] - month[1], language), ""),
        "market_entities-net-why.children": html.Span(
            f"{BEFORE[language]} {gained(before[0] - before[1], language)}", className="quiet"
        ),
        "market_entities-days.children": plotted(
            balance(up, down, len(up) - 1), compact(top_of(up, down), language, 5), (days[0][0][5:], days[-1][0][5:]),
            [key("now", CAME[language]), key("gone", WENT[language])],
        )
        if any([*up, *down])
        else "",
        "market_entities-months.children": _months(months, known, language),
        "market_entities-forms.children": [_form(found, view, ctx) for found in view.get("kinds", [])[:ROWS]]
        or empty(EMPTY, language),
        "market_entities-sectors.children": [_sector(found, view, ctx) for found in view.get("sectors", [])[:ROWS]]
        or empty(EMPTY, language),
    }  # fmt: skip
    for at, name in enumerate(("came", "went")):
        painted[f"market_entities-{name}.children"] = number(month[at], HOUSES[language], language=language, room=5)
        painted[f"market_entities-{name}-why.children"] = [
            html.Span(f"{TODAY[language]} {compact(today[at], language, 5)}"),
            html.Span(f"{BEFORE[language]} {compact(before[at], language, 5)}", className="quiet"),
        ]
    return painted


def _months(months: list[Any], known: list[int], language: str) -> Any:
    if len(known) < 2:
        return ""
    least, most = min(known), max(known)
    edge = max(1.0, 0.15 * (most - least))
    chart = between([n for _, n in months], least - edge, most)
    said = f"{compact(least, language, 4)}–{compact(most, language, 4)}"
    return plotted(chart, said, (months[0][0], months[-1][0]), [key("stroke", MONTHS[language])])


def _form(found: Mapping[str, Any], view: Document, ctx: Context) -> Any:
    most = max((one["active"] or 0 for one in view["kinds"]), default=0)
    return row([
        html.Span(clipped(ctx.city.translated(found["name"], ctx.language)) or DASH, className="name"),
        share((found["active"] or 0) / most if most else 0),
        amount(found["active"], ctx.language),
        amount(found["registered"], ctx.language, "n quiet"),
        amount(found["cancelled"], ctx.language, "n quiet"),
    ])  # fmt: skip


def _sector(found: list[Any], view: Document, ctx: Context) -> Any:
    most = max((one[1] for one in view["sectors"]), default=0)
    return row([
        html.Span(clipped(ctx.city.translated(found[0], ctx.language)) or DASH, className="name"),
        share(found[1] / most if most else 0),
        amount(found[1], ctx.language),
        amount(found[2], ctx.language, "n quiet"),
    ])  # fmt: skip


PANEL = Panel(
    id="market_entities",
    title=Words("市场主体", "Market entities"),
    reads=("market_entities",),
    frame=frame,
    paint=paint,
    example={
        "market_entities": {
            "kinds": [
                {"name": "个体工商户", "active": 261_855, "registered": 1869, "cancelled": 1131, "today": 24},
                {"name": "有限责任公司", "active": 139_453, "registered": 1016, "cancelled": 589, "today": 14},
                {"name": "<b>外商</b>投资企业", "active": None, "registered": 42, "cancelled": 17, "today": 0},
            ],
            "active": 422_419, "today": [40, 25], "yesterday": [206, 110], "month": [3041, 1801],
            "before": [4474, 2349], "year": [420_054, 397_978],
            "months": [[f"{2025 + (at > 2)}-{(at + 9) % 12 + 1:02d}", 397_978 + 1840 * at] for at in range(13)],
            "days": [[f"2026-11-{1 + at:02d}", 200 - 9 * (at % 7), 110 - 5 * (at % 6)] for at in range(20)],
            "sectors": [["批发零售", 1041, 1502], ["住宿餐饮", 512, 770], ["制造业", 430, 622]],
            "reasons": [["经营不善", 820], ["转行或搬迁", 491]],
        }
    },
    period=Words("此刻 · 本月至今", "now · this month so far"),
    formula=Words(
        "在册 = 最近一次上报的存量 + 其后新设 − 其后注销，按类型；没有上报存量的类型为「–」；同比为上月末与去年同月末",
        "Entities = the stock told last + new since − cancelled since, by legal form; a dash where no stock was told; "
        "on year compares the end of last month with the same month a year ago",
    ),
    records={"": BY_FORM, "sectors": COUNTED},
)  # fmt: skip
