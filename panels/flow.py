"""How the week's work moved from stage to stage, and what came back: returned by units, reworked after inspection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.nouns.sankey import Node, Ribbon, sankey
from dashboard.screens.marks import amount, both, box, drawing, empty, outline, parted
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, STAGES, Words, percent

PERIODS = {"today": Words("今日", "Today"), "week": Words("本周", "This week"), "month": Words("本月", "This month")}
RETURNS = Words("回退", "Returned")
SENT_ON = Words("改派", "Sent on")
REWORKS = Words("返工", "Reworked")
REOPENED = Words("重开", "Reopened")
EMPTY = Words("本周尚无流转", "Nothing has moved this week")
WIDTH, HEIGHT = 1000.0, 400.0
OF = {"returns": ("returned", "sent"), "reworks": ("reworked", "checked")}  # The moves of part and whole.


def frame(ctx: Context) -> Any:
    """The diagram with its labels laid over it, and below it what came back in three periods."""
    head = [html.Span(), html.Span(both(RETURNS)), html.Span(both(REWORKS))]
    rows = [
        html.Div([html.Span(both(words)), html.Span(id=f"flow-{name}-returns"), html.Span(id=f"flow-{name}-reworks")])
        for name, words in PERIODS.items()
    ]
    return html.Div(
        [
            html.Div(id="flow-picture", className="picture"),
            html.Div([html.Div(head, className="head"), *rows], className="came-back"),
        ],
        className="flow",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The week as a picture; returns and reworks of each period with what they are a part of."""
    view = views["flow"]
    painted: Painted = {"flow-picture.children": _picture(view.get("week", {}).get("links", []), ctx)}
    for name in PERIODS:
        found = view.get(name, {})
        for what in ("returns", "reworks"):
            part, whole = found.get(what, [0, 0])
            met, counted = (ctx.behind(moved=moves, period=name) for moves in OF[what])
            painted[f"flow-{name}-{what}.children"] = [
                html.B(f"{percent(part, whole)} %" if whole else DASH),
                html.Span(parted(part, whole, met, counted, ctx.language) if whole else "", className="quiet"),
            ]
    return painted


def _picture(links: list[Any], ctx: Context) -> list[Any]:
    language = ctx.language
    into, out = Counter[str](), Counter[str]()
    for source, target, n in links:
        out[source] += n
        into[target] += n
    laid = sankey(
        [(source, target, n) for source, target, n in links if source in STAGES and target in STAGES],
        [[stage] for stage in STAGES],
        width=WIDTH,
        height=HEIGHT,
        thickness=14,
        lane=0.54 if ctx.size == "small" else 0.36,
        gap=12,
        least=2,
    )
    if not laid.ribbons:
        return [empty(EMPTY, language)]
    shapes = [
        *(outline(ribbon.path, "ribbon back" if ribbon.back else "ribbon") for ribbon in laid.ribbons),
        *(box(node.x, node.y, node.width, node.height, "node") for node in laid.nodes if node.amount),
    ]
    stages = [
        _stage(node, at, language, f"{'into' if into[node.name] >= out[node.name] else 'from'}-{node.name}", ctx)
        for at, node in enumerate(laid.nodes)
    ]
    return [
        drawing(shapes, WIDTH, HEIGHT),
        *stages,
        *(_back(ribbon, ctx) for ribbon in laid.ribbons if ribbon.back),
    ]


def _stage(node: Node, at: int, language: str, moves: str, ctx: Context) -> Any:
    """A stage's name and number over its bar, at the edges turned inwards; the number leads to those ``moves``."""
    behind = ctx.behind(moved=moves, period="week")
    side = "first" if at == 0 else "last" if at == len(STAGES) - 1 else "inner"
    return html.Div(
        [html.Span(STAGES[node.name][language]), html.B(amount(node.amount, language, "", 6, behind))],
        className=f"label {side}",
        style={"left": f"{100 * (node.x + node.width / 2) / WIDTH:.2f}%"},
    )


def _back(ribbon: Ribbon, ctx: Context) -> Any:
    """What runs back, named in its lane: a return only where the table counts one, too."""
    language, behind = ctx.language, ctx.behind(moved=f"{ribbon.source}-{ribbon.target}", period="week")
    back = SENT_ON if ribbon.target == "dispatch" else RETURNS
    name = {"inspect": REWORKS, "close": REOPENED}.get(ribbon.source, back)
    x, y = ribbon.middle
    return html.Div(
        [html.Span(f"↩ {name[language]} "), html.B(amount(ribbon.amount, language, "", behind=behind))],
        className="label back",
        style={"left": f"{100 * x / WIDTH:.2f}%", "top": f"{100 * y / HEIGHT:.2f}%"},
    )


PANEL = Panel(
    id="flow",
    title=Words("本周流转", "The week's flow"),
    reads=("flow",),
    frame=frame,
    paint=paint,
    example={
        "flow": {
            "today": {"links": [["report", "file", 900]], "returns": [31, 880], "reworks": [12, 640]},
            "week": {
                "links": [
                    ["report", "file", 6100], ["file", "dispatch", 6050], ["dispatch", "handle", 5980],
                    ["handle", "inspect", 5400], ["inspect", "close", 5210], ["handle", "file", 190],
                    ["handle", "dispatch", 64], ["inspect", "handle", 112], ["close", "handle", 18],
                ],
                "returns": [190, 6050],
                "reworks": [112, 5400],
            },
            "month": {"links": [], "returns": [802, 25011], "reworks": [455, 23903]},
        }
    },
    period=Words("本周 · 次", "this week · moves"),
    formula=Words(
        "每一次阶段转换计一次；回退率 = 回退 ÷ 派遣，返工率 = 返工 ÷ 核查；改派（处置中转派另一单位）不计入回退与派遣",
        "Every move from stage to stage counts once; returned ÷ dispatched, reworked ÷ inspected; what is sent on from "
        "one unit to another counts as neither returned nor dispatched",
    ),
)  # fmt: skip
