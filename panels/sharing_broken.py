"""What of the catalogue cannot be relied on: broken entries and APIs, since when, why, and what rests on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from dash import html

from dashboard.board import VIEWS
from dashboard.nouns.noun import Document
from dashboard.screens.frames import figures, heads
from dashboard.screens.keynumber import feeds_of
from dashboard.screens.marks import clipped, elapsed, empty, number, row
from dashboard.screens.networkrecords import BROKEN_ENTRIES, LATE_ENTRIES
from dashboard.screens.panel import Context, Painted, Panel, all_panels, under
from dashboard.words import DASH, Words

ROWS = 24
WHYS: dict[str, tuple[str, str, Words]] = {
    "said": ("✕", "bad", Words("中断", "Broken")),
    "failing": ("▲", "bad", Words("失败", "Failing")),
    "late": ("◆", "old", Words("久未更新", "Long late")),
    "never": ("○", "old", Words("从未更新", "Never")),
}
NAMES = {
    "broken": Words("中断", "Broken"),
    "rests": Words("影响面板", "Greyed by it"),
    "late": Words("超过周期", "Past their cycle"),
}
UNITS = {"broken": Words("项", ""), "rests": Words("处", ""), "late": Words("项", "")}
COLUMNS = (
    Words("缘由", "Why"),
    Words("目录或接口", "Entry or API"),
    Words("部门", "Department"),
    Words("所依", "What rests on it"),
    Words("历时", "For"),
)
EMPTY = Words("所有目录与接口均可用", "Every entry and API can be relied on")


def frame(ctx: Context) -> Any:
    """Three figures and a list."""
    return html.Div(
        [
            figures("sharing_broken", NAMES, why=False),
            heads(COLUMNS, names=4),
            html.Div(id="sharing_broken-rows", className="rows"),
        ],
        className="list sharing-broken",
    )


def called(name: str, ctx: Context) -> str:
    """A feed, a noun or a panel as the screens call it: by the title of the panel of that name, where there is one."""
    panel = all_panels().get(name)
    return ctx.city.translated(name, ctx.language) if panel is None else panel.title[ctx.language]


def greyed(names: Collection[str], ctx: Context) -> int:
    """How many panels rest on something of these names, each counted once."""
    if not names:
        return 0
    feeds = feeds_of(ctx.city)
    return sum(
        not under(panel, (feed for view in panel.reads if view in VIEWS for feed in feeds.get(VIEWS[view].name, ())))
        .isdisjoint(names)
        for panel in all_panels().values()
    )  # fmt: skip


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Why with its shape, what it is, whose, what rests on it, and for how long."""
    view, language = views["sharing_broken"], ctx.language
    rows = []
    for found in view.get("broken", [])[:ROWS]:
        shape, kind, word = WHYS.get(found["why"], WHYS["said"])
        reason = clipped(ctx.city.translated(found["reason"], language))
        rests = "、".join(called(name, ctx) for name in found["rests"])
        rows.append(
            row(
                [
                    html.Span([html.Span(shape, className="shape"), " ", word[language]], className="cause"),
                    html.Span(clipped(ctx.city.translated(found["name"], language)), className="name", title=reason),
                    html.Span(clipped(ctx.city.translated(found["department"], language)), className="quiet"),
                    html.Span(rests or reason or DASH, className="on" if rests else "quiet"),
                    elapsed(found["since"]),
                ],
                kind,
            )
        )
    resting = greyed(view.get("resting", ()), ctx) if view else None
    numbers = {"broken": view.get("number"), "rests": resting, "late": view.get("late_number")}
    return {
        **{
            f"sharing_broken-{name}.children": number(n, UNITS[name][language], language=language, room=5)
            for name, n in numbers.items()
        },
        "sharing_broken-rows.children": rows or empty(EMPTY, language),
    }


PANEL = Panel(
    id="sharing_broken",
    title=Words("中断的目录", "Broken entries"),
    reads=("sharing_broken",),
    frame=frame,
    paint=paint,
    example={
        "sharing_broken": {
            "broken": [
                {"key": "s|1", "what": "entry", "name": "企业登记信息", "department": "市监局",
                 "since": 1_795_300_000.0, "why": "said", "reason": "前置机连接中断",
                 "rests": ["sharing", "video_rate"]},
                {"key": "s|2", "what": "api", "name": "<b>残疾人证核验</b>", "department": "残联",
                 "since": 1_795_310_000.0, "why": "failing", "reason": "", "rests": []},
                {"key": "s|3", "what": "entry", "name": "志愿服务信息", "department": "财政局",
                 "since": 1_794_342_830.0, "why": "late", "reason": "", "rests": []},
                {"key": "s|4", "what": "entry", "name": "年度计划", "department": "工商联", "since": None,
                 "why": "never", "reason": "", "rests": []},
            ],
            "number": 4, "whys": {"said": 1, "failing": 1, "late": 1, "never": 1}, "late_number": 68,
            "late": [
                {"key": "s|5", "name": "社会保险参保信息", "department": "社保局", "since": 1_795_200_000.0,
                 "updated": 1_795_113_600.0, "cycle": 86_400.0, "rests": []},
            ],
            "resting": ["sharing", "video_rate"], "unheard": [],
        }
    },
    period=Words("此刻 · 有所依者在前", "now · what is rested on first"),
    formula=Words(
        "中断：数源部门标明，或接口近两小时内过半调用失败，或超过三个更新周期未更新；所依的面板一并置灰，每块计一次",
        "Broken: said so by its keeper, an API most of whose calls fail, or not updated for three of its cycles; the "
        "panels that rest on any of it are greyed, and each is counted once",
    ),
    records={"": BROKEN_ENTRIES, "late": LATE_ENTRIES},
)  # fmt: skip
