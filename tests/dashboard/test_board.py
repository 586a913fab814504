"""The board: whatever the order, the batches and the repetitions, the same events end in the same numbers."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.board import NOUNS, SEAL, VIEWS, Board, Gap
from dashboard.events import Event, pack, pack_batch
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.health import FeedBeat
from dashboard.nouns.noun import FeedRule, Rules
from dashboard.nouns.sla import Limit, Limits
from dashboard.nouns.tally import Tickets
from dashboard.nouns.tickets import LIGHTS, TicketClosed, TicketReported
from dashboard.places import Place, PlaceTree

TREE = PlaceTree.of(
    [
        Place("d", "区", "district"),
        Place("a", "甲镇", "town", "d"),
        Place("b", "乙镇", "town", "d"),
        Place("a1", "甲一村", "village", "a"),
        Place("a2", "甲二村", "village", "a"),
        Place("b1", "乙一村", "village", "b"),
        Place("a1x", "甲一村 01 网格", "grid", "a1"),
    ]
)
FEEDS = (FeedRule("one", "file", ("ticket",), 20.0), FeedRule("two", "cloudevents", ("ticket",), None))
ZONES = ["Asia/Shanghai", "America/New_York", "America/Havana", "Asia/Kolkata", "Australia/Lord_Howe"]
BASE = 1_793_500_000  # 1 November 2026: a month begins, and some of the zones change their clocks.
WEEK = 7 * 86400


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def rules_of(zone: str) -> Rules:
    return Rules(TREE, ZoneInfo(zone), limits=Limits(categories={"井盖": Limit(24), "噪声": Limit(2)}), feeds=FEEDS)


# -- any city ----------------------------------------------------------------------------------------------

moment = st.integers(BASE - WEEK, BASE + WEEK)
number = st.integers(0, 7).map(str)
source = st.sampled_from(["one", "two"])


@st.composite
def reports(draw: st.DrawFn) -> dict[str, Any]:
    time = draw(moment)
    return {
        "kind": "report", "source": draw(source), "subject": draw(number), "time": at(time),
        "category": draw(st.sampled_from(["井盖", "噪声", "其他"])), "unit": draw(st.sampled_from(["u", "v"])),
        "channel": draw(st.sampled_from(["热线", "网格"])),
        "place": draw(st.sampled_from([*TREE.by_code, "", "nowhere"])),
        "flaw": draw(st.sampled_from(["", "", "outside"])), "point": draw(st.sampled_from([None, (113.0, 23.0)])),
        "due": draw(st.none() | st.integers(-3600, 3 * 86400).map(lambda after: at(time + after))),
    }  # fmt: skip


closings = st.fixed_dictionaries(
    {"kind": st.just("closing"), "source": source, "subject": number, "time": moment.map(at),
     "verdict": st.sampled_from(["", "on_time", "overdue"])}
)  # fmt: skip


def named(drawn: Sequence[dict[str, Any]]) -> list[Event]:
    """The drawn events, each with an id of its own."""
    made: list[Event] = []
    for n, fields in enumerate(drawn):
        rest = {key: value for key, value in fields.items() if key != "kind"}
        made.append((TicketReported if fields["kind"] == "report" else TicketClosed)(id=f"e{n}", **rest))
    return made


events = st.lists(reports() | closings, max_size=24).map(named)
ticks = st.lists(moment, min_size=1, max_size=6).map(
    lambda found: [ClockTick(id=f"t{n}", source="clock", time=at(s), wall=at(s)) for n, s in enumerate(found)]
)


def batch(*events: Event) -> bytes:
    """The events as one packed batch."""
    return pack_batch([pack(event) for event in events])


def fold_somehow(rules: Rules, every: Sequence[Event], seed: int) -> Board:
    """Fold all of it in an order, in batches and over spools that the seed decides, some of it more than once; the
    ticks alone keep their order, in a spool of their own.
    """
    chance = random.Random(seed)
    told = [event for event in every if event.durable]
    told += chance.choices(told, k=len(told) // 2) if told else []
    chance.shuffle(told)
    spools: dict[str, list[list[Event]]] = defaultdict(list)
    for tick in every:
        if not tick.durable:
            spools["clock"].append([tick])
    while told:
        size = chance.randint(1, 5)
        spools[chance.choice(["x", "y", "z"])].append(told[:size])
        del told[:size]
    board, position = Board(rules), dict.fromkeys(spools, 0)
    while waiting := [spool for spool in spools if position[spool] < len(spools[spool])]:
        spool = chance.choice(waiting)
        packed = batch(*spools[spool][position[spool]])
        position[spool] += 1
        assert board.fold(spool, position[spool], packed)
        if chance.random() < 0.3:
            assert not board.fold(spool, chance.randint(1, position[spool]), packed)
    return board


def shown(board: Board) -> dict[tuple[str, str], Any]:
    """The data of every view at every place."""
    return {(name, place): board.view(name, place)["data"] for name in VIEWS for place in TREE.by_code}


def content(board: Board) -> Any:
    """What a dump holds, apart from the position and the order in which tickets came."""
    slices = msgspec.msgpack.decode(board.dump()[SEAL:])["slices"]
    now, found = slices["ticket"]
    return {**slices, "ticket": (now, sorted(found))}


def tallies(board: Board) -> Any:
    """Everything that is counted anywhere, without the slots that have fallen back to nothing."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            found = {key: plain(item) for key, item in value.items()}
            return {key: item for key, item in found.items() if item}
        return getattr(value, "moments", value)

    tickets = board.slices["ticket"]
    assert isinstance(tickets, Tickets)
    counted = {
        code: {slot: plain(getattr(tally, slot)) for slot in tally.__slots__}
        for code, tally in tickets.tallies.items() if tally["total"] or code == "d"
    }  # fmt: skip
    return counted, {key: tickets.light(key) for key in tickets.city.open}


@settings(max_examples=120, deadline=None)
@given(events, ticks, st.sampled_from(ZONES), st.integers(0, 2**32), st.integers(0, 2**32))
def test_order_batches_and_repetition_change_nothing(
    found: list[Event], times: list[Event], zone: str, one: int, other: int
) -> None:
    rules = rules_of(zone)
    first, second = (fold_somehow(rules, [*found, *times], seed) for seed in (one, other))
    assert shown(first) == shown(second)
    assert content(first) == content(second)
    assert tallies(first) == tallies(second)


@settings(max_examples=120, deadline=None)
@given(events, ticks, st.sampled_from(ZONES), st.integers(0, 2**32))
def test_nothing_is_left_behind_that_a_fresh_board_would_not_have(
    found: list[Event], times: list[Event], zone: str, seed: int
) -> None:
    rules = rules_of(zone)
    board = fold_somehow(rules, [*found, *times], seed)
    again = Board.restore(rules, board.dump())
    assert again.position == board.position
    assert again.offset == board.offset
    assert shown(again) == shown(board)
    straight = fold_somehow(rules, [*found, *sorted(times, key=lambda tick: tick.time)], seed)
    assert tallies(Board.restore(rules, straight.dump())) == tallies(straight)
    # Where the clock went back, the board is the one that was never ahead.
    assert shown(board) == shown(fold_somehow(rules, [*found, times[-1]], seed))


# -- against a plain count ---------------------------------------------------------------------------------


def counted(rules: Rules, found: Sequence[Event], now: float, place: str) -> dict[str, Any]:
    """The numbers at a place, counted from the events alone and by other means than the board's."""
    cases: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    # The first report counts, and of the closings the first that does not precede it.
    for event in sorted(found, key=lambda event: (event.time, isinstance(event, TicketClosed), event.id)):
        case = cases[event.source, event.subject]
        if isinstance(event, TicketReported) or "TicketReported" in case:
            case.setdefault(type(event).__name__, event)
    local = datetime.fromtimestamp(now, rules.zone)
    day_before = (local - timedelta(days=1)).timestamp()
    result: dict[str, Any] = dict.fromkeys(
        ("total", "open", "closed", "with_target", "on_time", "overdue", "agree", "disagree", "in_hour"), 0
    )
    result |= {"lights": dict.fromkeys(LIGHTS, 0), "today": [0, 0], "yesterday": [0, 0], "month": [0, 0]}

    def period(moment: float, which: int) -> None:
        then = datetime.fromtimestamp(moment, rules.zone)
        result["today"][which] += then.date() == local.date() and moment <= now
        result["yesterday"][which] += then.date() == local.date() - timedelta(days=1) and moment < day_before

    for case in cases.values():
        report, closing = case.get("TicketReported"), case.get("TicketClosed")
        if report is None or place not in (TREE.path(report.place) if report.place in TREE else ("d",)):
            continue
        reported, limit = report.time.timestamp(), rules.limits.of(report.category)
        due = report.due.timestamp() if report.due else None if limit is None else reported + 3600 * limit.amount
        closed = closing.time.timestamp() if closing else None
        result["total"] += 1
        result["with_target"] += due is not None
        period(reported, 0)
        if closed is not None:
            result["closed"] += 1
            period(closed, 1)
            if due is not None:
                result["on_time" if closed <= due else "overdue"] += 1
                if closing is not None and closing.verdict and report.due:
                    result["agree" if (closing.verdict == "on_time") == (closed <= due) else "disagree"] += 1
        else:
            result["open"] += 1
            if due is None:
                shown = "none"
            else:
                limit = max(0.0, due - reported)
                past = "worst" if now > due + limit else "overdue"
                shown = past if now > due else "soon" if now > due - 0.3 * limit else "normal"
                result["in_hour"] += now <= due < now + 3600
            result["lights"][shown] += 1
        if due is not None:
            months = {(then := datetime.fromtimestamp(end, rules.zone)).year * 12 + then.month
                      for end in (due, closed) if end is not None}  # fmt: skip
            ahead = closed is None and due >= now
            if local.year * 12 + local.month in months and not ahead:
                result["month"][0] += 1
                result["month"][1] += closed is not None and closed <= due
    return result


@settings(max_examples=120, deadline=None)
@given(events, ticks, st.sampled_from(ZONES), st.integers(0, 2**32))
def test_every_number_is_what_counting_by_hand_gives(
    found: list[Event], times: list[Event], zone: str, seed: int
) -> None:
    rules = rules_of(zone)
    board = fold_somehow(rules, [*found, *times], seed)
    now = times[-1].time.timestamp()
    assert board.now == now
    for place in TREE.by_code:
        expected, view = counted(rules, found, now, place), board.view("tickets", place)["data"]
        for name in ("total", "open", "closed", "with_target", "on_time", "overdue", "agree", "disagree", "in_hour"):
            assert view[name] == expected[name], (name, place)
        assert view["lights"] == expected["lights"], place
        assert [view["today"]["opened"], view["today"]["closed"]] == expected["today"], place
        assert [view["yesterday"]["opened"], view["yesterday"]["closed"]] == expected["yesterday"], place
        assert view["month_so_far"] == expected["month"], place
        assert len(board.view("urgent", place)["data"]["tickets"]) <= view["open"]


@settings(max_examples=80, deadline=None)
@given(events, ticks, st.integers(0, 2**32))
def test_a_place_counts_what_its_children_count_and_what_is_known_only_there(
    found: list[Event], times: list[Event], seed: int
) -> None:
    board = fold_somehow(rules_of("Asia/Shanghai"), [*found, *times], seed)
    winners: dict[tuple[str, str], TicketReported] = {}
    for event in sorted(found, key=lambda event: (event.time, event.id)):
        if isinstance(event, TicketReported):
            winners.setdefault((event.source, event.subject), event)
    for place in TREE.by_code:
        here = sum((event.place if event.place in TREE else "d") == place for event in winners.values())
        own, below = board.view("tickets", place)["data"], [
            board.view("tickets", child.code)["data"] for child in TREE.children(place)]  # fmt: skip
        assert own["total"] == sum(part["total"] for part in below) + here
        for light in LIGHTS:
            assert own["lights"][light] >= sum(part["lights"][light] for part in below)
        only_here = board.view("map", place)["data"]["only_here"]
        assert own["open"] == sum(part["open"] for part in below) + only_here


# -- the position ------------------------------------------------------------------------------------------

RULES = rules_of("Asia/Shanghai")
REPORT = TicketReported(id="r", source="one", time=at(BASE), subject="1", place="a1", category="井盖")
CLOSING = TicketClosed(id="c", source="one", time=at(BASE + 60), subject="1")
TICK = ClockTick(id="t", source="clock", time=at(BASE + 3600), wall=at(BASE + 7200))


def test_what_is_told_of_more_than_an_hour_ago_is_counted_once() -> None:
    board = Board(RULES)
    board.fold("x", 1, batch(REPORT))
    assert board.past == 0, "of a board without a clock nobody knows what its past is"
    board.fold("clock", 1, batch(TICK))
    assert board.fold("x", 2, batch(CLOSING))
    assert board.past == 0, "59 minutes"
    old = [TicketReported(id=f"o{n}", source="one", time=at(BASE - 1), subject=f"{n}", category="井盖") for n in (2, 3)]
    assert board.fold("x", 3, batch(*old))
    assert not board.fold("x", 3, batch(*old))
    assert board.past == 2
    board.fold("x", 4, batch())
    assert board.past == 2


def test_a_gap_is_refused_and_changes_nothing() -> None:
    board = Board(RULES)
    board.fold("x", 1, batch(REPORT))
    with pytest.raises(Gap, match="spool x: batch 2 is missing before 3") as raised:
        board.fold("x", 3, batch(CLOSING))
    assert (raised.value.spool, raised.value.expected, raised.value.found) == ("x", 2, 3)
    with pytest.raises(Gap, match="batch 1 is missing before 2"):
        board.fold("y", 2, batch(CLOSING))
    assert board.position == {"x": 1}
    assert board.view("tickets", "d")["data"]["open"] == 1


def test_a_batch_that_comes_again_changes_nothing() -> None:
    board = Board(RULES)
    assert board.fold("x", 1, batch(REPORT, TICK))
    before = shown(board)
    assert not board.fold("x", 1, batch(CLOSING)), "the position alone decides"
    assert shown(board) == before
    assert board.offset == 1


def test_a_batch_that_cannot_be_read_changes_nothing() -> None:
    board = Board(RULES)
    for rubbish in (b"", b"\xc1", batch(REPORT)[:-1], msgspec.msgpack.encode([{"type": "ticket.eaten"}])):
        with pytest.raises(msgspec.MsgspecError):
            board.fold("x", 1, rubbish)
    assert board.position == {}
    assert board.view("tickets", "d")["data"]["total"] == 0
    assert board.fold("x", 1, batch(REPORT))


def test_a_view_says_when_it_was_true_and_what_it_rests_on() -> None:
    board = Board(RULES)
    board.fold("x", 1, batch(REPORT, TICK))
    view = board.view("tickets", "a1")
    assert (view["as_of"], view["offset"], view["feeds"]) == (BASE + 3600, 1, ["one", "two"])
    assert board.wall == BASE + 7200
    for name, place in (("tickets", "nowhere"), ("weather", "d")):
        with pytest.raises(KeyError):
            board.view(name, place)


def test_the_latest_tick_of_a_clock_counts_and_of_two_clocks_the_one_that_is_ahead() -> None:
    board = Board(RULES)
    board.take([TICK, ClockTick(id="u", source="clock", time=at(BASE), wall=at(BASE + 1))])
    assert (board.now, board.wall) == (BASE, BASE + 1)
    board.take([ClockTick(id="v", source="file", time=at(BASE - 9), wall=at(BASE - 9))])
    assert board.now == BASE
    board.take([ClockTick(id="w", source="file", time=at(BASE + 9), wall=at(BASE + 9))])
    assert board.now == BASE + 9
    again = Board.restore(RULES, board.dump())
    again.take([ClockTick(id="x", source="clock", time=at(BASE + 1), wall=at(BASE + 1))])
    assert again.now == BASE + 9
    old = Board(RULES)
    old.slices["clock"].load([BASE, BASE + 1])  # As snapshots were before they said whose time it is.
    assert (old.now, old.wall) == (BASE, BASE + 1)


def test_time_within_a_batch_turns_the_lights_between_its_events() -> None:
    board = Board(RULES)
    later = ClockTick(id="v", source="clock", time=at(BASE + 25 * 3600), wall=at(BASE))
    other = TicketReported(id="s", source="one", time=at(BASE + 25 * 3600), subject="2", category="井盖")
    board.take([TICK, REPORT, later, other])
    assert board.view("tickets", "d")["data"]["lights"] == dict.fromkeys(LIGHTS, 0) | {"overdue": 1, "normal": 1}


@pytest.mark.parametrize(
    "spoil", [lambda dump: dump[:-1], lambda dump: b"", lambda dump: dump[:40] + b"\x00" + dump[41:]]
)
def test_a_damaged_dump_is_refused(spoil: Any) -> None:
    board = Board(RULES)
    board.take([REPORT, TICK])
    with pytest.raises(ValueError, match="snapshot"):
        Board.restore(RULES, spoil(board.dump()))


def test_a_dump_keeps_every_noun() -> None:
    board = Board(RULES)
    beat = FeedBeat(id="b", source="house", time=at(BASE + 7200), subject="one", received=3, stored=2, dead=1)
    board.take([REPORT, CLOSING, TICK, beat])
    again = Board.restore(RULES, board.dump())
    assert {"clock", "feed", "ticket"} <= set(NOUNS)
    assert shown(again) == shown(board)
    assert again.view("feeds", "d")["data"]["feeds"][0]["received"] == 3
