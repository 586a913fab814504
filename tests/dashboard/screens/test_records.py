"""Records: asked of the board when somebody asks, bounded and named, and nothing is painted for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from dash import html
from redis.asyncio import Redis
from starlette.applications import Starlette

from dashboard.screens import push
from dashboard.screens.panel import Behind, Panel, Record
from dashboard.screens.push import Hub
from dashboard.screens.records import Records
from dashboard.travel.stream import view_key
from dashboard.words import Words
from tests.dashboard.screens.test_push import CITY, PLACES
from tests.dashboard.screens.test_trace import Board

HALLS = Behind(
    Words("大厅", "Halls"), ("service_halls",),
    lambda views, ctx: [
        Record(name, f"{n} at {ctx.place}", "soon", "", since=5.0) for name, n in views["service_halls"]["rows"]
    ],
)  # fmt: skip
SUM = Behind(Words("明细", "Records"), why=Words("只报合计", "Told as a sum"))


def _never(views: Any, ctx: Any) -> Any:
    raise AssertionError("whoever asks has nothing painted")


@pytest.fixture
async def board(redis_url: str) -> AsyncIterator[Board]:
    """A panel with two figures behind which records stand, and one that says nothing."""
    hub = Hub(CITY, PLACES, redis_url, "v1")

    def frame(ctx: Any) -> Any:
        return html.Div([html.Div(id="p-n"), html.Div(id="p-sum"), html.Div(id="p-n-why")])

    told = Panel("p", Words("p", "p"), ("service",), frame, _never, records={"": HALLS, "sum": SUM})
    mute = Panel("p-q", Words("q", "q"), ("service",), lambda ctx: html.Div(id="p-q-n"), _never)
    hub.panels = {one.id: one for one in (told, mute)}
    rows = {"rows": [["<b>East</b>", 7], ["West", 2]]}
    made = Board(Redis.from_url(redis_url), hub, {view_key("service_halls", p): rows for p in ("d", "t")})
    task = asyncio.create_task(made.run())
    yield made
    while not task.done():  # A client of Redis may take one cancellation for its own time-out.
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)
    await made.redis.aclose()
    await hub.redis.aclose()


async def asked(board: Board, **words: Any) -> tuple[int, Any]:
    app = Starlette(routes=Records(board.hub).routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://c") as client:
        answer = await client.get("/records", params=words)
        return answer.status_code, answer.json()


async def test_records_are_of_the_number_the_place_and_the_row_that_are_asked(board: Board) -> None:
    status, said = await asked(board, figure="p-n", place="t", lang="en")
    assert status == 200
    assert said["title"] == "Halls"
    assert [one["title"] for one in said["records"]] == ["<b>East</b>", "West"], "a text stays a text"
    assert said["records"][0] | {"title": ""} == {
        "title": "", "who": "7 at t", "light": "soon", "shape": "■", "behind": "", "due": None, "since": 5.0,
    }  # fmt: skip
    for figure in ("p", "p-n-why"):  # The card itself, and what stands beneath its figure.
        assert (await asked(board, figure=figure, lang="en"))[1]["title"] == "Halls"
    assert [one["title"] for one in (await asked(board, figure="p-n", row="West"))[1]["records"]] == ["West"]
    assert (await asked(board, figure="p-n", row="North"))[1]["none"]
    own = await asked(board, figure="p-n", place="t", row="North", own="1")
    assert len(own[1]["records"]) == 2, "what is at the row's own place is of the row"
    assert (await asked(board, figure="p-sum", lang="zh"))[1] == {
        "title": "明细", "records": [], "why": "只报合计", "none": "", "screen": None,
    }  # fmt: skip
    assert await asked(board, figure="p-q-n") == (200, {}), "the panel whose name begins like another's says nothing"


@pytest.mark.parametrize(("words", "status", "reason"), [
    ({"figure": "p-nothing"}, 404, "no such number"), ({"figure": "nobody-n"}, 404, "no such number"),
    ({}, 404, "no such number"), ({"figure": "p-n", "place": "nowhere"}, 404, "no such place"),
    ({"figure": "p-n", "lang": "fr"}, 404, "no such language"),
    ({"figure": "p-n", "row": "x" * 201}, 400, "what is asked is too long"),
])  # fmt: skip
async def test_what_nobody_can_answer_is_refused_by_name(
    board: Board, words: dict[str, str], status: int, reason: str
) -> None:
    assert await asked(board, **words) == (status, {"reason": reason})
    assert await board.redis.xlen(board.hub.keys.asks) == 0, "the board is not asked for it"


async def test_a_board_that_does_not_answer_is_said(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "PATIENCE", 0.2)
    board.values.clear()
    assert await asked(board, figure="p-n") == (503, {"reason": "the board does not answer in time"})
