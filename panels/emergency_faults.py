"""The gauges that cannot be believed: stuck, silent, in a wrong unit or never heard of, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.cityrecords import GAUGE_FAULTS
from dashboard.screens.frames import heads
from dashboard.screens.marks import clipped, elapsed, empty, fraction, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, count, measured

ROWS = 24
FAULTS: dict[str, tuple[str, Words]] = {
    "silent": ("◌", Words("无声", "Silent")),
    "stuck": ("❚", Words("卡死", "Stuck")),
    "wrong_unit": ("≠", Words("单位不符", "Wrong unit")),
    "never": ("○", Words("从未上报", "Never heard")),
}
COLUMNS = (
    Words("缘由", "Why"),
    Words("监测点", "Gauge"),
    Words("地点", "Where"),
    Words("末次读数", "Last said"),
    Words("历时", "For"),
)
EMPTY = Words("所有监测点均可信", "All gauges can be believed")
NONE = Words("尚未接入监测点", "No gauges yet")
BELIEVED = Words("可信", "believed")


def frame(ctx: Context) -> Any:
    """Counts in one line, and a list."""
    return html.Div(
        [
            html.Div(id="emergency_faults-counts", className="counts"),
            heads(COLUMNS, names=3),
            html.Div(id="emergency_faults-rows", className="rows"),
        ],
        className="list gauge-faults",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Why with its shape, which gauge, where, what it said last, and for how long."""
    view, language = views["gauge_faults"], ctx.language
    counts, total = view.get("counts", {}), view.get("total", 0)
    rows = []
    for gauge in view.get("faults", [])[:ROWS]:
        shape, word = FAULTS.get(gauge["fault"], FAULTS["silent"])
        said = f"{gauge['value']:g} {clipped(gauge['odd_unit'])}" if gauge["odd_unit"] else ""
        rows.append(
            row(
                [
                    html.Span([html.Span(shape, className="shape"), " ", word[language]], className="cause"),
                    html.Span(clipped(ctx.city.translated(gauge["name"], language)), className="name"),
                    html.Span(ctx.below(gauge["place"]) or DASH, className="where quiet"),
                    html.Span(said or measured(gauge["value"], gauge["unit"], language), className="n quiet"),
                    elapsed(gauge["since"]),
                ]
            )
        )
    for name in view.get("never", [])[: max(0, ROWS - len(rows))]:
        shape, word = FAULTS["never"]
        cause = html.Span([html.Span(shape, className="shape"), " ", word[language]], className="cause")
        rows.append(row([cause, html.Span(clipped(name), className="name"), DASH, DASH, DASH]))
    bad = sum(counts.values())
    shown = [
        html.Span([html.Span(shape, className="shape"), f" {word[language]} ", html.B(count(counts[name]))])
        for name, (shape, word) in FAULTS.items()
        if counts.get(name)
    ]
    believed = html.Span([f"{BELIEVED[language]} ", html.B(fraction(total - bad, total, language))])
    return {
        "emergency_faults-counts.children": [believed, *shown] if total else "",
        "emergency_faults-rows.children": rows or empty(EMPTY if total else NONE, language),
    }


PANEL = Panel(
    id="emergency_faults",
    title=Words("不可信的监测点", "Gauges not believed"),
    reads=("gauge_faults",),
    frame=frame,
    paint=paint,
    example={
        "gauge_faults": {
            "faults": [
                {
                    "key": "g|W-R04|level", "name": "江浦东路水厂段", "place": "440605122", "quantity": "level",
                    "fault": "silent", "since": 1_795_280_000.0, "value": 0.018, "unit": "m", "odd_unit": "",
                },
                {
                    "key": "g|W-J10|level", "name": "<b>官山路</b>樵高路口", "place": "440605122", "quantity": "level",
                    "fault": "stuck", "since": 1_795_216_000.0, "value": 0.083, "unit": "m", "odd_unit": "",
                },
                {
                    "key": "g|R-03|rain", "name": "西樵雨量站", "place": "440605122", "quantity": "rain",
                    "fault": "wrong_unit", "since": 1_795_300_000.0, "value": 2.0, "unit": "mm", "odd_unit": "kg",
                },
            ],
            "counts": {"never": 1, "wrong_unit": 1, "silent": 1, "stuck": 1}, "never": ["W-J12"], "total": 64,
        }
    },
    period=Words("此刻", "now"),
    formula=Words(
        "超过规定时间不上报为无声，长时间读数不变为卡死；不可信的读数不参与任何计数，也不当作平安",
        "Silent: nothing heard for longer than its limit; stuck: the same reading for too long. What cannot be "
        "believed is counted nowhere, and is not taken for calm",
    ),
    records={"": GAUGE_FAULTS},
)  # fmt: skip
