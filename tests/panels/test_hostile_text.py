"""Text from outside stays text on every panel: markup is shown, never made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from dashboard.screens.marks import TEXT, clipped
from dashboard.screens.page import to_json
from dashboard.screens.panel import Panel, all_panels
from tests.contracts.test_panels import context, nodes

HOSTILE = "<img src=x onerror=alert(1)><a href='javascript:alert(1)'>\u202e\x00"


def poisoned(value: Any) -> Any:
    """A view in which every text that comes from outside is hostile; words of the house stay."""
    if isinstance(value, Mapping):
        house = {"light", "state", "place", "kind", "grade", "cause", "like", "out"}
        return {key: part if key in house else poisoned(part) for key, part in value.items()}
    if isinstance(value, list):
        return [poisoned(part) for part in value]
    return HOSTILE if isinstance(value, str) and value not in {"soon", "overdue"} else value


@pytest.mark.parametrize("name", sorted(all_panels()))
def test_markup_is_a_text_child_or_a_plain_value(name: str) -> None:
    panel: Panel = all_panels()[name]
    painted = json.loads(to_json(panel.paint(poisoned(dict(panel.example)), context())))
    allowed = {"lang", "children", "className", "title", "style", "role", "href"}
    for value in painted.values():
        for node in nodes(value):
            if isinstance(node, Mapping) and node.get("namespace") == "citywall_svg":
                assert node["type"] in {"svg", "path", "rect"}, "shapes, and no text: see draw.mjs"
                assert "<" not in json.dumps({**node["props"], "children": []})
            elif isinstance(node, Mapping) and "type" in node:
                assert node["namespace"] == "dash_html_components"
                assert node["type"] in {"Div", "Span", "B", "A", "Time", "H3"}, "nothing that could run"
                assert all(key in allowed or key.startswith(("data-", "aria-")) for key in node["props"])
                assert "<" not in str(node["props"].get("href", "")), "addresses are made of codes alone"


@pytest.mark.parametrize("text", ["a" * 200_000, "第一行\n\n第二行\t x", HOSTILE, "", "\u202eabc"])
def test_titles_come_on_one_line_and_not_too_long(text: str) -> None:
    shown = clipped(text)
    assert len(shown) <= TEXT
    assert "\n" not in shown
    assert "\t" not in shown
    assert "\x00" not in shown
    assert "\u202e" not in shown


def test_a_short_title_is_left_as_it_is() -> None:
    assert clipped("下穿通道积水 0.23 m") == "下穿通道积水 0.23 m"
