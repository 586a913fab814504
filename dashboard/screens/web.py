"""The web server's front: the screens' pages, their files and outlines, and what every answer must carry.

It is one ASGI app. Dash draws the components; the addresses, the headers, the sizes and the caching are ours.
Each screen has an address of its own (``/wall``) and, through a prefix that only the page's configuration
knows, its own layout (``/wall/_dash-layout``).
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any, cast

from dash import Dash
from dash.backends._fastapi import reset_current_request, set_current_request
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.city import City
from dashboard.ground.outlines import Gazetteer
from dashboard.places import PlaceTree
from dashboard.screens import kept as keeping
from dashboard.screens.layout import Layout
from dashboard.screens.marks import ASSETS
from dashboard.screens.page import alone, desk_scripts, layouts_of, page, policy, staged, to_json, wall_scripts
from dashboard.screens.panel import all_panels

BODY = 1 << 20  # Bytes of the largest request body, unless a path has its own limit.
SMALL = 512  # Bytes below which compressing is not worth it.
FOREVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"  # May be kept, but the browser asks each time whether it is still right.
DASH_PATHS = ("/_dash-component-suites/", "/_dash-dependencies", "/_dash-update-component", "/_favicon.ico", "/assets/")
PLOTLY = "/_dash-component-suites/plotly/package_data/plotly.min.js"
BASIC = "/assets/vendor/plotly-basic.min.js"  # Bars, lines and pies: a quarter of the whole, and of its parsing.
FINGERPRINT = re.compile(r"\.v[\w-]+m\d+(?=\.)")
PREFIX = re.compile(r'("requests_pathname_prefix":\s*)"(?:/|\\u002f)"')
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

INDEX = """<!DOCTYPE html>
<html lang="LANGUAGE" data-link="opening">
<head>
{%metas%}
<title>{%title%}</title>
{%favicon%}
{%css%}
</head>
<body>
{%app_entry%}
{%config%}
{%scripts%}
{%renderer%}
</body>
</html>
"""


def make_app(
    city: City,
    places: PlaceTree,
    gazetteer: Gazetteer,
    *,
    routes: Sequence[BaseRoute] = (),
    lifespan: Any = None,
    version: str | None = None,
    body_limit: int = BODY,
    body_limits: Mapping[str, int] | None = None,
    layouts: Mapping[str, Layout] | None = None,
    desks: Mapping[str, Any] | None = None,
) -> FastAPI:
    """The ASGI app of a city. ``routes`` come before everything else.

    ``lifespan(app)`` is run around its life, ``version`` is what its pages say they are (see ``page_version``).
    ``body_limits`` maps the beginning of a path to the bytes a request to it may have. ``layouts`` are those
    that are found, unless others are given. ``desks`` are pages of their own by name, each a component tree with
    a module of the same name in ``assets/desk``.

    Raises:
        KeyError: naming a screen of the city file that is no layout.
    """
    version = version or page_version()
    layouts = layouts_of(city) if layouts is None else layouts
    for screen in city.screens:
        if screen not in layouts:
            raise KeyError(
                f"{city.name}: screens: there is no layout {screen!r}; known are {', '.join(sorted(layouts))}"
            )
    own: list[BaseRoute] = [*routes]
    server = FastAPI(lifespan=cast(Any, lifespan), docs_url=None, redoc_url=None, openapi_url=None)
    app = Dash(
        "citywall",
        backend="fastapi",
        server=server,
        assets_folder=str(ASSETS),
        assets_path_ignore=["vendor", "desk"],  # What is in it comes when it is asked for.
        update_title=cast(Any, None),
        suppress_callback_exceptions=True,
        title=city.title.words[city.languages[0]],
        meta_tags=_metas(city, places, gazetteer, version),
    )
    app.backend.websocket_capability = False  # Its own socket would only idle beside /live.
    app.index_string = INDEX.replace("LANGUAGE", city.languages[0])
    pages = {screen: staged(page(layouts[screen], city, places)) for screen in city.screens}
    app.layout = pages[city.screens[0]]

    async def first(request: Request) -> Response:
        return RedirectResponse(f"/{city.screens[0]}" + (f"?{request.url.query}" if request.url.query else ""), 307)

    async def shapes(request: Request) -> Response:
        code = request.path_params["code"]
        if code not in places:
            return Response("no such place", 404, media_type="text/plain")
        body = await asyncio.to_thread(lambda: to_json(gazetteer.shapes(code)))
        return Response(body, media_type="application/json")

    async def panel(request: Request) -> Response:
        name = request.path_params["panel"]
        if name not in all_panels() or name == "header":
            return Response("no such panel", 404, media_type="text/plain")
        return Response(to_json(page(alone(name), city, places)), media_type="application/json")

    own += [Route("/", first), Route("/shapes/{code}.json", shapes), Route("/panel/{panel}.json", panel)]
    own += keeping.routes(layouts, city, version)
    for screen, tree in pages.items():
        # Only what is used: a browser complains of what was loaded ahead in vain.
        chart = '"type":"Graph"' in to_json(tree).decode().replace(" ", "")
        ahead = f'<link rel="preload" as="script" href="/{screen}{PLOTLY}">' if chart else ""
        ahead = "\n".join(filter(None, (ahead, keeping.head(layouts[screen], city))))
        own += _screen(screen, app, tree, city, places, partial(wall_scripts, ahead=ahead))
    for desk, tree in (desks or {}).items():
        grid = "dash_ag_grid" in to_json(tree).decode()
        own += _screen(desk, app, tree, city, places, partial(desk_scripts, name=desk, version=version, grid=grid))
    server.router.routes[:0] = own
    server.add_middleware(
        cast(Any, Front), own=own, limit=body_limit, limits=body_limits or {}, screens=(*city.screens, *(desks or {}))
    )
    return server


def page_version() -> str:
    """Eight characters that change when anything a page consists of does, so that old pages reload themselves."""
    root = ASSETS.parent
    digest = blake2b(digest_size=4)
    patterns = ("assets/**/*", "panels/*.py", "layouts/*.py", "dashboard/**/*.py", "dashboard/**/*.js")
    for file in sorted(file for pattern in patterns for file in root.glob(pattern)):
        if file.is_file():
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _metas(city: City, places: PlaceTree, gazetteer: Gazetteer, version: str) -> list[dict[str, str]]:
    """What ``live.mjs`` and ``map.mjs`` must know before the first message."""
    said = {
        "version": version,
        "shapes": _shapes_version(city, places, version),
        "schematic": "yes" if gazetteer.schematic else "no",
        "languages": " ".join(city.languages),
        "root": places.root.code,
        "zone": city.zone,
        "night": " ".join((*city.display.night, str(city.display.dim))) if city.display.night else "",
        "orbit": str(city.display.orbit),
        "people": json.dumps([person.model_dump() for person in city.people], ensure_ascii=False),  # Dash escapes it.
        "memory": " ".join(map(str, city.display.memory)),
        "afresh": str(city.display.afresh_hours),
    }
    return [
        {"name": "viewport", "content": "width=device-width, initial-scale=1"},
        {"name": "color-scheme", "content": "dark"},
        {"name": "referrer", "content": "same-origin"},
        *({"name": f"citywall-{name}", "content": value} for name, value in said.items()),
    ]


def _shapes_version(city: City, places: PlaceTree, version: str) -> str:
    """What the outlines follow from: their file or the centres they grow around, and the code that does it."""
    digest = blake2b(version.encode(), digest_size=6)
    digest.update(repr([(place.code, place.name, place.name_en, place.centre) for place in places]).encode())
    if city.places.outlines and city.places.outlines != "schematic":
        stat = city.path(city.places.outlines).stat()
        digest.update(f"{stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()


def _screen(
    screen: str, app: Dash, tree: Any, city: City, places: PlaceTree, loads: Callable[[str], str]
) -> list[BaseRoute]:
    """A screen's page, and the layout it asks for."""
    kept: dict[str, bytes] = {}

    async def show(request: Request) -> Response:
        asked = dict(request.query_params)
        known: dict[str, Any] = {"place": places, "lang": city.languages}
        if wrong := [name for name in asked if name in known and asked[name] not in known[name]]:
            return RedirectResponse(request.url.remove_query_params(wrong).replace(scheme="", netloc=""), 307)
        if "page" not in kept:
            app._setup_server()  # Finds the assets; Dash does it at the first request to itself.
            token = set_current_request(request)  # Dash looks for a request while it writes the page.
            try:
                text = app.index()
            finally:
                reset_current_request(token)
            text, found = PREFIX.subn(rf'\1"/{screen}/"', text)
            assert found == 1, "Dash writes its configuration differently now"
            kept["page"] = loads(text).encode()
        headers = {"content-security-policy": policy(kept["page"].decode())}
        return Response(kept["page"], media_type="text/html", headers=headers)

    async def layout(request: Request) -> Response:
        if "layout" not in kept:
            kept["layout"] = to_json(tree)
        return Response(kept["layout"], media_type="application/json")

    return [Route(f"/{screen}", show), Route(f"/{screen}/_dash-layout", layout)]


class TooLarge(Exception):
    """A request's body is longer than its path allows."""


@dataclass(frozen=True)
class Kept:
    """A static answer, ready to send: packed with gzip where that pays."""

    body: bytes
    packed: bool
    kind: bytes
    tag: bytes


class Front:
    """The outermost ASGI layer: unknown addresses, too large bodies, headers, and static answers from memory."""

    def __init__(
        self, app: ASGIApp, own: Sequence[BaseRoute], limit: int, limits: Mapping[str, int], screens: Sequence[str]
    ) -> None:
        self.app, self.own, self.limit, self.limits = app, own, limit, limits
        self.prefixes, self.pages = tuple(f"/{screen}/_dash-" for screen in screens), {f"/{s}" for s in screens}
        self.static = ("/_dash-component-suites/", "/assets/", "/shapes/", "/panel/", "/_favicon.ico", *self.prefixes)
        self.kept: dict[tuple[str, float], Kept] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, socket or lifespan."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        matches = {route.matches(scope)[0] for route in self.own}
        ours = Match.FULL in matches
        if not ours and Match.PARTIAL in matches:  # Dash's own catch-all would take it and answer with its page.
            await _refuse(send, 405, "not by this method")
            return
        if not ours and path.startswith(self.prefixes):
            path = "/_dash-" + path.split("/_dash-", 1)[1]
            path = BASIC if path == PLOTLY else path
            scope = {**scope, "path": path, "raw_path": path.encode()}
        if not ours and not path.startswith(DASH_PATHS):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 4404})
            else:
                await _refuse(send, 404, "not found")
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        if scope["method"] in ("GET", "HEAD") and (path in self.pages or path.startswith(self.static)):
            await self._from_shelf(scope, path, send)
            return
        await self._limited(scope, receive, send)

    # -- requests with a body ----------------------------------------------------------------------------

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as long as its body keeps to its limit."""
        limit = next((n for start, n in self.limits.items() if scope["path"].startswith(start)), self.limit)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await _refuse(send, 413, f"the body is larger than {limit} bytes")
            return
        seen, over, started = 0, False, False

        async def counted() -> Message:
            nonlocal seen, over
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                over = True
                raise TooLarge
            return message

        async def dressed(message: Message) -> None:
            nonlocal started
            if over and not started:
                return  # What the inner app says about the broken body; the refusal follows.
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": _dress(message["headers"])}
            await send(message)

        try:
            await self.app(scope, counted, dressed)
        except Exception:
            if not over:
                raise
        if over and not started:
            await _refuse(send, 413, f"the body is larger than {limit} bytes")

    # -- static answers ----------------------------------------------------------------------------------

    async def _from_shelf(self, scope: Scope, path: str, send: Send) -> None:
        """Answer from memory what was asked before; what is new is asked for inside, packed and kept."""
        asset = ASSETS / path.removeprefix("/assets/") if path.startswith("/assets/") else None
        changed = asset.stat().st_mtime if asset is not None and ".." not in path and asset.is_file() else 0.0
        key = (FINGERPRINT.sub("", path), changed)
        headers = dict(scope["headers"])
        kept = self.kept.get(key)
        extra: list[tuple[bytes, bytes]] = []
        if kept is None or path in self.pages:
            status, said, body = await self._ask(scope)
            if status >= 400:  # Also where Dash fails at a path that names no file of a component.
                await _refuse(send, 404, "not found")
                return
            if status != 200:
                await send({"type": "http.response.start", "status": status, "headers": _dress(said)})
                await send({"type": "http.response.body", "body": body})
                return
            extra = [(name, value) for name, value in said if name == b"content-security-policy"]
            if kept is None or kept.tag != _tag(body):
                kept = self.kept[key] = await asyncio.to_thread(_keep, body, dict(said).get(b"content-type", b""))
        lasting = FINGERPRINT.search(path) or re.search(rb"(^|&)[mv]=\w", scope["query_string"])
        about = [
            (b"content-type", kept.kind), (b"etag", kept.tag), (b"vary", b"accept-encoding"),
            (b"cache-control", (FOREVER if lasting else ASK_FIRST).encode()), *extra,
        ]  # fmt: skip
        if kept.tag in headers.get(b"if-none-match", b""):
            await send({"type": "http.response.start", "status": 304, "headers": _dress(about)})
            await send({"type": "http.response.body", "body": b""})
            return
        body = kept.body
        if kept.packed:
            if b"gzip" in headers.get(b"accept-encoding", b""):
                about.append((b"content-encoding", b"gzip"))
            else:
                body = await asyncio.to_thread(gzip.decompress, body)
        about.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": _dress(about)})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _ask(self, scope: Scope) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """What the inner app answers to a plain GET of this address."""
        plain = [(name, value) for name, value in scope["headers"] if name in (b"host", b"referer")]
        asked = {**scope, "method": "GET", "headers": plain}
        status, headers, body = 500, cast("list[tuple[bytes, bytes]]", []), bytearray()

        empty: Message = {"type": "http.request", "body": b"", "more_body": False}
        said = [empty]

        async def nothing() -> Message:
            if not said:
                await asyncio.Event().wait()  # Whoever listens for the client's leaving listens for ever.
            return said.pop()

        async def collect(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], [(name.lower(), value) for name, value in message["headers"]]
            else:
                body.extend(message.get("body", b""))

        await self.app(asked, nothing, collect)
        return status, headers, bytes(body)


def _tag(body: bytes) -> bytes:
    return b'"' + blake2b(body, digest_size=12).hexdigest().encode() + b'"'


def _keep(body: bytes, kind: bytes) -> Kept:
    text = any(word in kind for word in (b"text", b"javascript", b"json", b"svg", b"wasm"))
    if text and len(body) > SMALL:
        return Kept(gzip.compress(body, 6, mtime=0), True, kind, _tag(body))
    return Kept(body, False, kind, _tag(body))


def _dress(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer with those every answer carries; what the answer says itself stays."""
    said = {name.lower() for name, _ in headers}
    common = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in said]
    if b"content-security-policy" not in said:
        common.append((b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"))
    if b"cache-control" not in said:
        common.append((b"cache-control", b"no-store"))
    return [*headers, *common]


async def _refuse(send: Send, status: int, why: str) -> None:
    """Say no in one sentence."""
    body = json.dumps({"reason": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 413:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": _dress(headers)})
    await send({"type": "http.response.body", "body": body})
