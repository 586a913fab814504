"""The wall stays open through every outage: it says that it is cut off, and is right again by itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from bench.browser import PAINTED
from bench.outage import LOST, OUTAGES, RIGHT, STALLED, STATE, Outage, Stage, enter, rest, staged, suffer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

LIVE = f"() => ({STATE})().states.join() === 'live'"
SECONDS = float(os.environ.get("CITYWALL_OUTAGE_SECONDS", "8"))
QUIET = float(os.environ.get("CITYWALL_QUIET_SECONDS", "20"))
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180 + 2 * SECONDS + QUIET)]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture
def wall(stage: Stage, new_context: Callable[..., BrowserContext]) -> Page:
    page = new_context().new_page()
    page.goto(stage.url, wait_until="commit")
    page.wait_for_function(PAINTED, timeout=20_000)
    page.wait_for_function(LIVE, timeout=20_000)
    page.wait_for_selector("#map .leaflet-container", timeout=20_000)  # The last of the scripts has come.
    enter(page)
    return page


@pytest.mark.outage
@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: outage.name)
def test_an_outage_is_marked_and_heals_by_itself(stage: Stage, wall: Page, outage: Outage) -> None:
    due = LOST if outage.mark == "lost" else STALLED
    healed = suffer(stage, wall, outage, max(SECONDS, due + 2.0))
    if outage.mark:
        assert healed.marked is not None, "the page says nothing"
        assert healed.marked <= due + 0.3
    assert healed.right <= RIGHT
    assert healed.same, "the page was loaded anew"
    assert rest(stage, wall, 0.0) < 3.0, "the link lives"


def test_after_a_quiet_time_one_ticket_is_shown(stage: Stage, wall: Page) -> None:
    assert rest(stage, wall, QUIET) < 3.0
    assert wall.evaluate(STATE) == {"link": "up", "states": ["live"], "same": True}


@pytest.mark.outage
def test_where_no_socket_gets_through_the_wall_lives_by_polls(
    stage: Stage, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context().new_page()
    page.add_init_script("delete window.WebSocket")
    page.goto(stage.url, wait_until="commit")
    page.wait_for_function(LIVE, timeout=20_000)
    page.wait_for_selector("#map .leaflet-container", timeout=20_000)
    enter(page)
    assert rest(stage, page, 5.0) < 3.0
    healed = suffer(stage, page, next(one for one in OUTAGES if one.name == "network_cut"), SECONDS)
    assert healed.marked is not None
    assert healed.marked <= LOST + 0.3
    assert healed.right <= RIGHT
    assert healed.same


# The house's own script comes first of all: without it the page is found empty only after twenty seconds.
@pytest.mark.parametrize(("script", "soon"), [("**/async-graph*", 20_000), ("**/page.mjs*", 40_000)])
def test_a_page_that_was_torn_while_loading_starts_afresh(
    stage: Stage, browser: Browser, script: str, soon: float
) -> None:
    page = browser.new_context().new_page()  # Its console rightly complains of the script that did not come.
    page.route(script, lambda route: route.abort(), times=1)
    page.goto(f"{stage.url}wall?panel=trend", wait_until="commit")
    page.wait_for_selector("#trend-chart .main-svg", timeout=soon)
    page.wait_for_function(LIVE, timeout=20_000)
    page.context.close()
