"""What a layout is: a picture of where panels stand, one per shape of screen, and how layouts are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from dashboard.discovery import declaring
from dashboard.words import Words


@dataclass(frozen=True)
class Layout:
    """A screen. ``pictures`` maps an aspect class (``wide``, ``ultrawide``, ``tall``) to the rows of
    ``grid-template-areas``, the areas being panel ids; ``columns`` and ``rows`` give the tracks of each.
    """

    id: str
    title: Words
    pictures: Mapping[str, str]
    columns: Mapping[str, str]
    rows: Mapping[str, str]

    @property
    def panels(self) -> tuple[str, ...]:
        """The ids of all panels in any of its pictures, each once, in reading order."""
        areas = (area for picture in self.pictures.values() for area in picture.split())
        return tuple(dict.fromkeys(area for area in areas if area != "."))


LAYOUTS: dict[str, Layout] = {}


def all_layouts() -> dict[str, Layout]:
    """All layouts, by id."""
    if not LAYOUTS:
        for _, value in declaring(import_module("layouts"), "LAYOUT"):
            layout = cast(Layout, value)
            LAYOUTS[layout.id] = layout
    return LAYOUTS
