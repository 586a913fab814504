"""Alerts: the same acts in any order end in the same board; what gets worse, comes again or was put off rings again."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.board import NOUNS, Board
from dashboard.city import read_city
from dashboard.events import Act, Event
from dashboard.nouns import alerts as desk
from dashboard.nouns.alerts import (
    KEPT,
    AlarmAcknowledged,
    AlarmAssigned,
    AlarmReopened,
    AlarmSnoozed,
    Alerts,
    DeskHandedOver,
    DeskNoted,
    view_alerts,
    view_handover,
)
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.cloud import CloudSample
from dashboard.nouns.health import FeedBeat
from dashboard.nouns.noun import Alert, FeedRule, Rules
from dashboard.nouns.sensors import SensorReading
from dashboard.nouns.thresholds import SensorTable, Thresholds
from dashboard.nouns.tickets import TicketReported
from dashboard.places import Place, PlaceTree
from dashboard.sources.feed import rules_of
from dashboard.words import Words
from tests.servers import ROOT

PLACES = PlaceTree.of([Place("d", "区", "district"), Place("a", "甲镇", "town", "d"), Place("b", "乙镇", "town", "d")])
START = 1_795_300_200.0
SENSORS = SensorTable(quantities={"level": Thresholds(warn=0.3, alarm=0.5, stuck_hours=6)})
RULES = Rules(
    PLACES, ZoneInfo("Asia/Shanghai"), sensors=SENSORS,
    feeds=(FeedRule("cases", "file", ("ticket",), 20.0), FeedRule("desk", "desk", ("alert",), None)),
)  # fmt: skip


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


def alert(key: str = "k", severity: int = 2, **more: Any) -> Alert:
    return Alert(key, severity, START, Words("积水", "Water"), **{"place": "a", **more})


def made(kind: type[Act], number: object, seconds: float, **more: Any) -> Any:
    about = {} if kind in (DeskNoted, DeskHandedOver) else {"alert": "k"}
    return kind(id=f"{number}", source="desk", time=at(seconds), **{"by": "陈静", **about, **more})


def board_of(acts: list[Any], told: list[Alert] | None = None) -> Alerts:
    board = Alerts(RULES)
    found = [alert()] if told is None else told
    board.listen(lambda now: (("ticket", one) for one in found))
    for act in acts:
        board.fold(act)
    return board


def row(board: Alerts, seconds: float = 3600, key: str = "k") -> dict[str, Any]:
    (found,) = [one for one in view_alerts(board, "d", START + seconds)["alerts"] if one["key"] == key]
    return dict(found)


acts = st.lists(
    st.one_of(
        st.tuples(st.just(AlarmAcknowledged), st.fixed_dictionaries({"severity": st.integers(1, 4)})),
        st.tuples(st.just(AlarmReopened), st.just({})),
        st.tuples(st.just(AlarmAssigned), st.fixed_dictionaries({"to": st.sampled_from(["", "李", "黄"])})),
        st.tuples(
            st.just(AlarmSnoozed),
            st.fixed_dictionaries(
                {"severity": st.integers(1, 4), "until": st.integers(0, 9000).map(lambda s: START + s)}
            ),
        ),
        st.tuples(st.just(DeskNoted), st.just({"text": "交接"})),
        st.tuples(st.just(DeskHandedOver), st.just({"to": "黄"})),
    ).flatmap(lambda pair: st.tuples(st.just(pair[0]), st.integers(0, 60), st.just(pair[1]))),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(acts, st.integers(0, 10_000), st.integers(1, 4))
def test_shuffled_doubled_and_dumped_it_is_the_same_desk(drawn: list[Any], seed: int, severity: int) -> None:
    every = [made(kind, n, minute * 60, **more) for n, (kind, minute, more) in enumerate(drawn)]
    chance = random.Random(seed)
    other = [*every, *chance.sample(every, len(every) // 2)]
    chance.shuffle(other)
    told = [alert(severity=severity), alert("other", 1, place="")]
    one, two = board_of(every, told), board_of(other, told)
    again = board_of([], told)
    again.load(msgspec.msgpack.decode(msgspec.msgpack.encode(two.dump())))
    for moment in (START, START + 1800, START + 9001):
        for view in (view_alerts, view_handover):
            assert view(one, "d", moment) == view(two, "d", moment) == view(again, "d", moment)
    assert one.dump() == two.dump() == again.dump()


def test_an_acknowledgement_holds_until_it_gets_worse_or_comes_again() -> None:
    acts = [made(AlarmAcknowledged, 1, 10, severity=2, comment="已派人")]
    assert row(board_of(acts))["acknowledged"] == {"by": "陈静", "at": START + 10, "comment": "已派人"}
    assert row(board_of(acts, [alert(severity=3)]))["acknowledged"]  # It got better.
    assert row(board_of(acts, [alert(severity=1)]))["acknowledged"] is None  # It got worse.
    assert row(board_of(acts, [alert("k2")]), key="k2")["acknowledged"] is None  # It is another one.
    view = view_alerts(board_of(acts, [alert(), alert("x", 1), alert("y", 4)]), "d", START + 60)
    assert [one["key"] for one in view["alerts"]] == ["x", "y", "k"]
    assert (view["counts"], view["unacknowledged"]) == ({"1": 1, "2": 1, "3": 0, "4": 1}, 2)
    assert row(board_of([*acts, made(AlarmReopened, 2, 20)]))["acknowledged"] is None


def test_what_was_put_off_comes_back_at_its_moment_without_any_event() -> None:
    board = board_of([made(AlarmSnoozed, 1, 10, severity=2, until=START + 600)])
    assert row(board, 599)["snoozed_until"] == START + 600
    assert view_alerts(board, "d", START + 599)["unacknowledged"] == 0
    assert row(board, 600)["snoozed_until"] is None
    assert view_alerts(board, "d", START + 600)["unacknowledged"] == 1
    assert view_alerts(board, "d", START + 599)["unacknowledged"] == 0  # And a clock that is put right puts it off.
    worse = board_of([made(AlarmSnoozed, 1, 10, severity=2, until=START + 600)], [alert(severity=1)])
    assert view_alerts(worse, "d", START + 20)["unacknowledged"] == 1


def test_a_place_sees_its_own_and_what_concerns_the_whole_city() -> None:
    board = board_of([], [alert("a"), alert("b", place="b"), alert("all", place=""), alert("over", ended=START + 1)])
    assert {one["key"] for one in view_alerts(board, "a", START)["alerts"]} == {"a", "all"}
    assert {one["key"] for one in view_alerts(board, "d", START)["alerts"]} == {"a", "b", "all"}


def test_the_log_tells_the_shift() -> None:
    acts = [
        made(DeskHandedOver, 1, -7200, to="陈静", summary="无"), made(AlarmAssigned, 2, 100, to="李伟明"),
        made(AlarmAcknowledged, 3, 110, severity=2), made(DeskNoted, 4, 120, text="水泵已到"),
    ]  # fmt: skip
    told = [replace(alert(), since=START - 60), replace(alert("gone", 3, ended=START + 30), since=START - 9000)]
    view = view_handover(board_of(acts, told), "d", START + 600)
    assert [line["kind"] for line in view["log"]] == [
        "noted",
        "acknowledged",
        "assigned",
        "ended",
        "raised",
        "handed_over",
    ]
    assert view["holder"]["name"] == "陈静"
    assert view["shift"] == {
        "since": START - 7200, "raised": {"1": 0, "2": 1, "3": 0, "4": 0}, "ended": {"1": 0, "2": 0, "3": 1, "4": 0},
        "acknowledged": 1, "snoozed": 0, "assigned": 1, "reopened": 0, "noted": 1,
    }  # fmt: skip
    assert view_handover(board_of([]), "d", START)["holder"] is None


def test_only_the_latest_acts_are_kept_whatever_came_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEPT >= 1000
    monkeypatch.setattr(desk, "KEPT", 5)
    every = [made(DeskNoted, n, n, text=str(n)) for n in range(12)]
    every += [made(AlarmAcknowledged, "old", -5, severity=1)]
    forward, back = board_of(every), board_of(every[::-1])
    assert forward.dump() == back.dump()
    assert [act.id for act in forward.dump()] == ["7", "8", "9", "10", "11"]  # type: ignore[attr-defined]
    assert row(back)["acknowledged"] is None


def test_a_clock_that_ran_ahead_and_is_put_right_keeps_the_order_of_what_was_done() -> None:
    board = board_of([])
    board.advance(START + 7200)
    board.fold(made(AlarmAcknowledged, "z", 7100, severity=2))
    board.fold(made(AlarmReopened, "a", 7150))
    board.advance(START)
    assert row(board, 1)["acknowledged"] is None
    board.fold(made(AlarmAcknowledged, "later", 30, severity=2))
    board.advance(START + 60)
    assert row(board, 60)["acknowledged"]["at"] == START + 30


# -- what the nouns tell ---------------------------------------------------------------------------------------


def tick(seconds: float) -> ClockTick:
    return ClockTick(id=f"t{seconds}", source="clock", time=at(seconds), wall=at(seconds))


def told(*events: Event, seconds: float = 0.0) -> dict[str, Alert]:
    board = Board(RULES)
    board.take([*events, tick(seconds)])
    return {one.key: one for _, one in board.told(board.now)}


def level(seconds: float, value: float) -> SensorReading:
    return SensorReading(
        id=f"g{seconds}", source="gauges", subject="g", time=at(seconds), quantity="level", value=value, unit="m",
        place="a", name="海五路下穿",
    )  # fmt: skip


def test_a_gauge_is_one_occurrence_from_its_rise_to_its_fall() -> None:
    rise = [level(60 * n, 0.1 + 0.02 * n) for n in range(16)]
    ((key, first),) = told(*rise, seconds=960).items()
    assert (first.severity, first.place, first.ended) == (3, "a", None)
    ((again, worse),) = told(*rise, level(1200, 0.7), seconds=1260).items()
    assert (again, worse.severity) == (key, 2)
    ((same, over),) = told(*rise, level(1200, 0.7), level(3000, 0.1), seconds=3060).items()
    assert (same, over.ended is not None) == (key, True)
    found = told(*rise, level(1200, 0.7), level(3000, 0.1), level(12_000, 0.6), seconds=12_060)
    assert key not in found  # Another rise is another occurrence.
    silent = told(*rise, seconds=16 * 3600)
    assert [one.severity for one in silent.values()] == [4]


def test_a_link_that_is_down_is_one_occurrence_and_stays_in_the_log_when_it_is_back() -> None:
    def up(seconds: float, value: float) -> CloudSample:
        return CloudSample(
            id=f"s{seconds}", source="p", subject="l", time=at(seconds), resource="link", metric="up", value=value
        )

    good, bad = [up(60 * n, 1.0) for n in range(10)], [up(60 * n, 0.0) for n in range(10, 20)]
    (down,) = told(*good, *bad, seconds=1200).values()
    assert (down.severity, down.ended) == (2, None)
    (over,) = told(*good, *bad, up(1500, 1.0), up(1900, 1.0), seconds=1900).values()
    assert (over.key, over.ended is None) == (down.key, False)
    assert told(*good, seconds=700) == {}


def test_a_feed_that_falls_silent_is_told_in_the_citys_time() -> None:
    def beat(seconds: float, last: float) -> FeedBeat:
        return FeedBeat(id=f"b{seconds}", source="house", subject="cases", time=at(seconds), last_success=at(last))

    (silent,) = told(beat(300, 0), seconds=302).values()
    assert (silent.severity, silent.since) == (2, START)
    (dead,) = told(beat(0, 0), seconds=302).values()
    assert (dead.severity, dead.key.startswith("feed|house|")) == (1, True)
    assert told(beat(300, 295), seconds=302) == {}


def test_nothing_is_late_before_somebody_has_said_what_time_it_is() -> None:
    board = Board(rules_of(read_city(ROOT / "cities" / "nanhai.toml")))
    assert any(list(noun.alerts(board.slices[name], board.now)) for name, noun in NOUNS.items() if noun.alerts)
    assert board.view("alerts", "440605")["data"]["alerts"] == []


def test_every_noun_that_alerts_is_asked_and_the_board_shows_it() -> None:
    assert {"ticket", "camera", "sensor", "cloud", "feed"} <= {name for name, noun in NOUNS.items() if noun.alerts}
    board = Board(RULES)
    report = TicketReported(
        id="r",
        source="cases",
        subject="1",
        time=at(-40 * 86400),
        title="井盖缺失",
        due=at(-30 * 86400),
        place="b",
        unit="u",
    )
    board.take([report, level(0, 0.9), tick(60)])
    view = board.view("alerts", "d")["data"]
    assert [(one["noun"], one["severity"], one["place"]) for one in view["alerts"]] == [
        ("sensor", 2, "a"),
        ("ticket", 3, "b"),
    ]
    assert board.view("alerts", "a")["data"]["unacknowledged"] == 1
    acted = AlarmAcknowledged(
        id="x", source="desk", time=at(70), by="陈静", alert=view["alerts"][0]["key"], severity=2, title=("水", "W")
    )
    board.take([acted])
    assert board.view("alerts", "d")["data"]["open"] == {"1": 0, "2": 0, "3": 1, "4": 0}
    again = Board.restore(RULES, board.dump())
    assert again.view("alerts", "d")["data"] == board.view("alerts", "d")["data"]
    assert again.view("handover", "d")["data"] == board.view("handover", "d")["data"]
