"""The month-end forecast of the on-time rate, and what closing today would still do for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import amount, both, drawing, number, outline
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, count, in_percent

NAMES = {
    "due": Words("本月应结", "Due this month"),
    "closed_on_time": Words("已按期结案", "Closed on time"),
    "open": Words("未定", "Undecided"),
    "sure_late": Words("已定超期", "Surely late"),
}
OUTLOOKS = {"due": "due", "closed_on_time": "kept", "open": "undecided", "sure_late": "lost"}
BETWEEN = Words("区间", "between")
WIDTH, HEIGHT = 1000.0, 300.0
EMPTY = Words("本月尚无应结工单", "Nothing is due this month")
CLOSE = Words("今日办结这 {} 件，", "Close these {} today, and")
ENDS = Words("月末可达 {}", "the month ends at {}")
CERTAIN = Words("已全部落定", "Everything is decided")


def frame(ctx: Context) -> Any:
    """The rate with its range, the sentence, the curve, and what is already decided."""
    facts = [
        html.Div([html.H3(both(words)), html.Div(id=f"forecast-{name}", className="n")])
        for name, words in NAMES.items()
    ]
    return html.Div(
        [
            html.Div(
                [html.Div(id="forecast-mid", className="figure"), html.Div(id="forecast-range", className="why")],
                className="said",
            ),
            html.Div(id="forecast-close", className="advice"),
            html.Div(id="forecast-curve", className="curve"),
            html.Div(facts, className="facts"),
        ],
        className="foreseen",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The middle of the forecast, its range, and the sentence a leader can act on."""
    view, language = views["forecast"], ctx.language
    low, mid, high = view.get("low"), view.get("mid"), view.get("high")
    painted: Painted = {
        f"forecast-{name}.children": amount(view.get(name), language, "", behind=ctx.behind(outlook=OUTLOOKS[name]))
        if view.get("due")
        else DASH
        for name in NAMES
    }
    painted["forecast-mid.children"] = number(DASH if mid is None else _percent(mid), "%")
    between = "" if low is None or high is None else f"{BETWEEN[language]} {_percent(low)} – {_percent(high)} %"
    painted["forecast-range.children"] = between
    painted["forecast-close.children"] = _advice(view, language)
    painted["forecast-curve.children"] = _curve(view.get("curve", []))
    return painted


def _percent(share: float, digits: int = 1) -> str:
    """A share in percent; what closing a few would add needs a further digit to be seen."""
    return "100" if share == 1 else in_percent(100 * share, digits)


def _advice(view: Document, language: str) -> Any:
    if not view.get("due"):
        return EMPTY[language]
    close = view.get("close")
    if not close or not close["n"]:
        return CERTAIN[language]
    n, to = html.B(count(close["n"])), html.B(f"{_percent(close['to'], 2)} %")
    return [_with(CLOSE[language], n), _with(ENDS[language], to)]


def _with(text: str, figure: Any) -> Any:
    """A line of the sentence with its figure in the place of the braces."""
    before, _, after = text.partition("{}")
    return html.Div([before, figure, after] if after else [before, figure])


def _curve(found: Sequence[Sequence[float]]) -> list[Any]:
    """The rate at the month's end against how many of the surest losses are closed today."""
    if len(found) < 2 or found[-1][0] <= 0:
        return []
    most, low, high = found[-1][0], found[0][1], found[-1][1]
    span = (high - low) or 1.0
    points = [(WIDTH * n / most, HEIGHT * (0.94 - 0.88 * (rate - low) / span)) for n, rate in found]
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    area = f"M0 {HEIGHT:.0f}L{line}L{WIDTH:.0f} {HEIGHT:.0f}Z"
    back = "L".join(f"{x:.1f} {y + 7:.1f}" for x, y in reversed(points))
    return [
        drawing([outline(area, "area"), outline(f"M{line}L{back}Z", "line")], WIDTH, HEIGHT),
        html.Span(f"{_percent(low, 2)} %", className="low"),
        html.Span(f"{_percent(high, 2)} %", className="high"),
        html.Span(f"+{count(most)}", className="most"),
    ]


PANEL = Panel(
    id="forecast",
    title=Words("月末按期率预测", "On time at month's end"),
    reads=("forecast",),
    frame=frame,
    paint=paint,
    example={
        "forecast": {
            "due": 26110, "closed_on_time": 18604, "open": 6583, "sure_late": 923,
            "low": 0.9571, "mid": 0.9604, "high": 0.9633,
            "close": {"n": 120, "to": 0.9641},
            "curve": [[0, 0.9604], [30, 0.9615], [60, 0.9625], [120, 0.9641]],
        }
    },
    period=Words("本月", "this month"),
    formula=Words(
        "已定者照实计；未定者按各单位本月在剩余时限内结案的比例推算；区间为 90 %",
        "What is decided counts as is, the rest by each unit's share closed in time from where it stands; 90 % range",
    ),
)  # fmt: skip
