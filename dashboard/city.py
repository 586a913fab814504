"""The city file: one TOML that says all that differs between cities, read with errors an engineer can act on."""

from __future__ import annotations

import csv
import json
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dashboard.places import Place, PlaceError, PlaceTree
from dashboard.thresholds import CloudTable, SensorTable, VideoTable
from dashboard.words import Words

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class CityError(ValueError):
    """The city file cannot be used; the text names file, key and remedy."""


class Model(BaseModel):
    """Every table of the file: an unknown key is an error, not a silent nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Title(Model):
    """A text in both languages."""

    zh: str
    en: str

    @property
    def words(self) -> Words:
        """The text as the screens use it."""
        return Words(self.zh, self.en)


class PlacesTable(Model):
    """Where the places come from: ``file`` (CSV: code,name,level,parent and optionally name_en, lon, lat,
    population, aliases), or ``outlines`` alone (GeoJSON with ``code_property`` and ``name_property``), with
    ``root`` above it.
    """

    file: str | None = None
    outlines: str | None = None  # A GeoJSON file, or "schematic": grown from the towns' centres.
    code_property: str = "code"
    name_property: str = "name"
    level: str = "district"
    root: Name | str | None = None
    root_name: Title | None = None
    aliases: dict[str, str] = Field(default_factory=dict)  # another name → code or name of a place


class Limits(Model):
    """Plain limits in hours where the source names no deadline, and when the lights turn."""

    default_hours: Annotated[float, Field(gt=0)] | None = None
    hours: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    soon_share: Annotated[float, Field(gt=0, lt=1)] = 0.3
    worst_multiple: Annotated[float, Field(gt=0)] = 1.0


class FeedTable(BaseModel):
    """One feed; the keys beyond these are its kind's settings and are checked by it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Name
    kind: Name


class City(Model):
    """A city, as its file describes it."""

    name: Name
    title: Title
    zone: str
    languages: tuple[Literal["zh", "en"], ...] = ("zh", "en")
    simulated: bool = False
    replayed: bool = False
    places: PlacesTable
    limits: Limits = Limits()
    sensors: SensorTable = SensorTable()
    cloud: CloudTable = CloudTable()
    video: VideoTable = VideoTable()
    rate_colours: tuple[float, float, float] = (0.90, 0.95, 0.97)  # Steps of the on-time rate on the map.
    feeds: tuple[FeedTable, ...] = ()
    screens: tuple[Name, ...] = ("wall",)
    since: date | None = None
    translations: dict[str, str] = Field(default_factory=dict)  # Names as sources write them → in English.
    folder: Path = Field(default=Path(), exclude=True)
    file: Path | None = Field(default=None, exclude=True)

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is no time zone; write one such as Asia/Shanghai")
        return value

    @field_validator("feeds")
    @classmethod
    def _feeds(cls, value: tuple[FeedTable, ...]) -> tuple[FeedTable, ...]:
        names = [feed.name for feed in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two feeds are called {twice[0]}; give each its own name")
        return value

    @property
    def where(self) -> str:
        """What an error in this city's file begins with: the file."""
        return str(self.file or self.name)

    @property
    def tz(self) -> ZoneInfo:
        """The city's zone."""
        return ZoneInfo(self.zone)

    def translated(self, name: str, language: str) -> str:
        """A category, unit or channel as ``language`` shows it; where nothing else is known, as its source does."""
        return self.translations.get(name, name) if language == "en" else name

    def path(self, name: str) -> Path:
        """A file named in the city file, relative to it."""
        return self.folder / Path(name).expanduser()


def read_city(file: Path, variables: Mapping[str, str] | None = None) -> City:
    """Read and check a city file. ``${NAME}`` in it stands for ``variables`` or, failing that, the environment.

    ``${NAME:-value}`` stands for ``value`` where NAME is not set.

    Raises:
        CityError: naming file, key and what is allowed.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CityError(f"{file}: there is no such file; `citywall check FILE` wants the path of a city file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CityError(f"{file}: cannot be read: {error}") from error
    known = {**os.environ, **(variables or {})}

    def value(found: re.Match[str]) -> str:
        if found[1] not in known and found[2] is not None:
            return found[2]
        if found[1] not in known:
            raise CityError(f"{file}: ${{{found[1]}}} is not set; set the environment variable {found[1]}")
        return json.dumps(known[found[1]], ensure_ascii=False)[1:-1]

    try:
        table = tomllib.loads(re.sub(r"\$\{([A-Za-z_]\w*)(?::-([^}\"\n]*))?\}", value, text))
    except tomllib.TOMLDecodeError as error:
        raise CityError(f"{file}: is not TOML: {error}") from error
    return make_city(table, file)


def make_city(table: dict[str, Any], file: Path) -> City:
    """Check a city given as a table; ``file`` is what its errors name and its paths are relative to.

    Raises:
        CityError: naming file, key and what is allowed.
    """
    try:
        return City.model_validate({**table, "folder": file.parent, "file": file})
    except ValidationError as error:
        raise CityError(explain(error, str(file))) from error


def explain(error: ValidationError, where: str, prefix: str = "") -> str:
    """A validation error in sentences: ``where``, key, what is wrong; one line each."""
    lines = []
    for fault in error.errors(include_url=False):
        key = ".".join([*([prefix] if prefix else []), *map(str, fault["loc"])])
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "is not a key that is known here; check its spelling"
        elif fault["type"] == "missing":
            message = "is missing; add it"
        lines.append(": ".join(filter(None, (where, key, message))) + _given(fault.get("input"), fault["type"]))
    return "\n".join(lines)


def _given(value: object, kind: str) -> str:
    plain = isinstance(value, (str, int, float, bool))
    return f" (found {value!r})" if plain and kind != "missing" and len(repr(value)) < 80 else ""


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
