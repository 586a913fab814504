"""Services and hosts: every one as a tile in the colour of its state, and by name those that are down or were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import amount, both, clipped, elapsed, empty, fraction, light, number, row
from dashboard.screens.networkrecords import HOSTS, SERVICES, THINGS
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, GRADES, LIGHTS, Words, compact, percent

ROWS = 24
MOST = 160  # Tiles.
KINDS = {"service": Words("应用服务", "Services"), "host": Words("主机", "Hosts")}
AVAILABLE = Words("24 小时可用", "24 h available")
COLUMNS = (
    Words("", ""),
    Words("服务或主机", "Service or host"),
    Words("可用率", "Up 24 h"),
    Words("断", "Falls"),
    Words("中断", "Down for"),
)
EMPTY = Words("一日之内没有中断", "Nothing was down in a day")
NONE = Words("尚无服务与主机", "No services or hosts yet")


def frame(ctx: Context) -> Any:
    """A figure and a field of tiles for services and for hosts, and a list."""
    parts = [
        html.Div(
            [
                html.H3(both(words)),
                html.Div(id=f"cloud_services-{kind}", className="figure"),
                html.Div(id=f"cloud_services-{kind}-why", className="why"),
                html.Div(id=f"cloud_services-{kind}-tiles", className="tiles-field"),
            ]
        )
        for kind, words in KINDS.items()
    ]
    head = [html.Span(both(words), className="name" if at == 1 else "") for at, words in enumerate(COLUMNS)]
    return html.Div(
        [
            html.Div(parts, className="figures two"),
            html.Div(head, className="row head"),
            html.Div(id="cloud_services-rows", className="rows"),
        ],
        className="list cloud-services",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Up of all, unknown counted in the denominator; the list is of those that are not well, or were not always."""
    view, language = views["services"], ctx.language
    found = view.get("services", [])
    painted: Painted = {}
    for kind in KINDS:
        mine = view.get(kind, {})
        grades, total = mine.get("grades", {}), mine.get("total", 0)
        up = total - grades.get("down", 0) - grades.get("unknown", 0)
        slots, seen = mine.get("availability", (0, 0))
        painted[f"cloud_services-{kind}.children"] = (
            [number(up, language=language, room=5), html.Span(f"/ {compact(total, language)}", className="of")]
            if total
            else number(DASH)
        )
        painted[f"cloud_services-{kind}-why.children"] = html.Span(
            f"{AVAILABLE[language]} {percent(slots, seen, 2)} %" if seen else DASH
        )
        painted[f"cloud_services-{kind}-tiles.children"] = _tiles(grades, total, language)
    rows = []
    for thing in [one for one in found if one["grade"] != "normal" or one["falls"]][:ROWS]:
        slots, seen = thing["availability"]
        name = clipped(ctx.city.translated(thing["name"] or thing["subject"], language))
        rows.append(
            row([
                light(GRADES[thing["grade"]][0], language),
                html.Span(name, className="name"),
                html.Span(f"{percent(slots, seen)} %" if seen else DASH, className="n", title=fraction(slots, seen)),
                amount(thing["falls"], language, "n quiet", 3),
                elapsed(thing["since"]),
            ], thing["grade"])
        )  # fmt: skip
    painted["cloud_services-rows.children"] = rows or empty(EMPTY if found else NONE, language)
    return painted


def _tiles(grades: Mapping[str, int], total: int, language: str) -> Any:
    """A tile for each, the worst first; a bar of shares where they are too many."""
    if total > MOST:
        parts = [
            html.Span(className=f"part {GRADES[grade][0]}", style={"flexGrow": grades[grade]})
            for grade in GRADES
            if grades.get(grade)
        ]
        return html.Div(parts, className="bar")
    return [
        html.Span(
            "" if grade == "normal" else LIGHTS[GRADES[grade][0]][0],
            className=f"tile-{GRADES[grade][0]} shape",
            title=GRADES[grade][1][language],
        )
        for grade in GRADES
        for _ in range(grades.get(grade, 0))
    ]


def _thing(subject: str, name: str, grade: str, up: int, falls: int, since: float | None) -> Document:
    return {
        "key": f"c|service|{subject}", "name": name, "subject": subject, "resource": "service", "grade": grade,
        "start": "", "end": "", "place": "", "metrics": {}, "since": since, "availability": [up, 288], "falls": falls,
    }  # fmt: skip


def _kind(total: int, down: int, unknown: int, good: int, seen: int) -> Document:
    grades = {"down": down, "alarm": 0, "unknown": unknown, "warn": 0, "normal": total - down - unknown}
    return {"total": total, "grades": grades, "availability": [good, seen]}


PANEL = Panel(
    id="cloud_services",
    title=Words("服务与主机", "Services and hosts"),
    reads=("services",),
    frame=frame,
    paint=paint,
    example={
        "services": {
            "services": [
                _thing("1", "人才服务系统", "down", 240, 2, 1_795_300_000.0),
                _thing("HOST-007", "", "unknown", 200, 1, 1_795_290_000.0),
                _thing("3", "<b>统一身份认证</b>", "normal", 286, 1, None),
                _thing("4", "地图服务", "normal", 288, 0, None),
            ],
            "service": _kind(40, 1, 0, 11510, 11520), "host": _kind(80, 0, 1, 22833, 23040),
        }
    },
    period=Words("此刻 · 每格一个", "now · a tile for each"),
    formula=Words(
        "正常 = 最近一次采样为通；五分钟未采样为未知，不算正常；"
        "可用率 = 全程为通的五分钟 ÷ 被采样的五分钟；中断自最后一次为通时起算",
        "Up by its latest sample; not sampled for five minutes is unknown and not up; availability = five minutes up "
        "throughout ÷ five minutes sampled, over 24 h; down for: since it was seen up last",
    ),
    records={"": THINGS, "service": SERVICES, "host": HOSTS},
)  # fmt: skip
