"""Video platforms: recorded and documented replies as cameras, and what is refused of others, by name."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.ground.coordinates import from_wgs84
from dashboard.nouns.video import DOWN, LOSS, PICTURE, RECORDER, CamerasListed, CamerasPolled
from dashboard.sources.feed import BoundFeed, Context, Rejected, SourceFailed, SourceNonsense, bind, kinds
from dashboard.sources.fetch import Reply
from dashboard.sources.inventory import inventory_of
from dashboard.sources.platforms import Asked
from tests.source import Asked as Request
from tests.source import reply, source
from tests.town import DATA, NOW, context, town

VIDEO = DATA / "video"
RECORDED = sorted((VIDEO / "zlmediakit").glob("rest_*.json")) + sorted((VIDEO / "captured").glob("*.json"))
AT = NOW.timestamp()
INVENTORY = (
    "id,name,place,street,switch,lon,lat,planned\nlive/obs,桂澜路 01,A,桂澜路,s1,113.05,23.05,\n"
    "live/gone,海五路 02,,海五路,s1,113.15,23.05,2026-03-01T09:00/2026-03-01T17:00\n"
)


def feed(kind: str, folder: Path, **settings: Any) -> tuple[BoundFeed, Context]:
    """A feed of the town, with an inventory beside it."""
    (folder / "cameras.csv").write_text(settings.pop("lines", INVENTORY), encoding="utf-8")
    table = {"kind": kind, "name": "video", "url": "http://127.0.0.1:1/", **settings}
    if kind == "zlmediakit":
        table.setdefault("inventory", "cameras.csv")
    city = town(folder, table)
    (bound,) = bind(city)
    return bound, context(city)


def answer(document: Any) -> Reply:
    """A reply as it is fetched."""
    return Reply(document if isinstance(document, bytes) else json.dumps(document).encode())


def asked(bound: BoundFeed, ctx: Context, *replies: Any, **more: Any) -> Asked:
    """One whole poll, with what the inventory says."""
    inventory, letters = inventory_of(cast(Any, bound.settings), ctx)
    return Asked(AT, replies, inventory=inventory, letters=letters, **more)


def parsed(bound: BoundFeed, ctx: Context, payload: Asked) -> tuple[dict[str, Any], CamerasPolled, list[Rejected]]:
    """The listed cameras by id, the poll, and what was refused."""
    found = list(bound.feed.parse(payload, bound.settings, ctx))
    (poll,) = [one for one in found if isinstance(one, CamerasPolled)]
    cameras = {camera.id: camera for one in found if isinstance(one, CamerasListed) for camera in one.cameras}
    return cameras, poll, [one for one in found if isinstance(one, Rejected)]


# -- ZLMediaKit --------------------------------------------------------------------------------------------------


def streams(*rows: dict[str, Any]) -> dict[str, Any]:
    """A reply of getMediaList."""
    usual = {"app": "live", "stream": "obs", "aliveSecond": 100, "bytesSpeed": 12345, "schema": "rtsp"}
    track = {"codec_type": 0, "ready": True, "loss": -1}
    return {"code": 0, "data": [{**usual, "tracks": [track], **row} for row in rows]}


def status(found: CamerasPolled, camera: str = "live/obs") -> int:
    return found.others.get(camera, found.usual)


def test_a_stream_is_a_camera_of_the_inventory_and_one_that_is_gone_is_down(tmp_path: Path) -> None:
    bound, ctx = feed("zlmediakit", tmp_path)
    cameras, poll, refused = parsed(bound, ctx, asked(bound, ctx, answer(streams({}, {"schema": "rtmp"}))))
    assert not refused
    assert (status(poll), status(poll, "live/gone")) == (0, DOWN)
    camera = cameras["live/obs"]
    assert (camera.name, camera.place, camera.switch, camera.lon) == ("桂澜路 01", "A", "s1", 113.05)
    assert cameras["live/gone"].place == "B"  # By its point.
    (window,) = cameras["live/gone"].planned
    assert window == (datetime(2026, 3, 1, 1, tzinfo=UTC).timestamp(), datetime(2026, 3, 1, 9, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"bytesSpeed": 0}, DOWN),
        ({"bytesSpeed": 0, "aliveSecond": 3}, 0),
        ({"tracks": [{"codec_type": 1, "ready": True}]}, PICTURE),
        ({"tracks": [{"codec_type": 0, "ready": False}]}, PICTURE),
        ({"tracks": [{"codec_type": 0, "ready": True, "loss": 12.5}]}, LOSS),
        ({"tracks": None}, 0),
        ({"isRecordingMP4": False}, RECORDER),
        ({"isRecordingMP4": True}, 0),
    ],
)
def test_what_ails_a_stream(row: dict[str, Any], expected: int, tmp_path: Path) -> None:
    bound, ctx = feed("zlmediakit", tmp_path, recording=True)
    assert status(parsed(bound, ctx, asked(bound, ctx, answer(streams(row))))[1]) == expected


def test_nothing_streaming_is_a_poll_in_which_all_are_down(tmp_path: Path) -> None:
    bound, ctx = feed("zlmediakit", tmp_path)
    _, poll, _ = parsed(bound, ctx, asked(bound, ctx, answer({"code": 0})))
    assert (poll.usual, poll.others) == (DOWN, {})


@pytest.mark.skipif(not VIDEO.is_dir(), reason="the recorded replies are not beside the project")
@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.name)
def test_every_recorded_reply_parses_or_is_refused_by_a_reason(file: Path, tmp_path: Path) -> None:
    bound, ctx = feed("zlmediakit", tmp_path)
    payload = asked(bound, ctx, answer(file.read_bytes()))
    if "getMediaList" in file.name:
        assert status(parsed(bound, ctx, payload)[1]) == 0
        return
    try:
        _, poll, refused = parsed(bound, ctx, payload)
        said = {f"{poll.usual}"} | {letter.reason for letter in refused}
    except SourceNonsense as nonsense:
        said = {nonsense.reason}
    except SourceFailed as failed:
        said = {str(failed)[:12]}
    assert said <= {"1", "missing_field", "wrong_type", "not_a_media_list", "answers code"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>log in</html>", "not_a_media_list"), (b"", "not_json"), (b'{"code": 0, "data": [', "not_json"),
        (b'{"code": NaN}', "not_finite"), (b"[" * 10_000, "too_deep"), (b'{"code":0,"code":1}', "duplicate_key"),
        (b"[]", "not_a_media_list"), (b'{"code": 0, "data": {}}', "not_a_media_list"),
        (b'{"code": "0"}', "not_a_media_list"),
        ("市".encode("gbk"), "bad_encoding"),
    ],
)  # fmt: skip
def test_nonsense_is_named(body: bytes, reason: str, tmp_path: Path) -> None:
    bound, ctx = feed("zlmediakit", tmp_path)
    with pytest.raises(SourceNonsense) as error:
        parsed(bound, ctx, asked(bound, ctx, answer(body)))
    assert error.value.reason == reason


def test_a_wrong_secret_is_said_in_a_sentence(tmp_path: Path) -> None:
    bound, ctx = feed("zlmediakit", tmp_path)
    with pytest.raises(SourceFailed, match=r"code -100: it does not know our secret; check auth"):
        parsed(bound, ctx, asked(bound, ctx, answer({"code": -100, "msg": "Incorrect secret"})))


def test_bad_rows_are_refused_and_the_good_beside_them_pass(tmp_path: Path) -> None:
    bound, ctx = feed("zlmediakit", tmp_path)
    rows = streams({}, {"app": ""}, {"stream": 7})
    rows["data"].append("x")
    _, poll, refused = parsed(bound, ctx, asked(bound, ctx, answer(rows)))
    assert status(poll) == 0
    assert [letter.reason for letter in refused] == ["missing_field", "missing_field", "wrong_type"]


def test_bad_lines_of_the_inventory_are_refused_by_name(tmp_path: Path) -> None:
    lines = (
        "id,name,place,lon,lat,planned\na,甲,A,113.05,23.05,\n,无号,A,,,\na,again,A,,,\nb,乙,nowhere,abc,23,\n"
        "c,丙,nowhere,113.15,23.05,\nd,丁,,0,0,\ne,戊,,23.05,113.05,\nf,己,A,,,2026-03-02T00:00/2026-03-01T00:00\n"
        "g,13812345678,A,,,2026-13-01/x\n"
    )
    bound, ctx = feed("zlmediakit", tmp_path, lines=lines)
    cameras, _, refused = parsed(bound, ctx, asked(bound, ctx, answer({"code": 0})))
    assert [letter.reason for letter in refused if not letter.kept] == [
        "bad_line", "camera_twice", "bad_coordinates", "bad_plan", "bad_plan",
    ]  # fmt: skip
    assert {letter.reason for letter in refused if letter.kept} == {"unknown_place", "zero_point", "swapped_point"}
    assert set(cameras) == {"a", "c", "d", "e"}
    assert (cameras["c"].place, cameras["d"].lon, cameras["e"].lon) == ("B", None, None)
    assert not any("13812345678" in letter.raw for letter in refused)


@pytest.mark.parametrize(
    ("lines", "said"), [("name\nx\n", "has no column 'id'"), ("id,colour\nx,red\n", "a column 'colour'")]
)
def test_an_inventory_with_other_columns_is_said_in_a_sentence(lines: str, said: str, tmp_path: Path) -> None:
    bound, ctx = feed("zlmediakit", tmp_path, lines=lines)
    with pytest.raises(SourceFailed, match=said):
        asked(bound, ctx)


@pytest.mark.parametrize("system", ["gcj02", "bd09"])
def test_points_of_another_system_are_turned_at_the_edge_and_a_layer_in_the_wrong_one_is_named(
    system: Any, tmp_path: Path
) -> None:
    # The two squares of the town meet at 113.1: whoever stands just east of the line is moved across it.
    spots = [(113.1 + 0.0006 * (n % 5) + 0.0002, 23.01 + 0.0008 * n) for n in range(60)]
    written = [from_wgs84(spot, system) for spot in spots]
    shift = written[0][0] - spots[0][0]
    west = [(113.1 - abs(lon - 113.1), lat) for lon, lat in spots] if shift > 0 else spots
    places = ["A" if shift > 0 else "B"] * len(spots)
    written = [from_wgs84(spot, system) for spot in west]
    lines = "id,place,lon,lat\n" + "".join(
        f"c{n},{place},{lon:.7f},{lat:.7f}\n" for n, ((lon, lat), place) in enumerate(zip(written, places, strict=True))
    )
    bound, ctx = feed("zlmediakit", tmp_path, lines=lines, coordinates=system)
    cameras, _, refused = parsed(bound, ctx, asked(bound, ctx, answer({"code": 0})))
    assert not refused
    assert all(abs(cameras[f"c{n}"].lon - spot[0]) < 1e-6 for n, spot in enumerate(west))
    bound, ctx = feed("zlmediakit", tmp_path, lines=lines)
    _, _, refused = parsed(bound, ctx, asked(bound, ctx, answer({"code": 0})))
    (warning,) = [letter for letter in refused if "_read_as_" in letter.reason]
    assert warning.reason == f"{system}_read_as_wgs84"
    assert f"set coordinates = '{system}'" in warning.detail


# -- MediaMTX ----------------------------------------------------------------------------------------------------


def paths(*rows: Any, count: int | None = None) -> dict[str, Any]:
    """A page of /v3/paths/list."""
    return {"itemCount": len(rows) if count is None else count, "pageCount": 1, "items": list(rows)}


def test_paths_are_cameras_by_the_newer_and_the_older_word(tmp_path: Path) -> None:
    bound, ctx = feed("mediamtx", tmp_path)
    page = paths(
        {"name": "a", "online": True, "tracks2": [{"codec": "H264"}]}, {"name": "b", "ready": True, "tracks": ["H265"]},
        {"name": "c", "ready": False}, {"name": "d", "online": True, "tracks2": [{"codec": "Opus"}]},
        {"name": "e"}, {"online": True}, 7, {"name": "a", "online": False},
    )  # fmt: skip
    cameras, poll, refused = parsed(bound, ctx, asked(bound, ctx, answer(page), restarted=AT - 100))
    assert set(cameras) == {"a", "b", "c", "d"}
    assert {name: status(poll, name) for name in "abcd"} == {"a": 0, "b": 0, "c": DOWN, "d": PICTURE}
    assert sorted(letter.reason for letter in refused) == [
        "camera_twice",
        "missing_field",
        "missing_field",
        "wrong_type",
    ]
    assert poll.restarted == AT - 100


def test_half_a_list_is_no_list(tmp_path: Path) -> None:
    bound, ctx = feed("mediamtx", tmp_path)
    with pytest.raises(SourceNonsense, match="truncated_list"):
        parsed(bound, ctx, asked(bound, ctx, answer(paths({"name": "a", "online": True}, count=2))))
    with pytest.raises(SourceNonsense, match="not_a_path_list"):
        parsed(bound, ctx, asked(bound, ctx, answer({"error": "x"})))


async def test_all_pages_are_fetched_and_a_part_is_listed_again_only_when_it_changes(tmp_path: Path) -> None:
    names = [f"cam{n}" for n in range(7)]

    def served(request: Request) -> bytes:
        if request.path == "/v3/info":
            return reply(json.dumps({"version": "1.12", "started": "2026-03-01T11:00:00+08:00"}))
        page, size = int(request.query["page"]), int(request.query["itemsPerPage"])
        rows = [{"name": name, "online": True} for name in names]
        found = {
            "itemCount": len(rows),
            "pageCount": -(-len(rows) // size),
            "items": rows[page * size : (page + 1) * size],
        }
        return reply(json.dumps(found), etag='"same"')

    async with source(served) as web:
        bound, ctx = feed("mediamtx", tmp_path, url=web.url + "/", page=3, interval=0.05)
        polls: list[tuple[int, int]] = []
        async with aclosing(cast(Any, bound.feed.open)(bound.settings, ctx)) as deliveries:
            async for delivery in deliveries:
                found = list(bound.feed.parse(delivery.payload, bound.settings, replace(ctx)))
                lists = [one for one in found if isinstance(one, CamerasListed)]
                (poll,) = [one for one in found if isinstance(one, CamerasPolled)]
                assert poll.restarted == datetime(2026, 3, 1, 3, tzinfo=UTC).timestamp()
                polls.append((len(lists), sum(len(one.cameras) for one in lists)))
                if len(polls) == 2:
                    names.append("cam7")
                if len(polls) == 3:
                    break
    assert polls[0] == (16, 7)
    assert polls[1] == (0, 0)
    assert polls[2][0] == 1
    pages = [request.query["page"] for request in web.asked if request.path == "/v3/paths/list"]
    assert pages[:3] == ["0", "1", "2"]


async def test_pages_without_end_are_given_up(tmp_path: Path) -> None:
    body = reply(json.dumps({"itemCount": 10**9, "pageCount": 10**6, "items": []}))
    async with source(body) as web:
        bound, ctx = feed("mediamtx", tmp_path, url=web.url + "/")
        with pytest.raises(SourceFailed, match=r"1,000,000 pages .* raise most"):
            async for _ in cast(Any, bound.feed.open)(bound.settings, ctx):
                pass


# -- WVP -----------------------------------------------------------------------------------------------------------


def page_of(*rows: Any, total: int | None = None) -> Reply:
    """A page of WVP."""
    return answer(
        {"code": 0, "msg": "成功", "data": {"total": len(rows) if total is None else total, "list": list(rows)}}
    )


def device(name: str, **more: Any) -> dict[str, Any]:
    return {"deviceId": name, "onLine": True, "keepaliveTime": "2026-03-01 11:59:30", "heartBeatInterval": 60, **more}


def channel(name: str, **more: Any) -> dict[str, Any]:
    return {"channelId": name, "name": f"球机 {name}", "status": "ON", "longitude": 113.05, "latitude": 23.05, **more}


def test_channels_are_down_where_their_device_is_or_its_heartbeats_are_old(tmp_path: Path) -> None:
    bound, ctx = feed("wvp", tmp_path)
    replies = (
        ("", page_of(device("d1"), device("d2", onLine=False), device("d3", keepaliveTime="2026-03-01 11:50:00"),
                     device("d4", keepaliveTime="soon"), {"onLine": True}, device("d5", onLine="perhaps"))),
        ("d1", page_of(channel("1"), channel("2", status="OFF"), channel("3", status=1), {"name": "x"},
                       channel("9", status="?"))),
        ("d2", page_of(channel("4"))),
        ("d3", page_of(channel("5"))),
        ("d4", page_of({"gbDeviceId": "6", "channelId": "old", "gbStatus": "ON", "gbName": "新", "gbLongitude": 113.15,
                        "gbLatitude": 23.05})),
    )  # fmt: skip
    cameras, poll, refused = parsed(bound, ctx, asked(bound, ctx, *replies))
    assert {name: status(poll, name) for name in "123456"} == {"1": 0, "2": DOWN, "3": 0, "4": DOWN, "5": DOWN, "6": 0}
    assert (cameras["1"].name, cameras["1"].place, cameras["6"].place, cameras["6"].name) == ("球机 1", "A", "B", "新")
    assert sorted(letter.reason for letter in refused) == ["bad_time", *["missing_field"] * 4]


def test_what_wvp_refuses_and_what_is_none_of_its_pages(tmp_path: Path) -> None:
    bound, ctx = feed("wvp", tmp_path)
    with pytest.raises(SourceFailed, match=r"code 401: it does not know us; check auth"):
        parsed(bound, ctx, asked(bound, ctx, ("", answer({"code": 401, "msg": "请登录后重新请求"}))))
    with pytest.raises(SourceNonsense, match="truncated_list"):
        parsed(bound, ctx, asked(bound, ctx, ("", page_of(device("d1"), total=3))))
    with pytest.raises(SourceNonsense, match="not_a_page"):
        parsed(bound, ctx, asked(bound, ctx, ("", answer([]))))


@pytest.mark.skipif(not VIDEO.is_dir(), reason="the recorded columns are not beside the project")
def test_the_columns_that_are_read_are_columns_of_wvp(tmp_path: Path) -> None:
    known = {line.split(",")[1] for line in (VIDEO / "wvp" / "wvp_table_columns.csv").read_text("utf-8").splitlines()}
    read = {
        "on_line", "keepalive_time", "heart_beat_interval", "device_id", "gb_device_id", "gb_name", "gb_status",
        "gb_longitude", "gb_latitude", "gb_civil_code", "status", "longitude", "latitude", "civil_code", "name",
    }  # fmt: skip
    assert {"on_line", "heart_beat_interval"} <= known
    assert read - known <= {"keepalive_time"}


async def test_devices_and_their_channels_come_page_by_page(tmp_path: Path) -> None:
    def served(request: Request) -> bytes:
        page, size = int(request.query["page"]) - 1, int(request.query["count"])
        if request.headers.get("access-token") != "secret":
            return reply(json.dumps({"code": 401, "msg": "no"}))
        rows = (
            [device(f"d{n}") for n in range(3)]
            if request.path.endswith("/devices")
            else [channel(f"{request.path.split('/')[-2]}-{n}") for n in range(5)]
        )
        data = {"total": len(rows), "list": rows[page * size : (page + 1) * size]}
        return reply(json.dumps({"code": 0, "data": data}))

    (tmp_path / "wvp.token").write_text("secret")
    auth = {"kind": "key", "header": "access-token", "secret_file": "wvp.token"}
    async with source(served) as web:
        bound, ctx = feed("wvp", tmp_path, url=web.url + "/", page=2, auth=auth)
        async with aclosing(cast(Any, bound.feed.open)(bound.settings, ctx)) as deliveries:
            async for delivery in deliveries:
                cameras, poll, refused = parsed(bound, ctx, delivery.payload)
                break
        assert (len(cameras), poll.usual, poll.others, refused) == (15, 0, {}, [])
        bound, ctx = feed("wvp", tmp_path, url=web.url + "/")
        with pytest.raises(SourceFailed, match="does not know us"):
            async for _ in cast(Any, bound.feed.open)(bound.settings, ctx):
                pass


def test_the_kinds_say_what_becomes_of_what_and_what_is_refused() -> None:
    for kind in ("zlmediakit", "mediamtx", "wvp"):
        assert kinds()[kind].mapped
        assert kinds()[kind].refused
