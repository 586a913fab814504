"""How the sources are doing: heard when, what became of what they sent, and what ails them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from dashboard.board import ODDITIES
from dashboard.masking import mask
from dashboard.nouns.noun import Document
from dashboard.screens.marks import amount, both, clipped, elapsed, empty, row
from dashboard.screens.panel import Behind, Context, Painted, Panel, Record
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
ANOMALIES = Words("不合规则", "Do not fit")  # Events that were kept and count nowhere, by reason.
REASONS = {
    "cancelled_before_registered": Words("注销早于登记", "cancelled before it was registered"),
    "closed_before_reported": Words("结案早于上报", "closed before it was reported"),
    "ends_before_it_begins": Words("结束早于开始", "ends before it begins"),
    "extended_without_clock": Words("无时限而延期", "extended without a deadline"),
    "failed_inspection": Words("核查未通过", "inspection failed"),
    "finished_before_accepted": Words("办结早于受理", "finished before it was accepted"),
    "finished_unknown_case": Words("办结而无受理", "finished and never accepted"),
    "follow_up_of_passed_sample": Words("合格而核查处置", "follow-up of a sample that passed"),
    "follow_up_of_unknown_sample": Words("核查处置而无抽检", "follow-up of no known sample"),
    "followed_up_before_judged": Words("核查处置早于判定", "followed up before it was judged"),
    "impossible_day": Words("日期不存在", "a day that no calendar has"),
    "mean_without_number": Words("有均值无人数", "a mean of nobody"),
    "merged_into_itself": Words("并入自身", "merged into itself"),
    "more_found_than_done": Words("问题多于检查", "more found than inspected"),
    "more_kept_than_due": Words("按时多于应办", "more on time than were due"),
    "more_put_right_than_found": Words("整改多于问题", "more put right than found"),
    "no_whistle": Words("未吹哨", "no whistle"),
    "not_from_reported": Words("已过上报", "no longer reported"),
    "not_suspended": Words("未挂账", "not suspended"),
    "not_whistled_for": Words("未被吹哨", "not whistled for"),
    "promised_after_legal": Words("承诺晚于法定", "promised later than the law allows"),
    "redress_of_good_rating": Words("好评而整改", "redress of a good rating"),
    "redress_of_unknown_rating": Words("整改而无评价", "redress of no known rating"),
    "redressed_before_rated": Words("整改早于评价", "redressed before it was rated"),
    "reopened_without_complaint": Words("无不满而重开", "reopened without a complaint"),
    "second_reopening": Words("再次重开", "reopened again"),
    "second_suspension": Words("重复挂账", "suspended again"),
    "second_whistle": Words("重复吹哨", "whistled again"),
    "suspended_into_the_past": Words("挂账早于当时", "suspended into the past"),
    "suspended_too_long": Words("挂账过长", "suspended too long"),
    "suspended_without_clock": Words("无时限而挂账", "suspended without a deadline"),
    "third_extension": Words("第三次延期", "third extension"),
    "unknown_hall": Words("未知大厅", "unknown hall"),
}
OTHER = Words("其他", "other")
EMPTY = Words("城市文件中没有数据源", "The city file names no feeds")


def frame(ctx: Context) -> Any:
    """A list with its columns named."""
    names = [Words("状态", "State"), Words("数据源", "Feed"), Words("上次", "Last"), *COUNTERS.values()]
    head = [html.Span(both(words), className="name" if n == 1 else "") for n, words in enumerate(names)]
    return html.Div(
        [html.Div(head, className="row head"), html.Div(id="feeds-rows", className="rows")], className="list feeds"
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """One line for each source, the ailing first, its fault in plain words below it."""
    order = list(STATES)
    rows = []
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
        odd, some = odd_of(views, feed.get("source", feed["name"]))
        if odd:
            worst = max(sorted(odd), key=lambda reason: odd[reason])
            name = REASONS.get(worst, OTHER)[ctx.language]
            said = f"{ANOMALIES[ctx.language]} {sum(odd.values()):,} ({name} {odd[worst]:,})"
            cells.append(html.Span(clipped(said), className="quiet odd", title=_all(odd, some, ctx.language)))
        rows.append(row(cells, feed["state"]))
    return {"feeds-rows.children": rows or empty(EMPTY, ctx.language)}


def odd_of(views: Mapping[str, Document], source: str) -> tuple[dict[str, int], dict[str, list[str]]]:
    """What of a source does not fit, over all nouns: reason → how often, and reason → some of the records."""
    odd: dict[str, int] = {}
    some: dict[str, list[str]] = {}
    for view in (views.get(name, {}) for name in ODDITIES):
        for reason, n in view.get("sources", {}).get(source, {}).items():
            odd[reason] = odd.get(reason, 0) + n
        for reason, numbers in view.get("some", {}).get(source, {}).items():
            some[reason] = [*some.get(reason, []), *numbers]
    return odd, some


def _all(odd: Mapping[str, int], some: Mapping[str, list[str]], language: str) -> str:
    """Every reason with its number, and numbers of records by which they can be found."""
    found = []
    for reason in sorted(odd, key=lambda reason: (-odd[reason], reason)):
        words = REASONS[reason][language] if reason in REASONS else reason
        numbers = ", ".join(mask(number) for number in some.get(reason, ()))
        found.append(f"{words} {odd[reason]:,}" + (f" ({numbers})" if numbers else ""))
    return clipped("; ".join(found))


LIGHTS = {"live": "normal", "late": "soon", "silent": "overdue", "failing": "worst"}


def records(views: Mapping[str, Document], ctx: Context) -> Sequence[Record]:
    """The sources with their state and what is wrong with them."""
    return [
        Record(
            feed["name"], " · ".join(filter(None, (STATES[feed["state"]][1][ctx.language], feed.get("error", "")))),
            LIGHTS.get(feed["state"], "none"), "", since=feed.get("heard"),
        )
        for feed in views["feeds"].get("feeds", [])
    ]  # fmt: skip


SOURCES = Behind(
    Words("数据源", "Feeds"), ("feeds",), records,
    Words("各源逐条计数；拒收者连同缘由原样留存，可修好后重发",
          "Each source counts record by record; what is refused is kept as it came, with its reason, to be sent again"),
)  # fmt: skip
PANEL = Panel(
    id="feeds",
    title=Words("数据源", "Feeds"),
    reads=("feeds", *ODDITIES),
    frame=frame,
    paint=paint,
    example={
        "market_oddities": {
            "sources": {"grid": {"ends_before_it_begins": 1}}, "some": {"grid": {"ends_before_it_begins": ["P-7"]}},
        },
        "service_oddities": {
            "sources": {"grid": {"unknown_hall": 3}}, "some": {"grid": {"unknown_hall": ["C-1", "C-2"]}},
        },
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
    records={"": SOURCES},
)  # fmt: skip
