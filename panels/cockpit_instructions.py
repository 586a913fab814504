"""Instructions in hand: what came back to be read, what is late, what runs, and what was closed lately."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.keynumber import key_numbers
from dashboard.screens.marks import Mark, amount, clipped, countdown, elapsed, empty, light
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, LIGHTS, Words, percent

ROWS = 12
COUNTS = {
    "open": Words("在办", "In hand"),
    "late": Words("超期", "Late"),
    "back": Words("待阅", "To read"),
    "rate": Words("30 日按期", "In time, 30 d"),
}
BACK = Words("已办，待阅", "Done, to be read")
CLOSED = Words("已办结", "Closed")
WITHDRAWN = Words("已撤回", "Withdrawn")
EMPTY = Words("没有批示", "No instructions")
TO = Words("交", "to")


def frame(ctx: Context) -> Any:
    """Four counts and the list."""
    counts = [
        html.Div([
            html.Span(id=f"cockpit_instructions-{name}", className=f"figure {name}"),
            html.Span([html.Span(words.zh, lang="zh"), html.Span(words.en, lang="en")], className="both quiet"),
        ])
        for name, words in COUNTS.items()
    ]  # fmt: skip
    return html.Div([
        html.Div(counts, className="ck-counts"), html.Div(id="cockpit_instructions-rows", className="rows"),
    ], className="list ck-instructions", **{"data-answers": "own"})  # fmt: skip


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The counts, then those in hand in the view's order, then those that ended lately."""
    view, language = views["instructions"], ctx.language
    part, whole = view.get("on_time", (0, 0))
    rate = percent(part, whole, 0)
    mine = [*view.get("instructions", []), *view.get("ended", [])][:ROWS]
    return {
        "cockpit_instructions-open.children": amount(view.get("open", 0), language),
        "cockpit_instructions-late.children": amount(view.get("late", 0), language),
        "cockpit_instructions-back.children": amount(view.get("back", 0), language),
        "cockpit_instructions-rate.children": html.Span(rate if rate == DASH else f"{rate} %", className="n"),
        "cockpit_instructions-rows.children": [_row(one, ctx) for one in mine] or empty(EMPTY, language),
    }


def _row(one: Mapping[str, Any], ctx: Context) -> Mark:
    """What was asked of whom, how it stands; a tap opens it with what can be done."""
    language = ctx.language
    to = clipped(ctx.city.translated(one["to"], language)) or DASH
    about = clipped(one["title"])
    kind, state = _state(one, language)
    shape = (
        light(one["light"], language)
        if one["state"] == "given"
        else html.Span(
            "✓" if one["state"] != "withdrawn" else "×",
            className=f"light {kind}",
            role="img",
            **{"aria-label": state_word(one, language)},
        )
    )
    href = ctx.case(one["ticket"]) if one["ticket"] else f"?{urlencode({'number': one['subject']})}"
    return html.A(
        [
            shape,
            html.Span([
                html.Span(clipped(one["text"]), className="name"),
                html.Span(f"{TO[language]} {to} · {about}", className="about quiet sub"),
            ], className="ck-what"),
            state,
        ],
        href=href, className=f"row ck-instruction {kind}",
        **{"data-instruction": json.dumps(dict(one), ensure_ascii=False)},
    )  # fmt: skip


def state_word(one: Mapping[str, Any], language: str) -> str:
    """The state of one in a word."""
    if one["state"] == "given":
        return LIGHTS[one["light"]][1][language]
    return {"reported": BACK, "closed": CLOSED, "withdrawn": WITHDRAWN}[one["state"]][language]


def _state(one: Mapping[str, Any], language: str) -> tuple[str, Mark]:
    if one["state"] == "given":
        return str(one["light"]), countdown(one["due"])
    word = state_word(one, language)
    if one["state"] == "reported":
        return "back", html.Span(
            [html.Span(word), html.Span(elapsed(one["reported"]), className="sub quiet")], className="ck-back"
        )
    return "ended", html.Span(word, className="quiet")


PANEL = Panel(
    id="cockpit_instructions",
    title=Words("批示督办", "Instructions"),
    reads=("instructions",),
    frame=frame,
    paint=paint,
    example=dict(key_numbers()["instructions"].example),
    formula=Words(
        "领导批示的事项：超期者在前，其次为已办待阅，再按期限；按期率为近 30 日内按期办结 ÷ 办结",
        "What leaders asked for: late first, then what came back to be read, then by deadline; in time is reported "
        "done by the deadline ÷ closed, of 30 days",
    ),
    period=Words("此刻 · 近 30 日", "now · 30 days"),
)
