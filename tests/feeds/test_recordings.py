"""What was recorded, as the platforms' documented replies say it: exact where it is known, and else left out."""

from __future__ import annotations

import json
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.nouns.video import CamerasPolled, CamerasRecorded
from dashboard.sources.feed import BoundFeed, Context, Delivery, Rejected, bind
from dashboard.sources.fetch import Reply
from dashboard.sources.recordings import Recorded, common, joined, length, without
from tests.source import Asked, reply, source
from tests.town import NOW, context, town

DAY = "2026-03-01"
AT = NOW.timestamp()  # Noon.
MIDNIGHT = AT - 12 * 3600
HOUR = 3600


def feed(kind: str, folder: Path, **more: Any) -> tuple[BoundFeed, Context]:
    (folder / "cameras.csv").write_text("id,name\nlive/a,A\nlive/b,B\nplain,C\n", encoding="utf-8")
    table = {"kind": kind, "name": "video", "url": "http://127.0.0.1:1/", "inventory": "cameras.csv", "interval": 0.05}
    city = town(folder, table | {"recordings": 60} | more)
    (bound,) = bind(city)
    return bound, context(city)


def read(
    kind: str, folder: Path, *replies: Any, moment: float = AT, planned: Any = (), **more: Any
) -> tuple[dict[str, tuple[int, int]], list[Rejected]]:
    """The seconds recorded and due by camera (0, 1 …), and what was refused."""
    bound, ctx = feed(kind, folder, **more)
    bodies = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in replies]
    given = {str(number): Reply(body) for number, body in enumerate(bodies)}
    found = list(bound.feed.parse(Recorded(moment, DAY, given, planned={"0": planned}), bound.settings, ctx))
    events = [one for one in found if isinstance(one, CamerasRecorded)]
    assert all((one.day, one.subject, one.source) == (DAY, "video", "video") for one in events)
    assert len({one.id for one in events}) == len(events)
    return {name: both for one in events for name, both in one.seconds.items()}, [
        one for one in found if isinstance(one, Rejected)
    ]


# -- WVP: /api/gb_record/query/{device}/{channel} ------------------------------------------------------------------


def records(*spans: tuple[str, str], total: int | None = None) -> dict[str, Any]:
    rows = [
        {"deviceId": "34020000001320000001", "name": "Camera", "filePath": "1", "secrecy": 0, "type": "time",
         "startTime": f"{DAY} {start}", "endTime": f"{DAY} {end}"} for start, end in spans
    ]  # fmt: skip
    about = {"deviceId": "34020000001320000001", "channelId": "c", "sn": "5234", "name": None,
             "sumNum": len(rows) if total is None else total, "recordList": rows}  # fmt: skip
    return {"code": 0, "msg": "成功", "data": about}


def test_files_of_a_recorder_are_the_seconds_of_their_spans(tmp_path: Path) -> None:
    whole = records(("00:00:00", "06:00:00"), ("06:00:00", "11:30:00"))
    gap = records(("00:00:00", "04:00:00"), ("03:00:00", "05:00:00"), ("07:00:00", "08:00:00"))  # Two overlap.
    found, refused = read("wvp", tmp_path, whole, gap, records())
    assert found == {"0": (11 * HOUR, 11 * HOUR), "1": (6 * HOUR, 11 * HOUR), "2": (0, 11 * HOUR)}
    assert refused == []


def test_a_day_that_is_over_is_known_to_its_end(tmp_path: Path) -> None:
    early = records(("00:00:00", "23:59:59"))
    found, _ = read("wvp", tmp_path, early, moment=MIDNIGHT + 26 * HOUR)
    assert found == {"0": (24 * HOUR - 1, 24 * HOUR)}
    assert read("wvp", tmp_path, early, moment=MIDNIGHT + 1800)[0] == {}  # Nothing is known yet.


def test_planned_outages_are_not_due(tmp_path: Path) -> None:
    two = (MIDNIGHT + 2 * HOUR, MIDNIGHT + 4 * HOUR)
    found, _ = read("wvp", tmp_path, records(("00:00:00", "03:00:00")), planned=(two,))
    assert found == {"0": (2 * HOUR, 9 * HOUR)}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"code": -1, "msg": "timeout"}, "recordings_refused"), ([], "recordings_refused"), (b"<html>", "not_xml"),
        (records(("00:00:00", "01:00:00"), total=3), "truncated_list"), (records(("soon", "later")), "bad_record"),
        (records(("02:00:00", "01:00:00")), "bad_record"), ({"code": 0, "data": {"recordList": {}}}, "not_a_page"),
        ({"code": 0, "data": {"recordList": [{"startTime": "2026-03-01 00:00:00"}]}}, "bad_record"),
        ({"code": 0, "data": {"recordList": ["x"]}}, "bad_record"), (b'{"code": 0, "data": [', "not_json"),
    ],
)  # fmt: skip
def test_a_camera_of_which_nothing_certain_is_said_is_left_out(tmp_path: Path, body: Any, reason: str) -> None:
    found, refused = read("wvp", tmp_path, body, records(("00:00:00", "11:00:00")), body)
    assert found == {"1": (11 * HOUR, 11 * HOUR)}
    assert [letter.reason for letter in refused] == [reason]  # Once, with how many.
    assert "of 2 cameras nobody knows" in refused[0].detail


# -- ZLMediaKit: getMP4RecordFile ----------------------------------------------------------------------------------


def files(*names: str) -> dict[str, Any]:
    return {"code": 0, "data": {"paths": list(names), "rootPath": f"/www/record/live/a/{DAY}/"}}


def test_files_of_a_row_are_recorded_from_start_to_start(tmp_path: Path) -> None:
    row = files(*(f"{hour:02}-00-0{hour % 3}-{hour}.mp4" for hour in range(11)), ".11-00-00-11.mp4", "cover.jpg")
    older = files(*(f"{hour:02}-00-00.mp4" for hour in range(11)))
    broken = files("00-00-00-0.mp4", "01-00-00-1.mp4", "05-00-00-0.mp4", "06-00-00-1.mp4", "07-00-00-2.mp4")
    found, refused = read("zlmediakit", tmp_path, row, older, broken, files())
    assert found["0"] == (10 * HOUR + 1, 10 * HOUR + 1)  # It is known up to the start of the last file.
    assert found["1"] == (10 * HOUR, 10 * HOUR)
    assert found["2"] == (3 * HOUR, 11 * HOUR)  # 01:00 and 07:00 were broken off; nobody says when.
    assert found["3"] == (0, 11 * HOUR)
    assert refused == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [(files("25-00-00.mp4"), "bad_name"), (files("film.mp4"), "bad_name"),
     ({"code": 0, "data": {"paths": [7]}}, "bad_name"),
     ({"code": -100, "msg": "Incorrect secret"}, "recordings_refused"), ({"data": []}, "not_a_media_list"),
     ({"code": 0}, "not_a_media_list")],
)  # fmt: skip
def test_what_is_no_list_of_recordings_is_named(tmp_path: Path, body: Any, reason: str) -> None:
    found, refused = read("zlmediakit", tmp_path, body)
    assert (found, [letter.reason for letter in refused]) == ({}, [reason])


# -- the looks -----------------------------------------------------------------------------------------------------


async def first_recorded(bound: BoundFeed, ctx: Context) -> tuple[list[Delivery], list[Recorded]]:
    """The polls until the recordings of yesterday and today have come, and these."""
    assert bound.feed.open is not None
    polled: list[Delivery] = []
    seen: list[Recorded] = []
    async with aclosing(cast(Any, bound.feed.open(bound.settings, ctx))) as deliveries:
        async for delivery in deliveries:
            if isinstance(delivery.payload, Recorded):
                seen.append(delivery.payload)
            else:
                polled.append(delivery)
            if len(seen) == 2:
                break
    return polled, seen


async def test_streams_are_asked_one_by_one_beside_the_polls(tmp_path: Path) -> None:
    def served(asked: Asked) -> bytes:
        if asked.path.endswith("getMediaList"):
            return reply(json.dumps({"code": 0}))
        if asked.query["stream"] == "b":
            return reply("gone", 500)
        return reply(json.dumps(files("00-00-00-0.mp4", "01-00-00-1.mp4", "10-59-00-2.mp4")))

    async with source(served) as web:
        bound, ctx = feed("zlmediakit", tmp_path, url=web.url + "/")
        polled, seen = await first_recorded(bound, ctx)
        asked = [one.query for one in web.asked if one.path == "/index/api/getMP4RecordFile"]
    assert polled
    assert [one.day for one in seen] == ["2026-02-28", DAY]
    assert {(one["app"], one["stream"], one["period"], one["vhost"]) for one in asked} == {
        ("live", name, day, "__defaultVhost__") for name in "ab" for day in ("2026-02-28", DAY)
    }
    found = list(bound.feed.parse(seen[1], bound.settings, ctx))
    (event,) = [one for one in found if isinstance(one, CamerasRecorded)]
    assert set(event.seconds) == {"live/a"}
    (letter,) = [one for one in found if isinstance(one, Rejected)]
    assert (letter.reason, letter.kept) == ("recordings_unknown", True)
    assert "answers 500" in letter.detail
    assert str(seen[1])


async def test_channels_are_asked_by_their_device(tmp_path: Path) -> None:
    def served(asked: Asked) -> bytes:
        rows: list[dict[str, Any]] = [{"deviceId": "d1", "onLine": True}]
        if asked.path.endswith("/channels"):
            rows = [
                {"gbDeviceId": "g1", "channelId": "c1", "status": "ON"},
                {"channelId": "dir", "parental": 1, "subCount": 2},
            ]
        if "gb_record" in asked.path:
            return reply(json.dumps(records(("00:00:00", "11:00:00"))))
        return reply(json.dumps({"code": 0, "data": {"total": len(rows), "list": rows}}))

    async with source(served) as web:
        bound, ctx = feed("wvp", tmp_path, url=web.url + "/")
        _, seen = await first_recorded(bound, ctx)
        asked = [(one.path, one.query) for one in web.asked if "gb_record" in one.path]
    assert asked[1] == ("/api/gb_record/query/d1/c1", {"startTime": f"{DAY} 00:00:00", "endTime": f"{DAY} 23:59:59"})
    (event,) = bound.feed.parse(seen[1], bound.settings, ctx)
    assert isinstance(event, CamerasRecorded)
    assert event.seconds == {"g1": (11 * HOUR, 11 * HOUR)}


async def test_without_the_setting_nobody_is_asked(tmp_path: Path) -> None:
    async with source(lambda _: reply(json.dumps({"code": 0}))) as web:
        bound, ctx = feed("zlmediakit", tmp_path, url=web.url + "/", recordings=None)
        assert bound.feed.open is not None
        polls = 0
        async with aclosing(cast(Any, bound.feed.open(bound.settings, ctx))) as deliveries:
            async for delivery in deliveries:
                assert any(
                    isinstance(one, CamerasPolled) for one in bound.feed.parse(delivery.payload, bound.settings, ctx)
                )
                polls += 1
                if polls == 3:
                    break
        assert {one.path for one in web.asked} == {"/index/api/getMediaList"}


def test_spans() -> None:
    assert joined([(3, 4), (1, 2), (2, 3), (9, 9)]) == [(1, 4)]
    assert common([(0, 10)], [(5, 20), (1, 2)]) == [(1, 2), (5, 10)]
    assert without([(0, 10), (20, 30)], ((5, 25), (28, 29))) == [(0, 5), (25, 28), (29, 30)]
    assert length([(0, 5), (25, 28)]) == 8
