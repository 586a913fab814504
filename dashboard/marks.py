"""What panels are drawn from: texts in both languages, numbers with their unit, lights, bars, countdowns.

Sizes and colours are the style sheet's. Ticket text goes into a component as text and nothing else,
so that markup in it stays markup that is read, never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from dash import html

from dashboard.words import DASH, LIGHTS, Words, count, percent

ASSETS = Path(__file__).resolve().parent.parent / "assets"
TEXT = 120  # Characters of a ticket's title that are sent to a screen.

SHORT: dict[str, Words] = {
    "normal": Words("正常", "on track"),
    "soon": Words("临期", "soon"),
    "overdue": Words("超期", "late"),
    "worst": Words("严重", "long late"),
    "paused": Words("暂停", "paused"),
    "none": Words("无时限", "no limit"),
}
"""The lights in so few letters that they fit under a number."""

Mark = Any
"""A Dash component, or the plain text that may stand in its place."""


@cache
def tokens() -> dict[str, str]:
    """The colours of ``assets/tokens.css`` by name, for charts, which cannot read a style sheet.

    >>> tokens()["accent"].startswith("#")
    True
    """
    text = (ASSETS / "tokens.css").read_text(encoding="utf-8")
    return {name: value.strip() for name, value in re.findall(r"--([\w-]+):\s*([^;]+);", text)}


def both(words: Words, kind: str = "") -> Mark:
    """A text in both languages; the style sheet shows the page's. For frames, which are drawn once for all."""
    parts = [html.Span(words.zh, lang="zh"), html.Span(words.en, lang="en")]
    return html.Span(parts, className=f"both {kind}".strip())


def tip(words: Words) -> dict[str, str]:
    """Attributes that make ``words`` the tooltip of a component in the page's language."""
    return {"data-tip-zh": words.zh, "data-tip-en": words.en}


def clipped(text: str) -> str:
    """Ticket text as it may go to a screen: one line, without control characters, at most ``TEXT`` long.

    Marks that turn the direction of writing are dropped: they would turn the panel's own text around too.
    """
    line = " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())
    return line if len(line) <= TEXT else line[: TEXT - 1] + "…"


def number(value: int | float | str | None, unit: str = "", kind: str = "") -> Mark:
    """A number with its small unit."""
    shown = value if isinstance(value, str) else count(value)
    parts: list[Mark] = [html.Span(shown, className="n")]
    if unit and shown != DASH:
        parts.append(html.Span(unit, className="unit"))
    return html.Span(parts, className=f"number {kind}".strip())


def rate(part: int, whole: int) -> Mark:
    """A rate in percent; a dash where there is nothing to divide by."""
    return number("100" if part == whole > 0 else percent(part, whole), "%")


def fraction(part: int, whole: int) -> str:
    """Numerator and denominator.

    >>> fraction(18902, 19527), fraction(0, 0)
    ('18,902 / 19,527', '– / –')
    """
    return f"{count(part)} / {count(whole)}" if whole else f"{DASH} / {DASH}"


def light(name: str, language: str) -> Mark:
    """The shape of a light in its colour, with its word for those who hover or listen."""
    shape, word = LIGHTS[name]
    return html.Span(
        shape, className=f"light {name}", title=word[language], **{"aria-label": word[language]}, role="img"
    )


def light_bar(lights: Mapping[str, int]) -> Mark:
    """The tickets of each light as shares of one bar, worst first."""
    parts = [
        html.Span(className=f"part {name}", style={"flexGrow": lights.get(name, 0)})
        for name in reversed(LIGHTS)
        if lights.get(name, 0)
    ]
    return html.Div(parts, className="bar")


def light_legend(lights: Mapping[str, int], language: str, names: Iterable[str] = tuple(LIGHTS)) -> Mark:
    """Shape, word and number of each light that has tickets."""
    parts = [
        html.Span([light(name, language), f" {SHORT[name][language]} ", html.B(count(lights[name]))])
        for name in names
        if lights.get(name, 0)
    ]
    return html.Div(parts, className="legend")


def share(part: float, kind: str = "") -> Mark:
    """A thin bar filled to ``part`` of its width, 0 to 1."""
    width = f"{100 * min(1.0, max(0.0, part)):.1f}%"
    return html.Div(html.Div(style={"width": width}), className=f"share {kind}".strip())


def change(now: int, before: int) -> Mark:
    """How much more or less than before, in percent; a dash where before is nothing."""
    if not before:
        return html.Span(DASH, className="change")
    by = 100 * (now - before) / before
    shape = "▲" if by > 0 else "▼" if by < 0 else "＝"
    return html.Span([html.Span(shape, className="shape"), f" {abs(by):.1f} %"], className="change")


def countdown(due: float) -> Mark:
    """The time left until ``due`` (seconds since 1970 UTC), kept by the browser."""
    return html.Time(className="countdown", **{"data-due": f"{due:.0f}"})


def elapsed(since: float | None, clock: str = "city") -> Mark:
    """How long ago ``since`` was, kept by the browser by the ``city``'s time or by ``wall`` time; a dash for None."""
    if since is None:
        return html.Span(DASH)
    return html.Time(className="elapsed", **{"data-since": f"{since:.0f}", "data-by": clock})


def empty(words: Words, language: str) -> Mark:
    """What stands where a list has no rows."""
    return html.Div(words[language], className="empty")


def drawing(shapes: Iterable[Mark], width: float, height: float, kind: str = "") -> Mark:
    """A drawing of shapes in a field of ``width`` × ``height``, which the card stretches to its own measures.

    ``draw.mjs`` makes it an SVG element; letters would be stretched with it, so labels are laid over it.
    """
    return _svg(
        "svg", className=f"drawing {kind}".strip(), viewBox=f"0 0 {width:g} {height:g}", preserveAspectRatio="none",
        children=list(shapes), **{"aria-hidden": "true"},
    )  # fmt: skip


def outline(path: str, kind: str = "") -> Mark:
    """A shape of a drawing, by its SVG path data; the style sheet says how ``kind`` is filled."""
    return _svg("path", d=path, className=kind)


def box(x: float, y: float, width: float, height: float, kind: str = "") -> Mark:
    """A rectangle of a drawing."""
    return _svg(
        "rect", x=round(x, 2), y=round(y, 2), width=round(max(0.0, width), 2), height=round(max(0.0, height), 2),
        className=kind,
    )  # fmt: skip


def _svg(kind: str, **props: Any) -> Mark:
    return {"type": kind, "namespace": "citywall_svg", "props": props}


def row(cells: Iterable[Mark], kind: str = "") -> Mark:
    """One line of a list; its cells are laid out by the list's style."""
    return html.Div(
        [cell if hasattr(cell, "to_plotly_json") else html.Span(cell) for cell in cells],
        className=f"row {kind}".strip(),
    )
