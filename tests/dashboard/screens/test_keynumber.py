"""The cockpit's numbers: each from a declared source, chosen by the city, and true to what its places add up to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dashboard.board import VIEWS, Board
from dashboard.city import CityError, make_city, read_city
from dashboard.doors.console import city_file
from dashboard.ground.placefile import read_places
from dashboard.nouns.noun import Rules
from dashboard.screens.keynumber import KeyNumber, Reading, chosen, key_numbers, missed
from dashboard.screens.page import to_json
from dashboard.screens.panel import Context, all_panels
from panels.cockpit_numbers import figure, line
from panels.cockpit_places import PANEL as PLACES_PANEL
from tests.contracts.test_panels import PLACES, context, nodes
from tests.dashboard.nouns.test_ticketflow import RULES, board_of, event, life

NANHAI = read_city(city_file("nanhai"))


@pytest.fixture(params=sorted(key_numbers()))
def number(request: pytest.FixtureRequest) -> KeyNumber:
    """Each number there is."""
    return key_numbers()[request.param]


def here() -> Context:
    """The simulated district's own screen."""
    places = read_places(NANHAI)
    return Context(NANHAI, places, places.root.code)


def test_a_number_reads_views_that_are_there_and_its_example_has_them(number: KeyNumber) -> None:
    assert set(number.reads) <= set(VIEWS)
    assert set(number.reads) <= set(number.example)
    assert number.title.zh
    assert number.title.en
    assert number.formula.zh
    assert number.formula.en
    assert number.good in ("", "up", "down")
    assert not number.large or number.large in all_panels()


def test_a_number_reads_its_example_and_nothing_at_all(number: KeyNumber) -> None:
    reading = number.read(number.example, here())
    assert reading.value is not None
    board = Board(Rules(places=PLACES, zone=NANHAI.tz))
    nothing = {view: board.view(view, "T")["data"] for view in number.reads}
    bare: dict[str, Any] = {view: {} for view in number.reads}
    for views in (nothing, bare):
        empty = number.read(views, context())
        assert empty.value in (None, 0), "never a rate without a denominator"
        assert not list(number.records(views, context()))
        for row in number.rows(views, context()):
            assert not row.value


def test_a_city_chooses_its_numbers_and_a_wrong_name_is_an_error() -> None:
    def city(**cockpit: Any) -> Any:
        title = {"zh": "镇", "en": "Town"}
        return make_city(
            {"name": "town", "title": title, "zone": "Asia/Shanghai", "places": {}, "cockpit": cockpit},
            Path("town.toml"),
        )

    assert [one.id for one in chosen(city(numbers=["late", "open"]))] == ["late", "open"]
    assert 8 <= len(chosen(city())) <= 12
    assert 8 <= len(chosen(NANHAI)) <= 12
    for wrong in ({"numbers": ["lateness"]}, {"targets": {"lateness": 3}}):
        with pytest.raises(CityError, match=r"town\.toml: cockpit: there is no number 'lateness'; known are .*late"):
            chosen(city(**wrong))
    with pytest.raises(CityError, match="late stands here twice"):
        city(numbers=["late", "late"])


def test_the_places_of_a_number_add_up_to_it() -> None:
    board = board_of(
        *life("1", -30, upto="signed"), *life("2", -2, upto="signed", place="B"), *life("3", -9),
        *life("4", -20, place="B"), event("4", "called_back", -2, satisfied=True, solved=False),
        *life("5", -60, upto="contacted"), event("5", "done", -3), event("5", "closed", -2),  # Due yesterday at three.
    )  # fmt: skip
    ctx = Context(NANHAI, RULES.places, "T")
    for name in ("open", "late", "intake", "closed", "on_time", "satisfaction", "resolution"):
        one = key_numbers()[name]
        views = {view: board.view(view, "T")["data"] for view in one.reads}
        reading, rows = one.read(views, ctx), one.rows(views, ctx)
        if reading.whole is None:
            assert sum(row.value or 0 for row in rows) == reading.value, name
        else:
            assert [sum(row.part or 0 for row in rows), sum(row.whole or 0 for row in rows)] == [
                reading.part, reading.whole,
            ]  # fmt: skip
    late = key_numbers()["late"]
    views = {view: board.view(view, "T")["data"] for view in late.reads}
    assert [record.title for record in late.records(views, ctx)] == ["1"]
    assert late.read(views, ctx).value == 1
    assert late.read(views, ctx).line == [0] * 12 + [1, 1], "each deadline on its own day, once"


@pytest.mark.parametrize(("name", "view"), [("water", "water"), ("instructions", "instructions")])
def test_a_number_s_places_do_not_depend_on_how_many_are_listed(name: str, view: str) -> None:
    one = key_numbers()[name]
    cut = {**one.example, view: {**one.example[view], "levels": [], "instructions": []}}
    assert sum(row.value or 0 for row in one.rows(cut, here())) == one.read(cut, here()).value


def test_a_target_is_met_or_missed_on_its_better_side() -> None:
    assert missed(Reading(95.0), "up", 96) is True
    assert missed(Reading(97.0), "up", 96) is False
    assert missed(Reading(97.0), "down", 96) is True
    assert missed(Reading(None), "up", 96) is None
    assert missed(Reading(97.0), "", 96) is None
    assert missed(Reading(97.0), "up", None) is None


def test_a_line_leaves_gaps_where_nothing_is_known() -> None:
    assert line([3]) == []
    assert line([None, None]) == []
    (drawn,) = line([1.0, None, 3.0, 4.0])
    path = drawn["props"]["children"][0]["props"]["d"]
    assert path.count("M") == 2
    assert path.count("L") == 1


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(25_995, 26_000, "99.9"), (1, 26_000, "0.1"), (26_000, 26_000, "100"), (0, 26_000, "0.0"), (737, 972, "75.8")],
)
def test_a_rate_is_all_or_none_only_where_it_is(part: int, whole: int, shown: str) -> None:
    """On its tile, in what an instruction says of it, at its places and among its parts."""
    rate = key_numbers()["on_time"]
    child = here().places.children(here().place)[0].code
    days = rate.example["days"]
    views = {
        **rate.example, "tickets": {**rate.example["tickets"], "month_so_far": [whole, part]},
        "days": {**days, "places": {child: {**days["places"][child], "due": [part, whole]}}},
    }  # fmt: skip
    written = json.loads(to_json(figure(rate, rate.read(views, here()), "zh")))
    assert next(nodes([written["props"]["children"][0]["props"]["children"]])) == shown
    painted = PLACES_PANEL.paint({**PLACES_PANEL.example, **views}, here())
    block = next(
        node["props"] for node in nodes(json.loads(to_json(painted["cockpit_places-blocks.children"])))
        if isinstance(node, dict) and node["props"].get("data-number") == "on_time" and "data-said" in node["props"]
    )  # fmt: skip
    assert block["data-said"] == f"{shown} %"
    texts = [node for node in nodes(block["children"]) if isinstance(node, str)]
    assert f"{shown} %" in texts or f"{shown}.0 %" in texts, "at the place"


def test_a_part_in_percent_is_all_or_none_only_where_it_is() -> None:
    for on_time, shown in (([2999, 3000], "99.9 %"), ([1, 3000], "0.1 %"), ([3000, 3000], "100.0 %")):
        views = {**PLACES_PANEL.example}
        views["instructions"] = {**views["instructions"], "on_time": on_time}
        blocks = json.dumps(json.loads(to_json(PLACES_PANEL.paint(views, here())["cockpit_places-blocks.children"])))
        assert f" {shown}" in blocks


def test_a_rate_without_a_denominator_is_a_dash() -> None:
    rate = key_numbers()["on_time"]
    views = {"tickets": {"month_so_far": [0, 0]}, "days": {}}
    assert "–" in str(figure(rate, rate.read(views, here()), "zh"))
