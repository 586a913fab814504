"""The cells of an alert in a panel: its severity by shape and word, its text in the screen's language, its address."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import Mark, clipped
from dashboard.screens.panel import Behind, Context, Record
from dashboard.words import Words

LEVELS = {
    1: ("◆", Words("特急", "Critical")),
    2: ("▲", Words("紧急", "Urgent")),
    3: ("■", Words("重要", "Major")),
    4: ("●", Words("一般", "Minor")),
}
LIGHTS = {1: "worst", 2: "overdue", 3: "soon", 4: "none"}
"""The light whose colour a severity has."""


def severity_of(one: Mapping[str, Any]) -> int:
    """The severity of an alert, from 1, the gravest, to 4."""
    return min(4, max(1, int(one["severity"])))


def severity_mark(severity: int, language: str) -> Mark:
    """The shape of a severity in its colour, with its word for those who hover or listen."""
    shape, word = LEVELS[severity]
    about = {"aria-label": word[language]}
    return html.Span(shape, className=f"light {LIGHTS[severity]}", title=word[language], role="img", **about)


def text_of(text: str, one: Mapping[str, Any], ctx: Context) -> str:
    """A text with the names that sources give things as the screen's language has them."""
    if ctx.language == "en":
        if one["unit"]:
            text = text.replace(one["unit"], ctx.city.translated(one["unit"], "en"))
        text = " · ".join(ctx.city.translated(part, "en") for part in text.split(" · "))
    return clipped(text)


def address_of(one: Mapping[str, Any], ctx: Context) -> str:
    """The alert's address in the screen's language; none where what it names is no page of the house."""
    link = str(one["link"] or "")
    if not re.fullmatch(r"/(?!/)[^\s<>\"'\\]*", link):
        return ""
    if ctx.language == ctx.city.languages[0]:
        return link
    return f"{link}{'&' if '?' in link else '?'}lang={ctx.language}"


def _records(views: Mapping[str, Document], ctx: Context) -> Sequence[Record]:
    at = 1 if ctx.language == "en" else 0
    return [
        Record(
            text_of(one["title"][at], one, ctx), text_of(one["text"][at], one, ctx), LIGHTS[severity_of(one)],
            address_of(one, ctx), since=one["since"],
        )
        for one in views["alerts"].get("alerts", [])
    ]  # fmt: skip


STANDING = Behind(Words("此刻的告警", "Alerts that stand"), ("alerts",), _records)


def _alert(
    key: str, severity: int, noun: str, since: float, title: list[str], text: list[str], **more: Any
) -> Document:
    """An alert as the view tells it."""
    said = {"place": "", "unit": "", "link": "", "acknowledged": None, "assigned": None, "snoozed_until": None}
    return {
        **said, "key": key, "severity": severity, "noun": noun, "since": since, "title": title, "text": text, **more,
    }  # fmt: skip


EXAMPLE = {
    "alerts": [
        _alert(
            "ticket|hotline|7|1795290000", 1, "ticket", 1_795_298_400.0,
            ["紧急事件超期 · 下穿通道<b>积水</b> 0.5 m", "Emergency overdue · 下穿通道<b>积水</b> 0.5 m"],
            ["7 · 道路积水 · 排水公司", "7 · 道路积水 · 排水公司"], unit="排水公司", link="/ticket?key=hotline%7C7",
        ),
        _alert(
            "sensor|over|gauges|W-04|level|1994582", 2, "sensor", 1_795_299_300.0,
            ["海五路下穿 超警戒 0.52 m", "海五路下穿: alarm, 0.52 m"], ["阈值 0.5 m", "Threshold 0.5 m"],
            assigned={"to": "梁慧敏", "by": "陈静", "at": 1_795_299_500.0},
        ),
        _alert(
            "camera|switch|p|SW-0317|1795158600", 3, "camera", 1_795_290_000.0,
            ["交换机故障 SW-0317 · 14 路离线", "Switch fault SW-0317: 14 cameras dark"], ["", ""], link="/video",
            acknowledged={"by": "李伟明", "at": 1_795_291_000.0, "comment": "已报修，预计两小时"},
        ),
        _alert(
            "steps|overdue|环卫中心|498655", 4, "ticket", 1_795_297_000.0,
            ["超期 · 环卫中心 2 件待告知", "Overdue · 环卫中心: 2 to be told"],
            ["无通知渠道，请电话告知", "No channel carries it, call them"], unit="环卫中心",
            link="/tickets?open=1", snoozed_until=1_795_303_000.0,
        ),
    ],
    "counts": {"1": 1, "2": 1, "3": 1, "4": 1},
    "open": {"1": 1, "2": 1, "3": 0, "4": 0},
    "unacknowledged": 2,
}  # fmt: skip
