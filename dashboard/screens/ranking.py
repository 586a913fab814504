"""A ranking by on-time rates: the bound as a bar, the rate, what was due, what is in hand and what is late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dash import html

from dashboard.screens.marks import amount, both, linked, row, share, traced
from dashboard.words import DASH, Words, in_percent, percent

COLUMNS = (
    Words("", ""),
    Words("下限", "At least"),
    Words("按期率", "On time"),
    Words("应结 n", "Due n"),
    Words("在办", "Open"),
    Words("超期", "Late"),
)
PERIOD = Words("本月至今", "this month so far")
FORMULA = Words(
    "按本月至今按期结案率的威尔逊区间下限（95 %）排名；n 为应结件数",
    "By the lower bound of the Wilson interval (95 %) of this month's on-time rate so far; n is what was due",
)


def ranking(name: str) -> Any:
    """The list of a panel of this name, with its columns named."""
    head = [html.Span(), html.Span(id=f"{name}-head", className="name"), *[html.Span(both(words)) for words in COLUMNS]]
    return html.Div(
        [html.Div(head, className="row head"), html.Div(id=f"{name}-rows", className="rows")], className=f"list {name}"
    )


def headed(words: Words, language: str, href: str) -> Any:
    """What is ranked, and the way to all its rates."""
    return html.A([words[language], " ›"], href=href, className="behind")


def ranked(
    rank: int, name: Any, found: Mapping[str, Any], colours: tuple[float, float, float], language: str,
    behind: Callable[..., str], place: bool = False,
) -> Any:  # fmt: skip
    """A row, be it of a ``place``: no rank without anything due. ``behind(**query)`` leads to the tickets that are
    counted.
    """
    low, middle, _ = colours
    due = {"rate": "on_time", "period": "month"}
    bound, whole, part = found["bound"], found["due"], found["on_time"]
    kind = "none" if bound is None else "low" if part < low * whole else "middle" if part < middle * whole else "high"
    rate_, open_, late_ = (traced(f"decide-{figure}") if place else {} for figure in ("rate", "open", "late"))
    return row([
        html.Span(DASH if bound is None else str(rank), className="rank"),
        name,
        share(bound or 0, kind),
        html.Span(DASH if bound is None else f"{in_percent(100 * bound)} %", className="n"),
        linked(f"{percent(part, whole)} %" if whole else DASH, behind(**due, met=1), "n quiet", rate_),
        amount(whole, language, "n quiet", 6, behind(**due)),
        amount(found["open"], language, behind=behind(open=1), about=open_),
        amount(found["late"], language, "n late" if found["late"] else "n quiet", 4, behind(late=1), late_),
    ])  # fmt: skip
