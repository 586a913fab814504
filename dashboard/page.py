"""The page of a screen: its layout's picture as a grid, and around each panel the frame the house draws.

A page holds no numbers and no place: it is the same for everybody, whatever place and language, and the
texts of its frames stand in it in both languages. Numbers come by ``/live``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from dash import html

from dashboard.city import City
from dashboard.layout import Layout
from dashboard.marks import both, tip
from dashboard.panel import Context, Panel, all_panels
from dashboard.places import PlaceTree
from dashboard.words import Words

LINK_LOST = Words("连接中断，数字停在断开之时", "Connection lost; numbers stand as they were")


def _plain(value: object) -> object:
    """What is no plain value, as plain values: Dash components, Plotly figures, numpy arrays and numbers."""
    for convert in ("to_plotly_json", "tolist"):
        if hasattr(value, convert):
            return getattr(value, convert)()
    raise NotImplementedError(f"a panel painted a {type(value).__name__}, which is no JSON value")


_json = msgspec.json.Encoder(enc_hook=_plain)


def to_json(painted: Any) -> bytes:
    """What a panel painted, as the JSON the browser's side of Dash reads. NaN and infinity become null.

    Raises:
        NotImplementedError: if a value is of a type that JSON and Dash do not know.

    >>> to_json({"a.children": html.B("<i>", className="n")}).decode()
    '{"a.children":{"props":{"children":"<i>","className":"n"},"type":"B","namespace":"dash_html_components"}}'
    """
    return _json.encode(painted)


def page(layout: Layout, city: City, places: PlaceTree, panels: Mapping[str, Panel] | None = None) -> Any:
    """The page of ``layout`` as a component tree.

    Raises:
        KeyError: naming an area of the layout that is no panel.
    """
    known = all_panels() if panels is None else panels
    unknown = [area for area in layout.panels if area not in known]
    if unknown:
        raise KeyError(f"the layout {layout.id} has an area {unknown[0]!r}, which is no panel")
    ctx = Context(city, places, places.root.code, city.languages[0])
    pictures = {
        shape: " ".join(f'"{" ".join(row.split())}"' for row in _rows(text)) for shape, text in layout.pictures.items()
    }
    style = {
        f"--{name}-{shape}": text
        for name, found in (("areas", pictures), ("columns", layout.columns), ("rows", layout.rows))
        for shape, text in found.items()
    }
    cards = [_card(known[panel], ctx, _absent(layout, panel)) for panel in layout.panels]
    lost = html.Div(
        [html.Span("▲", className="shape"), " ", both(LINK_LOST), " ", html.Span(className="since")], id="link"
    )
    about = {"data-screen": layout.id, "data-shapes": " ".join(layout.pictures)}
    if layout.orbits:
        about["data-orbits"] = "yes"
    return html.Div([*cards, lost], id="wall", className="wall", style=style, **about)


def _rows(picture: str) -> list[str]:
    return [line for line in picture.splitlines() if line.strip()]


def _absent(layout: Layout, panel: str) -> str:
    """The shapes of screen, separated by spaces, whose picture leaves the panel out; a small one is like a wide one
    where it has no picture of its own.
    """
    pictures = {"small": layout.pictures.get("wide", ""), **layout.pictures}
    return " ".join(shape for shape, picture in pictures.items() if panel not in picture.split())


def _card(panel: Panel, ctx: Context, absent: str) -> Any:
    """The frame around a panel. Its age and state are kept by ``live.mjs``, which finds it by ``data-panel``."""
    age = html.Span(className="age", role="status")
    title = html.H2(both(panel.title), **(tip(panel.formula) if panel.formula.zh else {}))
    period = [html.Span(both(panel.period), className="period")] if panel.period.zh else []
    head = [age] if panel.bare else [html.Header([title, *period, age])]
    plate = html.Div(className="plate", **{"aria-hidden": "true"})  # The state, large, where numbers would mislead.
    about = {
        "data-panel": panel.id,
        "data-state": "never",
        "data-title-zh": panel.title.zh,
        "data-title-en": panel.title.en,
    }
    if absent:
        about["data-absent"] = absent
    return html.Section(
        [*head, html.Div(panel.frame(ctx), className="body"), plate],
        id=panel.id, className="bare" if panel.bare else "card", style={"gridArea": panel.id}, **about,
    )  # fmt: skip
