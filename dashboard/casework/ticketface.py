"""The page of one ticket: what it is, how it stands, every step with the limit used by then, and what is near to it.

Drawn as components that ``draw.mjs`` writes as text and attributes, so that nothing a ticket says can run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from dash import html

from dashboard.casework.ticketasks import STATES
from dashboard.casework.ticketrows import VERDICTS, Reader, cells, light_of
from dashboard.masking import mask
from dashboard.nouns.ticketstory import Step, Story
from dashboard.screens.marks import Mark, clipped, countdown, light
from dashboard.words import DASH, LIGHTS, Words, in_percent

KINDS: dict[str, Words] = {
    "reported": Words("上报", "Reported"), "verifying": Words("核实", "Verifying"),
    "accepted": Words("受理", "Accepted"),
    "rejected": Words("不予受理", "Rejected"), "filed": Words("立案", "Filed"),
    "dispatched": Words("派遣", "Dispatched"),
    "signed": Words("签收", "Signed"), "contacted": Words("联系来电人", "Citizen contacted"),
    "returned": Words("回退", "Returned"), "extended": Words("延期", "Extension"),
    "suspended": Words("挂账", "Suspended"),
    "resumed": Words("恢复", "Resumed"), "done": Words("处置完成", "Handled"), "inspected": Words("核查", "Inspected"),
    "reworked": Words("返工", "Rework"), "closed": Words("结案", "Closed"), "called_back": Words("回访", "Called back"),
    "rated": Words("评价", "Rated"), "whistled": Words("吹哨", "Whistle"), "reported_in": Words("报到", "Reported in"),
    "whistle_answered": Words("吹哨已响应", "Whistle answered"), "whistle_closed": Words("吹哨评分", "Whistle scored"),
    "supervised": Words("督办", "Supervised"), "merged": Words("并案", "Merged"), "voided": Words("作废", "Voided"),
    "exempted": Words("豁免", "Exemption"), "amended": Words("更正", "Put right"),
}  # fmt: skip
DETAILS: dict[str, Words] = {
    "unit": Words("单位", "unit"), "category": Words("事项", "category"), "condition": Words("条件", "condition"),
    "channel": Words("来源", "channel"), "due": Words("来源时限", "source's deadline"), "until": Words("至", "until"),
    "granted": Words("同意", "granted"), "passed": Words("通过", "passed"), "verdict": Words("来源判定", "source says"),
    "solved": Words("已解决", "solved"), "satisfied": Words("满意", "satisfied"),
    "reopen": Words("重新打开", "reopened"),
    "stars": Words("星级", "stars"), "lead": Words("牵头", "lead"), "supporting": Words("配合", "supporting"),
    "score": Words("评分", "score"), "level": Words("级别", "level"), "into": Words("并入", "into"),
    "urgent": Words("紧急", "urgent"),
}  # fmt: skip
FACTS: dict[str, Words] = {
    "state": Words("状态", "State"), "stage": Words("环节", "Stage"), "category": Words("事项", "Category"),
    "condition": Words("立案条件", "Condition"),
    "unit": Words("责任单位", "Unit"), "place": Words("地点", "Place"), "channel": Words("来源", "Channel"),
    "source": Words("数据源", "Feed"), "reported": Words("上报", "Reported"), "limit": Words("时限", "Limit"),
    "deadline": Words("应结", "Deadline"), "due": Words("来源时限", "Source's deadline"),
    "closed": Words("结案", "Closed"), "on_time": Words("按期", "On time"), "exempted": Words("豁免", "Exempted"),
    "verdict": Words("来源判定", "Source says"),
}  # fmt: skip
YES, NO = Words("是", "yes"), Words("否", "no")
LEFT, OVER, PAST = Words("剩余", "Left"), Words("超时", "Over by"), Words("超时", "past the deadline")
USED = Words("已用时限", "of the limit used")
LIFE = Words("办理过程", "What happened")
CLOCK = Words("计时", "The clock")
RAN, RESTED, DUE = Words("计时", "running"), Words("暂停", "paused"), Words("时限", "deadline")
MESSAGES = Words("已发消息", "Messages sent")
STATUS: dict[str, Words] = {
    "waiting": Words("待发", "waiting"), "sending": Words("发送中", "under way"), "sent": Words("已送达", "arrived"),
    "failed": Words("失败", "failed"), "moot": Words("无需再发", "no longer needed"),
    "shown": Words("仅在值班台显示", "shown on the desk"),
}  # fmt: skip
NO_MESSAGES = Words("未发送消息", "No messages were sent")
CALLER = Words("同一来电人、同一事项", "Same caller, same matter")
SPOT = Words("同一地点", "Same spot")
NONE = Words("无", "None")
UNFIT = Words("未计入", "not counted")
SOURCE_LIMIT = Words("按来源时限", "as the source says")
NO_LIMIT = Words("无时限", "none")
EXTENDED = Words("延期 {n} 次", "{n} extension(s)")


def head(row: Mapping[str, Any], to: Reader) -> list[Mark]:
    """Number, title and light, with the time left while a clock runs."""
    shown = light_of(row, to.now)
    parts: list[Mark] = [
        html.Div(
            [html.Span(clipped(row["number"]), className="key"), html.Span(clipped(row["source"]), className="quiet")]
        ),
        html.H3(clipped(row["title"] or row["category"] or "") or clipped(row["number"])),
    ]
    if shown:
        state: list[Mark] = [light(shown, to.language), html.Span(LIGHTS[shown][1][to.language])]
        if shown in ("normal", "soon", "overdue", "worst"):
            words = LEFT if shown in ("normal", "soon") else OVER
            state += [html.Span(words[to.language], className="quiet"), countdown(row["deadline"])]
        parts.append(html.Div(state, className=f"lit {shown}"))
    else:
        word = STATES[row["state"]][to.language] if row["state"] in STATES else DASH
        late = row["on_time"] == 0
        verdict = [] if row["on_time"] is None else [html.Span(VERDICTS["overdue" if late else "on_time"][to.language])]
        parts.append(
            html.Div(
                [html.Span("▲" if late else "✓", className="shape"), html.Span(word), *verdict],
                className=f"lit {'late' if late else 'ended'}",
            )
        )
    return parts


def facts(row: Mapping[str, Any], told: Story, to: Reader) -> list[Mark]:
    """What is known of it, name by name; a name that leads to its likes is a link."""
    texts = cells(row, to)
    limit = (
        told.limit.words[to.language]
        if told.limit
        else (SOURCE_LIMIT if row["due"] is not None else NO_LIMIT)[to.language]
    )
    if told.extensions:
        limit += " + " + EXTENDED[to.language].format(n=told.extensions)
    shown = {**texts, "limit": limit}
    links = {
        name: "/tickets?" + urlencode({name: row[name] or "", "lang": to.language})
        for name in ("category", "unit", "channel")
    }
    if row["place"] in to.places:
        links["place"] = "/tickets?" + urlencode({"place": row["place"], "open": "1", "lang": to.language})
    lines = []
    for name, words in FACTS.items():
        value = shown[name]
        if value in ("", DASH) and name in ("condition", "due", "verdict", "closed", "on_time"):
            continue
        if name == "exempted" and not row["exempted"]:
            continue
        cell: Mark = html.A(value, href=links[name]) if name in links and value != DASH else html.Span(value)
        lines.append(html.Div([html.Span(words[to.language], className="quiet"), cell], className="fact"))
    return lines


def clock(told: Story, to: Reader) -> list[Mark]:
    """The handling clock as a bar from its start until now, its end or its deadline: running, paused, over."""
    if not told.spans:
        return [html.Div(NONE[to.language], className="empty")]
    start = told.spans[0][0]
    until = told.ticket.done_at if told.ticket.done_at is not None else to.now
    end = max(until, told.deadline or until, start + 60)
    marks: list[Mark] = []
    rested = start

    def part(first: float, last: float, kind: str, title: str) -> None:
        if last > first:
            left, width = 100 * (first - start) / (end - start), 100 * (last - first) / (end - start)
            marks.append(
                html.Span(
                    className=f"span {kind}", style={"left": f"{left:.2f}%", "width": f"{width:.2f}%"}, title=title
                )
            )

    for first, last in told.spans:
        stop = min(until if last is None else last, until)
        part(rested, min(first, until), "rest", f"{RESTED[to.language]} {to.moment(rested)} – {to.moment(first)}")
        over = told.deadline if told.deadline is not None else stop
        part(first, min(stop, over), "ran", f"{RAN[to.language]} {to.moment(first)} – {to.moment(stop)}")
        part(max(first, over), stop, "over", f"{OVER[to.language]} {to.moment(over)} – {to.moment(stop)}")
        rested = stop
    part(rested, until, "rest", f"{RESTED[to.language]} {to.moment(rested)} – {to.moment(until)}")
    if told.deadline is not None:
        left = 100 * (told.deadline - start) / (end - start)
        marks.append(
            html.Span(
                className="mark", style={"left": f"{left:.2f}%"}, title=f"{DUE[to.language]} {to.moment(told.deadline)}"
            )
        )
    ends = [
        html.Span(to.moment(start)),
        html.Span(f"{DUE[to.language]} {to.moment(told.deadline)}" if told.deadline else DASH),
    ]
    legend = [
        html.Span([html.Span(className=f"swatch {kind}"), words[to.language]])
        for kind, words in (("ran", RAN), ("rest", RESTED), ("over", PAST))
    ]
    return [
        html.Div([html.B(_percent(told.used)), html.Span(f" {USED[to.language]}", className="quiet")],
                 className="used"),
        html.Div(marks, className="timeline"), html.Div(ends, className="ends quiet"),
        html.Div(legend, className="keys quiet"),
    ]  # fmt: skip


def _percent(share: float | None) -> str:
    return DASH if share is None else f"{in_percent(100 * share, 0)} %"


def steps(told: Story, to: Reader) -> list[Mark]:
    """Every step, the latest last; what did not fit stands beside the rest, with its reason, and changed nothing."""
    return [html.Li(_step(step, to), className="step unfit" if step.reason else "step") for step in told.steps]


def _step(step: Step, to: Reader) -> list[Mark]:
    words = KINDS.get(step.kind)
    name = words[to.language] if words else step.kind
    first: list[Mark] = [html.B(name)]
    if (
        step.after != step.before
        and step.after in STATES
        and not step.reason
        and STATES[step.after][to.language] != name
    ):
        first.append(html.Span(f"→ {STATES[step.after][to.language]}", className="quiet"))
    if step.by:
        first.append(html.Span(to.name(mask(step.by)), className="by"))
    lines: list[Mark] = [html.Div(first)]
    details = [
        f"{DETAILS[name][to.language]} {_detail(name, value, to)}"
        for name, value in step.details.items()
        if name in DETAILS
    ]
    if details:
        lines.append(html.Div(" · ".join(details), className="quiet"))
    if step.why:
        lines.append(html.Div(f"“{clipped(mask(step.why))}”", className="why"))
    if step.reason:
        lines.append(html.Div(f"▲ {UNFIT[to.language]}: {step.reason.replace('_', ' ')}", className="reason"))
    used: list[Mark] = []
    if step.used is not None:
        width = f"{100 * min(1.0, step.used):.1f}%"
        kind = "over" if step.used > 1 else "soon" if step.used > 0.7 else ""
        used = [
            html.Span(html.Span(className=kind, style={"width": width}), className="meter"),
            html.Span(_percent(step.used)),
        ]
    return [
        html.Time(to.moment(step.at, seconds=True)), html.Div(lines, className="what"),
        html.Div(used, className="spent quiet"),
    ]  # fmt: skip


def _detail(name: str, value: Any, to: Reader) -> str:
    if isinstance(value, bool):
        return (YES if value else NO)[to.language]
    if name in ("unit", "category", "condition", "channel", "lead"):
        return to.name(value)
    if name == "supporting":
        return ", ".join(to.name(one) for one in value)
    if name == "verdict":
        return VERDICTS[value][to.language] if value in VERDICTS else DASH
    if name in ("due", "until"):
        return to.moment(value.timestamp())
    return clipped(str(value))


def related(found: Mapping[str, Sequence[Mapping[str, Any]]], to: Reader) -> list[Mark]:
    """Other tickets of the same caller and matter, and at the same spot."""
    parts: list[Mark] = []
    for name, words in (("caller", CALLER), ("spot", SPOT)):
        rows = [_other(row, to) for row in found.get(name, ())]
        parts += [html.H3(words[to.language]), *(rows or [html.Div(NONE[to.language], className="empty")])]
    return parts


def _other(row: Mapping[str, Any], to: Reader) -> Mark:
    shown = light_of(row, to.now)
    word = light(shown, to.language) if shown else html.Span("✓", className="light ended")
    return html.A(
        [word, html.Span(clipped(row["title"] or row["category"] or row["number"]), className="name"),
         html.Span(to.moment(row["reported"])[:10], className="quiet")],
        href="/ticket?" + urlencode({"key": f"{row['source']}|{row['number']}", "lang": to.language}),
        className="other",
    )  # fmt: skip


def messages(sent: Sequence[Mapping[str, Any]], to: Reader) -> list[Mark]:
    """What was sent to whom, when, and whether it arrived."""
    rows = [
        html.Div([
            html.Time(to.moment(one["at"])), html.Span(clipped(str(one["step"])), className="name"),
            html.Span(clipped(mask(str(one["to"]))), className="by"),
            html.Span(STATUS[one["state"]][to.language] if one["state"] in STATUS else DASH, className="quiet"),
        ], className="message")
        for one in sent
    ]  # fmt: skip
    return rows or [html.Div(NO_MESSAGES[to.language], className="empty")]


def face(
    row: Mapping[str, Any],
    told: Story,
    others: Mapping[str, Sequence[Mapping[str, Any]]],
    sent: Sequence[Mapping[str, Any]],
    to: Reader,
) -> dict[str, Any]:
    """The parts of the page, by the id of the element each is drawn in."""
    return {
        "head": head(row, to), "facts": facts(row, told, to), "clock": clock(told, to), "life": steps(told, to),
        "messages": messages(sent, to), "related": related(others, to),
        "titles": {
            "life": LIFE[to.language], "clock": CLOCK[to.language], "messages": MESSAGES[to.language],
        },
    }  # fmt: skip
