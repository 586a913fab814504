"""Today's intake and closures, against yesterday up to the same hour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import amount, both, change, number, parted, rate
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words

NAMES = {
    "opened": Words("上报", "Reported"),
    "closed": Words("结案", "Closed"),
    "due": Words("今日到期按期率", "On time, due today"),
}
YESTERDAY = Words("昨日同刻", "Yesterday")
UNIT = Words("件", "")


def frame(ctx: Context) -> Any:
    """Three numbers side by side."""
    return html.Div(
        [
            html.Div(
                [
                    html.H3(both(NAMES[name])),
                    html.Div(id=f"today-{name}", className="figure"),
                    html.Div(id=f"today-{name}-why", className="why"),
                ]
            )
            for name in NAMES
        ],
        className="figures",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The numbers with their change in percent and yesterday's number."""
    view, language = views["tickets"], ctx.language
    painted: Painted = {}
    for name, kind in (("opened", "reported"), ("closed", "closed")):
        now, before = view.get("today", {}).get(name, 0), view.get("yesterday", {}).get(name, 0)
        painted[f"today-{name}.children"] = number(
            now, UNIT[language], language=language, room=5, behind=ctx.behind(**{kind: "today"})
        )
        painted[f"today-{name}-why.children"] = [
            change(now, before),
            html.Span(
                [
                    f"{YESTERDAY[language]} ",
                    amount(before, language, "n", behind=ctx.behind(**{kind: "yesterday_so_far"})),
                ],
                className="quiet",
            ),
        ]
    whole, part = view.get("day_so_far", (0, 0))
    due = {"rate": "on_time", "period": "today"}
    painted["today-due.children"] = rate(part, whole, ctx.behind(**due))
    painted["today-due-why.children"] = html.Span(
        parted(part, whole, ctx.behind(**due, met=1), ctx.behind(**due), language)
    )
    return painted


PANEL = Panel(
    id="today",
    title=Words("今日", "Today"),
    reads=("tickets",),
    frame=frame,
    paint=paint,
    example={
        "tickets": {
            "today": {"opened": 1038, "closed": 986},
            "yesterday": {"opened": 977, "closed": 1004},
            "day_so_far": [412, 396],
        }
    },
    period=Words("零时至今 · 较昨日同刻", "since midnight · against yesterday"),
    formula=Words(
        "今日零点至今，与昨日零点至同一时刻相比；到期按期率 = 按期结案 ÷ 今日至今应结",
        "Since midnight, against yesterday up to the same time of day; on time = closed on time ÷ due today so far",
    ),
)
