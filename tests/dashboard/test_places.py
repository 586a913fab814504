"""The tree of places: paths, names, and what is no tree."""

from __future__ import annotations

import pytest

from dashboard.places import Place, PlaceError, PlaceTree

TREE = PlaceTree.of(
    [
        Place("d", "南海区", "district", None, "Nanhai"),
        Place("d1", "桂城街道", "town", "d", "Guicheng", aliases=("桂城",)),
        Place("d2", "大沥镇", "town", "d", "Dali"),
        Place("d11", "平西社区", "village", "d1"),
        Place("d21", "平西社区", "village", "d2"),
    ]
)


def test_paths_lead_from_the_root() -> None:
    assert TREE.path("d11") == ("d", "d1", "d11")
    assert TREE.path("d") == ("d",)
    assert TREE.path("nowhere") == ("d",)
    assert [child.code for child in TREE.children("d")] == ["d1", "d2"]
    assert TREE.children("d11") == ()


def test_a_name_is_found_by_alias_case_and_spaces() -> None:
    assert TREE.named(" guiCHENG ") == TREE.named("桂城") == TREE.named("桂城街道") == "d1"
    assert TREE.named("佛山") is None


def test_a_name_that_two_places_have_needs_a_place_to_look_in() -> None:
    assert TREE.named("平西社区") is None
    assert TREE.named("平西社区", within="d2") == "d21"


def test_a_name_is_shown_in_the_language_asked_for() -> None:
    assert TREE["d1"].title("en") == "Guicheng"
    assert TREE["d11"].title("en") == "平西社区"


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([Place("a", "A", "x"), Place("a", "B", "x")], "listed twice"),
        ([Place("a", "A", "x"), Place("b", "B", "x")], "has 2"),
        ([], "has 0"),
        ([Place("a", "A", "x"), Place("b", "B", "x", "c")], "lies in c"),
        ([Place("a", "A", "x"), Place("b", "B", "x", "c"), Place("c", "C", "x", "b")], "own ancestor"),
    ],
)
def test_what_is_no_tree_is_refused(places: list[Place], said: str) -> None:
    with pytest.raises(PlaceError, match=said):
        PlaceTree.of(places)
