"""The economy in one card: the first figures of the city with what they are held against, and one of them by month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.nouns.releases import Series
from dashboard.screens.amounts import last_twelve, period_words, signed, singles, written
from dashboard.screens.cityrecords import FIGURES, FIRST_FIGURES
from dashboard.screens.exampleseries import GDP, sales
from dashboard.screens.marks import clipped, number
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.sparks import columns
from dashboard.words import DASH, Words, in_percent

PLACES = ("first", "second", "third")
YEAR_ON_YEAR = Words("同比", "on year")
TARGET = Words("目标", "target")
DONE = Words("完成", "reached")
FIGURE = Words("指标", "Figure")
SINGLE = Words("当月", "by month")
BEFORE = Words("上年", "year before")


def frame(ctx: Context) -> Any:
    """Three figures over a small chart."""
    figures = [
        html.Div([
            html.Div(id=f"economy-{name}-name", className="heading"),
            html.Div(id=f"economy-{name}", className="figure"),
            html.Div(id=f"economy-{name}-why", className="why"),
        ])
        for name in PLACES
    ]  # fmt: skip
    return html.Div(
        [
            html.Div(figures, className="figures"),
            html.Div(
                [
                    html.Div(id="economy-chart-name", className="name"),
                    html.Div(id="economy-chart", className="plot"),
                    html.Div(id="economy-chart-ends", className="ends"),
                ],
                className="lower",
            ),
        ],
        className="sum economy",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The first three figures in the order of the city file; a growth that the bureau tells stands with its amount."""
    rows = {row["code"]: row for row in views["indicators"].get("series", [])}
    growths = {rule.growth for rule in ctx.city.indicators.series.values()}
    mine = [row for row in rows.values() if row["code"] not in growths and row["value"] is not None]
    painted: Painted = {}
    for place, row in zip(PLACES, [*mine[: len(PLACES)], None, None, None], strict=False):
        painted |= {f"economy-{place}{part}.children": value for part, value in _figure(row, rows, ctx).items()}
    monthly = (row for row in mine if str(row["period"])[4:5] == "-" and row["span"] != "level")
    return painted | _chart(next(monthly, None), ctx)


def _figure(row: Mapping[str, Any] | None, rows: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    language = ctx.language
    if row is None:
        return {"-name": FIGURE[language], "": number(DASH), "-why": ""}
    rule = ctx.city.indicators.series.get(row["code"], Series())
    change, target = row["change"], row["target"]
    aim = rows.get(rule.growth or "", {}).get("target")
    aimed = f" · {TARGET[language]} {aim['target']:g}" if aim is not None else ""
    shape = "" if change is None or not row["good"] else "▲" if change > 0 else "▼" if change < 0 else ""
    why: list[Any] = [
        html.Span([
            f"{YEAR_ON_YEAR[language]} ", html.Span(shape, className="shape"),
            html.B(signed(change, row["change_unit"])), html.Span(aimed, className="quiet"),
        ])
    ]  # fmt: skip
    if target is not None and target["share"] is not None:
        gap = 100 * (target["share"] - target["time"])
        why.append(html.Span(
            [
                f"{DONE[language]} {in_percent(100 * target['share'])} % ",
                html.Span(f"({signed(gap, 'pp')})", className="gap"),
            ],
            className="behind-time" if gap < -1 else "",
        ))  # fmt: skip
    name = clipped(ctx.city.translated(row["name"], language))
    return {
        "-name": html.Span(name, title=f"{name} · {period_words(row['period'], language, row['span'])}"),
        "": number(written(row["value"], row["unit"]), clipped(ctx.city.translated(row["unit"], language))),
        "-why": why,
    }


def _chart(row: Mapping[str, Any] | None, ctx: Context) -> Painted:
    """Single months, each behind its month of the year before."""
    language = ctx.language
    months = singles(row["history"], row["span"]) if row is not None else {}
    if row is None or not months:
        return {"economy-chart-name.children": "", "economy-chart.children": "", "economy-chart-ends.children": ""}
    twelve, groups = last_twelve(months)
    last = twelve[-1]
    name = clipped(ctx.city.translated(row["name"], language))
    return {
        "economy-chart-name.children": [
            html.Span(f"{name} · {SINGLE[language]}"), html.B(written(months[last])),
            html.Span(f" · {BEFORE[language]} {written(months.get(last.year_before))}", className="quiet"),
        ],
        "economy-chart.children": columns(groups),
        "economy-chart-ends.children": [html.Span(period_words(str(at), language)) for at in (twelve[0], twelve[-1])],
    }  # fmt: skip


PANEL = Panel(
    id="economy",
    title=Words("经济发展", "Economy"),
    reads=("indicators",),
    frame=frame,
    paint=paint,
    example={
        "indicators": {
            "series": [
                GDP,
                sales("社会消费品零售总额", 1150.4, 121.3, -1.2, 0.8217),
            ],
            "total": 2, "overdue": 1, "never": [],
        }
    },
    period=Words("最新一期 · 累计", "latest · year to date"),
    formula=Words(
        "同比：与上年同期相比，有官方可比价增速者取官方；完成：累计 ÷ 全年目标，括号内为它减去年内已过时间",
        "On year: against the same period a year before, the bureau's own where it tells one; reached: sum so far ÷ "
        "the year's target, in brackets by how much that is ahead of the share of the year that is over",
    ),
    records={"": FIGURES, **FIRST_FIGURES},
)  # fmt: skip
