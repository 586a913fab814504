"""The web server: the screens' pages, the layouts and outlines they ask for, in one ASGI app behind its front.

Dash draws the components; the addresses are ours, and in ``front`` the headers, the sizes and the caching.
Each screen has an address of its own (``/wall``) and, through a prefix that only the page's configuration
knows, its own layout (``/wall/_dash-layout``); a mark in that prefix, which changes with the layout, has it kept.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, cast

from dash import Dash
from dash.backends._fastapi import reset_current_request, set_current_request
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.city import City
from dashboard.ground.outlines import Gazetteer
from dashboard.nouns.periods import offsets
from dashboard.places import PlaceTree
from dashboard.screens import kept as keeping
from dashboard.screens.bundle import bundle
from dashboard.screens.front import BODY, MARK, PLOTLY, Front
from dashboard.screens.layout import Layout
from dashboard.screens.marks import ASSETS
from dashboard.screens.page import (
    alone,
    desk_scripts,
    folded,
    fonts_ahead,
    layouts_of,
    left_to_dash,
    page,
    policy,
    staged,
    to_json,
    wall_scripts,
)
from dashboard.screens.panel import Context, all_panels

ASKED = ("layout", "dependencies")  # What Dash asks for before it draws anything.
PREFIX = re.compile(r'("requests_pathname_prefix":\s*)"(?:/|\\u002f)"')
INDEX = """<!DOCTYPE html>
<html lang="LANGUAGE" data-link="opening">
<head>
{%metas%}
<title>{%title%}</title>
{%favicon%}
FONTS
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
    app.index_string = INDEX.replace("LANGUAGE", city.languages[0]).replace("FONTS", fonts_ahead())
    loaded = bundle()
    own += [Route(path, _file(path, body)) for path, body in loaded.bodies.items()]
    kept = left_to_dash(all_panels(), Context(city, places, places.root.code, city.languages[0]))
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
        return Response(folded(page(alone(name), city, places), kept), media_type="application/json")

    own += [Route("/", first), Route("/shapes/{code}.json", shapes), Route("/panel/{panel}.json", panel)]
    own += keeping.routes(layouts, city, version)
    drawn = {screen: folded(tree, kept) for screen, tree in pages.items()}
    drawn |= {desk: to_json(tree) for desk, tree in (desks or {}).items()}
    # Another mark whenever what Dash asks for is another.
    marks = {name: blake2b(version.encode() + body, digest_size=6).hexdigest() for name, body in drawn.items()}
    for screen, tree in pages.items():
        prefix = f"/{screen}{MARK}{marks[screen]}"
        ahead = [f'<link rel="preload" as="fetch" crossorigin href="{prefix}/_dash-{name}">' for name in ASKED]
        # Only what is used: a browser complains of what was loaded ahead in vain.
        if '"type":"Graph"' in to_json(tree).decode().replace(" ", ""):
            ahead.append(f'<link rel="preload" as="script" href="{prefix}{PLOTLY}">')
        ahead.append(keeping.head(layouts[screen], city))
        loads = partial(wall_scripts, tree=tree, loaded=loaded, ahead="\n".join(filter(None, ahead)))
        own += _screen(screen, prefix, app, drawn[screen], city, places, loads)
    for desk in desks or {}:
        loads = partial(desk_scripts, name=desk, version=version, grid=b"dash_ag_grid" in drawn[desk])
        own += _screen(desk, f"/{desk}{MARK}{marks[desk]}", app, drawn[desk], city, places, loads)
    server.router.routes[:0] = own
    server.add_middleware(cast(Any, Front), own=own, limit=body_limit, limits=body_limits or {}, marks=marks)
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
        "offsets": json.dumps(offsets(city.tz), separators=(",", ":")),
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


def _file(path: str, body: bytes) -> Callable[[Request], Awaitable[Response]]:
    kind = "text/css" if path.endswith(".css") else "text/javascript"

    async def answer(request: Request) -> Response:
        return Response(body, media_type=kind)

    return answer


def _screen(
    screen: str, prefix: str, app: Dash, drawn: bytes, city: City, places: PlaceTree, loads: Callable[[str], str]
) -> list[BaseRoute]:
    """A screen's page, and the layout it asks for, as JSON."""
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
            text, found = PREFIX.subn(rf'\1"{prefix}/"', text)
            assert found == 1, "Dash writes its configuration differently now"
            kept["page"] = loads(text).encode()
        headers = {"content-security-policy": policy(kept["page"].decode())}
        return Response(kept["page"], media_type="text/html", headers=headers)

    async def layout(request: Request) -> Response:
        return Response(drawn, media_type="application/json")

    return [Route(f"/{screen}", show), Route(f"/{screen}/_dash-layout", layout)]
