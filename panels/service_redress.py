"""Bad ratings that are still to be put right, by what is left of their fifteen working days; the overdue come first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.nouns.serviceviews import SOON
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import clipped, empty, light, number, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.servicerecords import BAD_RATINGS, LATE_RATINGS, SOON_RATINGS
from dashboard.words import DASH, Words, days_words

ROWS = 30
NAMES = {
    "open": Words("待整改", "To put right"),
    "soon": Words("三日内到期", "Due in 3 days"),
    "late": Words("逾期", "Overdue"),
}
COLUMNS = (
    Words("评价", "Rating"),
    Words("事项", "Item"),
    Words("缘由", "Reason"),
    Words("剩余", "Left"),
)
ITEMS = Words("件", "")
EMPTY = Words("没有待整改的差评", "No bad rating is waiting")


def frame(ctx: Context) -> Any:
    """Three figures and a list."""
    return html.Div(
        [
            figures("service_redress", NAMES, why=False),
            heads(COLUMNS, names=3, marked=True),
            html.Div(id="service_redress-rows", className="rows"),
        ],
        className="list service-redress",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Stars, what was asked for, why it was rated so and where, and the working days that are left or gone."""
    view, language = views["service_ratings"], ctx.language
    found, redress = view.get("rows", []), view.get("redress", {})
    rows = []
    for rating in found[:ROWS]:
        days, late = rating["days"], rating["late"]
        look = "overdue" if late else "soon" if days <= SOON else "normal"
        code = rating["place"]
        where = clipped(ctx.city.translated(rating["hall"], language))
        where = where or (ctx.places[code].title(language) if code in ctx.places else DASH)
        why = clipped(ctx.city.translated(rating["about"], language)) or DASH
        stars = max(0, min(5, rating["stars"]))
        rows.append(
            row(
                [
                    light(look, language),
                    html.Span("★" * stars + "☆" * (5 - stars), className="name grade warn"),
                    html.Span(
                        clipped(ctx.city.translated(rating["item"], language)) or DASH, className="name", title=where
                    ),
                    html.Span(why, className="name quiet", title=where),
                    html.Span(days_words(days, language, 1), className="days"),
                ],
                "late" if late else look,
            )
        )
    late, soon = redress.get("late"), redress.get("soon")
    return {
        "service_redress-open.children": number(redress.get("open"), ITEMS[language], language=language, room=5),
        "service_redress-soon.children": number(
            soon, ITEMS[language], "warn" if soon else "", language=language, room=5
        ),
        "service_redress-late.children": number(
            late, ITEMS[language], "alarm" if late else "", language=language, room=5
        ),
        "service_redress-rows.children": rows or empty(EMPTY, language),
    }


PANEL = Panel(
    id="service_redress",
    title=Words("差评整改", "Bad ratings to put right"),
    reads=("service_ratings",),
    frame=frame,
    paint=paint,
    example={
        "service_ratings": {
            "redress": {"open": 31, "late": 1, "soon": 4, "rate": [63, 64], "days": 15},
            "rows": [
                {"key": "halls|1", "stars": 1, "item": "老年人优待证", "hall": "区行政服务中心", "channel": "网上",
                 "about": "一次未说清材料", "place": "440605011", "at": 1_792_461_668.0, "due": 1_794_276_068.0,
                 "days": -8.07, "late": True},
                {"key": "halls|2", "stars": 2, "item": "<b>不动产</b>转移登记", "hall": "", "channel": "窗口",
                 "about": "", "place": "A", "at": 1_793_349_405.0, "due": 1_795_163_805.0, "days": 0.59,
                 "late": False},
                {"key": "halls|3", "stars": 2, "item": "公积金提取", "hall": "狮山政务服务中心", "channel": "粤省事",
                 "about": "等候时间过长", "place": "", "at": 1_794_186_857.0, "due": 1_796_001_257.0, "days": 5.8,
                 "late": False},
            ],
        }
    },
    period=Words("此刻 · 剩余工作日", "now · working days left"),
    formula=Words(
        "一、二星为差评，应在十五个工作日内整改（按本市工作日历，含调休）；负数为已逾期的工作日",
        "One and two stars are bad and are to be put right within fifteen working days of the city's calendar; a "
        "negative number is by how many they are overdue",
    ),
    records={"": BAD_RATINGS, "soon": SOON_RATINGS, "late": LATE_RATINGS},
)  # fmt: skip
