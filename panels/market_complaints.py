"""12315: the tickets that are consumer complaints, by category, each number leading to its tickets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import amount, clipped, empty, number, row, share
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words, percent

NAMES = {
    "today": Words("今日投诉", "Today"),
    "open": Words("在办", "Open"),
    "part": Words("占今日工单", "Of all tickets"),
}
COLUMNS = (Words("类别", "Category"), Words("", ""), Words("今日", "Today"), Words("在办", "Open"))
ITEMS = Words("件", "")
EMPTY = Words("未设定 12315 类别", "No category is set as 12315")


def frame(ctx: Context) -> Any:
    """Three figures and a list."""
    return html.Div(
        [
            figures("market_complaints", NAMES, why=False),
            heads(COLUMNS),
            html.Div(id="market_complaints-rows", className="rows"),
        ],
        className="list market-complaints",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The city's categories of complaints with today's and the open tickets; those of which there are none, too."""
    found = views["categories"].get("categories", [])
    names, language = ctx.city.market.complaints, ctx.language
    mine = {name: (today, open_) for name, today, open_ in found if name in names}
    today, open_ = (sum(pair[at] for pair in mine.values()) for at in (0, 1))
    every = sum(intake for _, intake, _ in found)
    most = max((pair[0] for pair in mine.values()), default=0)
    asked: dict[str, Any] = {"category": list(names)}
    rows = [
        row([
            html.Span(clipped(ctx.city.translated(name, language)), className="name"),
            share(mine.get(name, (0, 0))[0] / most if most else 0),
            amount(mine.get(name, (0, 0))[0], language, behind=ctx.behind(category=name, reported="today")),
            amount(mine.get(name, (0, 0))[1], language, "n quiet", behind=ctx.behind(category=name, open=1)),
        ])
        for name in sorted(names, key=lambda name: (-mine.get(name, (0, 0))[0], name))
    ]  # fmt: skip
    return {
        "market_complaints-today.children": number(
            today, ITEMS[language], language=language, room=5, behind=ctx.behind(**asked, reported="today")
        ),
        "market_complaints-open.children": number(
            open_, ITEMS[language], language=language, room=5, behind=ctx.behind(**asked, open=1)
        ),
        "market_complaints-part.children": number(percent(today, every), "%" if every else ""),
        "market_complaints-rows.children": rows or empty(EMPTY, language),
    }


PANEL = Panel(
    id="market_complaints",
    title=Words("12315 投诉", "12315 complaints"),
    reads=("categories",),
    frame=frame,
    paint=paint,
    example={
        "categories": {
            "categories": [["消费纠纷", 41, 203], ["食品安全", 18, 66], ["占道经营", 214, 903]], "channels": [],
        }
    },
    period=Words("今日零时起 · 件", "since midnight · tickets"),
    formula=Words(
        "工单中由城市文件定为 12315 的类别：今日上报、现有在办，及其占今日全部上报之份额",
        "Tickets of the categories that the city file names as 12315: reported today, open now, and their share of all "
        "that was reported today",
    ),
)  # fmt: skip
