"""The browser writes a share in percent as the house does: on the map, in an answer, at the places below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dashboard.screens.marks import ASSETS
from dashboard.words import in_percent
from tests.servers import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_shares_are_written_as_on_the_server(page: Page) -> None:
    page.set_content("<p></p>")
    script = (ASSETS / "percent.mjs").read_text(encoding="utf-8") + "\nwindow.percent = percent;"
    page.add_script_tag(type="module", content=script)
    until(lambda: page.evaluate("() => typeof window.percent") == "function", 5, "the module has run")
    pairs = [
        (part, whole) for whole in (1, 3, 7, 16, 400, 972, 26_000) for part in {0, 1, 5, whole // 3, whole - 1, whole}
    ]
    values = [100 * part / whole for part, whole in pairs] + [1240.44, 100.02, -3.25]
    for digits in (0, 1, 2):
        found = page.evaluate("([values, digits]) => values.map((one) => percent(one, digits))", [values, digits])
        assert found == ["100 %" if value == 100 else f"{in_percent(value, digits)} %" for value in values]
