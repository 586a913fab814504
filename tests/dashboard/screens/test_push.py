"""Push: who shows the same gets the same bytes, a slow screen gets the latest and nothing piles up."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from dashboard.city import make_city
from dashboard.places import Place, PlaceTree
from dashboard.screens.audience import Hello, Screen
from dashboard.screens.panel import Context, Panel, all_panels
from dashboard.screens.push import LINGER, LINGERING, Hub
from dashboard.sources.hosts import same_origin
from dashboard.words import Words

PLACES = PlaceTree.of([Place("d", "D", "district"), Place("t", "T", "town", "d")])
CITY = make_city(
    {"name": "c", "title": {"zh": "城", "en": "City"}, "zone": "UTC", "places": {"file": "c.csv"}}, Path("c.toml")
)


def panel(name: str, *reads: str, paint: Any = None) -> Panel:
    def plain(views: Any, ctx: Context) -> dict[str, Any]:
        return {f"{name}-n.children": [views[read].get("n") for read in reads] + [ctx.place, ctx.language]}

    return Panel(name, Words(name, name), reads, lambda ctx: None, paint or plain)


@pytest.fixture
def hub() -> Hub:
    hub = Hub(CITY, PLACES, "unix:///nowhere", "v1")
    hub.panels = {
        p.id: p for p in (panel("one", "a"), panel("two", "a", "b"), panel("broken", "a", paint=lambda v, c: 1 / 0))
    }
    return hub


def give(hub: Hub, name: str, n: int, offset: int = 1, place: str = "d") -> None:
    hub.views[f"{name}|{place}"] = {"data": {"n": n}, "offset": offset, "as_of": 10.0 * offset, "feeds": ["f"]}


def arrive(hub: Hub, *views: str) -> None:
    """As if these views had been announced and painted."""
    for audience in hub.audiences.values():
        for name in audience.panels:
            reads = {f"{view}|{audience.ctx.place}" for view in hub.panels[name].reads}
            if reads & {f"{view}|{audience.ctx.place}" for view in views} and reads <= hub.views.keys():
                audience.dirty.add(name)
    hub.tick += 1
    for audience in hub.audiences.values():
        hub._paint(audience)


def joined(hub: Hub, *panels: str, place: str = "d", lang: str = "zh") -> Screen:
    screen = Screen("s")
    hub.join(screen, Hello("s", list(panels), place, lang))
    return screen


def test_a_panel_is_painted_once_for_all_who_show_it(hub: Hub) -> None:
    give(hub, "a", 5)
    screens = [joined(hub, "one", "two") for _ in range(50)]
    arrive(hub, "a")
    messages = [hub.bundle(screen) for screen in screens]
    assert hub.painted == 1
    assert all(message is messages[0] for message in messages)
    said = json.loads(messages[0])
    assert said["panels"] == {
        "one": {"offset": 1, "as_of": 10.0, "feeds": ["f"], "props": {"one-n.children": [5, "d", "zh"]}}
    }  # "two" waits for its second view.


def test_a_slow_screen_gets_only_the_latest(hub: Hub) -> None:
    slow = joined(hub, "one", "two")
    give(hub, "b", 1)
    for n in range(1, 200):
        give(hub, "a", n, offset=n)
        arrive(hub, "a")
    assert len(slow.mail) == 2
    said = json.loads(hub.bundle(slow))
    assert said["panels"]["one"]["props"] == {"one-n.children": [199, "d", "zh"]}
    assert said["panels"]["two"]["offset"] == 1, "a panel is as old as its oldest view"
    assert slow.mail == {}


def test_a_late_comer_gets_what_is_painted_already(hub: Hub) -> None:
    give(hub, "a", 7)
    joined(hub, "one")
    arrive(hub, "a")
    late = joined(hub, "one")
    assert json.loads(hub.bundle(late))["panels"]["one"]["props"] == {"one-n.children": [7, "d", "zh"]}
    assert hub.painted == 1


def test_another_place_or_language_is_another_audience(hub: Hub) -> None:
    for place, lang in (("d", "zh"), ("d", "en"), ("t", "zh"), ("nowhere", "zh"), ("d", "xx")):
        joined(hub, "one", place=place, lang=lang)
    assert {key[:2] for key in hub.audiences} == {("d", "zh"), ("d", "en"), ("t", "zh")}
    assert hub.wanted() == {"a|d", "a|t"}


def test_a_panel_of_the_whole_city_hears_of_it_wherever_the_screen_is(hub: Hub) -> None:
    hub.panels["queue"] = replace(panel("queue", "a"), whole=True)
    screen = joined(hub, "queue", "one", place="t")
    assert hub.wanted() == {"a|d", "a|t"}
    give(hub, "a", 9)
    give(hub, "a", 2, place="t")
    for audience in hub.audiences.values():
        audience.dirty |= audience.panels
        hub._paint(audience)
    said = json.loads(hub.bundle(screen))["panels"]
    assert said["queue"]["props"] == {"queue-n.children": [9, "d", "zh"]}
    assert said["one"]["props"] == {"one-n.children": [2, "t", "zh"]}


def test_the_desk_misses_no_alert_wherever_its_map_is() -> None:
    whole = {name for name, found in all_panels().items() if found.whole}
    assert {"desk_queue", "desk_detail", "desk_log"} <= whole


def test_who_moves_on_leaves_nothing_behind_for_long(hub: Hub) -> None:
    screen = joined(hub, "one")
    give(hub, "a", 1)
    arrive(hub, "a")
    hub.join(screen, Hello("s", ["one"], "t"))
    assert screen.mail == {}
    assert hub.wanted() == {"a|d", "a|t"}
    hub.let_go(monotonic() + LINGER)
    assert list(hub.audiences) == [("t", "zh", "normal")]
    assert hub.views == {}
    hub.leave(screen)
    assert not hub.screens
    hub.let_go(monotonic() + LINGER)
    assert not hub.audiences


def test_a_page_that_starts_afresh_is_painted_already_as_it_is_now(hub: Hub) -> None:
    screen = joined(hub, "one")
    give(hub, "a", 1)
    arrive(hub, "a")
    hub.leave(screen)
    give(hub, "a", 2, offset=2)
    arrive(hub, "a")
    hub.let_go(monotonic())
    again = joined(hub, "one")
    assert json.loads(hub.bundle(again))["panels"]["one"]["props"] == {"one-n.children": [2, "d", "zh"]}
    assert hub.painted == 2
    hub.let_go(monotonic() + LINGER)
    assert hub.wanted() == {"a|d"}, "what a screen shows stays"


def test_what_no_screen_shows_any_more_is_not_shown_later_as_it_was(hub: Hub) -> None:
    """Two screens of one picture, one of which has moved to another scene and comes back."""
    joined(hub, "one")
    other = joined(hub, "two")
    give(hub, "a", 1)
    give(hub, "b", 1)
    arrive(hub, "a", "b")
    hub.leave(other)
    hub.let_go(monotonic() + LINGER)
    assert hub.wanted() == {"a|d"}
    assert "b|d" not in hub.views
    give(hub, "b", 2, offset=2)
    arrive(hub, "b")
    back = joined(hub, "two")
    assert back.mail == {}, "it is painted anew"
    arrive(hub, "b")
    assert json.loads(hub.bundle(back))["panels"]["two"]["props"] == {"two-n.children": [1, 2, "d", "zh"]}


def test_only_the_latest_few_pictures_linger(hub: Hub) -> None:
    shown = list(product(("d", "t"), ("zh", "en"), ("small", "normal", "large")))
    for place, lang, size in shown:
        screen = Screen("s")
        hub.join(screen, Hello("s", ["one"], place, lang, size))
        hub.leave(screen)
    hub.let_go(monotonic())
    assert list(hub.audiences) == shown[-LINGERING:]


def test_a_panel_that_cannot_be_painted_takes_no_other_with_it(hub: Hub) -> None:
    screen = joined(hub, "broken", "one")
    give(hub, "a", 3)
    arrive(hub, "a")
    said = json.loads(hub.bundle(screen))["panels"]
    assert said["broken"]["fault"] is True
    assert said["one"]["props"]
    assert hub.faults == 1


def test_acknowledging_frees_the_way(hub: Hub) -> None:
    screen = joined(hub, "one")
    for n in (1, 2):
        give(hub, "a", n)
        arrive(hub, "a")
        hub.bundle(screen)
    assert len(screen.unseen) == 2
    screen.acknowledge(hub.tick - 1)
    assert list(screen.unseen) == [hub.tick]


def test_a_panel_nobody_knows_is_not_shown(hub: Hub) -> None:
    assert joined(hub, "one", "nonsense").panels == {"one"}


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        (None, "wall:8050", True),
        ("http://wall:8050", "wall:8050", True),
        ("http://evil.example", "wall:8050", False),
        ("null", "wall:8050", False),
        ("http://wall:8050.evil.example", "wall:8050", False),
    ],
)
def test_only_pages_of_this_server_may_listen(origin: str | None, host: str, same: bool) -> None:
    assert same_origin(origin, host) is same
