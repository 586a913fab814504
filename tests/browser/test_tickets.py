"""From the wall's numbers to the tickets behind them, in a real browser: by click and by keyboard, and back again."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.pictures import LAID, PINK, REDDER, ZOOMS, mbtiles, png
from tests.browser.screen import Screen, board_of, serious
from tests.servers import House, until
from tests.town import COLUMNS, row, rows, town

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response, Route

pytestmark = pytest.mark.browser
READY = "() => document.querySelector('#desk[data-ready]')?.dataset.count ?? null"
TILES = {
    "#decide-open a.behind": "/tickets?open=1", "#decide-hour a.behind": "/tickets?due_in=60",
    "#decide-late a.behind": "/tickets?late=1", "#decide-rate-why a.behind": "/tickets?rate=on_time&period=month&met=1",
    "#decide-rate-why a.behind + a.behind": "/tickets?rate=on_time&period=month",
    "#today-opened a.behind": "/tickets?reported=today", "#categories-rows a.behind": "/tickets?category=",
    "#units-rows a.behind >> nth=1": "/tickets?unit=",
}  # fmt: skip
CASES = 700


def cases() -> str:
    """A month of cases: some open, some late, some with a point, the last ones due within the hour."""
    chance = random.Random(4)
    start, lines = datetime(2026, 2, 1, 8, 0, tzinfo=UTC), []
    for n in range(CASES):
        opened = start + timedelta(minutes=55 * n)
        due = opened + timedelta(hours=chance.choice((2, 24, 72)))
        closed = opened + (due - opened) * chance.random() * 1.2
        is_open = chance.random() < (0.5 if n > CASES - 60 else 0.04)
        what = chance.choice(("井盖缺损", "路灯不亮", "<b>噪声</b>", "占道经营"))
        lines.append(row(
            id=f"N{n:04d}", opened=f"{opened:%Y-%m-%d %H:%M}", title=f"{what} {n} 号", type=what[:2],
            unit=chance.choice(("城管", "环卫", "水务")), due=f"{due:%Y-%m-%d %H:%M}",
            closed="" if is_open or closed > start + timedelta(minutes=55 * CASES) else f"{closed:%Y-%m-%d %H:%M}",
            word="" if is_open else "yes" if closed <= due else "no", lat=round(23.01 + chance.random() * 0.08, 5),
        ))  # fmt: skip
    return rows(*lines)


@pytest.fixture(scope="module")
def town_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A town whose cases have all been told, so that nothing moves while it is looked at."""
    folder = tmp_path_factory.mktemp("town")
    town(folder)
    (folder / "cases.csv").write_text(cases(), encoding="utf-8")
    mbtiles(folder / "town.mbtiles")
    columns = "".join(f'{name} = "{column}"\n' for name, column in COLUMNS.items())
    (folder / "town.toml").write_text(
        'name = "town"\ntitle = { zh = "镇", en = "Town" }\nzone = "Asia/Shanghai"\nreplayed = true\n'
        '[places]\nfile = "places.csv"\noutlines = "shapes.json"\n'
        '[[feeds]]\nkind = "file"\nname = "cases"\npath = "cases.csv"\nreplay = "max"\n'
        f'[feeds.columns]\n{columns}[feeds.verdicts]\nyes = "on_time"\nno = "overdue"\n'
        '[[map.tiles]]\nname = "img"\ntitle = { zh = "影像", en = "Imagery" }\nfile = "town.mbtiles"\n'
        f'zooms = {list(ZOOMS)}\ncredit = "© 测绘"\n',
        encoding="utf-8",
    )  # fmt: skip
    with House("--city", str(folder / "town.toml")) as house:

        def told() -> bool:
            status, body = house.get("/tickets/count", timeout=10)
            return status == 200 and json.loads(body)["counts"]["n"] == CASES

        with board_of(house, "town", "T") as board:
            until(lambda: board.view("tickets", "T")["data"]["total"] == CASES and told(), 60, "all cases are told")
        yield house


@pytest.fixture
def screen(page: Page, town_house: House) -> Screen:
    return Screen(page, town_house)


def whole(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def count(page: Page) -> int:
    """The count on the tickets' page, once it and the first rows are there."""
    return int(until(lambda: page.evaluate(READY), 20, "the tickets are counted"))


@pytest.mark.parametrize("selector", list(TILES))
def test_a_number_leads_to_just_the_tickets_it_counts(screen: Screen, selector: str) -> None:
    screen.open()
    link = screen.page.locator(selector).first
    shown = whole(str(link.get_attribute("title") or link.inner_text()))
    link.click()
    page = screen.page
    page.locator("dialog.answer a.all").click()
    page.wait_for_url("**/tickets?**", wait_until="commit")
    assert unquote(screen.path()).startswith(TILES[selector])
    assert count(screen.page) == shown
    assert screen.failed == []


def test_a_number_answers_for_itself(screen: Screen) -> None:
    """Formula, numerator and denominator, sources with their age, as-of, and the tickets, each a tap away."""
    page = screen.open("/wall?lang=en").page
    shown = screen.text("decide-rate-why")
    page.locator("#decide-rate .number").click()
    answer = page.locator("dialog.answer[open]")
    until(lambda: answer.locator(".tickets a").count() == 6, 20, "its tickets are listed")
    said = answer.inner_text()
    for part in ("On time this month", "Closed on time ÷ due to close", shown, "cases", "As of 2026-", "Last 24 hours"):
        assert part in said, part
    # Where the board stands still, as it may once its replay has ended, it says so instead of how its sources do.
    sources = answer.locator("section:has(> .sources)").inner_text()
    row = re.search(r"\S\s+cases\s+(–|[a-z ]+)\s+\d+ (?:s|min|h|d) ago\n", sources)
    assert row is not None, sources
    assert sources.startswith("Rests on")
    assert (row[1] == "–") == ("▲ stalled" in sources), sources
    as_of = re.search(r"As of (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", said)
    assert as_of is not None
    newest = json.loads(screen.house.get("/tickets/rows?sort=-reported")[1])["rows"][0]
    assert newest["reported"] <= as_of[1] < "2026-04", "as old as what was replayed, not as now"
    assert Axe().run(page, context="dialog.answer", options={"runOnly": ["wcag2a", "wcag2aa"]}).violations_count == 0
    page.keyboard.press("Escape")
    until(lambda: page.locator("dialog").count() == 0, 5, "the answer is gone")
    page.locator("#today h2 button").focus()
    page.keyboard.press("Enter")
    assert "Since midnight, against yesterday" in answer.inner_text()
    answer.get_by_role("button", name="Close").click()
    page.locator("#decide-open .number").click()
    until(lambda: answer.locator(".tickets a").count() == 6, 20, "its tickets are listed")
    key = unquote(str(answer.locator(".tickets a").nth(1).get_attribute("href")))
    answer.locator(".tickets a").nth(1).click()
    page.wait_for_url("**/ticket?key=**")
    assert unquote(screen.path()) == key, "the second tap is the ticket"
    assert screen.failed == []


def test_place_and_language_come_along_and_go_back(screen: Screen) -> None:
    screen.open("/wall?place=A&lang=en")
    screen.page.locator("#decide-open a.behind").focus()
    screen.page.keyboard.press("Enter")
    screen.page.wait_for_selector("dialog.answer[open] a.all:focus")
    screen.page.keyboard.press("Enter")
    screen.page.wait_for_url("**/tickets?**")
    count(screen.page)
    assert screen.path() == "/tickets?place=A&open=1&lang=en"
    assert screen.texts("#desk-path a")[-1] == "Alpha"
    assert "Replay" in screen.text("desk")
    assert "As of" in screen.text("desk-age")
    screen.page.locator("#desk-back").click()
    screen.page.wait_for_url("**/wall?**")
    screen.settle()
    assert screen.path() == "/wall?place=A&lang=en"


def test_an_urgent_row_is_the_ticket_itself(screen: Screen) -> None:
    screen.open()
    row = screen.page.locator("#urgent-rows a.behind").first
    title = row.inner_text()
    row.click()
    screen.page.wait_for_url("**/ticket?key=**")
    until(
        lambda: screen.page.evaluate("() => document.querySelector('#desk')?.dataset.ready"), 20, "the ticket is shown"
    )
    assert title.rstrip("…") in screen.text("face-head")
    assert screen.texts("#face-life .step") != []
    assert screen.page.locator("#face-map svg .here").count() == 1
    assert screen.failed == []


def test_searching_filtering_sorting_and_scrolling(screen: Screen, town_house: House) -> None:
    page = screen.page
    page.goto(town_house.url + "/tickets?done=1")
    everything = count(page)
    assert everything > 500
    page.keyboard.press("/")
    page.keyboard.type("井盖")
    until(lambda: "q=" in screen.path() and page.evaluate(READY) not in (None, str(everything)), 20, "it is searched")
    hits = count(page)
    assert 0 < hits < everything

    def found() -> bool:  # The rows of before may stand for a moment.
        titles = screen.texts(".ag-row .c-title")
        return bool(titles) and all("井盖" in title for title in titles)

    until(found, 10, "the rows that were found are shown")
    page.keyboard.press("Escape")
    page.locator('[data-chip="q"]').click()
    until(lambda: page.evaluate(READY) == str(everything), 20, "the filter is gone")
    page.go_back()
    until(lambda: page.evaluate(READY) == str(hits), 20, "Back brings it again")
    page.locator('.ag-header-cell[col-id="reported"]').click()
    until(lambda: "sort=" in screen.path(), 10, "the order is in the address")
    count(page)
    page.locator(".ag-body-viewport").hover()
    displayed = "async () => (await dash_ag_grid.getApiAsync('desk-grid')).getDisplayedRowCount()"
    assert hits > 120 > int(page.evaluate(displayed))

    def beyond() -> bool:
        page.mouse.wheel(0, 3000)
        page.wait_for_timeout(60)
        return bool(page.evaluate(displayed) == hits)

    until(beyond, 20, "rows come as one scrolls")
    assert screen.failed == []


def test_rows_open_by_keyboard_and_the_export_is_the_filter_s(screen: Screen, town_house: House) -> None:
    page = screen.page
    page.goto(town_house.url + "/tickets?late=1&lang=en")
    late = count(page)
    with page.expect_download() as waiting:
        page.locator("#desk-export a[download]").first.click()
    with waiting.value.path().open("rb") as file:
        found = list(csv.DictReader(io.StringIO(file.read().decode("utf-8-sig"))))
    assert len(found) == late > 0
    until(lambda: screen.texts(".ag-row .c-number"), 10, "rows are shown")
    assert not serious(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ticket?key=**")  # Enter opens the ticket.
    until(lambda: page.evaluate("() => document.querySelector('#desk')?.dataset.ready"), 20, "the ticket is shown")
    assert not serious(page)
    page.keyboard.press("Escape")
    page.wait_for_url("**/tickets?late=1&lang=en")  # Escape goes back.


def test_the_rates_are_sorted_by_keyboard_and_lead_to_their_tickets(screen: Screen) -> None:
    page = screen.page
    screen.open("/wall?lang=en")
    page.locator("#units-head a").click()
    page.wait_for_url("**/rates?lang=en")
    shown = "() => document.querySelector('#desk[data-ready]') && document.querySelectorAll('.rates tbody tr').length"
    until(lambda: page.evaluate(shown), 20, "the rates are shown")
    page.locator('[data-key="sort-name"]').focus()
    page.keyboard.press("Enter")
    until(lambda: "sort=name" in screen.path() and page.evaluate(shown), 20, "sorted by name")
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("Unit")
    until(lambda: page.evaluate("() => document.activeElement?.dataset.key") == "sort-name", 5, "the focus stays")
    assert not serious(page)
    page.locator('[data-key="period-week"]').click()
    until(lambda: "period=week" in screen.path() and page.evaluate(shown), 20, "another period")
    link = page.locator(".rates .whole td.ranked small a").nth(1)
    wanted = whole(link.inner_text())
    link.click()
    page.wait_for_url("**/tickets?**")
    assert count(page) == wanted > 0


def test_an_hour_of_the_trend_leads_to_what_was_reported_in_it(screen: Screen) -> None:
    screen.open()
    link = screen.page.locator('#trend-hours a[href*="reported="]').first
    wanted = whole(str(link.get_attribute("title")).split("·")[0])
    link.click()
    assert whole(screen.page.locator("#answer-title").inner_text().split("·")[0]) == wanted
    screen.page.locator("dialog.answer a.all").click()
    screen.page.wait_for_url("**/tickets?reported=**")
    assert count(screen.page) == wanted > 0


def test_moves_are_counted_beside_their_tickets(screen: Screen, town_house: House) -> None:
    screen.page.goto(town_house.url + "/tickets?moved=handle-close&period=2026-02&lang=en")
    closed = count(screen.page)
    assert 0 < closed < CASES
    assert "".join(screen.text("desk-count").split()) == f"{closed}tickets·{closed}moves"
    assert screen.texts("#desk-chips [data-chip=moved]")[0].startswith("Moved: Handle → Close · 2026-02")
    screen.page.locator("#desk-chips [data-chip=moved]").click()
    until(lambda: "moves" not in screen.text("desk-count"), 20, "all tickets are counted")
    assert count(screen.page) == CASES
    assert screen.failed == []


# What is waited for between two attempts passes twenty times as fast.
FAST = "const slow = setTimeout; window.setTimeout = (work, ms, ...about) => slow(work, (ms ?? 0) / 20, ...about);"

SAID = """() => {
  const box = document.getElementById("desk-fault");
  window.said = [];
  new MutationObserver(() => said.push(box.textContent)).observe(box, { childList: true });
}"""


@pytest.mark.outage
def test_after_an_outage_the_table_comes_by_itself(screen: Screen, town_house: House) -> None:
    page, tries = screen.page, {"rows": 0, "count": 0}
    asks = re.compile(r"/tickets/(rows|count)\?")

    def away(route: Route) -> None:
        tries[asks.search(route.request.url)[1]] += 1  # type: ignore[index]
        if tries["rows"] + tries["count"] > 2:  # The first two get no answer at all.
            route.abort()

    page.add_init_script(FAST)
    page.route(asks, away)
    page.goto(town_house.url + "/tickets?lang=en")
    fault = page.locator("#desk-fault")

    def given_up() -> bool:  # And asked for again, which is the count's to do.
        return fault.is_visible() and tries["rows"] >= 8 and tries["count"] > 8

    until(given_up, 20, "neither came, however often they were asked for")
    assert fault.inner_text() == "▲ Connection lost"
    assert screen.text("desk-age").startswith("▲ Connection lost")
    page.unroute(asks)
    assert count(page) == CASES
    until(lambda: screen.texts(".ag-row .c-number"), 10, "the rows are there")
    until(lambda: not fault.is_visible(), 10, "nothing says that it is away")
    assert "lost" not in screen.text("desk-age")
    # A shorter one, while the table stands: it stays, and the fault goes.
    page.route(asks, away)
    until(fault.is_visible, 20, "it says that it is away")
    assert screen.texts(".ag-row .c-number"), "the rows stay"
    page.unroute(asks)
    until(lambda: not fault.is_visible(), 10, "it is back")
    # What can be chosen does not come: that is said, and the next click asks again.
    names, add, panel = re.compile("/tickets/names"), page.locator("#desk-add button"), page.locator("#desk-panel")
    page.route(names, lambda route: route.abort())
    page.evaluate(SAID)
    add.click()
    until(lambda: "▲ Connection lost" in page.evaluate("said"), 30, "it says that the choices did not come")
    assert panel.is_hidden()
    page.unroute(names)
    add.click()
    panel.wait_for(state="visible", timeout=10_000)


def test_a_picture_lies_below_the_map_until_none_is_chosen(screen: Screen) -> None:
    page = screen.page
    answers: dict[str, int] = {}

    def note(answer: Response) -> None:
        if "/tiles/" in answer.url:
            answers[answer.url] = answer.status

    page.on("response", note)
    screen.open("/wall?lang=en")

    def covered() -> float:
        """How much of the map's box pictures of the file cover."""
        return float(sum(share for width, share in page.evaluate(LAID) if width == 256))

    def redder() -> float:
        return float(page.evaluate(REDDER, b64encode(page.locator("#map-canvas").screenshot()).decode()))

    until(lambda: covered() > 0.6, 10, "the town's picture lies below it")
    assert set(answers.values()) == {200}
    fetched = {screen.house.get(url.removeprefix(screen.house.url))[1] for url in answers}
    assert png(PINK) in fetched, "the file's own"
    assert screen.text("map-credit") == "© 测绘"
    until(lambda: redder() > 15, 5, "and is seen")
    page.get_by_role("button", name="No base map").click()
    until(lambda: page.evaluate(LAID) == [], 5, "it is gone")
    assert "base=none" in screen.path()
    assert screen.text("map-credit") == ""
    until(lambda: redder() < 5, 5, "and is not seen")
    page.get_by_role("button", name="Imagery", exact=True).click()
    until(lambda: covered() > 0.6, 10, "it is back")
    assert "base" not in screen.path()
    assert screen.failed == []
