"""What panels are drawn from: texts in both languages, numbers with their unit, lights, bars, countdowns.

Sizes and colours are the style sheet's. Ticket text goes into a component as text and nothing else,
so that markup in it stays markup that is read, never run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dash import html

from dashboard.words import DASH, LIGHTS, Words, compact, count, percent

ASSETS = Path(__file__).resolve().parents[2] / "assets"
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
def colours(theme: str = "dark") -> dict[str, str]:
    """The tokens of a theme by name, as ``assets/tokens.css`` has them; what a theme does not say is as in the dark.

    >>> colours()["accent"].startswith("#"), colours("light")["ground"] != colours()["ground"]
    (True, True)
    """
    blocks = (ASSETS / "tokens.css").read_text(encoding="utf-8").split("}")
    mine = [text for text in blocks if ":root {" in text or f'[data-theme="{theme}"]' in text]
    return {name: value.strip() for name, value in re.findall(r"--([\w-]+):\s*([^;]+);", "".join(mine))}


@cache
def tokens() -> dict[str, str]:
    """What a chart writes for each token. A chart cannot read a style sheet, so the page puts the value of the
    moment's theme in its place, and a number for a length such as ``"1.5em"``, in the chart's size of type.

    >>> tokens()["accent"]
    'var(--accent)'
    """
    return {name: f"var(--{name})" for name in colours()}


def chart(**layout: Any) -> dict[str, Any]:
    """A chart's layout on the template that all charts share: no ground of its own, the house's type, quiet axes.

    ``layout`` is laid over it, member by member; ``xaxis`` and ``yaxis`` over those of the template.
    """
    ink = tokens()
    axis = {
        "showgrid": False, "zeroline": False, "fixedrange": True, "tickfont": {"color": ink["ink-2"], "size": "1em"},
        "gridcolor": ink["line"], "gridwidth": 1, "linecolor": ink["line"],
    }  # fmt: skip
    return {
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": ink["font"], "size": "1em", "color": ink["ink-2"]},
        "colorway": [ink[name] for name in ("accent", "ok", "soon", "worst", "overdue", "ink-3")],
        "margin": {"l": "2.8em", "r": "0.6em", "t": "0.6em", "b": "1.8em"},
        **layout,
        "xaxis": {**axis, **layout.get("xaxis", {})},
        "yaxis": {**axis, "showgrid": True, **layout.get("yaxis", {})},
    }  # fmt: skip


def both(words: Words, kind: str = "") -> Mark:
    """A text in both languages; the style sheet shows the page's. For frames, which are drawn once for all."""
    parts = [html.Span(words.zh, lang="zh"), html.Span(words.en, lang="en")]
    return html.Span(parts, className=f"both {kind}".strip())


def traced(figure: str) -> dict[str, str]:
    """The attribute of a number in a place's row: the figure that is the same number on that place's own screen, whose
    trace answers for it.
    """
    return {"data-figure": figure}


def tip(words: Words) -> dict[str, str]:
    """Attributes that make ``words`` the tooltip of a component in the page's language."""
    return {"data-tip-zh": words.zh, "data-tip-en": words.en}


def named(words: Words) -> dict[str, str]:
    """The attribute by which a component is announced, in both languages: a frame is drawn once for all.

    >>> named(Words("图层", "Layers"))
    {'aria-label': '图层 / Layers'}
    """
    return {"aria-label": f"{words.zh} / {words.en}"}


def clipped(text: str) -> str:
    """Ticket text as it may go to a screen: one line, without control characters, at most ``TEXT`` long.

    Marks that turn the direction of writing are dropped: they would turn the panel's own text around too.
    """
    line = " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())
    return line if len(line) <= TEXT else line[: TEXT - 1] + "…"


def number(
    value: int | float | str | None,
    unit: str = "",
    kind: str = "",
    language: str = "zh",
    room: int = 99,
    behind: str = "",
    of: tuple[int, int] | None = None,
) -> Mark:
    """A number with its small unit. With more than ``room`` digits it is shortened, and stays exact in its tooltip.

    ``behind`` is the address of the tickets it counts, see ``Context.behind``. Where it is a rate, ``of`` are its
    numerator and denominator. Both, and the number itself, are what the page answers with when it is asked.
    """
    shown = value if isinstance(value, str) else compact(value, language, room)
    exact = {} if isinstance(value, str) or shown == count(value) else {"title": count(value)}
    parts: list[Mark] = [html.Span(shown, className="n", **exact)]
    if unit and shown != DASH:
        parts.append(html.Span(unit, className="unit"))
    wide = sum(1.0 if sign.isascii() else 1.8 for sign in shown if sign not in ",.") > 5
    return linked(parts, behind, " ".join(filter(None, ("number", kind, "long" if wide else ""))), _exactly(value, of))


def _exactly(value: int | float | str | None, of: tuple[int, int] | None) -> dict[str, str]:
    """A number's attributes with its exact value; a text that is none has no value."""
    if of is not None:
        return {"data-part": str(of[0]), "data-whole": str(of[1])} if of[1] else {}
    try:
        value = value.replace(",", "").replace("−", "-") if isinstance(value, str) else value
        return {} if value is None else {"data-value": f"{float(value):.12g}"}
    except ValueError:
        return {}


def linked(content: Any, behind: str, kind: str = "", about: Mapping[str, str] = MappingProxyType({})) -> Mark:
    """A number that leads to what it counts: a link to ``behind``, which a click and the Enter key follow.

    Without an address, or where there is no number, it is plain text.
    """
    if not behind or content == DASH:
        return html.Span(content, className=kind, **about) if kind else html.Span(content)
    return html.A(content, href=behind, className=f"{kind} behind".strip(), **about)


def amount(
    value: int | float | None, language: str, kind: str = "n", room: int = 5, behind: str = "",
    about: Mapping[str, str] = MappingProxyType({}),
) -> Mark:  # fmt: skip
    """A number in a list, shortened beyond ``room`` digits, where the tooltip has it in full."""
    shown = compact(value, language, room)
    exact = dict(about) if shown == count(value) else {**about, "title": count(value)}
    if behind and value:
        return html.A(shown, href=behind, className=f"{kind} behind", **exact)
    return html.Span(shown, className=kind, **exact)


def rate(part: int, whole: int, behind: str = "") -> Mark:
    """A rate in percent; a dash where there is nothing to divide by."""
    return number(
        "100" if part == whole > 0 else percent(part, whole), "%", behind=behind if whole else "", of=(part, whole)
    )


def parted(part: int, whole: int, met: str, counted: str, language: str = "zh") -> list[Mark]:
    """Numerator and denominator, each leading to the tickets it counts."""
    if not whole:
        return [html.Span(fraction(part, whole, language))]
    shown, all_of_them = fraction(part, whole, language).split(" / ")
    return [linked(shown, met), " / ", linked(all_of_them, counted)]


def fraction(part: int, whole: int, language: str = "", room: int = 6) -> str:
    """Numerator and denominator; where a language is named, shortened beyond ``room`` digits.

    >>> fraction(18902, 19527), fraction(0, 0)
    ('18,902 / 19,527', '– / –')
    """
    shown = [compact(n, language, room if language else 99) for n in (part, whole)]
    return " / ".join(shown) if whole else f"{DASH} / {DASH}"


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


def light_legend(
    lights: Mapping[str, int],
    language: str,
    names: Iterable[str] = tuple(LIGHTS),
    behind: Callable[[str], str] = lambda name: "",
) -> Mark:
    """Shape, word and number of each light that has tickets; ``behind`` gives the address of those of a light."""
    parts = [
        html.Span(
            [
                light(name, language),
                f" {SHORT[name][language]} ",
                html.B(amount(lights[name], language, "", behind=behind(name))),
            ]
        )
        for name in names
        if lights.get(name, 0)
    ]
    return html.Div(parts, className="legend")


def share(part: float, kind: str = "") -> Mark:
    """A thin bar filled to ``part`` of its width, 0 to 1."""
    width = f"{100 * min(1.0, max(0.0, part)):.1f}%"
    return html.Div(html.Div(style={"width": width}), className=f"share {kind}".strip())


def direction(by: float, shown: str) -> str:
    """The shape of a change: none up or down where it is too small for the digits in which it is shown.

    >>> direction(4.8, "4.8"), direction(-0.04, "0.0"), direction(-1, "1")
    ('▲', '＝', '▼')
    """
    return "＝" if not re.search("[1-9]", shown) else "▲" if by > 0 else "▼"


def change(now: int, before: int) -> Mark:
    """How much more or less than before, in percent; a dash where before is nothing."""
    if not before:
        return html.Span(DASH, className="change")
    by = 100 * (now - before) / before
    shown = f"{abs(by):.1f}" if abs(by) < 1000 else f"{abs(by) / 100:,.0f} ×" if by > 0 else f"{abs(by):,.0f}"
    return html.Span(
        [html.Span(direction(by, shown), className="shape"), f" {shown}{'' if '×' in shown else ' %'}"],
        className="change",
    )


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
    return html.Div([html.Span("○", className="shape"), " ", words[language]], className="empty")


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
