"""The sources in depth: heard when, how far behind, what became of what they sent, and what was refused and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import both, clipped, named
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words

FEEDS = Words("数据源", "Feeds")
STATES = {
    "live": ("●", Words("正常", "Live")),
    "late": ("■", Words("迟到", "Late")),
    "silent": ("◆", Words("无声", "Silent")),
    "failing": ("▲", Words("故障", "Failing")),
    "never": ("○", Words("未接入", "Never")),
}
ORDER = ("silent", "failing", "never", "late", "live")
COLUMNS = (
    Words("状态", "State"),
    Words("数据源", "Feed"),
    Words("上次", "Heard"),
    Words("滞后", "Lag"),
    Words("收到", "Received"),
    Words("死信", "Dead"),
    Words("重启", "Restarts"),
)


def frame(ctx: Context) -> Any:
    """A list whose lines open: why records were refused, and, where asked for, the records themselves, masked."""
    return html.Div(
        [
            html.Div(id="desk_feeds-data", hidden=True),
            html.Div([html.Span(both(words)) for words in COLUMNS], className="feed head", **{"aria-hidden": "true"}),
            html.Div(id="desk_feeds-rows", className="scroll", role="list", **named(FEEDS)),
        ],
        className="desk-feeds",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The ailing come first."""
    rows = []
    for feed in sorted(views["feeds"].get("feeds", []), key=lambda feed: ORDER.index(feed["state"])):
        shape, word = STATES[feed["state"]]
        rows.append({
            "name": feed["name"], "kind": feed.get("kind", ""), "state": feed["state"], "shape": shape,
            "word": word[ctx.language], "heard": feed.get("heard"), "event": feed.get("last_event"),
            "received": feed.get("received"), "stored": feed.get("stored"), "duplicate": feed.get("duplicate"),
            "dead": feed.get("dead"), "flawed": feed.get("flawed"), "restarts": feed.get("restarts"),
            "waiting": feed.get("waiting"), "error": clipped(feed.get("error", "")), "began": feed.get("began"),
            "interval": feed.get("interval"),
        })  # fmt: skip
    return {"desk_feeds-data.data": {"rows": rows}}


PANEL = Panel(
    id="desk_feeds",
    title=Words("数据源健康", "Feeds in depth"),
    reads=("feeds",),
    frame=frame,
    paint=paint,
    example={
        "feeds": {
            "feeds": [
                {
                    "name": "hotline",
                    "kind": "file",
                    "state": "live",
                    "heard": 1_795_300_000.0,
                    "interval": 20.0,
                    "last_event": 1_795_299_900.0,
                    "received": 58251,
                    "stored": 58236,
                    "duplicate": 0,
                    "dead": 15,
                    "flawed": 2,
                    "restarts": 1,
                    "waiting": 0,
                    "error": "",
                    "began": 1_795_200_000.0,
                },
                {
                    "name": "grid",
                    "kind": "cloudevents",
                    "state": "failing",
                    "heard": 1_795_200_000.0,
                    "received": 10,
                    "stored": 8,
                    "duplicate": 1,
                    "dead": 1,
                    "flawed": 0,
                    "restarts": 7,
                    "waiting": 3,
                    "last_event": None,
                    "error": "the source refused the connection",
                    "began": 1_795_200_000.0,
                    "interval": None,
                },
                {"name": "app", "kind": "cloudevents", "state": "never", "heard": None},
            ]
        }
    },
    period=Words("自接入起", "since first heard"),
    formula=Words(
        "滞后 = 上次收到的时刻减去最新事件的时刻；收到 = 入库 + 重复 + 死信",
        "Lag = last heard minus the latest event's time; received = stored + duplicate + dead",
    ),
)
