"""The warnings in force: their colour with its shape and word, of what, where, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.nouns.warned import KINDS
from dashboard.screens.cityrecords import WARNINGS
from dashboard.screens.marks import clipped, elapsed, empty, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words

ROWS = 12
LEVELS = {
    1: ("◆", Words("红色", "Red")), 2: ("▲", Words("橙色", "Orange")),
    3: ("■", Words("黄色", "Yellow")), 4: ("●", Words("蓝色", "Blue")),
}  # fmt: skip
EMPTY = Words("没有生效的预警", "No warning is in force")


def frame(ctx: Context) -> Any:
    """A list."""
    return html.Div(html.Div(id="emergency_warnings-rows", className="rows"), className="list warnings")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The worst first. A kind the house has no word for is named as its issuer does."""
    language = ctx.language
    rows = []
    for warning in views["warnings"].get("warnings", [])[:ROWS]:
        shape, word = LEVELS[warning["level"]]
        kind = KINDS.get(warning["what"])
        code = warning["place"]
        rows.append(
            row([
                html.Span(
                    [html.Span(shape, className="shape"), " ", word[language]],
                    className=f"warned colour-{warning['level']}",
                ),
                html.Span(
                    kind[language] if kind else clipped(warning["what"]), className="name",
                    title=clipped(warning["text"]),
                ),
                html.Span(ctx.places[code].title(language) if code in ctx.places else "", className="where quiet"),
                elapsed(warning["since"]),
            ])
        )  # fmt: skip
    return {"emergency_warnings-rows.children": rows or empty(EMPTY, language)}


PANEL = Panel(
    id="emergency_warnings",
    title=Words("预警信号", "Warnings"),
    reads=("warnings",),
    frame=frame,
    paint=paint,
    example={
        "warnings": {
            "warnings": [
                {
                    "key": "g|rain-1", "level": 2, "colour": "orange", "what": "rainstorm", "since": 1_795_298_000.0,
                    "until": None, "place": "440605011", "text": "桂城街道暴雨橙色预警",
                },
                {
                    "key": "g|rain-2", "level": 4, "colour": "blue", "what": "rainstorm", "since": 1_795_290_000.0,
                    "until": None, "place": "440605125", "text": "<b>大沥镇</b>暴雨蓝色预警",
                },
            ],
            "level": 2,
        }
    },
    period=Words("生效中 · 历时", "in force · for"),
    formula=Words(
        "发布单位发布而未解除、未到期的预警；四色由重到轻：红、橙、黄、蓝；下级地点的预警也列出",
        "Issued and neither lifted nor run out; red, orange, yellow, blue from the worst down; also below",
    ),
    records={"": WARNINGS},
)  # fmt: skip
