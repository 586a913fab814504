"""The page of the screens and the doors behind it: what each shows and how it does, and sending it somewhere else.

Whoever reaches the port may do it, from this very origin alone: the house asks nobody's name.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import time
from typing import Any

import msgspec
from dash import html
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.city import City
from dashboard.places import PlaceTree
from dashboard.screens.moment import Moment
from dashboard.screens.page import layouts_of, to_json
from dashboard.screens.panel import all_panels
from dashboard.screens.registry import Conflict, Registry
from dashboard.screens.screens import (
    ID,
    ONLINE,
    Report,
    Show,
    Stage,
    Unknown,
    Wish,
    named,
    panelled,
    played,
    rested,
    resting,
    sent,
)
from dashboard.screens.topbar import bar
from dashboard.sources.hosts import same_origin

BODY = 4096  # Bytes of an order.
PICTURE = 96 * 1024  # Bytes of a thumbnail.
FRESH = 10.0  # Seconds between two thumbnails of a screen that somebody looks at.
KINDS = {b"RIFF": "image/webp", b"\x89PNG": "image/png", b"\xff\xd8\xff\xe0": "image/jpeg"}
ALL = "all"

Change = Callable[[Report | None, Wish], Wish]


class ScreenPages:
    """The doors of one web process to the screens of one city."""

    def __init__(self, city: City, places: PlaceTree, registry: Registry, moment: Moment) -> None:
        self.city, self.places, self.registry, self.moment = city, places, registry, moment
        self.stage = Stage(city, places)

    def routes(self) -> list[BaseRoute]:
        """The addresses of the data and of what can be done; the page itself is ``screens_page``."""
        doors: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "scene": self.scene, "panel": self.panel, "playlist": self.playlist, "name": self.name,
            "forget": self.forget, "identify": partial(self.order, "identify"), "reload": partial(self.order, "reload"),
        }  # fmt: skip
        found: list[BaseRoute] = [
            Route("/screens/data", self.data, methods=["GET"]),
            Route("/screens/{id}/thumbnail", self.thumbnail, methods=["GET", "POST"]),
        ]
        return found + [
            Route(f"/screens/{{id}}/{what}", self.guarded(answer), methods=["POST"]) for what, answer in doors.items()
        ]

    def guarded(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """A door that only pages of this origin may use, and that says why when it refuses."""

        async def opened(request: Request) -> Response:
            if not same_origin(request.headers.get("origin"), request.headers.get("host")):
                return JSONResponse({"reason": "another_origin"}, 403)
            try:
                return await answer(request)
            except LookupError as error:
                return JSONResponse({"reason": str(error.args[0])}, 404)
            except Unknown as error:
                return JSONResponse({"reason": str(error)}, 400)
            except Conflict:
                return JSONResponse({"reason": "somebody else is at this screen just now"}, 409)
            except (RedisError, OSError):
                return JSONResponse({"reason": "the screens cannot be reached just now"}, 503, {"retry-after": "2"})

        return opened

    # -- what there is -----------------------------------------------------------------------------------

    async def data(self, request: Request) -> Response:
        """Every screen with what it shows and how it does, and what screens can be sent to."""
        language = request.query_params.get("lang", "")
        language = language if language in self.city.languages else self.city.languages[0]
        now = time()
        try:
            reports, wishes = await self.registry.reports(), await self.registry.wishes()
            made = await self.registry.pictures(reports)
            if request.query_params.get("pictures"):
                await self._ask_pictures(reports, now)
        except (RedisError, OSError):
            return JSONResponse({"reason": "the screens cannot be reached just now"}, 503, {"retry-after": "2"})
        rows = [
            self._row(name, reports.get(name), wishes.get(name, Wish()), now, language) | {"picture": made.get(name)}
            for name in sorted(reports.keys() | wishes.keys())
        ]
        rows.sort(key=lambda row: (not row["online"], not row["kept"], row["name"].casefold(), row["id"]))
        layouts = layouts_of(self.city)
        said = {
            "now": now, "screens": rows,
            "scenes": [
                {"id": one.id, "title": one.title.words[language], "layout": one.layout, "place": one.place,
                 "panel": one.panel} for one in self.city.scenes
            ],
            "playlists": [{"id": one.id, "title": one.title.words[language]} for one in self.city.playlists],
            "layouts": [{"id": name, "title": layouts[name].title[language], "panels": _panels(layouts[name].panels)}
                        for name in self.city.screens],
            "panels": [{"id": one.id, "title": one.title[language]} for one in all_panels().values()
                       if one.id != "header"],
        }  # fmt: skip
        moment = await self.moment()
        about = json.dumps({name: moment.get(name) for name in ("now", "as_of", "wall", "behind")})
        return Response(to_json(said), media_type="application/json", headers={"x-as-of": about})

    async def _ask_pictures(self, reports: Mapping[str, Report], now: float) -> None:
        there = [name for name, report in reports.items() if not report.gone and now - report.seen < ONLINE]
        wanted = [name for name in there if await self.registry.may_ask(name, FRESH)]
        if wanted:
            await self.registry.order("thumbnail", wanted)

    def _row(self, name: str, report: Report | None, wish: Wish, now: float, language: str) -> dict[str, Any]:
        """One screen for the list."""
        row: dict[str, Any] = {"id": name, "name": wish.name or name, "kept": not wish.blank, "online": False}
        playlist = self.stage.playlist_of(name, wish, report.playlist if report else "")
        paused = playlist is not None and resting(wish, playlist, now)
        row |= {"playlist": playlist.id if playlist else None, "paused": paused, "until": wish.until}
        show = report.show if report is not None else wish.over or wish.show
        if show is not None:
            layouts = layouts_of(self.city)
            scene = self.stage.scenes.get(show.scene)
            place = show.place if show.place in self.places else self.places.root.code
            title = layouts[show.layout].title[language] if show.layout in layouts else show.layout
            panel = all_panels().get(show.panel)
            row |= {
                "layout": show.layout, "scene": show.scene or None, "panel": show.panel or None, "place": place,
                "place_title": self.places[place].title(language), "options": show.options,
                "title": scene.title.words[language] if scene else title,
                "panel_title": panel.title[language] if panel else None,
                "wall": show.layout in layouts and layouts[show.layout].orbits,
            }  # fmt: skip
        if report is not None:
            row |= {
                key: getattr(report, key)
                for key in ("size", "memory", "fps", "nodes", "painted", "errors", "error", "up", "restarts", "polls",
                            "lang", "theme", "version", "seen", "states", "idle", "ratio", "chinese")
            }  # fmt: skip
            row["size"] = list(report.size)
            row["online"] = not report.gone and now - report.seen < ONLINE
            row["age"] = max(0.0, now - report.seen)
            row["moving"] = row["online"] and playlist is None and _elsewhere(report.show, wish, now)
        return row

    # -- what is done ------------------------------------------------------------------------------------

    async def _said(self, request: Request) -> dict[str, Any]:
        body = await request.body()
        if len(body) > BODY:
            raise Unknown(f"an order has at most {BODY} bytes")
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Unknown("an order is JSON; say so with content-type: application/json")
        try:
            return msgspec.json.decode(body or b"{}", type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unknown(f"an order is a JSON object: {error}") from error

    async def _change(self, request: Request, known: set[str], how: Callable[[dict[str, Any]], Change]) -> Response:
        said = await self._said(request)
        if strange := sorted(said.keys() - known):
            raise Unknown(f"{strange[0]!r} is nothing that can be said here; known are {', '.join(sorted(known))}")
        change, reports = how(said), await self.registry.reports()
        names, durable = await self._names(request.path_params["id"], reports), True
        for name in names:
            durable &= (await self.registry.change(name, partial(change, reports.get(name))))[1]
        return JSONResponse({"screens": names, "durable": durable})

    async def _names(self, name: str, reports: Mapping[str, Report]) -> list[str]:
        """The screens an address means."""
        now = time()
        if name == ALL:
            return sorted(one for one, said in reports.items() if not said.gone and now - said.seen < ONLINE)
        if ID.fullmatch(name) and (name in reports or not (await self.registry.wish(name)).blank):
            return [name]
        raise LookupError(f"there is no screen {name!r}")

    async def scene(self, request: Request) -> Response:
        """Send a screen to a scene, or to a layout at a place; for some minutes, or for good."""

        def how(said: dict[str, Any]) -> Change:
            show, minutes = self.stage.show(said, all_panels()), said.get("minutes")
            if minutes is not None and not (
                isinstance(minutes, (int, float)) and not isinstance(minutes, bool) and 0 < minutes <= 1440
            ):
                raise Unknown("minutes are above 0 and at most 1440")
            return lambda report, wish: sent(wish, show, _standing(report), time(), minutes)

        known = {"scene", "layout", "place", "options", "panel", "minutes"}
        return await self._change(request, known, how)

    async def panel(self, request: Request) -> Response:
        """Give a panel the whole screen, or take that back."""

        def how(said: dict[str, Any]) -> Change:
            panel = said.get("panel") or ""
            if panel and (panel not in all_panels() or panel == "header"):
                raise Unknown(f"there is no panel {panel!r}")

            def change(report: Report | None, wish: Wish) -> Wish:
                standing = report.show if report else wish.over or wish.show
                if standing is None:
                    raise Unknown("this screen has never shown anything")
                return panelled(wish, panel, standing, time())

            return change

        return await self._change(request, {"panel"}, how)

    async def playlist(self, request: Request) -> Response:
        """Start a playlist, end it, or let it rest."""

        def how(said: dict[str, Any]) -> Change:
            if "playlist" in said:
                playlist = said["playlist"]
                if playlist is not None and playlist not in self.stage.playlists:
                    listed = ", ".join(self.stage.playlists) or "none"
                    raise Unknown(f"there is no playlist {playlist!r}; there are {listed}")
                return lambda report, wish: played(wish, playlist, _standing(report), time())
            if not isinstance(said.get("paused"), bool):
                raise Unknown("say playlist, or paused as true or false")
            return lambda report, wish: rested(wish, said["paused"], time())

        return await self._change(request, {"playlist", "paused"}, how)

    async def name(self, request: Request) -> Response:
        """Name a screen as people call it."""

        def how(said: dict[str, Any]) -> Change:
            if not isinstance(said.get("name"), str) or not said["name"].strip():
                raise Unknown("a name is a text of at most 40 letters")
            return lambda report, wish: named(wish, said["name"], time())

        return await self._change(request, {"name"}, how)

    async def order(self, what: str, request: Request) -> Response:
        """Have a screen do something at once."""
        await self._said(request)
        names = await self._names(request.path_params["id"], await self.registry.reports())
        await self.registry.order(what, names)
        return JSONResponse({"screens": names})

    async def forget(self, request: Request) -> Response:
        """Take a screen off the list, with all that was wished of it; one that is there comes again."""
        await self._said(request)
        name = request.path_params["id"]
        if not ID.fullmatch(name) or not await self.registry.forget(name):
            raise LookupError(f"there is no screen {name!r}")
        return JSONResponse({"screens": [name]})

    # -- pictures ----------------------------------------------------------------------------------------

    async def thumbnail(self, request: Request) -> Response:
        """A screen's small picture: it posts its own, the list shows the latest."""
        name = request.path_params["id"]
        if not ID.fullmatch(name):
            return JSONResponse({"reason": "there is no such screen"}, 404)
        if request.method == "POST":
            return await self.guarded(self._keep_picture)(request)
        try:
            found = await self.registry.picture(name)
        except (RedisError, OSError):
            found = None
        if found is None:
            return JSONResponse({"reason": "there is no picture"}, 404)
        body = found.partition(b"\n")[2]
        return Response(body, media_type=KINDS[body[:4]], headers={"cache-control": "private, max-age=60"})

    async def _keep_picture(self, request: Request) -> Response:
        body, name = await request.body(), request.path_params["id"]
        if len(body) > PICTURE or body[:4] not in KINDS:
            raise Unknown(f"a picture is WebP, PNG or JPEG of at most {PICTURE} bytes")
        if name not in await self.registry.reports():
            raise LookupError(f"there is no screen {name!r}")
        await self.registry.note_picture(name, body, time())
        return JSONResponse({"screens": [name]})


def _standing(report: Report | None) -> Show | None:
    return None if report is None else report.show


def _panels(areas: tuple[str, ...]) -> list[str]:
    return [area for area in areas if area != "header"]


def _elsewhere(standing: Show, wish: Wish, now: float) -> bool:
    """Whether a screen does not yet stand where it was sent."""
    wanted = wish.over if wish.over is not None and (wish.until is None or now < wish.until) else wish.show
    return wanted is not None and (standing.layout, standing.panel) != (wanted.layout, wanted.panel)


def screens_page(city: City) -> Any:
    """The page; ``screens.mjs`` fetches the list and draws it."""
    return html.Div([
        html.Header(bar(city), className="bar"),
        html.Div([html.H1(id="desk-title"), html.Div(id="desk-sums", className="sums")], className="summary"),
        html.Div(id="desk-fault", className="fault", role="alert", hidden=True),
        html.Div([
            html.Div(id="desk-screens", className="displays", role="listbox"),
            html.Aside(id="desk-screen", className="display-detail"),
        ], className="hall"),
    ], id="desk", className="desk")  # fmt: skip
