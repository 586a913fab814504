"""Schematic outlines: they nest, fill, do not overlap, and are the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from dashboard.city import City, Limits, PlacesTable
from dashboard.ground.placefile import read_places
from dashboard.ground.schematic import grow
from dashboard.places import Place, PlaceTree
from dashboard.schema import Title

CITIES = Path(__file__).parents[3] / "cities"
NANHAI = read_places(
    City(
        name="nanhai", title=Title(zh="南海", en="Nanhai"), zone="Asia/Shanghai", limits=Limits(), folder=CITIES,
        places=PlacesTable(file="nanhai.csv", outlines="schematic"),
    )
)  # fmt: skip


def tree_of(towns: list[tuple[float, float, int]], grids: int) -> PlaceTree:
    """A district with towns at (lon, lat), each with so many villages of so many grids."""
    places = [Place("d", "区", "district")]
    for t, (lon, lat, villages) in enumerate(towns):
        places.append(Place(f"t{t}", f"镇{t}", "town", "d", centre=(lon, lat)))
        for v in range(villages):
            places.append(Place(f"t{t}v{v}", f"村{t}-{v}", "village", f"t{t}"))
            places += [Place(f"t{t}v{v}g{g}", f"格{t}-{v}-{g}", "grid", f"t{t}v{v}") for g in range(grids)]
    return PlaceTree.of(places)


def check(places: PlaceTree, shapes: dict[str, BaseGeometry]) -> None:
    """What every set of outlines has to keep: places nest, fill their parent, and do not overlap."""
    assert set(shapes) == set(places.by_code)
    for code, shape in shapes.items():
        assert shape.is_valid, code
        below = [shapes[child.code] for child in places.children(code)]
        if below:
            assert sum(part.area for part in below) == pytest.approx(shape.area, rel=1e-9), code
            assert shapely.coverage_is_valid(np.array(below, dtype=object)), code
            assert shapely.coverage_union_all(below).equals(shape), code


@pytest.mark.parametrize("seed", [1, 2, 4074440902])
def test_nanhai_is_one_handsome_piece(seed: int) -> None:
    shapes = grow(NANHAI, seed)
    check(NANHAI, shapes)
    for code, shape in shapes.items():
        assert isinstance(shape, shapely.Polygon), code
        assert not shape.interiors, code
    towns = NANHAI.children("440605")
    for town in towns:
        assert town.centre is not None
        assert shapes[town.code].contains(shapely.Point(town.centre)), town.name
        share = shapes[town.code].area / shapes["440605"].area
        assert share == pytest.approx(len(NANHAI.children(town.code)) / 307, abs=0.02), town.name
    areas = [shape.area for code, shape in shapes.items() if NANHAI[code].level == "grid"]
    assert max(areas) < 4 * min(areas), "a sliver among the grids"


def test_the_same_seed_gives_the_same_outlines() -> None:
    first, again, other = grow(NANHAI, 7), grow(NANHAI, 7), grow(NANHAI, 8)
    assert all(first[code].equals_exact(again[code], 0) for code in first)
    assert not first["440605"].equals(other["440605"])


def test_a_town_without_a_centre_is_named() -> None:
    places = PlaceTree.of([Place("d", "区", "district"), Place("t", "九江镇", "town", "d")])
    with pytest.raises(ValueError, match="九江镇"):
        grow(places, 1)


def test_two_towns_on_one_spot_share_it() -> None:
    check(places := tree_of([(113.0, 23.0, 4), (113.0, 23.0, 4)], 2), grow(places, 1))


def test_a_district_alone_is_one_blob() -> None:
    places = PlaceTree.of([Place("d", "区", "district", centre=(113.0, 23.0))])
    assert isinstance(grow(places, 1)["d"], shapely.Polygon)


coordinate = st.floats(-0.3, 0.3).map(lambda off: round(off, 3))
town = st.tuples(coordinate.map(lambda off: 113 + off), coordinate.map(lambda off: 23 + off), st.integers(0, 9))


@settings(max_examples=20, deadline=None)
@given(st.lists(town, min_size=1, max_size=9), st.integers(0, 3), st.integers(0, 2**32))
def test_any_tree_with_centres_nests(towns: list[tuple[float, float, int]], grids: int, seed: int) -> None:
    places = tree_of(towns, grids)
    check(places, grow(places, seed))
