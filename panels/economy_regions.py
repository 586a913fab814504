"""The towns compared: of each figure that is told by town, the latest period all have, and the change on the year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.amounts import period_words, signed, written
from dashboard.screens.cityrecords import REGIONS
from dashboard.screens.marks import clipped, empty, row, share
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words

SERIES = 4  # Figures side by side.
ROWS = 16
EMPTY = Words("没有按镇街发布的指标", "No figure is told by place")
PLACE = Words("地点", "Place")


def frame(ctx: Context) -> Any:
    """A table whose columns are painted: which figures there are is known only then."""
    return html.Div(
        [html.Div(id="economy_regions-head"), html.Div(id="economy_regions-rows", className="rows")],
        className="list economy-regions",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Places in the order of their first figure, the largest first; the bar is against the largest."""
    language = ctx.language
    found = views["regions"].get("regions", {})
    order = {code: at for at, code in enumerate(ctx.city.indicators.series)}
    codes = sorted(found, key=lambda code: (order.get(code, len(order)), code))[:SERIES]
    if not codes:
        return {"economy_regions-head.children": "", "economy_regions-rows.children": empty(EMPTY, language)}
    first = found[codes[0]]["places"]
    places = sorted(
        {place for code in codes for place in found[code]["places"] if place in ctx.places},
        key=lambda place: (-first.get(place, {"value": 0.0})["value"], place),
    )
    tops = {code: max((cell["value"] for cell in found[code]["places"].values()), default=0.0) for code in codes}
    rows = [
        row([
            html.A(ctx.places[place].title(language), className="name", href=f"?place={place}", **_to(place)),
            *[_cell(found[code]["places"].get(place), tops[code]) for code in codes],
        ], f"of-{len(codes)}")
        for place in places[:ROWS]
    ]  # fmt: skip
    head = row([
        html.Span(PLACE[language], className="name"),
        *[
            html.Span([
                html.Span(clipped(ctx.city.translated(found[code]["name"], language)), className="name"),
                html.Span(_about(found[code], ctx), className="quiet"),
            ], className="figure-head")
            for code in codes
        ],
    ], f"named of-{len(codes)}")  # fmt: skip
    return {"economy_regions-head.children": head, "economy_regions-rows.children": rows or empty(EMPTY, language)}


def _to(place: str) -> dict[str, str]:
    return {"data-place": place}


def _about(figure: Mapping[str, Any], ctx: Context) -> str:
    """The period and the unit of a figure."""
    units = {cell["unit"] for cell in figure["places"].values()}
    unit = clipped(ctx.city.translated(units.pop(), ctx.language)) if len(units) == 1 else ""
    return " · ".join(filter(None, (period_words(figure["period"], ctx.language, figure["span"]), unit)))


def _cell(cell: Mapping[str, Any] | None, top: float) -> Any:
    if cell is None:
        return html.Span(DASH, className="cell n quiet")
    change = cell["change"]
    return html.Span(
        [
            share(cell["value"] / top if top > 0 else 0.0),
            html.Span(written(cell["value"]), className="n"),
            html.Span(
                signed(change, cell["change_unit"]),
                className="n worse" if change is not None and change < 0 else "n quiet",
            ),
        ],
        className="cell",
    )


PANEL = Panel(
    id="economy_regions",
    title=Words("镇街对比", "Towns compared"),
    reads=("regions",),
    frame=frame,
    paint=paint,
    example={
        "regions": {
            "regions": {
                "industry": {
                    "period": "2026-10", "span": "cumulative", "name": "规上工业总产值",
                    "places": {
                        "440605124": {"value": 2231.0, "unit": "亿元", "change": 5.4, "change_unit": "%"},
                        "440605011": {"value": 1031.0, "unit": "亿元", "change": 1.6, "change_unit": "%"},
                    },
                },
                "revenue": {
                    "period": "2026-10", "span": "cumulative", "name": "一般公共预算收入",
                    "places": {
                        "440605124": {"value": 53.3, "unit": "亿元", "change": -2.8, "change_unit": "%"},
                        "440605011": {"value": 58.2, "unit": "亿元", "change": None, "change_unit": ""},
                    },
                },
            }
        }
    },
    period=Words("共有的最近一期 · 同比", "latest in common · on year"),
    formula=Words(
        "取各地都已发布的最近一期；横条相对于最大者；缺数为横线，不作估计",
        "At the latest period that all have told; bars against the largest; what is missing is a dash and no estimate",
    ),
    records={"": REGIONS},
)  # fmt: skip
