"""The six stages of the work from left to right: how many tickets stand in each, how long, and how many are late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import amount, both, change, light, linked, number
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import STAGES, Words, count

AGES = (Words("<1 天", "<1 d"), Words("1–3 天", "1–3 d"), Words("3–7 天", "3–7 d"), Words(">7 天", ">7 d"))
LATE = Words("超期", "late")
TODAY = Words("今日结案", "Closed today")
YESTERDAY = Words("昨日同刻", "Yesterday")


def frame(ctx: Context) -> Any:
    """Six columns; the last one counts what left."""
    return html.Div(
        [
            html.Div(
                [
                    html.H3(both(TODAY if stage == "close" else words)),
                    html.Div(id=f"stages-{stage}", className="figure"),
                    html.Div(id=f"stages-{stage}-ages", className="ages"),
                ],
                className=f"stage {stage}",
            )
            for stage, words in STAGES.items()
        ],
        className="stages",
    )


def ages(found: Sequence[int], stage: str, ctx: Context) -> list[Any]:
    """How long the tickets of a stage have been in it: shares of one bar, and the numbers below it."""
    whole, language = sum(found), ctx.language
    parts = [html.Span(className=f"part age-{at}", style={"flexGrow": n}) for at, n in enumerate(found) if n]
    legend = [
        html.Span(
            [
                html.Span(className=f"swatch age-{at}"),
                html.Span(words[language], className="span"),
                html.B(amount(n, language, "", 4, ctx.behind(open=1, stage=stage, age=at))),
            ]
        )
        for at, (words, n) in enumerate(zip(AGES, found, strict=False))
    ]
    return [html.Div(parts if whole else [], className="bar"), html.Div(legend, className="spans")]


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Number, age and lateness of each stage; for the last one today's closings against yesterday's."""
    found = {row["stage"]: row for row in views["stages"].get("stages", [])}
    before = views["tickets"].get("yesterday", {}).get("closed", 0)
    painted: Painted = {}
    for stage in STAGES:
        row = found.get(stage, {})
        if stage == "close":
            closed = views["stages"].get("closed_today", 0)
            painted["stages-close.children"] = number(
                closed, language=ctx.language, room=6, behind=ctx.behind(closed="today") if closed else ""
            )
            painted["stages-close-ages.children"] = html.Div(
                [
                    change(closed, before),
                    html.Span(
                        [
                            f"{YESTERDAY[ctx.language]} ",
                            amount(before, ctx.language, "n", 99, ctx.behind(closed="yesterday_so_far")),
                        ],
                        className="quiet",
                    ),
                ],
                className="why",
            )
            continue
        late = row.get("late", 0)
        where = ctx.behind(open=1, stage=stage, behind=1)
        shown = [light("overdue", ctx.language), " ", linked(count(late), where), f" {LATE[ctx.language]}"]
        mark = html.Span(shown if late else [], className="late")
        painted[f"stages-{stage}.children"] = [
            number(row.get("n", 0), language=ctx.language, room=6, behind=ctx.behind(open=1, stage=stage)),
            mark,
        ]
        painted[f"stages-{stage}-ages.children"] = ages(row.get("ages", (0, 0, 0, 0)), stage, ctx)
    return painted


PANEL = Panel(
    id="stages",
    title=Words("工单六阶段", "The six stages"),
    reads=("stages", "tickets"),
    frame=frame,
    paint=paint,
    example={
        "stages": {
            "stages": [
                {"stage": "report", "n": 312, "ages": [298, 9, 4, 1], "late": 14},
                {"stage": "file", "n": 186, "ages": [180, 5, 1, 0], "late": 3},
                {"stage": "dispatch", "n": 904, "ages": [611, 222, 60, 11], "late": 21},
                {"stage": "handle", "n": 4310, "ages": [2100, 1500, 520, 190], "late": 143},
                {"stage": "inspect", "n": 402, "ages": [380, 20, 2, 0], "late": 0},
                {"stage": "close", "n": 0, "ages": [0, 0, 0, 0], "late": 0},
            ],
            "closed_today": 986,
        },
        "tickets": {"yesterday": {"opened": 977, "closed": 1004}},
    },
    period=Words("此刻在办 · 件", "open now · tickets"),
    formula=Words(
        "各阶段在办件数，按进入该阶段的时长分段；超期为已过处置时限者，或尚在上报、立案、派遣而受理、派遣、签收已超时者",
        "Open tickets in each stage by how long they have been in it; late are those past their deadline, and in "
        "report, file and dispatch also those whose time to be accepted, dispatched or signed for has passed",
    ),
)
