"""The door for what people do: an act is durable before it is answered, taken once, and refused with a named reason."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from dashboard.board import CODEC
from dashboard.city import CityError
from dashboard.events import Act
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.screens.web import make_app
from dashboard.sources.feed import every_feed
from dashboard.travel.ingest import routes
from dashboard.travel.roles import House
from dashboard.travel.spool import SpoolFull
from tests.dashboard.travel.test_ingest import Doors
from tests.hall import served
from tests.town import town

LATE = "2826-01-01T00:00:00Z"
PEOPLE = [{"name": "陈静", "title": "值班长", "unit": "指挥中心"}, {"name": "Li Wei"}]


@pytest_asyncio.fixture
async def doors(tmp_path: Path, redis_url: str) -> AsyncIterator[Doors]:
    city = town(tmp_path, {"kind": "clock", "name": "clock"}, people=PEOPLE)
    socket = Path(redis_url.removeprefix("unix://")).parent / "act-feeds.sock"
    places = read_places(city)
    bound = {feed.name: feed for feed in every_feed(city)}
    web = make_app(
        city, places, Gazetteer.of(city, places), routes=routes(bound, socket, city.folder, 1.0, 3.0),
        body_limits={"/ingest/": sys.maxsize},
    )  # fmt: skip
    async with served(web) as address, httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
        made = Doors(city, House(city, tmp_path, redis_url, f"sqlite:///{tmp_path / 'history.db'}"), socket, client)
        await made.open()
        yield made
        await made.close()


def act(**changed: Any) -> dict[str, Any]:
    data = {"alert": "ticket|hotline|13800138000", "severity": 2, "comment": "已电话通知 13800138000"}
    return {"id": str(uuid.uuid4()), "type": "alarm.acknowledged", "by": "陈静", "data": data} | changed


async def post(doors: Doors, body: object, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await doors.client.post("/act", content=content, headers=sent)


def kept(doors: Doors) -> list[Any]:
    """The acts on the disk of the feed ``desk``."""
    assert doors.feeder is not None
    spool = doors.feeder.runners["desk"].outlet.spool
    return [event for batch in spool.batches(0, 1000) for event in CODEC.unpack(batch.packed)]


async def test_an_act_is_on_disk_when_it_is_answered_and_its_texts_are_masked(doors: Doors) -> None:
    answer = await post(doors, act())
    assert (answer.status_code, answer.json()) == (202, {"stored": 1, "duplicate": 0})
    (found,) = kept(doors)
    assert (found.kind, found.by, found.severity) == ("alarm.acknowledged", "陈静", 2)
    assert found.alert == "ticket|hotline|13800138000"  # It names a ticket, and is taken as it is.
    assert "138******00" in found.comment
    assert found.source == "desk"


async def test_the_same_act_fifty_times_at_once_and_after_a_restart_is_stored_once(doors: Doors) -> None:
    mine = act()
    answers = await asyncio.gather(*(post(doors, mine) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert Counter(answer.json()["stored"] for answer in answers) == {1: 1, 0: 49}
    await doors.close()
    assert (await post(doors, mine)).status_code == 503  # Nobody is there to put it on disk.
    await doors.open()
    assert (await post(doors, mine)).json() == {"stored": 0, "duplicate": 1}
    assert len(kept(doors)) == 1


async def test_an_act_whose_answer_was_lost_is_stored_once(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The feeds' process dies between the write and its answer; the page tries again under the same id."""
    assert doors.feeder is not None
    runner = doors.feeder.runners["desk"]
    put = runner.outlet.put
    written = asyncio.Event()

    async def put_and_die(*args: Any) -> Any:
        await put(*args)
        written.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(runner.outlet, "put", put_and_die)
    mine = act()
    first = asyncio.create_task(post(doors, mine))
    await asyncio.wait_for(written.wait(), 5)
    assert doors.server is not None
    doors.server.force_exit = True
    await doors.close()
    assert (await first).status_code == 503
    await doors.open()
    again = await post(doors, mine)
    assert (again.status_code, again.json()) == (202, {"stored": 0, "duplicate": 1})
    assert len(kept(doors)) == 1


async def test_what_cannot_be_taken_is_refused_with_its_reason_and_kept_as_a_letter(doors: Doors) -> None:
    good = act()
    data = good["data"]
    wrong: list[tuple[object, str]] = [
        (b"<html>", "not_json"), (b'{"a": NaN}', "not_finite"), (b"[" * 10_000, "too_deep"), ([], "wrong_type"),
        (act(id="7"), "bad_id"), ({**good, "id": None}, "missing_field"), (act(by=""), "missing_field"),
        (act(by="Nobody"), "unknown_person"), (act(type="alarm.exploded"), "unknown_type"),
        (act(type="ticket.reported"), "unknown_type"), (act(type="clock.tick"), "unknown_type"),
        (act(more=1), "unknown_field"), (act(subject=7), "bad_subject"), (act(subject="a\nb"), "bad_subject"),
        (act(data=[]), "wrong_type"), (act(data={**data, "by": "x"}), "unknown_field"),
        (act(data={**data, "colour": "red"}), "unknown_field"), (act(data={"alert": "a"}), "missing_field"),
        (act(data={**data, "severity": "2"}), "wrong_type"), (act(data={**data, "severity": 9}), "out_of_range"),
        (act(type="desk.noted", data={"text": ""}), "wrong_type"),
        (act(type="desk.noted", data={"text": " \u200e "}), "wrong_type"),
        (act(data={**data, "alert": "a\ud800"}), "bad_name"),
        (act(type="instruction.returned", data={"instruction": "1", "why": "x", "due": LATE}), "bad_time"),
    ]  # fmt: skip
    for body, reason in wrong:
        answer = await post(doors, body)
        assert (answer.status_code, answer.json()["reason"]) == (400, reason), body
        assert answer.json()["say"]
    assert (await post(doors, good)).status_code == 202
    answer = await post(doors, {**good, "data": {**data, "severity": 1}})
    assert (answer.status_code, answer.json()["reason"]) == (409, "id_reused")
    assert doors.feeder is not None
    counters = doors.feeder.runners["desk"].outlet.spool.counters
    assert (counters.received, counters.stored, counters.dead) == (len(wrong) + 2, 1, len(wrong) + 1)


async def test_only_our_own_pages_may_act(doors: Doors) -> None:
    assert (await post(doors, act(), origin="https://elsewhere.example")).json()["reason"] == "another_origin"
    assert (await post(doors, act(), sec_fetch_site="cross-site")).json()["reason"] == "another_origin"
    assert (await post(doors, act(), content_type="text/plain")).json()["reason"] == "wrong_content_type"
    assert (await post(doors, act(), origin=str(doors.client.base_url).rstrip("/"))).status_code == 202
    assert (await doors.client.post("/ingest/desk", json=act())).status_code == 404  # Not by the other door.
    assert (await doors.client.get("/act")).status_code == 405
    assert (await post(doors, b"x" * 100_000)).json()["reason"] == "too_large"


async def test_what_the_disk_does_not_take_is_to_be_sent_again(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doors.feeder is not None
    outlet = doors.feeder.runners["desk"].outlet

    async def full(*args: Any) -> Any:
        raise SpoolFull("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(outlet, "put", full)
        answer = await post(doors, act())
        assert (answer.status_code, answer.json()["reason"]) == (503, "disk")
        assert answer.headers["retry-after"]
    assert (await post(doors, act())).status_code == 202


def test_every_city_has_the_feed_and_may_set_it_up_itself(tmp_path: Path) -> None:
    clock = {"kind": "clock", "name": "clock"}
    assert [feed.name for feed in every_feed(town(tmp_path, clock))] == ["clock", "desk"]
    own = {"kind": "desk", "name": "acts", "max_bytes": 100}
    assert [feed.name for feed in every_feed(town(tmp_path, clock, own))] == ["clock", "acts"]
    with pytest.raises(CityError, match="desk: is a name of the house's own"):
        every_feed(town(tmp_path, {"kind": "cloudevents", "name": "desk"}))
    with pytest.raises(CityError, match="two people are called Li"):
        town(tmp_path, clock, people=[{"name": "Li"}, {"name": "Li"}])


def test_whatever_a_noun_declares_as_an_act_may_come(tmp_path: Path) -> None:
    kinds = [kind for kind in CODEC.types.values() if issubclass(kind, Act)]
    assert {"alarm.acknowledged", "desk.noted"} <= {str(kind.__struct_config__.tag) for kind in kinds}
    (desk,) = (feed for feed in every_feed(town(tmp_path)) if feed.name == "desk")
    assert "alert" in desk.nouns
