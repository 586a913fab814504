"""Tickets at scale: how fast the board folds them, how soon ten thousand lights are seen, and a million in history."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from time import process_time, sleep, time
from typing import TYPE_CHECKING, Any, cast

from bench.browser import FEED, Tickets, chromium, opened, post
from bench.house import LOAD_CITY, House, until
from bench.ingest import write_city, write_table
from bench.run import Bench, Figure
from bench.ticketpages import figures as pages
from dashboard.board import Board
from dashboard.city import City, read_city
from dashboard.events import BATCH, Event, pack, pack_batch
from dashboard.ground.outlines import Gazetteer
from dashboard.nouns.ticketevents import (
    TicketAccepted,
    TicketClosed,
    TicketContacted,
    TicketDispatched,
    TicketDone,
    TicketFiled,
    TicketInspected,
    TicketReported,
    TicketSigned,
)
from dashboard.sources.feed import Context, bind, rules_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
BOSTON = ROOT.parent / "shared" / "data" / "boston311"
ROWS = 58_000  # Of a synthetic table, where Boston's is not there.
LIVES = 15_000  # Tickets with a whole life of nine events.
LIGHTS = 10_000
AHEAD = 60.0  # Seconds between the first post and the deadline that all of them share.
WANTED_FOLD, WANTED_LIGHTS = 50_000.0, 2.0
# Notes each number of late tickets with the moment after it had been drawn. A short number has the whole one as title.
WATCH = """() => {
  const element = document.getElementById("decide-late");
  const seen = (window.late = []);
  const { port1, port2 } = new MessageChannel();
  const drawn = [];
  port1.onmessage = () => { for (const n of drawn.splice(0)) seen.push([n, Date.now()]); };
  const look = () => {
    const figure = element.querySelector(".n");
    const n = Number((figure?.title || figure?.textContent || "0").replace(/\\D/g, ""));
    requestAnimationFrame(() => { drawn.push(n); port2.postMessage(0); });
  };
  const all = { childList: true, characterData: true, subtree: true, attributes: true };
  new MutationObserver(look).observe(element, all);
  look();
}"""


def packed(events: Sequence[Event]) -> list[bytes]:
    """The events in batches, as they stand in the stream."""
    return [
        pack_batch([pack(event) for event in events[start : start + BATCH]]) for start in range(0, len(events), BATCH)
    ]


def told(city: City, folder: Path) -> list[Event]:
    """All events of a city's table, as its feed gives them."""
    rules = rules_of(city)
    bound = next(bound for bound in bind(city) if bound.feed.kind == "file")
    ctx = Context(
        city, rules.places, Gazetteer.of(city, rules.places), None, lambda: datetime.now(UTC), folder
    )  # fmt: skip

    async def read() -> list[Event]:
        events: list[Event] = []
        async with aclosing(cast(Any, bound.feed.open)(bound.settings, ctx)) as source:
            async for delivery in source:
                found = bound.feed.parse(delivery.payload, bound.settings, ctx)
                events += [item for item in found if isinstance(item, Event)]
        return events

    return asyncio.run(read())


def lives(number: int) -> Iterator[Event]:
    """Tickets whose whole life is told, event by event, as they come from a centre's own system."""
    steps: tuple[tuple[type[Any], float, dict[str, Any]], ...] = (
        (TicketAccepted, 5, {}), (TicketFiled, 9, {}), (TicketDispatched, 14, {"unit": "east"}), (TicketSigned, 40, {}),
        (TicketContacted, 90, {}), (TicketDone, 600, {}), (TicketInspected, 700, {"passed": True}),
        (TicketClosed, 710, {}),
    )  # fmt: skip
    start = datetime(2026, 3, 1, tzinfo=UTC)
    waiting: list[tuple[datetime, int, Event]] = []
    for n in range(number):
        began, name = start + timedelta(minutes=n), f"L{n:07d}"
        report = TicketReported(
            id=f"{name}-0", source="bench", time=began, subject=name, title=f"灯不亮，第 {n} 件", category="lights",
            channel="hotline", place="9001001",
        )  # fmt: skip
        waiting.append((began, len(waiting), report))
        for at, (kind, after, more) in enumerate(steps, 1):
            time_ = began + timedelta(minutes=after)
            event = kind(id=f"{name}-{at}", source="bench", time=time_, subject=name, **more)
            waiting.append((time_, len(waiting), event))
    yield from (event for _, _, event in sorted(waiting, key=lambda row: row[:2]))


def fold(city: City, batches: list[bytes], events: int) -> float:
    """Events a second that one process folds out of packed batches and counts; the better of two runs."""
    rules, best = rules_of(city), 0.0
    for _ in range(2):
        board, began = Board(rules), process_time()
        for seq, batch in enumerate(batches, 1):
            board.fold("bench@1", seq, batch)
        board.view("tickets", rules.places.root.code)
        best = max(best, events / (process_time() - began))
    return best


def folds() -> Iterator[Figure]:
    """Plain tickets as Boston exports them (or a table like it), and whole lives."""
    with tempfile.TemporaryDirectory(prefix="citywall-bench-") as made:
        home = Path(made)
        if BOSTON.is_dir():
            city = read_city(ROOT / "cities" / "boston.toml", {"BOSTON": str(BOSTON), "REPLAY": "max"})
        else:
            write_table(home / "cases.csv", ROWS)
            city = read_city(write_city(home, home / "cases.csv"))
        events = told(city, home)
    yield Figure("tickets.fold_per_s", round(fold(city, packed(events), len(events))), "events/s", least=WANTED_FOLD)
    whole = list(lives(LIVES))
    speed = fold(read_city(LOAD_CITY), packed(whole), len(whole))
    yield Figure("tickets.fold_lives_per_s", round(speed), "events/s", least=WANTED_FOLD)


def together(house: House, number: int, due: datetime) -> None:
    """Post tickets that all fall due at one moment."""
    tickets, link = Tickets(), HTTPConnection("127.0.0.1", house.port, timeout=30)
    rows = [tickets.one() for _ in range(number)]
    for row in rows:
        row["data"]["due"] = due.isoformat()
    for start in range(0, number, 1000):
        post(link, rows[start : start + 1000])
    link.close()
    house.settle(FEED)


def seconds_to_pixel(page: Page, number: int, due: datetime) -> float:
    """Seconds from the deadline to the frame in which the page shows all of them as late."""
    page.evaluate(WATCH)
    sleep(max(0.0, due.timestamp() - time()))
    shown = f"window.late.some(([n]) => n >= {number})"
    until(lambda: page.evaluate(shown), 30.0, lambda: f"{number} late, not {page.evaluate('window.late.at(-1)')}")
    first = page.evaluate(f"window.late.find(([n]) => n >= {number})[1]")
    return float(first) / 1000 - due.timestamp()


def lights() -> Iterator[Figure]:
    """Ten thousand tickets that turn red within the same second, on a wall in Chromium."""
    with House() as house, chromium() as browser:
        due = datetime.now(UTC) + timedelta(seconds=AHEAD)
        together(house, LIGHTS, due)
        page = opened(browser, house.url)
        seconds = seconds_to_pixel(page, LIGHTS, due)
        page.context.close()
    yield Figure("tickets.lights_to_pixel_s", round(seconds, 2), "s", most=WANTED_LIGHTS)


def run() -> Iterator[Figure]:
    """Folding, then lights, then pages and rates."""
    yield from folds()
    yield from lights()
    yield from pages()


BENCH = Bench("tickets", f"The board folds; {LIGHTS:,} lights change at once; pages and rates of a million", run)
