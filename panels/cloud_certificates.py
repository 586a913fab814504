"""Certificates by their end: how many have ended or soon will, and the days that each has left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import both, clipped, empty, light, number, row, share
from dashboard.screens.networkrecords import ALL_CERTIFICATES, CERTIFICATES
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words

ROWS = 24
LOOKS = {
    "ended": ("overdue", Words("已过期", "Ended")),
    "alarm": ("worst", Words("即将到期", "About to end")),
    "warn": ("soon", Words("临期", "Due soon")),
    "normal": ("normal", Words("正常", "Good")),
}
COLUMNS = (
    Words("", ""),
    Words("证书", "Certificate"),
    Words("", ""),
    Words("剩余", "Left"),
    Words("到期日", "Ends on"),
)
DAYS = Words("天", "d")
FAR = 120.0  # Days that fill the bar.
EMPTY = Words("尚无证书", "No certificates yet")


def frame(ctx: Context) -> Any:
    """A figure for each grade, and a list."""
    figures = [
        html.Div([
            html.H3(both(words)),
            html.Div(id=f"cloud_certificates-{name}", className="figure"),
        ])
        for name, (_, words) in LOOKS.items()
    ]  # fmt: skip
    head = [html.Span(both(words), className="name" if at == 1 else "") for at, words in enumerate(COLUMNS)]
    return html.Div(
        [
            html.Div(figures, className="figures four"),
            html.Div(head, className="row head"),
            html.Div(id="cloud_certificates-rows", className="rows"),
        ],
        className="list cloud-certificates",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The days that are left as a bar, in figures, and as a date in the city's zone."""
    view, language = views["certificates"], ctx.language
    grades, total = view.get("grades", {}), view.get("total", 0)
    rows = []
    for found in view.get("certificates", [])[:ROWS]:
        kind, _ = LOOKS[found["grade"]]
        look = {"ended": "low", "alarm": "low", "warn": "middle"}.get(found["grade"], "high")
        ends = datetime.fromtimestamp(found["expires"], ctx.city.tz).strftime("%Y-%m-%d")
        rows.append(
            row([
                light(kind, language),
                html.Span(clipped(found["name"]), className="name"),
                share(found["days"] / FAR, look),
                html.Span(f"{found['days']:,.0f} {DAYS[language]}", className="n"),
                html.Span(ends, className="n quiet"),
            ], found["grade"])
        )  # fmt: skip
    return {
        **{
            f"cloud_certificates-{name}.children": number(grades.get(name, 0) if total else None, language=language)
            for name in LOOKS
        },
        "cloud_certificates-rows.children": rows or empty(EMPTY, language),
    }


def ends(key: str, name: str, expires: float, days: float, grade: str) -> Document:
    """A certificate of the example."""
    return {"key": key, "name": name, "expires": expires, "days": days, "grade": grade, "age": 9.0}


PANEL = Panel(
    id="cloud_certificates",
    title=Words("证书到期", "Certificates"),
    reads=("certificates",),
    frame=frame,
    paint=paint,
    example={
        "certificates": {
            "certificates": [
                ends("c|1", "old.example", 1_795_200_000.0, -1.2, "ended"),
                ends("c|2", "<b>a.example</b>", 1_795_700_000.0, 4.6, "alarm"),
                ends("c|3", "b.example", 1_797_000_000.0, 19.7, "warn"),
                ends("c|4", "c.example", 1_812_000_000.0, 193.3, "normal"),
            ],
            "grades": {"ended": 1, "alarm": 1, "warn": 1, "normal": 21}, "total": 24,
        }
    },
    period=Words("此刻 · 先到期者在前", "now · first to end first"),
    formula=Words(
        "剩余 = 到期时刻 − 此刻；三十天内为临期，七天内为即将到期（以城市文件为准）",
        "Left = its end − now; due soon within 30 days, about to end within 7 (as the city file says)",
    ),
    records={"": ALL_CERTIFICATES, **CERTIFICATES},
)  # fmt: skip
