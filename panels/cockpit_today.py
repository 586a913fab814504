"""Three things today: what to look at first, each with why, chosen by a rule that is written on the card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.keynumber import key_numbers
from dashboard.screens.marks import Mark, clipped, elapsed, empty
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.priorities import COMING, DANGER, HANGING, KINDS, PASSED, RULE, THINGS, Thing, things
from dashboard.words import Words

SHAPES = {
    DANGER: ("worst", "◆", Words("告警", "Alert")),
    PASSED: ("overdue", "▲", Words("已超期", "Overdue")),
    COMING: ("soon", "■", Words("将超期", "About to be")),
    HANGING: ("none", "○", Words("卡滞", "Hanging")),
}
NOTHING = Words("今天没有需要先看的事", "Nothing asks to be looked at first")
INSTRUCT = Words("批示", "Instruct")
SINCE = Words("已", "for")
FOREIGN = {"zh": re.compile("[\u3400-\u9fff]"), "en": re.compile("[A-Za-z]{4}")}


def frame(ctx: Context) -> Any:
    """The list."""
    return html.Div(id="cockpit_today-things", className="ck-things", **{"data-answers": "own"})


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The first three of all that is worth a word."""
    found = things(views, ctx)[:THINGS]
    return {"cockpit_today-things.children": [_thing(one, ctx) for one in found] or empty(NOTHING, ctx.language)}


def _thing(one: Thing, ctx: Context) -> Mark:
    language = ctx.language
    kind, shape, word = SHAPES[one.rank]
    title = clipped(one.title[language])
    said = html.Div([
        html.Span([html.Span(shape, className="shape"), f" {word[language]}"], className=f"ck-rank {kind}"),
        html.Span([f"{SINCE[language]} ", elapsed(one.since)], className="quiet") if one.since is not None else "",
    ], className="ck-kind")  # fmt: skip
    inner = [
        said,
        _said(title, language, "ck-title"),
        _said(one.why[language], language, "ck-why"),
    ]
    about = {"data-instruct": one.subject, "data-title": title, "href": f"?{urlencode({'number': one.subject})}"}
    return html.Div(
        [
            html.A(inner, href=one.behind, className="ck-thing-go") if one.behind else html.Div(
                inner, className="ck-thing-go"
            ),
            html.A([html.Span("✎", className="shape"), f" {INSTRUCT[language]}"], className="ck-tool", role="button",
                   **about),
        ],
        className=f"ck-thing {kind}",
    )  # fmt: skip


def _said(text: str, language: str, kind: str) -> Mark:
    """A sentence; one with names in the other language says that it is of several languages (``mul``, ISO 639-2)."""
    foreign = FOREIGN["zh" if language == "en" else "en"]
    return html.Div(text, className=kind, **({"lang": "mul"} if foreign.search(text) else {}))


def _example() -> dict[str, Document]:
    found: dict[str, Document] = {
        "alerts": {"alerts": [], "counts": {}, "open": {}, "unacknowledged": 0},
        "supervised": {"tickets": [SUPERVISED_EXAMPLE], "n": 1, "late": 1, "first": SUPERVISED_EXAMPLE},
        "forecast": {
            "due": 26110, "closed_on_time": 18604, "open": 6583, "sure_late": 923, "low": 0.9421, "mid": 0.9456,
            "high": 0.9493, "close": {"n": 120, "to": 0.9501}, "curve": [[0, 0.9456], [120, 0.9501]],
        },
        "hour": {"units": [["环卫中心", 12, 1_795_303_000.0], ["交警大队", 4, 1_795_304_000.0]],
                 "quarters": [6, 8, 3, 5]},
        "stuck": {
            "tickets": [
                {"key": "hotline|5", "number": "5", "title": "楼顶疑似违建", "category": "违法建设",
                 "stage": "dispatch", "unit": "狮山执法办", "place": "", "since": 1_794_900_000.0, "times": 3.4},
            ],
            "n": 41, "thresholds": [],
        },
    }  # fmt: skip
    for one in key_numbers().values():
        found |= one.example
    return {view: found[view] for view in READS}


SUPERVISED_EXAMPLE = {
    "key": "hotline|3", "number": "3", "title": "排水口堵塞反复投诉", "level": 3, "since": 1_795_200_000.0,
    "due": 1_795_283_600.0, "unit": "排水公司", "by": "区领导", "late": True,
}  # fmt: skip
READS = tuple(sorted({*KINDS, "tickets", "video"}))
PANEL = Panel(
    id="cockpit_today",
    title=Words("今日三件事", "Three things today"),
    reads=READS,
    frame=frame,
    paint=paint,
    example=_example(),
    formula=RULE,
    period=Words("此刻", "now"),
)
