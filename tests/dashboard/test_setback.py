"""A clock that ran an hour fast, or slow, and is put right: the board is the one that was never wrong."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.board import NOUNS, Board
from dashboard.city import read_city
from dashboard.events import Event
from dashboard.nouns.alerts import AlarmAcknowledged, AlarmReopened, DeskNoted
from dashboard.nouns.cloud import CloudSample
from dashboard.nouns.duty import Escalation, Step
from dashboard.nouns.escalation import alarm_of
from dashboard.nouns.health import FeedBeat
from dashboard.nouns.indicators import IndicatorReported
from dashboard.nouns.instructions import InstructionGiven
from dashboard.nouns.market import EntityRegistered
from dashboard.nouns.noun import FeedRule, Rules
from dashboard.nouns.sensors import SensorReading
from dashboard.nouns.service import CaseAccepted, Rated
from dashboard.nouns.sharing import ApiCalls, CatalogueEntry, DataRequest
from dashboard.nouns.tally import Tickets
from dashboard.nouns.video import DOWN, Camera, CamerasListed, CamerasPolled
from dashboard.nouns.warned import WarningIssued
from dashboard.travel.courier import Courier
from dashboard.travel.messages import Messages
from tests.flow import PLACES, START, closed, reported, rules, tick

HOUR = 3600.0
NOON = 47.5 * HOUR  # Some tickets are due, some will be within the hour, and it is half past eleven in the night.
STEPS = (Step(name="soon", at="soon", to="handler"), Step(name="overdue", at="overdue", to="duty"))


def town() -> Rules:
    feeds = (*rules().feeds, FeedRule("gauges", "http", ("sensor",), 60.0))
    return replace(rules(), escalation=Escalation(steps=STEPS), feeds=feeds)


def at(seconds: float) -> Any:
    return START + timedelta(seconds=seconds)


def polls(seconds: float, others: dict[str, int]) -> CamerasPolled:
    return CamerasPolled(
        id=f"p{seconds}", source="wvp", subject="P", time=at(seconds), interval=30.0, others=others
    )  # fmt: skip


def gauge(seconds: float, value: float) -> SensorReading:
    return SensorReading(
        id=f"g{seconds}", source="gauges", subject="g", time=at(seconds), quantity="level", value=value, unit="m",
        place="A1",
    )  # fmt: skip


def up(seconds: float, value: float) -> CloudSample:
    return CloudSample(
        id=f"s{seconds}", source="prom", subject="h", time=at(seconds), resource="host", metric="up", value=value,
        place="A1",
    )  # fmt: skip


def shared(now: float) -> list[Event]:
    """An entry of the catalogue, a request for it and the calls of two hours."""
    envelope: dict[str, Any] = {"source": "share", "place": "A1", "department": "police"}
    hour = now - now % HOUR
    return [
        CatalogueEntry(id="e", subject="e", time=at(now), name="e", cycle=1.0, updated=at(now - 1800), **envelope),
        DataRequest(id="r", subject="r", time=at(now - HOUR), asked=at(now - HOUR), owner="tax", **envelope),
        *(
            ApiCalls(id=f"a{n}", subject="a", time=at(now), since=at(hour - n * HOUR), calls=9, **envelope)
            for n in (0, 1)
        ),
    ]


def beat(seconds: float) -> FeedBeat:
    return FeedBeat(id=f"b{seconds}", source="house", subject="gauges", time=at(seconds), last_success=at(seconds))


def happened(now: float = NOON) -> list[Event]:
    """Something of every noun, up to ``now``."""
    found: list[Event] = [reported(number, "A1" if number % 2 else "B") for number in range(0, 240, 7)]
    found += [closed(number, 60.0 * number) for number in range(0, 24, 7)]
    cameras = tuple(Camera(id=f"c{n}", place="A1", planned=((at(now + 600).timestamp(),) * 2,)) for n in range(4))
    found.append(CamerasListed(id="list", source="wvp", subject="P", time=at(now - 600), cameras=cameras))
    found += [polls(now - 30 * n, {"c1": DOWN} if n < 6 else {}) for n in range(9, -1, -1)]
    found += [gauge(now - 60 * n, 1.0 + n) for n in range(20)]
    found += [up(now - 60 * n, float(n % 2)) for n in range(20)]
    found += [
        IndicatorReported(
            id="i", source="x", subject="gdp", time=at(0), period="2026-01", span="single", unit="亿元", value=1.0
        ),
        beat(now),
        *shared(now),
        WarningIssued(id="w", source="weather", subject="w1", time=at(now - 900), what="rainstorm", level=2, place="T"),
        CaseAccepted(id="c", source="halls", subject="c1", time=at(now - 7200), item="x", hall="h", promised_days=1),
        Rated(id="s", source="halls", subject="s1", time=at(now - 3600), stars=1, hall="h"),
        EntityRegistered(id="m", source="register", subject="m1", time=at(now - 1800), form="company"),
        DeskNoted(id="n", source="desk", time=at(now - 60), by="p", text="t"),
        AlarmAcknowledged(id="a", source="desk", time=at(now - 30), by="p", alert="k", severity=2),
        InstructionGiven(
            id="g", source="desk", subject="x|1", time=at(now - 50), by="p", instruction="g", to="u", text="t",
            due=at(now + 3600),
        ),
        AlarmReopened(id="r", source="desk", time=at(now - 20), by="p", alert="k"),
    ]  # fmt: skip
    return found


def shown(board: Board) -> dict[str, Any]:
    return {
        f"{view}|{place.code}": board.view(view, place.code)["data"]
        for noun in NOUNS.values() for view in noun.views for place in PLACES
    }  # fmt: skip


def board_at(*moments: float, events: list[Event] | None = None, look: bool = True) -> Board:
    board = Board(town())
    board.take(happened() if events is None else events)
    for moment in moments:
        board.take([tick(moment)])
        if look:
            shown(board)
    return board


def test_every_noun_takes_part() -> None:
    kinds = {type(event) for event in [*happened(), tick()]}
    assert {name for name, noun in NOUNS.items() if not kinds & set(noun.events)} == set()


@pytest.mark.parametrize("look", [True, False])
@pytest.mark.parametrize("by", [1.0, 30.0, HOUR, 26 * HOUR, 40 * 24 * HOUR, 400 * 24 * HOUR])
def test_forward_back_and_forward_again_is_straight(by: float, look: bool) -> None:
    """Over a midnight, a month's end and years; whether or not anybody looks meanwhile."""
    assert shown(board_at(NOON, NOON + by, look=look)) == shown(board_at(NOON + by))
    assert shown(board_at(NOON, NOON + by, NOON, look=look)) == shown(board_at(NOON))
    assert shown(board_at(NOON, NOON + by, NOON + 1, NOON + by, look=look)) == shown(board_at(NOON + by))
    slow = board_at(NOON, NOON - min(by, HOUR), NOON + 1, look=look)
    exact = {view for noun in ("ticket", "indicator", "clock") for view in NOUNS[noun].views}
    straight = shown(board_at(NOON + 1))
    for key, data in shown(slow).items():
        if key.partition("|")[0] in exact:
            assert data == straight[key], key


def test_a_restart_in_between_changes_nothing() -> None:
    board = board_at(NOON, NOON + HOUR)
    again = Board.restore(town(), board.dump())
    for one in (board, again):
        one.take([tick(NOON)])
    assert shown(again) == shown(board) == shown(board_at(NOON))


def test_batches_of_events_that_come_before_during_and_after_make_no_difference() -> None:
    events = [event for event in happened() if event.durable]
    wanted = shown(board_at(NOON, events=events))
    for seed in range(4):
        chance = random.Random(seed)
        waiting = [*events, *chance.sample(events, 20)]
        chance.shuffle(waiting)
        board = Board(town())
        for moment in (NOON - 5, NOON + HOUR, NOON, NOON + HOUR, NOON):
            board.take([*waiting[:30], tick(moment)])
            del waiting[:30]
            shown(board)
        board.take(waiting)
        assert shown(board) == wanted


@pytest.mark.parametrize("late", [False, True])
def test_what_was_observed_by_the_clock_that_ran_ahead_does_not_stand_in_the_way(late: bool) -> None:
    """The value that was read last is shown until the next one comes, and that one counts at once."""
    board = board_at(NOON)
    ahead: list[Event] = [
        *[polls(NOON + HOUR + 20 * n, {"c2": DOWN}) for n in range(4)], gauge(NOON + HOUR + 60, 7.0),
        up(NOON + HOUR + 60, 0.0), beat(NOON + HOUR + 60),
    ]  # fmt: skip
    board.take([tick(NOON + HOUR), *([] if late else ahead), tick(NOON + HOUR + 61), tick(NOON + 62)])
    board.take(ahead if late else [])  # Some of it may be on its way while the clock is put right.
    (row,) = board.view("gauges", "T")["data"]["gauges"]
    assert (row["value"], row["at"], row["fault"]) == (7.0, at(NOON + 62).timestamp(), "")
    after = [NOON + 80 + 30 * n for n in range(3)]
    board.take([
        gauge(after[0], 2.5), up(after[0], 1.0),
        *[event for moment in after for event in (polls(moment, {"c3": DOWN}), tick(moment))],
        beat(after[-1]), tick(after[-1] + 1),
    ])  # fmt: skip
    (row,) = board.view("gauges", "T")["data"]["gauges"]
    assert (row["value"], row["at"]) == (2.5, at(after[0]).timestamp())
    assert board.view("cloud", "T")["data"]["states"]["host"] == {"up": 1, "down": 0, "unknown": 0}
    assert board.view("video", "T")["data"]["counts"] == {
        "online": 3, "degraded": 0, "offline": 1, "planned": 0, "unknown": 0,
    }  # fmt: skip
    (feed,) = [row for row in board.view("feeds", "T")["data"]["feeds"] if row["name"] == "gauges"]
    assert (feed["state"], feed["heard"]) == ("live", at(after[-1]).timestamp())
    # And what falls silent now does so in its time, not an hour later.
    board.take([tick(after[-1] + 400)])
    (feed,) = [row for row in board.view("feeds", "T")["data"]["feeds"] if row["name"] == "gauges"]
    assert feed["state"] == "silent"
    assert board.view("video", "T")["data"]["counts"]["unknown"] == 4


def test_steps_wait_again_and_each_is_taken_once(tmp_path: Path) -> None:
    """Steps that fell due in the hour that was not yet are no longer shown, and not taken again when it has come."""
    board = board_at(NOON)
    tickets = cast(Tickets, board.slices["ticket"])
    outbox = Messages(f"sqlite:///{tmp_path / 'm.db'}")
    city = read_city(Path(__file__).parents[2] / "cities" / "nanhai.toml")
    city = city.model_copy(update={"escalation": Escalation(steps=STEPS)})
    courier = Courier(city, PLACES, outbox, lambda *told: "")
    courier.begin()
    outbox.began(0.0)
    taken = []
    for moment in (NOON, NOON + HOUR, NOON, NOON + 60, NOON + HOUR + 60):
        board.take([tick(moment)])
        clock = alarm_of(tickets, board.now)
        fresh = alarm_of(cast(Tickets, board_at(moment).slices["ticket"]), board.now)
        assert {due.id for due in clock.due()} == {due.id for due in fresh.due()}
        courier.take(board.now, clock.news())
        courier._taken.clear()  # As after a restart.
        taken.append(sum(outbox.counts()[name] for name in ("waiting", "sending", "sent", "failed", "shown")))
    assert taken[0] < taken[1] == taken[2] == taken[3] <= taken[4]
    assert taken[4] == len(list(clock.due()))
    courier.close()
