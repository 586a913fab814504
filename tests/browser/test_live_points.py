"""Tickets as points, from the post to the canvas: each one drawn, and a light that turns restyles what is there."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from dashboard.city import read_city
from dashboard.screens.marks import colours
from dashboard.sources.feed import rules_of
from tests.browser.screen import Screen, cloud_event, post
from tests.servers import ROOT, House, until

PLACES = rules_of(read_city(ROOT / "cities" / "nanhai.toml")).places
NUMBER = 60
# The layer of points, with a count of what is drawn on its canvas since the last time it was wiped.
WATCH = """() => {
  leafletMap.eachLayer((layer) => layer.known && (window.layer = layer));
  const brush = layer.canvas.getContext("2d");
  window.drawn = { now: 0, wiped: 0 };
  const { drawImage, clearRect } = brush;
  brush.drawImage = (...what) => { drawn.now++; drawImage.apply(brush, what); };
  brush.clearRect = (...what) => { drawn.now = 0; drawn.wiped++; clearRect.apply(brush, what); };
}"""
KNOWN = "() => Object.fromEntries([...layer.known].map(([key, point]) => [key, [point.light, point.tag ?? null]]))"
COLOUR = """(key) => {
  const point = layer.known.get(key);
  const map = layer._map;
  const { x, y } = map.latLngToLayerPoint([point.lat, point.lon]).subtract(L.DomUtil.getPosition(layer.canvas));
  return [...layer.canvas.getContext("2d").getImageData(Math.round(x), Math.round(y), 1, 1).data];
}"""
MANY = """async ([place, number, changes]) => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const box = leafletMap.getBounds();
  const [west, south] = [box.getWest(), box.getSouth()];
  const [width, height] = [box.getEast() - west, box.getNorth() - south];
  const rows = Array.from({ length: number }, (_, i) =>
    [`many|${i}`, west + (width * (i % 200)) / 200, south + (height * Math.floor(i / 200)) / 200, i % 4]);
  const tell = (points) => citywall.sinks["map-points"]("rows", { place, points });
  tell(rows);
  await frame();
  const first = { drawn: drawn.now, known: layer.known.size };
  const before = new Map(layer.known);
  const wiped = drawn.wiped;
  tell(rows.map((row, i) => (i < changes ? [row[0], row[1], row[2], (row[3] + 1) % 4] : row)));
  await frame();
  const same = [...layer.known].filter(([key, point]) => before.get(key) === point).length;
  const { changed } = citywall.points;
  const again = { drawn: drawn.now, known: layer.known.size, changed, same, wipes: drawn.wiped - wiped };
  tell(rows.slice(5).concat([["many|new", west + width / 2, south + height / 2, 0]]));
  await frame();
  const kept = [...layer.known].filter(([key, point]) => before.get(key) === point).length;
  return [first, again, { drawn: drawn.now, changed: citywall.points.changed, kept }];
}"""


def grid() -> str:
    """A place at the lowest level."""
    town = PLACES.children(PLACES.root.code)[1]
    return PLACES.children(PLACES.children(town.code)[0].code)[0].code


@pytest.fixture
def watched(screen: Screen) -> Screen:
    """A screen at the lowest level, its points counted."""
    screen.open(f"/wall?place={grid()}")
    drawn = "() => 'number' in (citywall.points ?? {}) && leafletMap.getZoom() > 10"
    until(lambda: screen.page.evaluate(drawn), 5, "the map is drawn")
    screen.page.evaluate(WATCH)
    return screen


def mine(screen: Screen) -> dict[str, list[Any]]:
    """Light and tag of each point that a test has posted, by its number."""
    found = cast("dict[str, list[Any]]", screen.page.evaluate(KNOWN))
    return {key.partition("|")[2]: point for key, point in found.items() if key.startswith("browser-test|")}


def test_every_ticket_is_one_point_and_a_new_light_restyles_it(watched: Screen, demo: House) -> None:
    page, run = watched.page, str(time.time_ns())
    west, south, east, north = page.evaluate(
        "() => { const b = leafletMap.getBounds(); return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]; }"
    )
    now = datetime.now(UTC)
    events = []
    for number in range(NUMBER):
        across, up = 0.2 + 0.06 * (number % 10), 0.2 + 0.06 * (number // 10)
        spot = [west + (east - west) * across, south + (north - south) * up]
        due = now + (timedelta(seconds=6) if number == 0 else timedelta(days=2))
        events.append(cloud_event(f"{run}-{number}", title="路灯不亮", place=grid(), point=spot, due=due.isoformat()))
    assert post(demo, *events)["stored"] == NUMBER
    until(lambda: len(mine(watched)) == NUMBER, 10, "all points are there")
    until(lambda: page.evaluate("() => drawn.now === layer.known.size"), 5, "each is drawn")
    first = f"{run}-0"
    # Every object gets a tag: one that is made anew has lost it.
    page.evaluate("() => [...layer.known.values()].forEach((point, at) => (point.tag = at + 1))")
    tags = {name: tag for name, (_, tag) in mine(watched).items()}
    until(lambda: mine(watched)[first][0] == 2, 12, "the light of the one that falls due turns red")
    assert {name: tag for name, (_, tag) in mine(watched).items()} == tags
    red = colours()["overdue"].lstrip("#")
    until(lambda: near(page.evaluate(COLOUR, f"browser-test|{first}"), red), 5, "its point is painted red")
    until(lambda: page.evaluate("() => drawn.now === layer.known.size"), 5, "each is drawn again")
    post(demo, *[cloud_event(f"{run}-{number}", "ticket.closed") for number in range(NUMBER)])
    until(lambda: not mine(watched), 10, "the closed ones are gone")
    until(lambda: page.evaluate("() => drawn.now === layer.known.size"), 5, "from the canvas too")


def near(pixel: list[int], colour: str) -> bool:
    """Whether a pixel (red, green, blue, opacity) has a colour, written in hexadecimal."""
    return all(abs(value - int(colour[at : at + 2], 16)) <= 12 for value, at in zip(pixel, (0, 2, 4), strict=False))


def test_of_twenty_thousand_only_what_changed_is_touched(watched: Screen) -> None:
    first, again, last = watched.page.evaluate(MANY, [grid(), 20_000, 20])
    assert first == {"drawn": 20_000, "known": 20_000}
    assert again == {"drawn": 20_000, "known": 20_000, "changed": 20, "same": 20_000, "wipes": 1}
    # Five are gone, fifteen turn back, one is new.
    assert last == {"drawn": 19_996, "changed": 21, "kept": 19_995}
