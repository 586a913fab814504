"""How much is settled at the grassroots: closings by the level at which they were settled, against the goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from dashboard.casework.ticketasks import LEVELS
from dashboard.nouns.noun import Document
from dashboard.screens.marks import amount, clipped, parted, rate
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, percent

OTHERS = Words("其他", "Others")
MOST = 3  # Levels that are named; there are rarely more.
GOAL = Words("目标", "Goal")
ABOVE = Words("高于目标", "above the goal")
BELOW = Words("低于目标", "below the goal")


def frame(ctx: Context) -> Any:
    """The share and its goal, one bar for all levels, and the levels by name."""
    return html.Div(
        [
            html.Div(
                [
                    html.Div(id="grassroots-share", className="figure"),
                    html.Div(id="grassroots-share-why", className="why"),
                ],
                className="said",
            ),
            html.Div(id="grassroots-bar", className="by-level"),
            html.Div(id="grassroots-levels", className="spans"),
        ],
        className="grass",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The levels from the lowest to the highest; the mark on the bar is the goal."""
    view, language = views["grassroots"], ctx.language
    part, whole = view.get("share", [0, 0])
    goal, levels = view.get("goal"), _few(view.get("levels", []))
    below, closed = ctx.behind(closed="month", grassroots=1), ctx.behind(closed="month")
    said: list[Any] = [html.Span(parted(part, whole, below, closed, language))]
    if goal is not None and whole:
        by = 100 * (part / whole - goal)
        word = ABOVE if by >= 0 else BELOW
        said.append(html.Span(f"{GOAL[language]} {100 * goal:.0f} %", className="quiet"))
        said.append(html.B(f"{'▲' if by >= 0 else '▼'} {abs(by):.1f} pp {word[language]}"))
    parts = [
        html.Span(className=f"part level-{min(at, 3)}", style={"flexGrow": n}) for at, (_, n) in enumerate(levels) if n
    ]
    mark = [html.Span(className="goal", style={"left": f"{100 * goal:.1f}%"})] if goal is not None else []
    every = sum(n for _, n in levels)
    spans = [
        html.Span(
            [
                html.Span(className=f"swatch level-{min(at, 3)}"),
                html.Span(_name(names, language), className="span"),
                html.B(
                    [
                        amount(n, language, behind=ctx.behind(closed="month", level=names)),
                        html.Span(f"{percent(n, every)} %" if every else DASH, className="quiet"),
                    ]
                ),
            ]
        )
        for at, (names, n) in enumerate(levels)
    ]
    return {
        "grassroots-share.children": rate(part, whole, closed),
        "grassroots-share-why.children": said,
        "grassroots-bar.children": [html.Div(parts, className="bar"), *mark],
        "grassroots-levels.children": spans,
    }


def _few(levels: Sequence[Sequence[Any]]) -> list[tuple[list[str], int]]:
    """The levels as they fit: the lowest ones, and what is above them together; each with the names it stands for."""
    kept = [([str(level)], int(n)) for level, n in levels[:MOST]]
    rest = levels[MOST:]
    return [*kept, ([str(level) for level, _ in rest], sum(int(n) for _, n in rest))] if rest else kept


def _name(names: Sequence[str], language: str) -> str:
    if len(names) > 1:
        return OTHERS[language]
    return LEVELS[names[0]][language] if names[0] in LEVELS else clipped(names[0])


PANEL = Panel(
    id="grassroots",
    title=Words("基层化解率", "Settled at the grassroots"),
    reads=("grassroots",),
    frame=frame,
    paint=paint,
    example={
        "grassroots": {
            "levels": [["village", 9120], ["town", 7710], ["district", 2072]],
            "share": [16830, 18902],
            "goal": 0.9,
        }
    },
    period=Words("本月", "this month"),
    formula=Words(
        "本月在村居或镇街一级办结 ÷ 本月办结", "Closed at community or street level this month ÷ closed this month"
    ),
)
