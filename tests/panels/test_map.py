"""What the map is told: places below with their numbers, points with their lights."""

from __future__ import annotations

from typing import Any

from dashboard.words import LIGHTS
from panels.map import PANEL, TITLES_UP_TO
from tests.contracts.test_panels import context


def views(points: list[list[Any]] | None = None, **places: dict[str, Any]) -> dict[str, Any]:
    """Views of the map with these places and points."""
    return {"map": {"places": places, "only_here": 2}, "points": {"points": points or [], "open": len(points or [])}}


NUMBERS = {"open": 5, "late": 1, "soon": 2, "due": 8, "on_time": 6, "total": 40, "population": None}


def test_places_carry_their_name_in_the_page_s_language_and_strangers_are_left_out() -> None:
    document = PANEL.paint(views(A=NUMBERS, X=NUMBERS), context(language="en"))["map-data.document"]
    assert document["places"] == {"A": {**NUMBERS, "name": "Alpha", "behind": document["places"]["A"]["behind"]}}
    behind = {
        "tickets": "/tickets?place=A&open=1&lang=en",
        "rate": "/tickets?place=A&rate=on_time&period=month&lang=en",
    }
    assert document["places"]["A"]["behind"] == behind
    assert document["parent"] is None
    assert document["place"] == "T"


def test_one_level_down_the_way_up_is_known() -> None:
    assert PANEL.paint(views(), context("A"))["map-data.document"]["parent"] == "T"


def test_points_say_their_light_by_its_number_in_the_order_of_the_lights() -> None:
    rows = [["s|1", 113.123456789, 23.000001, light, "标题"] for light in LIGHTS]
    painted = PANEL.paint(views(rows), context())
    assert [row[3] for row in painted["map-points.rows"]["points"]] == list(range(len(LIGHTS)))
    assert painted["map-points.rows"]["points"][0] == ["s|1", 113.12346, 23.0, 0, "标题"]
    assert [light[0] for light in painted["map-data.document"]["lights"]] == list(LIGHTS)


def test_a_crowd_of_points_goes_without_titles() -> None:
    rows = [[f"s|{n}", 113.0, 23.0, "soon", "标题" * 30] for n in range(TITLES_UP_TO + 1)]
    assert all(len(row) == 4 for row in PANEL.paint(views(rows), context())["map-points.rows"]["points"])


def test_tickets_known_only_at_this_level_are_said() -> None:
    assert PANEL.paint(views(A=NUMBERS), context())["map-only.children"] == "2 件仅定位到本级"
    assert PANEL.paint(views(), context())["map-only.children"] == ""
