"""Traces: every number of the screens is noted at its moment, once, and answered for with its gaps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from time import time
from typing import Any

import httpx
import msgspec
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette

from dashboard.screens.marks import amount, number, rate
from dashboard.screens.panel import Context, Panel, all_panels
from dashboard.screens.push import Hub
from dashboard.screens.trace import KEPT, Tracer, figures_of, traced
from dashboard.travel.stream import view_key
from dashboard.words import DASH, Words
from tests.dashboard.screens.test_push import CITY, PLACES

START = 1_795_000_200.0  # A whole five minutes.


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

    async def run(self) -> None:
        seen: Any = "0-0"
        while True:
            said: Any = await self.redis.xread({self.hub.keys.asks: seen}, block=50)
            for entry, fields in said[0][1] if said else []:
                seen = entry
                assert float(fields[b"for"]) < 10
                for key in msgspec.json.decode(fields[b"keys"]):
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
    """Two places, a panel with a number and a rate, and one that fails where there is real data."""
    hub = Hub(CITY, PLACES, redis_url, "v1")
    example = {"a": {"n": 1, "r": (1, 2)}}
    bad = Panel(
        "bad", Words("b", "b"), ("a",), lambda c: None, lambda v, c: {"bad.children": number(1 / (v["a"]["n"] - 7))}
    )
    panels = (Panel("p", Words("p", "p"), ("a",), lambda ctx: None, drawn), bad)
    hub.panels = {p.id: Panel(p.id, p.title, p.reads, p.frame, p.paint, example) for p in panels}
    made = Board(Redis.from_url(redis_url), hub, {view_key("a", p): {"n": 7, "r": (3, 4)} for p in ("d", "t")})
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
    assert said["kept"] is True
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
