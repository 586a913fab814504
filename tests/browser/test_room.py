"""The room: night by the city's clock, an orbit against burn-in, two themes in the address, and paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from dashboard.city import read_city
from dashboard.doors.gallery import Viewer
from dashboard.doors.stage import LATER, Stage
from dashboard.screens.faces import FACES
from dashboard.screens.layout import all_layouts
from dashboard.screens.marks import colours
from tests.servers import ROOT, until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

NORMAL = next(face for face in FACES if face.id == "normal")
HOUR = 3600
# Where the wall's cards end, measured from the screen's edges: the least of all four.
MARGIN = """() => Math.min(...[...document.querySelectorAll("[data-panel]")].map((card) => {
  const { left, top, right, bottom } = card.getBoundingClientRect();
  return Math.min(left, top, innerWidth - right, innerHeight - bottom);
}))"""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(read_city(ROOT / "cities" / "nanhai.toml")) as stage:
        yield stage


def viewer(
    new_context: Callable[..., BrowserContext], stage: Stage, theme: str = "dark", width: int = 1920, height: int = 1080
) -> Viewer:
    context = new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    found = Viewer(stage, context.new_page(), "zh", theme)
    found.open("wall")
    found.show(NORMAL)
    return found


def test_a_night_may_reach_over_midnight(new_context: Callable[..., BrowserContext], stage: Stage) -> None:
    page = viewer(new_context, stage).page
    ask = "([time, from, until]) => citywall.isNight(time, from, until)"
    for time, begin, end, night in (
        ("23:00", "22:30", "06:00", True), ("05:59", "22:30", "06:00", True), ("06:00", "22:30", "06:00", False),
        ("12:00", "22:30", "06:00", False), ("01:00", "00:30", "05:00", True), ("23:00", "00:30", "05:00", False),
        ("23:00", "", "", False),
    ):  # fmt: skip
        assert page.evaluate(ask, [time, begin, end]) is night, (time, begin, end)


def test_the_wall_is_dimmed_at_night_by_the_city_s_clock(
    new_context: Callable[..., BrowserContext], stage: Stage
) -> None:
    """The page's own zone is Shanghai's too, so the hour is taken from the city: at 07:01 it is day, at 23:01 night."""
    page = viewer(new_context, stage).page
    veil = (
        "() => getComputedStyle(document.body, '::after').opacity * (document.documentElement.dataset.night === 'yes')"
    )
    assert page.evaluate(veil) == 0
    page.evaluate(
        "(now) => { window.stands = now * 1000; citywall.time.city = () => now; citywall.room(); }", LATER + 16 * HOUR
    )
    until(lambda: page.evaluate("() => document.documentElement.dataset.night") == "yes", 3, "it is night")
    assert page.evaluate(veil) == pytest.approx(1 - stage.city.display.dim)


def test_the_picture_wanders_and_nothing_leaves_the_screen(
    new_context: Callable[..., BrowserContext], stage: Stage
) -> None:
    page = viewer(new_context, stage).page
    path = page.evaluate("() => Array.from({ length: 900 }, (_, n) => citywall.orbit(n * 60, 3))")
    assert {step for place in path for step in place} == {-3, -2, -1, 0, 1, 2, 3}
    jumps = [max(abs(a - b) for a, b in zip(here, there, strict=True)) for here, there in pairwise(path)]
    assert max(jumps) <= 1
    places = set()
    for minute in (9, 28, 6, 17):  # At the ends of its way.
        page.evaluate("(now) => { citywall.time.wall = () => now; citywall.room(); }", minute * 60.0)
        places.add(page.evaluate("() => document.getElementById('wall').style.translate"))
        assert page.evaluate(MARGIN) >= 0
        assert page.evaluate("() => document.documentElement.scrollHeight <= innerHeight")
    assert len(places) == 4


def test_the_first_picture_is_of_the_size_it_stays(new_context: Callable[..., BrowserContext], stage: Stage) -> None:
    """The wanderer's margin is there when the first picture is drawn, and does not shrink it a second later."""
    page = new_context(viewport={"width": 1920, "height": 1080}, reduced_motion="reduce").new_page()
    page.add_init_script("""window.addEventListener("citywall:painted", () => queueMicrotask(() => {
      window.margin ??= document.getElementById("wall").style.getPropertyValue("--orbit");
    }))""")
    found = Viewer(stage, page, "zh", "dark")
    found.open("wall")
    found.show(NORMAL)
    until(lambda: page.evaluate("() => window.margin !== undefined"), 5, "the first picture")
    assert page.evaluate("() => window.margin") == "3px", "as the city file's [display] has it"


def test_a_small_screen_stands_still(new_context: Callable[..., BrowserContext], stage: Stage) -> None:
    page = viewer(new_context, stage, width=1280, height=800).page
    page.evaluate("() => { citywall.time.wall = () => 9 * 60; citywall.room(); }")
    assert page.evaluate("() => document.getElementById('wall').style.translate") in ("0px", "0px 0px")


def looks(found: Viewer) -> dict[str, Any]:
    """The theme's ground, the chart's ink and the map's colours as the page has them."""
    return dict(
        found.page.evaluate("""() => ({
      ground: getComputedStyle(document.body).backgroundColor,
      ink: document.querySelector("#trend-chart .legendtext")?.style.fill,
      swatch: document.querySelector("#map-legend .swatch")?.style.backgroundColor,
      address: location.search, painted: Number(document.documentElement.dataset.painted),
    })""")
    )


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"


def test_the_theme_is_in_the_address_and_charts_and_map_follow(
    new_context: Callable[..., BrowserContext], stage: Stage
) -> None:
    found = viewer(new_context, stage)
    dark, light = looks(found), colours("light")
    assert dark["ground"] == rgb(colours()["ground"])
    found.page.click("[data-set-theme=light]")
    until(lambda: looks(found)["swatch"] in {rgb(light[f"amount-{n}"]) for n in range(1, 6)}, 5, "the map is light")
    seen = looks(found)
    assert seen["ground"] == rgb(light["ground"])
    assert "theme=light" in seen["address"]
    assert seen["painted"] == dark["painted"], "nothing had to come from the server"
    found.page.go_back()
    inks = {rgb(colours()[f"amount-{n}"]) for n in range(1, 6)}
    until(lambda: looks(found)["swatch"] in inks, 5, "the way back is dark")
    found.page.evaluate("() => citywall.scene({ layout: 'wall', panel: 'trend', options: {} })")
    until(lambda: looks(found)["ink"] == rgb(colours()["ink-2"]), 10, "the chart is dark")
    found.page.click("[data-set-theme=light]")
    until(lambda: looks(found)["ink"] == rgb(light["ink-2"]), 5, "the chart is light")


def test_on_paper_every_panel_is_whole_and_dark_on_white(
    new_context: Callable[..., BrowserContext], stage: Stage
) -> None:
    page = viewer(new_context, stage, width=794, height=1123).page
    page.emulate_media(media="print")
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    until(lambda: page.evaluate("() => document.documentElement.dataset.theme") == "light", 3, "ink on paper")
    boxes = page.evaluate("""() => [...document.querySelectorAll("[data-panel]")].map((card) => {
      const { left, right, top, bottom } = card.getBoundingClientRect();
      return [card.dataset.panel, left, right, top, bottom];
    })""")
    assert len(boxes) == len(all_layouts()["wall"].panels)
    assert all(left >= -1 and right <= 795 and bottom - top > 30 for _, left, right, top, bottom in boxes)
    for at, (_, left, right, top, bottom) in enumerate(boxes):
        for _, other_left, other_right, other_top, other_bottom in boxes[at + 1 :]:
            across = min(right, other_right) - max(left, other_left)
            assert across < 1 or min(bottom, other_bottom) - max(top, other_top) < 1
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
