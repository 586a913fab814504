"""The main figures: latest value with its period, change on the year, target against the time that has passed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.amounts import period_words, signed, written
from dashboard.screens.cityrecords import FIGURES
from dashboard.screens.exampleseries import GDP
from dashboard.screens.frames import heads
from dashboard.screens.marks import clipped, empty, row
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, Words, in_percent

ROWS = 24
COLUMNS = (
    Words("指标", "Figure"),
    Words("时期", "Period"),
    Words("最新值", "Latest"),
    Words("同比", "On year"),
    Words("目标完成 ┃ 时序", "Target ┃ time"),
    Words("发布", "Release"),
)
STATES = {
    "current": ("●", "normal", Words("按期", "on time")),
    "overdue": ("▲", "overdue", Words("逾期", "overdue")),
    "never": ("○", "none", Words("从未", "never")),
    "unscheduled": ("○", "none", Words("无日历", "no date")),
}
REVISED = Words("修订", "revised")
EMPTY = Words("尚未接入经济指标", "No figures yet")


def frame(ctx: Context) -> Any:
    """A list with its columns named."""
    return html.Div(
        [heads(COLUMNS), html.Div(id="economy_figures-rows", className="rows")],
        className="list economy-figures",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """A growth the bureau tells stands with its amount; what is expected and was never told is a row of dashes."""
    view, language = views["indicators"], ctx.language
    rules = ctx.city.indicators.series
    growths = {rule.growth for rule in rules.values()}
    rows = [_row(found, ctx) for found in view.get("series", []) if found["code"] not in growths]
    for code in view.get("never", []):
        if code not in growths:
            name = ctx.city.translated((rules[code].name if code in rules else None) or code, language)
            cells = [
                html.Span(clipped(name), className="name"),
                *[html.Span(DASH, className="n quiet")] * 3,
                html.Span(),
            ]
            rows.append(row([*cells, _state("never", language)]))
    return {"economy_figures-rows.children": rows[:ROWS] or empty(EMPTY, language)}


def _row(found: Mapping[str, Any], ctx: Context) -> Any:
    language = ctx.language
    name = clipped(ctx.city.translated(found["name"], language))
    change = found["change"]
    good = {"up": 1, "down": -1}.get(found["good"], 0) * (change or 0)
    kind = "worse" if good < 0 else "better" if good > 0 else ""
    revised = html.Span(f" {REVISED[language]}", className="quiet") if found["revised"] else ""
    return row([
        html.Span(name, className="name", title=name),
        html.Span(period_words(found["period"], language, found["span"]), className="n quiet"),
        html.Span([
            html.B(written(found["value"], found["unit"])),
            html.Span(f" {clipped(ctx.city.translated(found['unit'], language))}", className="unit"),
        ], className="n"),
        html.Span(signed(change, found["change_unit"]), className=f"n {kind}".strip()),
        _target(found["target"]),
        html.Span([_state(found["state"], language), revised], className="state"),
    ])  # fmt: skip


def _state(name: str, language: str) -> Any:
    shape, look, word = STATES.get(name, STATES["unscheduled"])
    return html.Span([html.Span(shape, className=f"light {look}"), f" {word[language]}"], className="state")


def _target(target: Mapping[str, Any] | None) -> Any:
    """A bar up to what is reached, with a mark where the year stands; a target in percent by its gap alone."""
    if target is None:
        return html.Span(DASH, className="n quiet")
    if target["share"] is None:
        shown = DASH if target["gap"] is None else f"{target['target']:g} % · {signed(target['gap'], 'pp')}"
        return html.Span(shown, className="n quiet")
    part, time = target["share"], target["time"]
    late = part < time - 0.01
    return html.Span(
        [
            html.Span(
                [
                    html.Span(className="fill", style={"width": f"{100 * min(1.0, max(0.0, part)):.1f}%"}),
                    html.Span(className="time", style={"left": f"{100 * min(1.0, time):.1f}%"}),
                ],
                className="meter late" if late else "meter",
            ),
            html.Span(f"{in_percent(100 * part)} %", className="n"),
        ],
        className="aim",
    )


PANEL = Panel(
    id="economy_figures",
    title=Words("主要指标", "Main figures"),
    reads=("indicators",),
    frame=frame,
    paint=paint,
    example={
        "indicators": {
            "series": [
                GDP,
                {
                    "key": "f|rate|x|level", "code": "rate", "name": "<b>城镇调查失业率</b>", "span": "level",
                    "good": "down", "state": "overdue", "coming": "2026-10", "due": 1_794_600_000.0,
                    "period": "2026-09", "value": 4.9, "unit": "%", "said": 1_792_634_400.0, "change": -0.2,
                    "change_unit": "pp", "official": False, "single": 4.9, "first": 5.0,
                    "revised": 1_793_600_000.0, "history": [["2026-08", 5.0], ["2026-09", 4.9]],
                    "target": {"target": 5.0, "unit": "%", "reached": 4.9, "share": None, "gap": -0.1, "time": 0.75},
                },
            ],
            "total": 2, "overdue": 1, "never": ["trade"],
        }
    },
    period=Words("最新一期 · 累计或期末", "latest · year to date or level"),
    formula=Words(
        "同比：金额按百分比，比率按百分点；目标完成 = 累计 ÷ 全年目标，竖线为年内已过时间；逾期：已过发布日仍无数",
        "On year in percent, of rates in percentage points; reached = sum so far ÷ the year's target, the stroke is "
        "how much of the year is over; overdue: the release date has passed without a figure",
    ),
    records={"": FIGURES},
)  # fmt: skip
