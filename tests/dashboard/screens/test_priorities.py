"""Three things today: chosen by the stated rule, one of a kind, each with the numbers it rests on."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from dashboard.board import VIEWS
from dashboard.city import read_city
from dashboard.doors.console import city_file
from dashboard.ground.placefile import read_places
from dashboard.screens.panel import Context
from dashboard.screens.priorities import COMING, DANGER, HANGING, KINDS, PASSED, things
from panels.cockpit_today import PANEL

CITY = read_city(city_file("nanhai"))
CTX = Context(CITY, read_places(CITY), "440605")


def alert(key: str, severity: int, **more: Any) -> dict[str, Any]:
    """An alert as its view tells it."""
    return {
        "key": key, "severity": severity, "noun": "warning", "since": 1.0, "place": "440605121",
        "title": ["暴雨红色预警", "Red rainstorm warning"], "text": ["西樵镇", "Xiqiao"], "link": "",
        "acknowledged": None, "snoozed_until": None, **more,
    }  # fmt: skip


def standing(*alerts: dict[str, Any], **open_: int) -> dict[str, Any]:
    """The view of alerts, of which so many are open by severity: ``s1``, ``s2`` …"""
    counts = {name.removeprefix("s"): n for name, n in open_.items()}
    return {"alerts": {"alerts": list(alerts), "open": counts, "unacknowledged": sum(counts.values())}}


def test_the_rule_puts_danger_first_then_what_is_late_then_what_will_be_then_what_hangs() -> None:
    found = things(PANEL.example, CTX)
    assert [one.rank for one in found] == sorted(one.rank for one in found)
    assert len({one.kind for one in found}) == len(found), "one of a kind"
    assert {one.rank for one in found} >= {PASSED, COMING, HANGING}
    alerts = standing(alert("a", 1), alert("b", 2), s1=1, s2=1)
    first = things({**PANEL.example, **alerts}, CTX)[0]
    assert (first.rank, first.kind) == (DANGER, "alert")
    assert "1" in first.why.zh, "how many more there are"
    assert first.subject == "alert:a"
    linked = standing(alert("t|1", 1, link="/ticket?key=tickets%7C7"), s1=1)
    assert things(linked, CTX)[0].subject == "tickets|7", "an instruction on it is one on its ticket"
    assert things(linked, CTX)[0].behind == "/ticket?key=tickets%7C7"
    assert things(linked, replace(CTX, language="en"))[0].behind == "/ticket?key=tickets%7C7&lang=en"
    for outside in ("javascript:alert(1)", "//elsewhere.test", "https://elsewhere.test/", '/a"><img src=x>'):
        assert things(standing(alert("t|1", 1, link=outside), s1=1), CTX)[0].behind == ""


def test_within_a_rank_what_concerns_more_comes_first() -> None:
    for rank in (PASSED, COMING, HANGING):
        weights = [one.weight for one in things(PANEL.example, CTX) if one.rank == rank]
        assert weights == sorted(weights, reverse=True)


def test_every_why_names_numbers_in_both_languages() -> None:
    for one in things(PANEL.example, CTX):
        assert re.search(r"\d", one.why.zh), one
        assert re.search(r"\d", one.why.en), one
        assert one.subject


def test_what_is_acknowledged_closed_or_small_is_no_matter() -> None:
    quiet = standing(alert("b", 3), alert("a", 1, acknowledged={"by": "周"}), alert("c", 1, snoozed_until=9e9), s3=1)
    assert things(quiet, CTX) == [], "what was put off has been seen"
    assert things({"hour": {"units": [["环卫中心", 2, 1.0]], "quarters": [2, 0, 0, 0]}}, CTX) == []
    here = {"open": 100, "lights": {"normal": 90, "overdue": 8, "worst": 2}}
    even = {"days": {"places": {"440605011": {"open": 50, "late": 5}, "440605124": {"open": 50, "late": 5}}}}
    assert things({**even, "tickets": here}, CTX) == [], "no place has more than its share"
    one_sided = {"days": {"places": {"440605011": {"open": 50, "late": 9}, "440605124": {"open": 50, "late": 1}}}}
    (thing,) = things({**one_sided, "tickets": here}, CTX)
    assert "90 %" in thing.why.zh
    assert "late=1" in thing.behind


def test_all_overdue_are_those_of_the_place_itself_too() -> None:
    below = {"440605011": {"open": 20, "late": 20}, "440605124": {"open": 20, "late": 0}}
    here = {"open": 100, "lights": {"normal": 60, "overdue": 30, "worst": 10}}
    (thing,) = things({"days": {"places": below}, "tickets": here}, CTX)
    assert "40 件的 50 %" in thing.why.zh, "twenty more are known of the whole city alone"
    assert "在办只占 20 %" in thing.why.zh


def test_what_is_counted_is_all_there_is_and_not_what_is_listed() -> None:
    def kinds(views: dict[str, Any]) -> dict[str, Any]:
        return {one.kind: one for one in things({**PANEL.example, **views}, CTX)}

    example = PANEL.example
    listed = example["instructions"]["instructions"]
    first = {**listed[0], "id": "far", "text": "最早超期", "due": 1.0}
    found = kinds({
        **standing(alert("a", 1), s1=250, s2=50),
        "instructions": {**example["instructions"], "late": 70, "first": first},
        "supervised": {"tickets": [], "n": 90, "late": 60, "first": {**example["supervised"]["first"], "key": "s|9"}},
        "video_faults": {**example["video_faults"], "alarms": 44},
        "indicators": {**example["indicators"], "overdue": 450},
    })  # fmt: skip
    counted = {"alert": 300, "instruction": 70, "supervised": 60, "figures": 450}
    assert {kind: found[kind].weight for kind in counted} == counted
    assert "299" in found["alert"].why.en
    assert "最早超期" in found["instruction"].title.zh
    assert "70" in found["instruction"].why.zh
    assert found["supervised"].subject == "s|9"
    assert "60" in found["supervised"].why.zh
    assert "共同故障 44 起" in found["video"].why.zh
    assert "450" in found["figures"].title.zh


def test_a_month_that_will_meet_its_target_is_no_matter() -> None:
    target = CITY.cockpit.targets["on_time"] / 100
    view = {"low": target - 0.01, "mid": target - 0.001, "high": target + 0.002, "open": 9, "close": None}
    (thing,) = things({"forecast": view}, CTX)
    assert "可能" in thing.title.zh
    assert things({"forecast": {**view, "mid": target + 0.001}}, CTX) == []
    assert things({"forecast": {**view, "mid": None}}, CTX) == []


def test_a_house_without_a_view_offers_nothing_of_it() -> None:
    assert set(KINDS) <= set(VIEWS)
    assert things({}, CTX) == []
    assert things({view: {} for view in KINDS}, CTX) == []
