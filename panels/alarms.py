"""The alarm clock: who is to be told of which late ticket now, whether or not there is a channel to tell them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.duty import Escalation
from dashboard.nouns.noun import Document
from dashboard.screens.cases import matter
from dashboard.screens.marks import amount, clipped, elapsed, empty, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words

ROWS = 40
POSTS = {
    "intake": Words("受理席", "intake"),
    "dispatcher": Words("派遣席", "dispatcher"),
    "handler": Words("经办人", "handler"),
    "duty": Words("值班员", "duty officer"),
    "leader": Words("领导", "leader"),
}
NAMES = {
    "accept": Words("待受理", "To accept"),
    "dispatch": Words("待派遣", "To dispatch"),
    "reminder": Words("提醒", "Reminder"),
    "overdue": Words("超期", "Overdue"),
    "leader": Words("升级", "Escalated"),
}
STEPS = 6  # So many kinds of step are counted above the list.
EMPTY = Words("没有到时的催办", "Nobody is to be told of anything")


def frame(ctx: Context) -> Any:
    """How many of each step are due, and the latest of them."""
    return html.Div(
        [
            html.Div(id="alarms-steps", className="legend"),
            html.Div(html.Div(id="alarms-rows", className="rows"), className="list alarms"),
        ],
        className="stack",
    )


def title_of(ctx: Context, step: str) -> str:
    """A step's name as the screen shows it: the city's own, else the usual one, else as it is written."""
    plan = ctx.city.escalation or Escalation()
    own = next((one.title for one in plan.steps if one.name == step), None)
    if own is not None:
        return own.zh if ctx.language == "zh" else own.en
    return NAMES[step][ctx.language] if step in NAMES else step


def _behind(ctx: Context, name: str) -> str:
    """The tickets for which a step is due; nothing where no filter says just that."""
    step = next((one for one in (ctx.city.escalation or Escalation()).steps if one.name == name), None)
    if step is None:
        return ""
    late = step.at in ("overdue", 1)
    if step.clock != "handle":
        return ctx.behind(waits=step.clock) if late else ""
    if late:
        return ctx.behind(late=1)
    if step.at == "soon":
        return ctx.behind(light=("soon", "overdue", "worst"))
    return ctx.behind(light="worst") if step.at == 1 + ctx.city.limits.worst_multiple else ""


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The latest steps come first; a step that stays due stays in the list."""
    view, language = views["steps"], ctx.language
    rows = []
    for due in view.get("rows", [])[:ROWS]:
        unit = clipped(ctx.city.translated(due["unit"], language)) or DASH
        post = POSTS[due["to"]][language] if due["to"] in POSTS else due["to"]
        rows.append(
            row([
                matter({**due, "number": due["key"].partition("|")[2]}, ctx),
                html.Span(f"{title_of(ctx, due['step'])} → {post}", className="where quiet"),
                html.Span(unit, className="who", title=unit),
                html.Span(elapsed(due["moment"]), className="n"),
            ])
        )  # fmt: skip
    steps = [
        html.Span([f"{title_of(ctx, name)} ", html.B(amount(n, language, "", behind=_behind(ctx, name)))])
        for name, _, n in view.get("steps", [])[:STEPS]
    ]
    return {"alarms-steps.children": steps, "alarms-rows.children": rows or empty(EMPTY, language)}


PANEL = Panel(
    id="alarms",
    title=Words("催办", "Alarm clock"),
    reads=("steps",),
    frame=frame,
    paint=paint,
    example={
        "steps": {
            "steps": [
                ["accept", "intake", 4], ["dispatch", "dispatcher", 9], ["reminder", "handler", 31],
                ["overdue", "duty", 12], ["leader", "leader", 2],
            ],
            "rows": [
                {
                    "key": "hotline|7", "title": "垃圾桶满溢", "category": "垃圾满溢", "unit": "环卫中心", "place": "A",
                    "step": "overdue", "to": "duty", "moment": 1_795_299_000.0, "due": 1_795_299_000.0,
                },
                {
                    "key": "hotline|9", "title": "", "category": "路灯不亮", "unit": "市政中心", "place": "",
                    "step": "reminder", "to": "handler", "moment": 1_795_298_000.0, "due": 1_795_300_000.0,
                },
            ],
            "n": 58,
        }
    },
    period=Words("此刻 · 件", "now · tickets"),
    formula=Words(
        "在办工单中已到时的各级催办：受理、派遣超时各催其席，处置黄灯提醒经办人，红灯通知值班员，之后逐级上报；"
        "是否送达见催办记录",
        "Steps that are due for open tickets: intake and dispatcher when they are late; of the handling the handler at "
        "yellow, the duty officer at red, then the leaders; "
        "the log says what arrived",
    ),
)  # fmt: skip
