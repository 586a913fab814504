"""A WebSocket upstream against a real server: gaps, resumes, silence, repetition, and what is refused."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from websockets.asyncio.server import ServerConnection, serve

from dashboard.city import CityError
from dashboard.sources.feed import SourceFailed, bind
from feeds.websocket import Push, Sequence, Settings, parse
from tests.hall import served
from tests.servers import free_port
from tests.station import Station, soon
from tests.town import NOW, context, deliveries, town

RAIN = {"quantity": "rain", "unit": "mm", "value": "mm", "sensor": "station", "time": "at", "place": "town"}


def feed(url: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "websocket", "name": "rain", "url": url, "records": "data", "sequence": "seq", "interval": 2.0,
        "resume_wait": 0.3, "readings": [RAIN], **more,
    }  # fmt: skip


def record(number: int, **more: Any) -> dict[str, Any]:
    at = NOW - timedelta(minutes=number)
    return {"station": f"s{number}", "mm": 0.5, "at": at.isoformat(), "town": "A", **more}


def message(number: int, **more: Any) -> str:
    return json.dumps({"seq": number, "data": [record(number)], **more})


def read(folder: Path, *bodies: str | bytes, **more: Any) -> tuple[list[Any], list[str]]:
    city = town(folder, feed("ws://127.0.0.1:1", **more))
    (bound,), ctx = bind(city), context(city)
    found = list(parse([Push(body) for body in bodies], cast(Settings, bound.settings), ctx))
    events = [item for item in found if hasattr(item, "value")]
    return events, [item.reason for item in found if hasattr(item, "reason")]


def test_a_message_is_read_as_readings(tmp_path: Path) -> None:
    (event,), refused = read(tmp_path, message(3))
    assert (event.subject, event.value, event.unit, event.place, refused) == ("s3", 0.5, "mm", "A", [])


def test_a_message_is_read_as_tickets(tmp_path: Path) -> None:
    columns = {"number": "no", "reported": "at", "title": "what", "place_code": "town"}
    body = json.dumps({"data": [{"no": 7, "at": "2026-02-01 08:00", "what": "井盖 13800138000", "town": "A"}]})
    city = town(tmp_path, {**feed("ws://127.0.0.1:1", columns=columns), "readings": []})
    (bound,), ctx = bind(city), context(city)
    (event,) = list(parse([Push(body)], cast(Settings, bound.settings), ctx))
    assert (cast(Any, event).subject, cast(Any, event).title, cast(Any, event).place) == ("7", "井盖 138******00", "A")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x00\x01", "binary"), ("<html>log in</html>", "not_json"), ('{"seq": 4}', "missing_field"),
        ('{"data": [1]}', "wrong_type"), ('{"data": NaN}', "not_finite"), ("[" * 10_000 + "]" * 10_000, "too_deep"),
        (message(4, data=[record(4, mm="lots")]), "bad_number"),
        (message(4, data=[record(4, mm=-1)]), "impossible_value"),
    ],
)  # fmt: skip
def test_a_bad_message_is_refused_by_name(tmp_path: Path, body: str | bytes, reason: str) -> None:
    events, refused = read(tmp_path, message(1), body, message(2))
    assert (len(events), refused) == (2, [reason])


def test_a_heartbeat_is_no_record(tmp_path: Path) -> None:
    assert read(tmp_path, '{"type": "heartbeat"}', heartbeat="type == 'heartbeat'") == ([], [])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "http://x"}, "is no WebSocket"),
        ({"sequence": None, "resume_message": "x"}, "sequence is missing"),
        ({"readings": []}, "say what the rows are"),
        ({"resume_message": "x", "resume_url": "http://x"}, "name either"),
    ],
)
def test_settings_that_cannot_work_say_why(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(CityError, match=said):
        bind(town(tmp_path, {**feed("ws://127.0.0.1:1"), **wrong}))


def test_numbers_that_go_far_back_begin_anew() -> None:
    numbers = Sequence()
    for number in (7, 8, 10, 9, 8, 12):
        numbers.take(number)
    assert (numbers.upto, numbers.gap) == (10, (10, 12))
    numbers.take(1)
    assert (numbers.upto, numbers.gap) == (1, None)


# -- against a real server -------------------------------------------------------------------------------------

Upstream = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def upstream(serves: Upstream, **more: Any) -> AsyncIterator[str]:
    port = free_port()
    async with serve(serves, "127.0.0.1", port, **more):
        yield f"ws://127.0.0.1:{port}/feed"


def station(url: str, folder: Path, **more: Any) -> Station:
    return Station(town(folder, feed(url, **more)), folder, now=lambda: NOW)


def numbers_of(at_work: Station) -> list[int]:
    return sorted(int(event.subject[1:]) for event in at_work.events())


async def test_a_gap_is_asked_for_by_message_and_filled(tmp_path: Path) -> None:
    asked: list[str] = []

    async def serves(socket: ServerConnection) -> None:
        for number in (1, 2, 5, 6):
            await socket.send(message(number))
        async for text in socket:
            asked.append(str(text))
            after, to = json.loads(text)["between"]
            for number in range(after + 1, to):
                await socket.send(message(number))

    resume = '{"between": [{after}, {to}]}'
    async with upstream(serves) as url, station(url, tmp_path, resume_message=resume).working() as at_work:
        await soon(lambda: numbers_of(at_work) == [1, 2, 3, 4, 5, 6])
        await soon(lambda: json.loads(at_work.spool.cursor or "{}").get("upto") == 6)
    assert asked == ['{"between": [2, 5]}']
    assert at_work.counted() == (6, 0, 0)


async def test_a_gap_is_fetched_from_a_resume_address(tmp_path: Path) -> None:
    async def serves(socket: ServerConnection) -> None:
        for number in (1, 4):
            await socket.send(message(number))
        await socket.wait_closed()

    async def since(request: Any) -> JSONResponse:
        after = int(request.path_params["after"])
        return JSONResponse([json.loads(message(number)) for number in range(after + 1, after + 4)])

    async with served(Starlette(routes=[Route("/since/{after}", since)])) as host, upstream(serves) as url:
        async with station(url, tmp_path, resume_url=f"http://{host}/since/{{after}}").working() as at_work:
            await soon(lambda: numbers_of(at_work) == [1, 2, 3, 4])
    assert at_work.counted() == (4, 1, 0)


async def test_what_never_comes_is_named_as_lost_once(tmp_path: Path) -> None:
    async def serves(socket: ServerConnection) -> None:
        for number in (1, 5):
            await socket.send(message(number))
        await socket.wait_closed()

    async with upstream(serves) as url:
        async with station(url, tmp_path, resume_message="more", interval=20).working() as at_work:
            await soon(lambda: at_work.spool.reasons() == {"gap": 1})
            await soon(lambda: json.loads(at_work.spool.cursor or "{}").get("upto") == 5)
    letter = next(at_work.spool.letters())
    assert letter.detail == "2–4 never came, though asked for 3 times"


async def test_after_a_restart_it_says_where_it_is(tmp_path: Path) -> None:
    hellos: list[str] = []

    async def serves(socket: ServerConnection) -> None:
        hellos.append(str(await socket.recv()))
        await socket.send(message(len(hellos)))
        await socket.close()

    async with upstream(serves) as url, station(url, tmp_path, hello="after {after}").working() as at_work:
        await soon(lambda: numbers_of(at_work)[:3] == [1, 2, 3], 20)
    assert hellos[:3] == ["after 0", "after 1", "after 2"]


async def fails(url: str, folder: Path, said: str, **more: Any) -> None:
    city = town(folder, feed(url, **more))
    (bound,), ctx = bind(city), context(city)
    with pytest.raises(SourceFailed, match=said):
        await asyncio.wait_for(deliveries(bound, ctx), 20)


async def test_pings_alone_are_no_news(tmp_path: Path) -> None:
    async def serves(socket: ServerConnection) -> None:
        while True:
            await socket.ping()
            await asyncio.sleep(0.05)

    async with upstream(serves) as url:
        await fails(url, tmp_path, "sends no message for 0.4 s, only signs of life", patience=0.4)


def ticking() -> Callable[[], Any]:
    """A clock that goes on by a tenth of a second whenever it is looked at."""
    city_now = [NOW]

    def tick() -> Any:
        city_now[0] += timedelta(seconds=0.1)
        return city_now[0]

    return tick


async def test_bursts_that_end_alike_are_not_standing_still(tmp_path: Path) -> None:
    """Each burst brings a record that is new and then one that is always the same; none of the new is lost."""
    bursts = 60

    async def serves(socket: ServerConnection) -> None:
        for number in range(2, 2 + bursts):
            await socket.send(message(2 * number, data=[record(number)]))
            await socket.send(message(2 * number + 1, data=[record(1)]))
            await asyncio.sleep(0.02)
        await socket.wait_closed()

    async with upstream(serves) as url:
        at_work = Station(town(tmp_path, feed(url, frozen_after=1.0)), tmp_path, now=ticking())
        async with at_work.working():
            await soon(lambda: len(set(numbers_of(at_work))) == 1 + bursts, 20, lambda: at_work.runner.error)
            assert at_work.runner.error == ""
            assert at_work.runner.restarts == 0


async def test_bursts_that_are_the_same_as_a_whole_are_standing_still(tmp_path: Path) -> None:
    async def serves(socket: ServerConnection) -> None:
        number = 0
        while True:
            for one in (1, 2):
                number += 1
                await socket.send(message(number, data=[record(one)]))
            await asyncio.sleep(0.02)

    async with upstream(serves) as url:
        at_work = Station(town(tmp_path, feed(url, frozen_after=1.0)), tmp_path, now=ticking())
        async with at_work.working():
            await soon(lambda: "has sent the same for 1 s" in at_work.runner.error, 20)
            assert set(numbers_of(at_work)) == {1, 2}


async def test_a_token_is_never_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not even where every library may say all it has to say."""
    caplog.set_level("DEBUG")
    (tmp_path / "token").write_text("s3cr3t")
    heard: list[str] = []

    async def serves(socket: ServerConnection) -> None:
        assert socket.request is not None
        heard.append(socket.request.headers["Authorization"])
        await socket.send(message(1))
        await socket.wait_closed()

    quiet = logging.getLogger("test.upstream")  # The server is another's, and says what it likes.
    quiet.propagate = False
    async with upstream(serves, logger=quiet) as url:
        auth = {"kind": "bearer", "secret_file": "token"}
        async with station(url, tmp_path, auth=auth).working() as at_work:
            await soon(lambda: at_work.counted() == (1, 0, 0))
    assert heard == ["Bearer s3cr3t"]
    assert "s3cr3t" not in caplog.text


async def test_the_same_snapshot_for_ever_is_a_source_that_stands_still(tmp_path: Path) -> None:
    async def serves(socket: ServerConnection) -> None:
        number = 0
        while True:
            number += 1
            await socket.send(message(number, data=[record(1)]))
            await asyncio.sleep(0.02)

    async with upstream(serves) as url:
        at_work = Station(town(tmp_path, feed(url, frozen_after=3.0)), tmp_path, now=ticking())
        async with at_work.working():
            await soon(lambda: "has sent the same for 3 s" in at_work.runner.error, 20)
            before = at_work.counted()
            restarts = at_work.runner.restarts
            await soon(lambda: at_work.runner.restarts > restarts, 20)
            assert at_work.counted() == before  # It stays failed, and is not taken for alive again.


async def test_a_huge_message_in_fragments_is_cut_off(tmp_path: Path) -> None:
    sent = 0

    async def serves(socket: ServerConnection) -> None:
        nonlocal sent

        async def pieces() -> AsyncIterator[str]:
            nonlocal sent
            for _ in range(1024):
                sent += 1 << 16
                yield "9" * (1 << 16)

        await socket.send(pieces())

    async with upstream(serves, compression=None) as url:
        await fails(url, tmp_path, "sends more than 100,000 bytes in one message", max_bytes=100_000)
    assert sent < 32 << 20


async def test_a_deflate_bomb_is_not_unpacked(tmp_path: Path) -> None:
    async def serves(socket: ServerConnection) -> None:
        await socket.send("0" * (64 << 20))

    async with upstream(serves, compression="deflate") as url:
        await fails(url, tmp_path, "sends more than 1,048,576 bytes in one message")


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    def elsewhere(socket: Any, request: Any) -> Any:
        answer = socket.respond(302, "elsewhere")
        answer.headers["Location"] = "ws://169.254.169.254/latest"
        return answer

    async def serves(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with upstream(serves, process_request=elsewhere) as url:
        await fails(url, tmp_path, "sends us elsewhere, which is not followed")


async def test_a_login_page_is_no_upstream(tmp_path: Path) -> None:
    def page(socket: Any, request: Any) -> Any:
        return socket.respond(200, "<html>log in</html>")

    async def serves(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with upstream(serves, process_request=page) as url:
        await fails(url, tmp_path, "answers 200 and not as a WebSocket; is this the right address")


async def test_binary_messages_are_refused_and_the_rest_passes(tmp_path: Path) -> None:
    async def serves(socket: ServerConnection) -> None:
        await socket.send(message(1))
        await socket.send(b"\x00\xff")
        await socket.send(message(2))
        await socket.wait_closed()

    async with upstream(serves) as url, station(url, tmp_path).working() as at_work:
        await soon(lambda: at_work.counted() == (2, 0, 1))
    assert at_work.spool.reasons() == {"binary": 1}
