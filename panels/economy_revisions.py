"""What was put right after it had come out: from which value to which, when, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.amounts import day_words, period_words, signed, written
from dashboard.screens.cityrecords import REVISIONS
from dashboard.screens.frames import heads
from dashboard.screens.marks import clipped, empty, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words

ROWS = 16
COLUMNS = (
    Words("修订日", "Revised"),
    Words("指标", "Figure"),
    Words("时期", "Period"),
    Words("原值 → 现值", "From → to"),
    Words("幅度", "By"),
)
EMPTY = Words("没有数据被修订", "Nothing was revised")


def frame(ctx: Context) -> Any:
    """A list with its columns named."""
    return html.Div(
        [heads(COLUMNS, names=3), html.Div(id="economy_revisions-rows", className="rows")],
        className="list economy-revisions",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The latest first. A value that was taken back became a dash; where the unit changed no share is worked out."""
    language = ctx.language
    rows = []
    for one in views["revisions"].get("revisions", [])[:ROWS]:
        before, after = one["from"], one["to"]
        known = before and after is not None and one["from_unit"] == one["to_unit"]
        rows.append(
            row([
                html.Span(day_words(one["at"], ctx.city.tz, language), className="day"),
                html.Span(clipped(ctx.city.translated(one["name"], language)), className="name"),
                html.Span(period_words(one["period"], language), className="quiet"),
                html.Span(
                    [html.Span(written(before), className="was"), " → ", html.B(written(after))], className="n",
                    title=clipped(ctx.city.translated(one["to_unit"], language)),
                ),
                html.Span(f"{_by(before, after)}" if known else DASH, className="n quiet"),
            ])
        )  # fmt: skip
    return {"economy_revisions-rows.children": rows or empty(EMPTY, language)}


def _by(before: float, after: float) -> str:
    """By which share a value was changed: most changes are tenths of a percent, so two decimals."""
    by = 100 * (after - before) / abs(before)
    return signed(by, "%") if abs(by) >= 1 else f"{'+' if by > 0 else '−'}{abs(by):.2f} %"


PANEL = Panel(
    id="economy_revisions",
    title=Words("数据修订", "Revisions"),
    reads=("revisions",),
    frame=frame,
    paint=paint,
    example={
        "revisions": {
            "revisions": [
                {
                    "key": "f|industry|x|cumulative", "code": "industry", "name": "规上工业总产值", "period": "2026-09",
                    "at": 1_794_708_000.0, "from": 6994.7, "from_unit": "亿元", "to": 6906.5, "to_unit": "亿元",
                },
                {
                    "key": "f|gdp|x|cumulative", "code": "gdp", "name": "<b>地区生产总值</b>", "period": "2026Q2",
                    "at": 1_789_005_600.0, "from": 2127.4, "from_unit": "亿元", "to": None, "to_unit": "亿元",
                },
            ],
            "total": 2,
        }
    },
    period=Words("最近在前", "latest first"),
    formula=Words(
        "每个数的每个版本都保留；修订不覆盖原值，幅度 =（现值 − 原值）÷ 原值",
        "Every vintage is kept; a revision overwrites nothing; by = (to − from) ÷ from",
    ),
    records={"": REVISIONS},
)  # fmt: skip
