"""Traces: every number of the screens is noted at its moment, once, and answered for with its gaps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from time import time
from typing import Any

import httpx
import msgspec
import pytest
from dash import html
from redis.asyncio import Redis
from starlette.applications import Starlette

from dashboard.places import Place, PlaceTree
from dashboard.screens.marks import amount, number, rate, row
from dashboard.screens.panel import Context, Panel, all_panels
from dashboard.screens.push import Hub
from dashboard.screens.trace import HELD, HOUR, KEPT, Tracer, figures_of, traced
from dashboard.travel.stream import view_key
from dashboard.words import DASH, Words
from tests.dashboard.screens.test_push import CITY

START = 1_795_000_200.0  # A whole five minutes, and ten of them after a whole hour.
DEEPER = [Place(f"v{n}", f"V{n}", "village", "t") for n in range(3)] + [Place("g", "G", "grid", "v0")]
PLACES = PlaceTree.of([Place("d", "D", "district"), Place("t", "T", "town", "d"), *DEEPER])


def test_numbers_that_fill_a_component_are_figures() -> None:
    painted = {
        "a.children": number(-1_234_567, "件", language="zh", room=4), "b.children": rate(396, 412),
        "c.children": amount(31_204_118, "zh"), "d.children": [number(7), " of 9"], "e.children": number("94.4", "%"),
        "f.children": number(None), "g.children": rate(0, 0), "h.children": number(DASH), "i.children": "12",
        "j.title": "3", "k.children": [amount(5, "zh")], "l.children": amount(3, "zh", behind="/tickets?open=1"),
    }  # fmt: skip
    assert figures_of(painted) == {
        "a": -1_234_567.0, "b": (396.0, 412.0), "c": 31_204_118.0, "d": 7.0, "e": 94.4, "l": 3.0,
    }  # fmt: skip


def test_what_is_drawn_is_what_is_noted() -> None:
    """The four deciding numbers are traced without their panel knowing of it."""
    ctx = Context(CITY, PLACES, "d")
    panel = all_panels()["decide"]
    assert set(figures_of(panel.paint(panel.example, ctx))) == {
        "decide-open",
        "decide-hour",
        "decide-late",
        "decide-rate",
    }
    assert "decide" in traced(all_panels(), ctx)
    assert "header" not in traced(all_panels(), ctx)


@dataclass
class Board:
    """A projector's notice board: posts whatever is asked for, as far as it is there."""

    redis: Redis
    hub: Hub
    values: dict[str, Mapping[str, Any]]
    asks: list[tuple[float, list[str]]] = field(default_factory=list)

    async def run(self) -> None:
        seen: Any = "0-0"
        while True:
            said: Any = await self.redis.xread({self.hub.keys.asks: seen}, block=50)
            for entry, fields in said[0][1] if said else []:
                seen = entry
                assert float(fields[b"for"]) < 10
                self.asks.append((float(fields[b"for"]), msgspec.json.decode(fields[b"keys"])))
                for key in self.asks[-1][1]:
                    await self.post(key)

    async def post(self, key: str) -> None:
        if key in self.values:
            posted: Any = {key: msgspec.json.encode({"data": self.values[key]})}
            await self.redis.hset(self.hub.keys.views, mapping=posted)

    def pulse(self, as_of: float, late: float = 0.0) -> None:
        self.hub.pulse = {"as_of": as_of, "wall": time() - late}


def drawn(views: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    return {"p-n.children": number(views["a"]["n"]), "p-r.children": rate(*views["a"]["r"])}


@pytest.fixture
async def board(redis_url: str) -> AsyncIterator[Board]:
    """Two places and four deeper ones; a panel with a number and a rate, and one that fails with real data."""
    hub = Hub(CITY, PLACES, redis_url, "v1")
    example = {"a": {"n": 1, "r": (1, 2)}}
    bad = Panel(
        "bad", Words("b", "b"), ("a",), lambda c: None, lambda v, c: {"bad.children": number(1 / (v["a"]["n"] - 7))}
    )
    panels = (Panel("p", Words("p", "p"), ("a",), lambda ctx: None, drawn), bad)
    hub.panels = {p.id: Panel(p.id, p.title, p.reads, p.frame, p.paint, example) for p in panels}
    made = Board(Redis.from_url(redis_url), hub, {view_key("a", p.code): {"n": 7, "r": (3, 4)} for p in PLACES})
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await made.redis.aclose()
    await hub.redis.aclose()


async def asked(tracer: Tracer, **words: Any) -> Any:
    app = Starlette(routes=list(tracer.routes()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://c") as client:
        return (await client.get("/trace", params=words)).json()


async def test_numbers_are_noted_once_per_step_and_process(board: Board) -> None:
    tracer, another = Tracer(board.hub), Tracer(board.hub)
    board.pulse(START + 7)
    assert await tracer.note() == 2
    assert await tracer.note() == 0, "the step is noted"
    assert await another.note() == 0, "by one process for all"
    board.values |= {view_key("a", "d"): {"n": 9, "r": (0, 0)}}
    await board.post(view_key("a", "d"))
    board.pulse(START + 301)
    assert await another.note() == 2
    assert await tracer.note() == 0
    said = await asked(tracer, figure=["p-n", "p-r"], place="d")
    assert said["figures"]["p-n"]["points"] == [[START, 7.0], [START + 300, 9.0]]
    assert said["figures"]["p-r"]["points"] == [[START, 3.0, 4.0]], (
        "without a denominator there is no rate, and no zero"
    )
    assert said["figures"]["p-n"]["below"] == [["t", "T", "T", 7.0]]
    assert (said["every"], said["every_below"]) == (300, 300)
    below = await asked(tracer, figure="p-r", place="t")
    assert below["figures"]["p-r"] == {"points": [[START, 3.0, 4.0], [START + 300, 3.0, 4.0]], "below": []}


async def test_a_board_that_catches_up_or_goes_back_is_not_noted(board: Board) -> None:
    tracer = Tracer(board.hub)
    board.pulse(START, late=60)
    assert await tracer.note() == 0
    board.hub.pulse = {}
    assert await tracer.note() == 0
    board.pulse(START + 3000)
    assert await tracer.note() == 2
    board.pulse(START)
    assert await tracer.note() == 0
    board.pulse(START)
    assert await Tracer(board.hub).note() == 0, "what is noted is not written over by an earlier clock"


async def test_what_a_busy_board_did_not_tell_is_noted_with_the_next_look(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.screens.push.PATIENCE", 0.3)
    tracer = Tracer(board.hub)
    board.pulse(START + 7)
    late = board.values.pop(view_key("a", "t"))
    assert await tracer.note() == 1
    board.values[view_key("a", "t")] = late
    board.pulse(START + 12)
    assert await tracer.note() == 1
    assert await tracer.note() == 0
    said = await asked(tracer, figure="p-n", place="t")
    assert said["figures"]["p-n"]["points"] == [[START, 7.0]]
    del board.values[view_key("a", "t")]
    await board.redis.delete(board.hub.keys.views)
    for seconds in (300, 400):
        board.pulse(START + seconds)
        assert await tracer.note() == 1
        board.values[view_key("a", "t")] = late
    said = await asked(tracer, figure="p-n", place="t")
    assert said["figures"]["p-n"]["points"] == [[START, 7.0], [START + 400, 7.0]], "what comes much later says when"


async def test_a_trace_is_a_day_long_and_survives_what_stands_in_its_way(board: Board) -> None:
    tracer = Tracer(board.hub)
    await board.redis.set(board.hub.keys.trace("d"), "something else")
    board.pulse(START)
    assert await tracer.note() == 2
    board.pulse(START + KEPT + 600)
    assert await tracer.note() == 2
    said = await asked(tracer, figure="p-n")
    assert said["figures"]["p-n"]["points"] == [[START + KEPT + 600, 7.0]], "what is older than a day is not told"
    assert await board.redis.get(board.hub.keys.trace("d") + ":set-aside") == b"something else"
    assert (await asked(tracer, figure="p-n", place="nowhere")) == {"reason": "no such place"}


# -- lists -------------------------------------------------------------------------------------------------------


def listed(views: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """The numbers of ``drawn`` and a list of two units, named by the page's language, the busier one first."""
    units = sorted({"甲": ("A", views["a"]["n"]), "乙": ("B", 8)}.items(), key=lambda one: -one[1][1])
    names = [(zh if ctx.language == "zh" else en, n) for zh, (en, n) in units]
    return {
        **drawn(views, ctx),
        "p-rows.children": [row([html.Span(name, className="name"), amount(n, ctx.language)]) for name, n in names],
    }


def monthly(views: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """Two numbers that bear the name of their month in one language, and no name of their own in the other."""
    names = ("月", "月") if ctx.language == "zh" else ("Jan", "Feb")
    return {"p-rows.children": [html.Div([html.B("3"), f" {name}"]) for name in names]}


async def cell(tracer: Tracer, **words: Any) -> Any:
    app = Starlette(routes=list(tracer.routes()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://c") as client:
        asks = {"panel": "p", "list": "p-rows", "cell": "1", **words}
        return (await client.get("/trace/row", params=asks)).json()


async def test_a_number_in_a_list_is_noted_hourly_and_found_in_both_languages(board: Board) -> None:
    panel = board.hub.panels["p"]
    board.hub.panels["p"] = replace(panel, paint=listed)
    tracer = Tracer(board.hub)
    for seconds, n in ((7, 7), (300, 1), (HOUR - 600, 9), (HOUR, 10)):
        await shown(board, n)
        board.pulse(START + seconds)
        assert await tracer.note() == 2
    for words in ({"row": "甲"}, {"row": "A", "lang": "en"}):
        said = await cell(tracer, place="t", **words)
        assert said["points"] == [[START, 7.0], [START + HOUR - 600, 9.0]], "with the first note of each hour"
        assert (said["number"], said["deeper"], said["every"]) == (True, False, HOUR)
    assert (await cell(tracer, row="B", lang="en"))["points"] == [[START, 8.0], [START + HOUR - 600, 8.0]]
    assert (await cell(tracer, row="甲", place="v0")) | {"points": []} == (await cell(tracer, row="甲", place="v0"))
    assert (await cell(tracer, row="甲", place="v0"))["deeper"]
    none = {"number": False, "points": []}
    for ask in ({"row": "丙"}, {"row": "甲", "cell": "7"}, {"row": "甲", "panel": "bad"}, {"row": "甲", "list": "x"}):
        assert await cell(tracer, **ask) == none, ask
    assert await cell(tracer, row="A", lang="fr") == {"reason": "no such place or language"}
    tracer.lists["p"] = replace(panel, paint=monthly)
    assert await cell(tracer, row="Jan", cell="0", lang="en") == none, "in the first language it cannot be told apart"
    assert await cell(tracer, row="甲", cell="-1") == {"reason": "no such cell"}
    assert await cell(tracer, row="甲" * 301) == {"reason": "no such cell"}


async def shown(board: Board, n: int) -> None:
    """The board has another number everywhere."""
    board.values = {view_key("a", place.code): {"n": n, "r": (3, 4)} for place in PLACES}
    for key in board.values:
        await board.post(key)


# -- the past ----------------------------------------------------------------------------------------------------


def test_nothing_is_noted_while_the_past_is_told(board: Board) -> None:
    tracer = Tracer(board.hub)
    told = [0, 50_000, 90_000, 90_000, 90_000, 90_000, 90_050, 90_300, 90_300, 90_300, 90_300]
    said = []
    for past in told:
        board.hub.pulse = {"as_of": START, "past": past}
        said.append(tracer.telling())
    assert said == [False, True, True, True, True, False, False, True, True, True, False]


def test_a_source_whose_past_never_ends_is_noted_all_the_same(board: Board) -> None:
    tracer = Tracer(board.hub)
    said = []
    for look in range(1, HELD + 3):
        board.hub.pulse = {"as_of": START, "past": 1000 * look}
        said.append(tracer.telling())
    assert said == [True] * HELD + [False] * 2


# -- deeper places -----------------------------------------------------------------------------------------------


async def test_deeper_places_are_noted_once_an_hour_a_few_at_each_look(board: Board) -> None:
    tracer, another = Tracer(board.hub), Tracer(board.hub)
    tracer.few = another.few = 3
    board.pulse(START)
    assert await tracer.note_deeper() == 3
    ((seconds, keys),) = board.asks
    assert (seconds, len(keys)) == (0, 3), "for all of them the board is asked once, and has to keep nothing up to date"
    assert await another.note_deeper() == 1, "another process goes on where the first one stopped"
    assert await tracer.note_deeper() == await another.note_deeper() == 0
    board.values = {view_key("a", p.code): {"n": 2.5, "r": (0, 0)} for p in PLACES}
    for key in board.values:
        await board.post(key)
    board.pulse(START + HOUR - 601)
    assert await tracer.note_deeper() == 0, "the hour is not over"
    board.pulse(START + HOUR)
    assert [await tracer.note_deeper() for _ in range(3)] == [3, 1, 0]
    said = await asked(tracer, figure=["p-n", "p-r"], place="g")
    assert said["every"] == HOUR
    assert said["figures"] == {
        "p-n": {"points": [[START, 7.0], [START + HOUR, 2.5]], "below": []},
        "p-r": {"points": [[START, 3.0, 4.0]], "below": []},
    }
    said = await asked(tracer, figure="p-n", place="t")
    assert said["figures"]["p-n"]["below"] == [[f"v{n}", f"V{n}", f"V{n}", 2.5] for n in range(3)]
    assert (said["every"], said["every_below"]) == (300, HOUR)


async def test_names_that_come_later_are_kept_beside_those_there_were(board: Board) -> None:
    tracer = Tracer(board.hub)
    await tracer.hours.note(START, {"g": {"p-n": 1.0}})
    await tracer.hours.note(START + 60, {"v0": {"p-m": 4.0, "p-n": 3.0, "p-r": (1.5, 2e17)}, "g": {"p-n": 9.0}})
    notes = await tracer.hours.read(("g", "v0", "v1"), START, START + HOUR)
    assert notes == {
        "g": [(START, {"p-n": 1})], "v0": [(START + 60, {"p-n": 3, "p-m": 4, "p-r": [1.5, 2e17]})], "v1": [],
    }, "and what is noted in an hour stays"  # fmt: skip


async def test_what_is_of_a_later_or_too_early_moment_or_not_of_ours_is_a_gap(board: Board) -> None:
    tracer = Tracer(board.hub)
    tracer.few = 4
    for moment in (START, START + KEPT + 60, START + KEPT + HOUR):
        board.pulse(moment)
        assert await tracer.note_deeper() == 4
    await board.redis.set(board.hub.keys.traces((START + KEPT) // HOUR * HOUR - HOUR), "something else")
    board.pulse(START + KEPT + 120)
    said = await asked(tracer, figure="p-n", place="v0")
    assert [moment for moment, _ in said["figures"]["p-n"]["points"]] == [START + KEPT + 60]
    await board.redis.hset(board.hub.keys.traces((START + KEPT) // HOUR * HOUR), "v0", b"what is this?")
    said = await asked(tracer, figure="p-n", place="v0")
    assert said["figures"]["p-n"]["points"] == []


async def test_a_busy_board_leaves_a_place_for_the_next_look(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.screens.push.PATIENCE", 0.3)
    tracer = Tracer(board.hub)
    tracer.few = 2
    board.pulse(START)
    late = board.values.pop(view_key("a", "v0"))
    assert await tracer.note_deeper() == 1
    board.values[view_key("a", "v0")] = late
    assert await tracer.note_deeper() == 2
    board.pulse(START, late=60)
    assert await tracer.note_deeper() == 0, "one that catches up tells of the past"
