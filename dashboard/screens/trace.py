"""Traces: how each number of the screens stood over the last day, as it was shown, for the district and what is below.

Every five minutes of the city's time a web process has the panels painted and notes their numbers beside that time.
A panel need not know of it: what ``marks.number`` has drawn as the whole of a painted property is a figure, and its
name is that of the component it stands in. What was not noted, because nothing ran, is a gap and is never filled in.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from time import time
from typing import Any, cast

import msgspec
from redis.exceptions import RedisError, ResponseError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.screens.page import to_json
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.push import Hub

log = logging.getLogger("web")
EVERY = 300.0  # Seconds of the city's time between two notes.
KEPT = 86_400.0  # Seconds of the city's time for which notes are kept.
STALLED = 10.0  # Seconds the board may be behind, as for the screens.
LOOK = 5.0  # Seconds between two looks at the city's time.
NUMBER = re.compile(r"[-−]?\d[\d,]*(\.\d+)?(e\+\d+)?$")

Noted = float | tuple[float, float]
"""A number, or numerator and denominator."""


def figures_of(painted: Painted) -> dict[str, Noted]:
    """The numbers among what a panel painted, by the id of the component each fills.

    >>> from dashboard.screens.marks import number, rate
    >>> figures_of({"a.children": number(1038), "b.children": rate(396, 412), "c.title": "7"})
    {'a': 1038.0, 'b': (396.0, 412.0)}
    """
    found: dict[str, Noted] = {}
    for target, value in msgspec.json.decode(to_json(painted)).items():
        component, _, name = target.rpartition(".")
        first = value[0] if isinstance(value, list) and value else value
        if name != "children" or not isinstance(first, dict):
            continue
        props = first.get("props", {})
        if "data-whole" in props:
            found[component] = (float(props["data-part"]), float(props["data-whole"]))
            continue
        # A number in a list is short and exact in its tooltip; one that stands alone says its value.
        said = props.get("data-value") or (first is value and (props.get("title") or props.get("children")))
        if isinstance(said, str) and NUMBER.match(said):
            found[component] = float(said.replace(",", "").replace("−", "-"))
    return found


def traced(panels: Mapping[str, Panel], ctx: Context) -> dict[str, Panel]:
    """The panels that draw numbers, by what they make of their examples."""
    return {
        name: panel for name, panel in panels.items() if panel.example and figures_of(panel.paint(panel.example, ctx))
    }


class Tracer:
    """Notes the numbers of one city, and answers how they stood; of many web processes the first one notes."""

    def __init__(self, hub: Hub, every: float = EVERY) -> None:
        self.hub, self.every = hub, every
        self.root = hub.places.root.code
        self.places = (self.root, *(child.code for child in hub.places.children(self.root)))
        self.panels = traced(hub.panels, Context(hub.city, hub.places, self.root, hub.city.languages[0]))
        self.noted = 0.0  # The city's time of the latest note, in whole steps of ``every``.

    async def run(self) -> None:
        """Note the numbers whenever it is time, until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            with suppress(RedisError, OSError):  # The notice board's listener says so.
                await self.note()

    async def note(self) -> int:
        """Note the numbers of all places if that is due by the city's time; returns at how many they were."""
        now = float(self.hub.pulse.get("as_of") or 0.0)
        due = now // self.every * self.every
        behind = time() - float(self.hub.pulse.get("wall") or 0.0)
        if due <= self.noted or behind > STALLED:  # One that is catching up tells of the past, and not of all of it.
            return 0
        self.noted = due
        return sum([await self._note(place, due) for place in self.places])

    async def _note(self, place: str, moment: float) -> bool:
        """Note the numbers of one place under ``moment``; False if another process has, or the board was busy."""
        hub, key = self.hub, self.hub.keys.trace(place)
        last = cast("list[Any]", await hub.redis.xrevrange(key, count=1)) if await self._fits(key) else []
        if last and int(last[0][0].partition(b"-")[0]) >= 1000 * moment:
            return False
        views = await hub.read({view for panel in self.panels.values() for view in panel.reads}, place)
        ctx = Context(hub.city, hub.places, place, hub.city.languages[0])
        figures: dict[str, Noted] = {}
        for name, panel in self.panels.items():
            if not set(panel.reads) <= views.keys() or (panel.whole and place != self.root):
                continue
            try:
                figures |= figures_of(panel.paint({view: views[view] for view in panel.reads}, ctx))
            except Exception:  # The screens say that the panel has wrong data.
                log.debug("panel %s cannot be traced at %s", name, place, exc_info=True)
        if not figures:
            return False
        oldest = f"{1000 * (moment - KEPT - self.every):.0f}-0"
        with suppress(ResponseError):  # Another process was faster.
            fields: Any = {"f": msgspec.msgpack.encode(figures)}
            await hub.redis.xadd(key, fields, id=f"{1000 * moment:.0f}-0", minid=oldest, approximate=True)
        return True

    async def _fits(self, key: str) -> bool:
        """Whether there is a trace; what stands there and is none is put aside."""
        kind = await hub_type(self.hub, key)
        if kind not in ("stream", "none"):
            await self.hub.redis.rename(key, f"{key}:set-aside")
        return kind == "stream"

    # -- answers -----------------------------------------------------------------------------------------

    def routes(self) -> list[BaseRoute]:
        """``/trace?figure=…&figure=…&place=…``: how these numbers stood, and how they stand below the place."""
        return [Route("/trace", self.answer, methods=["GET"])]

    async def answer(self, request: Request) -> Response:
        """The noted numbers of the last day by figure, as ``[moment, value]`` or ``[moment, part, whole]``; and of
        the places below the latest ones, as ``[code, title in both languages, value …]``.
        """
        wanted, place = request.query_params.getlist("figure")[:40], request.query_params.get("place") or self.root
        if place not in self.hub.places:
            return JSONResponse({"reason": "no such place"}, 404)
        now = float(self.hub.pulse.get("as_of") or 0.0)
        since = f"{max(0.0, 1000 * (now - KEPT)):.0f}-0"
        keys = self.hub.keys
        try:
            async with self.hub.redis.pipeline(transaction=False) as pipe:
                pipe.xrange(keys.trace(place), since, "+")
                below = [child for child in self.hub.places.children(place) if child.code in self.places]
                for child in below:
                    pipe.xrevrange(keys.trace(child.code), count=1)
                mine, *others = await pipe.execute()
        except (RedisError, OSError):
            return JSONResponse({"reason": "the traces cannot be reached"}, 503, headers={"retry-after": "5"})
        points = [(_moment(id_), _figures(fields)) for id_, fields in mine]
        latest = [
            (child, _figures(rows[0][1])) for child, rows in zip(below, others, strict=True)
            if rows and now - _moment(rows[0][0]) < 2 * self.every
        ]  # fmt: skip
        return JSONResponse({
            "kept": place in self.places, "every": self.every, "span": KEPT, "now": now,
            "figures": {
                name: {
                    "points": [[moment, *_parts(noted[name])] for moment, noted in points if name in noted],
                    "below": [
                        [child.code, child.title("zh"), child.title("en"), *_parts(noted[name])]
                        for child, noted in latest if name in noted
                    ],
                }
                for name in wanted
            },
        })  # fmt: skip


async def hub_type(hub: Hub, key: str) -> str:
    """What Redis calls the type of a key."""
    found = await hub.redis.type(key)
    return found.decode() if isinstance(found, bytes) else str(found)


def _moment(entry: bytes) -> float:
    return int(entry.partition(b"-")[0]) / 1000


def _figures(fields: Mapping[bytes, bytes]) -> dict[str, Any]:
    return cast("dict[str, Any]", msgspec.msgpack.decode(fields[b"f"]))


def _parts(noted: Any) -> Iterable[float]:
    return noted if isinstance(noted, list) else (noted,)
