"""What leaders have asked for on one ticket, as its page shows it: from history, so that closed ones are there too."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from dash import html
from sqlalchemy import select

from dashboard.board import CODEC
from dashboard.casework.ticketrows import Reader
from dashboard.masking import mask
from dashboard.nouns.instructions import OPEN, Instruction, InstructionEvent, lived, row_of
from dashboard.nouns.noun import Rules
from dashboard.screens.marks import Mark, clipped, countdown, light
from dashboard.travel.history import History, events
from dashboard.words import LIGHTS, Words

MOST = 2000  # Events on one ticket that are read.
TITLE = Words("领导批示", "Instructions")
NONE = Words("没有批示", "None")
GIVE = Words("批示", "Instruct")
TO = Words("交", "to")
STATES = {
    "reported": Words("已办，待阅", "Done, to be read"),
    "closed": Words("已办结", "Closed"),
    "withdrawn": Words("已撤回", "Withdrawn"),
}
IN_HAND = Words("{n} 项在办", "{n} in hand")
Orders = Callable[[str], Sequence[Instruction]]


def orders_by(url: str) -> Orders:
    """The instructions on a ticket by its key, the latest first, from the database at ``url``; asking it raises
    ``HistoryFailed`` if it cannot be reached.
    """
    history = History(url)

    def orders(key: str) -> Sequence[Instruction]:
        mine = select(events.c.body).where(events.c.subject == key, events.c.type.like("instruction.%")).limit(MOST)
        with history.engine.connect() as db:
            bodies = db.execute(mine.where(events.c.source == "desk")).scalars().all()
        found: dict[str, list[InstructionEvent]] = {}
        for event in map(CODEC.read, bodies):
            if isinstance(event, InstructionEvent):
                found.setdefault(event.instruction, []).append(event)
        all_of_them = [one for one in map(lived, found.values()) if one.state]
        return sorted(all_of_them, key=lambda one: (-one.given, one.id))

    return orders


def title(found: Sequence[Instruction], to: Reader) -> str:
    """The heading, with how many are in hand."""
    n = sum(one.state in OPEN for one in found)
    return TITLE[to.language] + (f" · {IN_HAND[to.language].format(n=n)}" if n else "")


def face(key: str, row: Any, found: Sequence[Instruction], rules: Rules, to: Reader) -> list[Mark]:
    """The instructions on a ticket, and the way to give one: what a tap opens is in ``instruct.mjs``."""
    language = to.language
    name = clipped(row["title"] or row["category"] or "") or clipped(row["number"])
    give = html.A(
        ["✎ ", GIVE[language]], href="#", role="button", className="tool",
        **{"data-instruct": key, "data-title": name, "data-where": row["place"] or "", "data-to": row["unit"] or ""},
    )  # fmt: skip
    lines = [_line(one, rules, to) for one in found] or [html.Div(NONE[language], className="empty")]
    return [*lines, html.Div(give, className="order-tools")]


def _line(one: Instruction, rules: Rules, to: Reader) -> Mark:
    row, language = row_of(one, to.now, rules), to.language
    given = one.state == "given"
    state: Mark = countdown(one.due) if given else html.Span(STATES[one.state][language], className="quiet")
    shape = light(row["light"], language) if given else html.Span("✓" if one.state != "withdrawn" else "×")
    who = f"{to.name(mask(one.by))} → {to.name(mask(one.to))} · {to.moment(one.due)}"
    return html.A(
        [
            html.Div([shape, " ", html.B(LIGHTS[row["light"]][1][language] if given else ""), " ", state],
                     className=f"lit {row['light'] if given else 'ended'}"),
            html.Div(one.text, className="order-text"), html.Div(who, className="quiet"),
            html.Div(f"“{one.answer}”", className="quiet") if one.answer and not given else "",
        ],
        href="#", className="order", **{"data-instruction": json.dumps(row, ensure_ascii=False)},
    )  # fmt: skip
