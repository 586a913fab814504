"""Traces: how each number of the screens stood over the last day, as it was shown, at every place.

Every five minutes of the city's time a web process has the panels painted for the district and what is directly below
it, and notes their numbers beside that time; the deeper places, which are many, are noted once an hour, a few at each
look. A panel need not know of it: what ``marks.number`` has drawn as the whole of a painted property is a figure, and
its name is that of the component it stands in. The numbers in lists are noted with the first of these notes in each
hour. What was not noted, because nothing ran, is a gap and never filled in.
"""

from __future__ import annotations

import asyncio
import logging
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from math import ceil
from time import time
from typing import Any, cast

import msgspec
from redis.exceptions import RedisError, ResponseError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.nouns.noun import Document
from dashboard.screens.page import to_json
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.push import Hub
from dashboard.screens.tracehours import Hours, Note, Noted, fits
from dashboard.screens.tracerows import rows_of, same, silent, told_apart

log = logging.getLogger("web")
EVERY = 300.0  # Seconds of the city's time between two notes.
HOUR = 3600.0  # Seconds of the city's time between two notes of a deeper place …
MANY = 4000  # … for every so many of them.
KEPT = 86_400.0  # Seconds of the city's time for which notes are kept.
STALLED = 8.0  # Seconds the board may be behind, as for the screens.
GRACE = 60.0  # Seconds a note may be late and still bear the moment at which it was due; a later one bears its own.
LOOK = 5.0  # Seconds between two looks at the city's time.
TOLD = 100  # Events of the past between two looks from which on a source is telling its past, and sums are half told …
CALM = 3  # … until so many looks have passed without it. Notes wait for that …
HELD = 120  # … for so many looks; a source whose past never ends is one like any other.
NUMBER = re.compile(r"[-−]?\d[\d,]*(\.\d+)?(e\+\d+)?$")
LONGEST = 300  # Characters of a row's name that is asked for.


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


def lists_of(painted: Painted) -> dict[str, dict[str, dict[int, Noted]]]:
    """The numbers that fill no component of their own, by component, name of the row, and cell."""
    figures = figures_of(painted)
    found = told_apart(rows_of(painted))
    return {name: rows for name, rows in found.items() if name not in figures or rows.keys() != {""}}


def traced(panels: Mapping[str, Panel], ctx: Context) -> dict[str, Panel]:
    """The panels that draw figures, by what they make of their examples."""
    return {
        name: panel for name, panel in panels.items() if panel.example and figures_of(panel.paint(panel.example, ctx))
    }


def listed(panels: Mapping[str, Panel], ctx: Context) -> dict[str, Panel]:
    """The panels that draw numbers in lists or beside words which a click asks about."""
    return {
        name: panel for name, panel in panels.items()
        if panel.example and lists_of(panel.paint(panel.example, ctx)).keys() - silent(panel.frame(ctx))
    }  # fmt: skip


class Tracer:
    """Notes the numbers of one city, and answers how they stood; of many web processes the first one notes."""

    def __init__(self, hub: Hub, every: float = EVERY) -> None:
        self.hub, self.every = hub, every
        self.root = hub.places.root.code
        self.places = (self.root, *(child.code for child in hub.places.children(self.root)))
        self.deeper = tuple(code for town in self.places[1:] for code in _below(hub, town))
        self.span = HOUR * max(1, ceil(len(self.deeper) / MANY))
        self.hours = Hours(hub.redis, hub.keys, self.span)
        # All of them are through in three quarters of their span; the rest is for what a restart has missed.
        self.few = ceil(len(self.deeper) * LOOK / (0.75 * self.span))
        ctx = Context(hub.city, hub.places, self.root, hub.city.languages[0])
        self.panels, self.lists = traced(hub.panels, ctx), listed(hub.panels, ctx)
        self.silent = {one for panel in self.lists.values() for one in silent(panel.frame(ctx))}
        self.noted = 0.0  # The city's time of the latest note, in whole steps of ``every``.
        self.left: tuple[str, ...] = ()  # The places that are still to be noted under it.
        self.past = 0  # How much of the past had been told at the latest look,
        self.calm = CALM  # how many looks ago it was added to,
        self.held = 0  # and for how many looks notes have waited.

    async def run(self) -> None:
        """Note the numbers whenever it is time, until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            if self.telling():
                continue
            with suppress(RedisError, OSError):  # The notice board's listener says so.
                await self.note()
                await self.note_deeper()

    def telling(self) -> bool:
        """Whether the past was told a moment ago, as by a source on its first day, so that the numbers stand for a part
        of what they count.
        """
        before, self.past = self.past, int(self.hub.pulse.get("past") or 0)
        self.calm = 0 if self.past - before >= TOLD else self.calm + 1
        self.held = self.held + 1 if self.calm < CALM else 0
        return 0 < self.held <= HELD

    async def note(self) -> int:
        """Note the numbers of the upper places if that is due by the city's time; returns at how many they were. Where
        the board was too busy to tell them, that is tried again with the next look.
        """
        now = self._now()
        due = now // self.every * self.every
        if self._stalled():
            return 0
        if due > self.noted:
            self.noted, self.left = due, self.places
        done = {place: await self._note(place, self.noted, now) for place in self.left}
        self.left = tuple(place for place, noted in done.items() if noted is None)
        return sum(map(bool, done.values()))

    async def note_deeper(self) -> int:
        """Note the numbers of the next few of the deeper places that are not noted in this span; returns how many."""
        now = self._now()
        if not self.deeper or self._stalled():
            return 0
        places = await self.hours.lacking(now, self.deeper, self.few)
        if not places:
            return 0
        found = await self.hub.read_at(_reads(self.panels), places)
        figures = {}
        for place in places:
            if found[place]:  # The board was not too busy.
                figures[place] = await self._numbers(found[place], place, self.panels, figures_of)
        if figures:
            await self.hours.note(now, figures)
        return len(figures)

    def _now(self) -> float:
        """The city's time."""
        return float(self.hub.pulse.get("as_of") or 0.0)

    def _stalled(self) -> bool:
        """Whether the board is behind: one that is catching up tells of the past, and not of all of it."""
        return time() - float(self.hub.pulse.get("wall") or 0.0) > STALLED

    async def _numbers(
        self, views: Mapping[str, Document], place: str, panels: Mapping[str, Panel],
        numbers: Callable[[Painted], Mapping[str, Any]], language: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Such numbers of the panels at a place, as far as their views are there, in the city's first language or
        another.
        """
        hub = self.hub
        ctx = Context(hub.city, hub.places, place, language or hub.city.languages[0])
        found: dict[str, Any] = {}
        for name, panel in panels.items():
            if not set(panel.reads) <= views.keys() or (panel.whole and place != self.root):
                continue
            try:
                found |= numbers(panel.paint({view: views[view] for view in panel.reads}, ctx))
            except Exception:  # The screens say that the panel has wrong data.
                log.debug("panel %s cannot be traced at %s", name, place, exc_info=True)
            await asyncio.sleep(0)  # The screens come first.
        return found

    async def _note(self, place: str, due: float, now: float) -> bool | None:
        """Note the numbers of one place that were due; False if another process has, None if the board was busy."""
        hub, key = self.hub, self.hub.keys.trace(place)
        last = (
            cast("list[Any]", await hub.redis.xrevrange(key, count=1)) if await fits(hub.redis, key, b"stream") else []
        )
        latest = _moment(last[0][0]) if last else 0.0
        if latest >= due:
            return False
        moment = due if now - due <= GRACE else now
        first = latest // HOUR < moment // HOUR  # The first note of its hour bears the numbers in lists too.
        reads = _reads({**self.panels, **self.lists} if first else self.panels)
        views = (await hub.read_at(reads, (place,)))[place]
        if not reads <= views.keys():
            return None
        fields: Any = {"f": msgspec.msgpack.encode(await self._numbers(views, place, self.panels, figures_of))}
        if first:
            lists = await self._numbers(views, place, self.lists, lists_of)
            lists = {name: rows for name, rows in lists.items() if name not in self.silent}
            fields["l"] = zlib.compress(msgspec.msgpack.encode(lists))
        oldest = f"{1000 * (moment - KEPT - self.every):.0f}-0"
        with suppress(ResponseError):  # Another process was faster.
            await hub.redis.xadd(key, fields, id=f"{1000 * moment:.0f}-0", minid=oldest, approximate=True)
        return True

    # -- answers -----------------------------------------------------------------------------------------

    def routes(self) -> list[BaseRoute]:
        """``/trace?figure=…&figure=…&place=…``: how these numbers stood, and how they stand below the place;
        ``/trace/row?panel=…&list=…&row=…&cell=…&place=…&lang=…``: how one in a list stood.
        """
        return [Route("/trace", self.answer, methods=["GET"]), Route("/trace/row", self.answer_row, methods=["GET"])]

    async def answer(self, request: Request) -> Response:
        """The noted numbers of the last day by figure, as ``[moment, value]`` or ``[moment, part, whole]``, one every
        ``every`` seconds or so; and of the places below the latest ones, none of them older than twice ``every_below``,
        as ``[code, title in both languages, value …]``.
        """
        wanted, place = request.query_params.getlist("figure")[:40], request.query_params.get("place") or self.root
        if place not in self.hub.places:
            return JSONResponse({"reason": "no such place"}, 404)
        now = self._now()
        children = self.hub.places.children(place)
        every_below = self.every if place == self.root else self.span
        try:
            notes = (await self._read((place,), now, KEPT))[place]
            below = await self._read([child.code for child in children], now, 2 * every_below, latest=True)
        except (RedisError, OSError):
            return JSONResponse({"reason": "the traces cannot be reached"}, 503, headers={"retry-after": "5"})
        return JSONResponse({
            "every": self.every if place in self.places else self.span, "every_below": every_below,
            "span": KEPT, "now": now,
            "figures": {
                name: {
                    "points": [[moment, *_parts(noted[name])] for moment, noted in notes if name in noted],
                    "below": [
                        [child.code, child.title("zh"), child.title("en"), *_parts(noted[name])]
                        for child in children for _, noted in below[child.code][-1:] if name in noted
                    ],
                }
                for name in wanted
            },
        })  # fmt: skip

    async def answer_row(self, request: Request) -> Response:
        """The noted numbers of the last day of one cell of a row, as ``answer`` gives those of a figure; the row by its
        name in the page's language. ``number`` is false where none stands there that is noted, and ``deeper`` true
        below the places of which lists are noted.
        """
        hub, asked = self.hub, request.query_params
        panel, component = self.lists.get(asked.get("panel", "")), asked.get("list", "")
        place, row = asked.get("place") or self.root, asked.get("row", "")
        own, primary = asked.get("lang") or hub.city.languages[0], hub.city.languages[0]
        if place not in hub.places or own not in hub.city.languages:
            return JSONResponse({"reason": "no such place or language"}, 404)
        if not re.fullmatch(r"[0-9]{1,3}", asked.get("cell", "")) or len(row) > LONGEST:
            return JSONResponse({"reason": "no such cell"}, 400)
        cell, now = int(asked["cell"]), self._now()
        none = {"number": False, "points": []}
        if panel is None:
            return JSONResponse(none)
        place = self.root if panel.whole else place
        try:
            views = await hub.read(panel.reads, place)
            stream: Any = await hub.redis.xrange(hub.keys.trace(place), f"{max(0.0, 1000 * (now - KEPT)):.0f}")
        except (RedisError, OSError):
            return JSONResponse({"reason": "the traces cannot be reached"}, 503, headers={"retry-after": "5"})
        if not set(panel.reads) <= views.keys():
            return JSONResponse({"reason": "the board does not answer in time"}, 503, headers={"retry-after": "5"})
        drawn = [
            (await self._numbers(views, place, {panel.id: panel}, rows_of, language)).get(component, [])
            for language in (own, primary)
        ]
        name = same(drawn[0], row, drawn[1])
        if name is None or cell not in told_apart({component: drawn[1]}).get(component, {}).get(name, {}):
            return JSONResponse(none)
        points = [
            [_moment(id_), *_parts(found)]
            for id_, fields in stream if b"l" in fields
            for found in [_unzipped(fields[b"l"]).get(component, {}).get(name, {}).get(cell)] if found is not None
        ]  # fmt: skip
        return JSONResponse({
            "number": True, "deeper": place not in self.places, "every": HOUR, "span": KEPT, "now": now,
            "points": points,
        })  # fmt: skip

    async def _read(
        self, places: Sequence[str], now: float, seconds: float, latest: bool = False
    ) -> dict[str, list[Note]]:
        """What was noted of some places, all of one depth, in the last seconds, or the ``latest`` of that alone."""
        if not places or places[0] not in self.places:
            return await self.hours.read(places, now - seconds, now) if places else {}
        since, until = (f"{max(0.0, 1000 * moment):.0f}" for moment in (now - seconds, now))
        async with self.hub.redis.pipeline(transaction=False) as pipe:
            for place in places:
                pipe.xrevrange(self.hub.keys.trace(place), until, since, count=1 if latest else None)
            found = await pipe.execute()
        return {
            place: [(_moment(id_), _unpacked(fields)) for id_, fields in reversed(rows)]
            for place, rows in zip(places, found, strict=True)
        }


def _below(hub: Hub, place: str) -> Iterator[str]:
    """All places below one."""
    for child in hub.places.children(place):
        yield child.code
        yield from _below(hub, child.code)


def _reads(panels: Mapping[str, Panel]) -> set[str]:
    return {view for panel in panels.values() for view in panel.reads}


def _moment(entry: bytes) -> float:
    return int(entry.partition(b"-")[0]) / 1000


def _unpacked(fields: Mapping[bytes, bytes]) -> dict[str, Any]:
    return cast("dict[str, Any]", msgspec.msgpack.decode(fields[b"f"]))


def _unzipped(raw: bytes) -> dict[str, Any]:
    return cast("dict[str, Any]", msgspec.msgpack.decode(zlib.decompress(raw)))


def _parts(noted: Any) -> Iterable[float]:
    return noted if isinstance(noted, list) else (noted,)
