"""What the chosen number is made of and where: its parts, its places, and the tickets behind it, one tap away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.keynumber import KeyNumber, Piece, Reading, Row, chosen, key_numbers, rated
from dashboard.screens.marks import Mark, both, clipped, countdown, empty, light, share
from dashboard.screens.panel import Context, Painted, Panel, Record
from dashboard.words import DASH, Words, compact, in_percent

PLACES = 12
RECORDS = 8
NO_PLACES = Words("下级没有数据", "Nothing below")
NO_RECORDS = Words("没有需要先看的工单", "No ticket to look at first")
ALL, FORMULA = Words("全部", "All"), Words("口径", "Formula")
DOWN = Words("进入", "Go to")
INSTRUCT = Words("批示", "Instruct")
SHOW = Words("上墙", "Show on the wall")


def frame(ctx: Context) -> Any:
    """The blocks, of which the chosen number's is shown, and what can be done with it."""
    tools = [
        html.Button([html.Span("✎", className="shape"), " ", both(INSTRUCT)], type="button",
                    className="ck-tool", **{"data-instruct": "number"}),
        html.Button([html.Span("▣", className="shape"), " ", both(SHOW)], type="button",
                    className="ck-tool", **{"data-show": "wall"}),
    ]  # fmt: skip
    return html.Div(
        [html.Div(id="cockpit_places-blocks", className="ck-blocks"), html.Div(tools, className="ck-tools")],
        className="ck-places", **{"data-answers": "own"},
    )  # fmt: skip


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """A block for each number."""
    blocks = []
    for one in chosen(ctx.city):
        there = all(views.get(view) for view in one.reads)
        reading = one.read(views, ctx) if there else Reading(None)
        rows = one.rows(views, ctx) if there else ()
        records = one.records(views, ctx) if there else ()
        blocks.append(_block(one, reading, rows, records, ctx))
    return {"cockpit_places-blocks.children": blocks}


def _block(one: KeyNumber, reading: Reading, rows: Sequence[Row], records: Sequence[Record], ctx: Context) -> Mark:
    language = ctx.language
    shown = rated(reading, one.digits) if reading.whole is not None else f"{reading.value or 0:,.{one.digits}f}"
    said = DASH if reading.value is None else f"{shown} {one.unit[language]}".strip()
    pieces = [_piece(piece, language) for piece in reading.pieces]
    where = [_row(row, _most(rows), one, ctx) for row in rows[:PLACES]] or [empty(NO_PLACES, language)]
    listed = [_record(record, ctx) for record in records[:RECORDS]] or [empty(NO_RECORDS, language)]
    behind = one.behind(ctx)
    # A tap on it opens the number's answer: its formula, its sources and how old they are, its last day.
    about = {"href": f"?{urlencode({'number': one.id})}", "data-answer": f"cockpit_numbers-{one.id}"}
    asked = html.A([FORMULA[language], " ›"], role="button", className="ck-all", **about)
    every = [html.A([ALL[language], " ›"], href=behind, className="ck-all")] if behind else []
    return html.Div(
        [
            html.Div([html.H3(one.title[language]), html.B(said), *every, asked], className="ck-made"),
            html.Div(pieces, className="ck-pieces spare"),
            html.Div(html.Div(where, className="rows"), className="list ck-where"),
            html.Div(html.Div(listed, className="rows"), className="list ck-records"),
        ],
        className="ck-block",
        **{"data-number": one.id, "data-title": one.title[language], "data-said": said, "data-large": one.large},
    )  # fmt: skip


def _most(rows: Sequence[Row]) -> float:
    return max((row.value or 0.0 for row in rows), default=0.0) or 1.0


def _piece(piece: Piece, language: str) -> Mark:
    mark = [light(piece.light, language), " "] if piece.light else []
    value: Mark = ""
    if piece.value is not None:
        shown = in_percent(piece.value) if piece.unit == "%" else compact(piece.value, language, 6)
        value = html.B(f" {shown}{' %' if piece.unit == '%' else ''}")
    inner = [*mark, piece.words[language], value]
    return (
        html.A(inner, href=piece.behind, className="ck-piece")
        if piece.behind
        else html.Span(inner, className="ck-piece")
    )


def _row(row: Row, most: float, one: KeyNumber, ctx: Context) -> Mark:
    """A place with its bar: the row leads to its tickets, the arrow at its end turns the whole cockpit to the place."""
    language = ctx.language
    title = row.name and ctx.city.translated(row.name, language)
    if not title:
        title = ctx.places[row.place].title(language) if row.place in ctx.places else row.place
    if row.whole is not None:
        value = DASH if row.value is None else f"{in_percent(row.value)} %"
        more = f"{compact(row.part or 0, language, 5)} / {compact(row.whole, language, 5)}"
        part = 1.0 if row.value is None else (row.value - 80) / 20  # The bar begins at 80 %: what is below is empty.
    else:
        value, more, part = compact(row.value, language, 6), "", (row.value or 0.0) / most
    cells = [
        html.Span(clipped(title) or DASH, className="name"), share(part),
        html.Span(more, className="n quiet"), html.Span(value, className="n"),
    ]  # fmt: skip
    line = html.A(cells, href=row.behind, className="ck-go") if row.behind else html.Div(cells, className="ck-go")
    deeper = row.place in ctx.places and row.place != ctx.place and not row.name
    down = (
        html.A("›", href=f"?place={row.place}", className="ck-down",
               **{"data-place": row.place, "aria-label": f"{DOWN[language]} {title}"})
        if deeper else html.Span("", className="ck-down")
    )  # fmt: skip
    return html.Div([line, down], className="row ck-row")


def _record(record: Record, ctx: Context) -> Mark:
    """A ticket with its light and its countdown; the whole row leads to its page."""
    language = ctx.language
    who = clipped(ctx.city.translated(record.who, language)) or DASH
    cells = [
        light(record.light, language),
        html.Span([html.Span(clipped(record.title), className="name"), html.Span(who, className="quiet sub")],
                  className="ck-what"),
        countdown(record.due) if record.due is not None else html.Span(""),
    ]  # fmt: skip
    about = {"className": f"row ck-record {record.light}", "data-unit": record.who}
    return html.A(cells, href=record.behind, **about) if record.behind else html.Div(cells, **about)


_ALL = tuple(key_numbers().values())
PANEL = Panel(
    id="cockpit_places",
    title=Words("构成与地点", "Made of, and where"),
    reads=tuple(sorted({view for one in _ALL for view in one.reads})),
    frame=frame,
    paint=paint,
    example={view: document for one in _ALL for view, document in one.example.items()},
    formula=Words(
        "所选指标的组成、下级各地的数值（差者在前；比率的条从 80 % 起）和最该先看的工单",
        "The parts of the chosen number, its value at each place below, the worst first (bars of rates begin at 80 %), "
        "and the tickets to look at first",
    ),
    period=Words("点按指标切换", "tap a number"),
)
