"""What was kept: the share of today's video that has been recorded, by platform, against yesterday."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import clipped, empty, number, rate, row, share
from dashboard.screens.networkrecords import AWAY, RECORDINGS
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, compact, percent

ROWS = 12
NAMES = {"recorded": Words("今日录像完整率", "Recorded today"), "away": Words("今日离线时长", "Offline today")}
YESTERDAY = Words("昨日", "Yesterday")
HOURS = Words("路时", "h")
OF = Words("占", "")
COLUMNS = (Words("平台", "Platform"), Words("", ""), Words("完整率", "Recorded"), Words("缺录", "Missing"))
EMPTY = Words("平台尚未报告录像", "No platform has told of recordings")


def frame(ctx: Context) -> Any:
    """Two figures and a list of platforms."""
    return html.Div(
        [
            figures("video_recorded", NAMES, "figures two"),
            heads(COLUMNS),
            html.Div(id="video_recorded-rows", className="rows"),
        ],
        className="list video-recorded",
    )


def hours(seconds: float, language: str) -> str:
    """Seconds of cameras in whole hours."""
    return compact(seconds / 3600, language, 6)


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Both figures with their numerator and denominator in camera hours, and yesterday's rate."""
    view, language = views["video_time"], ctx.language
    recorded, away = view.get("recorded", {}), view.get("away", {})
    done, due = recorded.get("today", (0, 0))
    before = recorded.get("yesterday", (0, 0))
    lost, whole = away.get("today", (0, 0))
    was = away.get("yesterday", (0, 0))
    unit = HOURS[language]
    said = f"{percent(before[0], before[1], 2)} %" if before[1] else DASH
    rows = [
        row([
            html.Span(clipped(ctx.city.translated(name, language)), className="name"),
            share(part / total if total else 0, "high" if part >= 0.98 * total else "middle"),
            html.Span(f"{percent(part, total, 2)} %" if total else DASH, className="n"),
            html.Span(f"{hours(total - part, language)} {HOURS[language]}", className="n quiet"),
        ])
        for name, part, total in view.get("platforms", [])[:ROWS]
    ]  # fmt: skip
    return {
        "video_recorded-recorded.children": rate(done, due),
        "video_recorded-recorded-why.children": [
            html.Span(f"{hours(done, language)} / {hours(due, language)} {unit}" if due else f"{DASH} / {DASH}"),
            html.Span(f"{YESTERDAY[language]} {said}", className="quiet"),
        ],
        "video_recorded-away.children": number(hours(lost, language) if whole else DASH, HOURS[language]),
        "video_recorded-away-why.children": [
            html.Span(f"{percent(lost, whole, 2)} % / {hours(whole, language)} {unit}" if whole else DASH),
            html.Span(f"{YESTERDAY[language]} {hours(was[0], language)} {unit}" if was[1] else "", className="quiet"),
        ],
        "video_recorded-rows.children": rows or empty(EMPTY, language),
    }  # fmt: skip


PANEL = Panel(
    id="video_recorded",
    title=Words("录像完整率", "Recordings"),
    reads=("video_time",),
    frame=frame,
    paint=paint,
    example={
        "video_time": {
            "recorded": {"today": [507_284_835, 515_188_800], "yesterday": [834_103_913, 846_381_600]},
            "platforms": [["水利视频", 20_656_572, 21_067_200], ["雪亮工程", 142_451_628, 144_144_000]],
            "away": {"today": [5_902_136, 538_290_520], "yesterday": [9_956_775, 883_180_800]},
            "longest": [],
        }
    },
    period=Words("零时至今 · 路时", "since midnight · camera hours"),
    formula=Words(
        "录像完整率 = 已录时长 ÷ 应录时长（今日至今）；"
        "离线占比 = 离线时长 ÷ 应在线且状态已知的时长，计划停用与平台无声均不计入",
        "Recorded ÷ should be recorded, today so far; offline ÷ time in which they should be online and their state "
        "was known: what was planned or nobody could know is in neither",
    ),
    records={"": RECORDINGS, "away": AWAY},
)
