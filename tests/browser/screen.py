"""A screen in a browser as the tests see it: what is written on it, and the board's own view of the same moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
from axe_playwright_python.sync_playwright import Axe
from redis import Redis

from dashboard.screens.panel import all_panels
from dashboard.travel import valkey
from dashboard.travel.stream import Keys, connect, view_key
from tests.servers import House, until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Response

LEAFLET = """
// The map keeps its Leaflet objects to itself; the tests take hold of the map when Leaflet arrives.
let leaflet;
Object.defineProperty(window, "L", {
  configurable: true,
  get: () => leaflet,
  set(value) {
    leaflet = value;
    value?.Map?.addInitHook?.(function () { window.leafletMap = this; });
  },
});
"""
STATES = "() => [...document.querySelectorAll('[data-panel]')].map((card) => card.dataset.state)"
LABEL = """(name) => {
  for (const label of document.querySelectorAll(".place-label > div")) {
    const title = label.querySelector(".title"); // The number below it is a link of its own.
    if (title.textContent !== name) continue;
    const box = title.getBoundingClientRect();
    return {x: box.x + box.width / 2, y: box.y + box.height / 2, value: label.querySelector(".value").textContent};
  }
  return null;
}"""


class Screen:
    """One page of a house, and the frames that reached it."""

    def __init__(self, page: Page, house: House) -> None:
        self.page, self.house = page, house
        self.paints: list[dict[str, Any]] = []
        self.failed: list[str] = []
        page.add_init_script(LEAFLET)
        page.on("websocket", lambda link: link.on("framereceived", self._frame))
        page.on("requestfailed", self._fail)
        page.on("response", self._answer)

    def _fail(self, call: Request) -> None:
        if call.failure != "net::ERR_ABORTED":  # By the page itself, as one goes on from it before all has come.
            self.failed.append(f"{call.url}: {call.failure}")

    def _answer(self, answer: Response) -> None:
        if answer.status >= 400:
            self.failed.append(f"{answer.url}: {answer.status}")

    def _frame(self, frame: str | bytes) -> None:
        said = json.loads(frame)
        if said["t"] == "paint":
            self.paints.append(said)

    def open(self, path: str = "/wall") -> Screen:
        """Load a page of the house, and wait until every panel on it has been painted."""
        self.page.goto(self.house.url + path)
        self.settle()
        return self

    def settle(self, seconds: float = 20.0) -> None:
        """Wait until all panels have left the opening state and none is turning to another place."""
        until(self.settled, seconds, "every panel is painted")

    def settled(self) -> bool:
        """Whether all panels have been painted for the place and language in the address."""
        states = self.page.evaluate(STATES)
        turning = self.page.evaluate("() => document.querySelectorAll('[data-turning]').length")
        return (
            bool(states) and not {"opening", "never"} & set(states) and turning == 0 and self.text("decide-open") != ""
        )

    def text(self, element: str) -> str:
        """The text of an element as it stands, without line breaks; empty if it is not there."""
        found = self.page.evaluate("(id) => document.getElementById(id)?.innerText ?? ''", element)
        return " ".join(str(found).split())

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements that match."""
        found = self.page.evaluate("(s) => [...document.querySelectorAll(s)].map((e) => e.textContent)", selector)
        return cast("list[str]", found)

    def number(self, element: str) -> int:
        """The whole number that an element shows."""
        return int(self.text(element).replace(",", ""))

    def path(self) -> str:
        """The address after the host."""
        return str(self.page.evaluate("() => location.pathname + location.search"))

    def label(self, name: str) -> dict[str, Any] | None:
        """Where the map writes the name of a place (x, y in pixels), and the number below it; None if nowhere."""
        return cast("dict[str, Any] | None", self.page.evaluate(LABEL, name))

    def click_place(self, name: str) -> None:
        """Click on the map, on the name in the middle of a place, once the map stands still."""
        spots: list[dict[str, Any] | None] = [None]

        def still() -> bool:
            spots.append(self.label(name))
            self.page.wait_for_timeout(50)
            return spots[-1] is not None and spots[-1] == spots[-2]

        until(still, 10, f"the map names {name}")
        spot = cast("dict[str, Any]", spots[-1])
        self.page.mouse.click(spot["x"], spot["y"])

    def same_moment(
        self, board: Board, panels: tuple[str, ...], place: str, read: Callable[[], Any]
    ) -> tuple[Any, dict[str, dict[str, Any]]]:
        """What ``read`` finds on the screen, and the views of the panels as the board has them at that very moment.

        A screen is compared with the board only where nothing moved between: what each panel was painted with last
        is of the same time as the views it reads, before and after the screen was read.
        """
        reads = {panel: all_panels()[panel].reads for panel in panels}
        found: list[tuple[Any, dict[str, dict[str, Any]]]] = []

        def still() -> bool:
            views = {view: board.view(view, place) for names in reads.values() for view in names}
            if not self._shows(views, reads, place):
                return False
            seen = read()
            again = {view: board.view(view, place) for view in views}
            if again == views and self._shows(views, reads, place):
                found.append((seen, {view: document["data"] for view, document in views.items()}))
            return bool(found)

        until(still, 15, f"the screen and the board's view of {', '.join(panels)} at {place} are of one moment")
        return found[0]

    def _shows(self, views: dict[str, dict[str, Any]], reads: Mapping[str, tuple[str, ...]], place: str) -> bool:
        """Whether each panel was painted last with these views, and the browser has applied it."""
        applied = int(self.page.evaluate("() => Number(document.documentElement.dataset.painted ?? 0)"))
        for panel, names in reads.items():
            paint = next((paint for paint in reversed(self.paints) if panel in paint["panels"]), None)
            if paint is None or paint["place"] != place or paint["n"] > applied:
                return False
            wanted = [min(views[name][member] for name in names) for member in ("offset", "as_of")]
            if [paint["panels"][panel][member] for member in ("offset", "as_of")] != wanted:
                return False
        return True


def serious(page: Page, within: str | None = None) -> list[str]:
    """What axe-core finds serious or critical on a page, or in the part of it that a selector names."""
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]}"
        for one in Axe().run(page, context=within).response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


class Board:
    """The board's views, asked for beside the screens."""

    def __init__(self, redis: Redis, city: str, root: str) -> None:
        self.redis, self.keys, self.root = redis, Keys(city), root

    def view(self, name: str, place: str) -> dict[str, Any]:
        """The view of a place, with the moment it is of."""
        key = view_key(name, place)

        def posted() -> bytes | None:
            self.redis.xadd(self.keys.asks, {"keys": msgspec.json.encode([key])}, maxlen=1000)
            return cast("bytes | None", self.redis.hget(self.keys.views, key))

        return cast("dict[str, Any]", msgspec.json.decode(until(posted, 60, f"the board posts {key}")))


@contextmanager
def board_of(house: House, city: str, root: str) -> Iterator[Board]:
    """The board of a running house."""
    with connect(valkey.address(house.home)) as redis:
        yield Board(redis, city, root)


def cloud_event(number: str, kind: str = "ticket.reported", **data: object) -> dict[str, Any]:
    """A CloudEvent about a ticket, of now."""
    return {
        "specversion": "1.0", "id": f"{number}:{kind}", "source": "browser-test", "type": kind, "subject": number,
        "time": datetime.now(UTC).isoformat(), "data": data,
    }  # fmt: skip


def post(house: House, *events: dict[str, Any], feed: str = "intake") -> dict[str, Any]:
    """Post events as a batch; what the house says of them."""
    kind = [("content-type", "application/cloudevents-batch+json")]
    status, answer = house.post(f"/ingest/{feed}", json.dumps(events).encode(), kind)
    assert status in (200, 202), answer
    return cast("dict[str, Any]", json.loads(answer))


def boston_data(root: Path) -> Path | None:
    """The folder with Boston's recorded cases; None where it is not there."""
    folder = root.parent / "shared" / "data" / "boston311"
    return folder if (folder / "service_requests_2011.csv").is_file() else None
