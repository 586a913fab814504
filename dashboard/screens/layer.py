"""What a layer of the map is, how layers are found, and the address their points are fetched from.

A layer is one module in ``panels/`` with ``LAYER = Layer(...)``: what stands on the map, and which states it may be
in. Its points change seldom and are many, so they are fetched once by their version from ``/layers``; its states are
few bytes and come with the map's panel whenever they change.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from time import monotonic
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import msgspec
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.discovery import declaring
from dashboard.masking import UNSHOWABLE
from dashboard.places import PlaceTree
from dashboard.screens.thing import LONGEST_KEY, card
from dashboard.travel.stream import Keys, connect_async, view_key
from dashboard.words import Words

PATIENCE = 4.0  # Seconds in which the board posts a view that was asked for, or is busy.
MOVED = 1.0  # Seconds after which another version than the wanted one will do: the board has moved on meanwhile.
LOOK = 0.05


@dataclass(frozen=True)
class State:
    """One state of what stands on a layer; ``look`` is the light of ``words.LIGHTS`` whose shape and colour it has."""

    look: str
    words: Words


@dataclass(frozen=True)
class Layer:
    """Things on the map.

    ``points`` is the view of where they stand: ``version`` and rows of [key, lon, lat, name], WGS-84. ``states`` is
    the view of how they are: the same ``version``, ``states`` in runs [state, how many, state, how many …] in the
    order of the rows, ``counts`` by state, and ``places`` with [part, whole] of each place below. ``looks`` are the
    states by their numbers. ``home`` names the screens on which it is shown unless the address names another.
    """

    id: str
    title: Words
    points: str
    states: str
    looks: tuple[State, ...]
    rate: Words  # What [part, whole] of a place is called.
    home: tuple[str, ...] = ()
    rank: int = 0  # Its place in the switch.
    frame: Literal["", "drop", "ring", "plate"] = ""  # What its points are drawn in, to be told from another layer's.
    leads: Literal["", "ticket", "card"] = (
        ""  # What a click opens: the page of a ticket, or what is known of the thing.
    )
    thing: str = ""  # The view of one of its things, by its key.
    record: str = ""  # The screen on which such things are listed.

    def card(self, view: Mapping[str, Any], places: PlaceTree, zone: ZoneInfo, language: str) -> dict[str, Any]:
        """What a page shows of one of its things, whose view this is."""
        look = self.looks[view["state"]]
        return card(view, (look.look, look.words), self.title, self.record, places, zone, language)


LAYERS: dict[str, Layer] = {}


def all_layers() -> dict[str, Layer]:
    """All layers, by id, in the order of the switch."""
    if not LAYERS:
        found = [cast(Layer, value) for _, value in declaring(import_module("panels"), "LAYER")]
        LAYERS.update((layer.id, layer) for layer in sorted(found, key=lambda layer: (layer.rank, layer.id)))
    return LAYERS


def routes(city: str, places: PlaceTree, redis_url: str, zone: ZoneInfo) -> Sequence[BaseRoute]:
    """``/layers/<layer>/<place>.json?v=<version>``: a layer's points at a place, as the board has them; and
    ``/layers/<layer>/thing?key=<key>``: what is known of one of them, as ``card`` says it.
    """
    keys, redis = Keys(city), connect_async(redis_url)

    async def thing(request: Request) -> Response:
        layer, key = all_layers().get(request.path_params["layer"]), request.query_params.get("key", "")
        if layer is None or not layer.thing or not 0 < len(key) <= LONGEST_KEY or UNSHOWABLE.search(key):
            return Response("no such thing", 404, media_type="text/plain")
        slot, begun = view_key(layer.thing, key), monotonic()
        language = "en" if request.query_params.get("lang") == "en" else "zh"
        try:
            await cast(Any, redis.xadd(keys.asks, {"keys": msgspec.json.encode([slot])}, maxlen=1000))
            while monotonic() < begun + PATIENCE:
                posted = await cast(Any, redis.hget(keys.views, slot))
                if posted is not None:
                    view = msgspec.json.decode(posted)["data"]
                    if not view:
                        return Response("no such thing", 404, media_type="text/plain")
                    said = layer.card(view, places, zone, language)
                    return JSONResponse(said, headers={"cache-control": "no-store"})
                await asyncio.sleep(LOOK)
        except (RedisError, OSError):
            pass
        return Response("the board has not posted it", 503, {"retry-after": "2"}, "text/plain")

    async def points(request: Request) -> Response:
        layer, place = all_layers().get(request.path_params["layer"]), request.path_params["place"]
        if layer is None or place not in places:
            return Response("no such layer or place", 404, media_type="text/plain")
        wanted = request.query_params.get("v", "")
        key, begun = view_key(layer.points, place), monotonic()
        try:
            await cast(Any, redis.xadd(keys.asks, {"keys": msgspec.json.encode([key])}, maxlen=1000))
            while monotonic() < begun + PATIENCE:
                posted = await cast(Any, redis.hget(keys.views, key))
                if posted is not None:
                    data = msgspec.json.decode(posted, type=_Posted).data
                    if not wanted or data.version == wanted:
                        return _answer(msgspec.json.encode(data), request, lasting=bool(wanted))
                    if monotonic() > begun + MOVED:
                        return _answer(msgspec.json.encode(data), request, lasting=False)
                await asyncio.sleep(LOOK)
        except (RedisError, OSError):
            pass
        return Response("the board has not posted it", 503, {"retry-after": "2"}, "text/plain")

    return [Route("/layers/{layer}/thing", thing), Route("/layers/{layer}/{place}.json", points)]


class _Data(msgspec.Struct):
    version: str
    points: msgspec.Raw


class _Posted(msgspec.Struct):
    data: _Data


def _answer(body: bytes, request: Request, *, lasting: bool) -> Response:
    """The points; what bears its version is the same for good."""
    headers = {"vary": "accept-encoding"}
    if lasting:
        headers["cache-control"] = "private, max-age=86400, immutable"
    if re.search(r"\bgzip\b", request.headers.get("accept-encoding", "")):
        headers["content-encoding"] = "gzip"
        body = gzip.compress(body, 1)
    return Response(body, headers=headers, media_type="application/json")
