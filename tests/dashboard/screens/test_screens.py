"""Screens as things, over two web servers on one real Valkey: sent somewhere, told again, remembered, interrupted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import Any, TypeVar, cast

import httpx
import msgspec
import pytest
from redis import Redis
from redis.exceptions import RedisError
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect

from dashboard.city import City, CityError, make_city
from dashboard.places import Place, PlaceTree
from dashboard.screens import director
from dashboard.screens.links import Links
from dashboard.screens.push import Hub
from dashboard.screens.registry import Kept, Registry
from dashboard.screens.screenpages import ScreenPages
from dashboard.screens.screens import (
    Report,
    Show,
    Stage,
    Unknown,
    Wish,
    named,
    panelled,
    played,
    rested,
    sent,
)
from dashboard.travel.stream import Keys, Notices, connect_async, view_key
from tests.hall import served
from tests.servers import Valkey

PLACES = PlaceTree.of([Place("d", "D", "district"), Place("t", "T", "town", "d"), Place("u", "U", "town", "d")])
TITLE = {"zh": "城", "en": "City"}
CITY = make_city(
    {
        "name": "c", "title": TITLE, "zone": "UTC", "places": {"file": "c.csv"}, "screens": ["wall", "video", "duty"],
        "scenes": [
            {"id": "overview", "title": TITLE, "layout": "wall"},
            {"id": "cameras", "title": TITLE, "layout": "video", "place": "t", "options": {"layer": "cameras"}},
            {"id": "duty", "title": TITLE, "layout": "duty"},
        ],
        "playlists": [
            {"id": "day", "title": TITLE, "scenes": [{"scene": "overview", "seconds": 600}, {"scene": "duty"}],
             "screens": ["lobby-*"], "interrupt": 2, "alarm": "duty", "alarms": {"camera": "cameras"}},
            {"id": "quick", "title": TITLE, "scenes": [{"scene": "overview"}, {"scene": "cameras"}]},
        ],
    },
    Path("c.toml"),
)  # fmt: skip
WALL = Show("wall")
NOW = 1_795_233_600.0
T = TypeVar("T")


# -- pure ------------------------------------------------------------------------------------------------------


def target(wish: Wish, now: float = NOW, screen: str = "s", address: str = "", **more: Any) -> Show | None:
    report = Report(screen, WALL, playlist=address)
    return Stage(CITY, PLACES).target(report, wish, None, now, more.get("alert")).show


def test_a_screen_nobody_sent_anywhere_stays_as_it_is() -> None:
    assert target(Wish()) is None
    assert target(named(Wish(), "Hall", NOW)) is None


def test_a_screen_stays_where_it_was_sent() -> None:
    assert target(sent(Wish(), Show("duty", "t"), WALL, NOW)) == Show("duty", "t")


def test_a_screen_sent_somewhere_for_some_minutes_returns() -> None:
    wish = sent(Wish(), Show("duty"), Show("video", "u"), NOW, minutes=10)
    assert target(wish, NOW + 599) == Show("duty")
    assert target(wish, NOW + 601) == Show("video", "u"), "to what it showed"
    again = sent(wish, Show("wall", "t"), Show("duty"), NOW + 60, minutes=1)
    assert target(again, NOW + 121) == Show("video", "u"), "what it was sent to for a while is nothing to return to"
    plays = sent(played(Wish(), "day", WALL, NOW), Show("video"), WALL, NOW, minutes=10)
    assert target(plays, NOW + 1) == Show("video")
    assert target(plays, NOW + 601) == Show("wall", scene="overview")


def test_a_panel_has_the_screen_to_itself_until_it_is_taken_back() -> None:
    wish = panelled(Wish(), "trend", Show("wall", "t"), NOW)
    assert target(wish) == Show("wall", "t", "trend")
    other = panelled(wish, "units", Show("wall", "t", "trend"), NOW)
    assert target(other) == Show("wall", "t", "units")
    assert target(panelled(other, "", Show("wall", "t", "units"), NOW)) == Show("wall", "t")
    assert target(panelled(Wish(), "", Show("duty", "", "urgent"), NOW)) == Show("duty"), "also one in its address"


def test_a_playlist_plays_by_order_by_the_city_file_or_by_the_address_in_that_order() -> None:
    assert target(Wish(), screen="lobby-2") == Show("wall", scene="overview")
    assert target(Wish(), address="quick") == Show("wall", scene="overview")
    assert target(Wish(), address="nothing") is None
    assert target(sent(Wish(), Show("duty"), None, NOW), screen="lobby-2") == Show("duty"), "somebody sent it there"
    ended = played(Wish(), None, Show("video", "t", "video_rate"), NOW)
    assert target(ended, screen="lobby-2") == Show("video", "t"), "what stood there stays"


def test_a_pause_ends_by_itself() -> None:
    stage, report = Stage(CITY, PLACES), Report("s", WALL, playlist="day")
    wish = rested(Wish(), True, NOW)
    assert stage.target(report, wish, None, NOW + 599, None).paused
    assert not stage.target(report, wish, None, NOW + 601, None).paused
    assert not stage.target(report, rested(wish, False, NOW + 5), None, NOW + 6, None).paused
    pages = ScreenPages(CITY, PLACES, cast(Any, None), cast(Any, None))
    listed = [pages._row("s", report, wish, NOW + later, "zh")["paused"] for later in (599, 601)]
    assert listed == [True, False], "and the list says so"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "there is no layout ''; there are wall, video, duty"),
        ({"layout": "tickets"}, "there is no layout 'tickets'"),
        ({"layout": "wall", "place": "x"}, "there is no place 'x'"),
        ({"layout": "wall", "panel": "header"}, "there is no panel 'header'"),
        ({"layout": "wall", "options": {"lang": "fr"}}, "options are"),
        ({"layout": "wall", "options": {"zoom": "3"}}, "options are"),
        ({"layout": "wall", "options": {"layer": "x" * 300}}, "an option is too long"),
        ({"scene": "flood"}, "there is no scene 'flood'; there are overview, cameras, duty"),
    ],
)
def test_what_nobody_knows_is_refused_by_name(said: dict[str, Any], why: str) -> None:
    with pytest.raises(Unknown) as found:
        Stage(CITY, PLACES).show(said, {"trend": object(), "header": object()})
    assert why in str(found.value)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"place": "x"}, "c.toml: scenes.s.place: there is no place 'x'; give the code of one"),
        ({"panel": "heading"}, "c.toml: scenes.s.panel: there is no panel 'heading'; there are trend, units"),
        ({"panel": "header"}, "c.toml: scenes.s.panel: there is no panel 'header'"),
    ],
)
def test_a_scene_of_no_place_or_panel_is_named(more: dict[str, str], why: str) -> None:
    table = {"name": "c", "title": TITLE, "zone": "UTC", "places": {"file": "c.csv"}}
    city = make_city({**table, "scenes": [{"id": "s", "title": TITLE, "layout": "wall", **more}]}, Path("c.toml"))
    with pytest.raises(CityError) as found:
        Stage(city, PLACES).check({"trend": 1, "units": 1, "header": 1})
    assert str(found.value).startswith(why)
    Stage(CITY, PLACES).check({})
    day = {"id": "d", "title": TITLE, "scenes": [{"scene": "s"}], "interrupt": 1, "alarms": {"video": "s"}}
    scene = {"id": "s", "title": TITLE, "layout": "wall"}
    with pytest.raises(CityError, match=r"playlists\.d\.alarms: there are no alerts of 'video'; there are those"):
        Stage(make_city({**table, "scenes": [scene], "playlists": [day]}, Path("c.toml")), PLACES).check({})


# -- two servers -----------------------------------------------------------------------------------------------


@dataclass
class Server:
    """One web server of the two."""

    hub: Hub
    registry: Registry
    address: str
    client: httpx.AsyncClient

    async def post(self, path: str, **said: Any) -> tuple[int, dict[str, Any]]:
        answer = await self.client.post(f"/screens/{path}", json=said)
        return answer.status_code, answer.json()

    async def row(self, screen: str) -> dict[str, Any] | None:
        rows = (await self.client.get("/screens/data?lang=en")).json()["screens"]
        return next((row for row in rows if row["id"] == screen), None)


@asynccontextmanager
async def server(redis_url: str, database_url: str, city: City = CITY) -> AsyncIterator[Server]:
    """A web server with its own hub and registry, as the web role has them."""
    registry = Registry(connect_async(redis_url), city.name, database_url)
    hub = Hub(city, PLACES, redis_url, "v1", registry=registry)

    async def moment() -> dict[str, Any]:
        return {"now": time(), "as_of": None}

    work = asyncio.create_task(hub.run())
    doors = [*Links(hub).routes(), *ScreenPages(city, PLACES, registry, moment).routes()]
    try:
        async with (
            served(Starlette(routes=doors)) as address,
            httpx.AsyncClient(base_url=f"http://{address}") as client,
        ):
            yield Server(hub, registry, address, client)
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        registry.kept.close()


@dataclass
class Display:
    """A screen as a test plays it: it does what it is told, unless it is told not to."""

    link: ClientConnection
    name: str
    shows: dict[str, Any]
    did: int = 0
    kept: dict[str, Any] | None = None
    playlist: dict[str, Any] | None = None

    async def report(self, **more: Any) -> None:
        said = {
            "t": "report",
            "id": self.name,
            "show": self.shows,
            "did": self.did,
            "kept": self.kept,
            "size": [1920, 1080],
        }
        await self.link.send(json.dumps({**said, **more}))

    async def told(self, command: str = "scene", seconds: float = 5.0) -> dict[str, Any]:
        """The next order of a kind; of what comes before, scenes are obeyed."""
        async with asyncio.timeout(seconds):
            while True:
                found: dict[str, Any] = json.loads(await self.link.recv())
                if found["t"] != "command":
                    continue
                if found["command"] == "scene":
                    self.shows, self.did = found["show"] or self.shows, found["n"]
                    self.kept, self.playlist = found["wish"] or self.kept, found["playlist"]
                    await self.report()
                if found["command"] == command:
                    return found

    async def stands(self, layout: str, place: str = "", seconds: float = 5.0) -> dict[str, Any]:
        """The order that brings it there."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self.told("scene", seconds)
                if found["show"] and (found["show"]["layout"], found["show"].get("place", "")) == (layout, place):
                    return found


@asynccontextmanager
async def display(
    at: Server, name: str = "hall", kept: dict[str, Any] | None = None, **more: Any
) -> AsyncIterator[Display]:
    async with connect(f"ws://{at.address}/live", proxy=None) as link:
        await link.send(json.dumps({"t": "hello", "screen": "x", "panels": []}))
        screen = Display(link, name, {"layout": "wall"}, kept=kept)
        await screen.report(**more)
        yield screen


async def comes(look: Callable[[], Awaitable[T]], seconds: float = 5.0) -> T:
    """What ``look`` finds, as soon as that is something."""
    end = monotonic() + seconds
    while True:
        if found := await look():
            return found
        assert monotonic() < end
        await asyncio.sleep(0.03)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'history.db'}"


async def test_an_order_given_at_one_server_reaches_the_screen_on_the_other(redis_url: str, database: str) -> None:
    async with server(redis_url, database) as one, server(redis_url, database) as two, display(one) as hall:
        assert (await hall.told())["show"] is None, "nobody has sent it anywhere"
        row = await comes(lambda: two.row("hall"))
        assert row is not None
        assert (row["online"], row["size"]) == (True, [1920, 1080])
        assert row["wall"]
        assert await two.post("hall/scene", scene="cameras") == (200, {"screens": ["hall"], "durable": True})
        order = await hall.stands("video", "t")
        assert order["show"]["options"] == {"layer": "cameras"}
        assert await two.post("hall/panel", panel="video_rate") == (200, {"screens": ["hall"], "durable": True})
        assert (await hall.told())["show"]["panel"] == "video_rate"
        await two.post("hall/panel", panel=None)
        assert "panel" not in (await hall.told())["show"]
        await two.post("hall/name", name="  大厅   东屏 ")
        assert (await two.row("hall") or {})["name"] == "大厅 东屏"
        assert await two.post("all/identify") == (200, {"screens": ["hall"]})
        assert (await hall.told("identify"))["name"] == "大厅 东屏"
        await two.post("hall/reload")
        await hall.told("reload")

        async def moved() -> bool:
            return ((await two.row("hall")) or {}).get("layout") == "video"

        await comes(moved)


async def test_a_screen_that_did_not_do_it_is_told_again(
    redis_url: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(director, "AGAIN", 0.3)
    async with server(redis_url, database) as one, display(one) as hall:
        await hall.told()
        await one.post("hall/scene", layout="duty")
        for _ in range(2):
            async with asyncio.timeout(5):
                while (said := json.loads(await hall.link.recv()))["t"] != "command":
                    pass
            assert said["show"]["layout"] == "duty"


async def test_what_cannot_be_is_refused_and_changes_nothing(redis_url: str, database: str) -> None:
    async with server(redis_url, database) as one, display(one) as hall:
        await hall.told()
        for path, said, status in (
            ("nobody/scene", {"scene": "duty"}, 404), ("HALL/scene", {"scene": "duty"}, 404),
            ("hall/scene", {"scene": "flood"}, 400), ("hall/scene", {"layout": "wall", "hello": 1}, 400),
            ("hall/scene", {"scene": "duty", "minutes": 0}, 400),
            ("hall/scene", {"scene": "duty", "minutes": True}, 400),
            ("hall/scene", {"layout": "wall", "place": "x" * 5000}, 400), ("hall/panel", {"panel": "header"}, 400),
            ("hall/playlist", {"playlist": "night"}, 400), ("hall/playlist", {"paused": "yes"}, 400),
            ("hall/name", {"name": "  "}, 400), ("hall/name", {"name": 7}, 400), ("nobody/identify", {}, 404),
            ("nobody/forget", {}, 404),
        ):  # fmt: skip
            found, why = await one.post(path, **said)
            assert (found, bool(why["reason"])) == (status, True), (path, said, why)
        strange = {"origin": "http://elsewhere", "content-type": "application/json"}
        assert (
            await one.client.post("/screens/hall/scene", content='{"scene":"duty"}', headers=strange)
        ).status_code == 403
        form = {"content-type": "text/plain"}
        for body, headers in (('{"scene":"duty"}', form), ("[]", None), ("{", None), ("\xff", None)):
            headers = headers or {"content-type": "application/json"}
            answer = await one.client.post("/screens/hall/scene", content=body.encode("latin-1"), headers=headers)
            assert answer.status_code == 400, body
        assert (await one.registry.wish("hall")).blank


async def test_a_report_that_is_none_ends_the_link_and_registers_nothing(redis_url: str, database: str) -> None:
    async with server(redis_url, database) as one:
        strange: list[dict[str, Any]] = [
            {"id": "../x"},
            {"id": "A" * 99},
            {"size": "large"},
            {"show": {}},
            {"did": "x"},
        ]
        for wrong in strange:
            async with display(one, **wrong) as hall:
                with suppress(Exception):
                    async with asyncio.timeout(5):
                        while True:
                            await hall.link.recv()
                assert hall.link.close_code == 4400, wrong
        assert not one.hub.director.members  # type: ignore[union-attr]
        assert await one.registry.reports() == {}


async def test_after_a_power_cut_a_screen_is_where_it_was_even_if_redis_comes_back_empty(
    own_valkey: Valkey, database: str
) -> None:
    async with server(own_valkey.url, database) as one, display(one) as hall:
        await hall.told()
        assert (await one.post("hall/scene", scene="cameras"))[0] == 200
        await hall.stands("video", "t")
    own_valkey.kill()
    own_valkey.start()
    with Redis.from_url(own_valkey.url) as redis:
        redis.flushall()
    async with server(own_valkey.url, database) as two, display(two) as hall:
        await hall.stands("video", "t")


async def test_a_wish_in_redis_survives_kill_nine_of_its_server(own_valkey: Valkey, tmp_path: Path) -> None:
    lost = f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}"
    async with server(own_valkey.url, lost) as one, display(one) as hall:
        await hall.told()
        found = await one.post("hall/scene", scene="duty")
        assert found == (200, {"screens": ["hall"], "durable": False}), "the database cannot be written"
        await hall.stands("duty")
        await asyncio.to_thread(own_valkey.kill)
        await asyncio.to_thread(own_valkey.start)

        async def back() -> bool:
            with suppress(RedisError, OSError):
                return (await one.registry.wish("hall")).show == Show("duty", scene="duty")
            return False

        await comes(back, 20)


async def test_where_the_house_has_lost_all_the_screen_remembers(redis_url: str, database: str) -> None:
    wish = sent(Wish(n=6), Show("duty", "u"), None, NOW)
    async with server(redis_url, database) as one, display(one, kept=msgspec.to_builtins(wish)) as hall:
        await hall.stands("duty", "u")
        assert await comes(lambda: asyncio.to_thread(Kept(database).all)) == {"hall": wish}
        older = msgspec.to_builtins(sent(Wish(n=2), Show("video"), None, NOW))
        async with display(one, kept=older) as again:
            await again.stands("duty", "u")


async def test_an_alert_interrupts_the_playlist_and_it_goes_on_where_it_was(redis_url: str, database: str) -> None:
    alerts: list[dict[str, Any]] = []
    offset = iter(range(1, 100))
    with Redis.from_url(redis_url) as redis:

        def post() -> None:
            """A stand-in for the projector: the view of the alerts as it is now."""
            about = {"epoch": "e", "offset": next(offset), "as_of": time(), "feeds": []}
            pulse = {"epoch": "e", "offset": about["offset"], "as_of": about["as_of"], "wall": time(), "feeds": {}}
            document = msgspec.json.encode({**about, "data": {"alerts": alerts}})
            Notices(redis, Keys("c")).post({view_key("alerts", "d"): document}, pulse, {"s": 1})

        post()
        async with server(redis_url, database) as one, display(one, "lobby-1") as lobby:
            first = await lobby.stands("wall")
            assert (first["playlist"]["id"], first["playlist"]["at"], first["playlist"]["of"]) == ("day", 0, 2)
            one_alert = {"key": "k", "noun": "camera", "place": "u", "since": 5.0, "severity": 3, "acknowledged": None}
            alerts.append(one_alert)
            post()
            alerts[0] = {**one_alert, "severity": 2}
            post()
            assert (await lobby.stands("video", "u"))["playlist"]["alarm"] == "k"
            alerts.append({**one_alert, "key": "worse", "noun": "ticket", "place": "", "severity": 1})
            post()
            assert (await lobby.stands("duty"))["playlist"]["alarm"] == "worse"
            before = cast(Any, one.hub.director).members["lobby-1"].play
            alerts[:] = [{**alert, "acknowledged": {"by": "李", "at": 6.0, "comment": ""}} for alert in alerts]
            post()
            back = await lobby.stands("wall")
            assert (back["playlist"]["at"], back["playlist"]["alarm"]) == (0, "")
            after = cast(Any, one.hub.director).members["lobby-1"].play
            assert time() - after.since == pytest.approx(before.ran, abs=1.0), "its turn has run as long as before"
            # Somebody pauses it at the screen, and moves it on from elsewhere.
            assert (await one.post("lobby-1/playlist", paused=True))[0] == 200
            assert (await lobby.told())["playlist"]["paused"]
            await one.post("lobby-1/playlist", playlist="quick")
            assert (await lobby.told())["playlist"]["id"] == "quick"
            await one.post("lobby-1/playlist", playlist=None)
            assert (await lobby.told())["playlist"] is None


async def test_a_playlist_goes_on_in_another_process_where_it_was(redis_url: str, database: str) -> None:
    async with server(redis_url, database) as one, server(redis_url, database) as two:
        async with display(one, "lobby-1") as lobby:
            await lobby.stands("wall")
            play = await comes(lambda: one.registry.play("lobby-1"))
        async with display(two, "lobby-1") as lobby:
            await lobby.stands("wall")
            assert cast(Any, two.hub.director).members["lobby-1"].play == play


async def test_a_thumbnail_is_asked_for_posted_and_shown(redis_url: str, database: str) -> None:
    webp = b"RIFF\x10\x00\x00\x00WEBPVP8 "
    async with server(redis_url, database) as one, display(one) as hall:
        await hall.told()
        await one.client.get("/screens/data?pictures=1")
        await hall.told("thumbnail")
        where = "/screens/hall/thumbnail"
        assert (await one.client.get(where)).status_code == 404
        assert (await one.client.post(where, content=b"<svg onload=x>")).status_code == 400
        assert (await one.client.post(where, content=webp + b"x" * 200_000)).status_code == 400
        assert (await one.client.post("/screens/other/thumbnail", content=webp)).status_code == 404
        assert (await one.client.post(where, content=webp, headers={"origin": "http://x"})).status_code == 403
        assert (await one.client.post(where, content=webp)).status_code == 200
        found = await one.client.get(where)
        assert (found.content, found.headers["content-type"]) == (webp, "image/webp")
        assert (await one.row("hall") or {})["picture"] == pytest.approx(time(), abs=5)


async def test_where_no_socket_gets_through_orders_come_with_the_polls(redis_url: str, database: str) -> None:
    async with server(redis_url, database) as one:
        hello: dict[str, Any] = {"screen": "p", "panels": []}
        report = {"id": "polled", "show": {"layout": "wall"}, "did": 0}

        async def poll(**more: Any) -> list[dict[str, Any]]:
            answer = await one.client.post("/live/poll", json={**hello, **more}, timeout=30)
            return [frame for frame in answer.json()["frames"] if frame["t"] == "command"]

        assert [frame["show"] for frame in await poll(report=report)] == [None]
        assert (await one.post("polled/scene", scene="duty"))[0] == 200
        found = await comes(poll, 10)
        assert found[0]["show"]["layout"] == "duty"
        bad = await one.client.post("/live/poll", json={**hello, "report": {**report, "id": "../"}})
        assert bad.status_code == 400


async def test_a_screen_that_is_gone_can_be_taken_off_the_list(redis_url: str, database: str) -> None:
    async with server(redis_url, database) as one:
        async with display(one) as hall:
            await hall.told()
            assert (await one.post("hall/name", name="Hall"))[0] == 200

        async def gone() -> bool:
            row = await one.row("hall")
            return row is not None and not row["online"]

        await comes(gone)
        assert await one.post("hall/forget") == (200, {"screens": ["hall"]})
        assert await one.row("hall") is None
        assert await asyncio.to_thread(one.registry.kept.all) == {}
