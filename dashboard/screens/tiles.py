"""Tiles below the map: from an MBTiles file, or fetched from the city's own tile server and kept, never by the browser.

A browser asks this house alone, so the key of a tile service stays here and the hosts are those of the city file.
Where a tile cannot be had, the map goes on without: an empty picture is sent, and the log says why, once.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from time import time
from typing import Annotated, Any, Protocol

from pydantic import ConfigDict, Field, ValidationError, field_validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboard.city import City, CityError, explain
from dashboard.display import TileTable
from dashboard.sources.feed import Context, SourceFailed
from dashboard.sources.fetch import Fetcher, WebSettings
from dashboard.travel.roles import Ups

log = logging.getLogger("web")
KINDS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
NONE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364600000000600023081d02f"
    "0000000049454e44ae426082"
)  # One transparent pixel.
DAY = 86_400.0
REST = 20.0  # Seconds in which a server that failed is left alone.


class ServerSettings(WebSettings):
    """How a tile server is reached, and how much of it is kept on disk."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout: Annotated[float, Field(gt=0, le=60)] = 8.0
    max_bytes: Annotated[int, Field(gt=0, le=16 << 20)] = 2 << 20
    keep_days: Annotated[float, Field(gt=0)] = 30.0  # A tile is asked for again after these; an old one beats none.
    keep_mb: Annotated[int, Field(gt=0)] = 512

    @field_validator("url")
    @classmethod
    def _places(cls, value: str) -> str:
        if not all(part in value for part in ("{z}", "{x}")) or not re.search(r"\{-?y\}", value):
            raise ValueError("must hold {z}, {x} and {y} where the server wants zoom, column and row")
        return value


class Source(Protocol):
    """Where the tiles of a layer come from."""

    async def tile(self, z: int, x: int, y: int) -> bytes | None:
        """The picture of a column and a row, counted from the north-west; None where there is none."""


def address(template: str, z: int, x: int, y: int) -> str:
    """The address of a tile.

    >>> address("http://t/wmts?TILEMATRIX={z}&TILEROW={y}&TILECOL={x}", 3, 5, 2)
    'http://t/wmts?TILEMATRIX=3&TILEROW=2&TILECOL=5'
    >>> address("http://t/{z}/{x}/{-y}", 3, 5, 2)
    'http://t/3/5/5'
    """
    words = {"z": z, "x": x, "y": y, "-y": (1 << z) - 1 - y}
    return re.sub(r"\{(z|x|-?y)\}", lambda found: str(words[found[1]]), template)


def kind_of(body: bytes) -> str | None:
    """The type of a picture by its first bytes; None if it is none that a map may show.

    >>> kind_of(NONE), kind_of(b"RIFF....WEBPVP8 "), kind_of(b"<html>")
    ('image/png', 'image/webp', None)
    """
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in KINDS if body.startswith(start)), None)


class Archive:
    """An MBTiles file: a SQLite database of tiles, its rows counted from the south.

    Raises:
        CityError: if there is no such file, or it holds no raster tiles.
    """

    def __init__(self, file: Path, where: str) -> None:
        self.file, self.ups = file, Ups(log, f"the tiles of {file}")
        if not file.is_file():
            raise CityError(f"{where}: there is no file {file}; name an MBTiles file that is there")
        try:
            with closing(self._open()) as db:
                kind = db.execute("SELECT value FROM metadata WHERE name = 'format'").fetchone()
                db.execute("SELECT tile_data FROM tiles LIMIT 1").fetchone()
        except sqlite3.Error as error:
            raise CityError(f"{where}: {file} is no MBTiles file ({error})") from None
        if kind and kind[0] not in ("png", "jpg", "jpeg", "webp"):
            raise CityError(f"{where}: {file} holds {kind[0]} tiles; convert it to pictures (png, jpg or webp)")

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self.file.absolute().as_uri()}?mode=ro", uri=True)

    async def tile(self, z: int, x: int, y: int) -> bytes | None:
        """A tile of the file; None where it has none, or cannot be read."""
        try:
            found = await asyncio.to_thread(self._read, z, x, (1 << z) - 1 - y)
        except sqlite3.Error as error:  # It is on a share that is gone, or was replaced by something else.
            self.ups.down(error)
            return None
        self.ups.up()
        return found

    def _read(self, z: int, x: int, row: int) -> bytes | None:
        asked = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
        with closing(self._open()) as db:
            found = db.execute(asked, (z, x, row)).fetchone()
        return found[0] if found and isinstance(found[0], bytes) else None


class Shelf:
    """The tiles of a server that were fetched, in a file of bounded size; the oldest give way."""

    def __init__(self, file: Path, most: int) -> None:
        self.file, self.most = file, most

    def _open(self) -> sqlite3.Connection:
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        db = sqlite3.connect(self.file, timeout=5, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(
            "CREATE TABLE IF NOT EXISTS tiles (z INTEGER, x INTEGER, y INTEGER, at REAL, data BLOB, "
            "PRIMARY KEY (z, x, y)) WITHOUT ROWID"
        )
        return db

    def get(self, z: int, x: int, y: int) -> tuple[float, bytes] | None:
        """A tile and when it was fetched."""
        with closing(self._open()) as db:
            found = db.execute("SELECT at, data FROM tiles WHERE z = ? AND x = ? AND y = ?", (z, x, y)).fetchone()
        return (float(found[0]), bytes(found[1])) if found else None

    def put(self, z: int, x: int, y: int, at: float, data: bytes) -> None:
        """Keep a tile; where they have become too many, the oldest tenth goes."""
        with closing(self._open()) as db:
            db.execute("INSERT OR REPLACE INTO tiles VALUES (?, ?, ?, ?, ?)", (z, x, y, at, data))
            size, page, free = (
                db.execute(f"PRAGMA {n}").fetchone()[0] for n in ("page_count", "page_size", "freelist_count")
            )
            if (size - free) * page > self.most:
                tenth = max(1, db.execute("SELECT count(*) FROM tiles").fetchone()[0] // 10)
                db.execute(
                    "DELETE FROM tiles WHERE (z, x, y) IN (SELECT z, x, y FROM tiles ORDER BY at LIMIT ?)", (tenth,)
                )


class Server:
    """A tile server, asked at most once for what several screens want at the same time."""

    def __init__(self, table: TileTable, settings: ServerSettings, context: Context, shelf: Shelf) -> None:
        self.table, self.settings, self.context, self.shelf = table, settings, context, shelf
        self.ups = Ups(log, f"the tile server {table.name}")
        self.shelved = Ups(log, f"the tiles kept in {shelf.file}")
        self.failed = 0.0
        self._web: Fetcher | None = None
        self._under_way: dict[tuple[int, int, int], asyncio.Task[bytes | None]] = {}

    async def tile(self, z: int, x: int, y: int) -> bytes | None:
        """A tile, from the shelf while it is young, else from the server; an old one where that has none."""
        try:
            kept = await asyncio.to_thread(self.shelf.get, z, x, y)
        except (sqlite3.Error, OSError) as error:  # What cannot be kept can still be fetched and shown.
            self.shelved.down(error)
            kept = None
        if kept is not None and time() - kept[0] < DAY * self.settings.keep_days:
            return kept[1]
        if time() - self.failed < REST:
            return kept[1] if kept else None
        task = self._under_way.get((z, x, y))
        if task is None:
            task = self._under_way[z, x, y] = asyncio.create_task(self._fetch(z, x, y))
            task.add_done_callback(lambda _: self._under_way.pop((z, x, y), None))
        return await asyncio.shield(task) or (kept[1] if kept else None)

    async def _fetch(self, z: int, x: int, y: int) -> bytes | None:
        try:
            if self._web is None:
                self._web = await Fetcher(self.settings, self.context).__aenter__()
            self._web.forget()  # What is asked for is not on the shelf, or too old: "not changed" is no picture.
            body = (await self._web.get(address(self.settings.url, z, x, y))).body
            if kind_of(body) is None:
                raise SourceFailed("sends something that is no picture (PNG, JPEG or WebP); check url and auth")
        except SourceFailed as error:
            if "answers 404" not in str(error):  # Beyond its edge a server has no tiles.
                self.failed = time()
                self.ups.down(error)
            return None
        self.ups.up()
        try:
            await asyncio.to_thread(self.shelf.put, z, x, y, time(), body)
        except (sqlite3.Error, OSError) as error:
            self.shelved.down(error)
        else:
            self.shelved.up()
        return body


def sources(city: City, context: Context, home: Path) -> dict[str, Source]:
    """The tile layers of a city, by name; what is fetched is kept in ``home``.

    Raises:
        CityError: naming the layer, the key, and what is allowed.
    """
    found: dict[str, Source] = {}
    for number, table in enumerate(city.map.tiles):
        where = f"{city.where}: map.tiles.{number}"
        more = dict(table.model_extra or {})
        if table.file is not None:
            if more:
                raise CityError(f"{where}.{sorted(more)[0]}: goes with url, not with file; leave it out")
            found[table.name] = Archive(city.path(table.file), f"{where}.file")
            continue
        try:
            settings = ServerSettings(**{**more, "name": table.name, "kind": "tiles", "url": table.url})
        except ValidationError as error:
            raise CityError(explain(error, str(city.where), f"map.tiles.{number}")) from None
        shelf = Shelf(home / "tiles" / f"{table.name}.db", settings.keep_mb << 20)
        found[table.name] = Server(table, settings, context, shelf)
    return found


def routes(city: City, found: dict[str, Source]) -> Sequence[BaseRoute]:
    """``/tiles/<layer>/<zoom>/<column>/<row>``: a picture, empty where there is none."""
    tables = {table.name: table for table in city.map.tiles}

    async def tile(request: Request) -> Response:
        path: dict[str, Any] = request.path_params
        source, z, x, y = found.get(path["layer"]), path["z"], path["x"], path["y"]
        if source is None or z > 24 or max(x, y) >= 1 << z:
            return Response("no such tile", 404, media_type="text/plain")
        first, last = tables[path["layer"]].zooms
        body = await source.tile(z, x, y) if first <= z <= last else None
        kind = kind_of(body) if body is not None else None
        if body is None or kind is None:
            return Response(NONE, media_type="image/png", headers={"cache-control": "no-store"})
        return Response(body, media_type=kind, headers={"cache-control": "private, max-age=86400"})

    return [Route("/tiles/{layer}/{z:int}/{x:int}/{y:int}", tile)]
