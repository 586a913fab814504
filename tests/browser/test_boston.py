"""A real city in a real browser: Boston's cases of 2011, their numbers held against the table itself."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.browser.screen import Board, Screen, board_of, boston_data
from tests.browser.test_look import looked_at
from tests.servers import ROOT, House, until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, WebSocketRoute

DATA = boston_data(ROOT)
ZONE = ZoneInfo("America/New_York")
TOWN = "Dorchester"
DRAWN = """() => {
  const codes = new Set();
  leafletMap.eachLayer((layer) => layer.feature && codes.add(layer.feature.properties.code));
  return codes.size ? [...codes] : null;
}"""
NAMED = """() => Object.fromEntries([...document.querySelectorAll(".place-label:not(.out)")].map(
  (label) => [label.querySelector(".title").textContent, label.querySelector(".value").textContent]))"""

pytestmark = pytest.mark.skipif(DATA is None, reason="Boston's recorded cases are not there (../shared/data/boston311)")


# -- the table, read without the house -------------------------------------------------------------------------


def inside(lon: float, lat: float, rings: list[list[list[float]]]) -> bool:
    """Whether a point lies in a polygon with holes, by counting the edges on its way east."""
    crossed = False
    for ring in rings:
        for (ax, ay), (bx, by) in pairwise(ring):
            if (ay > lat) != (by > lat) and lon < (bx - ax) * (lat - ay) / (by - ay) + ax:
                crossed = not crossed
    return crossed


def outlines() -> dict[str, tuple[str, list[list[list[list[float]]]]]]:
    """Code → name and polygons of each neighbourhood."""
    assert DATA is not None
    found = {}
    for feature in json.loads((DATA / "Boston_Neighborhoods.geojson").read_text(encoding="utf-8"))["features"]:
        shape = feature["geometry"]
        polygons = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
        found[str(feature["properties"]["Neighborhood_ID"])] = (feature["properties"]["Name"], polygons)
    return found


def moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE) if text else None


class Truth:
    """What the table says of one neighbourhood: cases that lie in it, or bear its name where they lie nowhere."""

    def __init__(self, name: str) -> None:
        assert DATA is not None
        shapes = outlines()
        self.code, polygons = next((code, polygons) for code, (found, polygons) in shapes.items() if found == name)
        every = [polygon for _, parts in shapes.values() for polygon in parts]
        boxes = {id(part): (min(x for x, _ in part[0]), min(y for _, y in part[0]), max(x for x, _ in part[0]),
                            max(y for _, y in part[0])) for part in every}  # fmt: skip

        def lies(row: dict[str, str], parts: list[list[list[list[float]]]]) -> bool:
            if not row["longitude"] or not row["latitude"]:
                return False
            lon, lat = float(row["longitude"]), float(row["latitude"])
            return any(
                (box := boxes[id(part)])[0] <= lon <= box[2] and box[1] <= lat <= box[3] and inside(lon, lat, part)
                for part in parts
            )

        self.rows: list[dict[str, str]] = []
        self.rest = 0
        with (DATA / "service_requests_2011.csv").open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                self.rest += 1
                if lies(row, polygons) or (row["neighborhood"] == name and not lies(row, every)):
                    self.rows.append(row)

    def counts(self) -> Counter[str]:
        """Open, closed, closed with a target by the table's own verdict, and the open ones that lie on the map."""
        found: Counter[str] = Counter()
        for row in self.rows:
            found["total"] += 1
            done = bool(row["closed_dt"])
            found["closed" if done else "open"] += 1
            found["points"] += not done and bool(row["longitude"])
            if done and row["target_dt"]:
                found[row["ontime"]] += 1
        return found

    def late(self, now: datetime) -> int:
        """Open cases whose target lies before now."""
        targets = [moment(row["target_dt"]) for row in self.rows if not row["closed_dt"]]
        return sum(due is not None and due < now for due in targets)

    def month(self, now: datetime) -> tuple[int, int]:
        """Cases that were to be closed in the month of ``now`` so far, or were closed in it, and those in time."""
        whole = part = 0
        for row in self.rows:
            due, done = moment(row["target_dt"]), moment(row["closed_dt"])
            if due is None:
                continue
            this = (now.year, now.month)
            ahead = done is None and due >= now
            if ((due.year, due.month) == this and not ahead) or (done is not None and (done.year, done.month) == this):
                whole += 1
                part += done is not None and done <= due
        return part, whole


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth(TOWN)


@pytest.fixture(scope="module")
def boston() -> Iterator[House]:
    with House("--city", "boston", env={"BOSTON": str(DATA), "REPLAY": "max"}) as house:
        with board_of(house, "boston", "boston") as board:
            until(lambda: board.view("tickets", "boston")["data"]["total"] == 58_251, 60, "all cases have been told")
        yield house


@pytest.fixture(scope="module")
def board(boston: House) -> Iterator[Board]:
    with board_of(boston, "boston", "boston") as found:
        yield found


@pytest.fixture
def screen(page: Page, boston: House) -> Screen:
    return Screen(page, boston)


# -- the screen ------------------------------------------------------------------------------------------------


def test_the_neighbourhoods_are_on_the_map(screen: Screen, board: Board) -> None:
    screen.open()
    drawn = until(lambda: screen.page.evaluate(DRAWN), 10, "outlines on the map")
    assert sorted(drawn) == sorted(outlines())
    assert len(drawn) == 26
    # Those that have room bear their name, with what the board has counted there.
    named = until(lambda: screen.page.evaluate(NAMED), 5, "names on the map")
    counted = board.view("map", "boston")["data"]["places"]
    names = {name: code for code, (name, _) in outlines().items()}
    assert {name: f"{counted[names[name]]['open']:,}" for name in named} == named
    assert len(named) >= 10
    assert screen.text("decide-open") == f"{table_open():,}"
    assert screen.failed == []


def table_open() -> int:
    """How many cases of the table have no closing."""
    assert DATA is not None
    with (DATA / "service_requests_2011.csv").open(encoding="utf-8-sig", newline="") as file:
        return sum(not row["closed_dt"] for row in csv.DictReader(file))


def test_one_neighbourhood_is_what_the_table_says(screen: Screen, board: Board, truth: Truth) -> None:
    screen.open()
    screen.click_place(TOWN)
    until(lambda: screen.path() == f"/wall?place={truth.code}", 5, "the click leads to its place")
    screen.settle()
    assert screen.texts("#header-path a") == ["Boston", TOWN]

    def read() -> dict[str, Any]:
        names = ("decide-open", "decide-late", "decide-rate-why", "decide-rate")
        return {name: screen.text(name) for name in names} | {"points": screen.page.evaluate("() => citywall.points")}

    seen, views = screen.same_moment(board, ("decide", "map"), truth.code, read)
    now = datetime.fromtimestamp(board.view("tickets", truth.code)["as_of"], ZONE)
    counts, (part, whole) = truth.counts(), truth.month(now)
    assert counts["total"] > 10_000
    assert seen["decide-open"] == f"{counts['open']:,}"
    assert seen["decide-late"] == f"{truth.late(now):,}"
    assert seen["decide-rate-why"] == f"{part:,} / {whole:,}"
    assert seen["decide-rate"] == f"{100 * part / whole:.1f}%"
    # What only reports show so far is on the board of the same moment.
    tickets = views["tickets"]
    assert (tickets["total"], tickets["closed"]) == (counts["total"], counts["closed"])
    assert tickets["on_time"] == counts["ONTIME"]
    assert tickets["agree"] == counts["ONTIME"] + counts["OVERDUE"]
    assert tickets["disagree"] == 0
    # Each open ticket that has a point is one on the map.
    assert seen["points"]["number"] == counts["points"] > 500


def test_every_verdict_agrees_on_the_screen(screen: Screen, board: Board, truth: Truth) -> None:
    """The tickets' page counts what history holds: all that the city judged, and none judged otherwise."""
    page = screen.page

    def said(words: str) -> tuple[int, str]:
        page.goto(f"{screen.house.url}/tickets?{words}")
        found = until(
            lambda: page.evaluate("() => document.querySelector('#desk[data-ready]')?.dataset.count"), 20, "a count"
        )
        return int(found), screen.text("desk-count")

    def told() -> bool:
        status, body = screen.house.get("/tickets/count", timeout=10)
        return status == 200 and json.loads(body)["counts"]["n"] == 58_251

    until(told, 60, "all cases are in history")
    agreed, shown = said("agree=1")
    assert (agreed, shown) == (43_664, "43,664tickets")
    assert said("agree=0")[0] == 0
    counts = truth.counts()
    assert said(f"place={truth.code}&on_time=1")[0] == counts["ONTIME"]
    assert said(f"place={truth.code}&agree=1&on_time=0")[0] == counts["OVERDUE"]
    # Some were closed after their target without a word of the city's: late, and held against nothing.
    assert said(f"place={truth.code}&on_time=0")[0] == counts["OVERDUE"] + counts[""]
    assert screen.failed == []


def test_the_page_says_that_it_is_a_replay_and_in_the_citys_language_first(screen: Screen) -> None:
    screen.open()
    assert screen.page.evaluate("() => document.documentElement.lang") == "en"
    assert "Replay" in screen.page.evaluate("() => document.getElementById('header').innerText")
    assert "Simulated" not in screen.page.evaluate("() => document.body.innerText")
    screen.page.click("[data-set-lang=zh]")
    until(
        lambda: "历史回放" in screen.page.evaluate("() => document.getElementById('header').innerText"), 3, "in Chinese"
    )
    screen.settle()
    assert screen.texts("#header-path a") == ["波士顿"]


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 800)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_its_larger_numbers_and_longer_names_fit_too(
    new_context: Callable[..., BrowserContext], boston: House, truth: Truth, size: tuple[int, int]
) -> None:
    screen = Screen(new_context(viewport={"width": size[0], "height": size[1]}).new_page(), boston)
    for path in ("/wall", f"/wall?place={truth.code}"):
        screen.open(path)
        seen = looked_at(screen)
        # The batch is over and its numbers are greyed, so nothing is said about their contrast.
        found = [fault for kind in ("cut", "over") for fault in seen[kind]]
        assert not found, "\n".join(found)


def test_after_a_batch_the_clock_stands_where_it_ended(screen: Screen) -> None:
    """A batch tells months in a second, and then nothing: the clock must not run on at that pace."""
    end = datetime(2012, 1, 1, tzinfo=ZONE).timestamp()
    now = datetime.now(ZONE).timestamp()

    def answer(link: WebSocketRoute) -> None:
        for before in (1, 0):
            beat = {
                "t": "beat",
                "now": now,
                "wall": now - before,
                "as_of": end - before * 5e6,
                "epoch": "e",
                "feeds": {},
            }
            link.send(json.dumps(beat))

    screen.page.route_web_socket("**/live", answer)
    screen.page.goto(screen.house.url + "/wall")
    until(lambda: screen.texts("[data-clock=date]") == ["Sun, 1 Jan 2012"], 5, "the day the cases end")
    screen.page.wait_for_timeout(2500)
    assert screen.texts("[data-clock=date]") == ["Sun, 1 Jan 2012"]
