"""The Sankey's layout: sizes by amount, nothing outside the field, what runs back below what runs on."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.nouns.sankey import sankey

COLUMNS = [["a"], ["b"], ["c", "d"]]


def numbers(path: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", path)]


def test_a_node_is_as_tall_as_the_larger_of_what_comes_and_goes() -> None:
    laid = sankey([("a", "b", 10), ("b", "c", 6), ("b", "d", 2)], COLUMNS, width=100, height=100, thickness=10, gap=0)
    height = {node.name: node.height for node in laid.nodes}
    assert height == pytest.approx({"a": 100, "b": 100, "c": 60, "d": 20})
    assert {node.name: node.x for node in laid.nodes} == {"a": 0, "b": 45, "c": 90, "d": 90}
    assert {node.name: node.amount for node in laid.nodes} == {"a": 10, "b": 10, "c": 6, "d": 2}


def test_a_ribbon_runs_from_edge_to_edge() -> None:
    (ribbon,) = sankey([("a", "b", 4)], [["a"], ["b"]], width=100, height=50, thickness=10).ribbons
    assert not ribbon.back
    assert ribbon.path == "M10 0C50 0 50 0 90 0L90 50C50 50 50 50 10 50Z"
    assert ribbon.middle == (50, 25)


def test_links_of_one_pair_add_up_and_nothing_is_not_drawn() -> None:
    laid = sankey([("a", "b", 1), ("a", "b", 2), ("b", "c", 0), ("a", "a", 5)], COLUMNS)
    assert [(ribbon.source, ribbon.target, ribbon.amount) for ribbon in laid.ribbons] == [("a", "b", 3)]
    assert sankey([], COLUMNS).ribbons == ()
    assert {node.height for node in sankey([], COLUMNS).nodes} == {0}


def test_what_runs_back_goes_below_everything() -> None:
    laid = sankey([("a", "b", 90), ("b", "c", 80), ("c", "a", 6), ("b", "a", 4)], COLUMNS, height=100, lane=0.3)
    field = 70
    assert max(node.y + node.height for node in laid.nodes) <= field + 1e-9
    back = [ribbon for ribbon in laid.ribbons if ribbon.back]
    assert [(ribbon.source, ribbon.target) for ribbon in back] == [("b", "a"), ("c", "a")]
    assert all(field < ribbon.middle[1] < 100 for ribbon in back)
    assert back[0].middle[1] < back[1].middle[1], "the shorter way takes the higher lane"


@pytest.mark.parametrize(("link", "sentence"), [(("a", "x", 1.0), "no column"), (("a", "b", -1.0), "cannot flow")])
def test_a_faulty_link_is_named(link: tuple[str, str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        sankey([link], COLUMNS)


amounts = st.one_of(st.just(0.0), st.floats(0.001, 1e7))


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), amounts), max_size=12))
def test_the_drawing_stays_in_its_field_and_its_paths_are_plain(links: list[tuple[str, str, float]]) -> None:
    laid = sankey(links, COLUMNS, width=1000, height=400, lane=0.4, least=0.0)
    for node in laid.nodes:
        assert -1e-6 <= node.y <= node.y + node.height <= 400 * 0.6 + 1e-6 or not any(r.back for r in laid.ribbons)
        assert node.y + node.height <= 400 + 1e-6
    for ribbon in laid.ribbons:
        assert re.fullmatch(r"[MLCZ\d .-]+", ribbon.path)
        assert "e" not in ribbon.path
        ys = numbers(ribbon.path)[1::2]
        assert -0.01 <= min(ys) <= max(ys) <= 400.01
