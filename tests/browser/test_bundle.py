"""The bundle in a browser: its modules run as they would one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.screens.bundle import bundle
from tests.dashboard.screens.test_bundle import written

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

SITE = "http://127.0.0.1:9"  # Nothing is asked of it: what the page asks for is answered here.


def ran(browser: Browser, folder: Path) -> tuple[list[str], list[str]]:
    """What the bundle's modules have put down where a page loads it, and the faults the page complains of."""
    found = bundle(folder)
    faults: list[str] = []

    def answer(route: Route) -> None:
        body = found.bodies.get(route.request.url.removeprefix(SITE).partition("?")[0])
        if body is None:
            start = f'<script src="{found.first}"></script>'
            route.fulfill(body=f'{start}<script type="module" src="{found.rest}"></script>', content_type="text/html")
        else:
            route.fulfill(body=body, content_type="text/javascript")

    page = browser.new_context().new_page()  # Its console may rightly complain.
    page.on("pageerror", lambda fault: faults.append(fault.message))
    page.route(f"{SITE}/**", answer)
    page.goto(SITE)
    page.wait_for_function("() => globalThis.ran?.length === 3", timeout=10_000)
    page.wait_for_timeout(100)  # Whatever else there is would have run by now.
    done = page.evaluate("ran.map(String)")
    page.context.close()
    return done, faults


def test_modules_run_in_their_order_and_once(browser: Browser, tmp_path: Path) -> None:
    assert ran(browser, written(tmp_path)) == (["first", "z", "42"], [])


def test_one_that_fails_takes_only_those_along_that_need_it(browser: Browser, tmp_path: Path) -> None:
    files = {"a.mjs": "throw Error('broken');\n", "b.mjs": 'import { no } from "./a.mjs";\nran.push("never");\n'}
    done, faults = ran(browser, written(tmp_path, **files))
    assert done == ["first", "z", "42"]
    assert faults[0] == "broken"
    assert len(faults) == 2, "what needs it fails too, and nothing else"
