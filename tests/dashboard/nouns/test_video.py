"""Cameras' states, worked by hand: what polls, silence, restarts, plans and flapping make of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.board import Board
from dashboard.events import Event
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.video import CLOCK, DOWN, PICTURE, Camera, CamerasListed, CamerasPolled, CamerasRecorded
from dashboard.nouns.videotally import Cameras
from tests.flow import START, packed, rules

EACH = 30.0
VIEWS = ("video", "video_faults", "video_alarms", "video_worst", "video_time", "camera_points", "camera_states")


def at(seconds: float) -> datetime:
    """A moment so long after the start."""
    return START + timedelta(seconds=seconds)


def tick(seconds: float) -> ClockTick:
    return ClockTick(id=f"tick-{seconds}", source="clock", time=at(seconds), wall=at(seconds))


def camera(name: str, **more: Any) -> Camera:
    given: dict[str, Any] = {"id": name, "name": name, "place": "A1", "street": "海五路", "switch": "s1", **more}
    return Camera(**{"lon": 113.0, "lat": 23.0, **given})


def listed(*cameras: Camera, seconds: float = 0.0, part: str = "", platform: str = "P") -> CamerasListed:
    name = f"{platform}-{part}-list-{seconds}"
    return CamerasListed(id=name, source="wvp", subject=platform, time=at(seconds), part=part, cameras=cameras)


def polled(seconds: float, others: dict[str, int] | None = None, **more: Any) -> CamerasPolled:
    platform = more.pop("platform", "P")
    given = {"interval": EACH, "usual": 0, "others": others or {}, **more}
    return CamerasPolled(id=f"{platform}-{seconds}", source="wvp", subject=platform, time=at(seconds), **given)


def board_of(*events: Event) -> Board:
    board = Board(rules())
    board.take([tick(0), *events])
    return board


def state(board: Board, name: str = "c1", platform: str = "P") -> str:
    """The state of a camera, with its faults."""
    slice_ = cast(Cameras, board.slices["camera"])
    verdict = slice_.rolls[f"wvp|{platform}"].cameras[name].verdict
    assert verdict is not None
    said = ("online", "degraded", "offline", "planned", "unknown")[verdict.state]
    return f"{said} {verdict.faults}" if verdict.faults else said


def view(board: Board, name: str, place: str = "T") -> dict[str, Any]:
    return cast("dict[str, Any]", board.view(name, place)["data"])


def run(board: Board, *events: Event) -> None:
    """Fold events, each with a tick at its own time."""
    for event in events:
        seconds = (event.time - START).total_seconds()
        board.take([event, tick(seconds)])


def test_a_camera_nobody_has_polled_is_unknown_and_not_offline() -> None:
    board = board_of(listed(camera("c1")))
    assert state(board) == "unknown"
    assert view(board, "video")["counts"] == {"online": 0, "degraded": 0, "offline": 0, "planned": 0, "unknown": 1}


def test_offline_comes_with_the_third_missed_heartbeat_and_not_before() -> None:
    board = board_of(listed(camera("c1"), camera("c2")))
    run(board, polled(30), polled(60, {"c1": DOWN}))
    assert state(board) == "online"
    run(board, polled(90, {"c1": DOWN}))
    assert state(board) == "online"
    run(board, polled(120, {"c1": DOWN}))
    assert state(board) == "offline"
    assert state(board, "c2") == "online"
    assert view(board, "video")["rate"] == [1, 2]
    (fault,) = view(board, "video_faults")["faults"]
    assert (fault["cause"], fault["name"], fault["since"]) == ("camera", "c1", at(60).timestamp())
    run(board, polled(150))
    assert state(board) == "online"
    assert view(board, "video_faults")["faults"] == []


def test_two_misses_twice_are_not_three_in_a_row() -> None:
    board = board_of(listed(camera("c1")))
    run(board, polled(30), polled(60, {"c1": DOWN}), polled(90, {"c1": DOWN}), polled(120))
    run(board, polled(150, {"c1": DOWN}), polled(180, {"c1": DOWN}))
    assert state(board) == "online"


def test_a_camera_with_a_wrong_clock_or_a_bad_picture_is_degraded_and_counts_as_online() -> None:
    board = board_of(listed(camera("c1"), camera("c2"), camera("c3")))
    run(board, polled(30, {"c1": PICTURE, "c2": CLOCK | PICTURE}))
    assert (state(board), state(board, "c2")) == ("degraded 2", "degraded 6")
    said = view(board, "video")
    assert (said["rate"], said["whole"]) == ([3, 3], [1, 3])
    assert said["faults"] == {"picture": 2, "clock": 1, "loss": 0, "recorder": 0, "flapping": 0}
    one = view(board, "camera_thing", "wvp|P|c2")
    assert (one["name"], one["state"], one["at"], one["place"]) == ("c2", 1, at(30).timestamp(), "A1")
    assert one["about"][0] == ["异常", "Faults", "画面异常、时钟不准", "picture, clock"]
    assert view(board, "camera_thing", "wvp|P|c9") == {}


def test_where_the_platform_is_silent_its_cameras_are_unknown_and_time_offline_stands_still() -> None:
    board = board_of(listed(camera("c1"), camera("c2")))
    run(board, *[polled(30 + EACH * n, {"c1": DOWN}) for n in range(4)])
    assert state(board) == "offline"
    board.take([tick(120 + 3 * EACH)])
    assert state(board) == "offline"
    board.take([tick(120 + 3 * EACH + 1)])
    assert (state(board), state(board, "c2")) == ("unknown", "unknown")
    said = view(board, "video")
    assert (said["rate"], said["platforms"][0]["silent"]) == ([0, 2], True)
    assert view(board, "video_faults")["faults"] == []
    away = view(board, "video_time")["away"]["today"][0]
    board.take([tick(7200)])
    assert view(board, "video_time")["away"]["today"][0] == 180  # From 30 to 210 s.
    assert away == 180


def test_a_camera_that_was_unknown_is_no_outage_while_the_platform_comes_back() -> None:
    board = board_of(listed(camera("c1"), camera("c2")))
    run(
        board,
        polled(30),
        polled(60),
        polled(1000, {"c1": DOWN}),
        polled(1030, {"c1": DOWN}),
        polled(1060, {"c1": DOWN}),
    )
    assert state(board) == "unknown"  # Within the grace of three minutes after the silence nothing is missed.
    run(board, *[polled(1090 + EACH * n, {"c1": DOWN}) for n in range(5)])
    assert state(board) == "unknown"
    assert (at(1000).timestamp() + 180) <= at(1210).timestamp()
    run(board, polled(1240, {"c1": DOWN}))
    assert state(board) == "offline"  # 1180, 1210 and 1240 were missed for good.


def test_after_a_restart_that_the_platform_tells_of_there_is_grace_too() -> None:
    board = board_of(listed(camera("c1")))
    run(board, polled(30))
    boot = at(55).timestamp()
    run(board, *[polled(60 + EACH * n, {"c1": DOWN}, restarted=boot) for n in range(6)])
    assert state(board) == "unknown"
    run(board, polled(240, {"c1": DOWN}, restarted=boot), polled(270, {"c1": DOWN}, restarted=boot))
    assert state(board) == "unknown"
    run(board, polled(300, {"c1": DOWN}, restarted=boot))
    assert state(board) == "offline"


def test_a_planned_outage_is_neither_offline_nor_in_the_denominator() -> None:
    window = (at(100).timestamp(), at(400).timestamp())
    board = board_of(listed(camera("c1", planned=(window,)), camera("c2")))
    run(board, *[polled(30 + EACH * n, {"c1": DOWN} if n > 2 else {}) for n in range(8)])
    assert state(board) == "planned"
    assert view(board, "video")["rate"] == [1, 1]
    assert view(board, "video_time")["away"]["today"][0] == 0
    run(board, *[polled(270 + EACH * n, {"c1": DOWN}) for n in range(6)])
    assert state(board) == "offline"  # It is past and the camera has not come back.
    assert view(board, "video")["rate"] == [1, 2]
    assert view(board, "video_time")["away"]["today"][0] == 20  # From 400 to 420 s, in steps of ten.


def test_time_counts_where_a_camera_should_be_online_and_its_state_is_known() -> None:
    window = (at(100).timestamp(), at(400).timestamp())
    board = board_of(listed(camera("c1", planned=(window,)), camera("c2"), camera("c3"), camera("c4")))

    def away(name: str = "today") -> list[int]:
        return cast("list[int]", view(board, "video_time")["away"][name])

    assert away() == [0, 0], "nobody has asked yet"
    run(board, *[polled(30 + EACH * n, {"c1": DOWN} if n > 2 else {}) for n in range(20)])  # The last at 600 s.
    assert away() == [200, 4 * 570 - 300], "what was planned is no time in which it should be online"
    board.take([tick(1800)])
    assert away() == [290, 4 * (690 - 30) - 300], "nor is that after which the platform is silent, from 690 s on"
    back = [polled(1800 + EACH * n, {"c2": DOWN} if n < 7 else {"c3": DOWN}) for n in range(14)]
    run(board, *back)  # For three minutes after a silence nothing is missed: c2 is unknown, and no outage.
    board.take([tick(2190)])
    known = 4 * (2190 - 30) - 300 - 4 * (1800 - 690) - 180
    assert away() == [290 + 180, known], "c1 has come back; c3 was found for the last time at 1980 s"
    # The next day, with the same rate for yesterday.
    board.take([tick(90_000)])
    lost, could = away("yesterday")
    assert (lost, could) == (470 + 90, known + 4 * 90), "until the platform fell silent again, at 2280 s"
    assert away() == [0, 0], "nothing is known of today"
    # One that was listed late is known from its first poll on, and one that was never found not at all.
    board = board_of(listed(camera("c1")), polled(30))
    run(board, listed(camera("c1"), camera("c5"), camera("c6"), seconds=60))
    run(board, *[polled(90 + EACH * n, {"c6": DOWN}) for n in range(2)])
    assert away() == [0, (120 - 30) + (120 - 90)]
    assert Board.restore(rules(), board.dump()).view("video_time", "T")["data"]["away"]["today"] == away()


def test_what_of_a_trail_is_left_out_counts_for_nothing() -> None:
    """A platform that comes up each ten minutes without one of its cameras, which is found again two minutes later;
    five minutes after each time it is missed once. The first two polls of all do not find it either.
    """
    board = board_of(listed(camera("c1"), camera("c2")))
    for n in range(200):
        gone = n % 20 == 10 or n % 20 < (4 if n >= 20 else 2)
        boot = at(600 * (n // 20)).timestamp() if n >= 20 else 0.0
        run(board, polled(EACH * n + 1, {"c1": DOWN} if gone else {}, restarted=boot))
    known = [0, 2 * 5969 - 60 - 9 * 120]
    assert view(board, "video_time")["away"]["today"] == known
    first = cast(Cameras, board.slices["camera"]).rolls["wvp|P"].cameras["c1"]
    steps = len(first.trail)
    first.smooth_before(at(5000).timestamp())
    assert len(first.trail) == steps - 1 - 2 * 8, "the two polls of the beginning, and eight that were missed alone"
    assert Board.restore(rules(), board.dump()).view("video_time", "T")["data"]["away"]["today"] == known


def test_flapping_is_damped_until_it_is_calm() -> None:
    board = board_of(listed(camera("c1")))
    run(board, polled(30))
    for n in range(6):
        run(board, polled(60 + EACH * n, {"c1": DOWN} if n % 2 == 0 else {}))
    assert state(board) == "degraded 32"
    for n in range(9):
        run(board, polled(240 + EACH * n))
    assert state(board) == "degraded 32"  # The last turn was at 210 s, so at 480 s it is not calm yet.
    board.take([tick(510)])
    assert state(board) == "online"


def test_one_that_stays_away_after_flapping_is_offline_once_it_is_calm() -> None:
    board = board_of(listed(camera("c1")))
    run(board, polled(30))
    for n in range(7):
        run(board, polled(60 + EACH * n, {"c1": DOWN} if n % 2 == 0 else {}))
    for n in range(10):
        run(board, polled(270 + EACH * n, {"c1": DOWN}))
    assert state(board) == "offline"
    assert view(board, "video_faults")["faults"][0]["since"] == at(240).timestamp()


def test_what_falls_together_behind_one_switch_is_one_fault_with_its_members() -> None:
    cameras = [camera(f"c{n}", switch="s1" if n < 4 else "s2", street=f"路{n}") for n in range(12)]
    board = board_of(listed(*cameras))
    down = {f"c{n}": DOWN for n in range(4)} | {"c9": DOWN}
    run(board, polled(30), polled(60, down), polled(90, down), polled(120, down))
    said = view(board, "video_faults")
    assert [(row["cause"], row["name"], row["down"]) for row in said["faults"]] == [
        ("switch", "s1", 4),
        ("camera", "c9", 1),
    ]
    assert (said["number"], said["cameras"], said["alarms"]) == (2, 5, 1)
    (alarm,) = view(board, "video_alarms")["alarms"]
    run(board, polled(150, {"c1": DOWN, "c9": DOWN}))
    (row, _) = view(board, "video_faults")["faults"]
    assert (row["cause"], row["down"], row["members"]) == ("switch", 1, 4)  # Three are back; it is the same fault.
    assert view(board, "video_alarms")["alarms"][0]["key"] == alarm["key"]
    run(board, polled(180, {"c9": DOWN}))
    assert view(board, "video_alarms")["alarms"] == []


def test_a_place_s_faults_stand_by_how_many_are_down_there() -> None:
    wide = [camera(f"w{n}", switch="wide", place="A" if n < 3 else "B") for n in range(12)]
    near = [camera(f"n{n}", switch="near", place="A") for n in range(5)]
    fine = [camera(f"f{n}", switch=f"f{n}", place="B") for n in range(40)]
    board = board_of(listed(*wide, *near, *fine))
    down = {one.id: DOWN for one in (*wide, *near)}
    run(board, polled(30), *[polled(60 + EACH * n, {one.id: DOWN for one in wide}) for n in range(40)])
    run(board, *[polled(60 + EACH * (40 + n), down) for n in range(3)])

    def shown(place: str) -> list[tuple[str, int]]:
        return [(row["name"], row["down"]) for row in view(board, "video_faults", place)["faults"]]

    assert shown("T") == [("wide", 12), ("near", 5)]
    assert shown("A") == [("near", 5), ("wide", 3)]
    assert view(board, "video_faults", "A")["alarms"] == 2


def test_cameras_of_a_street_that_fell_together_are_its_fault_and_others_an_hour_later_are_not() -> None:
    cameras = [camera(f"c{n}", switch=f"s{n}", street="桂澜路" if n < 5 else "") for n in range(12)]
    board = board_of(listed(*cameras))
    first, second = {f"c{n}": DOWN for n in range(3)}, {f"c{n}": DOWN for n in range(5)}
    run(board, polled(30), *[polled(60 + EACH * n, first) for n in range(100)])
    run(board, *[polled(3060 + EACH * n, second) for n in range(3)])
    rows = view(board, "video_faults")["faults"]
    assert [(row["cause"], row["name"], row["down"]) for row in rows] == [
        ("street", "桂澜路", 3), ("camera", "c3", 1), ("camera", "c4", 1),
    ]  # fmt: skip


def test_ten_thousand_going_dark_within_five_seconds_are_one_fault_and_one_alarm() -> None:
    board = Board(rules())
    board.take([tick(0)])
    names = [f"P{p}" for p in range(8)]
    for name in names:
        cameras = [camera(f"{name}-{n}", switch=f"s{n // 24}", street=f"路{n // 10}") for n in range(1250)]
        board.take([listed(*cameras, platform=name), polled(10, platform=name)])
    for turn in range(3):
        for number, name in enumerate(names):
            board.take([polled(40 + EACH * turn + 0.6 * number, usual=DOWN, platform=name)])
    board.take([tick(105)])
    said = view(board, "video_faults")
    assert (said["number"], said["cameras"], said["alarms"]) == (1, 10_000, 1)
    (alarm,) = view(board, "video_alarms")["alarms"]
    assert (alarm["cause"], alarm["down"]) == ("network", 10_000)
    assert view(board, "video")["rate"] == [0, 10_000]


def test_a_whole_platform_that_falls_is_the_platform_s_fault() -> None:
    board = board_of(listed(*[camera(f"c{n}", switch=f"s{n % 3}") for n in range(300)]))
    run(board, polled(30), *[polled(60 + EACH * n, usual=DOWN) for n in range(3)])
    (row,) = view(board, "video_faults")["faults"]
    assert (row["cause"], row["name"], row["down"]) == ("platform", "P", 300)


def test_a_list_replaces_its_part_and_leaves_others() -> None:
    board = board_of(listed(camera("c1"), camera("c2"), part="1"), listed(camera("c3"), part="2"))
    run(board, polled(30))
    assert view(board, "video")["total"] == 3
    run(board, listed(camera("c2", place="B"), part="1", seconds=40))
    assert view(board, "video")["total"] == 2
    assert view(board, "video", "B")["rate"] == [1, 1]
    assert view(board, "video", "A")["rate"] == [1, 1]
    run(board, listed(camera("c1"), camera("c2"), part="1", seconds=20))  # An older list, come late.
    assert view(board, "video")["total"] == 2


def test_recordings_are_counted_by_their_latest_word() -> None:
    board = board_of(listed(camera("c1"), camera("c2")), polled(30))

    def recorded(seconds: float, day: str = "2026-03-01", **cameras: tuple[int, int]) -> CamerasRecorded:
        return CamerasRecorded(
            id=f"r{seconds}", source="wvp", subject="P", time=at(seconds), day=day, seconds=dict(cameras)
        )

    run(board, recorded(50, c1=(3000, 3600), c2=(3600, 3600)), recorded(40, c1=(1, 3600)))
    said = view(board, "video_time")
    assert said["recorded"] == {"today": [6600, 7200], "yesterday": [0, 0]}
    assert said["platforms"] == [["P", 6600, 7200]]
    run(board, recorded(60, day="2026-02-28", c1=(86_400, 86_400)), recorded(70, c1=(3600, 7200)))
    assert view(board, "video_time")["recorded"] == {"today": [7200, 10_800], "yesterday": [86_400, 86_400]}


def test_the_layer_s_states_stand_in_the_order_of_its_points() -> None:
    cameras = [camera(f"c{n}", lon=113 + n / 100, lat=23.0) for n in range(5)]
    board = board_of(listed(*cameras, camera("c9", lon=None, lat=None)))
    run(board, *[polled(30 + EACH * n, {"c1": DOWN, "c2": DOWN, "c4": CLOCK} if n else {}) for n in range(4)])
    points, states = view(board, "camera_points"), view(board, "camera_states")
    assert [row[0] for row in msgspec.json.decode(points["points"])] == [f"wvp|P|c{n}" for n in range(5)]
    assert states["states"] == [0, 1, 2, 2, 0, 1, 1, 1]
    assert (states["version"], states["unlocated"]) == (points["version"], 1)
    run(board, listed(*cameras[:4], seconds=200))
    assert view(board, "camera_states")["version"] != states["version"]


def test_a_poll_too_late_to_be_put_in_its_place_is_counted_and_changes_nothing() -> None:
    board = board_of(listed(camera("c1")))
    run(board, *[polled(30 + EACH * n) for n in range(40)])
    run(board, polled(45, {"c1": DOWN}))
    assert view(board, "video")["late"] == 1
    assert state(board) == "online"


def test_midnight_forgets_what_lies_before_the_day_before_yesterday_and_nothing_else() -> None:
    board = board_of(listed(camera("c1"), camera("c2")))
    down = {"c1": DOWN}
    run(board, polled(0.5), *[polled(30 + EACH * n, down) for n in range(4)], polled(150))
    day = 86_400
    for number in range(1, 4):
        run(board, *[polled(number * day + EACH * n, down if 8 <= n < 12 else {}) for n in range(13)])
        said = view(board, "video_time")["away"]
        assert said["today"][0] == 120
        assert said["yesterday"][0] == 120
    slice_ = cast(Cameras, board.slices["camera"])
    roll = slice_.rolls["wvp|P"]
    assert len(roll.platform.times) < 50
    assert len(roll.cameras["c1"].trail) <= 8, "of three days"


def test_a_day_that_is_none_changes_nothing() -> None:
    board = board_of(listed(camera("c1")), polled(30))
    event = CamerasRecorded(id="r", source="wvp", subject="P", time=at(40), day="2026-02-30", seconds={"c1": (1, 2)})
    run(board, event)
    assert view(board, "video_time")["recorded"]["today"] == [0, 0]
    assert view(board, "video")["late"] == 1


def test_a_restart_told_a_second_off_each_time_is_one_restart() -> None:
    board = board_of(listed(camera("c1")))
    boot = at(58).timestamp()
    run(board, polled(30, restarted=at(-90_000).timestamp()))
    run(board, *[polled(60 + EACH * n, {"c1": DOWN}, restarted=boot + n % 3) for n in range(12)])
    assert state(board) == "offline"


# -- whatever the order, however often -------------------------------------------------------------------------

statuses = st.dictionaries(st.sampled_from(["c1", "c2", "c3"]), st.sampled_from([0, DOWN, PICTURE]), max_size=3)
rounds = st.lists(st.tuples(st.integers(1, 40), statuses, st.sampled_from([0, DOWN])), min_size=1, max_size=20)


@settings(max_examples=120, deadline=None)
@given(rounds, st.data())
def test_the_same_events_in_any_order_and_number_give_the_same_views(
    turns: list[tuple[int, dict[str, int], int]], data: st.DataObject
) -> None:
    events: list[Event] = [
        listed(camera("c1"), camera("c2", switch="s2")),
        listed(camera("c3", place="B"), part="2", seconds=95),
        listed(camera("c1", street="new"), camera("c2", switch="s2"), seconds=200),
    ]
    events += [
        polled(EACH * turn, {**others}, usual=usual, restarted=at(300).timestamp() if turn > 11 else 0.0)
        for turn, others, usual in {turn: (turn, others, usual) for turn, others, usual in turns}.values()
    ]
    in_order = sorted(events, key=lambda event: event.time)
    shuffled = data.draw(st.permutations(events)) + data.draw(st.lists(st.sampled_from(events), max_size=5))
    boards = [Board(rules()), Board(rules())]
    for board, given_events in zip(boards, (in_order, shuffled), strict=True):
        board.take([tick(0), *given_events, tick(EACH * 41)])
    again = Board.restore(rules(), boards[0].dump())
    for name in VIEWS:
        for place in ("T", "A", "B"):
            assert view(boards[0], name, place) == view(boards[1], name, place) == view(again, name, place), name
    for lost, could in view(boards[0], "video_time")["away"].values():
        assert 0 <= lost <= could <= 3 * 86_400


def test_events_keep_their_form_on_the_way() -> None:
    from dashboard.board import CODEC

    window = (at(1).timestamp(), at(2).timestamp())
    events: list[Event] = [listed(camera("c1", planned=(window,))), polled(30, {"c1": 3}), polled(60, usual=1)]
    assert CODEC.unpack(packed(events)) == events
    for event in events:
        assert CODEC.read(msgspec.json.encode(event)) == event


def test_a_poll_beyond_its_bounds_is_no_event() -> None:
    from dashboard.board import CODEC

    envelope = {"id": "1", "source": "s", "subject": "P", "time": datetime.now(UTC)}
    assert CODEC.typed("camera.polled", envelope, {"interval": 30, "others": {"c": 1}})
    for data in ({"interval": 0}, {"interval": 30, "others": {"c": 99}}, {"interval": 30, "usual": -1}, {}):
        with pytest.raises(ValueError, match=r"Expected|missing"):
            CODEC.typed("camera.polled", envelope, data)
