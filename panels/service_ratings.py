"""How people rate the service: five levels as a bar, the good rate day by day, and where the bad ones come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import amount, clipped, empty, fraction, rate, row, share
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.servicerecords import BAD_RATINGS, OPINIONS
from dashboard.screens.strokes import between, key, plotted
from dashboard.words import DASH, Words, compact, percent

NAMES = {
    "good": Words("好评率", "Good ratings"),
    "taken": Words("参评率", "Rated"),
    "redress": Words("差评按期整改率", "Put right in time"),
}
STARS = (
    Words("非常满意", "Very good"), Words("满意", "Good"), Words("基本满意", "Fair"), Words("不满意", "Poor"),
    Words("非常不满意", "Very poor"),
)  # fmt: skip
BEFORE = Words("上月", "Last month")
EACH_DAY = Words("每日好评率", "Good ratings by day")
COLUMNS = (
    Words("镇街", "Place"),
    Words("", ""),
    Words("差评率", "Bad"),
    Words("差评", "Bad n"),
    Words("评价 n", "Rated n"),
)
ROWS = 12
EMPTY = Words("本月尚无评价", "No ratings this month")


def frame(ctx: Context) -> Any:
    """Three rates, the levels, the days, and the places."""
    return html.Div(
        [
            figures("service_ratings", NAMES),
            html.Div(id="service_ratings-stars", className="stars"),
            html.Div(id="service_ratings-days", className="chart-of"),
            html.Div(
                [heads(COLUMNS), html.Div(id="service_ratings-rows", className="rows")],
                className="list towns",
            ),
        ],
        className="rated-by",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Rates with numerator and denominator, last month's beside them; the bar goes from the best level to the worst."""
    view, language = views["service_ratings"], ctx.language
    good, taken = view.get("good", (0, 0)), view.get("taken", (0, 0))
    redress = view.get("redress", {}).get("rate", (0, 0))
    before = view.get("before", {}).get("good", (0, 0))
    stars = list(reversed(view.get("stars", [0] * 5)))
    parts = [html.Span(className=f"part star-{5 - at}", style={"flexGrow": n}) for at, n in enumerate(stars) if n]
    levels = [
        html.Span(
            [html.Span(className=f"swatch star-{5 - at}"), f" {STARS[at][language]}", html.B(_count(n, language))]
        )
        for at, n in enumerate(stars)
    ]
    days = [good_ / all_ * 100 if all_ else None for _, good_, all_ in view.get("days", [])]
    known = [value for value in days if value is not None]
    least = min(95.0, *known) if known else 95.0
    last = f"{BEFORE[language]} {percent(*before)} %" if before[1] else f"{BEFORE[language]} {DASH}"
    places = view.get("places", [])[:ROWS]
    most = max((place["bad"] / place["good"][1] for place in places if place["good"][1]), default=0)
    first, final = (view["days"][at][0][5:] if view.get("days") else "" for at in (0, -1))
    return {
        "service_ratings-good.children": rate(*good),
        "service_ratings-good-why.children": [
            html.Span(fraction(good[0], good[1], language)), html.Span(last, className="quiet"),
        ],
        "service_ratings-taken.children": rate(*taken),
        "service_ratings-taken-why.children": html.Span(fraction(taken[0], taken[1], language)),
        "service_ratings-redress.children": rate(*redress),
        "service_ratings-redress-why.children": html.Span(fraction(redress[0], redress[1], language)),
        "service_ratings-stars.children": [html.Div(parts, className="bar"), html.Div(levels, className="levels-of")],
        "service_ratings-days.children": plotted(
            between(days, least, 100.0), f"{least:.0f}–100 %", (first, final), [key("stroke", EACH_DAY[language])]
        )
        if known
        else "",
        "service_ratings-rows.children": [_place(place, most, ctx) for place in places] or empty(EMPTY, language),
    }  # fmt: skip


def _count(n: int, language: str) -> str:
    return compact(n, language, 5)


def _place(place: Mapping[str, Any], most: float, ctx: Context) -> Any:
    code, bad, rated = place["place"], place["bad"], place["good"][1]
    name: Any = html.Span(clipped(code), className="name")
    if code in ctx.places:
        title = ctx.places[code].title(ctx.language)
        name = html.A(title, className="name", href=f"?place={code}", **{"data-place": code})
    return row([
        name,
        share(bad / rated / most if rated and most else 0, "middle"),
        html.Span(f"{percent(bad, rated, 2)} %" if rated else DASH, className="n"),
        amount(bad, ctx.language, "n late" if bad else "n quiet", 4),
        amount(rated, ctx.language, "n quiet"),
    ])  # fmt: skip


DAYS = [[f"2026-{10 + (at > 9)}-{(21 + at - 1) % 31 + 1:02d}", 118 - at % 4, 121 + at % 2] for at in range(30)]
PANEL = Panel(
    id="service_ratings",
    title=Words("好差评", "Ratings"),
    reads=("service_ratings",),
    frame=frame,
    paint=paint,
    example={
        "service_ratings": {
            "stars": [25, 43, 75, 324, 3163], "good": [3562, 3630], "bad": 68, "taken": [3630, 15009],
            "before": {"stars": [13, 27, 100, 280, 2710], "good": [3090, 3130], "bad": 40, "taken": [3130, 13100]},
            "redress": {"open": 31, "late": 1, "rate": [63, 64], "days": 15},
            "rows": [],
            "places": [
                {"place": "A", "good": [604, 625], "bad": 21, "bound": 0.022},
                {"place": "440605124", "good": [488, 496], "bad": 8, "bound": 0.008},
            ],
            "days": DAYS,
        }
    },
    period=Words("本月至今", "this month so far"),
    formula=Words(
        "好评率 = 三星及以上 ÷ 评价数；参评率 = 评价数 ÷ 办结数；按期整改率 = 期限内整改 ÷ 应整改（到期或已整改）；"
        "地点按差评率的威尔逊区间下限（95 %）排列",
        "Good = three stars and more ÷ ratings; rated = ratings ÷ finished cases; put right in time ÷ due to be "
        "put right; places by the lower bound of the Wilson interval (95 %) of their bad ratings",
    ),
    records={"": BAD_RATINGS, "good": OPINIONS, "taken": OPINIONS, "days": OPINIONS},
)  # fmt: skip
