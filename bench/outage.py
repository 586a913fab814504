"""Outages with the wall open in a browser: it says so within five seconds, and is right again ten after the end."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import httpx

from bench.browser import FEED, IN_HAND, Tickets, chromium, furnish, opened
from bench.house import House, Stuck
from bench.run import Bench, Figure
from dashboard.travel.ingest import feeds_socket

if TYPE_CHECKING:
    from playwright.sync_api import Page

WINDOWS = tuple(float(word) for word in os.environ.get("CITYWALL_OUTAGE_WINDOWS", "10 60 240").split())
NAMES = os.environ.get("CITYWALL_OUTAGES", "").split()  # Only these outages; none means all.
QUIET = float(os.environ.get("CITYWALL_QUIET_SECONDS", "300"))
LOST = 5.0  # Seconds within which a lost link is marked.
STALLED = 10.0  # Seconds within which numbers that stand still are marked.
RIGHT = 10.0  # Seconds from the end of an outage until every number is right.
STATE = """() => ({
  link: document.documentElement.dataset.link,
  states: [...new Set([...document.querySelectorAll("[data-panel]")].map((card) => card.dataset.state))],
  same: window.untouched === true,
})"""


class Proxy:
    """A wire between browser and server that can be cut: nothing gets through, and nobody is told.

    What was said meanwhile does not arrive later either; a connection that said nothing goes on.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._through = asyncio.Event()
        self._through.set()
        self._pipes: set[asyncio.Task[None]] = set()
        self._lost: list[asyncio.StreamWriter] = []
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait(5)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._meet, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        server.close()
        for pipe in self._pipes:
            pipe.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._pipes, return_exceptions=True))
        self._loop.close()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._through.is_set():
            return  # A connection begun meanwhile stays without an answer for good.
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = self._loop.create_task(self._pipe(source, sink))
            self._pipes.add(task)
            task.add_done_callback(self._pipes.discard)

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                if not self._through.is_set():
                    break
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        if self._through.is_set():
            sink.close()
        else:  # As if it were sent again ever more rarely, for hours: the other end is never told.
            self._lost.append(sink)

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Nothing gets through while this lasts."""
        self._loop.call_soon_threadsafe(self._through.clear)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._through.set)

    def close(self) -> None:
        """Take the wire away."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


class Stage:
    """A house with tickets, a wire that can be cut, and a way to post that leads past the web process."""

    def __init__(self, house: House) -> None:
        self.house, self.tickets = house, Tickets()
        self.proxy = Proxy(house.port)
        self.url = f"http://127.0.0.1:{self.proxy.port}/"
        door = httpx.HTTPTransport(uds=str(feeds_socket(house.home)))
        self._door = httpx.Client(transport=door, base_url="http://feeds", timeout=10)

    def post(self, count: int = 1) -> None:
        """Have the feeds' process take new tickets.

        Raises:
            Stuck: if it does not.
        """
        kind = {"content-type": "application/cloudevents-batch+json"}
        answer = self._door.post(f"/ingest/{FEED}", json=[self.tickets.one() for _ in range(count)], headers=kind)
        if answer.status_code != 202:
            raise Stuck(f"the tickets were not taken: {answer.status_code} {answer.text[:200]}")

    def close(self) -> None:
        """Take away what is not the house's own."""
        self._door.close()
        self.proxy.close()


@contextmanager
def staged() -> Iterator[Stage]:
    """A new house, furnished."""
    with House() as house:
        stage = Stage(house)
        try:
            furnish(house, stage.tickets, 200)
            yield stage
        finally:
            stage.close()


@dataclass(frozen=True)
class Outage:
    """What fails and how the wall has to say so: ``lost``, ``stalled``, or nothing where it is over at once."""

    name: str
    fault: Callable[[Stage], AbstractContextManager[Any]]
    mark: str = ""


def _killed(role: str) -> Callable[[Stage], AbstractContextManager[Any]]:
    def fault(stage: Stage) -> AbstractContextManager[Any]:
        stage.house.kill(role)
        return nullcontext()

    return fault


OUTAGES = (
    Outage("web_killed", _killed("web")),
    Outage("web_gone", lambda stage: stage.house.without_role("web"), "lost"),
    Outage("web_frozen", lambda stage: stage.house.frozen("web"), "lost"),
    Outage("network_cut", lambda stage: stage.proxy.cut(), "lost"),
    Outage("projector_killed", _killed("projector")),
    Outage("projector_frozen", lambda stage: stage.house.frozen("projector"), "stalled"),
    Outage("valkey_killed", _killed("valkey")),
    Outage("valkey_gone", lambda stage: stage.house.without_valkey(), "stalled"),
)


@dataclass(frozen=True)
class Healed:
    """Seconds from the beginning to the mark, and from the end until all was right; ``same`` if never reloaded."""

    marked: float | None
    right: float
    same: bool


def look(page: Page) -> dict[str, Any]:
    """What the page says of itself, with the number in hand; one that is just loading itself anew says nothing."""
    from playwright.sync_api import Error

    try:
        return {**page.evaluate(STATE), "in_hand": int(page.evaluate(IN_HAND))}
    except Error:
        return {"link": "loading", "states": [], "same": False, "in_hand": -1}


def enter(page: Page) -> None:
    """Mark the page, so that a reload is found out."""
    page.evaluate("window.untouched = true")


def suffer(stage: Stage, page: Page, outage: Outage, seconds: float) -> Healed:
    """Let an outage happen for a while with tickets coming in meanwhile, and see how the page takes it.

    Raises:
        Stuck: if the page shows anything wrong a minute after the end.
    """
    wanted = int(page.evaluate(IN_HAND))
    marked: float | None = None
    with outage.fault(stage):
        began = monotonic()  # Not before: to end Valkey for good may take more than one attempt.
        posted = 0.0
        while outage.mark and (passed := monotonic() - began) < seconds:
            now = look(page)
            if marked is None and (now["link"] == "lost" if outage.mark == "lost" else outage.mark in now["states"]):
                marked = passed
            if passed - posted > 2.0:
                posted = passed
                stage.post()
                wanted += 1
            sleep(0.1)
    ended = monotonic()
    stage.post(2)
    wanted += 2
    while True:
        now = look(page)
        if now["in_hand"] == wanted and now["link"] == "up" and now["states"] == ["live"]:
            break
        if monotonic() - ended > 60:
            raise Stuck(f"{outage.name}: not {wanted} in hand: {now}\n{stage.house.tail()}")
        sleep(0.05)
    return Healed(marked, monotonic() - ended, bool(now["same"]))


def rest(stage: Stage, page: Page, seconds: float) -> float:
    """Nothing comes for a while, then one ticket; gives the seconds until it is shown.

    Raises:
        Stuck: if it is not within ten.
    """
    wanted = int(page.evaluate(IN_HAND)) + 1
    sleep(seconds)
    began = monotonic()
    stage.post()
    while look(page)["in_hand"] != wanted:
        if monotonic() - began > RIGHT:
            raise Stuck(f"the ticket after a quiet time is not shown: {look(page)}")
        sleep(0.02)
    return monotonic() - began


def run() -> Iterator[Figure]:
    """Each outage for each window, one page through all of them; then five quiet minutes and one ticket."""
    with staged() as stage, chromium() as browser:
        page = opened(browser, stage.url)
        enter(page)
        for outage in [one for one in OUTAGES if not NAMES or one.name in NAMES]:
            for seconds in WINDOWS if outage.mark else (0.0,):
                healed = suffer(stage, page, outage, seconds)
                name = f"outage.{outage.name}" + (f"_{seconds:.0f}_s" if outage.mark else "")
                if healed.marked is not None:
                    yield Figure(f"{name}.marked_after_s", round(healed.marked, 2), "s", most=_due(outage))
                elif outage.mark and seconds > _due(outage):
                    raise Stuck(f"{name} was not marked at all")
                yield Figure(f"{name}.right_after_s", round(healed.right, 2), "s", most=RIGHT)
        yield Figure("outage.quiet_then_one_ticket_s", round(rest(stage, page, QUIET), 2), "s", most=RIGHT)
        yield Figure("outage.page_never_reloaded", float(look(page)["same"]), "", least=1.0)


def _due(outage: Outage) -> float:
    return LOST if outage.mark == "lost" else STALLED


BENCH = Bench(
    "outage", "Outages of 10, 60 and 240 s with the wall open in Chromium; held against what is wanted", run, long=True
)
