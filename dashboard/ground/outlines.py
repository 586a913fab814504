"""Where a point lies: the outlines of places, and which place holds a given longitude and latitude.

Outlines come from the city's GeoJSON, are grown around centres, or are missing altogether. They are read
when first asked for, and looked up through a tree of boxes, so that 58,000 points take a fraction of a second.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, cast
from zlib import crc32

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from dashboard.city import City, CityError
from dashboard.places import Place, PlaceTree

Point = tuple[float, float]
Bounds = tuple[float, float, float, float]
Located = tuple[str | None, str]

FINENESS = 2000  # A shape keeps what shows when its longer side is drawn this many pixels long.
DIGITS = 6  # Decimals of a degree on the wire: 0.1 m.


class Gazetteer:
    """The outlines of a city's places. Longitude and latitude are WGS-84 degrees, in this order."""

    def __init__(self, city: City, places: PlaceTree) -> None:
        self.city = city
        self.places = places
        self._shapes: dict[str, dict[str, Any]] = {}
        self._joined: dict[str, BaseGeometry | None] = {}

    @classmethod
    def of(cls, city: City, places: PlaceTree) -> Gazetteer:
        """The gazetteer of a city; nothing is read before it is asked for."""
        return cls(city, places)

    def check(self) -> None:
        """Read the outlines if they come from a file; what is grown cannot fail.

        Raises:
            CityError: as ``outlines`` does.
        """
        if not self.schematic:
            _ = self.outlines

    @property
    def schematic(self) -> bool:
        """Whether the outlines are grown around centres and are no real boundaries."""
        return self.city.places.outlines == "schematic"

    @cached_property
    def outlines(self) -> dict[str, BaseGeometry]:
        """The outline of each place that has one of its own, by code.

        Raises:
            CityError: if the file is missing, is no GeoJSON, or knows none of the places.
        """
        wanted = self.city.places.outlines
        if wanted is None:
            return {}
        if self.schematic:
            from dashboard.ground.schematic import grow  # Grown only where it is wanted.

            return {code: _areal(shape) for code, shape in grow(self.places, crc32(self.city.name.encode())).items()}
        return self._read(wanted)

    def _read(self, wanted: str) -> dict[str, BaseGeometry]:
        file, key, where = self.city.path(wanted), self.city.places.code_property, self.city.where
        try:
            features = json.loads(file.read_text(encoding="utf-8"))["features"]
            features = [feature for feature in features if feature["geometry"]]  # GeoJSON allows null for "unknown".
            codes = [str(feature["properties"][key]) for feature in features]
            shapes = shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features])
        except FileNotFoundError:
            raise CityError(f"{where}: places.outlines: there is no file {file}; name one that is there") from None
        except KeyError as error:
            raise CityError(f"{where}: places.code_property: a feature of {file} has no {error}") from error
        except (OSError, ValueError, TypeError, shapely.errors.GEOSException) as error:
            raise CityError(f"{where}: places.outlines: {file} is no GeoJSON with outlines: {error}") from error
        found: dict[str, list[BaseGeometry]] = {}
        for code, shape in zip(codes, shapes, strict=True):
            if code in self.places and (area := _areal(shape)).area > 0:
                found.setdefault(code, []).append(area)
        if not found:
            said = f"no {key!r} in {file} ({', '.join(codes[:3])} …) is the code of a place"
            raise CityError(f"{where}: places.code_property: {said}; name the property that holds the code")
        return {code: parts[0] if len(parts) == 1 else shapely.union_all(parts) for code, parts in found.items()}

    # -- from a point to a place -------------------------------------------------------------------------

    @cached_property
    def _index(self) -> tuple[shapely.STRtree, np.ndarray[Any, Any], list[str]]:
        """The tree of boxes, the prepared outlines, and their codes, the deepest first."""
        codes = sorted(self.outlines, key=lambda code: -len(self.places.path(code)))
        shapes = np.array([self.outlines[code] for code in codes], dtype=object)
        shapely.prepare(shapes)
        return shapely.STRtree(shapes), shapes, codes

    def locate(self, lon: float | None, lat: float | None) -> Located:
        """The deepest place that holds a point, or None and why; see ``locate_many``."""
        return self.locate_many([None if lon is None or lat is None else (lon, lat)])[0]

    def locate_many(self, points: Sequence[Point | None]) -> list[Located]:
        """For each point the code of the deepest place that holds it and "", or None and a flaw.

        A point on a border belongs to the place that was listed first. The flaws: ``no_point`` (none, or
        not a number), ``zero_point`` (0, 0, which stands for "unknown" in many tables), ``swapped_point``
        (outside, but within a place if longitude and latitude change places), ``outside``, and
        ``no_outlines`` where the city has none.
        """
        result: list[Located] = [(None, "no_point")] * len(points)
        asked: list[int] = []
        for at, point in enumerate(points):
            if point is None or not (math.isfinite(point[0]) and math.isfinite(point[1])):
                continue
            if point[0] == 0 and point[1] == 0:
                result[at] = (None, "zero_point")
            elif not self.outlines:
                result[at] = (None, "swapped_point" if abs(point[1]) > 90 else "no_outlines")
            else:
                asked.append(at)
        if not asked:
            return result
        where = np.array([points[at] for at in asked], dtype=float)
        codes = self._index[2]
        held = self._held(where)
        lost = np.flatnonzero(held < 0)
        swapped = {int(lost[i]) for i in np.flatnonzero(self._held(where[lost][:, ::-1]) >= 0)} if len(lost) else set()
        for row, at in enumerate(asked):
            found = int(held[row])
            result[at] = (codes[found], "") if found >= 0 else (None, "swapped_point" if row in swapped else "outside")
        return result

    def _held(self, where: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """For each (lon, lat) row the index of the first outline that holds it; −1 for none."""
        tree, shapes, codes = self._index
        none = len(codes)
        best = np.full(len(where), none)
        if none:
            rows, near = tree.query(shapely.points(where))
            inside = shapely.intersects_xy(shapes[near], where[rows, 0], where[rows, 1])
            np.minimum.at(best, rows[inside], near[inside])
        return cast("np.ndarray[Any, Any]", np.where(best == none, -1, best))

    # -- from a place to its shape -----------------------------------------------------------------------

    def outline(self, code: str) -> BaseGeometry | None:
        """The outline of a place: its own, else all of those below it together; None if there are none."""
        own = self.outlines.get(code)
        if own is None and code not in self._joined:
            parts = [shape for child in self.places.children(code) if (shape := self.outline(child.code)) is not None]
            self._joined[code] = shapely.union_all(parts) if parts else None
        return own if own is not None else self._joined[code]

    def bounds(self, code: str) -> Bounds | None:
        """West, south, east and north of a place, by its outline or else by the centres below it."""
        shape = self.outline(code)
        if shape is not None:
            return cast(Bounds, tuple(float(edge) for edge in shape.bounds))
        centres = [place.centre for place in self._below(code) if place.centre is not None]
        if not centres:
            return None
        lons, lats = zip(*centres, strict=True)
        return min(lons), min(lats), max(lons), max(lats)

    def _below(self, code: str) -> Iterator[Place]:
        yield self.places[code]
        for child in self.places.children(code):
            yield from self._below(child.code)

    def shapes(self, code: str) -> dict[str, Any]:
        """The outlines directly below a place (its own where nothing lies below) as a GeoJSON FeatureCollection.

        They are simplified together, so that neighbours keep a common border. The properties are ``code``,
        ``name``, ``name_en`` and ``spot`` (see there). The same document is given again: it is not to be changed.
        """
        if code not in self._shapes:
            self._shapes[code] = self._collect(code)
        return self._shapes[code]

    def _collect(self, code: str) -> dict[str, Any]:
        inner = self.places.children(code) or (self.places[code],)
        outlines = [(place, shape) for place in inner if (shape := self.outline(place.code)) is not None]
        shapes = simplify([shape for _, shape in outlines])
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {
                        "code": place.code, "name": place.name, "name_en": place.name_en, "spot": spot(shape),
                    },
                    "geometry": _rounded(json.loads(shapely.to_geojson(shape))),
                }
                for (place, _), shape in zip(outlines, shapes, strict=True)
            ],
        }  # fmt: skip


def simplify(shapes: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Neighbouring outlines with fewer corners and the same common borders."""
    if not shapes:
        return []
    west, south, east, north = shapely.total_bounds(np.array(shapes, dtype=object))
    coarse = max(east - west, north - south) / FINENESS
    return list(shapely.coverage_simplify(list(shapes), coarse))


def spot(shape: BaseGeometry) -> list[float]:
    """Where an outline has most room for a name: longitude and latitude of the middle of the largest circle within its
    largest part, the circle's radius, and the width of that part, both in degrees of latitude.

    >>> spot(shapely.box(10, 0, 10.2, 0.1))[1:]
    [0.05, 0.05, 0.2]
    """
    part = max(shapely.get_parts(shape), key=shapely.area)
    west, south, east, north = part.bounds
    squeeze = math.cos(math.radians((south + north) / 2))
    flat = shapely.transform(part, lambda corners: corners * (squeeze, 1.0))
    (x, y), _ = (circle := shapely.maximum_inscribed_circle(flat)).coords
    found = (x / squeeze, y, circle.length, (east - west) * squeeze)
    return [round(value, DIGITS) for value in found]


def _areal(shape: BaseGeometry) -> BaseGeometry:
    """The area of a shape, made valid: stray lines and points of a repaired outline hold nothing."""
    if not shapely.is_valid(shape):
        shape = shapely.make_valid(shape)
    if shape.geom_type == "GeometryCollection":
        areas = [part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "MultiPolygon")]
        shape = shapely.union_all(areas)
    return shape


def _rounded(value: Any) -> Any:
    """A GeoJSON geometry with its coordinates rounded to ``DIGITS``."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return value
