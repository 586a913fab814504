"""How the running wall looks on screens of many shapes: nothing cut, covered, too small or too faint."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from dashboard.doors.gallery import CONTRAST, KINDS, LOOK
from dashboard.screens.layout import aspect, smallest
from layouts.wall import LAYOUT
from tests.browser.screen import Screen
from tests.servers import House, until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

SIZES = [(1920, 1080), (1920, 1200), (3840, 1080), (1366, 768), (1280, 800), (1024, 1366)]

# Writes 100 for each share of two digits in the figures, as a good day would; gives how many there were.
WHOLE = r"""() => {
  const walker = document.createTreeWalker(document.getElementById("wall"), NodeFilter.SHOW_TEXT);
  let found = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const figure = node.parentElement.closest(".figure, .big");
    if (!figure && !node.parentElement.closest(".figures .why")) continue;
    const share = figure?.textContent.includes("%") ? /^\d\d\.\d$/ : /(?<![\d.])\d\d?(?=(\.\d+)?\s?%)/g;
    const text = node.data.replace(share, "100");
    found += text !== node.data;
    node.data = text;
  }
  return found;
}"""

# The points of the places' outlines that lie below the map's buttons or its legend, in pixels of the map.
COVERED = """() => {
  const map = leafletMap.getContainer().getBoundingClientRect(), found = [];
  const boxes = [...document.querySelectorAll("#map .switch > div, #map-lights > div")].map((box) => box.getBoundingClientRect());
  leafletMap.eachLayer((one) => one._rings?.flat().forEach((ring) => {
    const spot = leafletMap.layerPointToContainerPoint(ring);
    const [x, y] = [spot.x + map.left, spot.y + map.top];
    if (boxes.some((box) => x > box.left && x < box.right && y > box.top && y < box.bottom)) found.push([x, y]);
  }));
  return found;
}"""  # noqa: E501


# How many places the map outlines.
OUTLINED = "() => { let n = 0; leafletMap.eachLayer((one) => { n += one._rings?.length > 0; }); return n; }"


def looked_at(screen: Screen) -> dict[str, Any]:
    """What the eye finds once the page stands still. Its texts are the city's own in either language."""
    drawn = "() => document.querySelector('#map-legend').hidden === false || citywall.points.number > 0"
    until(lambda: screen.page.evaluate(drawn), 5, "the map's legend, or its points")
    until(lambda: screen.page.evaluate("() => citywall.pending() === 0"), 5, "the chart is drawn")
    screen.page.wait_for_timeout(400)  # It follows a frame or two later, cards fade in for 0.4 s.
    size = cast("dict[str, int]", screen.page.viewport_size)
    settings = {"smallest": smallest(size["width"], size["height"]), "contrast": CONTRAST, "texts": []}
    return cast("dict[str, Any]", screen.page.evaluate(LOOK.read_text(encoding="utf-8"), settings))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_wall_is_whole_and_readable(
    new_context: Callable[..., BrowserContext], demo: House, size: tuple[int, int]
) -> None:
    width, height = size
    screen = Screen(new_context(viewport={"width": width, "height": height}).new_page(), demo).open()
    found: dict[str, Any] = {}
    for lang in ("zh", "en"):
        if lang != "zh":
            screen.page.click(f"[data-set-lang={lang}]")
            until(lambda: screen.page.evaluate("() => document.documentElement.lang") == "en", 3, "the other language")
            screen.settle()
        seen = looked_at(screen)
        assert seen["pieces"] > 80
        there = LAYOUT.pictures[aspect(width, height)].split()
        assert set(seen["cards"]) == set(there), "just the cards of this shape's picture"
        until(lambda: screen.page.evaluate(OUTLINED) > 1, 20, "places are drawn")
        until(lambda: screen.page.evaluate(COVERED) == [], 5, "no place lies below the buttons")
        found |= {f"{lang} {kind}": seen[kind] for kind in KINDS if seen[kind] and kind != "language"}
        assert screen.page.evaluate(WHOLE) > 5, f"{lang}: shares"
        seen = looked_at(screen)
        found |= {f"{lang} 100 % {kind}": seen[kind] for kind in ("cut", "over") if seen[kind]}
    assert not found, "\n".join(f"{kind}: {fault}" for kind, faults in found.items() for fault in faults)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("size", [(1920, 1080), (3840, 2160), (1024, 1366)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_no_place_lies_below_a_legend_of_several_layers(
    new_context: Callable[..., BrowserContext], demo: House, size: tuple[int, int], lang: str
) -> None:
    screen = Screen(new_context(viewport={"width": size[0], "height": size[1]}).new_page(), demo)
    screen.page.goto(f"{demo.url}/emergency?lang={lang}")
    until(lambda: screen.page.locator("#map-lights > div").count() == 2, 20, "two layers are told")
    until(lambda: screen.page.evaluate(OUTLINED) > 1, 20, "places are drawn")
    until(lambda: screen.page.evaluate(COVERED) == [], 5, "no place lies below what is told of them")


def test_the_sign_of_the_chosen_alert_is_as_clear_as_the_others(
    new_context: Callable[..., BrowserContext], demo: House
) -> None:
    page = new_context(viewport={"width": 1920, "height": 1080}).new_page()
    page.goto(f"{demo.url}/desk")
    page.wait_for_selector(".alert[aria-selected=true]", timeout=20_000)
    settings = {"smallest": smallest(1920, 1080), "contrast": CONTRAST, "texts": []}
    for theme in ("dark", "light"):
        for severity in ("s1", "s2", "s3", "s4"):
            page.evaluate(CHOSEN, {"theme": theme, "severity": severity})
            page.wait_for_timeout(500)  # Colours go over into each other.
            seen = page.evaluate(LOOK.read_text(encoding="utf-8"), settings)
            assert not [fault for fault in seen["faint"] if fault.startswith("desk_queue:")], f"{theme} {severity}"


# Whatever alert is chosen has this severity.
CHOSEN = """({ theme, severity }) => {
  document.documentElement.dataset.theme = theme;
  document.querySelector(".alert[aria-selected=true]").className = `alert ${severity} open`;
}"""
READY = "() => document.querySelector('#desk')?.dataset.ready"
BESIDE = {"tickets": "/tickets?open=1", "ticket": "", "rates": "/rates", "screens": "/screens"}


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 800)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_pages_beside_the_wall_are_readable(
    new_context: Callable[..., BrowserContext], demo: House, size: tuple[int, int]
) -> None:
    """They are read by somebody who sits before them, so they may be longer than the screen; nothing else is amiss."""
    page = new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    settings = {"smallest": smallest(*size), "contrast": CONTRAST, "texts": []}
    found: list[str] = []
    for name, address in BESIDE.items():
        for lang in ("zh", "en"):
            if address:
                page.goto(f"{demo.url}{address}{'&' if '?' in address else '?'}lang={lang}")
            else:  # A ticket by its row in the table.
                page.goto(f"{demo.url}{BESIDE['tickets']}&lang={lang}")
                page.wait_for_function(READY, timeout=20_000)
                page.locator(".ag-row .c-number").first.click()
                page.wait_for_url("**/ticket?key=**")
            page.wait_for_function(READY, timeout=20_000)
            page.wait_for_timeout(600)
            seen = page.evaluate(LOOK.read_text(encoding="utf-8"), settings)
            assert seen["pieces"] > 8, f"{name} is there"  # Of screens there are none yet.
            found += [
                f"{name} {lang} {kind}: {fault}"
                for kind in KINDS
                if kind not in ("language", "scroll")
                for fault in seen[kind]
                if "(the screen ends)" not in fault
            ]
    assert not found, "\n".join(found)
