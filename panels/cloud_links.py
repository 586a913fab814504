"""The network's links: how many are up, how fast, how full, the busiest one's day, and those that are worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import (
    amount,
    box,
    drawing,
    elapsed,
    empty,
    fraction,
    light,
    number,
    rate,
    row,
    share,
)
from dashboard.screens.networkrecords import LINKS, called
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, GRADES, Words, compact, percent

ROWS = 30
NAMES = {
    "up": Words("链路正常", "Links up"),
    "available": Words("24 小时可用率", "24 h availability"),
    "latency": Words("时延 P95", "Latency P95"),
}
COLUMNS = (
    Words("", ""),
    Words("链路", "Link"),
    Words("时延", "Latency"),
    Words("丢包", "Loss"),
    Words("", ""),
    Words("负载", "Load"),
    Words("可用率", "Up 24 h"),
    Words("断", "Falls"),
    Words("中断", "Down for"),
)
BUSIEST = Words("最忙", "Busiest")
OF, OF_ALL = Words("条", ""), Words("条链路", "links")
EMPTY = Words("尚无链路", "No links yet")


def frame(ctx: Context) -> Any:
    """Three figures with the busiest link's day beside them, and a list."""
    busiest = html.Div(
        [html.Div(id="cloud_links-peak", className="title"), html.Div(id="cloud_links-day", className="load-day")],
        className="busiest",
    )
    return html.Div(
        [
            figures("cloud_links", NAMES, "figures busy-links", beside=(busiest,)),
            heads(COLUMNS, names=2),
            html.Div(id="cloud_links-rows", className="rows"),
        ],
        className="list cloud-links",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Worst first, each with its grade's shape; of one that is down since when, of the others how they do."""
    view, language = views["network"], ctx.language
    grades = view.get("grades", {})
    total = view.get("total", 0)
    good = total - grades.get("down", 0) - grades.get("unknown", 0)
    slots, seen = view.get("availability", (0, 0))
    latency = view.get("latency")
    peak = view.get("peak")
    rules = ctx.city.cloud
    rows = []
    for link in view.get("links", [])[:ROWS]:
        metrics = link["metrics"]
        load = metrics.get("load")
        kind = (
            "" if load is None else "low" if load >= rules.load_alarm else "middle" if load >= rules.load_warn else ""
        )
        mine, all_of_them = link["availability"]
        rows.append(
            row([
                light(GRADES[link["grade"]][0], language),
                html.Span(called(link, ctx), className="name"),
                html.Span(f"{1000 * metrics['latency']:.1f} ms" if "latency" in metrics else DASH, className="n"),
                html.Span(f"{metrics['loss']:.2f} %" if "loss" in metrics else DASH, className="n quiet"),
                share((load or 0) / 100, kind),
                html.Span(f"{load:.0f} %" if load is not None else DASH, className="n"),
                html.Span(f"{percent(mine, all_of_them)} %" if all_of_them else DASH, className="n quiet"),
                amount(link["falls"], language, "n" if link["falls"] else "n quiet", 3),
                elapsed(link["since"]),
            ], link["grade"])
        )  # fmt: skip
    legend = [
        html.Span([light(GRADES[name][0], language), f" {GRADES[name][1][language]} {compact(grades[name], language)}"])
        for name in GRADES
        if grades.get(name) and name != "normal"
    ]
    of_all = compact(total, language)
    return {
        "cloud_links-up.children": number(good, OF[language]) if total else number(DASH),
        "cloud_links-up-why.children": [html.Span(f"/ {of_all}"), *legend] if total else [html.Span(DASH)],
        "cloud_links-available.children": number(percent(slots, seen, 2), "%") if slots < seen else rate(slots, seen),
        "cloud_links-available-why.children": html.Span(fraction(slots, seen, language)),
        "cloud_links-latency.children": number(DASH if latency is None else f"{1000 * latency:.1f}", "ms"),
        "cloud_links-latency-why.children": html.Span(f"{of_all} {OF_ALL[language]}" if total else DASH),
        "cloud_links-peak.children": [
            html.Span(f"{BUSIEST[language]} {peak['metrics']['load']:.0f} %"),
            html.B(called(peak, ctx), className="name"),
        ] if peak else f"{BUSIEST[language]} {DASH}",
        "cloud_links-day.children": _day(peak["day"], rules.load_warn) if peak else "",
        "cloud_links-rows.children": rows or empty(EMPTY, language),
    }  # fmt: skip


def _day(day: Sequence[Sequence[float]], warn: float) -> Any:
    """The load of half hours as columns up to a hundred percent; those beyond the warning stand out."""
    shapes = [
        box(at + 0.1, 100 - min(100.0, load), 0.8, min(100.0, load), "high" if load >= warn else "done")
        for at, (_, load) in enumerate(day)
    ]
    return drawing(shapes, max(1, len(day)), 100, "loads") if shapes else ""


def _link(subject: str, start: str, end: str, grade: str, **more: Any) -> Document:
    found = {
        "key": f"c|link|{subject}", "name": "", "subject": subject, "resource": "link", "grade": grade, "start": start,
        "end": end, "place": "", "metrics": {"latency": 0.0031, "loss": 0.02, "load": 41.5}, "since": None,
        "availability": [287, 288], "falls": 0,
    }  # fmt: skip
    return found | more


PANEL = Panel(
    id="cloud_links",
    title=Words("网络链路", "Network links"),
    reads=("network",),
    frame=frame,
    paint=paint,
    example={
        "network": {
            "links": [
                _link("1", "区核心", "九江镇", "down", name="B", metrics={}, since=1_795_300_000.0, falls=4),
                _link("2", "区核心", "容灾中心", "alarm", metrics={"latency": 0.041, "loss": 0.7, "load": 96.2}),
                _link("3", "区核心", "<b>教育局</b>", "normal"),
                _link("4", "狮山镇", "", "unknown", metrics={}, since=None),
            ],
            "total": 58, "grades": {"down": 1, "alarm": 1, "unknown": 1, "warn": 0, "normal": 55},
            "availability": [16400, 16704], "latency": 0.0049,
            "peak": _link("2", "区核心", "容灾中心", "alarm", metrics={"latency": 0.041, "loss": 0.7, "load": 96.2},
                          day=[[1_795_200_000.0 + 1800 * at, 20.0 + 1.6 * at] for at in range(48)]),
        }
    },
    period=Words("此刻 · 差者在前", "now · worst first"),
    formula=Words(
        "可用率 = 全程为通的五分钟 ÷ 被采样的五分钟（24 小时）；断 = 24 小时内由通转断的次数；"
        "中断自最后一次为通时起算；时延、丢包、负载越限者标黄、标紫",
        "Availability = five minutes up throughout ÷ five minutes sampled, over 24 h; falls = from up to down in 24 h; "
        "down for: since it was seen up last; slow, lossy and loaded links are marked by the city's limits",
    ),
    records={"": LINKS},
)  # fmt: skip
