"""Faces: extremes follow from a panel's example, and never touch it."""

from __future__ import annotations

import pytest

from dashboard.city import read_city
from dashboard.nouns.noun import Rules
from dashboard.screens.faces import FACES, LONG, MANY, Face, Views
from dashboard.screens.page import to_json
from dashboard.screens.panel import Context, Panel, all_panels
from dashboard.sources.feed import rules_of
from dashboard.words import Words
from tests.servers import ROOT

EXAMPLE = {
    "view": {
        "rows": [{"name": "井盖", "key": "a|1", "light": "soon", "open": 12, "heard": 1_795_300_000.0, "bound": 0.98}],
        "today": {"opened": 5}, "yesterday": {"opened": 4}, "growth": 5.8, "hours": [1, 2, 3],
    }
}  # fmt: skip
PANEL = Panel("p", Words("甲", "a"), ("view",), lambda ctx: None, lambda views, ctx: {}, EXAMPLE)


@pytest.fixture(scope="module")
def rules() -> Rules:
    return rules_of(read_city(ROOT / "cities" / "nanhai.toml"))


def made(face: str, rules: Rules) -> Views:
    change = next(one for one in FACES if one.id == face).change
    assert change is not None
    return change(PANEL, rules)


def test_long_names_are_long_and_codes_stay_codes(rules: Rules) -> None:
    (row,) = made("long", rules)["view"]["rows"]
    assert row["name"] == "井盖" + LONG
    assert (row["key"], row["light"]) == ("a|1", "soon")


def test_large_numbers_grow_together_and_moments_and_shares_stay(rules: Rules) -> None:
    view = made("large", rules)["view"]
    assert view["rows"][0]["open"] == 120_000
    assert (view["rows"][0]["heard"], view["rows"][0]["bound"]) == (1_795_300_000.0, 0.98)


def test_zero_is_zero(rules: Rules) -> None:
    view = made("zero", rules)["view"]
    assert (view["rows"][0]["open"], view["rows"][0]["bound"], view["today"]["opened"]) == (0, 0.0, 0)
    assert view["rows"][0]["heard"] == 1_795_300_000.0


def test_negative_growth_has_more_before_and_less_than_nothing_gained(rules: Rules) -> None:
    view = made("negative", rules)["view"]
    assert view["yesterday"]["opened"] > view["today"]["opened"] == 5
    assert view["growth"] == -5.8


def test_many_rows_each_have_a_name_and_key_of_their_own(rules: Rules) -> None:
    rows = made("many", rules)["view"]["rows"]
    assert len({row["name"] for row in rows}) == len({row["key"] for row in rows}) == len(rows) == MANY
    assert made("none", rules)["view"]["rows"] == []
    assert made("none", rules)["view"]["hours"] == [1, 2, 3]


@pytest.mark.parametrize("face", [face for face in FACES if face.change], ids=lambda face: face.id)
def test_every_panel_paints_every_face_and_its_example_stays(face: Face, rules: Rules) -> None:
    city = read_city(ROOT / "cities" / "nanhai.toml")
    for panel in all_panels().values():
        before = to_json(dict(panel.example))
        assert face.change is not None
        views = face.change(panel, rules)
        assert views.keys() >= set(panel.reads)
        for language in city.languages:
            assert panel.paint(views, Context(city, rules.places, rules.places.root.code, language))
        assert to_json(dict(panel.example)) == before
