"""The map: what lies below the chosen place, coloured by tickets, on-time rate or tickets per 1,000; and its layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_leaflet as dl
from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.layer import all_layers
from dashboard.screens.marks import both, clipped, named
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import LIGHTS, Words, count, measured

MODES = {
    "tickets": Words("在办件数", "Open tickets"),
    "rate": Words("按期结案率", "On-time rate"),
    "people": Words("每千人在办", "Open per 1,000"),
}
LAYERS, COLOURS, BASE = Words("图层", "Layers"), Words("着色", "Colours"), Words("底图", "Base map")
SCHEMATIC = Words("底图：示意边界，非标准地图", "Schematic outlines, not a survey map")
ONLY_HERE = Words("件仅定位到本级", "located at this level only")
NO_BASE = Words("无底图", "No base map")
NO_FIGURE = Words("无数据", "No figure")
TITLES_UP_TO = 2000  # With more points than this their titles are left out: they would be most of the message.
DIGITS = 5  # Decimals of a degree, about a metre.
ORDER = tuple(LIGHTS)
TICKETS = Words("工单", "Tickets")


def frame(ctx: Context) -> Any:
    """The map without tiles, the switch, the legend and the notes over it. ``map.mjs`` draws the rest."""
    switch = [
        html.Button(both(words), type="button", **{"data-map-mode": mode, "aria-pressed": "false"})
        for mode, words in MODES.items()
    ]
    layers = [("tickets", TICKETS), *((layer.id, layer.title) for layer in all_layers().values())]
    choice = [
        html.Button(both(words), type="button", **{"data-map-layer": name, "aria-pressed": "false"})
        for name, words in layers
    ]
    bases = [(table.name, table.title.words) for table in ctx.city.map.tiles]
    base = [
        html.Button(both(words), type="button", **{"data-map-base": name, "aria-pressed": "false"})
        for name, words in ([*bases, ("none", NO_BASE)] if bases else ())
    ]
    canvas = dl.Map(
        id="map-canvas", className="canvas", center=[0, 0], zoom=2, preferCanvas=True, zoomControl=False,
        attributionControl=False, keyboard=False, zoomSnap=0, zoomDelta=0.5, wheelPxPerZoomLevel=120, children=[],
    )  # fmt: skip
    return html.Div(
        [
            canvas,
            html.Div(
                [
                    html.Div(choice, className="layers", role="group", **named(LAYERS)),
                    html.Div(switch, className="modes", role="group", **named(COLOURS)),
                    *([html.Div(base, className="bases", role="group", **named(BASE))] if base else []),
                ],
                className="switch",
            ),
            html.Div(id="map-legend", className="map-legend"),
            html.Div(id="map-lights", className="map-lights"),
            html.Div(
                [
                    html.Div(id="map-only", className="only"),
                    html.Div(both(SCHEMATIC), className="schematic"),
                    html.Div(id="map-credit", className="credit"),
                ],
                className="map-notes",
            ),
            html.Div(id="map-data", hidden=True),
            html.Div(id="map-points", hidden=True),
            html.Div(id="map-layers", hidden=True),
        ],
        className="map",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Plain values for ``map.mjs``: the places below with their numbers, and the tickets that are drawn as points."""
    view, language = views["map"], ctx.language
    places = {
        code: {
            **numbers,
            "name": ctx.places[code].title(language),
            "behind": {
                "tickets": ctx.behind(code, open=1),
                "rate": ctx.behind(code, rate="on_time", period="month"),
            },
        }
        for code, numbers in view.get("places", {}).items()
        if code in ctx.places
    }
    above = ctx.places.path(ctx.place)
    only, points = view.get("only_here", 0), views["points"].get("points", [])
    titled = len(points) <= TITLES_UP_TO
    rows = [
        [key, round(lon, DIGITS), round(lat, DIGITS), ORDER.index(light), *([clipped(title)] if titled else [])]
        for key, lon, lat, light, title in points
    ]
    return {
        "map-data.document": {
            "place": ctx.place,
            "name": ctx.places[ctx.place].title(language),
            "parent": above[-2] if len(above) > 1 else None,
            "places": places,
            "steps": list(ctx.city.rate_colours),
            "tiles": [
                {
                    "id": table.name,
                    "system": table.system,
                    "zooms": table.zooms,
                    "dim": table.dim,
                    "credit": table.credit,
                }
                for table in ctx.city.map.tiles
            ],
            "modes": {mode: words[language] for mode, words in MODES.items()},
            "lights": [[name, shape, words[language]] for name, (shape, words) in LIGHTS.items()],
            "none": NO_FIGURE[language],
            "layers": {
                layer.id: {
                    "looks": [[ORDER.index(look.look), look.words[language]] for look in layer.looks],
                    "title": layer.title[language],
                    "rate": layer.rate[language],
                    "frame": layer.frame,
                    "leads": layer.leads,
                    "home": list(layer.home),
                }
                for layer in all_layers().values()
            },
        },
        "map-layers.states": {
            "place": ctx.place,
            "layers": {layer.id: _said(views.get(layer.states, {}), language) for layer in all_layers().values()},
        },
        "map-points.rows": {"place": ctx.place, "points": rows},
        "map-only.children": f"{only:,} {ONLY_HERE[language]}" if only and places else "",
    }


def _said(view: Document, language: str) -> Document:
    """The states of a layer as they come, and of each point its reading in words, its moment and its deadline."""
    if "said" not in view:
        return view
    rows = [
        [measured(value, unit, language) + (f" / {count(of)}" if of else ""), at, due]
        for value, unit, of, at, due in view["said"]
    ]
    return {**view, "said": rows}


PANEL = Panel(
    id="map",
    title=Words("地图", "Map"),
    reads=("map", "points", *(layer.states for layer in all_layers().values())),
    frame=frame,
    paint=paint,
    example={
        "map": {
            "places": {
                "440605011": {
                    "open": 1204, "late": 3, "soon": 40, "due": 3120, "on_time": 3054, "total": 9120,
                    "population": 701_000,
                },
                "440605124": {
                    "open": 1986, "late": 61, "soon": 130, "due": 4004, "on_time": 3552, "total": 12011,
                    "population": 950_000,
                },
            },
            "only_here": 12,
        },
        "points": {"points": [["pretend|1", 113.186, 23.036, "soon", "井盖缺损 <img src=x>"]], "open": 1},
        **{
            layer.states: {
                "version": "1", "states": [0, 40, 1, 2], "counts": [40, 2], "unlocated": 1,
                "places": {"440605011": [40, 42]},
            }
            for layer in all_layers().values()
        },
    },
    formula=Words(
        "按期结案率：本月至今按期结案 ÷ 应结；每千人：在办 ÷ 常住人口 × 1000",
        "On-time rate: closed on time ÷ due to close this month so far; per 1,000: open ÷ residents × 1,000",
    ),
    bare=True,
)  # fmt: skip
