"""What ends soon: licences and inspections of equipment overdue or near it, by kind, week and name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import amount, clipped, empty, light, number, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.servicerecords import ENDED, ENDING, ENDING_LATER, ENDING_SOON
from dashboard.words import DASH, Words, compact, days_words, percent

NAMES = {
    "overdue": Words("已逾期", "Overdue"),
    "soon": Words("七日内到期", "In 7 days"),
    "near": Words("三十日内", "In 30 days"),
}
KINDS = (
    Words("类别", "Kind"), Words("逾期", "Overdue"), Words("七日", "7 days"), Words("三十日", "30 days"),
    Words("逾期率", "Rate"), Words("在用", "In use"),
)  # fmt: skip
NAMED = (Words("最紧的", "Most pressing"), Words("地点", "Where"), Words("剩余", "Left"))
WEEKS = (Words("逾期", "Overdue"), Words("本周", "1st"), Words("二周", "2nd"), Words("三周", "3rd"),
         Words("四周", "4th"), Words("五周", "5th"))  # fmt: skip
ITEMS = Words("件", "")
EMPTY = Words("没有临期或逾期的证照", "Nothing is near its end")
KIND_ROWS, ROWS = 8, 24


def frame(ctx: Context) -> Any:
    """Three figures and the weeks, the kinds, and those that are most pressing."""
    return html.Div(
        [
            figures("market_due", NAMES, why=False),
            html.Div(id="market_due-weeks", className="weeks"),
            html.Div(
                [heads(KINDS), html.Div(id="market_due-kinds", className="rows")],
                className="list kinds",
            ),
            html.Div(
                [
                    heads(NAMED, names=2, marked=True),
                    html.Div(id="market_due-rows", className="rows"),
                ],
                className="list ending",
            ),
        ],
        className="due",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Counts by kind with the rate of all that are in use, the coming weeks as columns, the overdue by name first."""
    view, language = views["market_due"], ctx.language
    rows = []
    for found in view.get("rows", [])[:ROWS]:
        days = found["days"]
        look = "overdue" if days < 0 else "soon" if days <= view["days"][0] else "normal"
        code = found["place"]
        where = ctx.places[code].title(language) if code in ctx.places else DASH
        name = clipped(ctx.city.translated(found["category"], language)) or DASH
        rows.append(
            row([
                light(look, language),
                html.Span([f"{name} ", html.Span(clipped(found["number"]), className="quiet")], className="name",
                    title=clipped(found["name"])),
                html.Span(where, className="name quiet"),
                html.Span(days_words(days, language), className="days"),
            ], "late" if days < 0 else look)
        )  # fmt: skip
    weeks = view.get("weeks", [])
    most = max([1, *weeks])
    overdue, soon = view.get("overdue"), view.get("soon")
    return {
        "market_due-overdue.children": number(
            overdue, ITEMS[language], "alarm" if overdue else "", language=language, room=5
        ),
        "market_due-soon.children": number(soon, ITEMS[language], "warn" if soon else "", language=language, room=5),
        "market_due-near.children": number(view.get("near"), ITEMS[language], language=language, room=5),
        "market_due-weeks.children": [_week(at, n, most, language) for at, n in enumerate(weeks)] if any(weeks) else "",
        "market_due-kinds.children": [_kind(kind, ctx) for kind in view.get("categories", [])[:KIND_ROWS]],
        "market_due-rows.children": rows or empty(EMPTY, language),
    }


def _week(at: int, n: int, most: int, language: str) -> Any:
    return html.Div(
        [
            html.Div(
                [
                    html.Span(compact(n, language, 4), className="n"),
                    html.Div(className=f"fill week-{min(at, 2)}", style={"height": f"{100 * n / most:.1f}%"}),
                ],
                className="column",
            ),
            html.Span(WEEKS[at][language] if at < len(WEEKS) else "", className="until"),
        ]
    )


def _kind(kind: Mapping[str, Any], ctx: Context) -> Any:
    language, of, overdue = ctx.language, kind["of"], kind["overdue"]
    return row([
        html.Span(clipped(ctx.city.translated(kind["name"], language)) or DASH, className="name"),
        amount(overdue, language, "n late" if overdue else "n quiet", 5),
        amount(kind["soon"], language, "n", 5),
        amount(kind["near"], language, "n", 5),
        html.Span(f"{percent(overdue, of, 2)} %" if of else DASH, className="n quiet"),
        amount(of, language, "n quiet", 6),
    ])  # fmt: skip


PANEL = Panel(
    id="market_due",
    title=Words("证照与特种设备到期", "Licences and equipment due"),
    reads=("market_due",),
    frame=frame,
    paint=paint,
    example={
        "market_due": {
            "overdue": 17, "soon": 54, "near": 783, "days": [7, 30], "weeks": [17, 54, 160, 230, 262, 270],
            "categories": [
                {"name": "电梯", "overdue": 6, "near": 222, "of": 38_200, "soon": 12},
                {"name": "食品经营许可", "overdue": 5, "near": 379, "of": 61_500, "soon": 26},
                {"name": "<b>锅炉</b>", "overdue": 0, "near": 4, "of": None, "soon": 0},
            ],
            "rows": [
                {"key": "m|1", "number": "C261015-0114", "name": "电梯 C261015-0114", "category": "电梯", "place": "A",
                 "expires": 1_793_526_748.0, "days": -18.7},
                {"key": "m|2", "number": "<b>C2</b>", "name": "食品经营许可 C2", "category": "食品经营许可",
                 "place": "",
                 "expires": 1_795_326_748.0, "days": 2.2},
                {"key": "m|3", "number": "C3", "name": "锅炉 C3", "category": "锅炉", "place": "B",
                 "expires": 1_796_326_748.0, "days": 13.9},
            ],
        }
    },
    period=Words("此刻 · 件", "now"),
    formula=Words(
        "许可证或定期检验的有效期；逾期率 = 逾期 ÷ 在用（上报的存量）；换证后以新有效期为准",
        "The end of a licence or a periodic inspection; rate = overdue ÷ in use, as told; a renewal takes its place",
    ),
    records={"": ENDING, "overdue": ENDED, "soon": ENDING_SOON, "near": ENDING_LATER},
)  # fmt: skip
