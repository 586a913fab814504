"""What a layout is: a picture of where panels stand, one per shape of screen, and how layouts are found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import cast

from dashboard.discovery import declaring
from dashboard.words import Words


@dataclass(frozen=True)
class Layout:
    """A screen. ``pictures`` maps an aspect class (``wide``, ``ultrawide``, ``tall`` and, where a tablet or a notebook
    is to have a picture of its own, ``small``) to the rows of ``grid-template-areas``, the areas being panel ids;
    ``columns`` and ``rows`` give the tracks of each. ``orbits`` says that the picture wanders by some pixels, so that
    nothing burns in on a wall that shows it for months. ``kept`` says that a tablet keeps its last picture and may
    install it, see ``kept``. Where the feeds of a city fill none of the nouns it ``needs``, it has the picture of the
    layout ``otherwise``: a wall of empty modules tells nobody anything.
    """

    id: str
    title: Words
    pictures: Mapping[str, str]
    columns: Mapping[str, str]
    rows: Mapping[str, str]
    orbits: bool = True
    kept: bool = False
    needs: frozenset[str] = frozenset()
    otherwise: str = ""

    @property
    def panels(self) -> tuple[str, ...]:
        """The ids of all panels in any of its pictures, each once, in reading order."""
        areas = (area for picture in self.pictures.values() for area in picture.split())
        return tuple(dict.fromkeys(area for area in areas if area != "."))


def fitting(layouts: Mapping[str, Layout], nouns: Collection[str]) -> dict[str, Layout]:
    """The layouts as a city has them whose feeds fill these nouns."""

    def fitted(layout: Layout) -> Layout:
        other = layouts.get(layout.otherwise)
        if other is None or layout.needs & set(nouns):
            return layout
        return replace(layout, pictures=other.pictures, columns=other.columns, rows=other.rows)

    return {name: fitted(layout) for name, layout in layouts.items()}


VIEWING: Mapping[str, float] = {"wide": 3.0, "small": 2.0, "ultrawide": 3.0, "tall": 2.0}
"""How far away a screen of each aspect class is read from at most, in heights of the screen: a wall three metres high
from nine, a tablet on end from an arm's length."""
LEGIBLE = 250.0  # A glyph is legible up to so many times its size away.
HELD = 11.0  # Pixels below which nothing is written, however near the screen.
NARROW, BROAD = 11 / 10, 24 / 10  # Width to height at which an aspect class ends; wall.css has the same.
SHAPE = 184 / 108  # Width to height of the picture of a wide screen; wall.css has the same.
LOW = 1030  # Pixels up to which a wide screen counts as small: a tablet (1366 by 1024) or a notebook.


def aspect(width: int, height: int) -> str:
    """The aspect class of a screen of so many pixels.

    >>> aspect(1920, 1080), aspect(6656, 1792), aspect(1024, 1366), aspect(1280, 800)
    ('wide', 'ultrawide', 'tall', 'small')
    """
    if width <= NARROW * height:
        return "tall"
    return "ultrawide" if width >= BROAD * height else "small" if height <= LOW else "wide"


def smallest(width: int, height: int) -> float:
    """The smallest size of type, in pixels, that may stand on a screen: viewing distance ÷ 250, and never below 11.

    A wide screen that is higher than its picture (16:10) is read from where one of the picture's shape would be.

    >>> round(smallest(1920, 1080), 2), round(smallest(7680, 2160), 2), smallest(1280, 800)
    (12.96, 25.92, 11.0)
    >>> round(smallest(1920, 1200), 2)
    13.52
    """
    kind = aspect(width, height)
    tall = min(height, width / SHAPE) if kind == "wide" else height
    return max(HELD, tall * VIEWING[kind] / LEGIBLE)


LAYOUTS: dict[str, Layout] = {}


def all_layouts() -> dict[str, Layout]:
    """All layouts, by id."""
    if not LAYOUTS:
        for _, value in declaring(import_module("layouts"), "LAYOUT"):
            layout = cast(Layout, value)
            LAYOUTS[layout.id] = layout
    return LAYOUTS
