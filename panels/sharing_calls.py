"""The calls of the day: how many, how many failed, how many records went out, hour by hour, and the APIs that fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.dayline import dayline
from dashboard.screens.dayline import frame as day
from dashboard.screens.frames import figures, heads
from dashboard.screens.marks import amount, both, change, clipped, elapsed, empty, fraction, number, rate, row
from dashboard.screens.networkrecords import APIS
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, compact, percent

ROWS = 24
NAMES = {
    "calls": Words("今日调用", "Calls today"),
    "failures": Words("失败率", "Failure rate"),
    "records": Words("交换数据", "Records exchanged"),
    "apis": Words("在用接口", "APIs in use"),
}
TIMES, RECORDS = Words("次", ""), Words("条", "")
YESTERDAY = Words("昨日全天", "All yesterday")
FAILING = Words("失败过半", "Failing now")
NOW, BEFORE = Words("今日", "Today"), Words("昨日", "Yesterday")
COLUMNS = (
    Words("接口", "API"),
    Words("部门", "Department"),
    Words("失败率", "Failed"),
    Words("失败", "Failures"),
    Words("调用 n", "Calls n"),
    Words("失败起", "Failing"),
)
EMPTY = Words("今日没有接口被调用", "No API was called today")


def frame(ctx: Context) -> Any:
    """Four figures, the day, and a list of APIs."""
    key = html.Div(
        [
            html.Span([html.Span(className="swatch done"), both(NOW)]),
            html.Span([html.Span(className="swatch before"), both(BEFORE)]),
        ],
        className="calls-key",
    )
    return html.Div(
        [
            figures("sharing_calls", NAMES, "figures four"),
            key,
            day("sharing_calls-day"),
            heads(COLUMNS, names=2),
            html.Div(id="sharing_calls-rows", className="rows"),
        ],
        className="list sharing-calls",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Figures with what makes them mean something; of an API that fails, since when."""
    view, language = views["sharing_calls"], ctx.language
    calls, failures, records = view.get("today", (0, 0, 0))
    before = view.get("yesterday", (0, 0, 0))
    now, then = view.get("same", (0, 0))
    failing = view.get("failing", 0)
    hours = view.get("hours", {})
    rows = []
    for api in [api for api in view.get("apis", []) if api["calls"] or api["failing"]][:ROWS]:
        broken = api["failing"] is not None
        rows.append(
            row([
                html.Span(clipped(ctx.city.translated(api["name"], language)), className="name"),
                html.Span(clipped(ctx.city.translated(api["department"], language)), className="quiet"),
                html.Span(
                    f"{percent(api['failures'], api['calls'], 2)} %" if api["calls"] else DASH,
                    className="n late" if broken else "n",
                ),
                amount(api["failures"], language, "n late" if broken else "n quiet", 5),
                amount(api["calls"], language, "n quiet", 6),
                elapsed(api["failing"]),
            ])
        )  # fmt: skip
    return {
        "sharing_calls-calls.children": number(calls, TIMES[language], language=language, room=5),
        "sharing_calls-calls-why.children": [
            change(now, then),
            html.Span(f"{YESTERDAY[language]} {compact(before[0], language)}" if before[0] else "", className="quiet"),
        ],
        "sharing_calls-failures.children": rate(failures, calls) if failures * 200 > calls else _small(failures, calls),
        "sharing_calls-failures-why.children": [
            html.Span(fraction(failures, calls, language)),
            html.Span(
                f"{YESTERDAY[language]} {percent(before[1], before[0], 2)} %" if before[0] else "", className="quiet"
            ),
        ],
        "sharing_calls-records.children": number(records, RECORDS[language], language=language, room=5),
        "sharing_calls-records-why.children": [
            html.Span(f"{YESTERDAY[language]} {compact(before[2], language)}" if before[2] else DASH, className="quiet")
        ],
        "sharing_calls-apis.children": number(view.get("called"), language=language, room=5),
        "sharing_calls-apis-why.children": [
            html.Span(f"/ {compact(view.get('number', 0), language)}"),
            html.Span(f"{FAILING[language]} {compact(failing, language)}", className="late" if failing else "quiet"),
        ],
        "sharing_calls-day.children": dayline(hours.get("today", ()), hours.get("yesterday", ()), language),
        "sharing_calls-rows.children": rows or empty(EMPTY, language),
    }


def _small(part: int, whole: int) -> Any:
    """A rate below half a percent, with the digits that tell it from nothing."""
    return number(percent(part, whole, 2), "%")


PANEL = Panel(
    id="sharing_calls",
    title=Words("接口调用", "API calls"),
    reads=("sharing_calls",),
    frame=frame,
    paint=paint,
    example={
        "sharing_calls": {
            "today": [554439, 750, 3300945], "yesterday": [1017853, 355, 6095789], "same": [501458, 505220],
            "called": 31, "number": 32, "failing": 1,
            "hours": {
                "today": [[0, 12980, 2], [6, 12627, 2], [8, 34704, 13], [10, 70972, 23], [13, 75016, 8000]],
                "yesterday": [[0, 12808, 2], [6, 12743, 2], [8, 35022, 9], [12, 72472, 20], [18, 54637, 28]],
            },
            "apis": [
                {"key": "s|1", "name": "残疾人证核验", "department": "残联", "calls": 9012, "failures": 5315,
                 "records": 9012, "bound": 0.58, "failing": 1_795_300_000.0},
                {"key": "s|2", "name": "<b>统一身份认证</b>", "department": "政数局", "calls": 63751, "failures": 29,
                 "records": 63751, "bound": 0.0003, "failing": None},
            ],
        }
    },
    period=Words("零时至今", "since midnight"),
    formula=Words(
        "失败率 = 失败 ÷ 调用；接口按失败比例的威尔逊区间下限（95 %）排列，失败过半者在前；"
        "升降为今日整点前与昨日同一时段相比",
        "Failures ÷ calls; APIs by the lower bound of the Wilson interval (95 %) of that share, those failing now "
        "first; the change is today's full hours against the same of yesterday",
    ),
    records={"": APIS},
)  # fmt: skip
