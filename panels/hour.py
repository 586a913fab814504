"""What falls due within the hour: how many in each quarter, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import amount, clipped, countdown, empty, number, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, count

ROWS = 40
QUARTERS = ("15′", "30′", "45′", "60′")
EMPTY = Words("一小时内无到期工单", "Nothing falls due within the hour")
TOTAL = Words("件到期", "due")
UNITS = Words("个单位", "units")


def frame(ctx: Context) -> Any:
    """Four quarters as columns, and the units as a list."""
    return html.Div(
        [
            html.Div(
                [
                    html.Div(id="hour-total", className="total"),
                    html.Div(
                        [
                            html.Div(
                                [
                                    html.Div(id=f"hour-q{at}", className="column"),
                                    html.Div(until, className="until"),
                                ]
                            )
                            for at, until in enumerate(QUARTERS)
                        ],
                        className="quarters",
                    ),
                ],
                className="when",
            ),
            html.Div(html.Div(id="hour-rows", className="rows"), className="list"),
        ],
        className="hourly",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The quarters as columns against the fullest, and each unit with its number and its soonest deadline."""
    units = views["hour"].get("units", [])
    quarters = list(views["hour"].get("quarters", [0, 0, 0, 0]))
    most = max([1, *quarters])
    painted: Painted = {
        f"hour-q{at}.children": [
            amount(n, ctx.language, "n" if n else "n quiet", 4, ctx.behind(due_in=f"{15 * at}-{15 * at + 15}")),
            html.Div(className="fill", style={"height": f"{100 * n / most:.1f}%"}),
        ]
        for at, n in enumerate(quarters)
    }
    painted["hour-total.children"] = [
        number(sum(quarters), TOTAL[ctx.language], language=ctx.language, room=5, behind=ctx.behind(due_in=60)),
        html.Span(f"{count(len(units))} {UNITS[ctx.language]}", className="quiet"),
    ]
    rows = [
        row([
            html.Span(clipped(ctx.city.translated(unit, ctx.language)) or DASH, className="name"),
            amount(n, ctx.language, room=4, behind=ctx.behind(unit=unit, due_in=60)),
            countdown(soonest),
        ])
        for unit, n, soonest in units[:ROWS]
    ]  # fmt: skip
    painted["hour-rows.children"] = rows or empty(EMPTY, ctx.language)
    return painted


PANEL = Panel(
    id="hour",
    title=Words("1 小时内到期", "Due within the hour"),
    reads=("hour",),
    frame=frame,
    paint=paint,
    example={
        "hour": {
            "units": [["狮山城管", 9, 1_795_303_600.0], ["排水公司", 4, 1_795_303_900.0], ["", 1, 1_795_305_000.0]],
            "quarters": [3, 6, 1, 4],
        }
    },
    period=Words("此后 60 分钟", "next 60 minutes"),
    formula=Words(
        "时限在未来 60 分钟内的在办工单，按责任单位与刻钟计；倒计时为该单位最早一件",
        "Open tickets due in the next 60 minutes, by unit and by quarter; the countdown is a unit's soonest",
    ),
)
