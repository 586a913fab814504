"""The README's block of each kind is run against a source that answers as such a source does: it works as it stands.

Only the address, and the files it names, are those of the test.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from websockets.asyncio.server import ServerConnection, serve

from dashboard.city import City, make_city
from dashboard.doors.feedtry import attempt
from dashboard.sources.feed import kinds
from tests.contracts.simulators.probe import Cameras
from tests.servers import Mosquitto, free_port
from tests.source import Asked, reply, source

ROOT = Path(__file__).resolve().parents[2]
KINDS = sorted(kinds())
WHEN = "2026-03-01T08:00:00+08:00"
Changes = dict[str, Any]
Stage = Callable[[Path, dict[str, Any]], AbstractAsyncContextManager[Changes]]


def city_of(folder: Path, table: dict[str, Any]) -> City:
    """A city whose only feed this is; the places are those of the README's examples."""
    given = {name: value for name, value in table.items() if value is not None}
    city = {
        "name": "town", "title": {"zh": "镇", "en": "Town"}, "zone": "Asia/Shanghai",
        "places": {"file": str(ROOT / "cities" / "nanhai.csv"), "outlines": "schematic"}, "feeds": [given],
    }  # fmt: skip
    return make_city(city, folder / "town.toml")


def of_the_house(table: dict[str, Any]) -> City:
    """The simulated district with this feed alone."""
    file = ROOT / "cities" / "nanhai.toml"
    return make_city(tomllib.loads(file.read_text(encoding="utf-8")) | {"feeds": [table]}, file)


def block_of(kind: str) -> dict[str, Any]:
    """The table of the README's block."""
    (table,) = tomllib.loads(kinds()[kind].example)["feeds"]
    return dict(table)


def secrets(folder: Path, table: dict[str, Any]) -> None:
    """The files of secrets that a block names."""
    for named in (table, table.get("auth", {})):
        if "secret_file" in named:
            (folder / named["secret_file"]).write_text("secret", encoding="utf-8")


def web(answer: Callable[[Asked], Any], path: str = "", **changes: Any) -> Stage:
    """A source on the web: what it says to each request, as JSON unless it is bytes."""

    @asynccontextmanager
    async def stage(folder: Path, table: dict[str, Any]) -> AsyncIterator[Changes]:
        def said(asked: Asked) -> bytes:
            found = answer(asked)
            return reply(found if isinstance(found, bytes) else json.dumps(found, ensure_ascii=False))

        (folder / "cameras.csv").write_text(
            f"id,name,lon,lat\nlive/a,桂澜路,113.15,23.03\n{CAMERA},海五路,,\n", "utf-8"
        )
        async with source(said) as served:
            yield {"url": served.url + path, **changes}

    return stage


def files(name: str, text: str) -> Stage:
    """A file that is there."""

    @asynccontextmanager
    async def stage(folder: Path, table: dict[str, Any]) -> AsyncIterator[Changes]:
        (folder / "drop").mkdir()
        (folder / "drop" / name).write_text(text, encoding="utf-8")
        yield {"path": str(folder / "drop" / ("" if table["kind"] == "folder" else name))}

    return stage


@asynccontextmanager
async def _database(folder: Path, table: dict[str, Any]) -> AsyncIterator[Changes]:
    with sqlite3.connect(folder / "hotline.db") as db:
        db.execute("CREATE TABLE cases (id, opened, changed, title, class, dept, closed, town)")
        row = ("7", "2026-02-01 08:00", "2026-02-01 09:00", "灯不亮", "路灯", "城管", None, "440605011")
        db.execute("INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    db.close()
    yield {"url": "sqlite:///hotline.db", "auth": None}


@asynccontextmanager
async def _upstream(folder: Path, table: dict[str, Any]) -> AsyncIterator[Changes]:
    async def push(socket: ServerConnection) -> None:
        assert json.loads(await socket.recv()) == {"subscribe": "all", "after": 0}
        row = {"station": "s1", "rain_1h": 2.5, "at": WHEN, "town": "桂城街道"}
        await socket.send(json.dumps({"seq": 1, "data": [row]}))
        await socket.wait_closed()

    port = free_port()
    async with serve(push, "127.0.0.1", port):
        yield {"url": f"ws://127.0.0.1:{port}"}


@asynccontextmanager
async def _broker(folder: Path, table: dict[str, Any]) -> AsyncIterator[Changes]:
    server = Mosquitto()
    try:
        async with aiomqtt.Client("127.0.0.1", server.port) as client:
            said = json.dumps({"value": 1.42, "time": WHEN})
            await client.publish("water/440605011/level/s1", said, qos=1, retain=True)
        yield {"url": server.url}
    finally:
        server.close()


@asynccontextmanager
async def _cameras(folder: Path, table: dict[str, Any]) -> AsyncIterator[Changes]:
    cameras = Cameras(folder)
    await cameras.start()
    await cameras.add()
    try:
        yield {"networks": ["127.0.0.0/8"]}
    finally:
        await cameras.close()


@asynccontextmanager
async def _ourselves(folder: Path, table: dict[str, Any]) -> AsyncIterator[Changes]:
    """It needs nobody."""
    yield {}


STATION = {
    "code": "g1",
    "title": "桥头",
    "water_level": "3.28",
    "observed_at": WHEN,
    "location": {"lon": 113.15, "lat": 23.03},
}
REQUEST: dict[str, Any] = {
    "service_request_id": "14-1", "status": "open", "service_name": "路灯", "description": "灯不亮", "lat": 23.03,
    "long": 113.15, "requested_datetime": WHEN, "extended_attributes": {"ward": "440605011"},
}  # fmt: skip
FIGURE: dict[str, Any] = {
    "code": "x", "data": {"data": 6.2, "hasdata": True, "strdata": "6.2"},
    "wds": [{"valuecode": "A0D0101", "wdcode": "zb"}, {"valuecode": "202512", "wdcode": "sj"}],
}  # fmt: skip
WORDS = {"wdcode": "zb", "nodes": [{"code": "A0D0101", "cname": "年末人口", "unit": "万人"}]}
CAMERA = "44060500001320000001"
DROPPED = "工单号,标题,类别,责任单位,上报时间,结案时间,镇街\n7,灯,路灯,,2026/02/01 08:00,,桂城街道\n"
CASES = (
    "id,title,type,department,source,opened,target,closed,on_time,district,longitude,latitude\n7,灯不亮,路灯,城管,热线,"
)
EVENT = {
    "specversion": "1.0", "id": "1", "source": "hotline", "type": "ticket.reported", "subject": "1", "time": WHEN,
    "data": {"title": "灯不亮", "place": "440605011"},
}  # fmt: skip
ACT = {"id": "0b8c3d8e-6a51-4a0f-9d5e-0a2d2f4b6c7d", "type": "alarm.acknowledged", "by": "陈静",
       "data": {"alert": "ticket|hotline|7", "severity": 2, "comment": "已电话通知"}}  # fmt: skip


def _wvp(asked: Asked) -> Any:
    assert asked.headers["access-token"] == "secret"
    rows: list[dict[str, Any]] = (
        [{"channelId": CAMERA, "name": "桂澜路", "status": "ON"}] if asked.path.endswith("/channels") else []
    )
    rows = rows or [{"deviceId": "d1", "onLine": True}]
    return {"code": 0, "data": {"total": len(rows), "list": rows}}


def _stations(asked: Asked) -> Any:
    assert (asked.query["area"], asked.headers["authorization"]) == ("440605", "Bearer secret")
    return {"data": {"stations": [STATION], "next": None}}


# How a source of each kind is put up, and what `feed try` prints of it: with units and places in words.
STAGES: dict[str, tuple[Stage, str]] = {
    "http": (web(_stations, "/api/stations", ca_file=None, cert_file=None, key_file=None), "value=3.28 ft name=桥头"),
    "open311": (web(lambda _: [REQUEST], "/dev/v2"), "title=灯不亮 category=路灯 place=440605011(桂城街道)"),
    "statistics": (web(lambda _: {"returncode": 200, "returndata": {"datanodes": [FIGURE], "wdnodes": [WORDS]}}),
                   "value=6.2 万人 name=年末人口 region=全国"),
    "prometheus": (web(lambda _: b"probe_success 1\n", "/probe"), "resource=service metric=up"),
    "zlmediakit": (web(lambda _: {"code": 0}, "/"), "camera.polled subject=城管视频"),
    "wvp": (web(_wvp, "/"), "camera.listed subject=雪亮工程"),
    "mediamtx": (web(lambda _: {"itemCount": 1, "pageCount": 1, "items": [{"name": "a", "online": True}]}, "/"),
                 "camera.polled subject=社会面汇聚"),
    "folder": (files("b.csv", DROPPED),
               "channel=上报表 place=440605011(桂城街道)"),
    "file": (files("cases.csv", CASES + "01/02/2026 08:00,,,,440605011,,\n"), "title=灯不亮 category=路灯"),
    "sql": (_database, "place=440605011(桂城街道)"),
    "websocket": (_upstream, "quantity=rain value=2.5 mm"),
    "mqtt": (_broker, "quantity=level value=1.42 m place=440605011(桂城街道)"),
    "probe": (_cameras, "camera.polled subject=直连"),
}  # fmt: skip
BODIES = {
    "cloudevents": (json.dumps(EVENT), "title=灯不亮 place=440605011(桂城街道)"),
    "desk": (json.dumps(ACT), "by=陈静"),
}
# It is made up by ourselves, so that whatever it needs comes with the house.
OWN = {kind for kind in KINDS if kind.startswith("pretend") or kind == "clock"}


def test_every_kind_is_tried() -> None:
    assert set(STAGES) | set(BODIES) | OWN == set(KINDS), "put up a source for it"


@pytest.mark.parametrize("kind", KINDS)
def test_the_block_works(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "mqtt" and Mosquitto.tool() is None:
        pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto)")
    monkeypatch.setenv("OPEN311_KEY", "secret")
    table = block_of(kind)
    secrets(tmp_path, table)
    stage, shown = STAGES.get(kind, (_ourselves, ""))
    body, shown = BODIES.get(kind, ("", shown))

    async def look() -> int:
        async with stage(tmp_path, table) as changes:
            city = of_the_house(table) if kind in OWN else city_of(tmp_path, table | changes)
            return await attempt(city, table["name"], 3, lambda: body.encode())

    code = asyncio.run(look())
    said = capsys.readouterr()
    assert (code, said.err) == (0, ""), said
    assert shown in said.out
    assert " would be sent" in said.out
