"""What makes the cockpit an app: a manifest a browser accepts, and a worker that is another with every version."""

from __future__ import annotations

import struct
from typing import Any

import httpx
import pytest

from dashboard.city import read_city
from dashboard.doors.console import city_file
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.screens.kept import ICONS, WORKER
from dashboard.screens.marks import ASSETS
from dashboard.screens.web import make_app


@pytest.fixture(scope="module")
def web() -> Any:
    """The pages of the simulated district."""
    city = read_city(city_file("nanhai"))
    places = read_places(city)
    return make_app(city, places, Gazetteer.of(city, places), version="abc12345")


async def get(web: Any, path: str) -> httpx.Response:
    """What the pages answer."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://here") as client:
        return await client.get(path)


async def test_the_manifest_names_icons_that_are_there_in_their_sizes(web: Any) -> None:
    answer = await get(web, "/cockpit.webmanifest")
    assert answer.headers["content-type"].startswith("application/manifest+json")
    said = answer.json()
    assert said["start_url"] == said["id"] == "/cockpit"
    assert said["display"] == "standalone"
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in said["icons"]}
    assert "maskable" in {icon["purpose"] for icon in said["icons"]}
    for name, size in ICONS.items():
        body = (ASSETS / "icons" / name).read_bytes()
        assert body[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", body[16:24]) == (size, size)
        assert (await get(web, f"/assets/icons/{name}")).content == body


async def test_only_a_kept_screen_is_an_app(web: Any) -> None:
    assert 'rel="manifest" href="/cockpit.webmanifest"' in (await get(web, "/cockpit")).text
    assert 'rel="manifest"' not in (await get(web, "/wall")).text
    assert (await get(web, "/wall.webmanifest")).status_code == 404


async def test_the_worker_bears_the_version_and_may_ask_its_own_server_alone(web: Any) -> None:
    answer = await get(web, "/kept-worker.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache", "an old worker would keep an old page alive"
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
    assert 'PAGES = "abc12345"' in answer.text
    assert 'KEPT = ["/cockpit"]' in answer.text
    assert '"VERSION"' not in answer.text
    assert '"VERSION"' in WORKER.read_text(encoding="utf-8")


async def test_what_moves_is_never_kept(web: Any) -> None:
    text = (await get(web, "/kept-worker.js")).text
    pattern = text.split("const STATIC = /", 1)[1].split("/;", 1)[0].replace("\\/", "/")
    import re

    static = re.compile(pattern)
    assert static.match("/assets/live.mjs")
    asked = ("/live/poll", "/act", "/tickets/rows", "/ticket/data", "/trace", "/records", "/status", "/ingest/intake")
    for path in asked:
        assert not static.match(path), path
