"""Emergency in one card: open emergencies, points over their limits, the warning in force, and a day of rain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.cityrecords import HIGH, INCIDENTS, RAINS, WARNINGS
from dashboard.screens.frames import figures
from dashboard.screens.marks import clipped, fraction, number, share
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.sparks import columns
from dashboard.words import DASH, Words, compact, count, measured

NAMES = {
    "open": Words("在办突发事件", "Open incidents"),
    "over": Words("超警戒水位", "Water over limit"),
    "warning": Words("生效预警", "Warning in force"),
}
LEVELS = {
    1: ("◆", Words("红色", "Red")), 2: ("▲", Words("橙色", "Orange")),
    3: ("■", Words("黄色", "Yellow")), 4: ("●", Words("蓝色", "Blue")),
}  # fmt: skip
NONE = Words("无", "None")
LATE, ALL_IN_TIME = Words("超期", "overdue"), Words("均在时限内", "all in time")
BELIEVED = Words("可信", "OK")
PLACES = Words("处", "")
UNITS = Words("件", "")
POINTS = Words("点", "")
RAIN = Words("最大小时雨量", "Most rain in an hour")
NOW = Words("此刻", "now")
DAY = Words("24 小时前", "24 h ago")
DRY = Words("近 24 小时无雨 · 在办事件", "No rain for 24 h · in hand")
KINDS = 4  # So many of them are named.
LEAST = 8.0  # Millimetres in an hour to which the chart reaches at least: a drizzle shall look like one.


def frame(ctx: Context) -> Any:
    """Three figures, and below them the day's rain or, where there was none, what is in hand."""
    return html.Div(
        [
            figures("emergency", NAMES),
            html.Div(id="emergency-lower", className="lower"),
        ],
        className="sum",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Each figure with what makes it mean something: how many are late, of how many points, since when and where."""
    language = ctx.language
    incidents, water, warnings = views["incidents"], views["water"], views["warnings"].get("warnings", [])
    lights = incidents.get("lights", {})
    late = lights.get("overdue", 0) + lights.get("worst", 0)
    over = water.get("over", {})
    n, working, total = over.get("warn", 0) + over.get("alarm", 0), water.get("working", 0), water.get("total", 0)
    hours = water.get("hours", [])
    most = max((hour for hour in hours if hour is not None), default=None)
    found = incidents.get("total")
    worst = next(
        (row for row in water.get("levels", []) if row["grade"] in ("warn", "alarm") and not row["fault"]), None
    )
    shape, word = LEVELS[warnings[0]["level"]] if warnings else ("○", NONE)
    return {
        "emergency-open.children": number(found, UNITS[language], language=language, room=5),
        "emergency-open-why.children": _line(f"{count(late)} {LATE[language]}" if late else ALL_IN_TIME[language], late)
        if found
        else "",
        "emergency-over.children": number(n if total else None, POINTS[language], language=language, room=5),
        "emergency-over-why.children": []
        if not total
        else [
            html.Span(
                f"{BELIEVED[language]} {fraction(working, total, language, 5)}",
                className="ill" if total > working else "",
            ),
            html.Span(_worst(worst, ctx)),
        ],
        "emergency-warning.children": html.Span(
            [html.Span(shape, className="shape"), " ", html.Span(word[language], className="n")],
            className=f"number warned colour-{warnings[0]['level'] if warnings else 0}",
        ),
        "emergency-warning-why.children": html.Span(_where(warnings, ctx)),
        "emergency-lower.children": _kinds(incidents, ctx)
        if most == 0 and incidents.get("categories")
        else [
            html.Div(
                [html.Span(RAIN[language]), " ", html.B(DASH if most is None else measured(most, "mm", language))],
                className="name",
            ),
            html.Div(columns([[(hour, "rain")] for hour in hours], LEAST) if hours else "", className="plot"),
            html.Div([html.Span(DAY[language]), html.Span(NOW[language])], className="ends"),
        ],
    }  # fmt: skip


def _kinds(incidents: Mapping[str, Any], ctx: Context) -> list[Any]:
    """After a dry day the kinds of emergencies in hand, the most frequent first: a chart of no rain tells nothing."""
    total = max(1, incidents.get("total", 0))
    return [
        html.Div(html.Span(DRY[ctx.language]), className="name"),
        html.Div(
            [
                html.Div([
                    html.Span(clipped(ctx.city.translated(name, ctx.language)), className="kind-name"),
                    share(n / total),
                    html.B(compact(n, ctx.language, 4)),
                ])
                for name, n in incidents["categories"][:KINDS]
            ],
            className="by-kind",
        ),
    ]  # fmt: skip


def _line(text: str, late: int) -> Any:
    return html.Span(text, className="late" if late else "")


def _worst(row: Mapping[str, Any] | None, ctx: Context) -> list[Any]:
    """The point that stands worst, with its level."""
    if row is None:
        return []
    name = html.Span(clipped(ctx.city.translated(row["name"], ctx.language)), className="where")
    return [f"{measured(row['value'], 'm', ctx.language)} ", name]


def _where(warnings: list[dict[str, Any]], ctx: Context) -> str:
    """The places under the worst warning, as many as are named in a card."""
    if not warnings:
        return ""
    places = [row["place"] for row in warnings if row["level"] == warnings[0]["level"]]
    names = [ctx.places[code].title(ctx.language) for code in places if code in ctx.places]
    all_of_them = f"{len(names)} · " if len(names) > 2 else ""
    return all_of_them + ("、" if ctx.language == "zh" else ", ").join(names[:2])


PANEL = Panel(
    id="emergency",
    title=Words("应急调度", "Emergency"),
    reads=("incidents", "water", "warnings"),
    frame=frame,
    paint=paint,
    example={
        "incidents": {
            "incidents": [], "total": 42, "categories": [["道路积水", 30], ["燃气隐患", 12]], "places": {},
            "lights": {"normal": 31, "soon": 7, "overdue": 3, "worst": 1, "paused": 0, "none": 0},
        },
        "water": {
            "levels": [
                {
                    "key": "g|W-U01|level", "sensor": "W-U01", "name": "佛平路下穿隧道", "place": "", "value": 0.31,
                    "unit": "m", "fault": "", "grade": "alarm", "trend": "rising", "change": 0.08,
                    "at": 1_795_301_900.0, "warn": 0.15, "alarm": 0.27, "quantity": "level", "day": [0.02, 0.3],
                },
            ],
            "rains": [
                {
                    "key": "g|R-03|rain", "sensor": "R-03", "name": "西樵雨量站", "place": "440605122", "value": 18.4,
                    "unit": "mm", "fault": "", "grade": "warn", "trend": "", "change": None, "at": 1_795_301_900.0,
                    "warn": 16.0, "alarm": 30.0, "quantity": "rain", "day": [],
                },
            ],
            "total": 18, "working": 16, "over": {"warn": 3, "alarm": 1}, "rising": 4,
            "hours": [0.0] * 14 + [0.4, 2.1, 6.5, 3.2, 0.8, None, 1.5, 9.8, 18.4, 12.6], "until": 1_795_302_000.0,
        },
        "warnings": {
            "warnings": [
                {
                    "key": "g|rain-1", "level": 2, "colour": "orange", "what": "rainstorm", "since": 1_795_298_000.0,
                    "until": None, "place": "440605011", "text": "桂城街道暴雨橙色预警",
                },
            ],
            "level": 2,
        },
    },
    period=Words("此刻 · 雨量近 24 小时", "now · rain of 24 h"),
    formula=Words(
        "突发事件：城市文件所列类别、紧急件与两小时内限时的在办工单；超警戒：可信水位点中达到警戒或更高者",
        "Incidents: open tickets of the categories, urgency or limit that the city file names; over limit: of the "
        "level gauges that can be believed, those at their warning threshold or above",
    ),
    records={"": INCIDENTS, "over": HIGH, "warning": WARNINGS, "lower": RAINS},
)  # fmt: skip
