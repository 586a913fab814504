"""Twenty thousand tickets on the map: drawn within a frame or two, changed by difference, shown as text."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import uvicorn

from dashboard.ground.coordinates import wgs84_to_gcj02
from dashboard.screens.tiles import NONE
from tests.browser.screen import LEAFLET
from tests.dashboard.screens.test_web import app_of, town
from tests.servers import until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.outage]  # The page's link finds no other end here.
NUMBER = 20_000
SPREAD = """(n) => {
  let seed = 7;
  const chance = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  window.rows = [...Array(n)].map((_, i) => ["s|" + i, 113 + 0.2 * chance(), 23 + 0.1 * chance(), i % 4, "<b>" + i]);
}"""
SET = """async () => {
  const drawn = new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const begun = performance.now();
  citywall.sinks["map-points"]("rows", { place: citywall.address.place, points: window.rows });
  await drawn;
  return { ms: performance.now() - begun, ...citywall.points };
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The town's pages without a board behind them."""
    app = app_of(town(Path(tmp_path_factory.mktemp("town"))))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def map_page(page: Page, address: str) -> Page:
    """The town's page at A, with a map that has been told where it is."""
    page.goto(f"{address}/wall?place=A")
    page.wait_for_selector("#map .leaflet-container", state="attached")
    page.add_style_tag(content="#map > .body { visibility: visible !important; }")  # It waits for a board in vain.
    document = {
        "place": "A", "name": "甲", "parent": "T", "places": {}, "steps": [0.9, 0.95, 0.97],
        "modes": {"tickets": "在办"}, "none": "无",
        "lights": [["normal", "●", "正常"], ["soon", "■", "临期"], ["overdue", "▲", "超期"], ["worst", "◆", "严重"]],
    }  # fmt: skip
    page.evaluate("(d) => citywall.sinks['map-data']('document', d)", document)
    page.wait_for_selector("#map canvas.leaflet-zoom-hide.points", state="attached")
    return page


def put(page: Page) -> dict[str, Any]:
    """Give the map its rows; what was drawn, what differed and how long it took."""
    return cast("dict[str, Any]", page.evaluate(SET))


def test_a_map_that_is_dragged_is_drawn_beyond_its_edges(map_page: Page) -> None:
    """Points and outlines alike; the map of a wall, which nobody drags, costs no more than it shows."""
    sizes = """() => {
      const map = document.querySelector("#map .leaflet-container");
      return [...map.querySelectorAll("canvas")].map((one) => one.offsetWidth / map.offsetWidth);
    }"""
    box = map_page.locator("#map .leaflet-container").bounding_box()
    assert box is not None
    until(lambda: len(map_page.evaluate(sizes)) == 2, 5, "outlines and points")
    assert map_page.evaluate(sizes) == pytest.approx([1, 1], abs=0.01)
    map_page.mouse.move(box["x"] + 200, box["y"] + 200)
    map_page.mouse.down()
    map_page.mouse.move(box["x"] + 260, box["y"] + 240, steps=4)
    map_page.mouse.up()
    until(lambda: min(map_page.evaluate(sizes)) > 1.5, 5, "both reach beyond the edges")


def test_points_are_drawn_and_changed_by_difference(map_page: Page) -> None:
    map_page.evaluate(SPREAD, NUMBER)
    first = put(map_page)
    assert (first["number"], first["changed"]) == (NUMBER, NUMBER)
    assert put(map_page)["changed"] == 0
    map_page.evaluate("() => { for (let i = 0; i < 20; i++) rows[i * 997] = [...rows[i * 997].slice(0, 3), 2, 'x']; }")
    already = int(map_page.evaluate("() => [...Array(20).keys()].filter((i) => (i * 997) % 4 === 2).length"))
    assert put(map_page)["changed"] == 20 - already
    map_page.evaluate("() => { rows.splice(0, 5000); rows.push(['s|new', 113.05, 23.05, 1, 'x']); }")
    last = put(map_page)
    assert (last["number"], last["changed"]) == (NUMBER - 4999, 5001)
    counted = map_page.evaluate("() => [...document.querySelectorAll('#map-lights > span')].map((e) => e.textContent)")
    assert sum(int(text.split()[-1].replace(",", "")) for text in counted) == NUMBER - 4999


def test_an_update_of_twenty_thousand_stays_smooth(map_page: Page) -> None:
    map_page.evaluate(SPREAD, NUMBER)
    put(map_page)
    took = []
    for turn in range(8):
        turned = "rows[t * 40 + i][3] = (rows[t * 40 + i][3] + 1) % 4;"
        map_page.evaluate(f"(t) => {{ for (let i = 0; i < 20; i++) {turned} }}", turn)
        map_page.evaluate("() => { rows = rows.map((row) => [...row]); }")
        took.append(put(map_page)["ms"])
    assert sorted(took)[4] < 250, f"{took} ms; about 45 on an idle machine without a graphics card"


def test_a_title_is_a_text_also_in_a_tooltip(map_page: Page) -> None:
    map_page.evaluate("() => { window.rows = [['s|1', 113.05, 23.05, 1, '<img src=x onerror=alert(1)>']]; }")
    put(map_page)
    box = map_page.locator("#map .leaflet-container").bounding_box()
    assert box is not None
    tip = map_page.locator(".leaflet-tooltip.plain")
    spot = map_page.evaluate("""() => {
      const canvas = document.querySelector("canvas.points");
      const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const found = [];
      for (let i = 3; i < data.length; i += 4) if (data[i] > 200) found.push((i - 3) / 4);
      const at = found[found.length >> 1];
      const box = canvas.getBoundingClientRect();
      return [box.x + (at % width) * box.width / width, box.y + Math.floor(at / width) * box.height / canvas.height];
    }""")
    map_page.mouse.move(*spot)
    tip.wait_for()
    assert "<img src=x onerror=alert(1)>" in tip.inner_text()
    assert map_page.locator("#map img").count() == 0


def test_points_of_another_place_are_not_shown(map_page: Page) -> None:
    map_page.evaluate(SPREAD, 10)
    put(map_page)
    map_page.evaluate("() => citywall.sinks['map-points']('rows', { place: 'B', points: rows })")
    assert map_page.evaluate("() => citywall.points.number") == 0


LAYER = """([place, number]) => {
  const looks = [[0, "在线"], [1, "异常"], [2, "离线"], [4, "计划停用"], [5, "未知"]];
  const layers = { cameras: { looks, rate: "在线率", home: [] } };
  const document = {
    place, name: "甲", parent: "T", places: {}, steps: [0.9, 0.95, 0.97], modes: { tickets: "在办" },
    none: "无", layers,
    lights: [["normal", "●"], ["soon", "■"], ["overdue", "▲"], ["worst", "◆"], ["paused", "❚"], ["none", "○"]],
  };
  citywall.sinks["map-data"]("document", document);
  const spot = (i) => [113 + 0.0001 * (i % 100), 23 + 0.0001 * Math.floor(i / 100)];
  const points = [...Array(number)].map((_, i) => ["c" + i, ...spot(i), "路" + i]);
  window.asked = [];
  const fetch = window.fetch;
  window.fetch = (url, ...more) => {
    if (!String(url).startsWith("/layers/")) return fetch(url, ...more);
    window.asked.push(String(url));
    const version = new URL(url, location).searchParams.get("v");
    return Promise.resolve(new Response(JSON.stringify({ version, points })));
  };
}"""
STATES = """async ([place, version, states, counts]) => {
  const cameras = { version, states, counts, unlocated: 0, places: {} };
  citywall.sinks["map-layers"]("states", { place, layers: { cameras } });
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return { ...citywall.points, legend: [...document.querySelectorAll("#map-lights > span")].map((e) => e.textContent) };
}"""


def test_a_layer_s_points_are_fetched_once_by_their_version_and_its_states_restyle_them(map_page: Page) -> None:
    map_page.evaluate(LAYER, ["A", 1000])
    assert map_page.evaluate("() => citywall.layer()") == "tickets"
    map_page.evaluate("() => citywall.go({ layer: 'cameras' })")
    map_page.evaluate(STATES, ["A", "v1", [0, 990, 2, 10], [990, 0, 10, 0, 0]])
    map_page.wait_for_function("() => citywall.points.number === 1000")
    assert map_page.evaluate("() => asked") == ["/layers/cameras/A.json?v=v1"]
    found = map_page.evaluate(STATES, ["A", "v1", [0, 980, 4, 10, 2, 10], [980, 0, 10, 0, 10]])
    assert (found["layer"], found["changed"]) == ("cameras", 10)
    assert found["legend"] == ["● 在线 980", "▲ 离线 10", "○ 未知 10"]
    assert len(map_page.evaluate("() => asked")) == 1
    assert map_page.locator("[data-map-layer=cameras]").get_attribute("aria-pressed") == "true"
    assert map_page.locator("#map .modes").is_hidden()
    map_page.evaluate(STATES, ["A", "v2", [0, 1000], [1000, 0, 0, 0, 0]])
    map_page.wait_for_function("() => asked.length === 2")
    map_page.evaluate("() => citywall.go({ layer: 'tickets' })")
    assert map_page.evaluate("() => citywall.points.layer") == "tickets"
    assert "layer=tickets" in map_page.url


def test_of_ten_thousand_cameras_those_are_drawn_anew_whose_state_changed(map_page: Page) -> None:
    map_page.evaluate(LAYER, ["A", 10_222])
    map_page.evaluate("() => citywall.go({ layer: 'cameras' })")
    map_page.evaluate(STATES, ["A", "v1", [0, 10_222], [10_222, 0, 0, 0, 0]])
    map_page.wait_for_function("() => citywall.points.drawn === 10222")
    for turn in range(8):
        runs = [0, 100 * turn, 2, 40, 0, 10_182 - 100 * turn]
        found = map_page.evaluate(STATES, ["A", "v1", runs, [10_182, 0, 40, 0, 0]])
        assert found["changed"] == (40 if turn == 0 else 80)


CLICKED = """([place, below, points]) => {
  citywall.sinks["map-data"]("document", {
    place, name: place, parent: null, steps: [0.9, 0.95, 0.97], modes: { tickets: "在办" }, none: "无",
    places: Object.fromEntries(below.map((code) => [code, { open: 1, late: 0, soon: 0, due: 1, on_time: 1 }])),
    layers: { cameras: { looks: [[0, "在线"]], rate: "在线率", home: [] } },
    lights: [["normal", "●", "正常"], ["soon", "■", "临期"], ["overdue", "▲", "超期"], ["worst", "◆", "严重"]],
  });
  citywall.sinks["map-points"]("rows", { place, points });
}"""
AT = """([lon, lat]) => {
  const box = leafletMap.getContainer().getBoundingClientRect();
  const at = leafletMap.project([lat, lon]).subtract(leafletMap.getPixelOrigin());  // Not rounded to a pixel.
  const { x, y } = leafletMap.layerPointToContainerPoint(at);
  return [box.x + x, box.y + y];
}"""
SPOT = [113.03, 23.03]  # In A, beside the label in its middle.
CURSOR = "() => getComputedStyle(leafletMap.getContainer()).cursor"


def pointed(page: Page, address: str, place: str, below: list[str], beside: float) -> list[float]:
    """Open a place with one ticket on its map, and point so many pixels beside it; where that is."""
    page.add_init_script(LEAFLET)
    page.route("**/ticket?**", lambda route: route.fulfill(body="a ticket", content_type="text/plain"))
    page.goto(f"{address}/wall?place={place}&lang=en")
    page.wait_for_selector("#map .leaflet-container", state="attached")
    page.add_style_tag(content="#map > .body { visibility: visible !important; }")
    page.evaluate(CLICKED, [place, below, [["s|1", *SPOT, 0, "lamp"]]])
    page.wait_for_function("() => citywall.points.drawn === 1 && leafletMap.getZoom() > 8")

    def still() -> bool:  # A card that has just been drawn may change its size once more, and the map with it.
        before = page.evaluate(AT, SPOT)
        page.wait_for_timeout(200)
        return bool(page.evaluate(AT, SPOT) == before)

    until(still, 10, "the map stands still")
    at = page.evaluate(AT, SPOT)
    x, y = floor(at[0] + beside), round(at[1])  # A mouse stands on whole pixels: not farther beside than is said.

    def hovered() -> bool:
        # Leaflet looks for what is under the mouse every 32 ms, or later on a busy machine, so the hand trembles a
        # little: wherever it is seen, it points at the same.
        for nudge in (1, 0):
            page.mouse.move(x - nudge, y)
            page.wait_for_timeout(60)
        return page.locator(".leaflet-tooltip.plain").is_visible()

    until(hovered, 15, "a tooltip is shown")
    return [x, y]


@pytest.mark.parametrize(
    ("beside", "tip", "cursor", "leads"),
    [
        (2, "open the ticket", "pointer", "/ticket?key=s%7C1&lang=en"),
        (12, "go there", "zoom-in", "/wall?place=A&lang=en"),
    ],
)
def test_where_one_can_go_down_only_the_marker_itself_takes_the_click(
    page: Page, address: str, beside: float, tip: str, cursor: str, leads: str
) -> None:
    spot = pointed(page, address, "T", ["A", "B"], beside)
    page.wait_for_function("(tip) => document.querySelector('.leaflet-tooltip')?.textContent.includes(tip)", arg=tip)
    assert page.evaluate(CURSOR) == cursor
    page.mouse.click(*spot)
    page.wait_for_url(f"{address}{leads}", wait_until="commit")


def test_a_name_leads_to_its_place_whatever_lies_below_it(page: Page, address: str) -> None:
    pointed(page, address, "T", ["A", "B"], 2)
    middle = """() => {
      const name = document.querySelector(".place-label:not(.out) .title").getBoundingClientRect();
      const map = leafletMap.getContainer().getBoundingClientRect();
      const [x, y] = [name.x + name.width / 2, name.y + name.height / 2];
      const at = leafletMap.containerPointToLatLng([x - map.x, y - map.y]);
      return [x, y, at.lng, at.lat];
    }"""

    x, y, *below = page.evaluate(middle)
    page.evaluate(CLICKED, ["T", ["A", "B"], [["s|2", *below, 0, "lamp"]]])
    assert page.evaluate(AT, below) == pytest.approx([x, y], abs=1)

    def hovered() -> bool:
        for nudge in (1, 0):
            page.mouse.move(x - nudge, y)
            page.wait_for_timeout(60)
        return "go there" in page.locator(".leaflet-tooltip").inner_text()

    until(hovered, 15, "the tooltip speaks of the place")
    assert page.evaluate(CURSOR) == "zoom-in"
    page.mouse.click(x, y)
    page.wait_for_url(re.compile(r"/wall\?place=[AB]&lang=en$"), wait_until="commit")


def test_at_the_lowest_level_a_point_is_easier_to_hit(page: Page, address: str) -> None:
    spot = pointed(page, address, "A", [], 7.5)
    assert "Click: open the ticket" in page.locator(".leaflet-tooltip").inner_text()
    page.mouse.click(*spot)
    page.wait_for_url(f"{address}/ticket?key=s%7C1&lang=en", wait_until="commit")


def test_beside_every_point_the_lowest_level_promises_nothing(page: Page, address: str) -> None:
    spot = pointed(page, address, "A", [], 40)
    assert "Click" not in page.locator(".leaflet-tooltip").inner_text()
    assert page.evaluate(CURSOR) not in ("pointer", "zoom-in")
    page.mouse.click(*spot)
    assert page.url == f"{address}/wall?place=A&lang=en"


def test_a_camera_s_marker_leaves_the_click_to_its_place(page: Page, address: str) -> None:
    spot = pointed(page, address, "T", ["A", "B"], 40)
    page.evaluate(
        """([lon, lat]) => {
          window.fetch = async () => new Response(JSON.stringify({ version: "v", points: [["c", lon, lat, "gate"]] }));
          const cameras = { version: "v", states: [0, 1], counts: [1], places: {} };
          citywall.sinks["map-layers"]("states", { place: "T", layers: { cameras } });
          citywall.go({ layer: "cameras" });
        }""",
        SPOT,
    )
    page.wait_for_function("() => citywall.points.layer === 'cameras' && citywall.points.drawn === 1")
    over = "() => document.querySelector('.leaflet-tooltip')?.textContent === 'gate在线'"

    def hovered() -> bool:
        # On a busy machine a lone movement may fall between two looks of Leaflet, so the hand trembles a little.
        for nudge in (1, 0):
            page.mouse.move(spot[0] - 40 + nudge, spot[1])
            page.wait_for_timeout(60)
        return bool(page.evaluate(over))

    until(hovered, 15, "the camera's name is shown over its marker")
    assert page.evaluate(CURSOR) == "zoom-in"
    page.mouse.click(spot[0] - 40, spot[1])
    page.wait_for_url(f"{address}/wall?place=A&**", wait_until="commit")


def test_a_finger_need_not_hit_the_middle(new_context: Callable[..., BrowserContext], address: str) -> None:
    page = new_context(has_touch=True, viewport={"width": 1024, "height": 1366}).new_page()
    spot = pointed(page, address, "A", [], 16)
    page.touchscreen.tap(*spot)
    page.wait_for_url(f"{address}/ticket?key=s%7C1&lang=en", wait_until="commit")


def test_a_map_on_shifted_tiles_shifts_everything_else_too(page: Page, address: str) -> None:
    """Over tiles in GCJ-02 a point given in WGS-84 stands where they have it, and what is pointed at is WGS-84."""
    page.add_init_script(LEAFLET)
    asked: list[str] = []

    def picture(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body=NONE, content_type="image/png")

    page.route("**/tiles/**", picture)
    page.goto(f"{address}/wall?place=A")
    page.wait_for_selector("#map .leaflet-container", state="attached")
    tiles = [{"id": "img", "system": "gcj02", "zooms": [0, 18], "dim": 0.5, "credit": "© 测绘"}]
    tell = """(tiles) => citywall.sinks["map-data"]("document", {
      place: "A", name: "甲", parent: "T", places: {}, steps: [0.9, 0.95, 0.97], modes: { tickets: "在办" }, none: "无",
      lights: [["normal", "●", "正常"]], tiles })"""
    page.evaluate(tell, tiles)
    until(lambda: page.locator("#map").count() and asked, 10, "tiles are asked for")
    assert all(re.search(r"/tiles/img/\d+/\d+/\d+$", url) for url in asked)
    until(lambda: page.locator("#map-credit").text_content() == "© 测绘", 5, "the credit stands there")
    place = (113.05, 23.05)
    where = """([lon, lat]) => {
      const point = leafletMap.latLngToContainerPoint([lat, lon]);
      const back = leafletMap.containerPointToLatLng(point);
      return [point.x, point.y, back.lng, back.lat];
    }"""
    # Where a place lies in the picture of the whole world at one zoom, in pixels that nothing has rounded.
    drawn = "([lon, lat]) => { const at = leafletMap.project([lat, lon], 14); return [at.x, at.y]; }"
    until(lambda: page.evaluate("() => leafletMap.getZoom() > 8"), 10, "the map shows A")
    lon, lat = page.evaluate(where, place)[2:]
    assert abs(lon - place[0]) < 1e-3 > abs(lat - place[1]), "as far as a point is rounded to a pixel"
    shifted = page.evaluate(drawn, place)
    page.evaluate(tell, [{**tiles[0], "system": "wgs84"}])
    until(lambda: page.evaluate(drawn, place) != shifted, 10, "the map stands on its new tiles")
    assert page.evaluate(drawn, wgs84_to_gcj02(place)) == pytest.approx(shifted, abs=0.01), "to the pixel"
    there = page.evaluate(where, wgs84_to_gcj02(place))
    assert abs(there[0] - page.evaluate(where, place)[0]) > 20, "half a kilometre can be seen at this zoom"
