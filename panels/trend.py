"""Intake and closures hour by hour over the last day, with the day before as a shadow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil, log10
from typing import Any

from dash import dcc, html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import chart, tokens
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words, compact, count

OPENED = Words("上报", "Reported")
CLOSED = Words("结案", "Closed")
BEFORE = Words("前一日上报", "Day before")
MARGIN = {"r": "1.6em", "t": "2em", "b": "1.8em"}  # As .hours in assets/wall.css has it.
STYLE = {"width": "100%", "height": "100%"}


def frame(ctx: Context) -> Any:
    """One chart, as large as the card."""
    config = {"staticPlot": True, "responsive": True, "displayModeBar": False}
    graph = dcc.Graph(
        id="trend-chart", config=config, responsive=True, figure={"data": [], "layout": BLANK}, style=STYLE
    )
    return html.Div([graph, html.Div(id="trend-hours", className="hours")], className="chart")


BLANK: dict[str, Any] = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "xaxis": {"visible": False},
    "yaxis": {"visible": False},
}


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The whole figure, as plain values: quicker to write than figure objects, and the same to Plotly."""
    view, language, colour = views["trend"], ctx.language, tokens()
    hours = [datetime.fromtimestamp(hour, UTC).astimezone(ctx.city.tz) for hour in view.get("hours", [])]
    x = [hour.strftime("%Y-%m-%dT%H:%M") for hour in hours]
    full = slice(0, -1)  # The running hour is not over: its count is a mark of its own, not the line's fall.
    running = {"shape": "spline", "smoothing": 0.6}
    data = [
        {
            "type": "scatter", "mode": "lines", "name": BEFORE[language], "x": x, "y": view.get("day_before", []),
            "line": {**running, "color": colour["ink-3"], "width": "0.11em", "dash": "dot"},
        },
        {
            "type": "scatter", "mode": "lines", "name": CLOSED[language],
            "x": x[full], "y": view.get("closed", [])[full],
            "line": {**running, "color": colour["ok"], "width": "0.15em", "dash": "dash"},
        },
        {
            "type": "scatter", "mode": "lines", "name": OPENED[language],
            "x": x[full], "y": view.get("opened", [])[full],
            "line": {**running, "color": colour["accent"], "width": "0.19em"},
            "fill": "tozeroy", "fillcolor": colour["accent-wash"],
        },
        *(
            {
                "type": "scatter", "mode": "markers", "x": x[-1:], "y": view.get(name, [])[-1:], "showlegend": False,
                "marker": {
                    "color": "rgba(0,0,0,0)", "size": "0.6em", "line": {"color": colour[ink], "width": "0.15em"},
                },
            }
            for name, ink in (("closed", "ok"), ("opened", "accent"))
        ),
    ]  # fmt: skip
    highest = max([1, *view.get("opened", []), *view.get("closed", []), *view.get("day_before", [])])
    hour_marks, steps = x[3::5] if x else [], levels(highest)
    written = [compact(step, language, 4) for step in steps]
    left = f"{0.8 + 0.62 * max(map(width, written)):.1f}em"
    layout = chart(
        uirevision="trend",
        margin={"l": left, **MARGIN},
        legend={
            "orientation": "h", "x": 0, "y": 1, "xanchor": "left", "yanchor": "top", "yref": "container",
            "traceorder": "reversed",
            "font": {"color": colour["ink-2"], "size": "1em"}, "bgcolor": "rgba(0,0,0,0)",
        },
        xaxis={
            "type": "date", "range": _range(hours), "tickvals": hour_marks,
            "ticktext": [mark[11:] for mark in hour_marks],
        },
        yaxis={"range": [0, top(highest, steps)], "tickvals": steps, "ticktext": written},
    )  # fmt: skip
    return {
        "trend-chart.figure": {"data": data, "layout": layout},
        "trend-hours.children": html.Div(_hours(hours, view, ctx), className="plot", style={"left": left}),
    }


def _range(hours: list[datetime]) -> list[str]:
    """From half an hour before the first mark until half an hour after the last, so that each hour has its column."""
    half = timedelta(minutes=30)
    return [f"{moment:%Y-%m-%dT%H:%M}" for moment in (hours[0] - half, hours[-1] + half)] if hours else []


def _hours(hours: list[datetime], view: Document, ctx: Context) -> list[Any]:
    """Over each hour's column, what was reported in it and below, what was closed: each leads to its tickets."""
    columns = []
    for at, hour in enumerate(hours):
        after = datetime.fromtimestamp(hour.timestamp() + 3600, ctx.city.tz)
        start, end = (f"{moment:%Y-%m-%dT%H:%M}" for moment in (hour, after))
        # As clocks are put back an address cannot say which of two like hours it means.
        plain = all(moment.replace(fold=0).timestamp() == moment.timestamp() for moment in (hour, after))
        links = []
        for name, words, asks in (("opened", OPENED, "reported"), ("closed", CLOSED, "closed")):
            n = view.get(name, [])[at]
            said = f"{count(n)} · {words[ctx.language]} {start[11:]}–{end[11:]}"
            href = {"href": ctx.behind(**{asks: f"{start}..{end}"})} if n and plain else {}
            links.append(html.A(className="behind", title=said, **({"aria-label": said} if href else {}), **href))
        columns.append(html.Div(links))
    return columns


def levels(highest: float) -> list[int]:
    """Whole numbers from 0 to about ``highest`` that are easily read, three to five of them, or fewer of few.

    >>> levels(318), levels(2), levels(1_250_000)
    ([0, 100, 200, 300], [0, 1, 2], [0, 500000, 1000000])
    """
    power: int = 10 ** max(0, int(log10(highest)))
    step = next(
        step for step in (power // 5, power // 2, power, 2 * power, 5 * power) if step > 0 and highest / step < 4.5
    )
    return list(range(0, int(highest) + 1, step))


def top(highest: float, steps: Sequence[int]) -> float:
    """Where an axis with these steps ends: a little above ``highest``, at a quarter of a step.

    So the running hour moves the axis now and then and not with each ticket: a line that is looked at stays where it
    is, and Plotly, which keeps the place of every label that it ever measured, measures each of a few only once.

    >>> top(318, [0, 100, 200, 300]), top(319, [0, 100, 200, 300]), top(1, [0, 1])
    (350.0, 350.0, 1.25)
    """
    quarter = (steps[1] - steps[0]) / 4
    return ceil(1.06 * highest / quarter) * quarter


def width(text: str) -> float:
    """How wide a tick is, in digits: a Chinese character counts as two."""
    return sum(1 if sign.isascii() else 1.7 for sign in text)


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
    period=Words("每小时 · 件", "per hour · tickets"),
    formula=Words("每整点小时的上报件数与结案件数", "Tickets reported and closed in each clock hour"),
)
