"""An address of the tickets' page is understood, or refused by name; and it is said in plain words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from dashboard.casework.ticketasks import FILTERS, AskError, asked, chips, span
from dashboard.ground.placefile import read_places
from dashboard.nouns.periods import Calendar
from tests.town import town

SHANGHAI = Calendar(ZoneInfo("Asia/Shanghai"))
NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC).timestamp()  # Sunday, noon.


def local(text: str, zone: str = "Asia/Shanghai") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(("text", "start", "end"), [
    ("today", "2026-03-01", "2026-03-02"), ("yesterday", "2026-02-28", "2026-03-01"),
    ("yesterday_so_far", "2026-02-28", "2026-02-28T12:00"), ("week", "2026-02-23", "2026-03-02"),
    ("month", "2026-03-01", "2026-04-01"), ("last_month", "2026-02-01", "2026-03-01"),
    ("year", "2026-01-01", "2027-01-01"), ("2025", "2025-01-01", "2026-01-01"), ("2025-12", "2025-12-01", "2026-01-01"),
    ("2024-02-29", "2024-02-29", "2024-03-01"), ("2026-01-30..2026-02-02", "2026-01-30", "2026-02-03"),
    ("2026-01-30T08:15..2026-01-30T09:00", "2026-01-30T08:15", "2026-01-30T09:00"),
])  # fmt: skip
def test_periods_are_those_of_the_city(text: str, start: str, end: str) -> None:
    assert span(text, NOW, SHANGHAI) == (local(start), local(end))


def test_a_month_in_which_the_clock_is_put_forward_is_an_hour_shorter() -> None:
    start, end = span("2026-03", NOW, Calendar(ZoneInfo("America/New_York")))
    assert end - start == 31 * 86400 - 3600
    assert start == local("2026-03-01", "America/New_York")


@pytest.mark.parametrize("text", [
    "", "..", "tomorrow", "2026-13", "2026-02-30", "2026-1", "0000", "9999-01", "2026-03-02..2026-03-01",
    "2026-10-05T25:00",
])  # fmt: skip
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(AskError, match="period"):
        span(text, NOW, SHANGHAI)


@pytest.mark.parametrize(("words", "why"), [
    ("colour=red", "'colour' is no filter"), ("place=Z", "no place 'Z'"), ("light=pink", "light: 'pink' is none of"),
    ("open=yes", "open: takes 1"), ("due_in=-5", "due_in: takes a number"), ("sort=trail", "sort: 'trail' is none of"),
    ("rate=on_time", "belong together"), ("period=month", "belong together"), ("met=1", "belong together"),
    ("open=1&open=0", "asked for too often"), ("q=" + "x" * 201, "longer than"), ("closed=soon", "period"),
])  # fmt: skip
def test_what_is_not_known_is_refused_by_name(tmp_path: Path, words: str, why: str) -> None:
    with pytest.raises(AskError, match=why):
        asked(parse_qsl(words), read_places(town(tmp_path)))


def test_an_address_and_what_it_asks_are_the_same(tmp_path: Path) -> None:
    places = read_places(town(tmp_path))
    words = "place=A&unit=X%26Y&unit=&open=1&rate=on_time&period=2026-02&met=0&q=a+b&sort=-deadline"
    what = asked(parse_qsl(words, keep_blank_values=True), places)
    assert what.address("T") == words
    assert asked(parse_qsl(what.address("T"), keep_blank_values=True), places) == what
    assert asked([("lang", "en"), ("map", "rate")], places) == asked([], places)


def test_filters_are_said_in_both_languages_and_each_can_be_left_out(tmp_path: Path) -> None:
    city = town(tmp_path, translations={"城管": "City Mgmt"})
    places = read_places(city)
    words = "place=A&unit=城管&open=1&due_in=60&rate=on_time&period=month&met=0&light=soon&q=<b>"
    what = asked(parse_qsl(words), places)
    english = {chip["name"]: chip["text"] for chip in chips(what, city, places, "en")}
    chinese = {chip["name"]: chip["text"] for chip in chips(what, city, places, "zh")}
    assert english == {
        "place": "Alpha", "unit": "Unit: City Mgmt", "open": "Open", "due_in": "Due within 60 min",
        "rate": "On-time rate · this month · Not met", "light": "Light: Due soon", "q": "“<b>”",
    }  # fmt: skip
    assert chinese == {
        "place": "甲", "unit": "责任单位：城管", "open": "在办", "due_in": "60 分钟内到期",
        "rate": "按期结案率 · 本月 · 未达标", "light": "灯色：临期", "q": "“<b>”",
    }  # fmt: skip
    for chip in chips(what, city, places, "en"):
        rest = asked(parse_qsl(chip["without"]), places)
        assert rest != what
        assert not rest.get(chip["name"])
        assert chip["name"] != "rate" or not rest.get("period")


def test_every_filter_has_words_in_both_languages() -> None:
    for name, about in FILTERS.items():
        for words in (about.words, *about.values.values(), *([about.yes, about.no] if about.kind == "yes" else [])):
            assert words.zh, name
            assert words.en, name
            assert words.zh != words.en, name
