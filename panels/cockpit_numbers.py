"""The leader's numbers: each with its line, its target, what it is compared with, and its own age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.keynumber import KeyNumber, Piece, Reading, chosen, feeds_of, key_numbers, missed, rated
from dashboard.screens.marks import Mark, both, direction, drawing, number, outline, tip
from dashboard.screens.panel import Behind, Context, Painted, Panel
from dashboard.words import DASH, Words, compact, in_percent

WIDTH, HEIGHT = 100.0, 40.0
TARGET = Words("目标", "Target")
MET, MISSED = Words("达标", "met"), Words("未达标", "missed")
SAID = 2  # Parts that are said beside a number without a target and without anything to compare it with.
SIGNS = {"up": "≥", "down": "≤", "": "="}


def frame(ctx: Context) -> Any:
    """A tile for each number the city has chosen; the numbers come by paint."""
    feeds = feeds_of(ctx.city)
    numbers = chosen(ctx.city)
    tiles = [_tile(one, sorted({name for noun in one.nouns for name in feeds.get(noun, ())})) for one in numbers]
    return html.Div(tiles, className="ck-tiles", **{"data-answers": "own", "data-count": str(len(tiles))})


def _tile(one: KeyNumber, feeds: Sequence[str]) -> Any:
    name = f"cockpit_numbers-{one.id}"
    return html.A(
        [
            html.H3(both(one.title), **tip(one.formula)),
            html.Span(className="ck-age", role="status", **{"data-feeds": " ".join(feeds)}),
            html.Div(id=name, className="figure"),
            html.Div(id=f"{name}-line", className="ck-line", **{"data-trace": name}),
            html.Div(id=f"{name}-why", className="why"),
        ],
        href=f"?number={one.id}", className="ck-tile", **{"data-number": one.id},
    )  # fmt: skip


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Each number, its line, and what makes it mean something."""
    painted: Painted = {}
    for one in chosen(ctx.city):
        name = f"cockpit_numbers-{one.id}"
        reading = one.read(views, ctx) if all(views.get(view) for view in one.reads) else Reading(None)
        painted[f"{name}.children"] = figure(one, reading, ctx.language)
        painted[f"{name}-line.children"] = line(reading.line)
        painted[f"{name}-why.children"] = why(one, reading, ctx)
    return painted or {"cockpit_numbers.title": ""}


def figure(one: KeyNumber, reading: Reading, language: str) -> Mark:
    """The number itself with its unit."""
    if reading.value is None:
        return number(DASH)
    if reading.whole is not None:
        return number(rated(reading, one.digits), one.unit[language], of=(reading.part or 0, reading.whole))
    if one.digits:
        return number(f"{reading.value:,.{one.digits}f}", one.unit[language])
    return number(reading.value, one.unit[language], language=language, room=5)


def line(values: Sequence[float | None]) -> list[Mark]:
    """The values as a line over the width of the tile; what is not known is a gap."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return []
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    step = WIDTH / (len(values) - 1)
    path, pen = "", "M"
    for at, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        path += f"{pen}{at * step:.1f} {HEIGHT * (0.94 - 0.88 * (value - low) / span):.1f}"
        pen = "L"
    last = next(at for at in range(len(values) - 1, -1, -1) if values[at] is not None)
    y = HEIGHT * (0.94 - 0.88 * ((values[last] or 0.0) - low) / span)
    return [drawing([outline(path, "stroke"), outline(f"M{last * step:.1f} {y:.1f}h0.01", "tip")], WIDTH, HEIGHT)]


def why(one: KeyNumber, reading: Reading, ctx: Context) -> list[Mark]:
    """The target and whether it is met, and what the number is compared with; without either, its first parts."""
    language = ctx.language
    parts: list[Mark] = []
    target = reading.target if reading.target is not None else ctx.city.cockpit.targets.get(one.id)
    if target is not None and reading.value is not None:
        bad = missed(reading, one.good, target)
        mark = [] if bad is None else [html.Span("▲ " if bad else "✓ ", className="shape")]
        word = "" if bad is None else f" {(MISSED if bad else MET)[language]}"
        text = f"{TARGET[language]} {SIGNS[one.good]} {target:g}{' %' if one.unit.zh == '%' else ''}{word}"
        parts.append(
            html.Span([*mark, text], className=f"ck-target {'' if bad is None else 'missed' if bad else 'met'}")
        )
    if reading.value is not None and reading.before is not None:
        parts.append(html.Span(_change(one, reading.value, reading.before, language), className="ck-change"))
    elif reading.whole:
        shown = " / ".join(compact(n or 0, language, 6) for n in (reading.part, reading.whole))
        parts.append(html.Span(shown, className="ck-change"))
    if reading.period:
        parts.append(html.Span(reading.period, className="ck-change"))
    return parts or [_piece(piece, language) for piece in reading.pieces[:SAID] if piece.value is not None]


def _piece(piece: Piece, language: str) -> Mark:
    """A part of the number, where nothing else makes it mean something."""
    value = piece.value or 0
    said = in_percent(value) if piece.unit == "%" else compact(value, language, 6)
    shown = f"{said} {piece.unit}".rstrip()
    return html.Span([f"{piece.words[language]} ", html.B(shown)], className="ck-change")


def _change(one: KeyNumber, value: float, before: float, language: str) -> list[Mark]:
    by = value - before
    if one.unit.zh == "%":
        shown = f"{abs(by):.1f} pp"
    elif before:
        share = 100 * abs(by) / abs(before)
        shown = f"{share:.1f} %" if share < 1000 else f"{share / 100:,.0f} ×"
    else:
        shown = compact(abs(by), language, 4)
    return [
        html.Span(direction(by, shown), className="shape"),
        f" {shown} ",
        html.Span(one.compared[language], className="quiet"),
    ]


FIRST = Words("先看", "To look at first")
_ALL = tuple(key_numbers().values())
PANEL = Panel(
    id="cockpit_numbers",
    title=Words("关键指标", "Key numbers"),
    reads=tuple(sorted({view for one in _ALL for view in one.reads})),
    frame=frame,
    paint=paint,
    example={view: document for one in _ALL for view, document in one.example.items()},
    formula=Words(
        "城市文件所选的指标；点按任一指标，查看构成、所在地点与工单",
        "The numbers the city's file chooses; a tap on one shows what it is made of, where, and its tickets",
    ),
    period=Words("此刻 · 近 14 日走势", "now · line of 14 days"),
    records={one.id: one.stands or Behind(FIRST, one.reads, one.records, all=one.behind) for one in _ALL},
)  # fmt: skip
