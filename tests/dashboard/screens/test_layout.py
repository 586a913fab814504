"""Layouts: each names panels that there are, and a city without modules has a wall without empty ones."""

from __future__ import annotations

import pytest

from dashboard.board import NOUNS
from dashboard.city import read_city
from dashboard.screens.layout import all_layouts, fitting
from dashboard.screens.page import layouts_of
from dashboard.screens.panel import all_panels
from tests.servers import ROOT


@pytest.mark.parametrize("name", sorted(all_layouts()))
def test_a_layout_names_panels_nouns_and_layouts_that_there_are(name: str) -> None:
    layout = all_layouts()[name]
    assert set(layout.panels) <= all_panels().keys()
    assert layout.needs <= NOUNS.keys()
    assert not layout.otherwise or layout.otherwise in all_layouts()
    for shape, picture in layout.pictures.items():
        lines = [line.split() for line in picture.splitlines() if line.strip()]
        assert len({len(line) for line in lines}) == 1, "each row of the picture has as many columns"
        assert (len(layout.columns[shape].split()), len(layout.rows[shape].split())) == (len(lines[0]), len(lines))


def test_every_panel_stands_on_some_screen() -> None:
    assert {panel for layout in all_layouts().values() for panel in layout.panels} == set(all_panels())


def test_a_city_without_modules_has_the_day_of_its_tickets_on_the_wall() -> None:
    layouts = all_layouts()
    bare = fitting(layouts, {"ticket", "clock"})["wall"]
    assert (bare.id, bare.title, bare.pictures) == ("wall", layouts["wall"].title, layouts["intake"].pictures)
    assert fitting(layouts, {"ticket", "sharing"})["wall"] is layouts["wall"]
    assert fitting({"wall": layouts["wall"]}, ())["wall"] is layouts["wall"], "where the other one is not at hand"
    assert layouts_of(read_city(ROOT / "bench" / "load.toml"))["wall"].panels == layouts["intake"].panels
    assert "service" in layouts_of(read_city(ROOT / "cities" / "nanhai.toml"))["wall"].panels
