"""The release calendar: what comes out next and when, and what should have come out already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.amounts import day_words, period_words
from dashboard.screens.cityrecords import FIGURES
from dashboard.screens.frames import heads
from dashboard.screens.marks import clipped, countdown, empty, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words

ROWS = 24
COLUMNS = (
    Words("发布日", "Due"),
    Words("指标", "Figure"),
    Words("时期", "Period"),
    Words("距今", "In"),
)
OVERDUE = Words("逾期", "overdue")
EMPTY = Words("没有设定发布日历", "No release calendar is set")


def frame(ctx: Context) -> Any:
    """A list with its columns named."""
    return html.Div(
        [heads(COLUMNS, names=3), html.Div(id="economy_releases-rows", className="rows")],
        className="list economy-releases",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Soonest first; what is overdue says so with its shape, and for how long."""
    language = ctx.language
    rows = []
    for release in views["releases"].get("releases", [])[:ROWS]:
        late = release["state"] in ("overdue", "never")
        day = day_words(release["due"], ctx.city.tz, language)
        rows.append(
            row(
                [
                    html.Span([html.Span("▲ ", className="shape") if late else "", day], className="day"),
                    html.Span(clipped(ctx.city.translated(release["name"], language)), className="name"),
                    html.Span(period_words(release["period"], language), className="quiet"),
                    html.Span([countdown(release["due"]), f" {OVERDUE[language]}" if late else ""], className="n"),
                ],
                "overdue" if late else "",
            )
        )
    return {"economy_releases-rows.children": rows or empty(EMPTY, language)}


PANEL = Panel(
    id="economy_releases",
    title=Words("发布日历", "Release calendar"),
    reads=("releases",),
    frame=frame,
    paint=paint,
    example={
        "releases": {
            "releases": [
                {
                    "code": "power", "name": "全社会用电量", "period": "2026-10", "due": 1_794_448_800.0,
                    "state": "overdue",
                },
                {
                    "code": "entities", "name": "<b>新登记经营主体</b>", "period": "2026-11", "due": 1_796_695_200.0,
                    "state": "current",
                },
                {
                    "code": "gdp", "name": "地区生产总值", "period": "2026Q4", "due": 1_800_583_200.0,
                    "state": "current",
                },
            ]
        }
    },
    period=Words("下一次发布", "what comes next"),
    formula=Words(
        "按城市文件中的发布日历；月度指标不因月中未更新而算陈旧，过了发布日与宽限仍无数才算逾期",
        "By the calendar in the city file: a monthly figure is not old on the twentieth, it is overdue once its "
        "release day and grace have passed",
    ),
    records={"": FIGURES},
)  # fmt: skip
