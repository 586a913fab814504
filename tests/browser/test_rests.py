"""A panel that rests on a broken entry of the data catalogue is grey and says so, and no longer than it is broken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.screen import post
from tests.servers import House, until
from tests.town import town

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
CITY = """
name = "town"
title = {{ zh = "镇", en = "Town" }}
zone = "Asia/Shanghai"
languages = ["zh", "en"]
screens = ["intake"]

[places]
file = "places.csv"

[sharing.rests]
"企业登记信息" = ["units"]

[[feeds]]
kind = "clock"
name = "clock"

[[feeds]]
kind = "cloudevents"
name = "intake"

[translations]
"企业登记信息" = "Company register"
""".replace("{{", "{").replace("}}", "}")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("rests")
    town(folder)
    (folder / "town.toml").write_text(CITY, encoding="utf-8")
    with House("--city", str(folder / "town.toml")) as running:
        yield running


def entry(state: str, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    data = {
        "name": "企业登记信息",
        "department": "市监局",
        "cycle": 24,
        "updated": (now - timedelta(hours=5)).isoformat(),
    }
    return {
        "specversion": "1.0", "id": f"{state}:{now.isoformat()}", "source": "share", "type": "catalogue.entry",
        "subject": "E-1", "time": now.isoformat(), "data": {**data, "state": state, **more},
    }  # fmt: skip


def card(page: Page, panel: str) -> dict[str, str]:
    """What the frame of a panel says."""
    found: dict[str, str] = page.evaluate(
        """(id) => {
          const card = document.getElementById(id);
          if (!card) return {state: "", age: "", title: "", filter: ""}; // The page is not drawn yet.
          const age = card.querySelector(".age");
          const body = getComputedStyle(card.querySelector(".body"));
          return {state: card.dataset.state, age: age.textContent, title: age.title, filter: body.filter};
        }""",
        panel,
    )
    return found


def test_the_mark_comes_with_the_sentence_and_goes(page: Page, house: House) -> None:
    page.goto(f"{house.url}/intake")
    until(lambda: card(page, "units")["state"] == "live", 20, "the panel is alive")
    since = datetime.now(UTC) - timedelta(hours=2, minutes=5)
    assert post(house, entry("open"))["stored"] == 1
    post(house, entry("broken", since=since.isoformat(), reason="cut off"))
    until(lambda: card(page, "units")["state"] == "broken", 10, "what rests on it is grey")
    seen = card(page, "units")
    assert seen["age"] == "中断 2 小时：「企业登记信息」"
    assert "企业登记信息" in seen["title"]
    assert (since + timedelta(hours=8)).strftime("%H:%M") in seen["title"]
    assert "grayscale" in seen["filter"]
    assert card(page, "today")["state"] == "live", "what does not rest on it is as it was"
    assert "grayscale" not in card(page, "today")["filter"]
    page.click("[data-set-lang=en]")
    until(lambda: card(page, "units")["age"] == "broken 2 h: “Company register”", 10, "it says so in English")
    post(house, entry("open"))
    until(lambda: card(page, "units")["state"] == "live", 10, "the mark goes")
    assert card(page, "units")["title"] == ""
    assert "grayscale" not in card(page, "units")["filter"]
