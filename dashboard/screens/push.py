"""Push: each changed panel is painted once and the same bytes go to every screen that shows it.

A screen names the panels it wants at a place. Screens that show the same (place, language, size) form an
audience; when a view changes, each panel of the audience that reads it is painted and serialised once.
Each screen has a mailbox that keeps only the latest paint per panel, so a slow screen sees fewer states,
never old ones, and costs nobody anything.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from time import monotonic, time
from typing import Any, cast

import msgspec
from redis.exceptions import RedisError

from dashboard.city import City
from dashboard.nouns.noun import Document
from dashboard.places import PlaceTree
from dashboard.screens.audience import Audience, Hello, Screen
from dashboard.screens.director import Director
from dashboard.screens.painting import bundled, member
from dashboard.screens.panel import Context, Panel, all_panels
from dashboard.screens.registry import Registry
from dashboard.screens.screens import Stage
from dashboard.travel.roles import Backoff, Ups
from dashboard.travel.stream import Keys, connect_async, view_key

log = logging.getLogger("web")
BEAT = 2.0  # Seconds between two beats of the link.
ASK = 8.0  # Seconds between two asks for the same views.
PATIENCE = 5.0  # Seconds in which the board posts views that are asked for once …
BRIEFLY = 2  # … and for which it is to keep them up to date.
LINGER = 10.0  # Seconds for which what no screen shows any more is still painted: a page that starts afresh finds it …
LINGERING = 4  # … of so many pictures, the latest.
PAINT = 0.05  # Seconds in which changes are gathered before they are painted.


class Hub:
    """One per web process: knows the screens, asks for their views, paints and lays it into their mailboxes."""

    def __init__(
        self,
        city: City,
        places: PlaceTree,
        redis_url: str,
        version: str,
        *,
        registry: Registry | None = None,
    ) -> None:
        self.city, self.places, self.version = city, places, version
        self.keys = Keys(city.name)
        self.redis = connect_async(redis_url)
        self.panels: dict[str, Panel] = all_panels()
        self.audiences: dict[tuple[str, str, str], Audience] = {}
        self.screens: set[Screen] = set()
        self.views: dict[str, dict[str, Any]] = {}
        self.pulse: dict[str, Any] = {}
        self.tick = 0
        self.painted = self.sent = self.faults = 0
        self._changed = asyncio.Event()
        self._ask = asyncio.Event()
        self.director: Director | None = None
        if registry is not None:
            self.director = Director(Stage(city, places), registry, self.told, self._ask.set)

    def told(self, key: str) -> tuple[dict[str, Any] | None, float]:
        """The latest document of a view (``view|place``), if it has come, and the city's time."""
        return self.views.get(key), float(self.pulse.get("as_of") or 0.0)

    def epoch(self) -> str | None:
        """The board's: as its pulse says, or, before the first one is heard, as the views read so far do."""
        known = (view.get("epoch") for view in self.views.values())
        return self.pulse.get("epoch") or next(filter(None, known), None)

    # -- what the screens want ---------------------------------------------------------------------------

    def join(self, screen: Screen, hello: Hello) -> None:
        """Show ``screen`` what its hello asks for, from the beginning."""
        self.leave(screen)
        shown = self.shown(hello)
        audience = self.audiences.get(shown)
        if audience is None:
            audience = self.audiences[shown] = Audience(Context(self.city, self.places, *shown))
        screen.panels = frozenset(hello.panels) & self.panels.keys()
        screen.audience = audience
        screen.mail.clear()
        screen.unseen.clear()
        audience.enter(screen)
        self.screens.add(screen)
        for panel in screen.panels:
            if panel in audience.paints:
                screen.mail[panel] = audience.paints[panel]
            elif self._has_views(audience, panel):
                audience.dirty.add(panel)
            else:
                self._ask.set()
        screen.beat = self.beat()
        screen.ready.set()
        self._changed.set()

    def shown(self, hello: Hello) -> tuple[str, str, str]:
        """Place, language and size that a hello is answered with: what is unknown here is the city's own."""
        place = hello.place if hello.place in self.places else self.places.root.code
        lang = hello.lang if hello.lang in self.city.languages else self.city.languages[0]
        return place, lang, hello.size if hello.size in ("small", "normal", "large") else "normal"

    def leave(self, screen: Screen) -> None:
        """Show a screen nothing any more; what only it has shown lingers, should it come back."""
        self.screens.discard(screen)
        audience, screen.audience = screen.audience, None
        if audience is not None:
            audience.leave(screen, monotonic() + LINGER)

    def let_go(self, now: float) -> None:
        """Forget what has lingered long enough, audiences of which nothing is left, and the views only these needed."""
        for audience in self.audiences.values():
            audience.let_go(now)
        empty = [audience for audience in self.audiences.values() if not audience.screens]
        empty.sort(key=lambda audience: max(audience.lingering.values(), default=0.0), reverse=True)
        kept = [audience for audience in empty[:LINGERING] if audience.lingering]
        self.audiences = {
            key: audience for key, audience in self.audiences.items() if audience.screens or audience in kept
        }
        wanted = self.wanted()
        self.views = {key: view for key, view in self.views.items() if key in wanted}

    def gone(self, screen: Screen) -> None:
        """A screen's link has ended."""
        self.leave(screen)
        if self.director is not None:
            self.director.left(screen)

    def wanted(self) -> set[str]:
        """The views (``view|place``) that some screen needs."""
        shown = {
            key
            for audience in self.audiences.values()
            for panel in audience.panels
            for key in self._reads(panel, audience).values()
        }
        return shown | (self.director.wanted() if self.director is not None else set())

    def _has_views(self, audience: Audience, panel: str) -> bool:
        return all(key in self.views for key in self._reads(panel, audience).values())

    def _reads(self, panel: str, audience: Audience) -> dict[str, str]:
        """The views a panel reads for an audience: name → ``view|place``."""
        place = self._context(panel, audience).place
        return {view: view_key(view, place) for view in self.panels[panel].reads}

    def _context(self, panel: str, audience: Audience) -> Context:
        """For whom and of what place a panel is painted."""
        return replace(audience.ctx, place=self.places.root.code) if self.panels[panel].whole else audience.ctx

    # -- from Redis --------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Listen, ask, paint and beat until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            mine = (self._listen, self._keep_asking, self._keep_painting, self._keep_beating)
            for work in (*mine, *(self.director.works() if self.director is not None else ())):
                tasks.create_task(self._keep(work))

    async def _keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """A fault in one of the works must not leave a process that looks alive and shows nothing new."""
        while True:
            try:
                await work()
            except Exception:
                log.exception("a fault in the web process's %s; going on", getattr(work, "__name__", "work"))
            await asyncio.sleep(1.0)

    async def _listen(self) -> None:
        """Follow the notice board; after every break subscribe first and read everything wanted afterwards."""
        backoff, ups = Backoff(), Ups(log, "the notice board")
        while True:
            try:
                async with self.redis.pubsub() as channel:
                    await channel.subscribe(self.keys.news)
                    self._ask.set()
                    await self._fetch(self.wanted())
                    ups.up()
                    backoff.reset()
                    while True:
                        message = await channel.get_message(ignore_subscribe_messages=True, timeout=3.0)
                        if message is None:
                            await self.redis.ping()  # A half-open connection is found out here.
                            continue
                        news = msgspec.json.decode(message["data"])
                        another = self.pulse.get("epoch") != news["pulse"]["epoch"]
                        self.pulse = news["pulse"]
                        if another:
                            self._ask.set()
                        await self._fetch(self.wanted() if another else self.wanted() & set(news["keys"]))
            except (RedisError, OSError) as error:
                ups.down(error)
                await asyncio.sleep(backoff.next())

    async def _fetch(self, keys: Iterable[str]) -> None:
        """Read views and mark the panels that rest on them."""
        names = sorted(keys)
        if not names:
            return
        found = await cast(Any, self.redis.hmget(self.keys.views, names))
        fresh = {name: msgspec.json.decode(raw) for name, raw in zip(names, found, strict=True) if raw is not None}
        wanted = self.wanted()  # By now: what nobody wants any more would stay as it is, and be shown so later.
        fresh = {
            name: view for name, view in fresh.items() if name in wanted and self._newer(view, self.views.get(name))
        }
        self.views.update(fresh)
        for audience in self.audiences.values():
            for panel in audience.panels:
                reads = set(self._reads(panel, audience).values())
                if reads & fresh.keys() and reads <= self.views.keys():
                    audience.dirty.add(panel)
        self._changed.set()

    def _newer(self, view: dict[str, Any], known: dict[str, Any] | None) -> bool:
        """Whether a view is newer than the known one: answers may come in another order than they were asked for."""
        if known is None or view.get("epoch") == known.get("epoch"):
            return known is None or view["offset"] >= known["offset"]
        return known.get("epoch") != self.pulse.get("epoch")

    async def _keep_asking(self) -> None:
        """Say which views are wanted: when that changes, and again every few seconds."""
        while True:
            self._ask.clear()
            wanted = sorted(self.wanted())
            try:
                if wanted:
                    asked = {"keys": msgspec.json.encode(wanted)}
                    await self.redis.xadd(self.keys.asks, cast(Any, asked), maxlen=1000, approximate=True)
                    await self._fetch(key for key in wanted if key not in self.views)
            except (RedisError, OSError):
                pass  # The listener says so; asking goes on.
            try:
                await asyncio.wait_for(self._ask.wait(), ASK)
                await asyncio.sleep(0.02)
            except TimeoutError:
                pass

    async def read(self, names: Iterable[str], place: str) -> dict[str, Document]:
        """The data of views at a place, asked for by no screen, as far as the board posts them in time.

        Raises:
            RedisError, OSError: if the notice board cannot be reached.
        """
        return (await self.read_at(names, (place,), BRIEFLY))[place]

    async def read_at(
        self, names: Iterable[str], places: Sequence[str], seconds: float = 0
    ) -> dict[str, dict[str, Document]]:
        """As ``read``, at several places and by place, kept up to date for so many seconds, or posted once.

        Raises:
            RedisError, OSError: if the notice board cannot be reached.
        """
        wanted = [(place, name) for place in places for name in sorted(set(names))]
        keys = [view_key(name, place) for place, name in wanted]
        asked: Any = {"keys": msgspec.json.encode(keys), "for": seconds}
        await self.redis.xadd(self.keys.asks, asked, maxlen=1000, approximate=True)
        until, found = monotonic() + PATIENCE, cast("list[bytes | None]", [])
        while monotonic() < until:
            found = await cast(Any, self.redis.hmget(self.keys.views, keys))
            if all(found):
                break
            await asyncio.sleep(0.1)
        views: dict[str, dict[str, Document]] = {place: {} for place in places}
        for (place, name), raw in zip(wanted, found, strict=True):
            if raw is not None:
                views[place][name] = msgspec.json.decode(raw)["data"]
        return views

    # -- painting ----------------------------------------------------------------------------------------

    async def _keep_painting(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(PAINT)
            self._changed.clear()
            self.tick += 1
            for audience in list(self.audiences.values()):
                self._paint(audience)
                await asyncio.sleep(0)

    def _paint(self, audience: Audience) -> None:
        """Paint what is dirty and lay it into the mailboxes."""
        fresh: dict[str, tuple[int, bytes]] = {}
        for name in sorted(audience.dirty & audience.panels):
            documents = {view: self.views.get(key) for view, key in self._reads(name, audience).items()}
            if all(documents.values()):
                fresh[name] = (self.tick, self._member(name, cast(Any, documents), self._context(name, audience)))
        audience.dirty.clear()
        audience.bundles.clear()
        audience.paints.update(fresh)
        for screen in audience.screens:
            mine = {name: paint for name, paint in fresh.items() if name in screen.panels}
            if mine:
                screen.mail.update(mine)
                screen.ready.set()

    def _member(self, name: str, documents: dict[str, dict[str, Any]], ctx: Context) -> bytes:
        painted, well = member(self.panels[name], documents, ctx)
        self.painted += well
        self.faults += not well
        return painted

    def bundle(self, screen: Screen) -> str:
        """The screen's mail as one message; screens with the same mail get the same bytes."""
        audience = cast(Audience, screen.audience)
        which = tuple(sorted((name, tick) for name, (tick, _) in screen.mail.items()))
        message = audience.bundles.get(which)
        if message is None:
            painted = (paint for _, paint in screen.mail.values())
            message = bundled(self.tick, self.epoch(), audience.ctx, painted)
            audience.bundles[which] = message
        screen.mail.clear()
        screen.unseen.append(self.tick)
        return message

    def beat(self) -> str:
        """The link's beat: the server's time, how far the board is and how each feed is."""
        return msgspec.json.encode({"t": "beat", "now": time(), "version": self.version, **self.pulse}).decode()

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            self.let_go(monotonic())
            said = self.beat()
            for screen in list(self.screens):
                screen.beat = said
                screen.ready.set()
