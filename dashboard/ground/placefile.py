"""The places of a city as its file names them, a CSV or outlines alone; read with errors an engineer can act on."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from dashboard.city import City, CityError, PlacesTable
from dashboard.places import Place, PlaceError, PlaceTree


def read_places(city: City) -> PlaceTree:
    """The tree of places of a city.

    Raises:
        CityError: if the file is missing, lacks a column, or its places do not form a tree.
    """
    table = city.places
    source = table.file or table.outlines
    if source is None or (table.file is None and source == "schematic"):
        raise CityError(f"{city.where}: places.file: is missing; name a CSV of places, or a GeoJSON as places.outlines")
    if table.file is None and (table.root is None or table.root_name is None):
        raise CityError(
            f"{city.where}: places.root: is missing, or places.root_name; add both, or a CSV as places.file"
        )
    file = city.path(source)
    try:
        places = _from_csv(file) if table.file else _from_geojson(file, table)
    except FileNotFoundError:
        key = "places.file" if table.file else "places.outlines"
        raise CityError(f"{city.where}: {key}: there is no file {file}; name one that is there") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, PlaceError, csv.Error) as error:
        raise CityError(f"{file}: {error}") from error
    places = _with_aliases(places, table.aliases, city.where)
    try:
        return PlaceTree.of(places)
    except PlaceError as error:
        raise CityError(f"{file}: {error}") from error


def _from_csv(file: Path) -> list[Place]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream)
        missing = {"code", "name", "level", "parent"} - set(rows.fieldnames or ())
        if missing:
            raise PlaceError(f"the column {sorted(missing)[0]} is missing")
        return [_place(row, rows.line_num) for row in rows]


def _place(row: Mapping[str, str | None], line: int) -> Place:
    code, name, level = row["code"], row["name"], row["level"]
    if not code or not name or not level:
        raise PlaceError(f"line {line}: code, name and level are needed of every place")
    try:
        lon, lat, people = (float(row[key] or "nan") if row.get(key) else None for key in ("lon", "lat", "population"))
    except ValueError as error:
        raise PlaceError(f"line {line}: {error}") from error
    return Place(
        code, name, level, row["parent"] or None, row.get("name_en") or "",
        None if lon is None or lat is None else (lon, lat), None if people is None else int(people),
        tuple(filter(None, (row.get("aliases") or "").split("|"))),
    )  # fmt: skip


def _from_geojson(file: Path, table: PlacesTable) -> list[Place]:
    assert table.root is not None
    assert table.root_name is not None
    root = Place(table.root, table.root_name.zh, "city", None, table.root_name.en)
    try:
        found = [dict(feature["properties"]) for feature in json.loads(file.read_text(encoding="utf-8"))["features"]]
    except (KeyError, TypeError) as error:
        raise PlaceError(f"is no GeoJSON FeatureCollection of places ({error})") from error
    for key in (table.code_property, table.name_property):
        if any(key not in properties for properties in found):
            raise PlaceError(f"a feature has no property {key!r}; it has {', '.join(sorted(found[0]))}")
    return [root] + [
        Place(
            str(p[table.code_property]),
            str(p[table.name_property]),
            table.level,
            table.root,
            str(p[table.name_property]),
        )
        for p in found
    ]


def _with_aliases(places: list[Place], aliases: Mapping[str, str], where: str) -> list[Place]:
    extra: dict[str, list[str]] = {}
    codes = {place.name: place.code for place in places} | {place.code: place.code for place in places}
    for alias, name in aliases.items():
        if name not in codes:
            raise CityError(f"{where}: places.aliases.{alias}: {name!r} is no place; give the code or name of one")
        extra.setdefault(codes[name], []).append(alias)
    return [
        Place(
            p.code, p.name, p.level, p.parent, p.name_en, p.centre, p.population, (*p.aliases, *extra.get(p.code, ()))
        )
        for p in places
    ]
