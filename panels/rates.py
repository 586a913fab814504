"""The rates a centre is judged by: response, resolution, satisfaction and their composite, and six of the process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.casework.ticketasks import FORMULAS
from dashboard.nouns.noun import Document
from dashboard.screens.marks import both, number, parted, rate, tip
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, in_percent

THREE = {
    "response": Words("响应率", "Response"),
    "resolution": Words("解决率", "Resolution"),
    "satisfaction": Words("满意率", "Satisfaction"),
}
OTHERS = {
    "closing": Words("结案率", "Closed"),
    "on_time": Words("按期结案率", "On time"),
    "filing": Words("立案率", "Filed"),
    "exact_filing": Words("准确立案率", "Exact filing"),
    "exact_dispatch": Words("准确派遣率", "Exact dispatch"),
    "repeat": Words("重复投诉率", "Repeated"),
}
COMPOSITE = Words("三率综合", "Composite")


def frame(ctx: Context) -> Any:
    """The composite beside its three parts, and the other six in a small table."""
    parts = [
        html.Div(
            [
                html.H3(both(words), **tip(FORMULAS[name])),
                html.Div(id=f"rates-{name}", className="figure"),
                html.Div(id=f"rates-{name}-why", className="why"),
            ]
        )
        for name, words in THREE.items()
    ]
    whole = html.Div(
        [
            html.H3(id="rates-head"),
            html.Div(id="rates-composite", className="figure"),
            html.Div(id="rates-weights", className="why"),
        ],
        className="composite",
    )
    others = [
        html.Div(
            [
                html.Span(both(words), className="name", **tip(FORMULAS[name])),
                html.Span(id=f"rates-{name}", className="n"),
                html.Span(id=f"rates-{name}-why", className="n quiet"),
            ]
        )
        for name, words in OTHERS.items()
    ]
    return html.Div([html.Div([whole, *parts], className="four"), html.Div(others, className="six")], className="rated")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The month's rates, each with its numerator and denominator; a dash where there is no denominator."""
    view = views["rates"]
    month = view.get("month", {})
    painted: Painted = {}
    for name in (*THREE, *OTHERS):
        part, whole = month.get(name, (0, 0))
        counted = ctx.behind(rate=name, period="month")
        painted[f"rates-{name}.children"] = rate(part, whole, counted)
        said = parted(part, whole, ctx.behind(rate=name, period="month", met=1), counted, ctx.language)
        painted[f"rates-{name}-why.children"] = said if name in OTHERS else _stacked(said)
    painted["rates-head.children"] = html.A([COMPOSITE[ctx.language], " ›"], href=ctx.rates("unit"), className="behind")
    composite, weights = view.get("composite"), view.get("weights", {})
    painted["rates-composite.children"] = number(DASH if composite is None else in_percent(100 * composite), "%")
    painted["rates-weights.children"] = " : ".join(f"{100 * weights[name]:.0f}" for name in THREE if name in weights)
    return painted


def _stacked(said: list[Any]) -> list[Any]:
    """A fraction in two lines."""
    return said if len(said) < 3 else [html.Span(said[0]), html.Span(["/ ", said[2]])]


PANEL = Panel(
    id="rates",
    title=Words("本月三率", "This month's rates"),
    reads=("rates",),
    frame=frame,
    paint=paint,
    example={
        "rates": {
            "month": {
                "response": [24011, 24890], "resolution": [4012, 4302], "satisfaction": [4101, 4302],
                "closing": [18902, 19527], "on_time": [18604, 19527], "filing": [24890, 25611],
                "exact_filing": [24700, 24890], "exact_dispatch": [24088, 24890], "repeat": [611, 25611],
            },
            "composite": 0.944,
            "weights": {"response": 0.30, "resolution": 0.35, "satisfaction": 0.35},
        }
    },
    period=Words("本月至今", "this month so far"),
    formula=Words(
        "综合 = 响应率、解决率、满意率按权重相加；各率下为分子 / 分母",
        "Composite = response, resolution and satisfaction by their weights; under each rate stands what it divides",
    ),
)  # fmt: skip
