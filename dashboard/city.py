"""The city file: one TOML that says all that differs between cities, read with errors an engineer can act on."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from dashboard.display import Cockpit, Display, MapTable
from dashboard.nouns.duty import Escalation, Person
from dashboard.nouns.noun import GRASSROOTS
from dashboard.nouns.releases import IndicatorTable
from dashboard.nouns.sla import Limit, parse_limit
from dashboard.nouns.thresholds import (
    CloudTable,
    IncidentTable,
    MarketTable,
    SensorTable,
    ServiceTable,
    SharingTable,
    VideoTable,
)
from dashboard.nouns.worktime import WorkCalendar
from dashboard.scenes import PlaylistTable, SceneTable, faults
from dashboard.schema import Model, Name, Title


class CityError(ValueError):
    """The city file cannot be used; the text names file, key and remedy."""


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


def _limit(value: object) -> object:
    return parse_limit(value) if isinstance(value, str) else value


LimitText = Annotated[Limit, BeforeValidator(_limit)]  # Such as "2工作日" or "15 minutes".


class Limits(Model):
    """How long a matter may take, and when the lights turn.

    ``file`` is a CSV of limits by category and condition (see ``limits``); ``hours`` are plain ones by category, that
    run nights and holidays; ``default`` or ``default_hours`` holds for all others. ``urgent`` is the limit of
    urgent tickets; ``accept``, ``dispatch`` and ``sign`` are those of the steps before the handling.
    """

    file: str | None = None
    default: LimitText | None = None
    urgent: LimitText | None = None
    accept: LimitText = Limit(0.25)
    dispatch: LimitText = Limit(0.25)
    sign: LimitText = Limit(24)
    default_hours: Annotated[float, Field(gt=0, le=87600)] | None = None
    hours: dict[str, Annotated[float, Field(gt=0, le=87600)]] = Field(default_factory=dict)
    soon_share: Annotated[float, Field(gt=0, lt=1)] = 0.3
    worst_multiple: Annotated[float, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _one_default(self) -> Limits:
        if self.default is not None and self.default_hours is not None:
            raise ValueError("default and default_hours both stand here; leave out one of them")
        return self


HOUR = r"([01]\d|2[0-4]):[0-5]\d"


class CalendarTable(Model):
    """When the city works: hours, and the public holidays of ``country`` (ISO 3166, such as CN) and ``subdivision``.

    ``days_off`` and ``days_on`` stand above what the country has; in ``years`` they and the weekends are all there is.
    """

    country: str = ""
    subdivision: str = ""
    hours: tuple[Annotated[str, Field(pattern=rf"^{HOUR}-{HOUR}$")], ...] = ("08:00-12:00", "14:00-18:00")
    days_off: frozenset[date] = frozenset()
    days_on: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        WorkCalendar(ZoneInfo("UTC"), _minutes(value))
        return value

    @model_validator(mode="after")
    def _days(self) -> CalendarTable:
        both = sorted(self.days_off & self.days_on)
        if both:
            raise ValueError(f"{both[0]} stands in days_off and in days_on; leave out one of them")
        return self

    @property
    def minutes(self) -> tuple[tuple[int, int], ...]:
        """The hours as minutes from midnight."""
        return _minutes(self.hours)


def _minutes(hours: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Spans of hours, each written as ``08:00-12:00``, in minutes from midnight."""
    edges = [[60 * int(edge[:2]) + int(edge[3:]) for edge in span.split("-")] for span in hours]
    return tuple((start, end) for start, end in edges)


class RatesTable(Model):
    """Weights of the composite rate, and the share of matters that are to be settled at the grass roots.

    ``levels`` says at which level of places a unit works; a unit that is not listed works for the whole city. Those
    of ``grassroots`` are the grass roots. ``whistle`` is how long a department may take to report in.
    """

    response: Annotated[float, Field(ge=0, le=1)] = 0.30
    resolution: Annotated[float, Field(ge=0, le=1)] = 0.35
    satisfaction: Annotated[float, Field(ge=0, le=1)] = 0.35
    goal: Annotated[float, Field(gt=0, le=1)] = 0.9
    levels: dict[str, Name] = Field(default_factory=dict)
    grassroots: frozenset[Name] = GRASSROOTS
    whistle: LimitText = Limit(24)

    @property
    def weights(self) -> dict[str, float]:
        """The weights by the rate's name."""
        return {"response": self.response, "resolution": self.resolution, "satisfaction": self.satisfaction}

    @model_validator(mode="after")
    def _whole(self) -> RatesTable:
        whole = self.response + self.resolution + self.satisfaction
        if abs(whole - 1) > 1e-6:
            raise ValueError(f"the weights of response, resolution and satisfaction make {whole:g}; they must make 1")
        return self


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
    calendar: CalendarTable = CalendarTable()
    rates: RatesTable = RatesTable()
    escalation: Escalation | None = None
    sensors: SensorTable = SensorTable()
    cloud: CloudTable = CloudTable()
    video: VideoTable = VideoTable()
    sharing: SharingTable = SharingTable()
    service: ServiceTable = ServiceTable()
    market: MarketTable = MarketTable()
    indicators: IndicatorTable = IndicatorTable()
    incidents: IncidentTable = IncidentTable()
    units: frozenset[str] = frozenset()  # The names of all units; where any are named, others are anomalies.
    rate_colours: tuple[float, float, float] = (0.90, 0.95, 0.97)  # Steps of the on-time rate on the map.
    feeds: tuple[FeedTable, ...] = ()
    people: tuple[Person, ...] = ()  # Who may act on the screens; where nobody is named, any name may.
    screens: tuple[Name, ...] = ("wall",)
    scenes: tuple[SceneTable, ...] = ()
    playlists: tuple[PlaylistTable, ...] = ()
    display: Display = Display()
    map: MapTable = MapTable()
    cockpit: Cockpit = Cockpit()
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

    @field_validator("people")
    @classmethod
    def _people(cls, value: tuple[Person, ...]) -> tuple[Person, ...]:
        names = [person.name for person in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two people are called {twice[0]}; add what tells them apart to their names")
        return value

    @model_validator(mode="after")
    def _scenes(self) -> City:
        for key, remedy in faults(self.scenes, self.playlists, self.screens):
            raise ValueError(f"{key}: {remedy}")
        return self

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
        lines.append(": ".join(filter(None, (where, key, message))) + _given(fault.get("input"), fault["type"], key))
    return "\n".join(lines)


def _given(value: object, kind: str, key: str) -> str:
    if kind == "extra_forbidden" and re.search("url|secret|token|pass", key.rpartition(".")[2]):
        return ""  # It stands where it should not, but it is one.
    plain = isinstance(value, (str, int, float, bool))
    return f" (found {value!r})" if plain and kind != "missing" and len(repr(value)) < 80 else ""
