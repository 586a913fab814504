"""Every panel and every layout that is found keeps to the contract: example, nothing at all, both languages."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dashboard.board import VIEWS, Board
from dashboard.city import City, make_city
from dashboard.nouns.noun import FeedRule, Rules
from dashboard.places import Place, PlaceTree
from dashboard.screens.layout import all_layouts
from dashboard.screens.marks import ASSETS, colours
from dashboard.screens.page import page, to_json
from dashboard.screens.panel import Context, Panel, all_panels

PLACES = PlaceTree.of([
    Place("T", "镇", "town", None, "Town"),
    Place("A", "甲", "village", "T", "Alpha", (113.0, 23.0), 1200),
    Place("B", "乙", "village", "T", "Beta", (113.1, 23.1), None),
])  # fmt: skip
LANGUAGES = ("zh", "en")
SIZES = ("small", "normal", "large")


def city() -> City:
    """A city of two villages."""
    title = {"zh": "镇", "en": "Town"}
    return make_city({"name": "town", "title": title, "zone": "Asia/Shanghai", "places": {}}, Path("town.toml"))


def context(place: str = "T", language: str = "zh", size: str = "normal") -> Context:
    """Where the panels are painted."""
    return Context(city(), PLACES, place, language, size)


def nodes(tree: Any) -> Iterator[Any]:
    """Every component and text of a tree as plain JSON values."""
    if isinstance(tree, list):
        for part in tree:
            yield from nodes(part)
    elif isinstance(tree, Mapping):
        yield tree
        yield from nodes(tree.get("props", {}).get("children", []))
    elif tree is not None:
        yield tree


def drawn(panel: Panel) -> set[str]:
    """The ids of the components a panel's frame draws."""
    tree = json.loads(to_json(panel.frame(context())))
    return {node["props"]["id"] for node in nodes(tree) if isinstance(node, Mapping) and "id" in node["props"]}


def empty_views(panel: Panel, place: str) -> dict[str, Any]:
    """The views of a board that has never heard of anything."""
    board = Board(Rules(places=PLACES, zone=city().tz, feeds=(FeedRule("post", "cloudevents", ("ticket",), None),)))
    return {view: board.view(view, place)["data"] for view in panel.reads}


@pytest.fixture(params=sorted(all_panels()))
def panel(request: pytest.FixtureRequest) -> Panel:
    """Each panel there is."""
    return all_panels()[request.param]


def test_there_are_panels_and_layouts() -> None:
    assert len(all_panels()) >= 10
    assert "wall" in all_layouts()


def test_a_panel_reads_views_that_exist_and_its_example_has_them(panel: Panel) -> None:
    assert panel.reads
    assert set(panel.reads) <= set(VIEWS)
    assert set(panel.example) >= set(panel.reads)


def test_a_panel_has_its_title_in_both_languages(panel: Panel) -> None:
    assert panel.title.zh
    assert panel.title.en
    assert re.search("[\u4e00-\u9fff]", panel.title.zh)
    assert not re.search("[\u4e00-\u9fff]", panel.title.en)
    assert bool(panel.formula.zh) == bool(panel.formula.en)
    assert panel.bare or panel.formula.zh, "whoever sees a number may ask how it comes about"
    assert panel.bare or (panel.period.zh and panel.period.en), "a card says what time its numbers are about"


def test_the_ids_a_panel_draws_are_its_own(panel: Panel) -> None:
    assert drawn(panel), "nothing could ever be painted"
    assert all(name.startswith(f"{panel.id}-") for name in drawn(panel))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
def test_a_panel_paints_its_example(panel: Panel, language: str, size: str) -> None:
    painted = panel.paint(panel.example, context(language=language, size=size))
    check(panel, painted)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", ["T", "A"])
def test_a_panel_paints_a_board_without_events(panel: Panel, language: str, place: str) -> None:
    painted = panel.paint(empty_views(panel, place), context(place, language))
    check(panel, painted)
    texts = [node for value in json.loads(to_json(painted)).values() for node in nodes(value) if isinstance(node, str)]
    assert not [text for text in texts if re.search(r"\b(nan|inf|null|undefined)\b", text, re.IGNORECASE)]
    assert not [text for text in texts if "%" in text and re.search(r"\d", text)], "a rate of nothing is a dash"


def test_a_panel_paints_a_view_that_lacks_everything(panel: Panel) -> None:
    check(panel, panel.paint({view: {} for view in panel.reads}, context()))


def check(panel: Panel, painted: Mapping[str, Any]) -> None:
    """What is painted can be sent, and there is something on the page that takes it."""
    assert painted
    targets = {target.rpartition(".")[0] for target in painted}
    assert targets <= drawn(panel)
    values = json.loads(to_json(painted))
    assert set(values) == set(painted)
    found = [node for value in values.values() for node in nodes(value)]
    inner = [node for node in found if isinstance(node, Mapping) and "props" in node]
    assert not [node["props"]["id"] for node in inner if "id" in node["props"]], "ids belong to the frame"


def test_charts_keep_to_the_traces_that_the_page_s_plotly_knows(panel: Panel) -> None:
    for target, value in panel.paint(panel.example, context()).items():
        if target.endswith(".figure"):
            assert {trace["type"] for trace in value["data"]} <= {"scatter", "bar", "pie"}


def test_painting_is_pure(panel: Panel) -> None:
    before = to_json(dict(panel.example))
    first = to_json(panel.paint(panel.example, context()))
    assert to_json(panel.paint(panel.example, context())) == first
    assert to_json(dict(panel.example)) == before


def test_numbers_that_json_does_not_know_become_null() -> None:
    assert json.loads(to_json({"a.b": [math.nan, math.inf, 1.5]})) == {"a.b": [None, None, 1.5]}


@pytest.mark.parametrize("name", sorted(all_layouts()))
def test_a_layout_shows_panels_that_exist_in_a_rectangular_picture(name: str) -> None:
    layout = all_layouts()[name]
    assert set(layout.panels) <= set(all_panels())
    for shape, picture in layout.pictures.items():
        rows = [line.split() for line in picture.splitlines() if line.strip()]
        assert len({len(row) for row in rows}) == 1, f"{shape}: rows of different length"
        assert len(rows[0]) == len(layout.columns[shape].split())
        assert len(rows) == len(layout.rows[shape].split())
        for area in set(picture.split()) - {"."}:
            cells = {(y, x) for y, row in enumerate(rows) for x, found in enumerate(row) if found == area}
            height = {y for y, _ in cells}
            width = {x for _, x in cells}
            assert len(cells) == len(height) * len(width), f"{shape}: {area} is no rectangle"


@pytest.mark.parametrize("name", sorted(all_layouts()))
def test_a_page_has_a_frame_for_each_panel_and_no_id_twice(name: str) -> None:
    layout = all_layouts()[name]
    tree = json.loads(to_json(page(layout, city(), PLACES)))
    found = [node for node in nodes(tree) if isinstance(node, Mapping)]
    frames = [node["props"]["data-panel"] for node in found if "data-panel" in node["props"]]
    assert frames == list(layout.panels)
    ids = [node["props"]["id"] for node in found if "id" in node["props"]]
    assert len(ids) == len(set(ids))
    assert all(node["props"]["data-state"] == "never" for node in found if "data-panel" in node["props"])


def test_every_colour_that_is_used_is_a_token() -> None:
    tokens = (ASSETS / "tokens.css").read_text(encoding="utf-8")
    known = set(re.findall(r"--([\w-]+):", tokens))
    style = (ASSETS / "wall.css").read_text(encoding="utf-8")
    used = set(re.findall(r"var\(--([\w-]+)", style))
    laid_out = {name for name in used if name.startswith(("areas-", "columns-", "rows-"))}
    own = set(re.findall(r"--([\w-]+):", style))
    assert used - laid_out - own <= known
    for module in (ASSETS / "map.mjs", *(ASSETS / "map").glob("*.mjs")):
        assert set(re.findall(r'colour\("([\w-]+)"\)', module.read_text(encoding="utf-8"))) <= known


def luminance(colour: str) -> float:
    """The relative luminance of ``#rrggbb``, as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("ink", ["ink", "ink-2", "ink-3", "accent", "ok", "soon", "overdue", "worst", "paused"])
@pytest.mark.parametrize("ground", ["ground", "card", "aside"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_can_be_read(ink: str, ground: str, theme: str) -> None:
    found = colours(theme)
    dark, light = sorted((luminance(found[ink]), luminance(found[ground])))
    assert (light + 0.05) / (dark + 0.05) >= 4.5
