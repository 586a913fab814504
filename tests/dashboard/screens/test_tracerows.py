"""Numbers in lists and beside words: told apart by row and cell, the same in both languages, and no others."""

from __future__ import annotations

import pytest
from dash import html

from dashboard.screens.marks import amount, change, countdown, empty, light_legend, number, rate, row
from dashboard.screens.panel import Context, all_panels
from dashboard.screens.tracerows import rows_of, same, told_apart
from dashboard.words import Words
from tests.dashboard.screens.test_push import CITY
from tests.dashboard.screens.test_trace import PLACES

ZH, EN = (Context(CITY, PLACES, "d", language) for language in ("zh", "en"))


def named(name: str) -> html.Span:
    return html.Span(name, className="name")


def test_a_row_has_its_name_and_a_number_for_each_cell_that_is_one() -> None:
    cells = [
        named("桂城 城管"), html.Div(className="share"), rate(396, 412), amount(31_204_118, "zh"), number(0, "件"),
        "12 / 40", html.Span("2026-12-07"), html.Span("桂园社区 02 网格"), change(90, 100), countdown(7.0), "–",
        html.Span(["+4.8 %", html.Span("pp")]), html.Span("×13.6"), html.Span("5′30″"), amount(0, "zh"),
        "12.3万", "155.5 亿元", "3.2亿元", html.Span("40", title="40 of 60"),
    ]  # fmt: skip
    assert told_apart(rows_of({"a-rows.children": [row(cells)], "a-rows.title": "3"})) == {
        "a-rows": {"桂城城管": {
            2: (396.0, 412.0), 3: 31_204_118.0, 4: 0.0, 5: (12.0, 40.0), 8: -10.0, 11: 4.8, 12: 13.6, 14: 0.0,
            15: 123_000.0, 16: 155.5, 17: 3.2, 18: 40.0,
        }},
    }  # fmt: skip


def test_tickets_heads_and_rows_of_one_name_are_left_out() -> None:
    ticket = row([html.A("路面坑洼", href="/ticket?key=a%7C1", className="name"), amount(3, "zh")])
    twice = [row([named("★☆☆☆☆"), amount(n, "zh")]) for n in (1, 2)]
    head = row([named("单位"), "24 h"], "head")
    rows = rows_of(
        {"a.children": [head, ticket, *twice, row([named("乙"), amount(4, "zh")]), empty(Words("无", "none"), "zh")]}
    )
    assert told_apart(rows) == {"a": {"乙": {1: 4.0}}}
    assert told_apart(rows_of({"a.children": empty(Words("无", "none"), "zh")})) == {}


def test_numbers_beside_words_bear_their_words() -> None:
    legend = light_legend({"normal": 12_345, "overdue": 7}, "zh")
    several = html.Div(
        [html.Span([" 窗口 ", html.B("44.3 %"), " 560"]), html.Span(["网上 ", html.B("28.5 %"), " 360"])]
    )
    inner = html.Div([html.Time("3 min"), html.Div(number(5, "件"), id="b-own"), html.Span("12 月", className="axis")])
    rows = rows_of({"a.children": [legend, several], "b.children": inner, "c.children": number(9, "件")})
    assert told_apart(rows) == {
        "a": {"正常": {0: 12_345.0}, "超期": {0: 7.0}, "窗口": {0: 560.0, 1: 44.3}, "网上": {0: 360.0, 1: 28.5}},
        "b-own": {"": {0: 5.0}},
        "c": {"": {0: 9.0}},
    }  # fmt: skip


def test_a_row_is_found_in_another_language_by_its_order() -> None:
    zh = rows_of({"a.children": [row([named(name), amount(1, "zh")]) for name in ("甲", "乙", "丙", "丙")]})["a"]
    en = rows_of({"a.children": [row([named(name), amount(1, "en")]) for name in ("A", "B", "C", "C")]})["a"]
    assert same(en, "B", zh) == "乙"
    assert same(en, "C", zh) is None, "two bear that name"
    assert same(en, "D", zh) is None
    assert same(en[:3], "B", zh) is None, "one list is longer"


@pytest.mark.parametrize("panel", [name for name, panel in all_panels().items() if panel.example])
def test_every_panel_s_rows_stand_in_one_order_in_both_languages(panel: str) -> None:
    drawn = all_panels()[panel]
    zh, en = (rows_of(drawn.paint(drawn.example, ctx)) for ctx in (ZH, EN))
    for component, rows in zh.items():
        for name in told_apart({component: rows}).get(component, {}):
            assert same(rows, name, en[component]) is not None, f"{component}: {name} is not found in English"
