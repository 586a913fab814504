"""Open311: recorded replies served over HTTP, and every recorded reply read or refused by a named reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.board import CODEC
from dashboard.doors.feedtry import attempt
from dashboard.nouns.ticketevents import TicketAmended
from dashboard.nouns.tickets import TicketClosed, TicketReported
from dashboard.sources.feed import BoundFeed, Context, Delivery, Rejected, SourceFailed, SourceNonsense, bind
from dashboard.sources.fetch import Reply
from dashboard.travel.spool import Spool
from feeds.open311 import Page
from tests.source import Asked, reply, source
from tests.town import DATA, NOW, at, context, deliveries, parsed, reasons, town

FOLDER = DATA / "open311"
# What becomes of each recorded reply: how many tickets, or the reason for which it is refused.
RECORDED: dict[str, int | str] = {
    "cfa_403.xml": "not_json",  # Recorded with its HTTP head; over HTTP it is a 403.
    "cfa_get_service_request.xml": 1,
    "cfa_get_service_request_not_found.xml": "source_error",
    "cfa_post_service_request.xml": "no_reported_time",
    "cfa_request_id_from_token.xml": "no_reported_time",
    "cfa_service_definition.xml": "no_requests",
    "cfa_service_requests.xml": 2,
    "cfa_service_requests_empty.xml": 0,
    "cfa_services.xml": "no_requests",
    "chicago_requests_extensions.json": 50,
    "mysociety_services.json": "no_requests",
    "service_list.json": "no_requests",
    "service_requests.json": 2,
    "services_giessen.xml": "no_requests",
}


def feed(url: str = "http://311.example/v2", **more: Any) -> dict[str, Any]:
    return {"kind": "open311", "name": "requests", "url": url, "interval": 0.01, "days": 3660, **more}


def bound(folder: Path, **more: Any) -> tuple[BoundFeed, Context]:
    city = town(folder, feed(**more))
    return bind(city)[0], context(city)


def read(folder: Path, body: bytes | list[Any], **more: Any) -> tuple[list[Any], list[Rejected]]:
    found, ctx = bound(folder, **more)
    return parsed(found, ctx, [Delivery(Reply(body if isinstance(body, bytes) else json.dumps(body).encode()))])


def request(**more: Any) -> dict[str, Any]:
    good = {
        "service_request_id": "7", "status": "open", "service_name": "路灯", "description": "灯不亮",
        "agency_responsible": "城管", "requested_datetime": "2026-02-01T08:00:00+08:00",
        "updated_datetime": "2026-02-01T20:00:00+08:00", "expected_datetime": "2026-02-02T08:00:00+08:00",
        "lat": 23.05, "long": 113.05,
    }  # fmt: skip
    return {name: value for name, value in (good | more).items() if value is not None}


@pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recorded replies are not beside the project (../shared/data/open311)"
)
def test_every_recorded_reply_is_known_here() -> None:
    assert {file.name for file in FOLDER.iterdir()} == set(RECORDED)


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_reply_is_read_or_refused_by_name(tmp_path: Path, name: str) -> None:
    if not (FOLDER / name).exists():
        pytest.skip("the recorded replies are not beside the project (../shared/data/open311)")
    expected, body = RECORDED[name], (FOLDER / name).read_bytes()
    if isinstance(expected, int):
        events, rejected = read(tmp_path, body)
        assert reasons(rejected) == []
        assert len([event for event in events if isinstance(event, TicketReported)]) == expected
    else:
        try:
            found = reasons(read(tmp_path, body)[1])
        except SourceNonsense as nonsense:
            found = [nonsense.reason]
        assert found == [expected]


def test_chicago_s_requests_agree_with_their_own_log(tmp_path: Path) -> None:
    file = FOLDER / "chicago_requests_extensions.json"
    if not file.exists():
        pytest.skip(f"the recorded reply is not beside the project ({file})")
    events, _ = read(tmp_path, file.read_bytes(), place="extended_attributes.ward", place_by=["name"])
    requests = {one["service_request_id"]: one for one in json.loads(file.read_text("utf-8"))}
    closings = {event.subject: event for event in events if isinstance(event, TicketClosed)}
    assert set(closings) == {number for number, one in requests.items() if one["status"] == "closed"}
    for number, closing in closings.items():
        (told,) = [note["datetime"] for note in requests[number]["notes"] if note["type"] == "closed"]
        assert closing.time.isoformat() == context_utc(told)
    first = next(event for event in events if event.subject == "14-00684314")
    assert (first.category, first.unit, first.channel) == (
        "Pothole in Street", "Division of In-House Construction CDOT", "phone",
    )  # fmt: skip
    assert first.point == (-87.6536401592609, 41.74685764200721)
    assert first.flaw == "unknown_place"


def context_utc(text: str) -> str:
    from datetime import UTC, datetime

    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


def test_the_specification_s_example_in_xml(tmp_path: Path) -> None:
    file = FOLDER / "cfa_service_requests.xml"
    if not file.exists():
        pytest.skip(f"the recorded reply is not beside the project ({file})")
    events, _ = read(tmp_path, file.read_bytes())
    assert [(type(event), event.subject) for event in events] == [
        (TicketReported, "638344"), (TicketClosed, "638344"), (TicketReported, "638349"),
    ]  # fmt: skip
    assert events[0].time.isoformat() == "2010-04-14T14:37:38+00:00"
    assert events[0].due.isoformat() == "2010-04-15T14:37:38+00:00"
    assert events[0].title == "Sidewalk and Curb Issues"


def test_a_request_becomes_a_ticket(tmp_path: Path) -> None:
    events, rejected = read(tmp_path, [request(), request(service_request_id=8, status="Closed", zipcode="B", lat=None,
                                                          long=None)])  # fmt: skip
    assert rejected == []
    assert [event.id for event in events] == ["7:reported", "8:reported", "8:closed"]
    assert (events[0].place, events[0].title, events[0].unit) == ("A", "灯不亮", "城管")
    assert events[1].place == "B"
    assert events[2].time.isoformat() == "2026-02-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("changed", "refused", "noted"),
    [
        ({"status": "acknowledged"}, [], ["unknown_status"]),
        ({"status": None}, [], ["unknown_status"]),
        ({"status": "closed", "updated_datetime": None}, [], ["no_closing_time"]),
        ({"status": "closed", "updated_datetime": "2026-01-01T00:00:00Z"}, ["closed_before_reported"], []),
        ({"requested_datetime": "0000-01-01T00:00:00Z"}, ["impossible_date"], []),
        ({"requested_datetime": "9999-01-01T00:00:00Z"}, ["impossible_date"], []),
        ({"requested_datetime": None}, ["no_reported_time"], []),
        ({"service_request_id": None}, ["no_number"], []),
        ({"service_request_id": None, "token": "t"}, ["not_filed_yet"], []),
        ({"service_request_id": "1.1E+17"}, ["bad_number"], []),
        ({"service_request_id": "a\x00"}, ["bad_number"], []),
        ({"lat": 113.05, "long": 23.05}, [], ["swapped_point"]),
        ({"lat": 0, "long": 0}, [], ["zero_point"]),
        ({"lat": "north", "long": 0}, [], ["bad_coordinates"]),
        ({"description": "x" * 200_000}, [], ["title_too_long"]),
        ({"description": "\ud800"}, [], []),
        ({"notes": [{"type": "closed"}, 7]}, [], []),
        ({"service_name": {"a": 1}, "description": ["x"]}, [], []),
    ],
)
def test_what_is_flawed(tmp_path: Path, changed: dict[str, Any], refused: list[str], noted: list[str]) -> None:
    beside = request(service_request_id="beside")
    events, rejected = read(tmp_path, [request(**changed), beside])
    assert events[-1].subject == "beside"
    assert (reasons(rejected), reasons(rejected, kept=True)) == (refused, noted)


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        (
            b'[{"code": 400, "description": "jurisdiction_id was not provided"}]',
            "source_error",
            "jurisdiction_id was not",
        ),
        (b"<errors><error><code>1</code><description>no</description></error></errors>", "source_error", "says: no"),
        (b"<error>Invalid api_key</error>", "source_error", "Invalid api_key"),
        (b'{"a": 1}', "no_requests", "has 'a' and no service_requests"),
        (b"7", "no_requests", "is a int"),
        (b'[{"id": 7}]', "no_requests", "its records have 'id' and no service_request_id"),
        (b"[7]", "wrong_type", ""),
    ],
)
def test_replies_of_another_kind(tmp_path: Path, body: bytes, reason: str, detail: str) -> None:
    try:
        rejected = read(tmp_path, body)[1]
    except SourceNonsense as nonsense:
        rejected = [Rejected(nonsense.reason, "", "", nonsense.detail)]
    assert reasons(rejected) == [reason]
    assert detail in rejected[0].detail


# -- over HTTP -------------------------------------------------------------------------------------------------


class Server:
    """A GeoReport server with pages and ``updated_after``."""

    def __init__(self, requests: list[dict[str, Any]], *, pages: bool = True) -> None:
        self.requests, self.pages = requests, pages

    def __call__(self, asked: Asked) -> bytes:
        size, page = int(asked.query["page_size"]), int(asked.query["page"])
        after = asked.query.get("updated_after", "")
        found = [one for one in self.requests if one["updated_datetime"] >= after]
        return reply(json.dumps(found[(page - 1) * size : page * size] if self.pages else found))


@pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recorded replies are not beside the project (../shared/data/open311)"
)
async def test_the_recorded_requests_come_over_http_page_by_page(tmp_path: Path) -> None:
    requests = json.loads((FOLDER / "chicago_requests_extensions.json").read_text("utf-8"))
    async with source(Server(requests)) as served:
        city = town(tmp_path, feed(f"{served.url}/dev/v2/", page_size=20, jurisdiction="chicago", days=3000))
        (found,), ctx = bind(city), context(city)
        given = await deliveries(found, ctx, 5)
    events, rejected = parsed(found, ctx, given)
    assert reasons(rejected) == []
    assert len(events) == 50 + 49
    assert [asked.query["page"] for asked in served.asked] == ["1", "2", "3", "4"]
    assert {asked.path for asked in served.asked} == {"/dev/v2/requests.json"}
    assert served.asked[0].query["jurisdiction_id"] == "chicago"
    assert served.asked[0].query["start_date"] == (NOW - timedelta(days=3000)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def passes_of(answer: Any, folder: Path, count: int, before: Callable[[int], None]) -> list[list[str]]:
    """What so many passes over all pages tell; ``before`` is called with the number of each pass after the first."""
    async with source(answer) as served:
        city = town(folder, feed(served.url, page_size=1))
        (found,), ctx = bind(city), context(city)
        passes: list[list[str]] = [[]]
        async with asyncio.timeout(20), aclosing(cast(Any, found.feed.open)(found.settings, ctx)) as stream:
            async for delivery in stream:
                passes[-1] += [event.id for event in parsed(found, ctx, [delivery])[0]]
                if delivery.cursor is not None:
                    if len(passes) == count:
                        break
                    passes.append([])
                    before(len(passes))
    return passes


@pytest.mark.parametrize("pages", [True, False])
async def test_what_is_known_goes_no_further(tmp_path: Path, pages: bool) -> None:
    server = Server([request(), request(service_request_id="8")], pages=pages)

    def before(number: int) -> None:
        if number == 3:
            server.requests[1] = request(service_request_id="8", status="closed")

    passes = await passes_of(server, tmp_path, 3, before)
    assert passes == [["7:reported", "8:reported"], [], ["8:reported", "8:closed"]]


async def test_a_server_that_can_is_asked_for_what_has_changed(tmp_path: Path) -> None:
    async with source(Server([request(), request(service_request_id="8")])) as served:
        city = town(tmp_path, feed(served.url, updated_after="updated_after"))
        (found,), ctx = bind(city), context(city)
        given = await deliveries(found, ctx, 3)
        cursor = next(delivery.cursor for delivery in given if delivery.cursor is not None)
        before = len(served.asked)
        await deliveries(found, at(ctx, NOW, cursor), 1)
    assert "updated_after" not in served.asked[0].query
    assert served.asked[before].query["updated_after"] == "2026-02-01T11:59:00Z"
    assert "start_date" not in served.asked[before].query


UPDATED = {"updated_after": "updated_after"}


async def given_cursor(folder: Path, answer: Any, cursor: str | None = None, **more: Any) -> tuple[str, list[Asked]]:
    """The cursor after one reading of all pages, and what the server was asked."""
    async with source(answer) as served:
        city = town(folder, feed(served.url, **UPDATED, **more))
        (found,) = bind(city)
        async with (
            asyncio.timeout(20),
            aclosing(cast(Any, found.feed.open)(found.settings, at(context(city), NOW, cursor))) as stream,
        ):
            async for delivery in stream:
                if delivery.cursor is not None:
                    return delivery.cursor, served.asked
    raise AssertionError("it ended")


async def test_an_update_ahead_of_the_clock_does_not_hide_those_that_follow(tmp_path: Path) -> None:
    soon, far = (f"{NOW + timedelta(minutes=ahead):%Y-%m-%dT%H:%M:%SZ}" for ahead in (9, 11))
    server = Server([request(updated_datetime=soon), request(service_request_id="8", updated_datetime=far)])
    cursor, _ = await given_cursor(tmp_path, server)
    assert json.loads(cursor) == {"updated": (NOW + timedelta(minutes=9)).timestamp()}


async def test_a_cursor_of_old_that_is_ahead_of_the_clock_is_dropped(tmp_path: Path) -> None:
    held = json.dumps({"updated": (NOW + timedelta(days=3000)).timestamp()})
    cursor, asked = await given_cursor(tmp_path, Server([request()]), held)
    assert "updated_after" not in asked[0].query
    assert "start_date" in asked[0].query
    assert json.loads(cursor)["updated"] < NOW.timestamp()


@pytest.mark.parametrize("why", ["endless", "nonsense"])
async def test_the_cursor_stays_where_not_all_pages_were_read(tmp_path: Path, why: str) -> None:
    server = Server([request(), request(service_request_id="8", updated_datetime="2026-01-01T00:00:00Z")])

    def answer(asked: Asked) -> bytes:
        return reply("[{}]") if why == "nonsense" and asked.query["page"] == "2" else server(asked)

    more: dict[str, Any] = {"page_size": 1, "pages": 1 if why == "endless" else 5}
    assert json.loads((await given_cursor(tmp_path, answer, **more))[0]) == {}
    held = json.dumps({"updated": (NOW - timedelta(days=300)).timestamp()})
    assert json.loads((await given_cursor(tmp_path, answer, held, **more))[0]) == json.loads(held)


async def test_pages_are_read_on_though_the_first_has_not_changed(tmp_path: Path) -> None:
    """Oldest first, with ETags: what is new stands on the last page, and the first is the same for ever."""
    server = Server([request(), request(service_request_id="8")])

    def answer(asked: Asked) -> bytes:
        whole = server(asked)
        tag = f'"{blake2b(whole, digest_size=8).hexdigest()}"'
        if asked.headers.get("if-none-match") == tag:
            return reply(status=304, etag=tag)
        return reply(whole.partition(b"\r\n\r\n")[2], etag=tag)

    passes = await passes_of(answer, tmp_path, 2, lambda _: server.requests.append(request(service_request_id="9")))
    assert passes == [["7:reported", "8:reported"], ["9:reported"]]


async def test_a_refusal_is_said_in_the_server_s_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = reply("<error>Invalid api_key received -- can't proceed</error>", 403, content_type="text/xml")
    async with source(answer) as served:
        city = town(tmp_path, feed(served.url))
        (found,), ctx = bind(city), context(city)
        with pytest.raises(SourceFailed, match=r"it refuses us; check auth .it says: Invalid api_key received"):
            await deliveries(found, ctx, 1)
        assert await attempt(city, "requests", 5) == 1
    assert capsys.readouterr().err.count("\n") == 1


async def test_try_prints_tickets_with_their_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with source(Server([request()])) as served:
        assert await attempt(town(tmp_path, feed(served.url)), "requests", 5) == 0
    assert "ticket.reported subject=7 title=灯不亮 category=路灯 unit=城管 place=A(甲)" in capsys.readouterr().out


def test_a_request_in_other_words_is_put_right_and_no_other_request(tmp_path: Path) -> None:
    """However often the feed is opened anew and reads it again."""
    found, ctx = bound(tmp_path)
    spool = Spool(tmp_path / "feed.db", durable=False)
    for title, stored in (("灯不亮", 1), ("灯不亮", 0), ("路灯不亮", 1), ("路灯不亮", 0)):
        page = Page([request(description=title, status="open")])
        events = [one for one in found.feed.parse(page, found.settings, ctx) if not isinstance(one, Rejected)]
        assert spool.put(events).stored == stored
    assert spool.reasons() == {}
    _, amended = [event for batch in spool.batches(0, 10) for event in CODEC.unpack(batch.packed)]
    assert isinstance(amended, TicketAmended)
    assert (amended.subject, amended.title) == (events[0].subject, "路灯不亮")
    spool.close()


def test_a_page_is_shown_without_phone_numbers() -> None:
    assert "13800138000" not in str(Page([request(description="电话13800138000")]))
