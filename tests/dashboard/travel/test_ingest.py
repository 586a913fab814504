"""Posts, from the web's door through the feeds' process to its disk: taken once, or refused with a named reason."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn

from dashboard.city import City
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.screens.web import make_app
from dashboard.sources.feed import bind
from dashboard.travel.feeder import Feeder
from dashboard.travel.ingest import door, routes
from dashboard.travel.roles import House
from dashboard.travel.spool import Spool
from tests.hall import served
from tests.town import town

BATCH = {"content-type": "application/cloudevents-batch+json"}
ONE = {"content-type": "application/cloudevents+json"}
LIMIT = 20_000  # Bytes of a post to the feed `post`.
PATIENCE = 1.0  # Seconds within which a body must be here.


def report(name: str, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"{name}-r", "source": "test", "type": "ticket.reported", "subject": name,
        "time": "2026-02-28T08:00:00Z", "data": {"title": "灯不亮", "category": "路灯", "place": "A"}, **more,
    }  # fmt: skip


@dataclass
class Doors:
    """Both doors of a town, and the feeds' process behind them, which can be stopped and started."""

    city: City
    house: House
    socket: Path
    client: httpx.AsyncClient
    feeder: Feeder | None = None
    work: list[asyncio.Task[None]] = field(default_factory=list)
    server: uvicorn.Server | None = None

    async def open(self) -> None:
        """Start the feeds' side."""
        self.feeder = Feeder(self.house)
        config = uvicorn.Config(door(self.feeder), uds=str(self.socket), log_config=None, lifespan="off")
        self.server = uvicorn.Server(config)
        self.work = [asyncio.create_task(self.feeder.run()), asyncio.create_task(self.server.serve())]
        while not self.server.started:  # noqa: ASYNC110 - uvicorn has no event for it.
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        """Stop the feeds' side."""
        if self.feeder is None or self.server is None:
            return
        self.work[0].cancel()
        self.server.should_exit = True
        await asyncio.gather(*self.work, return_exceptions=True)
        self.feeder.close()
        self.feeder = None

    async def post(self, body: object, headers: dict[str, str] = BATCH, feed: str = "post") -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(f"/ingest/{feed}", content=content, headers=headers)

    @property
    def spool(self) -> Spool:
        """The disk of the feed ``post``."""
        assert self.feeder is not None
        return self.feeder.runners["post"].outlet.spool


@pytest_asyncio.fixture
async def doors(tmp_path: Path, redis_url: str) -> AsyncIterator[Doors]:
    token = tmp_path / "token"
    token.write_text("s3cret\n", encoding="utf-8")
    city = town(
        tmp_path,
        {"kind": "clock", "name": "clock"},
        {"kind": "cloudevents", "name": "post", "max_bytes": LIMIT},
        {"kind": "cloudevents", "name": "locked", "token_file": "token"},
    )
    socket = Path(redis_url.removeprefix("unix://")).parent / "test-feeds.sock"
    places = read_places(city)
    bound = {feed.name: feed for feed in bind(city)}
    web = make_app(
        city, places, Gazetteer.of(city, places), routes=routes(bound, socket, city.folder, PATIENCE, 3 * PATIENCE),
        body_limits={"/ingest/": sys.maxsize},
    )  # fmt: skip
    async with served(web) as address, httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
        made = Doors(city, House(city, tmp_path, redis_url, f"sqlite:///{tmp_path / 'history.db'}"), socket, client)
        await made.open()
        yield made
        await made.close()


async def test_what_is_taken_is_counted_and_is_on_disk(doors: Doors) -> None:
    answer = await doors.post([report("1"), report("2"), report("1"), report("3", type="ticket.lost")])
    assert answer.status_code == 202
    said = answer.json()
    assert (said["received"], said["stored"], said["duplicate"], said["dead"]) == (4, 2, 1, 1)
    assert said["rejected"] == [
        {"reason": "unknown_type", "where": "3-r", "detail": said["rejected"][0]["detail"]},
    ]
    assert "ticket.lost" in said["rejected"][0]["detail"]
    assert doors.spool.counters.stored == 2
    assert (await doors.post(report("9"), ONE)).json()["stored"] == 1
    headers = {"content-type": "application/json", "ce-specversion": "1.0"}
    headers |= {f"ce-{key}": value for key, value in report("10").items() if key not in ("data", "specversion")}
    assert (await doors.post(report("10")["data"], headers)).json()["stored"] == 1


async def test_the_same_post_fifty_times_at_once_is_stored_once(doors: Doors) -> None:
    answers = await asyncio.gather(*(doors.post([report("1")]) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert Counter((a.json()["stored"], a.json()["duplicate"]) for a in answers) == {(1, 0): 1, (0, 1): 49}
    counters = doors.spool.counters
    assert (counters.received, counters.stored, counters.duplicate, counters.dead) == (50, 1, 49, 0)


async def test_what_is_nonsense_as_a_whole_is_refused_and_kept_as_a_letter(doors: Doors) -> None:
    for body, headers, reason in (
        (b"<html>log in</html>", BATCH, "not_json"),
        (b"[" * 10_000, BATCH, "not_json"),
        (b'[{"a": NaN}]', BATCH, "not_json"),
        (b"{}", {"content-type": "text/csv"}, "wrong_content_type"),
        (json.dumps([report("1")]).encode("gb18030"), {**BATCH, "content-encoding": "gzip"}, "wrong_content_type"),
        (report("1", specversion="2.0"), ONE, "unknown_version"),
    ):
        answer = await doors.post(body, headers)
        assert (answer.status_code, answer.json()["rejected"][0]["reason"]) == (400, reason)
    counters = doors.spool.counters
    assert (counters.received, counters.dead, counters.stored) == (6, 6, 0)


async def test_what_is_too_large_is_refused_before_it_is_read_and_kept_by_its_beginning(doors: Doors) -> None:
    answer = await doors.post(b'[{"first": "' + b"x" * LIMIT + b'"}]')
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(2000):
            yield b"y" * 50_000

    try:  # A body without a length, of 100 MB: the answer may come while it is still being sent.
        answer = await doors.client.post("/ingest/post", content=endless(), headers=BATCH)
        assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")
    except httpx.WriteError:
        pass
    assert doors.spool.reasons() == {"too_large": 2}
    letters = list(doors.spool.letters(10))
    assert letters[-1].raw.startswith('[{"first": "xxx')
    assert all(len(letter.raw) <= 5000 for letter in letters)
    assert (await doors.post([report("1")])).json()["stored"] == 1


async def test_the_token_is_asked_for_and_may_be_changed_while_running(doors: Doors, tmp_path: Path) -> None:
    body = [report("1")]
    for given in ({}, {"authorization": "Bearer wrong"}, {"authorization": "s3cret"}, {"authorization": "Bearer"}):
        answer = await doors.post(body, {**BATCH, **given}, "locked")
        assert (answer.status_code, answer.json()["reason"]) == (401, "not_allowed")
    assert (await doors.post(body, {**BATCH, "authorization": "Bearer s3cret"}, "locked")).status_code == 202
    (tmp_path / "token").write_text("another", encoding="utf-8")
    assert (await doors.post(body, {**BATCH, "authorization": "Bearer s3cret"}, "locked")).status_code == 401
    assert (await doors.post(body, {**BATCH, "authorization": "Bearer another"}, "locked")).status_code == 202
    for nothing in ("", "  \n"):
        (tmp_path / "token").write_text(nothing, encoding="utf-8")
        assert (await doors.post(body, {**BATCH, "authorization": "Bearer"}, "locked")).status_code == 401


@pytest.mark.parametrize("feed", ["clock", "nowhere", "_house", "..%2fpost", "post/more", ""])
async def test_only_feeds_that_are_posted_to_take_posts(doors: Doors, feed: str) -> None:
    assert (await doors.post([report("1")], feed=feed)).status_code in (404, 405)
    assert (await doors.client.get("/ingest/post")).status_code == 405


async def test_while_the_feeds_are_down_senders_are_told_to_come_again(doors: Doors) -> None:
    await doors.close()
    answer = await doors.post([report("1")])
    assert (answer.status_code, answer.json()["reason"]) == (503, "feeds_down")
    assert int(answer.headers["retry-after"]) > 0
    await doors.open()
    answer = await doors.post([report("1")])
    assert (answer.status_code, answer.json()["stored"]) == (202, 1)


async def test_a_disk_that_takes_nothing_is_said_and_nothing_is_counted(doors: Doors) -> None:
    database = doors.spool._db
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    answer = await doors.post([report(str(n)) for n in range(60)])
    assert (answer.status_code, answer.json()["reason"]) == (503, "disk")
    assert int(answer.headers["retry-after"]) > 0
    assert doors.spool.counters.received == 0
    database.execute("PRAGMA max_page_count = 1000000")
    answer = await doors.post([report(str(n)) for n in range(60)])
    assert (answer.status_code, answer.json()["stored"]) == (202, 60)


@asynccontextmanager
async def dripping(doors: Doors, length: int = 1000) -> AsyncIterator[asyncio.StreamReader]:
    """A sender that announces a body and sends one byte of it now and then."""
    url = doors.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST /ingest/post HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: {length}\r\n"
    writer.write(f"{head}Content-Type: {BATCH['content-type']}\r\n\r\n[".encode())

    async def drip() -> None:
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.1)

    task = asyncio.create_task(drip())
    yield reader
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    writer.close()


async def test_a_body_that_drips_is_given_up_and_holds_nobody_up(doors: Doors) -> None:
    async with dripping(doors) as reader:
        assert (await doors.post([report("1")])).status_code == 202
        async with asyncio.timeout(PATIENCE + 2):
            assert b" 408 " in await reader.readline()
    assert doors.spool.counters.received == 1
