"""From the wall's numbers to the tickets behind them, in a real browser: by click and by keyboard, and back again."""

from __future__ import annotations

import csv
import io
import json
import re
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.browser.screen import Screen
from tests.servers import House, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
READY = "() => document.querySelector('#desk[data-ready]')?.dataset.count ?? null"
TILES = {
    "#decide-open a.behind": "/tickets?open=1", "#decide-hour a.behind": "/tickets?due_in=60",
    "#decide-late a.behind": "/tickets?late=1", "#decide-rate-why a.behind": "/tickets?rate=on_time&period=month&met=1",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def told(demo: House) -> None:
    """History has what the board has, but for what happens just now."""

    def behind() -> float:
        with urllib.request.urlopen(f"{demo.url}/tickets/rows?late=1", timeout=20) as answer:
            return float(json.loads(answer.headers["x-as-of"])["behind"])

    until(lambda: behind() <= 1, 120, "history has caught up with the board")


def whole(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def count(page: Page) -> int:
    """The count on the tickets' page, once it and the first rows are there."""
    return int(until(lambda: page.evaluate(READY), 20, "the tickets are counted"))


@pytest.mark.parametrize("selector", list(TILES))
def test_a_number_leads_to_just_the_tickets_it_counts(screen: Screen, selector: str) -> None:
    screen.open()
    link = screen.page.locator(selector).first
    # A live district moves on between click and count: one of three readings in a row has to be the same.
    for attempt in range(3):
        shown = whole(str(link.get_attribute("title") or link.inner_text()))
        link.click()
        assert screen.path() == TILES[selector]
        found = count(screen.page)
        if found == shown:
            break
        assert abs(found - shown) <= 3, f"{shown} on the wall, {found} behind it"
        assert attempt < 2
        screen.page.go_back()
        screen.settle()
    assert screen.failed == []


def test_place_and_language_come_along_and_go_back(screen: Screen) -> None:
    screen.open("/wall?place=440605124&lang=en")
    screen.page.locator("#decide-open a.behind").focus()
    screen.page.keyboard.press("Enter")
    count(screen.page)
    assert screen.path() == "/tickets?place=440605124&open=1&lang=en"
    assert screen.texts("#desk-path a")[-1] == "Shishan Town"
    assert "Simulated data" in screen.text("desk")
    assert "As of" in screen.text("desk-age")
    screen.page.locator("#desk-back").click()
    screen.settle()
    assert screen.path() == "/wall?place=440605124&lang=en"


def test_an_urgent_row_is_the_ticket_itself(screen: Screen) -> None:
    screen.open()
    row = screen.page.locator("#urgent-rows a.behind").first
    title = row.inner_text()
    row.click()
    until(
        lambda: screen.page.evaluate("() => document.querySelector('#desk')?.dataset.ready"), 20, "the ticket is shown"
    )
    assert title.rstrip("…") in screen.text("face-head")
    assert screen.texts("#face-life .step") != []
    assert screen.page.locator("#face-map svg .here").count() == 1
    assert screen.failed == []


def test_searching_filtering_sorting_and_scrolling(screen: Screen, demo: House) -> None:
    page = screen.page
    page.goto(demo.url + "/tickets?done=1")
    everything = count(page)
    assert everything > 10_000
    page.keyboard.press("/")
    page.keyboard.type("井盖")
    until(lambda: "q=" in screen.path() and page.evaluate(READY) not in (None, str(everything)), 20, "it is searched")
    hits = count(page)
    assert 0 < hits < everything
    titles = until(lambda: screen.texts(".ag-row .c-title"), 10, "rows are shown")
    assert all("井盖" in title for title in titles)
    page.keyboard.press("Escape")
    page.locator('[data-chip="q"]').click()
    until(lambda: int(page.evaluate(READY) or 0) >= everything, 20, "the filter is gone")
    page.go_back()
    until(lambda: abs(int(page.evaluate(READY) or 0) - hits) <= 2, 20, "Back brings it again")
    page.locator('.ag-header-cell[col-id="reported"]').click()
    until(lambda: "sort=" in screen.path(), 10, "the order is in the address")
    count(page)
    page.locator(".ag-body-viewport").hover()
    seen: set[str] = set()

    def beyond() -> bool:
        page.mouse.wheel(0, 3000)
        page.wait_for_timeout(60)
        seen.update(text for text in screen.texts(".ag-row .c-number") if text)
        return len(seen) > 150

    until(beyond, 20, "rows come as one scrolls")
    assert screen.failed == []


def test_rows_open_by_keyboard_and_the_export_is_the_filter_s(screen: Screen, demo: House) -> None:
    page = screen.page
    page.goto(demo.url + "/tickets?late=1&lang=en")
    late = count(page)
    with page.expect_download() as waiting:
        page.locator("#desk-export a").first.click()
    with waiting.value.path().open("rb") as file:
        rows = list(csv.DictReader(io.StringIO(file.read().decode("utf-8-sig"))))
    assert abs(len(rows) - late) <= 2
    until(lambda: screen.texts(".ag-row .c-number"), 10, "rows are shown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    until(lambda: screen.path().startswith("/ticket?key="), 10, "Enter opens the ticket")
    until(lambda: page.evaluate("() => document.querySelector('#desk')?.dataset.ready"), 20, "the ticket is shown")
    page.keyboard.press("Escape")
    until(lambda: screen.path() == "/tickets?late=1&lang=en", 10, "Escape goes back")
