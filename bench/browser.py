"""The wall in a real browser: opened, watched from within, and fed with tickets one by one."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any

from bench.house import House, Stuck, until
from dashboard.refusal import Refused

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FEED = "load"
BATCHED = "application/cloudevents-batch+json"
CATEGORIES = ("noise", "water", "roads", "waste", "lights")
UNITS = ("east", "west", "north", "parks")
CHANNELS = ("hotline", "app", "patrol")
PLACES = ("9001", "9002", "9003")
SCREEN = {"width": 1920, "height": 1080}
IN_HAND = "() => Number(document.getElementById('decide-open').textContent.replace(/\\D/g, '') || -1)"
PAINTED = """() => {
  const cards = [...document.querySelectorAll("[data-panel]")];
  return cards.length > 0 && cards.every((card) => !["never", "opening"].includes(card.dataset.state));
}"""
# Notes each number of tickets in hand with the moment it stood in the page and the moment after it had been drawn.
WATCH = """() => {
  const element = document.getElementById("decide-open");
  const seen = (window.seen = []);
  const { port1, port2 } = new MessageChannel();
  const drawn = [];
  port1.onmessage = () => { for (const row of drawn.splice(0)) seen.push([...row, Date.now()]); };
  let last = null;
  const look = () => {
    const n = Number(element.textContent.replace(/\\D/g, ""));
    if (n === last) return;
    last = n;
    const at = Date.now();
    requestAnimationFrame(() => { drawn.push([n, at]); port2.postMessage(0); });
  };
  new MutationObserver(look).observe(element, { childList: true, characterData: true, subtree: true });
  look();
}"""


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """The system's Chromium without a window.

    Raises:
        Refused: if it, or what drives it, is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise Refused("the browser's measurements need the tools of the tests: run ./citywall test once") from error
    from tests.servers import CHROMIUM_FLAGS  # Only here: the tests' own knowledge of the system.
    from tests.servers import chromium as find

    path = find()
    if path is None:
        raise Refused("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*CHROMIUM_FLAGS, *more])
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: Browser, url: str, painted: str = PAINTED) -> Page:
    """A page of 1920×1080 in a context of its own, once all that is on it has been painted."""
    page = browser.new_context(viewport=SCREEN, locale="zh-CN").new_page()  # type: ignore[arg-type]
    page.goto(url, wait_until="commit")
    page.wait_for_function(painted, timeout=30_000)
    return page


# -- tickets ---------------------------------------------------------------------------------------------------


class Tickets:
    """Makes tickets that stay open: each one more in hand. ``name`` keeps them apart from those of other runs."""

    def __init__(self) -> None:
        self.name = secrets.token_hex(3)
        self.made = 0
        self._lock = threading.Lock()

    def one(self, hours: float = 72.0) -> dict[str, Any]:
        """The report of a new ticket, reported now and due in about ``hours``."""
        with self._lock:
            self.made += 1
            n = self.made
        now = datetime.now(UTC)
        data = {
            "title": f"灯不亮，第 {n} 件", "category": CATEGORIES[n % 5],
            "unit": UNITS[n % 4], "channel": CHANNELS[n % 3],
            "place": PLACES[n % 3], "due": (now + timedelta(hours=hours + n % 24)).isoformat(),
        }  # fmt: skip
        return {
            "specversion": "1.0", "id": f"{self.name}-{n}-r", "source": "bench", "type": "ticket.reported",
            "time": now.isoformat(), "subject": f"{self.name}-{n}", "data": data,
        }  # fmt: skip

    @staticmethod
    def closing(report: dict[str, Any]) -> dict[str, Any]:
        """The closing of a reported ticket."""
        now = datetime.now(UTC).isoformat()
        return {**report, "id": report["id"][:-1] + "c", "type": "ticket.closed", "time": now, "data": {}}


def post(link: HTTPConnection, rows: Sequence[dict[str, Any]], feed: str = FEED) -> None:
    """Post events over an open connection.

    Raises:
        Stuck: if they are not taken.
    """
    link.request("POST", f"/ingest/{feed}", json.dumps(list(rows)).encode(), {"content-type": BATCHED})
    answer = link.getresponse()
    said = answer.read()
    if answer.status != 202:
        raise Stuck(f"a post was answered {answer.status}: {said[:300]!r}")


def furnish(house: House, tickets: Tickets, count: int = 2000) -> None:
    """Put tickets into a new house, so that its panels have something to show."""
    link = HTTPConnection("127.0.0.1", house.port, timeout=20)
    for _ in range(count // 200):
        post(link, [tickets.one(hours) for hours in [0.2, 3, *[72.0] * 198]])
    link.close()
    house.settle(FEED)


def feed_steadily(house: House, tickets: Tickets, rate: float, seconds: float) -> list[float]:
    """Post one ticket each ``1 / rate`` s for a while; gives the moments (wall time) at which each post was begun.

    Several posts may be under way at once. A count of n is then held to include the n posts begun first, which
    can be wrong by the distance of two posts.
    """
    total = round(rate * seconds)
    first = monotonic() + 0.2
    turn = iter(range(total))
    lock = threading.Lock()
    began: list[float] = []

    def work() -> None:
        link = HTTPConnection("127.0.0.1", house.port, timeout=20)
        while True:
            with lock:
                number = next(turn, None)
            if number is None:
                break
            sleep(max(0.0, first + number / rate - monotonic()))
            row = tickets.one()
            began.append(time())
            post(link, [row])
        link.close()

    workers = max(2, round(rate / 10))
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(work) for _ in range(workers)]:
            done.result()
    return sorted(began)


def event_to_pixel(house: House, page: Page, tickets: Tickets, rate: float, seconds: float) -> list[float]:
    """How long each of a stream of tickets took from its post to the number in hand drawn on the page, in ms.

    Raises:
        Stuck: if not all of them are shown 10 s after the last.
    """
    page.evaluate(WATCH)
    sleep(0.5)
    before = int(page.evaluate(IN_HAND))
    with ThreadPoolExecutor(1) as pool:  # The page is asked nothing meanwhile.
        began = pool.submit(feed_steadily, house, tickets, rate, seconds).result()
    wanted = before + len(began)
    until(lambda: page.evaluate(IN_HAND) >= wanted, 10.0, lambda: f"{wanted} in hand, not {page.evaluate(IN_HAND)}")
    page.wait_for_timeout(200)
    took: list[float] = []
    for shown, _, drawn in page.evaluate("window.seen"):
        while len(took) < min(shown - before, len(began)):
            took.append(drawn - 1000 * began[len(took)])
    if len(took) < len(began):
        raise Stuck(f"{len(took)} of {len(began)} tickets were seen on the page")
    return took


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the values lies; the nearest one, no interpolation."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
