"""The wall of the simulated district in a real browser: painted, exact, drilled into, and told of a new ticket."""

from __future__ import annotations

import html
import http.client
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from dashboard.city import read_city
from dashboard.nouns.health import BEAT
from dashboard.screens.page import LINK_LOST
from dashboard.sources.feed import rules_of
from tests.browser.screen import Board, Screen, cloud_event, post
from tests.servers import ROOT, House, until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

PLACES = rules_of(read_city(ROOT / "cities" / "nanhai.toml")).places
ROOT_PLACE = PLACES.root.code
SHISHAN = "440605124"
TILES = ("decide-open", "decide-hour", "decide-late", "decide-rate", "decide-rate-why")
MODULES = {"service", "efficacy", "economy", "market", "sharing", "cloud", "emergency"}


def tiles(view: dict[str, Any]) -> dict[str, str]:
    """What the numbers of a view of tickets are to look like, written without the house's own means."""
    whole, part = view["month_so_far"]
    return {
        "decide-open": f"{view['open']:,}",
        "decide-hour": f"{view['in_hour']:,}",
        "decide-late": f"{view['lights']['overdue'] + view['lights']['worst']:,}",
        "decide-rate": f"{100 * part / whole:.1f}%" if whole else "–",
        "decide-rate-why": f"{part:,} / {whole:,}" if whole else "– / –",
    }


def shown(screen: Screen) -> dict[str, str]:
    """The same numbers as they stand on the screen."""
    return {name: screen.text(name).removesuffix("件") for name in TILES}


def exact(screen: Screen, board: Board, place: str) -> dict[str, Any]:
    """The numbers on the screen are those of the board at this place; its view of tickets."""
    seen, views = screen.same_moment(board, ("decide",), place, lambda: shown(screen))
    assert seen == tiles(views["tickets"])
    assert views["tickets"]["open"] > 0
    return views["tickets"]


# -- painted -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "simulated", "opened"), [("zh", "模拟数据", "在办工单"), ("en", "Simulated data", "Open tickets")]
)
def test_the_wall_paints_in_both_languages(
    screen: Screen, demo_board: Board, lang: str, simulated: str, opened: str
) -> None:
    screen.open(f"/wall?lang={lang}")
    page = screen.page
    seen = (
        "() => [...document.querySelectorAll('[data-panel]')].filter((c) => c.offsetParent).map((c) => c.dataset.panel)"
    )
    assert set(page.evaluate(seen)) == MODULES | {"header", "decide", "map", "urgent", "alerts"}
    assert page.evaluate("() => document.documentElement.lang") == lang
    written = page.evaluate("() => document.body.innerText")
    assert simulated in written
    assert opened in written
    exact(screen, demo_board, ROOT_PLACE)
    assert screen.failed == []


def test_the_map_and_the_lists_say_what_the_board_says(screen: Screen, demo_board: Board) -> None:
    screen.open("/intake")
    towns = {place.name: place.code for place in PLACES.children(ROOT_PLACE)}
    until(lambda: screen.label("狮山镇"), 10, "the map names its towns")

    def read() -> tuple[Any, ...]:
        return (
            {name: (screen.label(name) or {}).get("value") for name in towns},
            screen.texts("#units-rows .row .name"),
            screen.texts("#categories-rows .row .n:not(.quiet)"),
            screen.texts("#urgent-rows .row .name"),
        )

    panels = ("map", "units", "categories", "urgent")
    (on_map, units, intake, urgent), views = screen.same_moment(demo_board, panels, ROOT_PLACE, read)
    counted = views["map"]["places"]
    assert len(towns) == 7
    assert on_map == {name: f"{counted[code]['open']:,}" for name, code in towns.items()}
    assert units == [unit["unit"] or "–" for unit in views["units"]["units"]][: len(units)]
    assert intake == [f"{number:,}" for _, number, _ in views["categories"]["categories"]][: len(intake)]
    assert urgent == [ticket["title"] for ticket in views["urgent"]["tickets"]][: len(urgent)]
    assert min(len(units), len(intake), len(urgent)) >= 5


def feed_rows(screen: Screen) -> list[list[str]]:
    """The rows of the feeds' panel, cell by cell."""
    cells = "(row) => [...row.children].map((cell) => cell.textContent)"
    return cast(
        "list[list[str]]",
        screen.page.evaluate(f"() => [...document.querySelectorAll('#feeds-rows .row')].map({cells})"),
    )


def test_feed_health_is_what_metrics_say(screen: Screen) -> None:
    screen.open("/intake")
    measured = {}
    for line in screen.house.get("/metrics")[1].decode().splitlines():
        if line.startswith("citywall_feed_records_total{") and 'fate="stored"' in line:
            measured[line.split('feed="')[1].split('"')[0]] = int(float(line.split()[-1]))
    assert set(measured) == set(screen.texts("#feeds-rows .row .name"))
    stored = next(cells for cells in feed_rows(screen) if cells[1] == "tickets")
    assert abs(int(stored[4].replace(",", "")) - measured["tickets"]) < 100, "some seconds may lie between the two"
    assert measured["tickets"] > 50_000


def test_the_numbers_keep_moving(screen: Screen) -> None:
    screen.open()
    first = screen.paints[-1]["n"]
    clock = screen.texts("[data-clock=seconds]")
    until(lambda: screen.settled() and screen.paints[-1]["n"] > first, 10, "the next paint")
    until(lambda: screen.texts("[data-clock=seconds]") != clock, 3, "the clock goes on")
    assert not screen.page.is_visible("#link"), LINK_LOST.en


# -- the last day ---------------------------------------------------------------------------------------------


def noted(screen: Screen, place: str) -> bool:
    """Whether the open tickets of a place have been noted since the house was started."""
    said = json.loads(screen.house.get(f"/trace?place={place}&figure=decide-open")[1])
    return bool(said["figures"]["decide-open"]["points"])


def test_a_place_in_a_list_answers_with_its_own_last_day(screen: Screen) -> None:
    until(lambda: noted(screen, SHISHAN), 60, "its numbers are noted")
    page = screen.page
    page.goto(screen.house.url + "/efficacy?lang=en")
    row = page.locator("#places-rows .row").filter(has=page.locator(f"[data-place='{SHISHAN}']"))
    with page.expect_request("**/trace?**") as asked:
        row.locator("[data-figure=decide-open]").click()
    assert asked.value.url.endswith(f"/trace?place={SHISHAN}&figure=decide-open")
    answer = page.locator("dialog.answer[open]")
    until(lambda: answer.locator("svg.trace path").count() == 1, 20, "its last day is drawn")
    assert answer.locator("h2").inner_text() == "Shishan Town · Open"
    assert "noted hourly" not in answer.locator(".traces").inner_text()


def test_a_number_in_a_list_and_one_beside_words_answer_with_their_own_last_day(screen: Screen) -> None:
    until(lambda: noted(screen, ROOT_PLACE), 60, "its numbers are noted")
    page = screen.page
    answer = page.locator("dialog.answer[open]")
    for lang in ("en", "zh"):
        page.goto(f"{screen.house.url}/duty?lang={lang}")
        page.locator("#units-rows .row .n").first.wait_for()
        for place in ("#units-rows .row:nth-child(2) > :nth-child(4)", "#alarms-steps b"):
            page.locator(place).first.click()
            until(lambda: answer.locator("svg.trace path").count() == 1, 20, f"{place} has its last day")
            assert ("noted hourly" if lang == "en" else "每小时一记") in answer.locator(".traces").inner_text()
            page.keyboard.press("Escape")
    assert screen.failed == []


def test_a_village_s_numbers_are_noted_hourly(screen: Screen) -> None:
    village = PLACES.children(PLACES.children(ROOT_PLACE)[0].code)[0].code  # The first of those that take turns.
    grids = PLACES.children(village)
    until(lambda: all(noted(screen, place.code) for place in (PLACES[village], *grids)), 60, "they are noted")
    page = screen.open(f"/wall?place={village}&lang=en").page
    page.locator("#decide-open .number").click()
    answer = page.locator("dialog.answer[open]")
    until(lambda: answer.locator("svg.trace path").count() == 1, 20, "its last day is drawn")
    assert "noted hourly" in answer.locator(".traces").inner_text()
    assert len(screen.texts("dialog.answer .below .name")) == len(grids)
    assert screen.failed == []


# -- doors ---------------------------------------------------------------------------------------------------


def test_what_the_server_says_of_itself(screen: Screen, demo: House) -> None:
    answer = screen.page.goto(demo.url + "/wall")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "unsafe-eval" not in policy
    assert {"default-src 'self'", "object-src 'none'", "base-uri 'none'", "connect-src 'self'"} <= set(
        policy.split("; ")
    )
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "'unsafe-inline'" not in scripts
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    for path in ("/docs", "/redoc", "/openapi.json", "/no-such-page", "/wall/deeper", "/wal", "/.git/config"):
        assert demo.get(path)[0] == 404, path
    status, text = demo.get("/healthz")
    assert status == 200, text


# -- up and down ---------------------------------------------------------------------------------------------


def followed(screen: Screen, board: Board, place: str) -> dict[str, Any]:
    """The address names the place, all panels have followed, and the numbers are the place's; its tickets."""
    until(
        lambda: f"place={place}" in screen.path() if place != ROOT_PLACE else "place=" not in screen.path(), 10, place
    )
    screen.settle()
    view = exact(screen, board, place)
    way = screen.texts("#header-path a")
    assert way == [PLACES[code].name for code in PLACES.path(place)]
    return view


def below(board: Board, place: str) -> str:
    """The place with most open tickets below this one."""
    counted = board.view("map", place)["data"]["places"]
    return str(max(counted, key=lambda code: (counted[code]["open"], code)))


def test_drilling_down_by_clicks_and_up_again(screen: Screen, demo_board: Board) -> None:
    screen.open()
    way = [ROOT_PLACE]
    opened = [exact(screen, demo_board, ROOT_PLACE)["open"]]
    for level in ("town", "village", "grid"):
        child = below(demo_board, way[-1])
        assert PLACES[child].level == level
        screen.click_place(PLACES[child].name)
        way.append(child)
        opened.append(followed(screen, demo_board, child)["open"])
        assert opened[-1] < opened[-2]
    # The browser's own button goes up one by one.
    for place in (way[2], way[1]):
        screen.page.go_back()
        followed(screen, demo_board, place)
    screen.page.go_forward()
    followed(screen, demo_board, way[2])
    # So does the way in the header, also by more than one step.
    screen.page.click("#header-path a:nth-of-type(2)")
    followed(screen, demo_board, way[1])
    screen.page.click("#header-path a:nth-of-type(1)")
    followed(screen, demo_board, ROOT_PLACE)
    assert screen.failed == []


def test_a_link_opens_at_its_place(screen: Screen, demo_board: Board) -> None:
    screen.open(f"/wall?place={SHISHAN}&lang=zh")
    followed(screen, demo_board, SHISHAN)
    villages = {place.name for place in PLACES.children(SHISHAN)}
    until(lambda: screen.texts(".place-label .title"), 5, "the map names the villages")
    assert set(screen.texts(".place-label .title")) <= villages


@pytest.mark.parametrize(
    ("query", "kept"),
    [("place=999", ""), ("place=", ""), ("place=%3Cscript%3E", ""), ("lang=xx", ""), ("lang=xx&place=999", ""),
     ("place=999&lang=en", "?lang=en"), (f"place={SHISHAN}&lang=xx&map=rate", f"?place={SHISHAN}&map=rate")],
)  # fmt: skip
def test_what_nobody_knows_is_left_out_of_the_address(demo: House, query: str, kept: str) -> None:
    link = http.client.HTTPConnection("127.0.0.1", demo.port, timeout=5)
    link.request("GET", f"/wall?{query}")
    answer = link.getresponse()
    assert (answer.status, answer.headers["location"]) == (307, f"/wall{kept}")
    link.close()


def test_an_unknown_place_falls_back_to_the_whole(screen: Screen) -> None:
    screen.open("/wall?place=999&lang=en")
    assert screen.path() == "/wall?lang=en"
    assert screen.texts("#header-path a") == [PLACES.root.name_en]


def test_the_map_is_coloured_by_what_is_chosen(screen: Screen, demo_board: Board) -> None:
    screen.open()
    town = PLACES[SHISHAN]
    until(lambda: screen.label(town.name), 10, "the map names its towns")

    def value() -> str:
        return str((screen.label(town.name) or {}).get("value"))

    def expected(mode: str, row: dict[str, Any]) -> str:
        if mode == "rate":
            return f"{100 * row['on_time'] / row['due']:.1f} %"
        return f"{1000 * row['open'] / row['population']:.2f}" if mode == "people" else f"{row['open']:,}"

    legends = set()
    for mode in ("rate", "people", "tickets"):
        screen.page.click(f"[data-map-mode={mode}]")
        assert screen.path() == f"/wall?map={mode}"
        assert pressed(screen) == [mode]
        seen, views = screen.same_moment(demo_board, ("map",), ROOT_PLACE, value)
        assert seen == expected(mode, views["map"]["places"][SHISHAN])
        legends.add(screen.text("map-legend"))
    assert len(legends) == 3
    # A link remembers it, and it stays on the way down.
    screen.open("/wall?map=rate")
    assert pressed(screen) == ["rate"]
    screen.click_place(town.name)
    until(lambda: f"place={SHISHAN}" in screen.path(), 5, "one level down")
    assert "map=rate" in screen.path()


def pressed(screen: Screen) -> list[str]:
    """The buttons of the map that are pressed."""
    found = screen.page.query_selector_all("[data-map-mode][aria-pressed=true]")
    return [str(button.get_attribute("data-map-mode")) for button in found]


def test_the_keyboard_reaches_the_switch(screen: Screen) -> None:
    screen.open()
    for _ in range(200):
        screen.page.keyboard.press("Tab")
        if screen.page.evaluate("() => document.activeElement?.dataset.mapMode") == "people":
            break
    else:
        pytest.fail("two hundred tabs do not reach the map's switch")
    assert screen.page.evaluate("() => document.activeElement.matches(':focus-visible')")
    screen.page.keyboard.press("Enter")
    assert "map=people" in screen.path()
    assert pressed(screen) == ["people"]


# -- a ticket comes in ---------------------------------------------------------------------------------------

WILD = '<img src=x onerror="window.ran=1"><script>window.ran=1</script>井盖'


def test_a_posted_ticket_is_on_the_screen_at_once_and_its_title_stays_text(
    new_context: Callable[..., BrowserContext], demo: House, demo_board: Board
) -> None:
    # A quiet place, so that nothing but the posted ticket moves its numbers.
    grid = quiet_grid(demo_board)
    screen = Screen(new_context().new_page(), demo).open(f"/wall?place={grid}")
    before = screen.number("decide-open")
    number = f"wild-{time.time_ns()}"
    began = time.monotonic()
    spot = screen.page.evaluate("() => [leafletMap.getCenter().lng, leafletMap.getCenter().lat]")
    due = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 20))  # It is the next to fall due.
    said = post(demo, cloud_event(number, title=WILD, category="井盖破损", place=grid, point=spot, due=due))
    assert said["stored"] == 1, said
    until(lambda: screen.number("decide-open") == before + 1, 5, "the number on the screen has changed")
    took = time.monotonic() - began
    assert took < 2, f"{took:.2f} s from the post to the screen"
    until(lambda: any(WILD in title for title in screen.texts("#urgent-rows .name")), 3, "the title is in the list")
    page = screen.page
    assert page.evaluate("() => document.querySelectorAll('#wall img[src=x], #wall script').length") == 0
    assert html.escape(WILD, quote=False) in str(page.inner_html("#urgent-rows"))
    # Neither does the map run it, where the ticket is a point with a tooltip.
    until(lambda: any(WILD in tip for tip in hovered(screen, spot)), 3, "the tooltip over the ticket's point")
    assert page.evaluate("() => document.querySelectorAll('.leaflet-tooltip img, .leaflet-tooltip script').length") == 0
    assert page.evaluate("() => window.ran") is None
    post(demo, cloud_event(number, "ticket.closed"))
    until(lambda: screen.number("decide-open") == before, 2, "the closing takes it off again")
    until(lambda: not any(WILD in title for title in screen.texts("#urgent-rows .name")), 2, "and off the list")
    assert screen.failed == []


def hovered(screen: Screen, spot: list[float]) -> list[str]:
    """What the map's tooltips say when the mouse comes over a point (longitude, latitude)."""
    x, y = screen.page.evaluate(
        """([lon, lat]) => {
          const box = leafletMap.getContainer().getBoundingClientRect();
          const { x, y } = leafletMap.latLngToContainerPoint([lat, lon]);
          return [box.x + x, box.y + y];
        }""",
        spot,
    )
    for beside in (40, 0):
        screen.page.mouse.move(x - beside, y)
        screen.page.wait_for_timeout(80)
    return screen.texts(".leaflet-tooltip")


def quiet_grid(board: Board) -> str:
    """A grid with few open tickets in a village with few."""
    village = min(
        (row["open"], code)
        for town in PLACES.children(ROOT_PLACE)
        for code, row in board.view("map", town.code)["data"]["places"].items()
    )[1]
    counted = board.view("map", village)["data"]["places"]
    return str(min(counted, key=lambda code: (counted[code]["open"], code)))


def test_a_bad_event_is_counted_and_the_good_one_beside_it_passes(
    screen: Screen, demo: House, demo_board: Board
) -> None:
    screen.open("/intake")

    def row() -> dict[str, int]:
        cells = next(cells for cells in feed_rows(screen) if cells[1] == "intake")
        names = ("received", "stored", "duplicate", "dead")
        return dict(zip(names, (int(cell.replace(",", "")) for cell in cells[3:7]), strict=True))

    def rested() -> dict[str, int] | None:
        # What was posted before this test is counted with the feed's next beat, so the row is read over several.
        found = row()
        screen.page.wait_for_timeout(3 * 1000 * BEAT)
        return found if row() == found else None

    before = until(rested, 40, "the feeds' panel counts nothing new")
    number = f"good-{time.time_ns()}"
    good = cloud_event(number, title="路灯不亮", category="路灯不亮", place=SHISHAN)
    said = post(
        demo,
        good,
        {**good, "id": f"{number}:bad", "type": "ticket.exploded"},
        {**good, "id": f"{number}:x", "time": "soon"},
    )
    assert (said["stored"], said["dead"]) == (1, 2), said
    after = {"received": 3, "stored": 1, "duplicate": 0, "dead": 2}
    until(lambda: {name: row()[name] - before[name] for name in after} == after, 15, f"the feeds' panel counts {after}")
    again = post(demo, good)
    assert again["duplicate"] == 1, again
    until(lambda: row()["duplicate"] == before["duplicate"] + 1, 15, "the duplicate is counted")
    post(demo, cloud_event(number, "ticket.closed"))
