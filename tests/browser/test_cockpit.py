"""The cockpit on a tablet: two taps to a ticket, an instruction that returns as done, and a day without a network."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from dashboard.screens.keynumber import key_numbers
from tests.browser.screen import Board, board_of, post, serious
from tests.servers import House, until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Route, WebSocketRoute

pytestmark = pytest.mark.browser
TABLETS = [(1280, 800), (1024, 1366), (834, 1194), (1180, 820)]
TAP = 44  # Pixels: WCAG 2.2, 2.5.5, and what every vendor of tablets asks for.
SMALL = """(least) => {
  const found = [];
  const shown = (e) => e.getClientRects().length && getComputedStyle(e).visibility === "visible";
  const clipped = (e, box) => {
    for (let at = e.parentElement; at; at = at.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(at);
      const clip = at.getBoundingClientRect();
      if ((overflowX !== "visible" || overflowY !== "visible") &&
          (box.left >= clip.right || box.top >= clip.bottom || box.right <= clip.left || box.bottom <= clip.top)) return true;
    }
    return false;
  };
  let seen = 0;
  const where = document.querySelector("dialog[open]") ?? document; // What lies below a dialog cannot be tapped.
  for (const e of where.querySelectorAll("a[href], button, summary, select, input, textarea, [role=button]")) {
    const box = ["checkbox", "radio"].includes(e.type) ? (e.closest("label") ?? e).getBoundingClientRect() : e.getBoundingClientRect();
    if (!shown(e) || clipped(e, box)) continue;
    seen += 1;
    if (box.width < least - 0.5 || box.height < least - 0.5) found.push(`${e.className || e.outerHTML.slice(0, 60)} ${box.width.toFixed(0)}x${box.height.toFixed(0)}`);
  }
  return { seen, found };
}"""  # noqa: E501


CITY = """
name = "tablet"
title = { zh = "平板镇", en = "Tablet Town" }
zone = "Asia/Shanghai"
places = { file = "places.csv" }
screens = ["cockpit", "wall"]
limits = { default_hours = 24 }
people = [{ name = "周志强", title = "区长" }, { name = "梁慧敏", title = "科长", unit = "环卫站" }]
feeds = [{ kind = "clock", name = "clock" }, { kind = "cloudevents", name = "intake" }]
[cockpit.targets]
on_time = 95
"""
PLACES = """code,name,level,parent,name_en,lon,lat
T,平板镇,town,,Tablet Town,113.05,23.05
A,甲村,village,T,Alpha,113.03,23.05
B,乙村,village,T,Beta,113.07,23.05
C,丙村,village,T,Gamma,113.05,23.08
"""


def tickets() -> list[dict[str, Any]]:
    """Thirty tickets of the last days: some overdue, some closed in time, in three villages."""
    told = []
    for n in range(30):
        at = datetime.now(UTC) - timedelta(hours=1 + 2 * n)
        about = {"specversion": "1.0", "source": "t", "subject": f"T{n:03}"}
        data = {"title": f"路灯不亮 {n}", "category": "路灯不亮", "unit": "环卫站", "place": "ABC"[n % 3]}
        told.append({**about, "id": f"{n}r", "type": "ticket.reported", "time": at.isoformat(), "data": data})
        if n % 4 == 3:
            later = (at + timedelta(minutes=50)).isoformat()
            told.append({**about, "id": f"{n}c", "type": "ticket.closed", "time": later, "data": {}})
    return told


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A small town with thirty tickets and no cameras, running."""
    folder = Path(tmp_path_factory.mktemp("tablet"))
    (folder / "city.toml").write_text(CITY, encoding="utf-8")
    (folder / "places.csv").write_text(PLACES, encoding="utf-8")
    with House("--city", str(folder / "city.toml")) as house:
        post(house, *tickets())
        yield house


@pytest.fixture(scope="module")
def board(small: House) -> Iterator[Board]:
    """Its board, once it has the tickets."""
    with board_of(small, "tablet", "T") as found:
        until(lambda: found.view("tickets", "T")["data"]["total"] == 30, 30, "the board has the tickets")
        yield found


@pytest.fixture
def tablet(new_context: Callable[..., BrowserContext], small: House, board: Board) -> Page:
    """A tablet that is touched, with the cockpit on it, in the leader's hand."""
    return held(new_context, small, "周志强", (1280, 800))


def held(
    new_context: Callable[..., BrowserContext], house: House, person: str, size: tuple[int, int], path: str = "/cockpit"
) -> Page:
    """A tablet in somebody's hand."""
    context = new_context(viewport={"width": size[0], "height": size[1]}, has_touch=True)
    context.add_init_script(f"try {{ localStorage.setItem('citywall.person', '{person}'); }} catch {{}}")
    page = context.new_page()
    opened(page, house, path)
    return page


def opened(page: Page, house: House, path: str = "/cockpit") -> None:
    """Load the cockpit and wait until its numbers stand there."""
    page.goto(house.url + path)
    until(lambda: said(page, "open") != "", 30, "the numbers stand there")


def said(page: Page, number: str) -> str:
    """What a number's tile shows."""
    script = "(id) => document.getElementById(id)?.innerText.replace(/\\s+/g, ' ').trim() ?? ''"
    return str(page.evaluate(script, f"cockpit_numbers-{number}"))


def state(page: Page, name: str) -> str | None:
    """A word of the page's own state."""
    found: str | None = page.evaluate("(name) => document.documentElement.dataset[name] ?? null", name)
    return found


def fits(page: Page) -> None:
    """All that can be tapped now is large enough."""
    seen = page.evaluate(SMALL, TAP)
    assert seen["seen"] > 1
    assert not seen["found"], seen["found"]


def test_what_no_feed_fills_is_left_out(tablet: Page) -> None:
    tiles = tablet.evaluate("() => [...document.querySelectorAll('.ck-tile')].map((tile) => tile.dataset.number)")
    assert 8 <= len(tiles) <= 12
    assert "open" in tiles
    assert "video" not in tiles


def test_two_taps_lead_from_a_number_to_a_ticket(tablet: Page, board: Board) -> None:
    tablet.tap(".ck-tile[data-number=late]")
    until(lambda: "number=late" in tablet.url, 3, "the address names the number")
    block = tablet.locator(".ck-block[data-number=late]")
    assert block.is_visible()
    assert tablet.locator(".ck-block:visible").count() == 1
    places = board.view("days", board.root)["data"]["places"]
    assert block.locator(".ck-go").count() == len(places)
    block.locator("[data-answer]").tap()
    answer = tablet.locator("dialog.answer")
    answer.wait_for()
    told = answer.inner_text()
    assert said(tablet, "late") in told
    assert "14 日" in told
    assert "14 days" not in told, "in one language"
    assert answer.locator("section p").first.inner_text() == key_numbers()["late"].formula.zh
    assert "数据截至" in told
    assert answer.locator(".sources .name").all_inner_texts() == ["intake"], "only what fills this number"
    tablet.locator(".answer-close").tap()
    block.locator("a.ck-record").first.tap()
    tablet.wait_for_url("**/ticket?key=**", timeout=10_000)
    until(lambda: tablet.evaluate("() => document.getElementById('desk')?.dataset.ready") == "1", 15, "the ticket")
    tablet.go_back()
    until(lambda: said(tablet, "late") != "", 20, "the numbers are there again")
    assert "number=late" in tablet.url, "where one was is kept"
    tablet.locator(".ck-block[data-number=late] a.ck-go").first.tap()
    tablet.wait_for_url("**/tickets?*late=1*", timeout=10_000)


def test_an_instruction_goes_out_and_returns_as_done(
    tablet: Page, small: House, board: Board, new_context: Callable[..., BrowserContext]
) -> None:
    def stands(text: str) -> dict[str, Any]:
        view = board.view("instructions", board.root)["data"]
        return next((one for one in [*view["instructions"], *view["ended"]] if one["text"] == text), {})

    # The leader, on a number: what it said then goes with it.
    text = "一周内把超期压下来，每日报进展"
    tablet.tap(".ck-tile[data-number=late]")
    tablet.tap(".ck-tool[data-instruct=number]")
    tablet.fill("dialog.ck textarea[name=text]", text)
    tablet.fill("dialog.ck input[name=to]", "环卫站")
    tablet.tap("[data-due-choice=three]")
    fits(tablet)
    assert not serious(tablet, "dialog.ck")
    tablet.tap("[data-act=give]")
    row = tablet.locator(".ck-instruction", has_text=text)
    row.wait_for(timeout=15_000)
    assert (stands(text)["state"], stands(text)["by"], stands(text)["subject"]) == ("given", "周志强", "late")
    assert re.match(r"[\d,]+ 件$", stands(text)["said"]), stands(text)["said"]

    # Whoever was asked answers, in another browser.
    unit = held(new_context, small, "梁慧敏", (1024, 1366))
    unit.locator(".ck-instruction", has_text=text).tap()
    fits(unit)
    unit.tap("[data-do=report]")
    fits(unit)
    assert not serious(unit, "dialog.ck")
    unit.fill("dialog.ck textarea", "已清理三十件，附清单")
    unit.tap("[data-act=reported]")
    until(lambda: stands(text).get("state") == "reported", 15, "it was reported done")

    # It is back with the leader, who sends it back once and closes it then.
    back = tablet.locator(".ck-instruction.back", has_text=text)
    back.wait_for(timeout=15_000)
    back.tap()
    assert "已清理三十件，附清单" in tablet.inner_text("dialog.ck")
    tablet.tap("[data-do=back]")
    fits(tablet)
    tablet.fill("dialog.ck textarea", "请补充照片")
    tablet.tap("[data-act=returned]")
    until(lambda: stands(text).get("returns") == 1, 15, "it went back")
    unit.locator(".ck-instruction:not(.back)", has_text=text).tap()
    assert "请补充照片" in unit.inner_text("dialog.ck")
    unit.tap("[data-do=report]")
    unit.fill("dialog.ck textarea", "照片已附")
    unit.tap("[data-act=reported]")
    tablet.locator(".ck-instruction.back", has_text=text).tap()
    tablet.tap("[data-do=close]")
    tablet.tap("[data-act=closed]")
    until(lambda: stands(text).get("state") == "closed", 15, "it is closed")
    assert stands(text)["on_time"] is True


def test_a_ticket_s_page_shows_what_was_asked_for_on_it(tablet: Page) -> None:
    tablet.tap(".ck-tile[data-number=open]")
    tablet.locator(".ck-block[data-number=open] a.ck-record").first.tap()
    tablet.wait_for_url("**/ticket?key=**", timeout=10_000)
    tablet.locator(".order-tools [data-instruct]").wait_for()
    fits(tablet)
    tablet.locator(".order-tools [data-instruct]").tap()
    tablet.fill("dialog.ck textarea[name=text]", "查清原因并回复来电人")
    assert tablet.input_value("dialog.ck input[name=to]"), "the unit that has it is proposed"
    tablet.tap("[data-due-choice=tomorrow]")
    tablet.tap("[data-act=give]")
    tablet.locator(".order", has_text="查清原因并回复来电人").wait_for(timeout=20_000)
    assert "1" in tablet.inner_text("#title-orders")
    fits(tablet)
    tablet.locator(".order", has_text="查清原因并回复来电人").tap()
    tablet.tap("[data-do=report]")
    fits(tablet)
    tablet.fill("dialog.ck textarea", "已回复")
    tablet.tap("[data-act=reported]")
    tablet.locator(".order", has_text="已办，待阅").wait_for(timeout=20_000)


def test_a_tile_has_one_line_and_no_stroke_for_a_day_that_has_just_begun(tablet: Page, small: House) -> None:
    links: list[WebSocketRoute] = []
    held_back: list[str | bytes] = []
    asked: list[Route] = []

    def between(link: WebSocketRoute) -> None:
        def pass_on(message: str | bytes) -> None:
            early = not asked and json.loads(message)["t"] == "paint"
            (held_back.append if early else link.send)(message)

        links.append(link)
        link.connect_to_server().on_message(pass_on)

    tablet.route_web_socket("**/live", between)
    tablet.route("**/trace?**", lambda route: asked.append(route))
    tablet.goto(small.url + "/cockpit")
    until(lambda: tablet.evaluate("() => true") and asked, 15, "the lines of the last day are asked for")
    for message in held_back:
        links[-1].send(message)
    painted = "() => [...document.querySelectorAll('.ck-line .drawing')].map((one) => one.parentElement.dataset.trace)"
    until(lambda: tablet.evaluate(painted), 15, "lines of their own are painted")
    figures = parse_qs(urlsplit(asked[0].request.url).query)["figure"]
    own = set(tablet.evaluate(painted))
    young, *rest = [name for name in figures if name not in own]
    assert own & set(figures), "a line was asked for that has been painted since"
    now = datetime.now(UTC).timestamp()
    points = [[now - age, age % 700] for age in range(7200, -1, -300)]
    said = {name: {"points": points[-4:] if name == young else points} for name in figures}
    asked[0].fulfill(json={"figures": said, "every": 300, "now": now})
    drawn = "() => [...document.querySelectorAll('.ck-line svg.trace')].map((one) => one.parentElement.dataset.trace)"
    until(lambda: set(tablet.evaluate(drawn)) == set(rest), 5, "only those that are old enough and have no other")


@pytest.mark.outage
def test_without_a_network_the_last_picture_stands_with_its_age(tablet: Page, small: House) -> None:
    until(lambda: state(tablet, "shell") == "kept", 30, "the worker keeps the page")
    kept = "() => Object.keys(JSON.parse(localStorage.getItem('citywall.kept') ?? '{}')).length"
    until(lambda: tablet.evaluate(kept) == 1, 15, "the picture is noted")
    manifest = tablet.evaluate("() => fetch(document.querySelector('link[rel=manifest]').href).then((r) => r.json())")
    assert manifest["start_url"] == "/cockpit"
    before = said(tablet, "open")
    context = tablet.context
    context.set_offline(True)
    tablet.reload()
    until(lambda: state(tablet, "kept") == "shown", 15, "the last picture is shown")
    assert tablet.evaluate("() => navigator.serviceWorker.controller !== null")
    assert state(tablet, "link") == "lost"
    assert said(tablet, "open") == before
    banner = tablet.locator("#link")
    assert banner.is_visible()
    assert any(sign.isdigit() for sign in banner.inner_text()), "it says how old the numbers are"
    states = tablet.evaluate("() => [...document.querySelectorAll('[data-panel]')].map((card) => card.dataset.state)")
    assert set(states) == {"lost"}, "no card looks alive"
    ages = tablet.evaluate("() => [...document.querySelectorAll('.ck-age')].map((age) => age.dataset.state)")
    assert set(ages) == {"lost"}, "and no number either"
    context.set_offline(False)
    until(lambda: state(tablet, "link") == "up", 15, "the link is up again")
    until(lambda: state(tablet, "kept") is None, 5, "the picture is the present one again")
    until(lambda: not banner.is_visible(), 5, "nothing says that it is old")
    # Whoever may not see the page any more has no picture of it, and leaving it makes none.
    assert tablet.evaluate(kept) == 1
    tablet.evaluate("() => navigator.serviceWorker.dispatchEvent(new MessageEvent('message', { data: 'forget' }))")
    tablet.evaluate("() => window.dispatchEvent(new Event('pagehide'))")
    assert tablet.evaluate(kept) == 0


@pytest.mark.outage
def test_a_kept_place_is_shown_though_the_link_was_lost_on_the_way(tablet: Page, small: House) -> None:
    links: list[WebSocketRoute] = []

    def through(link: WebSocketRoute) -> None:
        links.append(link)
        link.connect_to_server()

    tablet.route_web_socket("**/live", through)
    opened(tablet, small)
    whole = said(tablet, "open")
    tablet.evaluate("() => citywall.go({ place: 'A' })")
    until(lambda: said(tablet, "open") not in ("", whole), 15, "the village's own")
    kept = "() => Object.keys(JSON.parse(localStorage.getItem('citywall.kept') ?? '{}')).length"
    until(lambda: tablet.evaluate(kept) == 2, 15, "both pictures are noted")
    village = said(tablet, "open")
    tablet.route_web_socket("**/live", lambda link: link.close())
    tablet.route("**/live/poll", lambda route: route.abort())
    links[-1].close()
    until(lambda: state(tablet, "link") == "lost", 15, "the link is lost")
    tablet.evaluate("() => citywall.go({ place: 'T' })")
    until(lambda: said(tablet, "open") == whole, 5, "the whole town as it was")
    assert state(tablet, "kept") == "shown"
    tablet.evaluate("() => citywall.go({ place: 'A' })")
    until(lambda: said(tablet, "open") == village, 5, "and the village")


def test_whatever_is_tapped_is_large_enough_and_named(new_context: Callable[..., BrowserContext], small: House) -> None:
    page = new_context(viewport={"width": 1280, "height": 800}, has_touch=True).new_page()
    opened(page, small)
    for width, height in TABLETS:
        page.set_viewport_size({"width": width, "height": height})
        for language in ("zh", "en"):
            page.evaluate("(lang) => citywall.go({ lang })", language)
            until(lambda: page.locator("[data-turning]").count() == 0, 15, "the other language")
            seen = page.evaluate(SMALL, TAP)
            assert seen["seen"] > 20
            assert not seen["found"], f"{width}x{height} {language}: {seen['found']}"
    found = Axe().run(page).response["violations"]
    serious = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
    assert not serious, [(one["id"], [node["html"][:140] for node in one["nodes"][:3]]) for one in found]


def test_what_is_on_the_tablet_is_shown_on_the_wall(
    tablet: Page, small: House, new_context: Callable[..., BrowserContext]
) -> None:
    wall = new_context(viewport={"width": 1920, "height": 1080}).new_page()
    wall.goto(small.url + "/wall?screen=hall")
    until(lambda: state(wall, "link") == "up", 20, "the wall is on")
    listed = "() => fetch('/screens/data').then((r) => r.json()).then((d) => d.screens.map((s) => [s.id, s.online]))"
    until(lambda: ["hall", True] in tablet.evaluate(listed), 20, "the wall is known")
    tablet.tap(".ck-tile[data-number=late]")
    tablet.tap("[data-show=wall]")
    tablet.locator("[data-screen-id=hall]").wait_for()
    fits(tablet)
    assert not serious(tablet, "dialog.ck")
    tablet.locator("[data-screen-id=hall]").tap()
    tablet.tap("[data-what=panel]")
    tablet.tap("[data-act=show]")
    shows = "() => [...document.querySelectorAll('[data-panel]')].map((card) => card.dataset.panel).join()"
    until(lambda: "urgent" in (found := wall.evaluate(shows)) and "today" not in found, 10, "the wall shows it alone")
