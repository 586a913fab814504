"""Layers on the map: switched by mouse and by keyboard, beside each other, each with its legend, frame and tooltip."""

from __future__ import annotations

import re
from time import time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.screens.layer import all_layers
from tests.browser.screen import LEAFLET
from tests.browser.test_points import AT, address  # noqa: F401 - a fixture.
from tests.flow import PLACES
from tests.servers import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.outage]  # The page's link finds no other end here.
SEEN = "#map > .body { visibility: visible !important; } .plate { display: none !important; }"
GAUGE, PARK, FIRE = [113.02, 23.03], [113.03, 23.07], [113.17, 23.03]
ZONE = ZoneInfo("Asia/Shanghai")
TOLD = """([gauge, park, fire, tiles = []]) => {
  const lights = [["normal", "●", "正常"], ["soon", "■", "临期"], ["overdue", "▲", "超期"], ["worst", "◆", "严重"],
    ["paused", "❚", "暂停"], ["none", "○", "无"]];
  const layer = (title, frame, leads = "") => ({
    title, frame, leads: leads || "card", rate: "率", home: [], looks: [[0, "正常"], [1, "警戒"], [2, "超限"]],
  });
  const rows = {
    incidents: ["s|7", ...fire, "着火"],
    sensors: ["gauge|g", ...gauge, "<b>桥底"], parking: ["gauge|p", ...park, "广场"],
  };
  const fetch = window.fetch;
  window.fetch = async (url, ...more) => {
    const name = /^\\/layers\\/(\\w+)\\//.exec(url)?.[1];
    const thing = /^\\/layers\\/(\\w+\\/thing)\\?(.*)$/.exec(url);
    if (thing) {
      (window.asked ??= []).push(new URLSearchParams(thing[2]).get("key"));
      return new Response(JSON.stringify(window.card), { status: window.card ? 200 : 404 });
    }
    return name ? new Response(JSON.stringify({ version: "v", points: [rows[name]] })) : fetch(url, ...more);
  };
  citywall.sinks["map-data"]("document", {
    place: "T", name: "镇", parent: null, tiles, lights, none: "无",
    steps: [0.9, 0.95, 0.97], modes: { tickets: "在办" },
    places: Object.fromEntries(["A", "B"].map((code) => [code, { open: 1, late: 0, soon: 0, due: 1, on_time: 1 }])),
    layers: {
      incidents: layer("事件", "ring", "ticket"), sensors: layer("监测点", "drop"), parking: layer("停车场", "plate"),
    },
  });
  const now = Date.now() / 1000;
  const states = (state, said) => ({
    version: "v", states: [state, 1], counts: [0, 1, 2].map((n) => +(n === state)), places: {}, said,
  });
  citywall.time.city = () => now;
  citywall.sinks["map-layers"]("states", { place: "T", layers: {
    incidents: states(1, [["", null, now + 1800]]), sensors: states(2, [["0.31 m", now - 240, null]]),
    parking: states(0, [["87 泊位 / 120", now - 60, null]]),
  } });
}"""
PRESSED = """() => Object.fromEntries([...document.querySelectorAll("[data-map-layer]")].map(
  (button) => [button.dataset.mapLayer, button.getAttribute("aria-pressed") === "true"]))"""
LEGEND = (
    "() => [...document.querySelectorAll('#map-lights > *')].map((e) => e.textContent.replaceAll(/\\s+/g, ' ').trim())"
)
TIP = "() => document.querySelector('.leaflet-tooltip.plain')?.textContent ?? ''"
FOCUS = "() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent"


def card() -> Any:
    """What the layer says of the gauge, as of now."""
    return all_layers()["sensors"].card(
        {
            "name": "<b>桥底", "state": 2, "since": time() - 7800, "long": False, "at": time() - 270, "place": "A1",
            "reading": [0.31, "m", None], "about": [["警戒值", "Warns at", "0.15 m", "0.15 m"]],
        },
        PLACES, ZONE, "zh",
    )  # fmt: skip


def on(page: Page) -> set[str]:
    """The layers whose buttons say that they are on."""
    return {name for name, pressed in page.evaluate(PRESSED).items() if pressed}


def hover(page: Page, spot: list[float], wanted: str) -> str:
    """The tooltip over a point, once it says what is wanted."""
    x, y = page.evaluate(AT, spot)
    found = [""]

    def said() -> bool:
        for nudge in (1, 0):  # Leaflet looks for what is under the mouse every 32 ms.
            page.mouse.move(x + nudge, y)
            page.wait_for_timeout(60)
        found.append(page.evaluate(TIP))
        return wanted in found[-1]

    until(said, 15, f"the tooltip says {wanted}")
    return found[-1]


def test_layers_are_switched_told_apart_and_say_what_they_are(page: Page, address: str) -> None:  # noqa: F811
    page.add_init_script(LEAFLET)
    page.route("**/ticket?**", lambda route: route.fulfill(body="a ticket", content_type="text/plain"))
    page.goto(f"{address}/wall?place=T")
    page.wait_for_selector("#map .leaflet-container", state="attached")
    page.add_style_tag(content=SEEN)
    page.evaluate(TOLD, [GAUGE, PARK, FIRE])
    page.wait_for_function("() => leafletMap.getZoom() > 8")
    assert page.get_by_role("group", name=re.compile("图层")).count() == 1
    assert on(page) == {"tickets"}

    # By keyboard: one after the other, and they stand beside each other.
    page.get_by_role("button", name="监测点").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => citywall.points.number === 1")
    assert "layer=sensors" in page.url
    assert page.evaluate(LEGEND) == ["超限 1"]
    page.get_by_role("button", name="停车场").focus()
    page.keyboard.press("Space")
    page.wait_for_function("() => citywall.points.drawn === 2")
    assert on(page) == {"sensors", "parking"}
    assert re.search("layer=sensors(,|%2C)parking", page.url), "the choice is the address's"
    assert page.evaluate(LEGEND) == ["监测点 超限 1", "停车场 正常 1"]
    assert page.locator("#map-lights canvas.stamp").count() == 2, "the legend shows the very pictures of the map"
    size, bare = page.evaluate("""async () => {
      const { stamp } = await import("/assets/map/points.mjs");
      const print = (frame) => stamp(0, 24, frame).toDataURL();
      return [new Set(["", "drop", "ring", "plate"].map(print)).size, stamp(0, 24).width];
    }""")
    assert (size, bare > 0) == (4, True)

    # What each is: the reading with its unit, its state in words, its age.
    tip = hover(page, GAUGE, "0.31 m")
    assert "<b>桥底" in tip
    assert "超限" in tip
    assert "4 分前" in tip.replace(" ", "").replace("4分前", "4 分前")
    assert "87 泊位 / 120" in hover(page, PARK, "广场")

    # A click says what is known of it, as text, and where more is found. The Escape key puts it away.
    page.evaluate("(card) => (window.card = card)", card())
    page.get_by_role("button", name="监测点").focus()
    x, y = page.evaluate(AT, GAUGE)
    page.mouse.click(x, y)
    shown = page.get_by_role("dialog")
    until(lambda: "0.31 m" in shown.inner_text(), 10, "the card tells the reading")
    said = shown.inner_text()
    for words in ("<b>桥底", "▲ 超限", "监测点", "始于", "2 小时前", "4 分前", "甲 › 甲一", "警戒值", "0.15 m"):
        assert words.replace(" ", "") in said.replace(" ", "").replace("\n", ""), words
    assert page.evaluate("asked") == ["gauge|g"]
    assert shown.get_by_role("link").get_attribute("href") == "/emergency?place=A1"
    assert "layer=sensors" in page.url, "the place below was not entered"
    assert page.evaluate("document.activeElement.getAttribute('role')") == "dialog"
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) == "关闭"
    page.keyboard.press("Escape")
    assert shown.count() == 0
    page.evaluate("() => (window.card = null)")
    x, y = page.evaluate(AT, PARK)
    page.mouse.click(x, y)
    until(lambda: "已不在列" in shown.inner_text(), 10, "what is gone is said to be")
    shown.get_by_role("button", name="关闭").click()
    assert shown.count() == 0

    # By mouse: one off, another on, and an incident leads to its ticket.
    page.get_by_role("button", name="监测点").click()
    page.get_by_role("button", name="停车场").click()
    assert on(page) == {"tickets"}
    page.get_by_role("button", name="突发事件").click()
    page.wait_for_function("() => citywall.points.layer === 'incidents' && citywall.points.drawn === 1")
    tip = hover(page, FIRE, "着火")
    assert "30′00″" in tip
    assert "点击打开工单" in tip
    x, y = page.evaluate(AT, FIRE)
    page.mouse.click(x, y)
    page.wait_for_url(f"{address}/ticket?key=s%7C7")

    # Back where it was: the address has kept the layer. A name on the map leads down by the Enter key.
    page.go_back(wait_until="commit")
    page.wait_for_selector("#map .leaflet-container", state="attached")
    page.add_style_tag(content=SEEN)
    page.evaluate(TOLD, [GAUGE, PARK, FIRE])
    page.wait_for_selector(".place-label .title")
    assert on(page) == {"incidents"}
    assert touched(page) == ["44px", "auto"]
    label = page.get_by_role("button", name="甲：进入")
    label.focus()
    assert page.evaluate(FOCUS) == "甲：进入"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("place=A"), wait_until="commit")
    assert "layer=incidents" in page.url


def touched(page: Page) -> Any:
    """How high the hit area of a name is where a finger points, and whether it takes the finger."""
    link = page.context.new_cdp_session(page)
    link.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    found = page.evaluate("""() => {
      const title = document.querySelector(".place-label:not(.out) .title");
      return [getComputedStyle(title, "::after").height, getComputedStyle(title).pointerEvents];
    }""")
    link.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    return found
