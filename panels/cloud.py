"""Cloud and network in one card: what of services and links is up, certificates near their end, how full it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import figures
from dashboard.screens.marks import number, share
from dashboard.screens.networkrecords import ALL_POOLS, LINKS, NEAR_CERTIFICATES, THINGS
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, METRICS, Words, compact, percent

NAMES = {
    "services": Words("服务与主机正常", "Services, hosts up"),
    "links": Words("链路正常", "Links up"),
    "certificates": Words("临期证书", "Certificates due"),
}
DAY = Words("24 小时可用", "24 h up")
P95 = Words("时延 P95", "Delay P95")
NEXT = Words("最早", "Next in")
DAYS = Words("天", "d")
ENDED = Words("已过期", "Ended")
KINDS = {"normal": "high", "warn": "middle", "alarm": "low", "none": "none"}


def frame(ctx: Context) -> Any:
    """Three figures over a bar for each resource."""
    bars = html.Div(id="cloud-pools", className="fills")
    return html.Div([figures("cloud", NAMES), bars], className="card-sum cloud-sum")


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """What is up of how many, with the day's availability; unknown is not up, and counts in the denominator."""
    language = ctx.language
    states = views["cloud"].get("states", {})
    slots = views["cloud"].get("availability", {})
    network, certificates = views["network"], views["certificates"]
    up, total, good, seen = 0, 0, 0, 0
    for kind in ("service", "host"):
        up += states.get(kind, {}).get("up", 0)
        total += sum(states.get(kind, {}).values())
        good += slots.get(kind, (0, 0))[0]
        seen += slots.get(kind, (0, 0))[1]
    links = states.get("link", {})
    joined = sum(links.values())
    latency = network.get("latency")
    grades = certificates.get("grades", {})
    near = sum(grades.get(name, 0) for name in ("ended", "alarm", "warn"))
    first = next(iter(certificates.get("certificates", [])), None)
    return {
        "cloud-services.children": _of(up, total, language),
        "cloud-services-why.children": html.Span(
            f"{DAY[language]} {percent(good, seen, 2)} %" if seen else DASH
        ),
        "cloud-links.children": _of(links.get("up", 0), joined, language),
        "cloud-links-why.children": html.Span(
            DASH if latency is None else f"{P95[language]} {1000 * latency:.1f} ms"
        ),
        "cloud-certificates.children": _of(near, certificates.get("total", 0), language),
        "cloud-certificates-why.children": html.Span(
            DASH if first is None
            else ENDED[language] if first["days"] <= 0
            else f"{NEXT[language]} {first['days']:,.0f} {DAYS[language]}"
        ),
        "cloud-pools.children": [
            html.Div([
                html.Span(METRICS.get(metric, Words(metric, metric))[language], className="name"),
                share(row["used"] / row["limit"] if row["limit"] else 0, KINDS[row["grade"]]),
                html.Span(f"{percent(row['used'], row['limit'], 0)} %" if row["limit"] else DASH, className="n"),
            ])
            for metric, row in views["cloud"].get("allocation", {}).items()
        ],
    }  # fmt: skip


def _of(part: int, whole: int, language: str) -> list[Any]:
    """How many of how many; a dash where there are none."""
    if not whole:
        return [number(DASH)]
    return [number(part, language=language, room=5), html.Span(f"/ {compact(whole, language)}", className="of")]


def taken(used: float, limit: float, unit: str, grade: str) -> Document:
    """What is allocated of a resource, of the example."""
    return {"used": used, "limit": limit, "unit": unit, "pools": 6, "left_out": 0, "grade": grade}


PANEL = Panel(
    id="cloud",
    title=Words("云网态势", "Cloud and network"),
    reads=("cloud", "network", "certificates"),
    frame=frame,
    paint=paint,
    example={
        "cloud": {
            "states": {
                "host": {"up": 78, "down": 1, "unknown": 1}, "link": {"up": 57, "down": 1, "unknown": 0},
                "service": {"up": 39, "down": 1, "unknown": 0},
            },
            "availability": {"host": [22833, 23040], "link": [16400, 16704], "service": [11510, 11520]},
            "allocation": {
                "cpu": taken(11103.0, 16384.0, "cores", "normal"),
                "memory": taken(69567.0, 79872.0, "GiB", "warn"),
                "storage": taken(7675.0, 12300.0, "TiB", "normal"),
            },
            "newest": 1_795_300_000.0,
        },
        "network": {"links": [], "total": 58, "grades": {}, "availability": [1, 1], "latency": 0.0049, "peak": None},
        "certificates": {
            "certificates": [
                {"key": "c|1", "name": "a.example", "expires": 1_795_900_000.0, "days": 6.9, "grade": "alarm"}
            ],
            "grades": {"ended": 0, "alarm": 1, "warn": 2, "normal": 21}, "total": 24,
        },
    },
    period=Words("此刻 · 分配率为资源", "now · shares allocated"),
    formula=Words(
        "正常 = 采样时为通；未知不算正常，计入分母；可用率 = 全程为通的五分钟 ÷ 被采样的五分钟（24 小时）；"
        "条为已分配 ÷ 总量，不含无总量的池；临期为三十天内到期或已过期",
        "Up by its latest sample; unknown is not up and stays in the denominator; availability = five minutes up "
        "throughout ÷ five minutes sampled, over 24 h; bars are allocated ÷ there is, where a pool tells that; "
        "due are certificates that end within 30 days or have ended",
    ),
    records={"": THINGS, "links": LINKS, "certificates": NEAR_CERTIFICATES, "pools": ALL_POOLS},
)  # fmt: skip
