"""The map's layers: found, whole, and their points handed out by version from the notice board."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from starlette.applications import Starlette

from dashboard.board import THINGS, VIEWS
from dashboard.screens.layer import all_layers, routes
from dashboard.screens.layout import all_layouts
from dashboard.travel.stream import connect, view_key
from dashboard.words import LIGHTS
from tests.flow import KEYS, PLACES
from tests.hall import served
from tests.servers import until


@pytest.mark.parametrize("name", sorted(all_layers()))
def test_a_layer_names_views_that_exist_and_looks_that_are_lights(name: str) -> None:
    layer = all_layers()[name]
    assert {layer.points, layer.states} <= set(VIEWS)
    assert (layer.leads == "card") == (layer.thing in THINGS), "a click on its points leads to something"
    assert layer.leads
    assert not layer.record or layer.record in all_layouts()
    assert {look.look for look in layer.looks} <= set(LIGHTS)
    assert all(look.words.zh and look.words.en for look in layer.looks)
    assert layer.title.zh
    assert layer.rate.en


def test_the_cameras_are_a_layer() -> None:
    assert len(all_layers()["cameras"].looks) == 5


@pytest.fixture
async def host(redis_url: str) -> AsyncIterator[str]:
    """The layers' address on an empty Redis."""
    zone = ZoneInfo("Asia/Shanghai")
    async with served(Starlette(routes=list(routes(KEYS.city, PLACES, redis_url, zone)))) as host:
        yield host


async def get(host: str, path: str, *headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request."""
    reader, writer = await asyncio.open_connection(*host.split(":"))
    writer.write("\r\n".join([f"GET {path} HTTP/1.1", f"host: {host}", "connection: close", *headers, "", ""]).encode())
    raw = await reader.read()
    writer.close()
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


async def test_points_come_once_the_board_has_posted_the_wanted_version(host: str, redis_url: str) -> None:
    with connect(redis_url) as redis:
        asked = asyncio.create_task(get(host, "/layers/cameras/A.json?v=two", "accept-encoding: gzip"))
        key = view_key("camera_points", "A")

        async def wanted() -> Any:
            return await asyncio.to_thread(until, lambda: redis.xrange(KEYS.asks), 5, "the view is asked for")

        ((_, fields),) = await wanted()
        assert msgspec.json.decode(fields[b"keys"]) == [key]
        for version in ("one", "two"):
            data = {"version": version, "points": [["s|P|c1", 113.0, 23.0, "<b>路"]]}
            redis.hset(KEYS.views, key, json.dumps({"as_of": 1.0, "data": data}))
            await asyncio.sleep(0.1)
        status, headers, body = await asked
    assert status == 200
    assert "immutable" in headers["cache-control"]
    assert json.loads(gzip.decompress(body)) == {"version": "two", "points": [["s|P|c1", 113.0, 23.0, "<b>路"]]}


async def test_a_board_that_has_moved_on_answers_with_the_version_it_has(
    host: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.screens.layer.MOVED", 0.1)
    with connect(redis_url) as redis:
        data = {"version": "three", "points": []}
        redis.hset(KEYS.views, view_key("incident_points", "A"), json.dumps({"as_of": 1.0, "data": data}))
        status, headers, body = await get(host, "/layers/incidents/A.json?v=two")
    assert (status, json.loads(body)) == (200, data)
    assert "cache-control" not in headers, "it is not what this address is asked for"


@pytest.mark.parametrize(("language", "words"), [("zh", "离线"), ("en", "Offline")])
async def test_a_thing_is_asked_of_the_board_and_told_in_words(
    host: str, redis_url: str, language: str, words: str
) -> None:
    key, moment = "wvp|P|c 1", 1_772_334_000.0
    view = {
        "name": "<b>路 13800138000", "state": 2, "since": moment, "at": moment + 60, "place": "A1",
        "about": [["编号", "Number", "c 1", "c 1"]],
    }  # fmt: skip
    with connect(redis_url) as redis:
        asked = asyncio.create_task(get(host, f"/layers/cameras/thing?key=wvp%7CP%7Cc%201&lang={language}"))
        ((_, fields),) = await asyncio.to_thread(until, lambda: redis.xrange(KEYS.asks), 5, "the thing is asked for")
        assert msgspec.json.decode(fields[b"keys"]) == [view_key("camera_thing", key)]
        redis.hset(KEYS.views, view_key("camera_thing", key), json.dumps({"data": view}))
        status, headers, body = await asked
        redis.hset(KEYS.views, view_key("camera_thing", "gone"), json.dumps({"data": {}}))
        assert (await get(host, "/layers/cameras/thing?key=gone"))[0] == 404
    said = json.loads(body)
    assert (status, headers["cache-control"], said["state"]) == (200, "no-store", ["overdue", words])
    assert said["title"].startswith("<b>路 138")
    assert "13800138000" not in body.decode()
    assert [said["rows"][0][1], said["rows"][0][2]] == ["2026-03-01 11:00", moment]
    assert said["place"] == ["A1", PLACES["A1"].title(language)]
    assert said["record"][0] == "/video?place=A1" + ("&lang=en" if language == "en" else "")


@pytest.mark.parametrize(
    "path",
    [
        "/layers/nothing/A.json",
        "/layers/cameras/nowhere.json",
        "/layers/incidents/thing?key=x",
        "/layers/cameras/thing",
        "/layers/cameras/thing?key=a%00",
        f"/layers/cameras/thing?key={'x' * 301}",
    ],
)
async def test_what_there_is_not_is_not_found(host: str, path: str) -> None:
    assert (await get(host, path))[0] == 404


async def test_a_board_that_posts_nothing_is_said_to_be_busy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.screens.layer.PATIENCE", 0.2)
    status, headers, _ = await get(host, "/layers/cameras/A.json?v=x")
    assert (status, headers["retry-after"]) == (503, "2")


def test_a_layer_is_one_module_in_panels() -> None:
    folder = Path(__file__).parents[3] / "panels"
    assert len([file for file in folder.glob("*.py") if "\nLAYER = Layer(" in file.read_text("utf-8")]) == len(
        all_layers()
    )
