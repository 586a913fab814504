"""Screens in real browsers: sent elsewhere in place, identified, back after a power cut, interrupted, begun afresh."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from bench.browser import FEED, PAINTED, Tickets, furnish
from bench.house import LOAD_CITY, House, until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Route, WebSocketRoute

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]
SCENES = """
[display]
memory = [100, 300]

[[scenes]]
id = "overview"
title = { zh = "总览", en = "Overview" }
layout = "wall"

[[scenes]]
id = "work"
title = { zh = "工单", en = "Casework" }
layout = "casework"
place = "9001"

[[scenes]]
id = "alarm"
title = { zh = "告警", en = "Alarm" }
layout = "duty"

[[playlists]]
id = "rounds"
title = { zh = "轮播", en = "Rounds" }
interrupt = 1
alarm = "alarm"
scenes = [{ scene = "overview", seconds = 600 }, { scene = "work", seconds = 600 }]
"""
COLOURS = """(img) => {
  const [width, height] = [img.naturalWidth, img.naturalHeight];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  pen.drawImage(img, 0, 0);
  const { data } = pen.getImageData(0, 0, width, height);
  const most = new Map();
  for (let at = 0; at < data.length; at += 4) {
    const colour = data.slice(at, at + 3).map((part) => part >> 4).join();
    most.set(colour, (most.get(colour) ?? 0) + 1);
  }
  return [most.size, Math.max(...most.values()) / (data.length / 4)];
}"""
FACTS = """() => Object.fromEntries([...document.querySelectorAll("#desk-screen .facts dt")].map(
  (name) => [name.textContent, name.nextElementSibling.textContent]))"""
PAGE = "() => [location.pathname, new URLSearchParams(location.search).get('place') ?? '']"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("city")
    shutil.copy(LOAD_CITY.with_name("load.csv"), folder)
    text = LOAD_CITY.read_text(encoding="utf-8").replace('screens = ["wall"]', 'screens = ["wall", "casework", "duty"]')
    head, places, rest = text.partition("[places]")
    (folder / "load.toml").write_text(head + SCENES + "\n" + places + rest, encoding="utf-8")
    with House(folder / "load.toml") as house:
        furnish(house, Tickets(), 400)
        yield house


@pytest.fixture
def opened(house: House, new_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Opens a page of the house as a display of its own."""

    def make(path: str, **more: Any) -> Page:
        page = new_context(**more).new_page()
        page.goto(house.url + path, wait_until="commit")
        if not path.startswith("/screens"):
            page.wait_for_function(PAINTED, timeout=20_000)
        return page

    return make


def said(house: House, screen: str) -> dict[str, Any]:
    """What the list of screens says of one."""
    rows = json.loads(house.get("/screens/data?lang=en")[1])["screens"]
    return next((row for row in rows if row["id"] == screen), {})


def stands(page: Page, path: str, place: str = "") -> None:
    """Wait until a page shows a layout at a place, and all of it is painted."""
    until(lambda: page.evaluate(PAGE) == [path, place], 10, f"{path} at {place or 'the whole city'}")
    page.wait_for_function(PAINTED, timeout=10_000)


def test_a_screen_is_run_from_a_tablet_and_keeps_its_place_through_a_power_cut(
    house: House, opened: Callable[..., Page]
) -> None:
    hall = opened("/wall?screen=hall-1")
    hall.evaluate("() => { window.same = true; }")
    tablet = opened("/screens?lang=en", viewport={"width": 1280, "height": 800}, has_touch=True)
    card = tablet.locator(".display[data-id=hall-1]")
    card.wait_for()
    # Whether it can write Chinese at all is part of how it does; the list of one that cannot says what to install.
    until(lambda: said(house, "hall-1").get("chinese") is True, 15, "it has told of its fonts")

    def boxes(route: Route) -> None:
        answer = route.fetch()
        data = answer.json()
        for row in data["screens"]:
            row["chinese"] = False
        route.fulfill(response=answer, json=data)

    tablet.route("**/screens/data?*", boxes)
    until(lambda: "No Chinese font" in card.inner_text(), 5, "a fault of the display")
    assert card.locator(".light").inner_text() == "▲"
    assert "Microsoft YaHei" in tablet.inner_text("#desk-screen .facts")
    tablet.unroute("**/screens/data?*")
    until(lambda: "No Chinese font" not in card.inner_text(), 5, "it is well again")
    # The keyboard chooses it, and a button sends it elsewhere.
    card.focus()
    tablet.keyboard.press("Enter")
    tablet.click("[data-scene=work]")
    stands(hall, "/casework", "9001")
    assert hall.evaluate("() => window.same"), "in place, without another page"
    assert hall.evaluate("() => document.querySelectorAll('.leaflet-container').length") == 0, "the map has gone"
    until(lambda: "Casework" in card.inner_text(), 5, "the list says so")
    # A panel has the screen to itself, and gives it back.
    tablet.select_option("#desk-screen select[aria-label='Panel full-screen']", "rates")
    until(lambda: hall.evaluate("() => document.getElementById('wall').dataset.screen") == "panel-rates", 10, "rates")
    tablet.get_by_role("button", name="Back from full-screen").click()
    stands(hall, "/casework", "9001")
    # It is named, and says its name.
    tablet.get_by_role("button", name="Rename").click()
    tablet.keyboard.type("大厅 <b>东屏</b>")
    tablet.keyboard.press("Enter")
    until(lambda: said(house, "hall-1")["name"] == "大厅 <b>东屏</b>", 5, "it has a name")
    card.focus()
    tablet.keyboard.press("i")
    hall.wait_for_selector("#identify")
    assert hall.inner_text("#identify b") == "大厅 <b>东屏</b>"
    hall.wait_for_selector("#identify", state="detached", timeout=12_000)
    serious = [
        (fault["id"], [node["html"] for node in fault["nodes"]][:2])
        for fault in Axe().run(tablet, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert not serious, serious
    # Its picture is drawn by itself, and is no empty one.
    picture = card.locator("img")
    picture.wait_for(state="visible", timeout=15_000)
    until(lambda: picture.evaluate("(img) => img.naturalWidth") == 560, 10, "its picture")
    assert picture.evaluate("(img) => img.naturalHeight") == 315
    colours, most = picture.evaluate(COLOURS)
    assert colours > 12
    assert most < 0.98, "it is not of one colour, with some noise in it"
    # It says how it does.
    until(lambda: (said(house, "hall-1").get("fps") or 0) > 0, 25, "its frames are counted")
    row = said(house, "hall-1")
    assert row["fps"] < 500
    assert row["memory"] > 1
    assert 0 <= row["painted"] + row["age"] < 60
    until(lambda: re.match(r"[1-9][\d.]*$", tablet.evaluate(FACTS).get("Frames/s", "")), 5, "and the tablet shows them")
    facts = tablet.evaluate(FACTS)
    assert re.match(r"[1-9]\d* MB$", facts["Script memory"]), facts
    assert re.match(r"\d+ (s|min)$", facts["Last paint"]), facts
    # Another display is given what it shows.
    second = opened("/duty?screen=hall-2")
    choice = tablet.locator("#desk-screen select[aria-label='Show it on another screen too']")
    until(lambda: choice.locator("option[value=hall-2]").count() == 1, 10, "it can be chosen")
    choice.select_option("hall-2")
    stands(second, "/casework", "9001")
    until(lambda: said(house, "hall-2")["scene"] == "work", 5, "the list says so")
    second.context.close()
    # It is loaded anew, and comes back with the same scene.
    card.focus()
    tablet.keyboard.press("r")
    hall.wait_for_function("() => !window.same", timeout=15_000)
    hall.wait_for_function(PAINTED, timeout=20_000)
    stands(hall, "/casework", "9001")
    until(lambda: said(house, "hall-1").get("restarts") == 1, 10, "it says so itself")
    assert (said(house, "hall-1")["scene"], said(house, "hall-1")["name"]) == ("work", "大厅 <b>东屏</b>")
    # The power fails, of the house and of the display; nobody tells either anything.
    hall.context.close()
    tablet.context.close()
    house.kill_all()
    house.start()
    again = opened("/wall?screen=hall-1")
    stands(again, "/casework", "9001")
    assert said(house, "hall-1")["name"] == "大厅 <b>东屏</b>"


def test_an_alert_interrupts_the_playlist_until_somebody_takes_note(house: House, opened: Callable[..., Page]) -> None:
    lobby = opened("/wall?playlist=rounds&screen=lobby")
    lobby.evaluate("() => { window.same = true; }")
    lobby.wait_for_selector("#header-playlist button")
    lobby.keyboard.press("p")
    lobby.wait_for_selector("#header-playlist button.paused")
    lobby.click("#header-playlist button")
    lobby.wait_for_selector("#header-playlist button.runs")
    row = Tickets().one()
    watched = {**row, "id": f"{row['id']}-s", "type": "ticket.supervised", "data": {"level": 3}}
    house.post(FEED, json.dumps([row, watched]).encode())
    stands(lobby, "/duty", row["data"]["place"])
    lobby.wait_for_selector("#header-playlist button.alarm")
    until(lambda: said(house, "lobby")["scene"] == "alarm", 5, "the list says so")
    key = f"ticket|bench|{row['subject']}"
    alert = until_found(house, key)
    act = {"id": "0f0e7c1e-2b54-4a57-9f0b-0d1a2b3c4d5e", "type": "alarm.acknowledged", "by": "李",
           "data": {"alert": alert, "severity": 1}}  # fmt: skip
    answer = lobby.evaluate(
        """async (act) => (await fetch("/act", { method: "POST", body: JSON.stringify(act),
             headers: { "content-type": "application/json" } })).status""",
        act,
    )
    assert answer == 202
    stands(lobby, "/wall")
    lobby.wait_for_selector("#header-playlist button.runs")
    assert lobby.evaluate("() => window.same")


@pytest.mark.outage
def test_the_list_recovers_from_an_outage_and_a_lost_order_stays_in_sight(opened: Callable[..., Page]) -> None:
    opened("/wall?screen=hall-7")
    page = opened("/screens?lang=en")
    page.wait_for_selector(".display[data-id=hall-7]")
    fault = page.locator("#desk-fault")
    page.route("**/screens/data?**", lambda route: route.abort())
    until(lambda: "Connection lost" in fault.inner_text(), 10, "it says so")
    page.unroute("**/screens/data?**")
    until(lambda: not fault.is_visible(), 10, "nothing says so any more")
    page.route("**/identify", lambda route: route.abort())
    page.keyboard.press("i")
    until(fault.is_visible, 10, "an order did not arrive")
    for _ in range(2):
        page.wait_for_event("response", lambda answer: "/screens/data" in answer.url)
    assert fault.is_visible(), "that the list comes says nothing of it"


def until_found(house: House, start: str) -> str:
    """The whole key of the alert whose key begins as this one."""
    from dashboard.travel.stream import connect, view_key

    found: list[str] = []

    def look() -> bool:
        with connect(house.rooms.redis_url) as redis:
            raw: Any = redis.hget(house.rooms.keys.views, view_key("alerts", "90"))
        found[:] = [one["key"] for one in json.loads(raw or b'{"data":{"alerts":[]}}')["data"]["alerts"]]
        return any(key.startswith(start) for key in found)

    until(look, 10, lambda: f"an alert {start}: {found}")
    return next(key for key in found if key.startswith(start))


def test_a_last_word_to_the_scene_before_is_passed_over(
    house: House, new_context: Callable[..., BrowserContext]
) -> None:
    """Messages are under way while a scene changes: what is not on the page any more is not set, and no fault."""
    page = new_context().new_page()
    links: list[WebSocketRoute] = []
    paints: list[dict[str, Any]] = []

    def between(link: WebSocketRoute) -> None:
        server = link.connect_to_server()
        links.append(link)

        def hand_on(message: str | bytes) -> None:
            paints.extend(found for found in [json.loads(message)] if found["t"] == "paint")
            link.send(message)

        server.on_message(hand_on)

    page.route_web_socket("**/live", between)
    page.goto(house.url + "/wall")
    page.wait_for_function(PAINTED, timeout=20_000)
    late = {"offset": 1, "as_of": 1.0, "feeds": [], "props": {"stages-report.children": "9"}}
    links[-1].send(json.dumps({**paints[-1], "n": 1_000_000, "panels": {"stages": late}}))
    page.wait_for_function("() => document.documentElement.dataset.painted === '1000000'", timeout=10_000)


def test_only_a_page_that_stays_empty_starts_afresh(house: House, new_context: Callable[..., BrowserContext]) -> None:
    page = new_context().new_page()
    page.add_init_script("window.later = 0; const now = Date.now; Date.now = () => now() + window.later;")
    page.goto(house.url + "/duty?screen=empties&place=9001")
    page.wait_for_function(PAINTED, timeout=20_000)
    page.evaluate("() => { window.same = true; window.later = 30e3; }")
    time.sleep(1.5)  # The page looks after itself twice a second: it has stood for a while.
    page.evaluate("() => dash_clientside.set_props('stage', { children: [] })")  # As between two scenes.
    time.sleep(1.5)
    assert page.evaluate("() => window.same"), "another scene may be on its way"
    page.evaluate("() => { window.later += 30e3; }")
    page.wait_for_function("() => !window.same", timeout=15_000)
    page.wait_for_function(PAINTED, timeout=15_000)
    stands(page, "/duty", "9001")


def test_a_page_that_has_grown_large_starts_afresh_when_nobody_minds(
    house: House, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context().new_page()
    page.add_init_script(
        """window.grown = 20e6;
        Object.defineProperty(performance, "memory", { get: () => ({ usedJSHeapSize: window.grown }) });"""
    )
    page.goto(house.url + "/duty?screen=grows&place=9001&theme=light")
    page.wait_for_function(PAINTED, timeout=20_000)
    page.mouse.click(5, 5)  # Somebody is at it.
    page.evaluate("() => { window.grown = 150e6; window.same = true; }")
    time.sleep(1.5)
    assert page.evaluate("() => window.same"), "not under somebody's hands"
    page.evaluate("() => citywall.leftAlone()")
    page.wait_for_function("() => !window.same", timeout=15_000)
    page.wait_for_function(PAINTED, timeout=15_000)
    stands(page, "/duty", "9001")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"
    page.wait_for_function("() => !document.documentElement.dataset.veil", timeout=8_000)
    until(lambda: said(house, "grows").get("restarts") == 1, 15, "it says so itself")


def test_a_card_without_a_paint_is_loading_also_where_the_board_stands_still(
    house: House, new_context: Callable[..., BrowserContext]
) -> None:
    """A board that is catching up has not worked out every panel: a word for its age over nothing would be no face."""
    page = new_context().new_page()

    def between(link: WebSocketRoute) -> None:
        server = link.connect_to_server()

        def hand_on(message: str | bytes) -> None:
            said = json.loads(message)
            said.get("panels", {}).pop("decide", None)
            if said["t"] == "beat":
                said["wall"] = 1_700_000_000.0
            link.send(json.dumps(said))

        server.on_message(hand_on)

    page.route_web_socket("**/live", between)
    page.goto(house.url + "/wall")
    page.wait_for_selector("#urgent[data-state=stalled]", timeout=20_000)
    assert page.get_attribute("#decide", "data-state") == "opening"
    assert page.inner_text("#decide > .plate").strip() == "载入中"
    assert not page.is_visible("#decide-open")
