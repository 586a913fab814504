"""Playlists by the time alone: where one stands depends neither on how often it is asked nor on what interrupted it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.city import CityError, make_city
from dashboard.scenes import EntryTable, Play, PlaylistTable, advance, begin, pressing

ZONE = ZoneInfo("Asia/Shanghai")
NOON = 1_795_233_600.0  # 2026-11-21 12:00 in Shanghai.
TITLE = {"zh": "日常", "en": "Day"}
SPANS = ["08:00-12:00", "11:30-18:30", "22:00-06:00", "00:00-23:59", "17:59-18:00"]

entries = st.lists(
    st.fixed_dictionaries({
        "scene": st.sampled_from(["a", "b", "c"]), "seconds": st.integers(5, 4000),
        "hours": st.lists(st.sampled_from(SPANS), max_size=2),
    }),
    min_size=1, max_size=5,
)  # fmt: skip


def playlist(*rows: dict[str, Any], **more: Any) -> PlaylistTable:
    return PlaylistTable.model_validate({"id": "day", "title": TITLE, "scenes": rows, **more})


def alert(key: str = "k", severity: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "severity": severity,
        "noun": "sensor",
        "place": "T",
        "since": 1.0,
        "acknowledged": None,
        **more,
    }


@settings(deadline=None)  # A day of turns of five seconds is counted through.
@given(entries, st.lists(st.floats(0.1, 5000), max_size=40), st.integers(0, 86400))
def test_asked_seldom_it_stands_where_one_stands_that_is_asked_often(
    rows: list[dict[str, Any]], steps: list[float], start: int
) -> None:
    day, now = playlist(*rows), NOON + start
    often = once = begin(day, now, ZONE)
    for step in steps:
        now += step
        if now - NOON - start > 86_000:
            break
        often = advance(often, day, now, ZONE)
        assert often == advance(once, day, now, ZONE)
        assert often.since <= now


@settings(deadline=None)  # A day of turns of five seconds is counted through.
@given(entries, st.floats(0, 80_000), st.floats(0, 500_000), st.booleans(), st.floats(0, 10_000))
def test_what_was_interrupted_goes_on_where_it_was(
    rows: list[dict[str, Any]], before: float, rest: float, paused: bool, after: float
) -> None:
    day = playlist(*rows)
    play = advance(begin(day, NOON, ZONE), day, NOON + before, ZONE)
    pressed = None if paused else alert()
    held = advance(play, day, NOON + before, ZONE, paused=paused, alert=pressed)
    later = advance(held, day, NOON + before + rest, ZONE, paused=paused, alert=pressed)
    assert (later.at, later.ran) == (play.at, held.ran)
    assert bool(later.alarm) != paused
    again = advance(later, day, NOON + before + rest, ZONE)
    assert again.at == play.at
    assert again.ran is None
    assert again.since - play.since == pytest.approx(rest, abs=1e-3)
    assert not again.alarm
    left = day.scenes[play.at].seconds - (held.ran or 0.0)
    if left > 1.0:  # Otherwise its turn was over already, and what follows may have opened meanwhile.
        assert advance(again, day, NOON + before + rest + left - 1.0, ZONE).since == again.since
    assert advance(again, day, NOON + before + rest + after, ZONE).since >= again.since


@settings(deadline=None)  # A day of turns of five seconds is counted through.
@given(entries, st.floats(0, 80_000))
def test_a_turn_begins_only_in_its_hours(rows: list[dict[str, Any]], later: float) -> None:
    day = playlist(*rows)
    play = advance(begin(day, NOON, ZONE), day, NOON + later, ZONE)
    if play != begin(day, NOON, ZONE):
        assert day.scenes[play.at].open_at(play.since, ZONE)


@given(st.sampled_from(SPANS), st.floats(0, 200_000))
def test_an_entry_opens_at_the_first_moment_it_is_open(span: str, later: float) -> None:
    entry = EntryTable.model_validate({"scene": "a", "hours": [span]})
    moment = NOON + later
    opens = entry.opens(moment, ZONE)
    assert opens >= moment
    assert entry.open_at(opens, ZONE)
    assert opens == moment or not entry.open_at(max(moment, opens - 1), ZONE) or opens - moment < 1


def test_scenes_follow_each_other_for_as_long_as_each_is_to_last() -> None:
    day = playlist({"scene": "a", "seconds": 10}, {"scene": "b", "seconds": 20}, {"scene": "c", "seconds": 5})
    play = begin(day, NOON, ZONE)
    seen = []
    for second in range(0, 40, 5):
        play = advance(play, day, NOON + second, ZONE)
        seen.append(day.scenes[play.at].scene)
    assert seen == ["a", "a", "b", "b", "b", "b", "c", "a"]


def test_outside_its_hours_a_scene_is_passed_over_and_where_none_may_follow_what_is_shown_stays() -> None:
    day = playlist({"scene": "a", "seconds": 10, "hours": ["11:00-12:01"]}, {"scene": "b", "hours": ["20:00-21:00"]})
    play = begin(day, NOON, ZONE)
    assert day.scenes[advance(play, day, NOON + 30, ZONE).at].scene == "a"
    assert day.scenes[advance(play, day, NOON + 7 * 3600, ZONE).at].scene == "a", "it stays until eight"
    evening = advance(play, day, NOON + 8 * 3600 + 5, ZONE)
    assert day.scenes[evening.at].scene == "b"
    assert evening.since == NOON + 8 * 3600


def test_an_alert_shows_the_scene_of_its_noun_at_its_place_and_a_worse_one_takes_its_turn() -> None:
    day = playlist({"scene": "a"}, interrupt=2, alarm="b", alarms={"sensor": "c"})
    play = begin(day, NOON, ZONE)
    play = advance(play, day, NOON + 3, ZONE, alert=alert())
    assert (play.alarm, play.scene, play.place, play.ran) == ("k", "c", "T", 3.0)
    play = advance(play, day, NOON + 9, ZONE, alert=alert("other", noun="ticket", place="U"))
    assert (play.alarm, play.scene, play.place, play.ran) == ("other", "b", "U", 3.0)


def test_the_alert_that_presses_most_is_the_worst_and_of_those_the_latest() -> None:
    found = [
        alert("old", 2, since=1), alert("new", 2, since=2), alert("known", 1, acknowledged={"by": "李"}),
        alert("slept", 1, snoozed_until=50), alert("mild", 3),
    ]  # fmt: skip

    def key(now: float, **more: Any) -> str | None:
        pressed = pressing(found, playlist({"scene": "a"}, **more), now)
        return None if pressed is None else pressed["key"]

    assert key(10, interrupt=2) == "new"
    assert key(60, interrupt=2) == "slept"
    assert key(10, interrupt=1) is None
    assert key(10) is None
    assert key(1000, interrupt=2, alarm_minutes=16.65) == "new", "the other began longer ago"
    assert key(4000, interrupt=2, alarm_minutes=60) is None


@pytest.mark.parametrize("strange", [Play("other"), Play("day", at=9), Play("day", since=NOON - 9e6)])
def test_what_does_not_fit_or_is_days_behind_begins_anew(strange: Play) -> None:
    day = playlist({"scene": "a"}, {"scene": "b"})
    assert advance(strange, day, NOON, ZONE) == begin(day, NOON, ZONE)


def test_a_play_survives_being_written_down() -> None:
    play = advance(begin(playlist({"scene": "a"}), NOON, ZONE), playlist({"scene": "a"}), NOON + 1, ZONE, alert=alert())
    assert msgspec.json.decode(msgspec.json.encode(play), type=Play) == play


BASE = {"name": "c", "title": TITLE, "zone": "UTC", "places": {"file": "c.csv"}, "screens": ["wall", "duty"]}
SCENE = {"id": "overview", "title": TITLE, "layout": "wall"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"scenes": [{**SCENE, "layout": "flood"}]},
         "scenes.overview.layout: 'flood' is none of the screens duty, wall; name one, or add it to screens"),
        ({"scenes": [SCENE, SCENE]}, "scenes: two scenes are called overview; give each its own id"),
        ({"scenes": [SCENE], "playlists": [{"id": "day", "title": TITLE, "scenes": [{"scene": "night"}]}]},
         "playlists.day.scenes: there is no scene 'night'; there are overview"),
        ({"playlists": [{"id": "day", "title": TITLE, "scenes": [{"scene": "night"}]}]},
         "there is no scene 'night'; there are none: add one as [[scenes]]"),
        ({"scenes": [SCENE], "playlists": [
            {"id": "d", "title": TITLE, "scenes": [{"scene": "overview"}], "alarms": {"sensor": "overview"}}]},
         "alarms say what an alert shows, and interrupt is missing; add interrupt = 2, say"),
        ({"scenes": [SCENE], "playlists": [{"id": "d", "title": TITLE, "scenes": []}]}, "playlists.0.scenes"),
        ({"scenes": [SCENE], "playlists": [
            {"id": "d", "title": TITLE, "scenes": [{"scene": "overview", "hours": ["8-12"]}]}]},
         "playlists.0.scenes.0.hours.0.start"),
        ({"display": {"memory": [500, 400]}}, "the first number is to be below the second"),
    ],
)  # fmt: skip
def test_a_city_file_whose_scenes_do_not_fit_says_what_to_mend(more: dict[str, Any], said: str) -> None:
    with pytest.raises(CityError) as found:
        make_city({**BASE, **more}, Path("c.toml"))
    assert said in str(found.value)
