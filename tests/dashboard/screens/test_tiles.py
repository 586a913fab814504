"""Tiles: pictures from a file or a server of the city's own, the key kept here, and a map that does without."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from dashboard.city import CityError
from dashboard.ground.placefile import read_places
from dashboard.screens.panel import Context, all_panels
from dashboard.screens.tiles import NONE, Server, Shelf, routes, sources
from tests.source import Asked, Source, reply, source
from tests.town import context, town

PICTURE = b"\x89PNG\r\n\x1a\n" + b"picture"


def archive(file: Path, kind: str = "png") -> None:
    """An MBTiles file with one tile: zoom 3, column 5, row 2 from the north."""
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
        db.execute("INSERT INTO metadata VALUES ('format', ?)", (kind,))
        db.execute("CREATE TABLE tiles (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_data BLOB)")
        db.execute("INSERT INTO tiles VALUES (3, 5, 5, ?)", (PICTURE,))


def city_of(folder: Path, **table: Any) -> Any:
    return town(folder, map={"tiles": [{"name": "img", "title": {"zh": "影像", "en": "Imagery"}, **table}]})


def asking(folder: Path, **table: Any) -> httpx.AsyncClient:
    city = city_of(folder, **table)
    app = Starlette(routes=list(routes(city, sources(city, context(city), folder / "home"))))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://c")


async def test_a_file_of_tiles_is_read_from_the_north(tmp_path: Path) -> None:
    archive(tmp_path / "town.mbtiles")
    async with asking(tmp_path, file="town.mbtiles", zooms=(2, 4)) as web:
        found = await web.get("/tiles/img/3/5/2")
        assert (found.status_code, found.headers["content-type"], found.content) == (200, "image/png", PICTURE)
        for path in ("img/3/5/5", "img/1/0/0", "img/5/0/0"):  # None there, and zooms it has not.
            empty = await web.get(f"/tiles/{path}")
            assert (empty.status_code, empty.content, empty.headers["cache-control"]) == (200, NONE, "no-store")
        for path in ("img/3/8/0", "img/3/0/8", "img/25/0/0", "other/3/5/2", "img/3/-1/2", "img/x/0/0"):
            assert (await web.get(f"/tiles/{path}")).status_code == 404


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"file": "nowhere.mbtiles"}, "map.tiles.0.file: there is no file"),
        ({"file": "places.csv"}, "is no MBTiles file"),
        ({"file": "pbf.mbtiles"}, "holds pbf tiles; convert it to pictures"),
        ({"file": "good.mbtiles", "auth": {"secret_env": "KEY"}}, "map.tiles.0.auth: goes with url, not with file"),
        ({"url": "http://t/{z}/{x}"}, "must hold {z}, {x} and {y}"),
        ({"url": "ftp://t/{z}/{x}/{y}"}, "is no web address"),
        ({"url": "http://t/{z}/{x}/{y}", "token": "s3cret"}, "map.tiles.0.token: is not a key that is known here"),
        ({}, "name either a file (MBTiles) or the url of a tile server"),
        ({"file": "a", "url": "b"}, "name either a file (MBTiles) or the url of a tile server"),
        ({"file": "a", "zooms": (9, 3)}, "write the smaller one first"),
        ({"file": "a", "system": "bd09"}, "wgs84"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_remedy(tmp_path: Path, table: dict[str, Any], said: str) -> None:
    archive(tmp_path / "good.mbtiles")
    archive(tmp_path / "pbf.mbtiles", "pbf")

    def look() -> None:
        city = city_of(tmp_path, **table)
        sources(city, context(city), tmp_path / "home")

    with pytest.raises(CityError) as refused:
        look()
    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert not (tmp_path / "home").exists(), "a look at the city file leaves nothing behind"


def test_each_layer_has_a_system_of_its_own_and_the_map_is_told(tmp_path: Path) -> None:
    names = {"title": {"zh": "图", "en": "Map"}, "file": "x"}
    tables = [{"name": "a", **names, "system": "cgcs2000"}, {"name": "b", **names, "system": "gcj02"}]
    city = town(tmp_path, map={"tiles": tables})
    panel, places = all_panels()["map"], read_places(city)
    document = panel.paint(panel.example, Context(city, places, places.root.code, "zh"))["map-data.document"]
    assert [(tile["id"], tile["system"]) for tile in document["tiles"]] == [("a", "cgcs2000"), ("b", "gcj02")]


async def test_a_server_is_asked_with_its_key_and_its_tiles_outlive_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The key goes to the server and nowhere else; what was fetched is there when the server is gone."""
    monkeypatch.setattr("dashboard.screens.tiles.REST", 0.0)
    (tmp_path / "tiles.key").write_text("s3cret\n")
    answers = {"now": reply(PICTURE, content_type="image/png")}
    auth = {"kind": "key", "query": "tk", "secret_file": "tiles.key"}
    async with source(lambda asked: answers["now"]) as server:
        url = server.url + "/wmts?LAYER=img&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"
        async with asking(tmp_path, url=url, auth=auth) as web:
            for _ in range(2):
                found = await web.get("/tiles/img/3/5/2")
                assert (found.content, found.headers["content-type"]) == (PICTURE, "image/png")
            assert [asked.query for asked in server.asked] == [
                {"LAYER": "img", "TILEMATRIX": "3", "TILEROW": "2", "TILECOL": "5", "tk": "s3cret"}
            ]
            answers["now"] = reply("<html><title>Login</title>", content_type="text/html")
            assert (await web.get("/tiles/img/3/5/3")).content == NONE
            answers["now"] = reply(b"GARBAGE", content_type="image/png")
            assert (await web.get("/tiles/img/3/5/4")).content == NONE
            answers["now"] = reply("", 302, location="http://169.254.169.254/latest")
            assert (await web.get("/tiles/img/3/5/6")).content == NONE
    async with asking(tmp_path, url=url, auth=auth) as web:
        assert (await web.get("/tiles/img/3/5/2")).content == PICTURE
        assert (await web.get("/tiles/img/3/0/0")).content == NONE
    assert caplog.text.count("the tile server img") == 2, "one line when it went, not one for each tile"
    assert "s3cret" not in caplog.text


async def test_a_tile_that_has_not_changed_is_fetched_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A server that marks its tiles with an ETag: what gave way on the shelf, or grew old there, is a picture again."""

    def answer(asked: Asked) -> bytes:
        return reply(status=304) if "if-none-match" in asked.headers else reply(PICTURE, etag='"1"')

    async with source(answer) as server, asking(tmp_path, url=server.url + "/{z}/{x}/{y}", keep_days=1) as web:
        assert (await web.get("/tiles/img/3/5/2")).content == PICTURE
        for change in ("DELETE FROM tiles", "UPDATE tiles SET at = 0"):
            with closing(sqlite3.connect(tmp_path / "home" / "tiles" / "img.db")) as db, db:
                db.execute(change)
            assert (await web.get("/tiles/img/3/5/2")).content == PICTURE
        assert (await web.get("/tiles/img/3/5/3")).content == PICTURE, "the others are not held up"
        assert len(server.asked) == 4
    assert "down" not in caplog.text


@pytest.mark.parametrize("broken", ["gone", "garbage", "text"])
async def test_a_file_of_tiles_that_broke_leaves_the_map_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    file = tmp_path / "town.mbtiles"
    archive(file)
    async with asking(tmp_path, file="town.mbtiles") as web:
        if broken == "gone":
            file.rename(tmp_path / "elsewhere")
        elif broken == "garbage":
            file.write_bytes(b"garbage" * 1000)
        else:
            with closing(sqlite3.connect(file)) as db, db:
                db.execute("UPDATE tiles SET tile_data = 'text'")
        for _ in range(2):
            empty = await web.get("/tiles/img/3/5/2")
            assert (empty.status_code, empty.content, empty.headers["cache-control"]) == (200, NONE, "no-store")
        file.unlink(missing_ok=True)
        archive(file)
        assert (await web.get("/tiles/img/3/5/2")).content == PICTURE
    assert caplog.text.count(f"the tiles of {file}: down") == (broken != "text")
    assert caplog.text.count(f"the tiles of {file}: up again") == (broken != "text")


@pytest.mark.parametrize("broken", ["garbage", "a file where the folder should be"])
async def test_a_shelf_that_cannot_be_used_keeps_no_tile_from_the_map(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    (tmp_path / "home").mkdir()
    if broken == "garbage":
        (tmp_path / "home" / "tiles").mkdir()
        (tmp_path / "home" / "tiles" / "img.db").write_bytes(b"garbage" * 1000)
    else:
        (tmp_path / "home" / "tiles").write_text("")
    async with (
        source(reply(PICTURE, content_type="image/png")) as server,
        asking(tmp_path, url=server.url + "/{z}/{x}/{y}") as web,
    ):
        for row in range(3):
            assert (await web.get(f"/tiles/img/3/5/{row}")).content == PICTURE
    assert caplog.text.count("img.db: down") == 1
    assert "the tile server img" not in caplog.text, "it is not to blame"


async def test_screens_that_want_the_same_tile_ask_for_it_once(tmp_path: Path) -> None:
    import asyncio

    async def slowly(asked: Asked, writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(0.2)
        return reply(PICTURE)

    async with source(slowly) as server:
        assert isinstance(server, Source)
        city = city_of(tmp_path, url=server.url + "/{z}/{x}/{-y}")
        tiles = sources(city, context(city), tmp_path)["img"]
        assert isinstance(tiles, Server)
        assert await asyncio.gather(*(tiles.tile(3, 5, 2) for _ in range(20))) == [PICTURE] * 20
        assert [asked.path for asked in server.asked] == ["/3/5/5"]


def test_the_shelf_is_bounded_and_the_oldest_give_way(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db", 400_000)
    for n in range(200):
        shelf.put(10, n, 0, float(n), bytes(10_000))
    assert shelf.get(10, 0, 0) is None
    assert shelf.get(10, 199, 0) == (199.0, bytes(10_000))
    assert 20 < sum(shelf.get(10, n, 0) is not None for n in range(200)) < 60
    assert sum(file.stat().st_size for file in tmp_path.glob("shelf.db")) < 2_000_000
