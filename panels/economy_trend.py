"""Two figures over two years: single months against the year before, and the year so far against its target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.nouns.releases import Period
from dashboard.screens.amounts import MONTH, MONTHS, last_twelve, period_words, signed, singles, values, written
from dashboard.screens.cityrecords import FIGURES
from dashboard.screens.exampleseries import sales
from dashboard.screens.marks import clipped, drawing, empty, outline
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.sparks import HIGH, WIDE, columns, path
from dashboard.words import DASH, Words

SERIES = 2
THIS, LAST, TARGET = Words("本年", "this year"), Words("上年", "year before"), Words("目标", "target")
SINGLE, SO_FAR = Words("当月", "By month"), Words("累计", "To date")
EMPTY = Words("没有月度指标", "No monthly figure")
KEYS = (("now", THIS), ("before", LAST))


def frame(ctx: Context) -> Any:
    """Room for the figures, one below the other."""
    return html.Div(id="economy_trend-rows", className="trends")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The first monthly figures in the order of the city file that have a target; else those that come first."""
    growths = {rule.growth for rule in ctx.city.indicators.series.values()}
    found = [
        row
        for row in views["indicators"].get("series", [])
        if row["code"] not in growths and str(row["period"])[4:5] == "-" and row["history"] and row["span"] != "level"
    ]
    found.sort(key=lambda row: row["target"] is None)
    return {"economy_trend-rows.children": [_figure(row, ctx) for row in found[:SERIES]] or empty(EMPTY, ctx.language)}


def _figure(row: Mapping[str, Any], ctx: Context) -> Any:
    language = ctx.language
    months = singles(row["history"], row["span"])
    twelve, groups = last_twelve(months)
    last = twelve[-1]
    unit = clipped(ctx.city.translated(row["unit"], language))
    now, before = months.get(last), months.get(last.year_before)
    change = None if now is None or not before or before < 0 else 100 * (now / before - 1)
    keys = [
        html.Span([html.Span(className=f"swatch {kind}"), words[language]], className="key") for kind, words in KEYS
    ]
    return html.Div(
        [
            html.Div([
                html.Span(clipped(ctx.city.translated(row["name"], language)), className="title"),
                html.Span(unit, className="quiet"), *keys,
            ], className="caption"),
            html.Div([
                html.Div([SINGLE[language], " ", html.B(written(now)), f" {signed(change, '%')}"], className="said"),
                html.Div(columns(groups), className="plot"),
                _ends(period_words(str(twelve[0]), language), period_words(str(last), language)),
            ]),
            _year(row, last, ctx),
        ],
        className="trend",
    )  # fmt: skip


def _year(row: Mapping[str, Any], last: Period, ctx: Context) -> Any:
    """The year so far as a line over the line of the year before, under the target where one is set."""
    language, target = ctx.language, row["target"]
    year = [Period(12 * last.year + month, 1) for month in range(12)]
    this = _so_far(row, year)
    before = _so_far(row, [period.year_before for period in year])
    amount = target["target"] if target is not None and target["share"] is not None else None
    high = max([value for value in (*this, *before, amount) if value is not None], default=1.0) * 1.08
    shapes = [
        outline(path(before, 0, high), "line before"),
        outline(path(this, 0, high, closed=True), "area"),
        outline(path(this, 0, high), "line now"),
    ]
    if amount is not None:
        y = round(HIGH * (1 - amount / high), 1)
        shapes.append(outline(f"M0 {y:g}L{WIDE:g} {y:g}", "limit"))
    sum_ = html.B(written(row["value"] if row["span"] == "cumulative" else _latest(this)))
    reached = [html.Span(f"{SO_FAR[language]} ", className="so-far"), sum_]
    aim = [] if amount is None else [" / ", html.Span(f"{TARGET[language]} ", className="word"), written(amount)]
    first, final = (MONTH[language].format(n=n, month=MONTHS[n - 1]) for n in (1, 12))
    return html.Div([
        html.Div([*reached, html.Span(aim, className="quiet")], className="said"),
        html.Div(drawing(shapes, WIDE, HIGH, "spark"), className="plot"),
        _ends(first, final),
    ])  # fmt: skip


def _latest(found: list[float | None]) -> float | None:
    return next((value for value in reversed(found) if value is not None), None)


def _so_far(row: Mapping[str, Any], year: list[Period]) -> list[float | None]:
    """The sums from January on; of a figure that is told by single months only as far as no month is missing."""
    known = values(row["history"])
    if row["span"] == "cumulative":
        return [known.get(period) for period in year]
    found: list[float | None] = []
    total: float | None = 0.0
    for period in year:
        value = known.get(period)
        total = None if value is None or total is None else total + value
        found.append(total)
    return found


def _ends(first: str, last: str) -> Any:
    return html.Div([html.Span(first or DASH), html.Span(last or DASH)], className="ends")


PANEL = Panel(
    id="economy_trend",
    title=Words("走势", "Two years"),
    reads=("indicators",),
    frame=frame,
    paint=paint,
    example={
        "indicators": {
            "series": [
                sales("<b>社会消费品零售总额</b>", 1219.0, 124.3, 2.4, 0.8707),
                {
                    "key": "f|entities|x|single", "code": "entities", "name": "新登记经营主体", "span": "single",
                    "good": "up", "state": "current", "coming": "2026-11", "due": 1_796_695_200.0,
                    "period": "2026-10", "value": 6210.0, "unit": "户", "said": 1_794_103_200.0, "change": 3.1,
                    "change_unit": "%", "official": False, "single": 6210.0, "first": 6210.0, "revised": None,
                    "history": [[f"2026-{month:02d}", 5900.0 + 40 * month] for month in range(1, 11)], "target": None,
                },
            ],
            "total": 2, "overdue": 0, "never": [],
        }
    },
    period=Words("单月 12 个月 · 年内累计", "12 single months · year to date"),
    formula=Words(
        "累计值的单月数为与上月之差，上月缺则不算（1、2 月常合并发布）；虚线为全年目标；缺数处留空",
        "A single month is the difference to the month before; where that is missing (January often comes with "
        "February) there is none; dashed: the year's target; gaps stay gaps",
    ),
    records={"": FIGURES},
)  # fmt: skip
