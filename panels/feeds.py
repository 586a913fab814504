"""How the sources are doing: heard when, what became of what they sent, and what ails them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import amount, both, clipped, elapsed, empty, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words

STATES: dict[str, tuple[str, Words]] = {
    "live": ("●", Words("正常", "Live")),
    "late": ("■", Words("迟到", "Late")),
    "silent": ("◆", Words("无声", "Silent")),
    "failing": ("▲", Words("故障", "Failing")),
    "never": ("○", Words("未接入", "Never heard")),
}
COUNTERS = {
    "received": Words("收到", "Received"),
    "stored": Words("入库", "Stored"),
    "duplicate": Words("重复", "Dup."),
    "dead": Words("死信", "Dead"),
    "waiting": Words("积压", "Queue"),
}
ROOM = (6, 6, 4, 4, 4)  # Digits that fit into each counter's column.
ROWS = 12
ANOMALIES = Words("不合流程", "Do not fit")  # Events of tickets, by reason.
REASONS = {
    "closed_before_reported": Words("结案早于上报", "closed before it was reported"),
    "extended_without_clock": Words("无时限而延期", "extended without a deadline"),
    "failed_inspection": Words("核查未通过", "inspection failed"),
    "merged_into_itself": Words("并入自身", "merged into itself"),
    "no_whistle": Words("未吹哨", "no whistle"),
    "not_from_reported": Words("已过上报", "no longer reported"),
    "not_suspended": Words("未挂账", "not suspended"),
    "not_whistled_for": Words("未被吹哨", "not whistled for"),
    "reopened_without_complaint": Words("无不满而重开", "reopened without a complaint"),
    "second_reopening": Words("再次重开", "reopened again"),
    "second_suspension": Words("重复挂账", "suspended again"),
    "second_whistle": Words("重复吹哨", "whistled again"),
    "suspended_into_the_past": Words("挂账早于当时", "suspended into the past"),
    "suspended_too_long": Words("挂账过长", "suspended too long"),
    "suspended_without_clock": Words("无时限而挂账", "suspended without a deadline"),
    "third_extension": Words("第三次延期", "third extension"),
}
OTHER = Words("其他", "other")
EMPTY = Words("城市文件中没有数据源", "The city file names no sources")


def frame(ctx: Context) -> Any:
    """A list with its columns named."""
    names = [Words("状态", "State"), Words("数据源", "Source"), Words("上次", "Last"), *COUNTERS.values()]
    head = [html.Span(both(words), className="name" if n == 1 else "") for n, words in enumerate(names)]
    return html.Div(
        [html.Div(head, className="row head"), html.Div(id="feeds-rows", className="rows")], className="list feeds"
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """One line for each source, the ailing first, its fault in plain words below it."""
    order = list(STATES)
    rows = []
    anomalies = views.get("anomalies", {}).get("sources", {})
    found = views["feeds"].get("feeds", [])
    for feed in sorted(found, key=lambda feed: -order.index(feed["state"]) % len(order))[:ROWS]:
        shape, word = STATES[feed["state"]]
        counters = [feed.get(name) for name in COUNTERS]
        cells: list[Any] = [
            html.Span([html.Span(shape, className="shape"), " ", word[ctx.language]], className="state"),
            html.Span(feed["name"], className="name", title=feed.get("kind", "")),
            html.Span(elapsed(feed.get("heard"), "wall"), className="n"),
            *[
                amount(value, ctx.language, "n" if value else "n quiet", room)
                for value, room in zip(counters, ROOM, strict=True)
            ],
        ]
        if feed.get("error"):
            cells.append(html.Span(clipped(feed["error"]), className="error"))
        odd = anomalies.get(feed.get("source", feed["name"]), {})
        if odd:
            worst = max(sorted(odd), key=lambda reason: odd[reason])
            name = REASONS.get(worst, OTHER)[ctx.language]
            said = f"{ANOMALIES[ctx.language]} {sum(odd.values()):,} ({name} {odd[worst]:,})"
            cells.append(
                html.Span(clipped(said), className="quiet odd", title=", ".join(map(str, sorted(odd.items()))))
            )
        rows.append(row(cells, feed["state"]))
    return {"feeds-rows.children": rows or empty(EMPTY, ctx.language)}


PANEL = Panel(
    id="feeds",
    title=Words("数据源", "Feeds"),
    reads=("feeds", "anomalies"),
    frame=frame,
    paint=paint,
    example={
        "anomalies": {"sources": {"grid": {"closed_before_reported": 2, "second_reopening": 1}}, "n": 3},
        "feeds": {
            "feeds": [
                {
                    "name": "hotline", "kind": "file", "state": "live", "heard": 1_795_300_000.0, "received": 58251,
                    "stored": 58236, "duplicate": 0, "dead": 15, "waiting": 0, "error": "",
                },
                {
                    "name": "grid", "kind": "cloudevents", "state": "failing", "heard": 1_795_200_000.0,
                    "received": 10, "stored": 8, "duplicate": 1, "dead": 1, "waiting": 3,
                    "error": "the source refused the connection",
                },
                {"name": "app", "kind": "cloudevents", "state": "never", "heard": None},
            ]
        }
    },
    period=Words("自接入起 · 条", "since first heard · records"),
    formula=Words(
        "收到 = 入库 + 重复 + 死信；积压为尚未写入消息流的批数",
        "Received = stored + duplicate + dead; queue is batches not yet in the stream",
    ),
)  # fmt: skip
