"""The day's four numbers: what they say and where they say nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboard.screens.page import to_json
from panels.decide import PANEL
from tests.contracts.test_panels import context, nodes


def said(painted: dict[str, Any], target: str) -> str:
    """The text of one painted value."""
    value = json.loads(to_json(painted[target]))
    return "".join(node for node in nodes(value if isinstance(value, list) else [value]) if isinstance(node, str))


def test_the_example_is_written_as_a_reader_expects() -> None:
    painted = PANEL.paint(PANEL.example, context())
    assert said(painted, "decide-open.children") == "6,214"
    assert said(painted, "decide-hour-why.children") == "14 个单位"
    assert said(painted, "decide-late.children") == "23"
    assert said(painted, "decide-rate.children") == "96.8%"
    assert said(painted, "decide-rate-why.children") == "18,902 / 19,527"


def test_lights_without_tickets_are_left_out_and_the_others_have_shape_word_and_number() -> None:
    view = {"tickets": {"open": 3, "lights": {"normal": 2, "worst": 1, "soon": 0}}}
    text = said(PANEL.paint(view, context(language="en")), "decide-open-why.children")
    assert text == "● on track 2◆ long late 1"


@pytest.mark.parametrize(
    ("open_", "worst", "shown"),
    [(9_999, 4, 4), (10_000, 4, 3), (9_999, 1_000, 3)],
    ids=["few", "many", "many that are long late"],
)
def test_of_many_tickets_the_bar_alone_says_what_is_on_track(open_: int, worst: int, shown: int) -> None:
    lights = {"normal": 5_000, "soon": 300, "overdue": 20, "worst": worst}
    text = said(
        PANEL.paint({"tickets": {"open": open_, "lights": lights}}, context(language="en")), "decide-open-why.children"
    )
    assert [word in text for word in ("on track", "soon", "late", "long late")].count(True) == shown


def test_a_rate_without_anything_due_is_a_dash() -> None:
    painted = PANEL.paint({"tickets": {"month_so_far": [0, 0]}}, context())
    assert said(painted, "decide-rate.children") == "–"
    assert said(painted, "decide-rate-why.children") == "– / –"


def test_who_has_nothing_overdue_has_no_oldest() -> None:
    view = {"tickets": {"lights": {"normal": 1}, "oldest_due": 1_795_000_000.0}}
    assert said(PANEL.paint(view, context()), "decide-late-why.children") == "无"
