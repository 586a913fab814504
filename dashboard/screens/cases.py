"""The cells of a ticket in a panel's list: what it is, linked to its page, where it is, and who handles it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.screens.marks import Mark, clipped
from dashboard.screens.panel import Context
from dashboard.words import DASH


def matter(ticket: Mapping[str, Any], ctx: Context, said: str = "", *, kind: str = "") -> Mark:
    """What a ticket is about as a link to its page: its title, else its ``kind``, else its number.

    ``said`` is told on it, else number and matter.
    """
    what = clipped(ticket["title"] or kind) or ticket["number"]
    told = said or f"{ticket['number']} · {what}"
    return html.A(what, className="name behind", href=ctx.case(ticket["key"]), title=told)


def handler(unit: str, ctx: Context) -> Mark:
    """The unit that handles it, as the screen's language has it; a dash where there is none."""
    return html.Span(clipped(ctx.city.translated(unit, ctx.language)) or DASH, className="who quiet")


def spot(code: str, ctx: Context) -> Mark:
    """Its own place by name; a dash where that is the very place the screen shows, or none that is known."""
    known = code in ctx.places and code != ctx.place
    return html.Span(ctx.places[code].title(ctx.language) if known else DASH, className="where quiet")
