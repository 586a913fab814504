"""Units ranked: bound, rate and n of each, and no rank where nothing was due."""

from __future__ import annotations

import json

from dashboard.screens.page import to_json
from panels.units import PANEL
from tests.contracts.test_panels import context, nodes


def test_each_row_says_rank_bound_rate_and_n() -> None:
    rows = json.loads(to_json(PANEL.paint(PANEL.example, context())["units-rows.children"]))
    texts = [[node for node in nodes(row["props"]["children"]) if isinstance(node, str)] for row in rows]
    assert texts[0] == ["1", "桂城城管", "98.1 %", "98.8 %", "1,204", "310", "2"]
    assert texts[2] == ["–", "大沥水务", "–", "–", "0", "4", "0"]


def test_who_has_late_tickets_is_marked() -> None:
    rows = json.loads(to_json(PANEL.paint(PANEL.example, context())["units-rows.children"]))
    classes = [row["props"]["children"][-1]["props"]["className"] for row in rows]
    assert classes == ["n late behind", "n late behind", "n quiet"]
