"""Intake and closures hour by hour over the last day, with the day before as a shadow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dash import dcc, html

from dashboard.marks import tokens
from dashboard.noun import Document
from dashboard.panel import Context, Painted, Panel
from dashboard.words import Words

OPENED = Words("受理", "Reported")
CLOSED = Words("结案", "Closed")
BEFORE = Words("前一日受理", "Day before")
FONT = {"small": 10, "normal": 12, "large": 24}
STYLE = {"width": "100%", "height": "100%"}


def frame(ctx: Context) -> Any:
    """One chart, as large as the card."""
    config = {"staticPlot": True, "responsive": True, "displayModeBar": False}
    return html.Div(
        dcc.Graph(id="trend-chart", config=config, responsive=True, figure={"data": [], "layout": BLANK}, style=STYLE),
        className="chart",
    )


BLANK: dict[str, Any] = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "xaxis": {"visible": False},
    "yaxis": {"visible": False},
}


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The whole figure, as plain values: quicker to write than figure objects, and the same to Plotly."""
    view, language, colour = views["trend"], ctx.language, tokens()
    zone, size = ctx.city.tz, FONT[ctx.size]
    hours = [datetime.fromtimestamp(hour, UTC).astimezone(zone) for hour in view.get("hours", [])]
    x = [hour.strftime("%Y-%m-%dT%H:%M") for hour in hours]
    thin = size / 7
    full = slice(0, -1)  # The running hour is not over: its count is a mark of its own, not the line's fall.
    running = {"shape": "spline", "smoothing": 0.6}
    data = [
        {
            "type": "scatter", "mode": "lines", "name": BEFORE[language], "x": x, "y": view.get("day_before", []),
            "line": {**running, "color": colour["ink-3"], "width": thin * 0.8, "dash": "dot"},
        },
        {
            "type": "scatter", "mode": "lines", "name": CLOSED[language],
            "x": x[full], "y": view.get("closed", [])[full],
            "line": {**running, "color": colour["ok"], "width": thin},
        },
        {
            "type": "scatter", "mode": "lines", "name": OPENED[language],
            "x": x[full], "y": view.get("opened", [])[full],
            "line": {**running, "color": colour["accent"], "width": thin * 1.2},
            "fill": "tozeroy", "fillcolor": colour["accent-wash"],
        },
        *(
            {
                "type": "scatter", "mode": "markers", "x": x[-1:], "y": view.get(name, [])[-1:], "showlegend": False,
                "marker": {"color": "rgba(0,0,0,0)", "size": size * 0.6, "line": {"color": colour[ink], "width": thin}},
            }
            for name, ink in (("closed", "ok"), ("opened", "accent"))
        ),
    ]  # fmt: skip
    highest = max([1, *view.get("opened", []), *view.get("closed", []), *view.get("day_before", [])])
    ticks = x[3::5] if x else []
    axis = {"showgrid": False, "zeroline": False, "fixedrange": True, "tickfont": {"color": colour["ink-2"]}}
    layout = {
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "uirevision": "trend",
        "font": {"family": colour["font"], "size": size, "color": colour["ink-2"]},
        "margin": {"l": size * 2.7, "r": size * 0.6, "t": size * 2.1, "b": size * 1.7},
        "legend": {
            "orientation": "h", "x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom", "traceorder": "reversed",
            "font": {"color": colour["ink-2"]}, "bgcolor": "rgba(0,0,0,0)",
        },
        "xaxis": {**axis, "type": "date", "tickvals": ticks, "ticktext": [tick[11:] for tick in ticks]},
        "yaxis": {
            **axis, "range": [0, highest * 1.08], **({"dtick": 1} if highest < 4 else {"nticks": 4}), "showgrid": True,
            "gridcolor": colour["line"], "gridwidth": 1, "tickformat": ",d", "rangemode": "tozero",
        },
    }  # fmt: skip
    return {"trend-chart.figure": {"data": data, "layout": layout}}


HOURS = [1_795_222_800.0 + 3600 * hour for hour in range(24)]
PANEL = Panel(
    id="trend",
    title=Words("24 小时趋势", "Last 24 hours"),
    reads=("trend",),
    frame=frame,
    paint=paint,
    example={
        "trend": {
            "hours": HOURS,
            "opened": [12, 9, 7, 6, 5, 8, 17, 44, 96, 121, 118, 97, 74, 81, 99, 103, 92, 70, 52, 41, 33, 26, 19, 14],
            "closed": [4, 3, 2, 2, 1, 3, 8, 31, 78, 104, 112, 88, 66, 79, 96, 108, 97, 61, 40, 28, 20, 14, 9, 6],
            "day_before": [11, 10, 8, 5, 6, 9, 15, 40, 90, 125, 110, 99, 70, 85, 95, 99, 90, 72, 50, 40, 30, 25, 20, 9],
        }
    },
    formula=Words("每整点小时的受理件数与结案件数", "Tickets reported and closed in each clock hour"),
)
