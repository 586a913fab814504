"""Service efficacy in one card: closed on time, the three rates, the grassroots' share, and whom it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import amount, both, clipped, linked, number, parted, rate, tip
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, in_percent, percent

NAMES = {
    "on_time": Words("按期结案率", "Closed on time"),
    "composite": Words("三率综合", "Three rates"),
    "grassroots": Words("基层化解率", "Grassroots"),
}
FORMULAS = {
    "on_time": Words("按期结案 ÷ 本月至今应结", "Closed on time ÷ due to close this month so far"),
    "composite": Words("响应率、解决率、满意率按权重相加", "Response, resolution and satisfaction by their weights"),
    "grassroots": Words(
        "本月在村居或镇街一级办结 ÷ 本月办结", "Closed at community or street level ÷ closed this month"
    ),
}
THREE = {
    "response": Words("响应", "resp."), "resolution": Words("解决", "resol."),
    "satisfaction": Words("满意", "satisf."),
}  # fmt: skip
LOWEST = Words("最低", "Lowest")
GOAL = Words("目标", "Goal")
MISSED = Words("未按期", "Not on time")
OTHERS = Words("其他", "Others")
NONE = Words("本月至今全部按期", "All on time this month so far")
NAMED = 3  # Units that are named; those with fewer are taken together.
MONTH = {"rate": "on_time", "period": "month"}


def frame(ctx: Context) -> Any:
    """Three figures, and below them what was missed as one bar of the units that missed it."""
    figures = [
        html.Div([
            html.H3(both(words), **tip(FORMULAS[name])),
            html.Div(id=f"efficacy-{name}", className="figure"),
            html.Div(id=f"efficacy-{name}-why", className="why"),
        ])
        for name, words in NAMES.items()
    ]  # fmt: skip
    missed = [
        html.Div([html.H3(both(MISSED)), html.Span(id="efficacy-missed", className="n")], className="heading"),
        html.Div(id="efficacy-bar", className="shares"),
        html.Div(id="efficacy-units", className="spans"),
    ]
    return html.Div(
        [html.Div(figures, className="figures"), html.Div(missed, className="missed")],
        className="card-sum efficacy-sum",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Each figure with what it divides or is made of; the units that missed most come first."""
    language = ctx.language
    rates = views["rates"].get("month", {})
    part, whole = rates.get("on_time", (0, 0))
    composite = views["rates"].get("composite")
    settled, closed = views["grassroots"].get("share", (0, 0))
    goal = views["grassroots"].get("goal")
    below = ctx.behind(closed="month", grassroots=1)
    return {
        "efficacy-on_time.children": rate(part, whole, ctx.behind(**MONTH)),
        "efficacy-on_time-why.children": html.Span(
            parted(part, whole, ctx.behind(**MONTH, met=1), ctx.behind(**MONTH), language)
        ),
        "efficacy-composite.children": number(DASH if composite is None else in_percent(100 * composite), "%"),
        "efficacy-composite-why.children": html.Span(_weakest(rates, ctx)),
        "efficacy-grassroots.children": rate(settled, closed, ctx.behind(closed="month")),
        "efficacy-grassroots-why.children": [
            html.Span(parted(settled, closed, below, ctx.behind(closed="month"), language)),
            html.Span(_against(settled, closed, goal, language)),
        ],
        **_missed(views["units"].get("units", []), whole, ctx),
    }


def _weakest(rates: Mapping[str, Any], ctx: Context) -> Any:
    """The lowest of the three rates by name, which leads to what it counts; nothing where one has no denominator."""
    found = {name: rates.get(name, (0, 0)) for name in THREE}
    if not all(whole for _, whole in found.values()):
        return ""
    name = min(found, key=lambda name: found[name][0] / found[name][1])
    part, whole = found[name]
    behind = ctx.behind(rate=name, period="month")
    shown = linked(f"{percent(part, whole)} %", behind)
    return [html.Span(f"{LOWEST[ctx.language]} ", className="word"), f"{THREE[name][ctx.language]} ", shown]


def _against(part: int, whole: int, goal: float | None, language: str) -> Any:
    if goal is None or not whole:
        return ""
    by = 100 * (part / whole - goal)
    aim = html.Span(f"{GOAL[language]} ", className="word")
    return [aim, f"{100 * goal:.0f} % {'▲' if by >= 0 else '▼'} {abs(by):.1f} pp"]


def _missed(units: list[dict[str, Any]], whole: int, ctx: Context) -> Painted:
    """What was due and not closed on time, by the unit whose work it was."""
    language = ctx.language
    rows = sorted(
        ((row["due"] - row["on_time"], str(row["unit"])) for row in units if row["due"] > row["on_time"]),
        key=lambda row: (-row[0], row[1]),
    )
    named, rest = (rows, []) if len(rows) <= NAMED + 1 else (rows[:NAMED], rows[NAMED:])
    groups = [(n, [unit]) for n, unit in named]
    if rest:
        groups.append((sum(n for n, _ in rest), [unit for _, unit in rest]))
    parts = [html.Span(className=f"part share-{at}", style={"flexGrow": n}) for at, (n, _) in enumerate(groups)]
    legend = []
    for at, (n, names) in enumerate(groups):
        name = OTHERS[language] if len(names) > 1 else clipped(ctx.city.translated(names[0], language)) or DASH
        legend.append(
            html.Span([
                html.Span(className=f"swatch share-{at}"),
                html.Span(name, className="span name", title=name),
                html.B(amount(n, language, behind=ctx.behind(unit=names, **MONTH, met=0))),
            ])
        )  # fmt: skip
    every = sum(n for n, _ in groups)
    return {
        "efficacy-missed.children": amount(every, language, behind=ctx.behind(**MONTH, met=0)) if whole else DASH,
        "efficacy-bar.children": html.Div(parts, className="bar"),
        "efficacy-units.children": legend or (html.Span(NONE[language], className="quiet") if whole else []),
    }


PANEL = Panel(
    id="efficacy",
    title=Words("服务效能", "Service efficacy"),
    reads=("rates", "grassroots", "units"),
    frame=frame,
    paint=paint,
    example={
        "rates": {
            "month": {
                "response": [24011, 24890], "resolution": [4012, 4302], "satisfaction": [4101, 4302],
                "closing": [18902, 19527], "on_time": [18604, 19527],
            },
            "composite": 0.944,
            "weights": {"response": 0.30, "resolution": 0.35, "satisfaction": 0.35},
        },
        "grassroots": {"levels": [["village", 9120], ["town", 7710]], "share": [16830, 18902], "goal": 0.9},
        "units": {
            "units": [
                {"unit": "桂城城管", "open": 310, "late": 2, "due": 1204, "on_time": 1190, "bound": 0.981},
                {"unit": "狮山环卫", "open": 411, "late": 19, "due": 1903, "on_time": 1520, "bound": 0.887},
                {"unit": "大沥水务", "open": 4, "late": 0, "due": 900, "on_time": 690, "bound": 0.74},
                {"unit": "住建局", "open": 90, "late": 7, "due": 640, "on_time": 490, "bound": 0.73},
                {"unit": "通信办", "open": 41, "late": 6, "due": 410, "on_time": 300, "bound": 0.69},
                {"unit": "里水执法办", "open": 70, "late": 0, "due": 800, "on_time": 744, "bound": 0.91},
            ]
        },
    },
    period=Words("本月至今", "this month so far"),
    formula=Words(
        "按期结案率 = 按期结案 ÷ 应结；三率综合 = 响应率、解决率、满意率按权重相加；"
        "基层化解率 = 村居与镇街办结 ÷ 办结；未按期 = 应结而未按期结案，按责任单位分",
        "On time = closed on time ÷ due; three rates = response, resolution and satisfaction by weight; grassroots = "
        "closed at community or street level ÷ closed; not on time = due and not closed by then, by unit",
    ),
)  # fmt: skip
