"""The alerts that nobody has taken note of yet, the gravest first, and how many of each severity there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.alerts import EXAMPLE, LEVELS, STANDING, address_of, severity_mark, severity_of, text_of
from dashboard.screens.cases import spot
from dashboard.screens.marks import amount, elapsed, empty, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words

ROWS = 24
EMPTY = Words("没有待确认的告警", "Nothing waits to be acknowledged")


def frame(ctx: Context) -> Any:
    """How many of each severity are open, and a list."""
    return html.Div(
        [
            html.Div(id="alerts-levels", className="legend"),
            html.Div(html.Div(id="alerts-rows", className="rows"), className="list alerting"),
        ],
        className="stack",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Severity, what it is, where, and how old it is; each leads to what it is about. As many as fit are shown."""
    view, language = views["alerts"], ctx.language
    desk = {"href": "/desk", "data-go-screen": "desk"} if "desk" in ctx.city.screens else {}
    levels = [
        (html.A if desk else html.Span)(
            [
                severity_mark(severity, language),
                f" {words[language]} ",
                html.B(amount(view.get("open", {}).get(str(severity), 0), language, "", 4)),
            ],
            **desk,
        )
        for severity, (_, words) in LEVELS.items()
    ]
    open_ = [one for one in view.get("alerts", []) if not one["acknowledged"] and not one["snoozed_until"]]
    rows = [
        row([severity_mark(severity_of(one), language), _what(one, ctx), spot(one["place"], ctx),
             elapsed(one["since"])])
        for one in open_[:ROWS]
    ]  # fmt: skip
    return {"alerts-levels.children": levels, "alerts-rows.children": rows or empty(EMPTY, language)}


def _what(one: Mapping[str, Any], ctx: Context) -> Any:
    title = text_of(one["title"][1 if ctx.language == "en" else 0], one, ctx)
    address = address_of(one, ctx)
    if not address:
        return html.Span(title, className="name", title=title)
    return html.A(title, className="name behind", href=address, title=title)


PANEL = Panel(
    id="alerts",
    title=Words("待确认告警", "To be acknowledged"),
    reads=("alerts",),
    frame=frame,
    paint=paint,
    example={"alerts": EXAMPLE},
    period=Words("此刻 · 按级别", "now · by severity"),
    formula=Words(
        "此刻存在、无人确认也未暂缓的告警，级别高者在前；确认只对该次发生、该级别有效",
        "Alerts that stand and that nobody has acknowledged or put off, the gravest first; an acknowledgement holds "
        "for this occurrence and severity",
    ),
    records={"": STANDING},
)
