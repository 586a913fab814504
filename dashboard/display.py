"""What a city file says of the screens' display: their light at night, the pictures below the map, the cockpit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dashboard.schema import Model, Name, TimeOfDay, Title


class Display(Model):
    """What becomes of the screens' own light: between the two times of day ``night`` they shine with the share ``dim``
    of it, and the picture wanders by up to ``orbit`` pixels of 1,080, so that nothing burns in; 0 stands still.

    ``memory`` is how many megabytes a page's scripts may hold: beyond the first number it starts afresh at a calm
    moment, beyond the second at once; after ``afresh_hours`` it does so anyway (0: never), again when it is calm.
    """

    night: tuple[TimeOfDay, TimeOfDay] | None = ("22:30", "06:00")
    dim: Annotated[float, Field(ge=0.2, le=1)] = 0.6
    orbit: Annotated[int, Field(ge=0, le=12)] = 3
    memory: tuple[Annotated[int, Field(ge=50)], Annotated[int, Field(le=4000)]] = (400, 700)
    afresh_hours: Annotated[float, Field(ge=0)] = 168

    @field_validator("memory")
    @classmethod
    def _memory(cls, value: tuple[int, int]) -> tuple[int, int]:
        if value[0] >= value[1]:
            raise ValueError("the first number is to be below the second: calm first, then at once")
        return value


class TileTable(BaseModel):
    """One picture below the map: a raster MBTiles ``file``, or a server's ``url`` with ``{z}``, ``{x}`` and ``{y}``.

    A WMTS is such a url too, with the three in its TileMatrix, TileCol and TileRow; ``{-y}`` counts rows from below.
    ``system`` is the one its pictures are drawn in, ``zooms`` are those it has, ``dim`` is how much of its light it
    keeps in the dark room. The keys beyond these are those of fetching (auth, hosts, headers …), see ``tiles``.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Name
    title: Title
    file: str | None = None
    url: str | None = None
    system: Literal["wgs84", "cgcs2000", "gcj02"] = "wgs84"
    zooms: tuple[Annotated[int, Field(ge=0, le=24)], Annotated[int, Field(ge=0, le=24)]] = (0, 18)
    dim: Annotated[float, Field(ge=0.1, le=1)] = 0.55
    credit: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> TileTable:
        if (self.file is None) == (self.url is None):
            raise ValueError("name either a file (MBTiles) or the url of a tile server")
        if self.zooms[0] > self.zooms[1]:
            raise ValueError(f"zooms goes from {self.zooms[0]} to {self.zooms[1]}; write the smaller one first")
        return self


class MapTable(Model):
    """What lies below the outlines: one picture at a time, each in its own system, which the map then follows."""

    tiles: tuple[TileTable, ...] = ()

    @field_validator("tiles")
    @classmethod
    def _tiles(cls, value: tuple[TileTable, ...]) -> tuple[TileTable, ...]:
        names = [table.name for table in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two tile layers are called {twice[0]}; give each its own name")
        return value


class Cockpit(Model):
    """The leaders' tablet: which numbers it shows, in their order (see ``keynumber``; none means those that the city's
    feeds fill), what each is to reach in its own unit, and for how many days a tablet keeps its last picture.
    """

    numbers: Annotated[tuple[Name, ...], Field(max_length=12)] = ()
    targets: dict[Name, float] = Field(default_factory=dict)
    keep_days: Annotated[int, Field(ge=0, le=60)] = 7

    @field_validator("numbers")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]} stands here twice")
        return value
