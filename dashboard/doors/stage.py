"""A stage for pictures: the real pages on a port of this machine, fed with fixed views instead of a running house."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, cast

import msgspec
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard.board import VIEWS, Board
from dashboard.city import City
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.health import FeedBeat
from dashboard.nouns.noun import Document
from dashboard.screens.audience import Hello
from dashboard.screens.faces import Face
from dashboard.screens.layer import all_layers
from dashboard.screens.layout import Layout, all_layouts
from dashboard.screens.page import to_json
from dashboard.screens.panel import Context, Panel, all_panels
from dashboard.screens.records import behind, document, panel_of
from dashboard.screens.web import make_app, page_version
from dashboard.sources.feed import Context as FeedContext
from dashboard.sources.feed import Rejected, every_feed, rules_of
from dashboard.words import Words

NOW = 1_795_160_486.0  # Friday 20 November 2026, 15:41:26 in Nanhai: a working day, well under way.
LATER = 1_795_302_066.0  # When the panels' examples are.
NEAR = 400 * 86400.0  # Seconds from then within which a number of an example is a moment.
EPOCH = "stage"
BROKEN = "企业登记信息"  # The entry of the data catalogue that is broken where a face is to show one.
OTHERS = "others"  # The layout of the panels that no other shows.
ACROSS = 4
QUIET = 3.0  # Seconds after which simulated feeds that all rest and tell nothing have told their past.
TAKEN = 0.5  # Seconds in which what a thread has worked out is taken up.


def others(layouts: Mapping[str, Layout]) -> Layout | None:
    """A layout of all panels that stand in none; None if each stands somewhere."""
    placed = {panel for layout in layouts.values() for panel in layout.panels}
    left = sorted(all_panels().keys() - placed)
    if not left:
        return None

    def rows(across: int) -> list[list[str]]:
        found = [left[at : at + across] for at in range(0, len(left), across)]
        return [row + [row[-1]] * (across - len(row)) for row in found]

    shapes = {"wide": ACROSS, "ultrawide": 2 * ACROSS, "tall": 2}
    return Layout(
        id=OTHERS,
        title=Words("其他面板", "Other panels"),
        pictures={shape: "\n".join(" ".join(row) for row in rows(n)) for shape, n in shapes.items()},
        columns={shape: " ".join(["1fr"] * n) for shape, n in shapes.items()},
        rows={shape: " ".join(["1fr"] * len(rows(n))) for shape, n in shapes.items()},
    )


class _Work(ThreadPoolExecutor):
    """The threads of the simulated feeds: how many are at work, and when one was last."""

    def __init__(self) -> None:
        super().__init__(4)
        self.under_way, self.ended, self._lock = 0, monotonic(), threading.Lock()

    def submit(self, *given: Any, **named: Any) -> Future[Any]:
        with self._lock:
            self.under_way += 1
        future = super().submit(*given, **named)
        future.add_done_callback(self._end)
        return future

    def _end(self, future: Future[Any]) -> None:
        with self._lock:
            self.under_way -= 1
            self.ended = monotonic()


class _Silence:
    """When any of several simulated feeds told something last: they share the processor, so only a silence of all of
    them, while none is at work, says that they have told it all.
    """

    def __init__(self, work: _Work) -> None:
        self.work, self.since = work, monotonic()

    def left(self) -> float:
        """For how many seconds it has to last yet, as far as is known now."""
        if self.work.under_way:
            return TAKEN
        return max(self.since + QUIET, self.work.ended + TAKEN) - monotonic()

    async def over(self, coming: asyncio.Future[Any]) -> bool:
        """Whether something came before the silence had lasted ``QUIET``; else what was to come is called off."""
        try:
            while not coming.done() and (left := self.left()) > 0:
                await asyncio.wait({coming}, timeout=left)
        finally:
            quiet = coming.cancel()
            await asyncio.wait({coming})
        return not quiet


def moved(value: Any, by: float) -> Any:
    """An example with its moments so many seconds later.

    >>> moved({"due": LATER, "n": 3, "rates": [0.5, None]}, 60.0) == {"due": LATER + 60, "n": 3, "rates": [0.5, None]}
    True
    """
    if isinstance(value, Mapping):
        return {name: moved(one, by) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [moved(one, by) for one in value]
    return value + by if isinstance(value, float) and abs(value - LATER) < NEAR else value


async def _told(bound: Any, about: FeedContext, silence: _Silence) -> tuple[str, list[Any]]:
    """A simulated feed's name and all it tells until now."""
    found: list[Any] = []
    async with aclosing(cast(Any, bound.feed.open(bound.settings, about))) as source:
        while await silence.over(coming := asyncio.ensure_future(anext(source))):
            try:
                delivery = coming.result()
            except StopAsyncIteration:
                break
            if not delivery.payload:
                break
            found += bound.feed.parse(delivery.payload, bound.settings, about)
            silence.since = monotonic()
    return bound.name, found


async def _past(city: City, now: float) -> Board:
    """The city's board at ``now`` after all its simulated feeds have told their past."""
    places = read_places(city)
    rules = rules_of(city, places)
    board, moment = Board(rules), datetime.fromtimestamp(now, UTC)
    with TemporaryDirectory() as folder:
        about = FeedContext(city, places, Gazetteer.of(city, places), None, lambda: moment, Path(folder))
        asyncio.get_running_loop().set_default_executor(work := _Work())
        silence = _Silence(work)
        bounds = every_feed(city)
        told = dict(await asyncio.gather(*(
            _told(bound, about, silence)
            for bound in bounds
            if bound.feed.open is not None and bound.feed.kind.startswith("pretend")
        )))  # fmt: skip
        events = [one for fresh in told.values() for one in fresh if not isinstance(one, Rejected)]
        beats = [
            FeedBeat(
                id=f"{bound.name}:stage", source="stage", subject=bound.name, time=moment, received=told_of,
                stored=told_of, last_success=moment, last_event=moment if told_of else None, began=moment,
            )
            for bound in bounds
            for told_of in [len(told.get(bound.name, ()))]
        ]  # fmt: skip
        events.sort(key=lambda event: event.time)
        board.take(events)
        board.take([*beats, ClockTick(id="stage", source="stage", time=moment, wall=moment)])
    return board


async def _no_trace(request: Request) -> Response:
    """How numbers stood over the last day: on a stage there was none."""
    figures: Document = {name: {"points": [], "below": []} for name in request.query_params.getlist("figure")}
    said = {"kept": True, "every": 300.0, "now": NOW, "figures": figures}
    return Response(msgspec.json.encode(said), media_type="application/json")


class Stage:
    """Serves the pages of ``city`` on 127.0.0.1 and shows one face at a time to all screens that look.

    ``simulated`` makes the normal face from the city's simulated feeds at ``NOW`` instead of from the panels'
    examples; that takes some seconds once.
    """

    def __init__(self, city: City, *, simulated: bool = False) -> None:
        found = dict(all_layouts())
        rest = others(found)
        self.layouts = {**found, **({OTHERS: rest} if rest else {})}
        self.city = city.model_copy(update={"screens": tuple(self.layouts)})
        self.places = read_places(city)
        self.rules = rules_of(city, self.places)
        self.board = asyncio.run(_past(city, NOW)) if simulated else None
        self.version = page_version()
        self.face: Face | None = None
        self.n = 0
        self.faults: dict[tuple[str, str], str] = {}  # (panel, face) → what went wrong when it was painted.
        self._views: dict[tuple[str, Face], dict[str, Document]] = {}  # By panel: a picture of it is taken often.
        self._texts: dict[Face, set[str]] = {}
        self._props: dict[tuple[str, Face, str, str], bytes] = {}
        self._sockets: set[WebSocket] = set()
        self._hellos: dict[WebSocket, Hello] = {}
        web = make_app(
            self.city, self.places, Gazetteer.of(city, self.places), version=self.version, layouts=self.layouts,
            routes=[WebSocketRoute("/live", self._live), Route("/layers/{layer}/{place}.json", self._points),
                    Route("/trace", _no_trace), Route("/trace/row", _no_trace), Route("/ticket/data", _no_trace),
                    Route("/records", self._records)],
        )  # fmt: skip
        config = uvicorn.Config(
            web, host="127.0.0.1", port=0, log_config=None, access_log=False, ws="websockets-sansio",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        listening = config.bind_socket()
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._server = uvicorn.Server(config)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=lambda: self._loop.run_until_complete(self._server.serve(sockets=[listening])), daemon=True
        )

    def __enter__(self) -> Stage:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(5)

    # -- what is shown -----------------------------------------------------------------------------------

    def show(self, face: Face) -> int:
        """Show a face on all screens; the number of the paint, which a page notes once it has applied it."""
        self.face, self.n = face, self.n + 1
        asyncio.run_coroutine_threadsafe(self._send_all(), self._loop).result(60)
        return self.n

    def now(self, face: Face) -> float:
        """The moment a face is of."""
        return NOW if self.board is not None and face.id == "normal" else LATER

    def views(self, panel: Panel, face: Face) -> dict[str, Document]:
        """The views a panel's face is painted from."""
        if (known := self._views.get((panel.id, face))) is not None:
            return known
        assert face.change is not None
        found = dict(face.change(panel, self.rules))
        if self.board is not None and face.id == "normal":
            found = moved(found, NOW - LATER)
            told = {rule.name for rule in self.rules.feeds if rule.kind.startswith("pretend")}
            for view in panel.reads:
                feeds = {rule.name for rule in self.rules.feeds if VIEWS[view].name in rule.nouns}
                if view in VIEWS and (feeds & told or VIEWS[view].name in ("feed", "alert")):
                    found[view] = self.board.view(view, self.places.root.code)["data"]
        self._views[panel.id, face] = found
        return found

    def texts(self, face: Face) -> set[str]:
        """All texts that come from data and not from the house, so that they need no translation."""
        if (known := self._texts.get(face)) is not None:
            return known
        found: set[str] = {*self.city.translations, *self.city.translations.values()}
        for place in self.places:
            found |= {place.name, place.name_en}

        def gather(value: Any) -> None:
            if isinstance(value, str):
                found.add(value)
            elif isinstance(value, Mapping):
                for item in value.values():
                    gather(item)
            elif isinstance(value, (list, tuple)):
                for item in value:
                    gather(item)

        if face.change is not None:
            for panel in all_panels().values():
                gather(self.views(panel, face))
        return self._texts.setdefault(face, {text for text in found if text})

    def _beat(self, face: Face) -> dict[str, Any]:
        now = self.now(face)
        broken = {"broken": {BROKEN: {"since": now - face.age, "why": "said"}}} if face.state == "broken" else {}
        state, age = ("live", 3.0) if broken else (face.state, face.age)
        feeds = {rule.name: {"state": state, "heard": now - age} for rule in self.rules.feeds}
        wall = now - face.age if face.state == "stalled" else now
        if face.state == "never":
            feeds = {name: {"state": "never", "heard": None} for name in feeds}
        return {
            "t": "beat", "now": now, "version": self.version, "epoch": EPOCH, "as_of": wall, "wall": wall,
            "offset": self.n, "feeds": feeds, **broken,
        }  # fmt: skip

    def _paint(self, face: Face, hello: Hello) -> str:
        ctx = Context(self.city, self.places, self.places.root.code, hello.lang, hello.size)
        members = []
        feeds = [rule.name for rule in self.rules.feeds if rule.nouns]
        for name in hello.panels:
            about: dict[str, Any] = {"offset": self.n, "as_of": self.now(face), "feeds": feeds}
            props = b"{}"
            if face.state == "broken":
                about["rests"] = {BROKEN: self.city.translated(BROKEN, hello.lang)}
            if face.fault:
                about["fault"] = True
            try:
                if (known := self._props.get((name, face, hello.lang, hello.size))) is None:
                    panel = all_panels()[name]
                    known = to_json(panel.paint(self.views(panel, face), ctx))
                    self._props[name, face, hello.lang, hello.size] = known
                props = known
            except Exception as error:  # noqa: BLE001 - a panel's fault is what is looked for here.
                about["fault"] = True
                self.faults[name, face.id] = f"{type(error).__name__}: {error}"
            members.append(
                msgspec.json.encode(name) + b":" + msgspec.json.encode(about)[:-1] + b',"props":' + props + b"}"
            )
        head = {
            "t": "paint",
            "n": self.n,
            "epoch": EPOCH,
            "now": self.now(face),
            "place": ctx.place,
            "lang": ctx.language,
        }
        return (msgspec.json.encode(head)[:-1] + b',"panels":{' + b",".join(members) + b"}}").decode()

    async def _points(self, request: Request) -> Response:
        """A layer's points, where the simulated past has those that are asked for; else none."""
        data: Document = {"version": request.query_params.get("v", ""), "points": []}
        if self.board is not None:
            view = all_layers()[request.path_params["layer"]].points
            told = self.board.view(view, request.path_params["place"])["data"]
            data = told if told["version"] == data["version"] else data
        return Response(to_json(data), media_type="application/json")

    async def _records(self, request: Request) -> Response:
        """What stands behind a number of the face that is shown, from the views of the panels that list it."""
        asked, face = request.query_params, self.face
        panel = panel_of(asked.get("figure", ""), all_panels())
        found = behind(panel, asked["figure"]) if panel is not None else None
        if found is None or face is None or face.change is None:
            return Response(b"{}", media_type="application/json")
        views = {}
        for view in found.reads:
            lists = min((one for one in all_panels().values() if view in one.reads), key=lambda one: len(one.reads))
            views[view] = self.views(lists, face)[view]
        ctx = Context(self.city, self.places, self.places.root.code, asked.get("lang", self.city.languages[0]))
        return Response(to_json(document(found, views, ctx, asked.get("row", ""))), media_type="application/json")

    # -- the link ----------------------------------------------------------------------------------------

    async def _send_all(self) -> None:
        for socket in list(self._hellos):
            await self._send(socket)

    async def _send(self, socket: WebSocket) -> None:
        face, hello = self.face, self._hellos[socket]
        if face is None or face.state == "lost":
            return
        await socket.send_text(msgspec.json.encode(self._beat(face)).decode())
        if face.change is not None:
            await socket.send_text(await asyncio.to_thread(self._paint, face, hello))

    async def _live(self, socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                said = msgspec.json.decode(await socket.receive_text())
                if said.get("t") == "hello":
                    self._hellos[socket] = msgspec.convert(said, Hello)
                    await self._send(socket)
        except (WebSocketDisconnect, RuntimeError, KeyError):
            pass
        finally:
            self._hellos.pop(socket, None)
