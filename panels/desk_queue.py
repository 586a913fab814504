"""The desk's queue: what stands that somebody has to see to, by severity; its keys, its sound and who sits here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.alerts import EXAMPLE, LEVELS, address_of, severity_of, text_of
from dashboard.screens.marks import both, clipped, named, tip
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import Words

ROWS = 120  # Alerts that are sent; all are counted.
SEVERITY = Words("级别", "Severity")
QUEUE = Words("告警队列", "Alerts")
NOUNS = {
    "ticket": Words("工单", "Ticket"),
    "camera": Words("视频", "Video"),
    "sensor": Words("感知", "Gauge"),
    "cloud": Words("云网", "Cloud"),
    "feed": Words("数据源", "Feed"),
    "warning": Words("预警", "Warning"),
    "instruction": Words("批示", "Instruction"),
}
KEYS = (
    (("↑ ↓", "k j"), Words("上一条、下一条", "up, down")),
    (("Enter",), Words("打开", "open")),
    (("a",), Words("确认", "acknowledge")),
    (("s",), Words("暂缓", "snooze")),
    (("g",), Words("指派", "assign")),
    (("n",), Words("记事", "note")),
    (("u",), Words("撤销", "undo")),
    (("m",), Words("到地图", "on the map")),
    (("1 … 4", "0"), Words("只看一级、全部", "one severity, all")),
    (("h",), Words("交班", "hand over")),
    (("x",), Words("静音、开声", "mute, unmute")),
    (("?",), Words("按键", "keys")),
    (("Esc",), Words("返回", "back")),
)


def frame(ctx: Context) -> Any:
    """Counts by severity, the sound's state and switch, the list, and the keys."""
    levels = [
        html.Button(
            [html.Span(shape, className="shape"), both(words), html.B("–", id=f"desk_queue-n{level}")],
            type="button", className=f"sev s{level}", **{"data-severity": str(level), "aria-pressed": "false"},
        )
        for level, (shape, words) in LEVELS.items()
    ]  # fmt: skip
    sound = [
        html.Button(id="desk_queue-sound", type="button", className="sound", **{"data-sound": "locked"}),
        html.Span([html.Span(both(Words("音量", "Volume"))), html.Span(id="desk_queue-volume")], className="volume"),
        html.Button(
            both(Words("静音时段", "Quiet hours")), id="desk_queue-quiet", type="button",
            **tip(Words("静音时段内只响特急", "In quiet hours only what is critical sounds")),
        ),
    ]  # fmt: skip
    keys = [
        html.Li([*(html.Kbd(key, lang="en") for key in names), both(words)], className="key-line")
        for names, words in KEYS
    ]
    return html.Div(
        [
            html.Div(id="desk_queue-data", hidden=True),
            html.Div(levels, className="levels", role="toolbar", **named(SEVERITY)),
            html.Div(id="desk_queue-muted", className="muted", role="status"),
            html.Div(
                id="desk_queue-list",
                className="queue",
                role="listbox",
                tabIndex=0,
                **named(QUEUE),
                **{"data-zh": QUEUE.zh, "data-en": QUEUE.en},
            ),
            html.Div(
                [
                    html.Button(id="desk_queue-person", type="button", className="person"),
                    html.Div(sound, className="sounds"),
                    html.Button(
                        [html.Kbd("?", lang="en"), both(Words("按键", "Keys"))],
                        id="desk_queue-help",
                        type="button",
                        className="helper",
                        **{"aria-expanded": "false", "aria-controls": "desk_queue-keys"},
                    ),
                ],
                className="console",
            ),
            html.Ul(keys, id="desk_queue-keys", className="keys", hidden=True),
            html.Div(id="desk_queue-said", className="spoken", role="status", **{"aria-live": "polite"}),
        ],
        className="desk-queue",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The rows as ``assets/watch.mjs`` draws them, in the screen's language."""
    view, language = views["alerts"], ctx.language
    at = 1 if language == "en" else 0
    rows = []
    for one in view.get("alerts", [])[:ROWS]:
        known = one["place"] in ctx.places
        noun = NOUNS.get(one["noun"])
        severity = severity_of(one)
        shape, word = LEVELS[severity]
        rows.append({
            "key": one["key"], "severity": severity, "shape": shape, "level": word[language],
            "noun": noun[language] if noun else one["noun"], "since": one["since"],
            "place": one["place"] if known else "",
            "where": ctx.places[one["place"]].title(language) if known else "",
            "path": [ctx.places[code].title(language) for code in ctx.places.path(one["place"])][1:] if known else [],
            "unit": clipped(ctx.city.translated(one["unit"], language)), "title": text_of(one["title"][at], one, ctx),
            "both": [clipped(text) for text in one["title"]], "text": text_of(one["text"][at], one, ctx),
            "link": address_of(one, ctx),
            "ticket": one["link"].partition("key=")[2] if one["link"].startswith("/ticket?") else "",
            "acknowledged": one["acknowledged"], "assigned": one["assigned"], "snoozed_until": one["snoozed_until"],
        })  # fmt: skip
    counts, open_ = view.get("counts", {}), view.get("open", {})
    more = sum(counts.values()) - len(rows)
    said = {
        "rows": rows,
        "counts": counts,
        "open": open_,
        "unacknowledged": view.get("unacknowledged", 0),
        "more": more,
    }
    return {"desk_queue-data.data": said}


PANEL = Panel(
    id="desk_queue",
    title=Words("告警", "Alerts"),
    reads=("alerts",),
    whole=True,
    frame=frame,
    paint=paint,
    example={"alerts": EXAMPLE},
    period=Words("此刻 · 条", "now · standing"),
    formula=Words(
        "此刻存在、需有人处理的事项；确认只对该次发生、该级别有效，加重或再次发生会重新告警",
        "What stands that somebody has to see to; an acknowledgement holds for this occurrence and severity: what gets "
        "worse or comes again rings again",
    ),
)
