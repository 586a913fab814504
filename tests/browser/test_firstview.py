"""The first view: what a page asks for before anything else, and what it does without until somebody needs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest

from bench.firstview import COMPLETE, DRAWN, view
from dashboard.city import read_city
from dashboard.doors.stage import Stage
from dashboard.screens.faces import FACES
from tests.servers import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Route, WebSocket

SUITE = "dash_core_components"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(read_city(ROOT / "cities" / "nanhai.toml")) as stage:
        stage.face = next(face for face in FACES if face.id == "normal")
        yield stage


def opened(page: Page, url: str) -> list[list[dict[str, Any]]]:
    """The page, complete; what it has said over each of its sockets until then."""
    said: list[list[dict[str, Any]]] = []

    def watch(link: WebSocket) -> None:
        mine: list[dict[str, Any]] = []
        said.append(mine)
        link.on("framesent", lambda frame: mine.append(json.loads(frame)))

    page.on("websocket", watch)
    page.goto(url)
    page.wait_for_function(DRAWN.replace("WHAT", COMPLETE), polling="raf", timeout=20_000)
    return said


def test_a_wall_says_once_what_it_wants_and_charts_come_with_the_scene_that_has_them(page: Page, stage: Stage) -> None:
    page.add_init_script(
        "document.addEventListener('DOMContentLoaded', () => { window.greeted = window.sent; });"
        "const send = WebSocket.prototype.send;"
        "WebSocket.prototype.send = function (text) { window.sent = true; send.call(this, text); };"
    )
    said = opened(page, f"{stage.url}/wall?lang=en")
    hellos = [[message for message in link if message["t"] == "hello"] for link in said]
    assert {len(mine) for mine in hellos} == {1}, "what the server paints is not asked for twice"
    assert hellos[0][0]["panels"] == list(stage.layouts["wall"].panels)
    assert hellos[0][0]["lang"] == "en"
    assert page.evaluate("() => window.greeted"), "it was said before the page was made"
    assert not page.evaluate("(suite) => suite in window", SUITE)
    assert not page.locator("[data-frame]").count(), "what stays as it is has been drawn"
    assert page.locator("#service h2 button").inner_text()
    page.evaluate("() => citywall.scene({ layout: 'intake', panel: '', scene: '', place: '', options: {} })")
    page.wait_for_selector("#wall[data-screen='intake'] .dash-graph .main-svg", timeout=20_000)
    assert page.evaluate("(suite) => suite in window", SUITE)


def test_the_map_is_whole_however_late_the_page_s_modules_come(page: Page, stage: Stage) -> None:
    def late(route: Route) -> None:
        sleep(2.0)  # Long after Dash's own scripts are there.
        route.continue_()

    page.route("**/page.mjs*", late)
    opened(page, f"{stage.url}/wall")
    assert page.locator(".place-label").count() > 1


def test_what_a_page_did_without_comes_when_it_has_been_painted(page: Page, stage: Stage) -> None:
    opened(page, f"{stage.url}/wall")
    page.wait_for_function("(suite) => suite in window", arg=SUITE, timeout=20_000)


def test_a_second_view_takes_next_to_nothing_from_the_wire(
    new_context: Callable[..., BrowserContext], stage: Stage
) -> None:
    context = new_context()
    first, second = (view(context, f"{stage.url}/wall", COMPLETE) for _ in range(2))
    assert 200_000 < first.size < 3_000_000
    assert second.size < first.size / 3
    assert 0 < second.took < 20_000
