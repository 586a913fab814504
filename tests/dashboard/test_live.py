"""/live against a real hub and a real Valkey: what a screen is told, and what a bad or slow one cannot do."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from redis import Redis
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dashboard.city import make_city
from dashboard.places import Place, PlaceTree
from dashboard.screens.links import Links
from dashboard.screens.panel import Context, Panel
from dashboard.screens.push import Hub
from dashboard.travel.stream import Keys, Notices, view_key
from dashboard.words import Words
from tests.hall import served

PLACES = PlaceTree.of([Place("d", "D", "district"), Place("t", "T", "town", "d")])
CITY = make_city(
    {"name": "c", "title": {"zh": "城", "en": "City"}, "zone": "UTC", "places": {"file": "c.csv"}}, Path("c.toml")
)
SILENT = 1.5  # Seconds after which the hub here lets a screen go.
HOLD = 2.0  # Seconds for which it holds a poll.


def painter(name: str, *reads: str, weight: int = 0) -> Panel:
    """A panel that shows the number of each view it reads, and ``weight`` characters beside them."""

    def paint(views: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
        return {f"{name}.children": [*(views[read]["n"] for read in reads), ctx.place, ctx.language, "x" * weight]}

    return Panel(name, Words(name, name), reads, lambda ctx: None, paint)


@dataclass
class Projector:
    """The other side of the notice board, by hand: posts views and pulses as a projector does."""

    redis: Redis
    epoch: str = "e1"
    offset: int = 0
    notices: Notices = field(init=False)

    def __post_init__(self) -> None:
        self.notices = Notices(self.redis, Keys(CITY.name))

    def post(self, place: str = "d", **numbers: int) -> None:
        """Post a new number for each named view at a place."""
        self.offset += 1
        about = {"epoch": self.epoch, "offset": self.offset, "as_of": 10.0 * self.offset, "feeds": ["f"]}
        documents = {
            view_key(view, place): msgspec.json.encode({**about, "data": {"n": n}}) for view, n in numbers.items()
        }
        pulse = {"epoch": self.epoch, "offset": self.offset, "as_of": 1.0, "wall": time(), "feeds": {}}
        self.notices.post(documents, pulse, {"s": self.offset})


@pytest.fixture
def projector(redis_url: str) -> Projector:
    return Projector(Redis.from_url(redis_url))


@pytest_asyncio.fixture
async def hub(redis_url: str) -> Hub:
    hub = Hub(CITY, PLACES, redis_url, "v1")
    panels = (painter("one", "a"), painter("two", "a", "b"), painter("heavy", "h", weight=400_000))
    hub.panels = {panel.id: panel for panel in panels}
    return hub


@pytest_asyncio.fixture
async def links(hub: Hub) -> Links:
    return Links(hub, silent=SILENT, hold=HOLD)


@pytest_asyncio.fixture
async def address(hub: Hub, links: Links) -> AsyncIterator[str]:
    """Host and port at which the hub is served."""
    work = asyncio.gather(hub.run(), links.run())
    async with served(Starlette(routes=links.routes())) as where:
        yield where
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


@dataclass
class Screen:
    """A screen as a test plays it."""

    link: ClientConnection

    async def say(self, **message: Any) -> None:
        await self.link.send(json.dumps(message))

    async def hello(self, *panels: str, place: str = "d", lang: str = "zh", **more: Any) -> None:
        await self.say(t="hello", screen="s", panels=list(panels), place=place, lang=lang, size="normal", **more)

    async def frame(self, kind: str, seconds: float = 5.0) -> dict[str, Any]:
        """The next frame of a kind; what comes before it is passed over, and paints of it acknowledged."""
        async with asyncio.timeout(seconds):
            while True:
                found: dict[str, Any] = json.loads(await self.link.recv())
                if found["t"] == "paint":
                    await self.say(t="ack", n=found["n"])
                if found["t"] == kind:
                    return found

    async def shows(self, panel: str, children: list[Any], seconds: float = 5.0) -> dict[str, Any]:
        """The paint with which a panel shows ``children``."""
        async with asyncio.timeout(seconds):
            while True:
                paint = await self.frame("paint", seconds)
                if paint["panels"].get(panel, {}).get("props") == {f"{panel}.children": children}:
                    return paint

    async def end(self, seconds: float = 5.0, got: list[str] | None = None) -> int | None:
        """The code with which the server ends the link; what kinds of frames came before goes to ``got``."""
        got = [] if got is None else got
        with suppress(ConnectionClosed):
            async with asyncio.timeout(seconds):
                while True:
                    got.append(json.loads(await self.link.recv())["t"])
        return self.link.close_code


async def becomes(true: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until something is so."""
    end = monotonic() + seconds
    while not true():
        assert monotonic() < end
        await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(address: str, origin: str | None = None) -> AsyncIterator[Screen]:
    async with connect(f"ws://{address}/live", origin=origin, proxy=None, max_size=None) as link:  # type: ignore[arg-type]
        yield Screen(link)


async def test_hello_is_answered_by_a_beat_and_by_all_that_was_asked_for(address: str, projector: Projector) -> None:
    projector.post(a=5, b=6)
    async with opened(address, f"http://{address}") as screen:
        await screen.hello("one", "two")
        beat = await screen.frame("beat")
        assert beat["version"] == "v1"
        assert abs(beat["now"] - time()) < 2
        paint = await screen.shows("two", [5, 6, "d", "zh", ""])
        assert (paint["place"], paint["lang"], paint["epoch"]) == ("d", "zh", "e1")
        about = paint["panels"]["one"]
        assert about == {
            "offset": 1, "as_of": 10.0, "feeds": ["f"], "props": {"one.children": [5, "d", "zh", ""]},
        }  # fmt: skip
        projector.post(a=7)
        paint = await screen.shows("one", [7, "d", "zh", ""])
        assert paint["panels"]["one"]["offset"] == 2
        assert paint["panels"]["two"]["offset"] == 1, "a panel is as old as its oldest view"
        beats = [await screen.frame("beat") for _ in range(2)]
        assert 1.0 < beats[1]["now"] - beats[0]["now"] < 3.5
        assert beats[1]["offset"] == 2


async def test_a_screen_is_asked_for_what_it_wants_and_for_nothing_else(
    address: str, projector: Projector, redis_url: str
) -> None:
    async with opened(address) as screen:
        await screen.hello("two", "nonsense", place="t")
        await screen.frame("beat")
        with Redis.from_url(redis_url) as redis:
            await becomes(lambda: redis.exists(Keys(CITY.name).asks))
            asks: Any = redis.xrange(Keys(CITY.name).asks)
        assert [json.loads(fields[b"keys"]) for _, fields in asks] == [["a|t", "b|t"]]
        projector.post(place="t", a=1, b=2)
        assert set((await screen.shows("two", [1, 2, "t", "zh", ""]))["panels"]) == {"two"}


async def test_an_unknown_place_shows_the_city_and_an_unknown_language_the_first(
    address: str, projector: Projector
) -> None:
    projector.post(a=3)
    async with opened(address) as screen:
        await screen.hello("one", place="nowhere", lang="xx")
        paint = await screen.shows("one", [3, "d", "zh", ""])
        assert (paint["place"], paint["lang"]) == ("d", "zh")


async def test_two_languages_and_two_places_beside_each_other(address: str, projector: Projector) -> None:
    projector.post(a=3)
    projector.post(place="t", a=4)
    async with opened(address) as zh, opened(address) as en, opened(address) as town:
        await zh.hello("one")
        await en.hello("one", lang="en")
        await town.hello("one", place="t")
        await zh.shows("one", [3, "d", "zh", ""])
        await en.shows("one", [3, "d", "en", ""])
        await town.shows("one", [4, "t", "zh", ""])
        await town.hello("one", lang="en")  # The same screen moves up and changes its language.
        await town.shows("one", [3, "d", "en", ""])
        projector.post(a=8)
        for screen, language in ((zh, "zh"), (en, "en"), (town, "en")):
            await screen.shows("one", [8, "d", language, ""])


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\xff binary", "no json", "[]", '"hello"', "7", "{}", '{"t":"hello"}',
        '{"t":"hello","screen":1,"panels":[]}',
        '{"t":"hello","screen":"s","panels":"one"}', '{"t":"hello","screen":"s","panels":[1]}', '{"t":"ack"}',
        '{"t":"ack","n":"many"}', '{"t":"ack","n":1e400}', '{"t":"ack","n":null}', "[" * 10_000,
        '{"t":"hello","screen":"s","panels":["' + "x" * 20_000 + '"]}', '{"t":"ack","n":NaN}',
    ],
    ids=lambda said: repr(said[:24]),
)  # fmt: skip
async def test_nonsense_ends_its_own_link_and_no_other(
    address: str, hub: Hub, projector: Projector, said: str | bytes
) -> None:
    async with opened(address) as good, opened(address) as bad:
        await good.hello("one")
        await bad.link.send(said)
        assert await bad.end() in (1000, 1003, 1006, 4400)
        projector.post(a=1)
        await good.shows("one", [1, "d", "zh", ""])
        assert len(hub.screens) == 1


async def test_an_unknown_kind_of_message_is_passed_over(address: str, projector: Projector) -> None:
    """A newer page may say more than this server knows."""
    projector.post(a=1)
    async with opened(address) as screen:
        await screen.say(t="wave", n=1)
        await screen.hello("one", more="unknown")
        await screen.shows("one", [1, "d", "zh", ""])


@pytest.mark.parametrize("pieces", [1, 40])
async def test_a_message_of_more_than_64_kb_is_not_read(address: str, hub: Hub, pieces: int) -> None:
    async with opened(address) as screen:
        await screen.hello("one")
        await screen.frame("beat")
        with suppress(ConnectionClosed):
            await screen.link.send(["x" * (80_000 // pieces)] * pieces if pieces > 1 else "x" * 80_000)
        assert await screen.end() == 1009
        await becomes(lambda: not hub.screens)


async def test_a_page_of_another_origin_gets_nothing(address: str, hub: Hub) -> None:
    for origin in ("http://evil.example", "null", f"http://{address}.evil.example", "http://127.0.0.1:1"):
        with pytest.raises(InvalidStatus) as refused:
            async with opened(address, origin):
                pass
        assert refused.value.response.status_code == 403
    assert not hub.screens
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"http://{address}/live/poll",
            json={"screen": "s", "panels": ["one"]},
            headers={"origin": "http://evil.example"},
        )
    assert answer.status_code == 403


async def test_who_acknowledges_nothing_gets_two_paints_and_is_let_go(
    address: str, hub: Hub, projector: Projector
) -> None:
    async with opened(address) as silent, opened(address) as good:
        await silent.hello("one")
        await good.hello("one")
        began = monotonic()
        for n in range(1, 12):
            projector.post(a=n)
            await good.shows("one", [n, "d", "zh", ""])
        got: list[str] = []
        assert await silent.end(3 * SILENT + 3, got) == 4408
        assert got.count("paint") == 2
        assert SILENT <= monotonic() - began < 3 * SILENT + 2
        assert len(hub.screens) == 1


async def test_who_never_says_hello_is_let_go(address: str) -> None:
    async with opened(address) as screen:
        assert await screen.end(3 * SILENT) == 4408


async def test_who_stops_reading_holds_nothing_and_holds_nobody_up(
    address: str, hub: Hub, projector: Projector
) -> None:
    host, port = address.split(":")
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.connect((host, int(port)))
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    stuck.sendall(
        f"GET /live HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await asyncio.to_thread(stuck.recv, 4096)
    text = json.dumps({"t": "hello", "screen": "s", "panels": ["heavy"], "place": "d", "lang": "zh"}).encode()
    stuck.sendall(bytes([0x81, 0x80 + len(text)]) + bytes(4) + text)  # Masked with zeros.
    async with opened(address) as good:
        await good.hello("one")
        await good.frame("beat")
        await becomes(lambda: len(hub.screens) == 2)
        (slow,) = (screen for screen in hub.screens if "heavy" in screen.panels)
        worst = 0.0
        began = monotonic()
        n = 0
        while slow in hub.screens and monotonic() - began < 4 * SILENT + 3:
            n += 1
            assert len(slow.mail) <= 1, "the mailbox keeps the latest paint of each panel"
            assert len(slow.unseen) <= 2
            posted = monotonic()
            projector.post(a=n, h=n)
            await good.shows("one", [n, "d", "zh", ""])
            worst = max(worst, monotonic() - posted)
        assert slow not in hub.screens, "a screen that takes nothing is let go"
        assert n > 5
        assert worst < 1.0
    stuck.close()


async def test_a_slow_screen_is_sent_the_latest_and_not_what_it_missed(address: str, projector: Projector) -> None:
    async with opened(address) as slow, opened(address) as good:
        await slow.hello("one")
        await good.hello("one")
        for n in range(1, 9):
            projector.post(a=n)
            await good.shows("one", [n, "d", "zh", ""])
        seen: list[int] = []
        while not seen or seen[-1] != 8:
            paint = await slow.frame("paint")
            seen.append(paint["panels"]["one"]["props"]["one.children"][0])
        assert seen == sorted(seen)
        assert len(seen) == 3, "two were under way; of the other six only the last one came"


async def test_two_hundred_screens_that_come_back_at_once_cost_one_paint(
    address: str, hub: Hub, projector: Projector
) -> None:
    """As after a restart of the web process."""
    projector.post(a=1, b=2)

    async def come_back() -> dict[str, Any]:
        async with opened(address) as screen:
            await screen.hello("one", "two")
            return await screen.shows("two", [1, 2, "d", "zh", ""], 20.0)

    paints = await asyncio.gather(*(come_back() for _ in range(200)))
    assert len(paints) == 200
    assert hub.painted <= 4, "each panel once, and once more for those who came while it was being painted"
    await becomes(lambda: not hub.screens)


async def test_after_a_reconnect_everything_comes_anew_even_if_nothing_changed(
    address: str, projector: Projector
) -> None:
    projector.post(a=5)
    async with opened(address) as screen:
        await screen.hello("one")
        first = await screen.shows("one", [5, "d", "zh", ""])
    async with opened(address) as screen:
        await screen.hello("one", epoch=first["epoch"], offset=first["panels"]["one"]["offset"])
        again = await screen.shows("one", [5, "d", "zh", ""])
    assert again["panels"] == first["panels"]
    assert again["epoch"] == first["epoch"]


async def test_a_new_projector_counts_even_if_its_offsets_are_lower(address: str, projector: Projector) -> None:
    for n in range(1, 6):
        projector.post(a=n)
    async with opened(address) as screen:
        await screen.hello("one")
        # The pulse may have been posted before anybody listened: the views themselves say whose they are.
        assert (await screen.shows("one", [5, "d", "zh", ""]))["epoch"] == "e1"
        projector.epoch, projector.offset = "e2", 1
        projector.post(a=77)
        paint = await screen.shows("one", [77, "d", "zh", ""])
        assert (paint["epoch"], paint["panels"]["one"]["offset"]) == ("e2", 2)


async def poll(client: httpx.AsyncClient, **more: Any) -> list[dict[str, Any]]:
    hello = {"t": "hello", "screen": "p", "panels": ["one"], "place": "d", "lang": "zh", "size": "normal", "seen": 0}
    answer = await client.post("/live/poll", json={**hello, **more})
    assert answer.status_code == 200
    frames: list[dict[str, Any]] = answer.json()["frames"]
    return frames


async def polled(client: httpx.AsyncClient, want: list[Any], **more: Any) -> dict[str, Any]:
    """The first paint by polls whose panel shows ``want``."""
    seen = 0
    async with asyncio.timeout(8):
        while True:
            for frame in await poll(client, seen=seen, **more):
                if frame["t"] == "paint":
                    seen = frame["n"]
                    if frame["panels"]["one"]["props"] == {"one.children": want}:
                        return frame


async def test_by_polls_the_same_comes(address: str, hub: Hub, links: Links, projector: Projector) -> None:
    projector.post(a=5)
    async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=30) as client:
        async with opened(address) as screen:
            await screen.hello("one")
            by_link = await screen.shows("one", [5, "d", "zh", ""])
            by_poll = await polled(client, [5, "d", "zh", ""])
            assert by_poll["panels"] == by_link["panels"]
            asking = asyncio.create_task(polled(client, [6, "d", "zh", ""]))
            await asyncio.sleep(0.1)
            projector.post(a=6)
            by_link = await screen.shows("one", [6, "d", "zh", ""])
            assert (await asking)["panels"] == by_link["panels"]
        await polled(client, [6, "d", "en", ""], lang="en")
        await becomes(lambda: not hub.screens, 4 * HOLD + 5)  # Who polls no more is forgotten.
        assert not links.polls


async def test_a_poll_is_held_until_there_is_something_to_say(address: str, projector: Projector) -> None:
    projector.post(a=5)
    async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=30) as client:
        for place in ("d", "nowhere"):  # An unknown place is no reason to answer at once for ever.
            paint = await polled(client, [5, "d", "zh", ""], place=place, screen=place)
            began, polls = monotonic(), 0
            while monotonic() - began < 2.2:
                await poll(client, place=place, screen=place, seen=paint["n"])
                polls += 1
            assert polls <= 3, "a beat every two seconds, and no more"
        assert (await client.post("/live/poll", content=b"no json")).status_code == 400
        assert (await client.post("/live/poll", content=b"\xff" * 40_000)).status_code == 400


async def test_an_answer_to_a_poll_that_was_lost_comes_again(address: str, projector: Projector) -> None:
    projector.post(a=5)
    async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=30) as client:
        await polled(client, [5, "d", "zh", ""])  # As if it had never arrived: nothing of it is said to be seen.
        again = await polled(client, [5, "d", "zh", ""])
        assert again["panels"]["one"]["offset"] == 1


async def test_only_the_latest_poll_of_a_screen_is_held(address: str, projector: Projector) -> None:
    """Those of connections long gone must not take what is meant for the living one."""
    projector.post(a=5)
    async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=30) as client:
        seen = (await polled(client, [5, "d", "zh", ""]))["n"]
        await poll(client, seen=seen)  # The next beat is two seconds away.
        old = [asyncio.create_task(poll(client, seen=seen)) for _ in range(5)]
        await asyncio.sleep(0.2)
        latest = asyncio.create_task(poll(client, seen=seen))
        await asyncio.sleep(0.2)
        assert [task.done() and task.result() for task in old] == [[]] * 5
        projector.post(a=6)
        assert (await latest)[-1]["panels"]["one"]["props"] == {"one.children": [6, "d", "zh", ""]}
