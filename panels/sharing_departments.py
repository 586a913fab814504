"""Who keeps what it shares up to date: departments by the share of their entries that is late, worst first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.frames import heads
from dashboard.screens.marks import amount, clipped, empty, fraction, rate, row, share
from dashboard.screens.networkrecords import STALE
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, compact, percent

ROWS = 40
TARGET = Words("目标", "Target")
OF = Words("个部门", "departments")
NOBODY = Words("未列部门", "Unlisted")
COLUMNS = (
    Words("部门", "Department"),
    Words("", ""),
    Words("及时率", "On time"),
    Words("及时 / 应更新", "Done / due"),
    Words("中断", "Broken"),
    Words("目录", "Entries"),
)
EMPTY = Words("尚无数据目录", "No catalogue yet")


def frame(ctx: Context) -> Any:
    """The rate of all, and a ranked list with its columns named."""
    return html.Div(
        [
            html.Div(
                [
                    html.Div(id="sharing_departments-big", className="big"),
                    html.Div(id="sharing_departments-big-why", className="beside"),
                ],
                className="lead",
            ),
            heads(COLUMNS, marked=True),
            html.Div(id="sharing_departments-rows", className="rows"),
        ],
        className="list sharing-departments",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Rank, the rate as a bar against the target, numerator and denominator, and how many entries are broken."""
    view, language = views["sharing_departments"], ctx.language
    part, whole = view.get("on_time", (0, 0))
    target = ctx.city.sharing.target
    rows = []
    for rank, found in enumerate(view.get("departments", [])[:ROWS], start=1):
        due, done = found["due"], found["on_time"]
        kind = "none" if not due else "high" if done >= target * due else "middle" if done >= 0.9 * due else "low"
        name = clipped(ctx.city.translated(found["department"], language)) or NOBODY[language]
        rows.append(
            row([
                html.Span(str(rank) if due else DASH, className="rank"),
                html.Span(name, className="name"),
                share(done / due if due else 0, kind),
                html.Span(f"{percent(done, due)} %" if due else DASH, className="n"),
                html.Span(fraction(done, due, language, 4), className="n quiet"),
                amount(found["broken"], language, "n late" if found["broken"] else "n quiet", 4),
                amount(found["entries"], language, "n quiet"),
            ])
        )  # fmt: skip
    return {
        "sharing_departments-big.children": rate(part, whole),
        "sharing_departments-big-why.children": [
            html.Span(fraction(part, whole, language)),
            html.Span(f"{TARGET[language]} {100 * target:g} %" if whole else "", className="quiet"),
            html.Span(f"{compact(view.get('number', 0), language)} {OF[language]}" if whole else "", className="quiet"),
        ],
        "sharing_departments-rows.children": rows or empty(EMPTY, language),
    }


def entries(department: str, number: int, due: int, on_time: int, broken: int, bound: float | None) -> Document:
    """A department of the example."""
    found = {"department": department, "entries": number, "linked": number - 3, "due": due, "on_time": on_time}
    return {**found, "broken": broken, "bound": bound}


PANEL = Panel(
    id="sharing_departments",
    title=Words("目录更新及时率", "Catalogue kept up to date"),
    reads=("sharing_departments",),
    frame=frame,
    paint=paint,
    example={
        "sharing_departments": {
            "departments": [
                entries("通信办", 64, 58, 47, 1, 0.109),
                entries("残联", 64, 59, 54, 0, 0.037),
                entries("<b>市监局</b>", 66, 61, 61, 0, 0.0),
                entries("档案馆", 3, 0, 0, 0, None),
            ],
            "number": 75, "on_time": [4246, 4314], "unlisted": 0,
        }
    },
    period=Words("此刻 · 迟更多者在前", "now · most late first"),
    formula=Words(
        "及时率 = 在各自更新周期内更新的目录 ÷ 应更新的目录（有周期且已挂接）；按迟更比例的威尔逊区间下限（95 %）排列",
        "Entries updated within their own cycle ÷ entries that have a cycle and their data; ranked by the lower bound "
        "of the Wilson interval (95 %) of the late share",
    ),
    records={"": STALE},
)  # fmt: skip
