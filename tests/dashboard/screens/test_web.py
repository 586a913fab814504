"""The web front, asked over ASGI: addresses, headers, sizes, caching, and what is not there."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from dashboard.city import City, make_city
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.screens.page import policy
from dashboard.screens.web import make_app, page_version
from tests.town import square

LIMIT = 2000


def town(folder: Path, **more: Any) -> City:
    """A city of two squares."""
    (folder / "places.csv").write_text(
        "code,name,level,parent,name_en\nT,镇,city,,Town\nA,甲,district,T,Alpha\nB,乙,district,T,Beta\n",
        encoding="utf-8",
    )
    shapes = [("A", square(113.0, 23.0)), ("B", square(113.1, 23.0))]
    features = [{"type": "Feature", "properties": {"code": code}, "geometry": shape} for code, shape in shapes]
    (folder / "outlines.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    table = {
        "name": "town", "title": {"zh": "镇", "en": "Town"}, "zone": "Asia/Shanghai",
        "places": {"file": "places.csv", "outlines": "outlines.geojson"},
    }  # fmt: skip
    return make_city(table | more, folder / "town.toml")


async def echo(request: Request) -> JSONResponse:
    """How long the body was."""
    return JSONResponse({"bytes": len(await request.body())})


async def live(socket: WebSocket) -> None:
    """A socket that says yes."""
    await socket.accept()
    await socket.close()


def app_of(city: City) -> Any:
    """The city's app with two routes of a caller."""
    places = read_places(city)
    routes = [Route("/ingest/{feed}", echo, methods=["POST"]), WebSocketRoute("/live", live)]
    limits = {"/ingest/": LIMIT}
    return make_app(city, places, Gazetteer.of(city, places), routes=routes, version="v1", body_limits=limits)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the town's app."""
    transport = httpx.ASGITransport(app=app_of(town(tmp_path)))
    async with httpx.AsyncClient(transport=transport, base_url="http://wall.test") as client:
        yield client


async def test_the_root_leads_to_the_city_s_first_screen_and_keeps_the_question(client: httpx.AsyncClient) -> None:
    answer = await client.get("/?place=A&lang=en")
    assert answer.status_code == 307
    assert answer.headers["location"] == "/wall?place=A&lang=en"


async def test_the_page_carries_its_version_and_asks_for_its_own_layout(client: httpx.AsyncClient) -> None:
    answer = await client.get("/wall")
    assert answer.status_code == 200
    assert '<meta name="citywall-version" content="v1">' in answer.text
    (prefix,) = re.findall(r'"requests_pathname_prefix": ?"([^"]+)/"', answer.text)
    assert re.fullmatch(r"/wall/_dash-v[0-9a-f]{12}", prefix)
    for at in ("/wall", prefix):
        layout = (await client.get(f"{at}/_dash-layout")).json()
        assert (layout["props"]["id"], layout["props"]["children"]["props"]["id"]) == ("stage", "wall")
        assert (await client.get(f"{at}/_dash-dependencies")).json() == []


async def test_a_page_loads_ahead_what_dash_will_ask_for_and_keeps_it_by_its_mark(client: httpx.AsyncClient) -> None:
    text = (await client.get("/wall")).text
    ahead = re.findall(r'<link rel="preload" as="fetch" crossorigin href="([^"]+)">', text)
    (prefix,) = re.findall(r'"requests_pathname_prefix": ?"([^"]+)/"', text)
    assert ahead == [f"{prefix}/_dash-layout", f"{prefix}/_dash-dependencies"]
    for path in ahead:
        assert (await client.get(path)).headers["cache-control"] == "public, max-age=31536000, immutable"
        # A page of another version must not keep this one's under its own address.
        other = await client.get(re.sub("_dash-v[0-9a-f]", "_dash-v", path))
        assert (other.status_code, other.headers["cache-control"]) == (200, "no-cache")
    assert (await client.get("/nowhere/_dash-v0123456789ab/_dash-layout")).status_code == 404


async def test_nothing_on_the_page_comes_from_elsewhere(client: httpx.AsyncClient) -> None:
    text = (await client.get("/wall")).text
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", text)
    assert re.findall(r'src="/assets/page\.mjs\?v=', text), "the browser's side is on the page"


async def test_the_house_s_own_files_come_as_three_and_dash_begins_behind_them(client: httpx.AsyncClient) -> None:
    answer = await client.get("/wall")
    own = re.findall(r'(?:src|href)="(/assets/[^"]+\.(?:m?js|css)\b[^"]*)"', answer.text)
    names = [url.partition("?")[0] for url in own]
    assert names == ["/assets/first.js", "/assets/page.css", "/assets/page.mjs"], "a script waits for a style before it"
    bodies = {}
    for url in own:
        file = await client.get(url)
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        bodies[url.partition("?")[0]] = file.text
    assert "// assets/live.mjs\n" in bodies["/assets/page.mjs"]
    assert "// assets/live/link.mjs\n" in bodies["/assets/first.js"]
    scripts = re.findall(r"<script[^>]*>", answer.text)
    assert scripts[-1] == '<script id="_dash-renderer" type="module">', "modules run in the order they are named in"
    (begins,) = re.findall(r'<script id="_dash-renderer" type="module">(.*?)</script>', answer.text)
    digest = b64encode(sha256(begins.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("asked", "left"),
    [("place=nowhere", ""), ("lang=fr", ""), ("place=nowhere&lang=en", "lang=en"), ("place=A&lang=xx", "place=A")],
)
async def test_an_unknown_place_or_language_is_dropped(client: httpx.AsyncClient, asked: str, left: str) -> None:
    answer = await client.get(f"/wall?{asked}")
    assert answer.status_code == 307
    location = httpx.URL(answer.headers["location"])
    assert location.path == "/wall"
    assert location.query.decode() == left


@pytest.mark.parametrize(
    "path",
    [
        "/docs", "/redoc", "/openapi.json", "/wallpaper", "/wall/x", "/.env", "/_reload-hash", "/_dash-layout",
        "/_alive_x", "/_dash-ws-callback", "/assets/../pyproject.toml", "/assets/%2e%2e/pyproject.toml",
        "/shapes/nowhere.json", "/_dash-component-suites/os/path.py",
    ],
)  # fmt: skip
async def test_what_is_not_there_is_not_there(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404, answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["/wall", "/assets/wall.css", "/nowhere", "/shapes/T.json", "/"])
async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "content-security-policy" in headers
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert "server" not in headers


async def test_the_page_s_policy_knows_its_inline_scripts_and_no_others(client: httpx.AsyncClient) -> None:
    answer = await client.get("/wall")
    scripts = answer.headers["content-security-policy"].split("script-src")[1].split(";")[0]
    assert "'self'" in scripts
    assert "unsafe-inline" not in scripts
    assert scripts.count("sha256-") == 1, "Dash's own start"


def test_a_policy_counts_only_scripts_that_run() -> None:
    text = '<script src="/a.js"></script><script type="application/json">{}</script><script>run()</script>'
    assert policy(text).count("sha256-") == 1


async def test_static_files_are_packed_and_kept_for_good(client: httpx.AsyncClient) -> None:
    page = (await client.get("/wall")).text
    for found in re.findall(r'(?:src|href)="(/(?:assets|_dash-component-suites)/[^"]+)"', page):
        answer = await client.get(found, headers={"accept-encoding": "gzip"})
        assert answer.status_code == 200, found
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable", found
        if ".woff2" in found:  # It is packed in itself.
            assert answer.headers["content-type"] == "font/woff2"
            assert "content-encoding" not in answer.headers
        elif int(answer.headers["content-length"]) > 1000:
            assert answer.headers["content-encoding"] == "gzip", found
        again = await client.get(found, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
        assert not again.content


async def test_charts_are_drawn_by_the_small_bundle_and_it_comes_early(tmp_path: Path) -> None:
    app = app_of(town(tmp_path, screens=["intake"]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://wall.test") as client:
        page = (await client.get("/intake")).text
        (path,) = re.findall(r'<link rel="preload" as="script" href="([^"]+)"', page)
        answer = await client.get(path, headers={"accept-encoding": "gzip"})
    assert answer.content.startswith(b"/**\n* plotly.js (basic - minified)")
    assert int(answer.headers["content-length"]) < 500_000
    assert "plotly-basic" not in page, "it is asked for by Dash, and only there"


async def test_a_screen_without_charts_loads_nothing_ahead(tmp_path: Path) -> None:
    app = app_of(town(tmp_path, screens=["intake", "video"]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://wall.test") as client:
        ahead = {screen: 'as="script"' in (await client.get(f"/{screen}")).text for screen in ("intake", "video")}
    assert ahead == {"intake": True, "video": False}


async def test_a_page_names_what_it_is_to_show_and_loads_only_what_that_needs(tmp_path: Path) -> None:
    app = app_of(town(tmp_path, screens=["intake", "video"]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://wall.test") as client:
        pages = {screen: (await client.get(f"/{screen}")).text for screen in ("intake", "video")}
        for screen, text in pages.items():
            (panels,) = re.findall(r'<meta name="citywall-panels" content="([^"]+)">', text)
            layout = (await client.get(f"/{screen}/_dash-layout")).text
            assert panels.split() == re.findall(r'"data-panel":"([^"]+)"', layout)
            assert text.index("citywall-panels") < text.index("/assets/first.js")
            assert "dash_table" not in re.sub(r'<script id="_dash-config".*?</script>', "", text, flags=re.DOTALL)
        assert re.findall(r'<script src="[^"]+/dash/dcc/dash_core_components\.', pages["intake"]), "it has a chart"
        assert not re.findall(r'<script src="[^"]+/dash/dcc/', pages["video"])
        (later,) = re.findall(r'<meta name="citywall-later" content="([^"]+)">', pages["video"])
        assert "citywall-later" not in pages["intake"]
        assert [(await client.get(path)).status_code for path in later.split()] == [200, 200, 200]


async def test_who_cannot_unpack_gets_the_same_file(client: httpx.AsyncClient) -> None:
    plain = await client.get("/assets/live.mjs", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert b"/live" in plain.content
    packed = await client.get("/assets/live.mjs", headers={"accept-encoding": "gzip"})
    assert packed.content == plain.content
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["cache-control"] == "no-cache", "an address without fingerprint may change"


async def test_head_says_what_get_would(client: httpx.AsyncClient) -> None:
    head, get = await client.head("/assets/wall.css"), await client.get("/assets/wall.css")
    assert head.status_code == 200
    assert not head.content
    assert head.headers["etag"] == get.headers["etag"]


async def test_fingerprints_do_not_fill_the_memory(tmp_path: Path) -> None:
    app = app_of(town(tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://wall.test") as client:
        page = (await client.get("/wall")).text
        (path,) = re.findall(r'src="(/_dash-component-suites/dash/html/[^"]+)"', page)
        for n in range(5):
            await client.get(re.sub(r"m\d+", f"m{n}", path))
            await client.get(f"/assets/wall.css?m={n}")
    front = next(layer for layer in layers(app) if hasattr(layer, "kept"))
    assert len(front.kept) == 3  # The page, one file of Dash, one of ours.


async def test_one_file_has_one_address_and_is_kept_once(tmp_path: Path) -> None:
    app = app_of(town(tmp_path))
    outside = tmp_path / "outside.css"
    outside.write_text("x")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://wall.test") as client:
        page = (await client.get("/wall")).text
        (path,) = re.findall(r'src="(/_dash-component-suites/dash/html/[^"]+)"', page)
        assert [(await client.get(good)).status_code for good in ("/assets/wall.css", path)] == [200, 200]
        for other in (
            "/assets/%2e/wall.css", "/assets/vendor/%2e%2e/wall.css", "/assets//wall.css", "/assets/wall.css/",
            f"/assets/{outside}", path.replace("/dash/", "/dash//", 1), path.replace("/dash/", "/dash/x/%2e%2e/", 1),
            "/shapes//T.json", "/wall/",
        ):  # fmt: skip
            answer = await client.get(other)
            assert answer.status_code == 404, other
    front = next(layer for layer in layers(app) if hasattr(layer, "kept"))
    assert len(front.kept) == 3  # The page, one file of Dash, one of ours.


def layers(app: Any) -> list[Any]:
    """The ASGI layers of an app that has been asked something, outermost first."""
    found, layer = [], app.middleware_stack
    while layer is not None:
        found.append(layer)
        layer = getattr(layer, "app", None)
    return found


async def test_outlines_are_cacheable_geojson(client: httpx.AsyncClient) -> None:
    answer = await client.get("/shapes/T.json?v=abc")
    assert answer.headers["cache-control"].endswith("immutable")
    assert {feature["properties"]["code"] for feature in answer.json()["features"]} == {"A", "B"}
    assert (await client.get("/shapes/T.json")).headers["cache-control"] == "no-cache"


async def test_a_body_within_its_limit_passes_and_a_larger_one_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/ingest/post", content=b"x" * LIMIT)).json() == {"bytes": LIMIT}
    answer = await client.post("/ingest/post", content=b"x" * (LIMIT + 1))
    assert answer.status_code == 413
    assert str(LIMIT) in answer.json()["reason"]


async def test_a_body_that_hides_its_length_is_refused_as_soon_as_it_is_too_long(client: httpx.AsyncClient) -> None:
    sent = 0

    async def drip() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1000
            yield b"x" * 1000

    answer = await client.post("/ingest/post", content=drip())
    assert answer.status_code == 413
    assert sent <= 3 * LIMIT, "the rest was never read"


@pytest.mark.parametrize("length", ["-1", "1e3", "x", "99999999999999999999"])
async def test_a_length_that_is_no_number_or_too_large_is_refused(client: httpx.AsyncClient, length: str) -> None:
    answer = await client.post("/ingest/post", content=b"x", headers={"content-length": length})
    assert answer.status_code == 413


async def test_a_screen_that_is_no_layout_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no layout 'cinema'"):
        app_of(town(tmp_path, screens=["cinema"]))


async def test_sockets_reach_their_route_and_no_other(tmp_path: Path) -> None:
    app = app_of(town(tmp_path))

    async def opened(path: str) -> list[str]:
        said: list[str] = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            said.append(message["type"])

        scope = {
            "type": "websocket", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [],
            "scheme": "ws", "subprotocols": [], "root_path": "", "asgi": {"version": "3.0"},
        }  # fmt: skip
        await app(scope, receive, send)
        return said

    assert await opened("/live") == ["websocket.accept", "websocket.close"]
    assert await opened("/_dash-ws-callback") == ["websocket.close"]
    assert await opened("/wall") == ["websocket.close"]


def test_the_version_of_the_page_is_stable() -> None:
    assert page_version() == page_version()
    assert re.fullmatch("[0-9a-f]{8}", page_version())
