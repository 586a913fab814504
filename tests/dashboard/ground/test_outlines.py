"""Which place holds a point, and the outlines as they are sent to a screen."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.affinity import scale

from dashboard.city import make_city, read_city
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from tests.town import DATA, square

BOSTON = DATA / "boston311"
needs_boston = pytest.mark.skipif(
    not BOSTON.is_dir(), reason="../shared/data/boston311 is not there: the real outlines were not read"
)

# Two districts side by side; A has two halves below it that leave its northern strip free, B has a hole.
SHAPES: dict[str, dict[str, Any]] = {
    "A": square(113.0, 23.0, 0.2),
    "A1": square(113.0, 23.0, 0.1),
    "A2": square(113.1, 23.0, 0.1),
    "B": {
        "type": "Polygon",
        "coordinates": square(113.2, 23.0, 0.2)["coordinates"] + square(113.25, 23.05, 0.1)["coordinates"],
    },
}
PLACES = "code,name,level,parent,name_en,lon,lat\nT,镇,city,,Town,,\nA,甲,district,T,Alpha,,\nB,乙,district,T,,,\n" + (
    "C,丙,district,T,Gamma,113.5,23.5\nA1,甲一,village,A,,,\nA2,甲二,village,A,,,\nC1,丙一,village,C,,113.6,23.7\n"
)


def gazetteer(folder: Path, shapes: dict[str, dict[str, Any]] | None = SHAPES) -> Gazetteer:
    (folder / "places.csv").write_text(PLACES, encoding="utf-8")
    places: dict[str, str] = {"file": "places.csv"}
    if shapes is not None:
        features = [
            {"type": "Feature", "properties": {"id": code}, "geometry": shape} for code, shape in shapes.items()
        ]
        (folder / "shapes.json").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        places |= {"outlines": "shapes.json", "code_property": "id"}
    table = {"name": "town", "title": {"zh": "镇", "en": "Town"}, "zone": "Asia/Shanghai", "places": places}
    city = make_city(table, folder / "town.toml")
    return Gazetteer.of(city, read_places(city))


@pytest.mark.parametrize(
    ("lon", "lat", "found"),
    [
        (113.05, 23.05, ("A1", "")),
        (113.15, 23.05, ("A2", "")),
        (113.15, 23.15, ("A", "")),
        (113.21, 23.01, ("B", "")),
        (113.30, 23.10, (None, "outside")),  # In the hole.
        (113.10, 23.05, ("A1", "")),  # On a border, the first that is listed.
        (113.0, 23.0, ("A1", "")),
        (114.0, 23.0, (None, "outside")),
        (0, 0, (None, "zero_point")),
        (0, 23.0, (None, "outside")),
        (23.05, 113.05, (None, "swapped_point")),
        (23.1, 113.3, (None, "outside")),
        (None, 23.0, (None, "no_point")),
        (113.0, None, (None, "no_point")),
        (math.nan, 23.0, (None, "no_point")),
        (math.inf, 23.0, (None, "no_point")),
    ],
)
def test_locate(tmp_path: Path, lon: float | None, lat: float | None, found: tuple[str | None, str]) -> None:
    assert gazetteer(tmp_path).locate(lon, lat) == found


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    found = gazetteer(tmp_path)
    (tmp_path / "shapes.json").unlink()
    with pytest.raises(ValueError, match="there is no file"):
        found.locate(113.05, 23.05)


def test_a_city_without_outlines(tmp_path: Path) -> None:
    found = gazetteer(tmp_path, None)
    assert found.locate(113.05, 23.05) == (None, "no_outlines")
    assert found.locate(23.05, 113.05) == (None, "swapped_point")  # No latitude is beyond 90°.
    assert found.shapes("T")["features"] == []
    assert found.outline("T") is None
    assert found.bounds("T") == (113.5, 23.5, 113.6, 23.7)
    assert found.bounds("A") is None


points = st.one_of(
    st.none(),
    st.tuples(st.floats(112.9, 113.5), st.floats(22.9, 23.3)),
    st.tuples(st.floats(22.9, 23.3), st.floats(112.9, 113.5)),
    st.tuples(st.floats(), st.floats()),
    st.just((0.0, 0.0)),
)


@given(st.lists(points, max_size=20))
def test_many_are_located_as_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[float, float] | None]
) -> None:
    found = gazetteer(tmp_path_factory.mktemp("town"))
    one_by_one = [found.locate(*(point or (None, None))) for point in asked]
    assert found.locate_many(asked) == one_by_one
    for point, (code, flaw) in zip(asked, one_by_one, strict=True):
        assert (code is None) == bool(flaw)
        if code is not None and point is not None:
            assert found.outlines[code].intersects(shapely.Point(point))
            assert not any(
                found.outlines[child.code].intersects(shapely.Point(point)) for child in found.places.children(code)
            )


def test_shapes_are_those_below_or_its_own(tmp_path: Path) -> None:
    found = gazetteer(tmp_path)
    town = found.shapes("T")
    assert town["type"] == "FeatureCollection"
    spots = {feature["properties"]["code"]: feature["properties"].pop("spot") for feature in town["features"]}
    assert [feature["properties"] for feature in town["features"]] == [
        {"code": "A", "name": "甲", "name_en": "Alpha"},
        {"code": "B", "name": "乙", "name_en": ""},
    ]
    for code, (lon, lat, room, width) in spots.items():
        squeeze = math.cos(math.radians(lat))
        flat = scale(found.outlines[code], squeeze, origin=(0, 0))
        assert flat.boundary.distance(shapely.Point(lon * squeeze, lat)) == pytest.approx(room, rel=0.01)
        assert 2 * room <= width * 1.001
    assert [feature["properties"]["code"] for feature in found.shapes("A")["features"]] == ["A1", "A2"]
    assert [feature["properties"]["code"] for feature in found.shapes("A1")["features"]] == ["A1"]
    assert found.shapes("C")["features"] == []
    assert found.shapes("T") is town


def test_outline_and_bounds(tmp_path: Path) -> None:
    found = gazetteer(tmp_path)
    whole = found.outline("T")
    assert whole is not None
    assert whole.area == pytest.approx(0.2 * 0.2 + 0.2 * 0.2 - 0.1 * 0.1)
    assert found.bounds("T") == pytest.approx((113.0, 23.0, 113.4, 23.2))
    assert found.bounds("A2") == pytest.approx((113.1, 23.0, 113.2, 23.1))
    assert found.bounds("C") == (113.5, 23.5, 113.6, 23.7)
    assert found.locate(113.30, 23.10) == (None, "outside")  # What was joined for show holds nothing by itself.


def test_parts_of_one_place_are_one(tmp_path: Path) -> None:
    found = gazetteer(tmp_path)
    text = json.loads((tmp_path / "shapes.json").read_text())
    text["features"].append({"type": "Feature", "properties": {"id": "A"}, "geometry": square(120.0, 30.0)})
    text["features"].append({"type": "Feature", "properties": {"id": "B"}, "geometry": None})
    (tmp_path / "shapes.json").write_text(json.dumps(text))
    assert found.locate(120.05, 30.05) == ("A", "")
    assert found.locate(113.21, 23.01) == ("B", "")


def test_a_crossing_outline_is_repaired(tmp_path: Path) -> None:
    bow = {"type": "Polygon", "coordinates": [[[113, 23], [113.2, 23.2], [113.2, 23], [113, 23.2], [113, 23]]]}
    found = gazetteer(tmp_path, {"A": bow})
    assert found.locate(113.19, 23.1) == ("A", "")
    assert found.locate(113.1, 23.19) == (None, "outside")


def boston() -> Gazetteer:
    file = Path(__file__).resolve().parents[3] / "cities" / "boston.toml"
    city = read_city(file, {"BOSTON": str(BOSTON)})
    return Gazetteer.of(city, read_places(city))


@needs_boston
def test_boston_is_placed() -> None:
    with (BOSTON / "service_requests_2011.csv").open(encoding="utf-8", newline="") as file:
        asked = [(float(row["longitude"]), float(row["latitude"])) for row in csv.DictReader(file)]
    found = boston()
    located = found.locate_many(asked)
    assert len(located) == 58_251
    assert sum(code is not None for code, _ in located) == 58_236
    assert {flaw for _, flaw in located} == {"", "outside"}
    assert located[:50] == [found.locate(*point) for point in asked[:50]]


@needs_boston
def test_boston_on_the_wire() -> None:
    found = boston()
    wire = json.dumps(found.shapes("boston"), separators=(",", ":"))
    assert 40_000 < len(wire) < 300_000  # Of 1.4 MB.
    features = found.shapes("boston")["features"]
    assert len(features) == 26
    shapes = {
        feature["properties"]["code"]: shapely.from_geojson(json.dumps(feature["geometry"])) for feature in features
    }
    for code, shape in shapes.items():
        real = found.outlines[code]
        assert shapely.is_valid(shape)
        assert shape.symmetric_difference(real).area < 0.05 * real.area, code
    numbers = [part for part in wire.replace("[", ",").replace("]", ",").split(",") if part.startswith("-7")]
    assert max(len(number.partition(".")[2]) for number in numbers) <= 6
