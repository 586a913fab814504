"""Car parks: how many spaces are free, how full the fullest are, and which hold more cars than they have spaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.cityrecords import CAR_PARKS, FREE_PARKS, FULL_PARKS
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import clipped, empty, fraction, number, row, share
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words, count, percent

ROWS = 24
NAMES = {
    "free": Words("空余泊位", "Free spaces"),
    "rate": Words("使用率", "Taken"),
    "full": Words("已满", "Full"),
}
SPACES, PARKS = Words("个", ""), Words("处", "")
OF_ALL = Words("处停车场", "car parks")
OVER = Words("超容", "over capacity")
COUNTED = Words("处可信", "believed")
COLUMNS = (Words("停车场", "Car park"), Words("", ""), Words("占用", "Taken"), Words("使用率", "Share"))
EMPTY = Words("尚未接入停车场", "No car park yet")


def frame(ctx: Context) -> Any:
    """Three figures and a list of the fullest."""
    return html.Div(
        [
            figures("parking", NAMES),
            heads(COLUMNS),
            html.Div(id="parking-rows", className="rows"),
        ],
        className="list parking",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The sums over what is to be believed, and the parks by the share of their spaces that is taken."""
    view, language, table = views["parking"], ctx.language, ctx.city.sensors
    parks, over = view.get("parks", []), view.get("over", [])
    taken, spaces, counted = view.get("taken", 0), view.get("spaces", 0), view.get("counted", 0)
    shares = [cars / size if size else 0.0 for _, _, cars, size, _ in parks]
    full = sum(part >= table.full for part in shares)
    rows = []
    for (_, name, cars, size, _), part in zip(parks[:ROWS], shares, strict=False):
        kind = "worst" if part > 1 else "low" if part >= table.full else "middle" if part >= table.filling else "high"
        rows.append(
            row([
                html.Span(clipped(ctx.city.translated(name, language)), className="name"),
                share(part, kind),
                html.Span(f"{count(cars)} / {count(size)}", className="n quiet"),
                html.Span(f"{percent(cars, size, 0)} %", className="n late" if part > 1 else "n"),
            ])
        )  # fmt: skip
    free = round(spaces - taken) if counted else None
    more = html.Span(f"{OVER[language]} {count(len(over))}", className="late") if over else ""
    return {
        "parking-free.children": number(free, SPACES[language], language=language, room=6),
        "parking-free-why.children": f"{count(view.get('total', 0))} {OF_ALL[language]}" if counted else "",
        "parking-rate.children": number(percent(taken, spaces), "%"),
        "parking-rate-why.children": fraction(round(taken), round(spaces), language),
        "parking-full.children": number(full if counted else None, PARKS[language], language=language, room=5),
        "parking-full-why.children": more,
        "parking-rows.children": rows or empty(EMPTY, language),
    }  # fmt: skip


PANEL = Panel(
    id="parking",
    title=Words("停车", "Parking"),
    reads=("parking",),
    frame=frame,
    paint=paint,
    example={
        "parking": {
            "parks": [
                ["g|P-03|occupied", "南海人民医院停车场", 122.0, 118.0, 1_795_301_900.0],
                ["g|P-04|occupied", "<b>桂城政务中心</b>停车场", 92.0, 96.0, 1_795_301_900.0],
                ["g|P-07|occupied", "天佑六路停车场", 63.0, 72.0, 1_795_301_900.0],
                ["g|P-12|occupied", "西樵山北门停车场", 54.0, 180.0, 1_795_301_900.0],
            ],
            "counted": 31, "total": 32, "taken": 1968.0, "spaces": 3015.0, "over": ["南海人民医院停车场"],
        }
    },
    period=Words("此刻 · 按使用率", "now · by share taken"),
    formula=Words(
        "使用率 = 占用泊位 ÷ 泊位，只计可信且报有泊位数的停车场；超出泊位者按满计入合计，并单独点名",
        "Taken ÷ spaces, over the car parks that can be believed and say their size; one that holds more cars than it "
        "has spaces counts as full in the sums, and is named",
    ),
    records={"": CAR_PARKS, "full": FULL_PARKS, "free": FREE_PARKS},
)  # fmt: skip
