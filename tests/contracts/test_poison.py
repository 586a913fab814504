"""Whatever a feed lets pass, spool, board and history can take: one event must never stop the house for good."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.board import Board
from dashboard.events import Event
from dashboard.sources.feed import Post, Rejected, bind, rules_of
from dashboard.travel.feeder import read
from dashboard.travel.historian import Historian
from dashboard.travel.history import History
from dashboard.travel.spool import Spool
from dashboard.travel.stream import Entry
from tests.flow import packed, tick, tickets_of
from tests.town import context, town

NASTY = st.one_of(
    st.text(max_size=40),
    st.sampled_from([
        "", " ", "\0", "a\0b", "\ud800", "x\udfff", "|", "a|b", "\u202e", "１２３", "A" * 300, "井" * 250,
        "<img src=x onerror=1>",
        "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2100-12-31T23:59:59.999999+14:00",
        "2026-03-01T00:00:00", "2026-03-01T04:00:00Z", "2026-02-29T04:00:00Z", "A", "on_time", "NaN", "1e400",
    ]),
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none(),
    st.sampled_from([2**63, -(2**63), 10**400]),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip
TIMES = st.one_of(NASTY, st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat()))
FIELDS = ("title", "category", "unit", "channel", "place", "point", "due", "verdict", "flaw", "colour")
GOOD = {
    "specversion": "1.0", "id": "1", "source": "s", "type": "ticket.reported", "subject": "1",
    "time": "2026-02-01T00:00:00Z", "data": {"title": "t"},
}  # fmt: skip


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """A good event with some of its fields replaced by something nasty."""
    record = {**GOOD, "id": draw(st.sampled_from("123456")), "type": draw(st.sampled_from(TYPES))}
    for name in draw(st.lists(st.sampled_from(("id", "source", "subject", "type", "data")), max_size=1)):
        record[name] = draw(NASTY)
    if draw(st.booleans()):
        record["time"] = draw(TIMES)
    if isinstance(record["data"], dict):
        fields = draw(st.lists(st.sampled_from(FIELDS), max_size=3, unique=True))
        record["data"] = {name: draw(TIMES if name == "due" else NASTY) for name in fields}
    return record


TYPES = ("ticket.reported", "ticket.closed", "clock.tick", "feed.beat")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(records(), min_size=1, max_size=12), st.sampled_from(["Asia/Shanghai", "America/New_York"]))
def test_what_passes_the_door_passes_the_house(batch: list[dict[str, Any]], zone: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        city = town(folder, {"kind": "cloudevents", "name": "hotline"}, zone=zone, limits={"default_hours": 24})
        (bound,) = bind(city)
        post = Post({"content-type": "application/cloudevents-batch+json"}, json.dumps(batch).encode())
        events, rejected = read(bound, post, context(city))
        spool = Spool(folder / "hotline.db", durable=False)
        counted = spool.put(events, rejected)
        assert counted.received == counted.stored + counted.duplicate + counted.dead == len(batch)
        board, history = Board(rules_of(city)), History(f"sqlite:///{folder / 'history.db'}")
        historian = Historian(history)
        historian.start()
        for found in spool.batches(0):
            board.fold(spool.id, found.seq, found.packed)
            historian.take([Entry("1-0", spool.id, found.seq, found.events, found.packed)], 0.0)
        for hours in (0, 24, 24 * 40, 24 * 365 * 80):
            board.fold("clock@1", board.position.get("clock@1", 0) + 1, packed([tick(3600.0 * hours)]))
            views = ("tickets", "trend", "categories", "units", "urgent", "map", "points")
            assert all(json.dumps(board.view(view, "T")["data"], allow_nan=False) for view in views)
        assert tickets_of(board) == tickets_of(history)
        assert tickets_of(Board.restore(rules_of(city), board.dump())) == tickets_of(board)
        assert history.count_events() == counted.stored
        assert len(list(spool.letters())) == len(rejected) + counted.dead - sum(not r.kept for r in rejected)
        history.close()
        spool.close()


def test_half_a_surrogate_pair_is_refused_by_the_spool_itself(tmp_path: Path) -> None:
    """A feed may forget to clean its texts; no store could keep this one."""
    from tests.flow import reported

    spool = Spool(tmp_path / "hotline.db", durable=False)
    events: list[Event] = [reported(1, title="\ud800"), reported(2), reported(3, id="\udfff")]
    counted = spool.put(events, [Rejected("bad", "raw \ud800", "where \udc00", "why \udc00")])
    assert (counted.stored, counted.dead, counted.received) == (1, 3, 4)
    assert spool.reasons() == {"not_text": 2, "bad": 1}
    assert {letter.reason: letter.raw for letter in spool.letters()}["bad"] == "raw ?"
    spool.close()


def test_a_whole_post_that_is_nonsense_stops_nothing(tmp_path: Path) -> None:
    city = town(tmp_path, {"kind": "cloudevents", "name": "hotline"})
    (bound,) = bind(city)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    for body in (b"", b"[", b"\xff\xfe", b"[" * 100_000, b'{"a":NaN}', b"1e999", "“".encode("gbk")):
        events, rejected = read(
            bound, Post({"content-type": "application/cloudevents+json"}, body), context(city, now=now)
        )
        assert events == []
        assert [type(record) for record in rejected] == [Rejected]


CAMERA = {
    "listed": ("part", "cameras"), "polled": ("interval", "usual", "others", "restarted"),
    "recorded": ("day", "seconds"),
}  # fmt: skip
LISTED = st.fixed_dictionaries(
    {"id": st.one_of(NASTY, st.sampled_from("abc"))},
    optional=dict.fromkeys(("name", "place", "street", "switch", "lon", "lat", "planned"), NASTY),
)
WORDS = st.one_of(
    NASTY, st.lists(LISTED, max_size=3), st.dictionaries(st.sampled_from("abc"), st.integers(-1, 40), max_size=3),
    st.sampled_from(["2026-02-01", "2026-02-30", "0000-00-00", "9999-12-31", 30, 1e-300, 86_400]),
    st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(-1, 2**70), max_size=3), max_size=2),
)  # fmt: skip


@st.composite
def camera_records(draw: st.DrawFn) -> dict[str, Any]:
    """An event about cameras with good values, and some nasty ones."""
    kind = draw(st.sampled_from(sorted(CAMERA)))
    good: dict[str, Any] = {
        "part": "1", "cameras": [{"id": "a", "place": "A"}, {"id": "b", "lon": 113.05, "lat": 23.05}], "interval": 30,
        "usual": draw(st.integers(0, 31)), "others": {"a": 1}, "day": "2026-02-01", "seconds": {"a": [1, 2]},
    }  # fmt: skip
    data = {name: good[name] for name in CAMERA[kind] if name in good}
    for name in draw(st.lists(st.sampled_from(CAMERA[kind]), max_size=2)):
        data[name] = draw(WORDS)
    minute = draw(st.integers(0, 59))
    return {**GOOD, "id": draw(st.sampled_from("123456")), "type": f"camera.{kind}", "data": data,
            "time": f"2026-02-01T00:{minute:02d}:00Z"}  # fmt: skip


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(camera_records(), min_size=1, max_size=12))
def test_what_is_told_of_cameras_passes_the_house_too(batch: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        city = town(folder, {"kind": "cloudevents", "name": "hotline"})
        (bound,) = bind(city)
        post = Post({"content-type": "application/cloudevents-batch+json"}, json.dumps(batch).encode())
        events, rejected = read(bound, post, context(city))
        spool = Spool(folder / "hotline.db", durable=False)
        counted = spool.put(events, rejected)
        assert counted.received == len(batch)
        board = Board(rules_of(city))
        for found in spool.batches(0):
            board.fold(spool.id, found.seq, found.packed)
        views = ("video", "video_faults", "video_alarms", "video_worst", "video_time", "camera_points", "camera_states")
        for hours in (0, 24, 24 * 40, 24 * 365 * 70):
            board.fold("clock@1", board.position.get("clock@1", 0) + 1, packed([tick(3600.0 * hours)]))
            again = Board.restore(rules_of(city), board.dump())
            for view in views:
                said = msgspec.json.encode(board.view(view, "T")["data"])
                assert said == msgspec.json.encode(again.view(view, "T")["data"]), view
        spool.close()
