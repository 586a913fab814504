"""Cameras asked directly: real RTSP and HLS servers, recorded answers, and servers that mean no good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.nouns.video import CLOCK, DOWN, PICTURE, CamerasListed, CamerasPolled
from dashboard.sources.feed import BoundFeed, Context, Rejected, SourceFailed, bind
from dashboard.sources.inventory import inventory_of
from dashboard.sources.platforms import Asked
from dashboard.sources.rtsp import Refused, credentials, device_time, has_video, read_answer
from feeds.probe import Found, Prober, playlist_status, variant_of
from tests import cameras
from tests.servers import until
from tests.source import reply, source
from tests.town import DATA, NOW, context, town

VIDEO = DATA / "video"
SOAP = """<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>
<tds:GetSystemDateAndTimeResponse xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema">
<tds:SystemDateAndTime><tt:UTCDateTime><tt:Time><tt:Hour>{0.hour}</tt:Hour><tt:Minute>{0.minute}</tt:Minute><tt:Second>{0.second}
</tt:Second></tt:Time><tt:Date><tt:Year>{0.year}</tt:Year><tt:Month>{0.month}</tt:Month><tt:Day>{0.day}</tt:Day></tt:Date>
</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse></s:Body></s:Envelope>"""


def feed(folder: Path, *lines: str, **settings: Any) -> tuple[BoundFeed, Context]:
    """A probe of the cameras in these lines (id,address,device)."""
    (folder / "cameras.csv").write_text("\n".join(["id,address,device", *lines]) + "\n", encoding="utf-8")
    (folder / "cameras.secret").write_text("geheim\n")
    table = {
        "kind": "probe", "name": "direct", "inventory": "cameras.csv", "networks": ["127.0.0.0/8"], "timeout": 3.0,
        "user": "wall", "secret_file": "cameras.secret", **settings,
    }  # fmt: skip
    city = town(folder, table)
    (bound,) = bind(city)
    return bound, context(city)


async def swept(bound: BoundFeed, ctx: Context, prober: Prober | None = None) -> tuple[dict[str, int], dict[str, str]]:
    """The status of each camera after one sweep, and what was strange about it."""
    mine = prober or Prober(cast(Any, bound.settings), ctx)
    found = await mine.sweep()
    if prober is None:
        await mine.web.aclose()
    return parsed(bound, ctx, found)


def parsed(bound: BoundFeed, ctx: Context, found: list[Found]) -> tuple[dict[str, int], dict[str, str]]:
    inventory, letters = inventory_of(cast(Any, bound.settings), ctx)
    events = list(
        bound.feed.parse(Asked(NOW.timestamp(), found, inventory=inventory, letters=letters), bound.settings, ctx)
    )
    (poll,) = [one for one in events if isinstance(one, CamerasPolled)]
    listed = [camera.id for one in events if isinstance(one, CamerasListed) for camera in one.cameras]
    strange = {one.where: one.reason for one in events if isinstance(one, Rejected)}
    return {camera: poll.others.get(camera, poll.usual) for camera in listed}, strange


# -- real servers ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed() -> None:
    missing = cameras.gstreamer()
    if missing:
        pytest.skip(missing)


async def test_a_real_rtsp_server_shows_video_or_none_or_has_no_such_camera(installed: None, tmp_path: Path) -> None:
    with cameras.rtsp_server() as url:
        bound, ctx = feed(tmp_path, f"a,{url}/cam1,", f"b,{url}/sound,", f"c,{url}/none,", "d,rtsp://127.0.0.1:1/cam1,")
        status, strange = await swept(bound, ctx)
    assert status == {"a": 0, "b": PICTURE, "c": DOWN, "d": DOWN}
    assert strange == {}


async def test_a_real_rtsp_server_asks_for_a_digest(installed: None, tmp_path: Path) -> None:
    with cameras.rtsp_server("wall", "geheim") as url:
        bound, ctx = feed(tmp_path, f"a,{url}/cam1,")
        assert await swept(bound, ctx) == ({"a": 0}, {})
        (tmp_path / "cameras.secret").write_text("falsch")
        assert await swept(bound, ctx) == ({"a": PICTURE}, {"a": "auth_refused"})


async def test_a_real_playlist_moves_on_until_its_encoder_stops(installed: None, tmp_path: Path) -> None:
    if not cameras.can_encode():
        pytest.skip("GStreamer cannot write HLS (Debian: apt-get install gstreamer1.0-plugins-bad gstreamer1.0-tools)")
    folder = tmp_path / "hls"
    folder.mkdir()
    with cameras.web_server(folder) as url, cameras.hls_encoder(folder) as encoder:
        bound, ctx = feed(tmp_path, f"a,{url}/live.m3u8,")
        prober = Prober(cast(Any, bound.settings), ctx)
        assert await swept(bound, ctx, prober) == ({"a": 0}, {})
        first = (folder / "live.m3u8").read_bytes()
        await asyncio.to_thread(until, lambda: (folder / "live.m3u8").read_bytes() != first, 20, "the playlist moves")
        assert await swept(bound, ctx, prober) == ({"a": 0}, {})
        encoder.kill()
        encoder.wait()

        loop = asyncio.get_running_loop()

        def dead() -> bool:
            return asyncio.run_coroutine_threadsafe(swept(bound, ctx, prober), loop).result(10)[0] == {"a": DOWN}

        await asyncio.to_thread(until, dead, 30, "a playlist that stands still is dead")
        await prober.web.aclose()


# -- what was recorded ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not VIDEO.is_dir(), reason="the recorded answers are not beside the project")
async def test_the_recorded_rtsp_answers_are_read_one_after_the_other() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(
        (VIDEO / "captured" / "rtsp_options_describe.txt").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    )
    reader.feed_eof()
    options = await read_answer(reader)
    assert "DESCRIBE" in options.headers["public"]
    describe = await read_answer(reader)
    assert (describe.status, len(describe.body)) == (200, 530)
    assert has_video(describe.body)


@pytest.mark.skipif(not VIDEO.is_dir(), reason="the recorded playlists are not beside the project")
@pytest.mark.parametrize(
    ("name", "age", "status"), [("hls_live", 1.0, 0), ("hls_live", 7.0, DOWN), ("hls_ended", 0.0, DOWN)]
)
def test_the_recorded_playlists_live_until_they_stand_still(name: str, age: float, status: int) -> None:
    body = (VIDEO / "captured" / f"{name}.m3u8").read_bytes()
    assert playlist_status(Found("a", "hls", 200, body, before=(body, age)))[0] == status


@pytest.mark.skipif(not VIDEO.is_dir(), reason="the recorded answers are not beside the project")
@pytest.mark.parametrize("file", sorted((VIDEO / "onvif").glob("*.xml")), ids=lambda file: file.name)
def test_every_recorded_onvif_answer_is_refused_by_name_where_it_tells_no_time(file: Path) -> None:
    with pytest.raises(Refused, match=r"^not_onvif: it tells no UTC time|^not_xml: "):
        device_time(file.read_text("utf-8"))


# -- by the documents ------------------------------------------------------------------------------------------------


def test_a_digest_is_the_one_of_the_rfc() -> None:
    # RFC 7616, section 3.9.1, and RFC 2617, section 3.5.
    challenge = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    ours = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    for algorithm, expected in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        said = credentials(challenge.format(algorithm), "GET", "/dir/index.html", "Mufasa", "Circle of Life", ours)
        assert f'response="{expected}"' in said
    plain = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in credentials(
        plain, "GET", "/dir/index.html", "Mufasa", "Circle Of Life"
    )


@pytest.mark.parametrize(
    "challenge", ["Negotiate x", "Digest realm=x", 'Digest realm="r", nonce="n", algorithm=MD4', ""]
)
def test_a_challenge_nobody_knows_is_refused(challenge: str) -> None:
    with pytest.raises(Refused, match="unknown_challenge"):
        credentials(challenge, "DESCRIBE", "rtsp://h/", "u", "p")


async def test_a_device_s_clock_is_held_against_ours(tmp_path: Path) -> None:
    playlist = reply(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n", content_type="application/vnd.apple.mpegurl"
    )
    wrong = {"/right": timedelta(seconds=20), "/off": timedelta(hours=8)}

    def served(asked: Any) -> bytes:
        if asked.path == "/live.m3u8":
            return playlist
        if asked.path == "/bomb":
            return reply('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
        assert b"GetSystemDateAndTime" in asked.body
        return reply(SOAP.format(NOW + wrong[asked.path]), content_type="application/soap+xml")

    async with source(served) as web:
        lines = [f"{name[1:]},{web.url}/live.m3u8,{web.url}{name}" for name in (*wrong, "/bomb")]
        bound, ctx = feed(tmp_path, *lines, f"none,{web.url}/live.m3u8,http://127.0.0.1:1/")
        status, strange = await swept(bound, ctx)
    assert status == {"right": 0, "off": CLOCK, "bomb": 0, "none": 0}
    assert strange == {"bomb": "forbidden_xml"}


def test_a_master_playlist_leads_to_its_first_variant() -> None:
    master = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n\nlow/live.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhigh.m3u8\n"
    assert variant_of(master) == "low/live.m3u8"
    assert variant_of(b"#EXTM3U\n#EXTINF:2,\na.ts\n") is None


# -- those that mean no good -------------------------------------------------------------------------------------------


@asynccontextmanager
async def hostile(talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """A server that talks as it likes; gives its address as an RTSP camera's."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/cam"
    finally:
        server.close()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", "not_rtsp"),
        (b"\x00\xff\xfe" * 100 + b"\n", "not_rtsp"),
        (b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 100, "too_large"),
        (b"RTSP/1.0 200 OK\r\nX: " + b"y" * 300_000, "too_large"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 999999999\r\n\r\n", "too_large"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", "too_large"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nabc", "broke_off"),
        (b"", "broke_off"),
        (b"RTSP/1.0 401 No\r\nWWW-Authenticate: Negotiate x\r\n\r\n", "unknown_challenge"),
    ],
)
async def test_what_is_no_answer_is_named_and_the_camera_is_down(said: bytes, reason: str, tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    async with hostile(talk) as url:
        bound, ctx = feed(tmp_path, f"a,{url},")
        assert await swept(bound, ctx) == ({"a": DOWN}, {"a": reason})


async def test_slow_ones_cost_their_own_time_and_nobody_else_s(tmp_path: Path) -> None:
    open_now = most = 0

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        try:
            while True:
                writer.write(b"R")
                await writer.drain()
                await asyncio.sleep(0.05)
        finally:
            open_now -= 1

    sdp = b"v=0\r\nm=video 0 RTP/AVP 96\r\n"

    async def good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for body in (b"", sdp):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()

    async with hostile(drip) as slow, hostile(good) as quick:
        bad = [f"slow{n},{slow},".replace("/cam", f"/{n}") for n in range(6)]
        fine = [f"fine{n},{quick.replace('/cam', f'/{n}')}," for n in range(300)]
        bound, ctx = feed(tmp_path, *bad, *fine, timeout=0.5, connections=40, per_host=20)
        began = asyncio.get_running_loop().time()
        status, strange = await swept(bound, ctx)
        took = asyncio.get_running_loop().time() - began
    assert {name for name, one in status.items() if one == DOWN} == {f"slow{n}" for n in range(6)}
    assert strange == {}
    assert most <= 20
    assert took < 15


async def test_a_host_is_never_asked_by_more_than_its_share_at_once(tmp_path: Path) -> None:
    open_now = most = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.02)
        writer.write(b"RTSP/1.0 404 No\r\n\r\n")
        await writer.drain()
        await reader.read()
        open_now -= 1

    async with hostile(talk) as url:
        bound, ctx = feed(tmp_path, *[f"c{n},{url}{n}," for n in range(60)], per_host=3, connections=50)
        status, _ = await swept(bound, ctx)
    assert set(status.values()) == {DOWN}
    assert most <= 3


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("rtsp://10.1.2.3/cam", "foreign_address"), ("http://169.254.169.254/x.m3u8", "foreign_address"),
        ("rtsp://camera.example/1", "foreign_address"), ("file:///etc/passwd", "bad_address"), ("", "bad_address"),
        ("rtsp://wall:geheim@127.0.0.1/1", "bad_address"), ("rtsp://127.0.0.1:99999/", "bad_address"),
        ("rtsp://[::1", "bad_address"), ("rtsp:///x", "bad_address"),
    ],
)  # fmt: skip
async def test_nobody_is_asked_outside_the_networks(address: str, reason: str, tmp_path: Path) -> None:
    bound, ctx = feed(tmp_path, f"a,{address},")
    assert await swept(bound, ctx) == ({"a": DOWN}, {"a": reason})


async def test_a_playlist_may_not_lead_to_another_host_nor_be_endless_nor_something_else(tmp_path: Path) -> None:
    def served(asked: Any) -> bytes:
        answers = {
            "/master": reply("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://169.254.169.254/x.m3u8\n"),
            "/login": reply("<html>log in</html>"),
            "/large": reply(b"#EXTM3U\n" + b"#" * 200_000),
            "/redirect": reply(b"", 302, location="http://169.254.169.254/"),
            "/empty": reply("#EXTM3U\n#EXT-X-TARGETDURATION:2\n"),
        }
        return answers[asked.path]

    async with source(served) as web:
        names = ["master", "login", "large", "redirect", "empty"]
        bound, ctx = feed(tmp_path, *[f"{name},{web.url}/{name}," for name in names])
        status, strange = await swept(bound, ctx)
    assert status == {**dict.fromkeys(names, DOWN), "empty": PICTURE}
    assert strange == {
        "master": "foreign_address", "login": "not_a_playlist", "large": "too_large", "redirect": "http_302",
    }  # fmt: skip


async def test_a_missing_password_is_one_plain_sentence(tmp_path: Path) -> None:
    bound, ctx = feed(tmp_path, "a,rtsp://127.0.0.1:1/,")
    (tmp_path / "cameras.secret").unlink()
    with pytest.raises(SourceFailed, match=r"secret_file: .* cannot be read; put the password there"):
        await swept(bound, ctx)
