"""What the browser writes itself: shares as the house does, numbers and the city's time as its own formats would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from dashboard.nouns.periods import offsets
from dashboard.screens.marks import ASSETS
from dashboard.words import in_percent
from tests.servers import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def run(page: Page, module: str, *names: str) -> None:
    """Run a module of the house on an empty page, what it exports known to the page."""
    script = (ASSETS / module).read_text(encoding="utf-8") + f"\nObject.assign(window, {{ {', '.join(names)} }});"
    page.add_script_tag(type="module", content=script)
    until(lambda: page.evaluate(f"() => typeof window.{names[0]}") == "function", 5, "the module has run")


def test_shares_are_written_as_on_the_server(page: Page) -> None:
    page.set_content("<p></p>")
    run(page, "numbers.mjs", "percent")
    pairs = [
        (part, whole) for whole in (1, 3, 7, 16, 400, 972, 26_000) for part in {0, 1, 5, whole // 3, whole - 1, whole}
    ]
    values = [100 * part / whole for part, whole in pairs] + [1240.44, 100.02, -3.25]
    for digits in (0, 1, 2):
        found = page.evaluate("([values, digits]) => values.map((one) => percent(one, digits))", [values, digits])
        assert found == ["100 %" if value == 100 else f"{in_percent(value, digits)} %" for value in values]


def test_thousands_stand_apart(page: Page) -> None:
    page.set_content("<p></p>")
    run(page, "numbers.mjs", "grouped")
    values = [0, 7, 999, 1000, 12_345, 123_456, 1_234_567, 87_654_321, -1000, -999, 0.25, 2500.125, 0.0125]
    found = page.evaluate("(values) => values.map((one) => grouped(one))", values)
    assert found == [f"{value:,}" for value in values]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
def test_the_city_s_time_is_the_zone_s_at_every_moment(page: Page, zone: str) -> None:
    """Around each change of the clocks, and at odd moments between."""
    known = offsets(ZoneInfo(zone))
    page.set_content(f"<meta name='citywall-offsets' content='{json.dumps(known)}'>")
    run(page, "zone.mjs", "time", "date", "stamp")
    moments = [at + beside for at, _ in known for beside in (0, -1, 1, -3600, 3599, 1_234_567)]
    wrong = page.evaluate(
        """([zone, moments]) => {
          const format = (lang, about) => new Intl.DateTimeFormat(lang, { ...about, timeZone: zone });
          const clock = format("en-GB", { timeStyle: "medium" });
          const whole = format("sv-SE", { dateStyle: "short", timeStyle: "medium" });
          const day = format("zh-CN", { year: "numeric", month: "long", day: "numeric", weekday: "short" });
          const words = format("en-GB", { year: "numeric", month: "short", day: "numeric", weekday: "short" });
          return moments.filter((at) => {
            const moment = new Date(1000 * at);
            return time(at) !== clock.format(moment) || stamp(at) !== whole.format(moment)
              || date(at, "zh") !== day.format(moment) || date(at, "en") !== words.format(moment);
          });
        }""",
        [zone, [moment for moment in moments if moment > known[0][0]]],
    )
    assert wrong == []
