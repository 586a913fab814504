"""Pictures of two systems below one map: what is drawn follows the one that is chosen, there and back."""

from __future__ import annotations

import re
from math import asinh, hypot, pi, radians, tan
from typing import TYPE_CHECKING, Any

import pytest

from dashboard.ground.coordinates import wgs84_to_gcj02
from dashboard.screens.tiles import NONE
from tests.browser.screen import LEAFLET
from tests.browser.test_layers import FIRE, GAUGE, PARK, SEEN, TOLD, card
from tests.browser.test_points import address  # noqa: F401 - a fixture.
from tests.servers import until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.outage]  # The page's link finds no other end here.
ZOOM = 15
TILES = [
    {"id": "air", "system": "gcj02", "zooms": [0, 18], "dim": 0.5, "credit": "© 影像"},
    {"id": "streets", "system": "cgcs2000", "zooms": [0, 18], "dim": 0.5, "credit": "© 街道"},
]
# Where things are drawn, in pixels of the page, and which pixel of the picture lies in the page's corner.
DRAWN = """() => {
  const tile = document.querySelector("img.leaflet-tile");
  const canvas = document.querySelector("canvas.points");
  if (!tile || !canvas) return null;
  const [, base, ...at] = /\\/tiles\\/(\\w+)\\/(\\d+)\\/(\\d+)\\/(\\d+)$/.exec(tile.src);
  const [zoom, x, y] = at.map(Number);
  const corner = tile.getBoundingClientRect();
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const inked = [];
  for (let i = 3; i < data.length; i += 4) if (data[i]) inked.push((i - 3) / 4);
  const middle = (values) => (Math.min(...values) + Math.max(...values)) / 2;
  const paper = canvas.getBoundingClientRect();
  const scale = paper.width / width;
  const map = leafletMap.getContainer().getBoundingClientRect();
  let edge = null;
  leafletMap.eachLayer((one) => { if (one.feature?.properties.code === "A" && one._rings) edge = one._rings[0][0]; });
  const label = document.querySelector(".place-label");
  const popup = document.querySelector(".leaflet-popup.card")?.getBoundingClientRect();
  if (!edge || !label || !inked.length) return null;
  const shown = leafletMap.layerPointToContainerPoint(edge);
  const [left, top] = [label.getBoundingClientRect().x, label.getBoundingClientRect().y];
  return {
    base, zoom, corner: [256 * x - corner.x, 256 * y - corner.y],
    point: [
      paper.x + scale * middle(inked.map((n) => n % width)),
      paper.y + scale * middle(inked.map((n) => Math.floor(n / width))),
    ],
    outline: [map.x + shown.x, map.y + shown.y], label: [left, top],
    card: popup ? [popup.x + popup.width / 2, popup.bottom] : null,
    view: [leafletMap.getCenter().lng, leafletMap.getCenter().lat, leafletMap.getZoom()],
  };
}"""


def pixel(lon: float, lat: float) -> tuple[float, float]:
    """Where a point lies on a picture of the whole world in Web Mercator."""
    whole = 256 * 2**ZOOM
    return (lon / 360 + 0.5) * whole, (0.5 - asinh(tan(radians(lat))) / (2 * pi)) * whole


def test_another_picture_takes_everything_to_where_its_own_system_has_it(page: Page, address: str) -> None:  # noqa: F811
    def picture(route: Route) -> None:
        route.fulfill(body=NONE, content_type="image/png")

    page.add_init_script(LEAFLET)
    page.route("**/tiles/**", picture)
    page.goto(f"{address}/wall?place=T&layer=sensors")
    page.wait_for_selector("#map .leaflet-container", state="attached")
    page.add_style_tag(content=SEEN)
    page.evaluate("(card) => (window.card = card)", card())
    page.evaluate(TOLD, [GAUGE, PARK, FIRE, TILES])
    page.wait_for_function("() => leafletMap.getZoom() > 8 && citywall.points.drawn === 1")
    # Somebody has gone near to the gauge.
    page.evaluate("([[lon, lat], zoom]) => leafletMap.fire('dragstart').setView([lat, lon], zoom)", [GAUGE, ZOOM])
    found: dict[str, Any] = {}

    def drawn(base: str) -> bool:
        found.update(page.evaluate(DRAWN) or {})
        return bool(found) and (found["base"], found["zoom"]) == (base, ZOOM)

    def on_picture(what: str) -> tuple[float, float]:
        return found[what][0] + found["corner"][0], found[what][1] + found["corner"][1]

    def stands(base: str, system: str) -> None:
        wanted = pixel(*(wgs84_to_gcj02((GAUGE[0], GAUGE[1])) if system == "gcj02" else GAUGE))
        until(
            lambda: drawn(base) and on_picture("point") == pytest.approx(wanted, abs=12),  # Half a drop is no middle.
            10,
            f"the gauge stands where {base} has it",
        )

    stands("air", "gcj02")
    page.mouse.click(*found["point"])
    page.get_by_role("dialog").wait_for()
    until(lambda: drawn("air") and found["card"], 5, "its card")
    first = dict(found)
    there = {what: on_picture(what) for what in ("point", "outline", "label", "card")}
    metres = 40_075_017 * 0.9203 / 256 / 2**ZOOM  # of the ground in one pixel: 0.9203 is the cosine of 23.03°
    page.evaluate("() => citywall.go({ base: 'streets' })")
    stands("streets", "cgcs2000")
    until(lambda: drawn("streets") and found["card"], 5, "the card stays open")
    for what, before in there.items():
        moved = hypot(*(now - then for now, then in zip(on_picture(what), before, strict=True))) * metres
        assert 400 < moved < 700, f"{what}: half a kilometre at Foshan, not {moved:.0f} m"
    assert found["view"] == pytest.approx(first["view"], abs=1e-4), "who has gone somewhere stays there"
    assert page.locator("#map-credit").text_content() == "© 街道"
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.mouse.click(*found["point"])
    page.get_by_role("dialog").wait_for()
    assert re.findall(r"base=(\w+)", page.url) == ["streets"]
    page.evaluate("() => citywall.go({ base: '' })")
    stands("air", "gcj02")
    for what, before in there.items():
        until(lambda: drawn("air") and found["card"] is not None, 5, "all of it")
        assert on_picture(what) == pytest.approx(before, abs=3), what
    # Without any picture nothing is shifted, and what is pointed at is what is drawn there.
    page.evaluate("() => citywall.go({ base: 'none' })")
    page.wait_for_function("() => !document.querySelector('img.leaflet-tile')")
    straight = page.evaluate(
        "([lon, lat]) => leafletMap.project([lat, lon], leafletMap.getZoom()).x / 256 / 2 ** leafletMap.getZoom()",
        GAUGE,
    )
    assert straight == pytest.approx(GAUGE[0] / 360 + 0.5, abs=1e-9)
