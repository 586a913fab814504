"""CloudEvents posted to us: what is taken in each mode, and what is refused by which name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.masking import opaque
from dashboard.nouns.ticketevents import TICKET_EVENTS, TicketClosed, TicketEvent, TicketReported
from dashboard.sources.feed import Context, Post, Rejected, SourceNonsense, bind
from dashboard.travel.spool import Spool
from tests.town import NOW, context, reasons, town

STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCHED = {"content-type": "application/cloudevents-batch+json; charset=UTF-8"}
GBK = {"content-type": "application/cloudevents+json; charset=gbk"}
DATA = {"title": "灯不亮", "category": "路灯", "place": "A", "due": "2026-03-01T18:00:00+08:00"}


def event(**changed: object) -> dict[str, Any]:
    """A good event; None takes a field away."""
    good = {
        "specversion": "1.0", "id": "7:reported", "source": "hotline", "type": "ticket.reported",
        "time": "2026-03-01T11:00:00+08:00", "subject": "7", "data": DATA,
    }  # fmt: skip
    return {key: value for key, value in (good | changed).items() if value is not None}


@pytest.fixture
def ctx(tmp_path: Path) -> Context:
    return context(town(tmp_path, {"kind": "cloudevents", "name": "hotline"}))


def post(ctx: Context, body: object, headers: dict[str, str] = STRUCTURED) -> tuple[list[Any], list[Rejected]]:
    (bound,) = bind(ctx.city)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = list(bound.feed.parse(Post(headers, raw), bound.settings, ctx))
    events = [item for item in found if not isinstance(item, Rejected)]
    return events, [item for item in found if isinstance(item, Rejected)]


REPORT = TicketReported(
    id="7:reported", source="hotline", time=datetime(2026, 3, 1, 3, 0, tzinfo=UTC), subject="7", title="灯不亮",
    category="路灯", place="A", due=datetime(2026, 3, 1, 10, 0, tzinfo=UTC),
)  # fmt: skip


def test_one_event(ctx: Context) -> None:
    assert post(ctx, event()) == ([REPORT], [])


def test_a_batch(ctx: Context) -> None:
    closing = event(id="7:closed", type="ticket.closed", data={"verdict": "on_time"})
    events, rejected = post(ctx, [event(), closing], BATCHED)
    assert events == [
        REPORT, TicketClosed(id="7:closed", source="hotline", time=REPORT.time, subject="7", verdict="on_time"),
    ]  # fmt: skip
    assert rejected == []
    assert post(ctx, [], BATCHED) == ([], [])


def test_an_event_in_headers(ctx: Context) -> None:
    headers = {f"ce-{key}": str(value) for key, value in event(data=None).items()} | {
        "content-type": "application/json"
    }
    headers["ce-subject"] = "%37"
    assert post(ctx, DATA, headers) == ([REPORT], [])


def test_extension_attributes_are_left_aside(ctx: Context) -> None:
    assert post(ctx, event(traceparent="00-0af7", dataschema="urn:x"))[0] == [REPORT]


def test_a_list_of_cameras_is_masked_and_each_finds_its_place(ctx: Context) -> None:
    cameras = [
        {"id": "c1", "name": "球机 13812345678", "place": "A", "lon": 113.05, "lat": 23.05},
        {"id": "c2", "place": "nowhere", "lon": 113.15, "lat": 23.05}, {"id": "c3", "place": "Old Alpha"},
    ]  # fmt: skip
    told = event(type="camera.listed", subject="P", data={"cameras": cameras})
    (found,), _ = post(ctx, told)
    assert [camera.place for camera in found.cameras] == ["A", "B", "A"]
    assert "13812345678" not in str(found)


# -- refused as a whole --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"<html>log in</html>", STRUCTURED, "not_json"),
        (b"", STRUCTURED, "not_json"),
        (b'{"id": "7"', STRUCTURED, "not_json"),
        (b"\xc4\xe3\xba\xc3", STRUCTURED, "not_json"),
        (b'{"data": NaN}', STRUCTURED, "not_json"),
        (b'{"data": -Infinity}', STRUCTURED, "not_json"),
        (b'{"data": 1e400}', STRUCTURED, "not_json"),
        (b'{"data": ' + b"9" * 10_000 + b"}", STRUCTURED, "not_json"),
        (b'{"id": "7", "id": "8"}', STRUCTURED, "not_json"),
        (b"[" * 200_000, STRUCTURED, "not_json"),
        (b'{"a":' * 50_000, BATCHED, "not_json"),
        (b"{}", BATCHED, "not_json"),
        (json.dumps(event(specversion="0.3")).encode(), STRUCTURED, "unknown_version"),
        (json.dumps(event()).encode(), {"content-type": "text/plain"}, "wrong_content_type"),
        (json.dumps(event()).encode(), {"content-type": "application/json"}, "wrong_content_type"),
        (json.dumps(event()).encode(), {}, "wrong_content_type"),
        (json.dumps(event()).encode(), {**STRUCTURED, "content-encoding": "gzip"}, "wrong_content_type"),
        (json.dumps(event()).encode(), GBK, "wrong_content_type"),
    ],
)  # fmt: skip
def test_nonsense_is_named(ctx: Context, body: bytes, headers: dict[str, str], reason: str) -> None:
    with pytest.raises(SourceNonsense) as error:
        post(ctx, body, headers)
    assert error.value.reason == reason


# -- refused one by one --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (event(specversion=None), "missing_field"),
        (event(specversion="2.0"), "unknown_version"),
        (event(id=None), "missing_field"),
        (event(id=""), "missing_field"),
        (event(id=7), "wrong_type"),
        (event(id="a\nb"), "bad_id"),
        (event(id="x" * 201), "bad_id"),
        (event(id="\ud800"), "bad_id"),
        (event(source=None), "missing_field"),
        (event(source="a|b"), "bad_source"),
        (event(source="a\x00b"), "bad_source"),
        (event(subject=None), "missing_field"),
        (event(subject="\u202e7"), "bad_subject"),
        (event(type=None), "missing_field"),
        (event(type="ticket.exploded"), "unknown_type"),
        (event(type="clock.tick", data={"wall": "2026-03-01T00:00:00Z"}), "forbidden_type"),
        (event(type="feed.beat", data={}), "forbidden_type"),
        (event(time=None), "missing_field"),
        (event(time=1_700_000_000), "bad_time"),
        (event(time="yesterday"), "bad_time"),
        (event(time="2026-03-01T11:00:00"), "bad_time"),
        (event(time="2026-02-30T11:00:00Z"), "bad_time"),
        (event(time="0001-01-01T00:00:00+08:00"), "bad_time"),
        (event(time="9999-12-31T23:59:59-08:00"), "bad_time"),
        (event(time=(NOW + timedelta(minutes=11)).isoformat()), "time_in_future"),
        (event(data=None), "missing_field"),
        (event(data="text"), "wrong_type"),
        (event(data_base64="e30="), "wrong_type"),
        (event(datacontenttype="application/xml"), "wrong_content_type"),
        (event(data={"title": 7}), "wrong_type"),
        (event(data={"point": [1]}), "wrong_type"),
        (event(data={"due": "soon"}), "bad_time"),
        (event(data={"due": "2026-03-01T18:00:00"}), "bad_time"),
        (event(data={"due": "9999-12-31T23:59:59-08:00"}), "bad_time"),
        (event(data={"colour": "red"}), "unknown_field"),
        (event(data={"id": "8"}), "unknown_field"),
        (event(data={"\ud800": "8"}), "unknown_field"),
        (event(type="ticket.closed", data={"verdict": "perhaps"}), "wrong_type"),
        (event(type="ticket.rated", data={"stars": 6}), "out_of_range"),
        (event(type="ticket.supervised", data={"level": 4}), "out_of_range"),
        (event(type="ticket.whistle_closed", data={"score": -1}), "out_of_range"),
        (event(type="ticket.inspected", data={}), "missing_field"),
        (event(type="ticket.suspended", data={"until": "2026-03-01T18:00:00"}), "bad_time"),
        (event(type="ticket.event", data={}), "unknown_type"),
        ([], "wrong_type"),
        (None, "wrong_type"),
    ],
)
def test_a_bad_event_is_named_and_the_others_pass(ctx: Context, tmp_path: Path, bad: Any, reason: str) -> None:
    events, rejected = post(ctx, [event(id="1"), bad, event(id="2")], BATCHED)
    assert [found.id for found in events] == ["1", "2"]
    (letter,) = rejected
    assert (letter.reason, letter.kept) == (reason, False)
    assert letter.where
    spool = Spool(tmp_path / "spool.db", durable=False)  # Whatever it holds, it can be kept.
    counted = spool.put(events, rejected)
    assert (counted.received, counted.stored, counted.dead) == (3, 2, 1)
    assert next(spool.letters()).raw == letter.raw


def test_a_sender_may_be_ten_minutes_fast(ctx: Context) -> None:
    assert len(post(ctx, event(time=(NOW + timedelta(minutes=10)).isoformat()))[0]) == 1


# -- passed with a flaw --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "place", "flaw"),
    [
        ({"place": "B"}, "B", ""),
        ({"place": "B", "point": [113.05, 23.05]}, "B", ""),
        ({"point": [113.05, 23.05]}, "A", ""),
        ({"place": "nowhere", "point": [113.05, 23.05]}, "A", ""),
        ({"place": "nowhere"}, "", "unknown_place"),
        ({}, "", "no_place"),
        ({"point": [0, 0]}, "", "zero_point"),
        ({"point": [23.05, 113.05]}, "", "swapped_point"),
        ({"point": [1e9, 0]}, "", "bad_coordinates"),
        ({"point": [120, 30]}, "", "outside"),
        ({"place": "A", "flaw": "made up"}, "A", ""),
    ],
)
def test_places(ctx: Context, data: dict[str, Any], place: str, flaw: str) -> None:
    (found,), rejected = post(ctx, event(data=data))
    assert (found.place, found.flaw) == (place, flaw)
    assert reasons(rejected, kept=True) == ([flaw] if flaw else [])
    assert reasons(rejected) == []


def test_titles_are_cut_masked_and_never_markup(ctx: Context) -> None:
    (found,), rejected = post(ctx, event(data={"title": "<b>" + "x" * 200_000, "place": "A"}))
    assert (found.title[:4], len(found.title)) == ("<b>x", 500)
    assert reasons(rejected, kept=True) == ["title_too_long"]
    (found,), _ = post(ctx, event(data={"title": "a\ud800b\x00c", "category": "\udfff"}))
    assert (found.title, found.category) == ("a b c", "")
    secret = "440605199001011234"
    events, rejected = post(
        ctx, [event(data={"title": f"证件{secret}", "unit": secret}), event(data={"title": secret, "x": 1})], BATCHED
    )
    assert secret not in repr((events, rejected))
    assert len(rejected) == 2


def test_the_same_post_again_is_a_duplicate(ctx: Context, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db", durable=False)
    for _ in range(2):
        spool.put(*post(ctx, [event(), event(data={**DATA, "title": "other"})], BATCHED))
    counters = spool.counters
    assert (counters.received, counters.stored, counters.duplicate, counters.dead) == (4, 2, 2, 0)


# -- the whole life ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TICKET_EVENTS)
def test_every_event_of_a_tickets_life_is_taken(ctx: Context, kind: type[TicketEvent]) -> None:
    needed: dict[str, Any] = {
        "ticket.extended": {"granted": True}, "ticket.inspected": {"passed": False}, "ticket.rated": {"stars": 5},
        "ticket.reported_in": {"unit": "east"}, "ticket.whistle_closed": {"score": 95.5},
        "ticket.supervised": {"level": 2, "due": "2026-03-02T18:00:00+08:00"}, "ticket.merged": {"into": "8"},
        "ticket.exempted": {"granted": True},
    }  # fmt: skip
    name = str(kind.__struct_config__.tag)
    data = {"by": "狮山 13800138000", "why": "住户13900139000不在家", **needed.get(name, {})}
    (found,), rejected = post(ctx, event(type=name, data=data))
    assert type(found) is kind
    assert reasons(rejected) == []
    assert found.by == "狮山 138******00"
    assert "13900139000" not in repr(found)


def test_departments_that_are_called_are_masked_too(ctx: Context) -> None:
    data = {"lead": "城管 13800138000", "supporting": ["水务 13800138000", "交警"]}
    (found,), _ = post(ctx, event(type="ticket.whistled", data=data))
    assert (found.lead, found.supporting) == ("城管 138******00", ("水务 138******00", "交警"))


def test_a_caller_is_a_mark_that_is_equal_for_the_same_number_and_tells_nothing(ctx: Context) -> None:
    numbers = ["13800138000", " 138 0013-8000", "１３８００１３８０００", "13900139000", ""]
    found, _ = post(
        ctx, [event(id=str(n), data={**DATA, "caller": number}) for n, number in enumerate(numbers)], BATCHED
    )
    marks = [one.caller for one in found]
    assert marks[0] == marks[1] == marks[2] != marks[3]
    assert len(marks[0]) == 18
    assert marks[4] == ""
    assert opaque("13800138000", b"another house's key") != marks[0]
