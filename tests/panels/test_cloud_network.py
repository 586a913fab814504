"""The star of a network: every node has a place of its own, and the picture says what is not well."""

from __future__ import annotations

import json
from typing import Any

from dashboard.screens.page import to_json
from dashboard.screens.panel import all_panels
from panels.cloud_network import star_of
from tests.contracts.test_panels import context, nodes


def link(start: str, end: str, grade: str = "normal", line: str = "") -> dict[str, Any]:
    return {"key": f"{start}{end}{line}", "name": line, "start": start, "end": end, "grade": grade}


def star(towns: int, offices: int, bureaus: int) -> list[dict[str, Any]]:
    found = [link("core", f"t{town}") for town in range(towns)]
    found += [link(f"t{town}", f"t{town}-{office}") for town in range(towns) for office in range(offices)]
    return found + [link("core", f"b{bureau}") for bureau in range(bureaus)]


def test_every_node_has_a_place_of_its_own_inside_the_field() -> None:
    for shape in ((7, 2, 28), (1, 0, 1), (0, 0, 5), (3, 9, 0), (12, 1, 50)):
        links = star(*shape)
        found = star_of(links)
        assert found is not None
        assert set(found.places) == {one[end] for one in links for end in ("start", "end")}
        assert found.hub == "core" or shape == (1, 0, 1)
        assert len(set(found.places.values())) == len(found.places)
        assert all(0 < x < 100 and 0 < y < 100 for x, y in found.places.values())


def test_it_does_not_depend_on_the_order_of_the_links() -> None:
    links = star(7, 2, 28)
    assert star_of(links) == star_of(links[::-1])
    assert star_of([]) is None
    assert star_of([link("", "lonely")]) is None


def test_a_node_is_reached_as_long_as_one_of_its_ways_is_well() -> None:
    links = [*star(2, 1, 2), link("core", "t0", "down", "B"), link("core", "b0", "down")]
    links = [one for one in links if one["key"] != "coreb0"] + [link("core", "b0", "down")]
    grades = {"down": 2, "alarm": 0, "unknown": 0, "warn": 0, "normal": len(links) - 2}
    view = {"links": [*links, link("far", "away")], "total": len(links) + 1, "grades": grades}
    painted = json.loads(to_json(all_panels()["cloud_network"].paint({"network": view}, context())))
    parts = [one for one in nodes(painted["cloud_network-star.children"]) if isinstance(one, dict)]
    edges = [one["props"]["className"] for one in parts if one["type"] == "path"]
    assert edges.count("edge down") == 2
    assert edges[-2:] == ["edge down"] * 2, "what is not well is drawn on top"
    dots = {one["props"]["title"]: one["props"]["children"][0]["props"]["className"] for one in parts
            if "title" in one["props"]}  # fmt: skip
    assert dots["t0"] == "dot normal"
    assert dots["b0"] == "dot overdue"
    assert "away" not in dots
    legend = [one for one in nodes(painted["cloud_network-legend.children"]) if isinstance(one, str)]
    assert any("未画 1" in text for text in legend)
