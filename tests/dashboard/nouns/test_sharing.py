"""Data sharing: on time by its own cycle, requests and calls with their denominators, and what is broken since when."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.board import Board
from dashboard.events import Event
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.noun import FeedRule
from dashboard.nouns.sharing import ApiCalls, CatalogueEntry, DataRequest, Sharing
from dashboard.nouns.sharingalerts import alerts
from dashboard.nouns.sharingviews import (
    ROWS,
    view_broken,
    view_calls,
    view_departments,
    view_requests,
    view_resting,
    view_sharing,
)
from dashboard.nouns.thresholds import SharingTable
from dashboard.sources.feed import Rejected, bind
from dashboard.sources.mapped import mapped
from dashboard.sources.mapping import MapSettings
from tests.flow import rules
from tests.town import context, parsed, reasons, town

T0 = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)  # A Wednesday's noon in the town.
VIEWS: tuple[Callable[[Sharing, str, float], Any], ...] = (
    view_sharing, view_departments, view_requests, view_calls, view_broken, view_resting,
)  # fmt: skip


def at(hours: float) -> datetime:
    return T0 + timedelta(hours=hours)


def after(hours: float) -> float:
    return at(hours).timestamp()


def entry(
    subject: str, updated: float | None, cycle: float | None = 24, said: float = 0, **more: Any
) -> CatalogueEntry:
    given: dict[str, Any] = {"name": f"entry {subject}", "department": "police", "place": "A1"}
    return CatalogueEntry(
        id=f"{subject}:{said}", source="share", subject=subject, time=at(said), cycle=cycle,
        updated=None if updated is None else at(updated), **(given | more),
    )  # fmt: skip


def request(
    subject: str, asked: float, state: Any = "pending", decided: float | None = None, **more: Any
) -> DataRequest:
    said = asked if decided is None else decided
    given: dict[str, Any] = {"department": "tax", "owner": "police", "entry": "people", "place": "B"}
    return DataRequest(
        id=f"{subject}:{state}", source="share", subject=subject, time=at(said), asked=at(asked), state=state,
        decided=None if decided is None else at(decided), **(given | more),
    )  # fmt: skip


def called(
    subject: str, since: float, calls: int, failures: int = 0, said: float | None = None, **more: Any
) -> ApiCalls:
    moment = since + 1 if said is None else said
    return ApiCalls(
        id=f"{subject}:{since}:{moment}", source="share", subject=subject, time=at(moment), since=at(since),
        calls=calls, failures=failures, **({"department": "police", "place": "A"} | more),
    )  # fmt: skip


def sharing(*events: Event, table: SharingTable | None = None) -> Sharing:
    board = Sharing(replace(rules(), sharing=table or SharingTable()))
    for event in events:
        board.fold(event)
    return board


# -- the catalogue ---------------------------------------------------------------------------------------------


def test_an_entry_is_on_time_within_its_own_cycle_late_after_it_and_broken_after_three() -> None:
    board = sharing(
        entry("day", -1), entry("hour", -1, 0.5), entry("free", -999, None), entry("bare", -99, linked=False)
    )
    assert [view_sharing(board, "T", after(hours))["on_time"] for hours in (0, 22, 24)] == [[1, 2], [1, 2], [0, 2]]
    assert view_sharing(board, "T", after(0))["linked"] == [3, 4]
    found = view_broken(board, "T", after(0))
    assert ([row["key"] for row in found["late"]], found["number"]) == (["share|hour"], 0)
    assert found["late"][0]["since"] == after(-0.5)
    (row,) = view_broken(board, "T", after(1))["broken"]
    assert (row["key"], row["why"], row["since"]) == ("share|hour", "late", after(0.5))


def test_departments_are_ranked_by_the_bound_of_their_late_share_and_show_their_n() -> None:
    few = [entry(f"f{n}", -100 if n else -1, department="few") for n in range(3)]
    many = [entry(f"m{n}", -100 if n < 40 else -1, department="many") for n in range(100)]
    free = [entry("x", -5, None, department="free")]
    found = view_departments(sharing(*few, *many, *free), "T", after(0))
    rows = {row["department"]: (row["on_time"], row["due"]) for row in found["departments"]}
    assert list(rows) == ["many", "few", "free"]
    assert rows == {"many": (60, 100), "few": (1, 3), "free": (0, 0)}
    assert found["on_time"] == [61, 103]
    assert found["departments"][-1]["bound"] is None


def test_a_department_the_city_does_not_know_is_counted_as_nobody_s() -> None:
    board = sharing(entry("a", -1), entry("b", -1, department="ghosts"), table=SharingTable(departments=("police",)))
    found = view_departments(board, "T", after(0))
    assert {row["department"] for row in found["departments"]} == {"police", ""}
    assert found["unlisted"] == 1
    assert found["on_time"] == [2, 2]


def test_what_is_withdrawn_is_in_no_count() -> None:
    board = sharing(entry("a", -1), entry("b", -1), entry("b", -1, said=1, state="withdrawn"))
    assert view_sharing(board, "T", after(2))["entries"] == 1


# -- requests --------------------------------------------------------------------------------------------------


def test_the_published_year_of_one_thousand_eight_hundred_and_fifty_nine_requests() -> None:
    asked = [request(f"r{n}", -1000 + n / 10, "granted", -900 + n / 10) for n in range(1328)]
    asked += [request(f"n{n}", -1000, "refused", -990) for n in range(500)]
    asked += [request(f"p{n}", -2) for n in range(31)]
    found = view_requests(sharing(*asked), "T", after(0))
    assert (found["asked"], found["granted"], found["refused"], found["pending"]) == (1859, 1328, 500, 31)
    assert found["overdue"] == 0
    assert found["in_time"] == [1828, 1828]
    assert found["months"][-1][0] == 12 * 2026 + 2
    assert sum(month[1] for month in found["months"]) == 1859


def test_a_request_is_overdue_after_ten_work_days_or_when_its_source_says() -> None:
    board = sharing(request("a", 0), request("b", 0, due=at(5)))
    assert [row["key"] for row in view_requests(board, "T", after(1))["waiting"]] == ["share|b", "share|a"]
    assert view_requests(board, "T", after(6))["overdue"] == 1
    # Ten work days from Wednesday noon end on the Wednesday two weeks later, at noon.
    assert view_requests(board, "T", after(14 * 24 - 1))["overdue"] == 1
    assert view_requests(board, "T", after(14 * 24 + 1))["overdue"] == 2


def test_requests_of_the_year_before_are_in_its_months_alone() -> None:
    found = view_requests(sharing(request("old", -24 * 90, "granted", -24 * 89)), "T", after(0))
    assert (found["asked"], found["granted"]) == (0, 0)
    assert sum(month[1] for month in found["months"]) == 1


# -- calls -----------------------------------------------------------------------------------------------------


def test_a_later_count_of_the_same_hour_takes_the_place_of_the_earlier() -> None:
    board = sharing(called("a", 0, 90, 9, said=0.5), called("a", 0, 200, 10), called("a", 0, 100, 9, said=0.6))
    assert view_calls(board, "T", after(1))["today"] == [200, 10, 0]


def test_calls_of_full_hours_are_compared_with_the_same_hours_of_the_day_before() -> None:
    today = [called("a", hour, 100) for hour in (-2, -1)] + [called("a", 0, 7, said=0.1)]
    yesterday = [called("a", hour, 50) for hour in range(-26, -18)]
    found = view_calls(sharing(*today, *yesterday), "T", after(0.2))
    assert found["today"][0] == 207
    assert found["yesterday"][0] == 400
    assert found["same"] == [200, 100]
    assert found["hours"]["today"][-1] == [12, 7, 0]


def test_an_api_is_broken_while_most_of_its_calls_fail_since_the_first_hour_in_which_they_did() -> None:
    calls = [called("a", -3, 100), called("a", -2, 100, 60), called("a", -1, 100, 90), called("a", 0, 5, said=0.1)]
    board = sharing(*calls, called("b", -1, 19, 19))
    found = view_calls(board, "T", after(0.2))
    assert found["failing"] == 1
    assert (found["apis"][0]["key"], found["apis"][0]["failing"]) == ("share|a", after(-2))
    board.fold(called("a", 0, 100, 2, said=0.5))
    assert view_calls(board, "T", after(0.6))["failing"] == 0
    assert view_calls(sharing(*calls), "T", after(9))["failing"] == 0, "what nobody calls any more fails nobody"


# -- what is broken, and what rests on it ----------------------------------------------------------------------


def test_what_rests_on_a_broken_entry_is_named_while_it_is_broken_and_not_longer() -> None:
    table = SharingTable(rests={"entry firms": ("ticket",), "a": ("urgent",), "nobody": ("today",)})
    board = sharing(entry("firms", -1), called("a", -1, 100), table=table)
    assert view_resting(board, "T", after(0))["broken"] == {}
    assert view_broken(board, "T", after(0))["unheard"] == ["nobody"]
    board.fold(entry("firms", -1, said=1, state="broken", since=at(0.5), reason="cut off"))
    board.fold(called("a", 0, 100, 80))
    assert view_resting(board, "T", after(1))["broken"] == {
        "a": {"since": after(0), "why": "failing"}, "entry firms": {"since": after(0.5), "why": "said"},
    }  # fmt: skip
    rows = view_broken(board, "T", after(1))["broken"]
    assert [(row["name"], row["rests"]) for row in rows] == [("entry firms", ["ticket"]), ("a", ["urgent"])]
    board.fold(entry("firms", 2, said=2))
    board.fold(called("a", 1, 100))
    assert view_resting(board, "T", after(2))["broken"] == {}


def test_what_rests_on_several_broken_entries_is_named_once_and_beyond_those_that_are_listed() -> None:
    names = [f"e{number:03}" for number in range(ROWS + 1)]
    rests: dict[str, tuple[str, ...]] = {f"entry {name}": ("ticket", "urgent") for name in names}
    rests[f"entry {names[0]}"] = ("market",)
    board = sharing(*(entry(name, -100 + at / 100) for at, name in enumerate(names)), table=SharingTable(rests=rests))
    found = view_broken(board, "T", after(1))
    assert (len(found["broken"]), found["number"]) == (ROWS, ROWS + 1)
    assert f"entry {names[0]}" not in [row["name"] for row in found["broken"]], "the market's is not listed"
    assert found["resting"] == ["market", "ticket", "urgent"]


def test_an_entry_that_never_came_is_broken_and_nobody_knows_since_when() -> None:
    (row,) = view_broken(sharing(entry("a", None)), "T", after(0))["broken"]
    assert (row["why"], row["since"]) == ("never", None)


# -- any order, any number of times ----------------------------------------------------------------------------


def some(chance: random.Random, number: int) -> list[Event]:
    """Events about a few entries, requests and APIs that say different things at different moments."""
    found: list[Event] = []
    for turn in range(number):
        name, said, what = f"e{chance.randrange(6)}", chance.randrange(60), chance.randrange(3)
        more: dict[str, Any] = {"place": chance.choice(["A1", "A", "B", ""]), "department": chance.choice("xyz")}
        event: Event
        if what == 0:
            state = chance.choice(["open", "open", "broken", "withdrawn"])
            event = entry(name, said - chance.randrange(40), chance.choice([1, 24, None]), said, state=state, **more)
        elif what == 1:
            state = chance.choice(["pending", "granted", "refused"])
            event = request(name, said - 100, state, None if state == "pending" else said, **more)
        else:
            calls = chance.randrange(200)
            event = called(name, said, calls, chance.randrange(calls + 1), **more)
        found.append(msgspec.structs.replace(event, id=f"{event.id}:{turn}"))
    return found


def shown(board: Sharing, now: float) -> list[Any]:
    return [view(board, place, now) for view in VIEWS for place in ("T", "A", "A1", "B")]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), number=st.integers(1, 60))
def test_the_order_and_number_of_deliveries_never_decide(seed: int, number: int) -> None:
    chance = random.Random(seed)
    events = some(chance, number)
    first = shown(sharing(*events), after(61))
    again = [*events, *chance.sample(events, len(events) // 2)]
    chance.shuffle(again)
    assert shown(sharing(*again), after(61)) == first


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_place_counts_what_its_children_count_and_what_is_its_own(seed: int) -> None:
    board = sharing(*some(random.Random(seed), 50))
    own = {"T": 0, "A": 0}
    for one in board.entries.values():
        if one.state != "withdrawn" and (one.place or "T") in own:
            own[one.place or "T"] += 1
    entries = {place: view_sharing(board, place, after(61))["entries"] for place in ("T", "A", "A1", "B")}
    assert entries["T"] == entries["A"] + entries["B"] + own["T"]
    assert entries["A"] == entries["A1"] + own["A"]
    view = view_requests(board, "T", after(61))
    assert view["asked"] == view["granted"] + view["refused"] + view["pending"]
    assert view["overdue"] <= view["pending"]
    calls = view_calls(board, "T", after(61))
    assert calls["today"][0] == sum(hour[1] for hour in calls["hours"]["today"])


def test_it_comes_back_from_a_snapshot() -> None:
    board = Board(rules())
    board.take([*some(random.Random(5), 80), ClockTick(id="t", source="clock", time=at(61), wall=at(61))])
    again = Board.restore(rules(), board.dump())
    for view in ("sharing", "sharing_departments", "sharing_requests", "sharing_calls", "sharing_broken", "resting"):
        assert again.view(view, "A") == board.view(view, "A")


# -- bad input, by name ----------------------------------------------------------------------------------------

GOOD: dict[str, dict[str, Any]] = {
    "catalogue.entry": {"id": "e", "name": "企业", "dept": "市监局", "cycle": "每日", "updated": "2026-03-01 11:00"},
    "data.request": {"id": "r", "asked": "2026-02-01 09:00", "dept": "税务局", "owner": "市监局", "state": "同意",
                     "decided": "2026-02-03 09:00"},
    "api.calls": {"id": "a", "since": "2026-03-01 11:00", "calls": "1,200", "failures": 3},
}  # fmt: skip
FIELDS = {
    "catalogue.entry": {"subject": "id", "name": "name", "department": "dept", "cycle": "cycle", "updated": "updated",
                        "place_name": "town"},
    "data.request": {"subject": "id", "asked": "asked", "department": "dept", "owner": "owner", "state": "state",
                     "decided": "decided"},
    "api.calls": {"subject": "id", "since": "since", "calls": "calls", "failures": "failures"},
}  # fmt: skip
WORDS = {
    "catalogue.entry": {"cycle": {"每日": "24", "实时": "0.25", "不定期": ""}},
    "data.request": {"state": {"同意": "granted", "拒绝": "refused", "待审": "pending"}},
    "api.calls": {},
}


def through_a_map(folder: Path, kind: str, **changed: Any) -> tuple[list[Any], list[Rejected]]:
    """A record as the map of any feed reads it, at noon of the first of March."""
    table = MapSettings(
        name="f", kind="http", event=kind, fields=FIELDS[kind], values=WORDS[kind], time_formats=("%Y-%m-%d %H:%M",)
    )
    items = list(mapped([GOOD[kind] | changed], table, context(town(folder))))
    letters = [item for item in items if isinstance(item, Rejected)]
    return [item for item in items if not isinstance(item, Rejected)], letters


@pytest.mark.parametrize("kind", list(GOOD))
def test_a_map_reads_the_words_of_real_systems(tmp_path: Path, kind: str) -> None:
    (event,), rejected = through_a_map(tmp_path, kind)
    assert not rejected
    assert event.place == "T"
    board = Board(rules())
    board.take([event])
    if kind == "catalogue.entry":
        assert (event.cycle, event.updated) == (24, datetime(2026, 3, 1, 3, 0, tzinfo=UTC))
    elif kind == "data.request":
        assert event.state == "granted"
    else:
        assert (event.calls, event.failures) == (1200, 3)


@pytest.mark.parametrize(("kind", "changed", "reason"), [
    ("catalogue.entry", {"cycle": 0}, "impossible_value"),
    ("catalogue.entry", {"cycle": -24}, "impossible_value"),
    ("catalogue.entry", {"cycle": "每周二"}, "bad_number"),
    ("catalogue.entry", {"updated": "2026-03-02 11:00"}, "updated_ahead"),
    ("catalogue.entry", {"updated": "0000-00-00 00:00"}, "impossible_date"),
    ("catalogue.entry", {"dept": None}, "missing_field"),
    ("catalogue.entry", {"town": "亚特兰蒂斯"}, "unknown_place"),
    ("data.request", {"decided": "2026-01-31 09:00"}, "decided_before_asked"),
    ("data.request", {"state": "待审"}, "decided_and_pending"),
    ("data.request", {"asked": "2027-01-01 00:00", "decided": "2027-01-02 00:00"}, "asked_ahead"),
    ("data.request", {"state": "也许"}, "unknown_word"),
    ("api.calls", {"calls": -1}, "impossible_value"),
    ("api.calls", {"failures": 1201}, "more_failures_than_calls"),
    ("api.calls", {"calls": "NaN"}, "no_value"),
    ("api.calls", {"calls": 1.5}, "bad_number"),
    ("api.calls", {"since": "2026-03-01 11:01"}, "odd_span"),
])  # fmt: skip
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, kind: str, changed: dict[str, Any], reason: str) -> None:
    events, rejected = through_a_map(tmp_path, kind, **changed)
    assert [letter.reason for letter in rejected] == [reason]
    assert bool(events) == (reason == "unknown_place"), "a place nobody knows is a flaw, and the entry counts"


def test_posted_events_are_refused_by_the_same_names(tmp_path: Path) -> None:
    import json

    from dashboard.sources.feed import Delivery, Post

    city = town(tmp_path, {"kind": "cloudevents", "name": "door"})
    (bound,), ctx = bind(city), context(city)
    common = {
        "specversion": "1.0",
        "source": "gate",
        "type": "api.calls",
        "subject": "a",
        "time": "2026-03-01T03:30:00Z",
    }
    good: dict[str, Any] = {"since": "2026-03-01T03:00:00Z", "calls": 5, "failures": 1}
    bad: list[dict[str, Any]] = [
        {"failures": 6},
        {"calls": -1},
        {"since": "2026-03-01T04:00:00Z"},
        {"since": "2026-03-01T03:00:00"},
    ]
    body = [{**common, "id": str(n), "data": {**good, **data}} for n, data in enumerate([dict[str, Any](), *bad])]
    post = Post({"content-type": "application/cloudevents-batch+json"}, json.dumps(body).encode())
    events, rejected = parsed(bound, ctx, [Delivery(post)])
    assert [event.calls for event in events] == [5]
    assert reasons(rejected) == ["more_failures_than_calls", "out_of_range", "since_ahead", "bad_time"]


def test_what_contradicts_itself_never_bends_a_count() -> None:
    board = sharing(called("a", 0, 5, 6), request("r", 0, "granted", -1), entry("e", 5))
    assert (board.entries, board.requests, board.apis) == ({}, {}, {})


def test_the_board_greys_by_the_city_s_rules() -> None:
    feeds = (FeedRule("share", "http", ("sharing",), 60.0),)
    board = Board(replace(rules(), feeds=feeds, sharing=SharingTable(rests={"e": ("ticket",)})))
    board.take([entry("e", 0, state="broken"), ClockTick(id="t", source="clock", time=at(1), wall=at(1))])
    assert board.view("resting", "T")["data"]["broken"] == {"e": {"since": after(0), "why": "said"}}
    assert board.view("sharing", "T")["feeds"] == ["share"]


def test_an_alert_stands_while_what_screens_rest_on_is_broken_or_an_api_fails() -> None:
    table = SharingTable(rests={"entry firms": ("ticket",)})
    board = sharing(entry("firms", -1), entry("dead", -999), called("a", -1, 100), table=table)
    assert list(alerts(board, after(0))) == []
    board.fold(entry("firms", -1, said=1, state="broken", since=at(0.5), reason="cut off"))
    board.fold(called("a", 0, 100, 80))
    found = {one.key.split("|")[1]: one for one in alerts(board, after(1))}
    assert set(found) == {"said", "failing"}, "nothing rests on the dead one"
    assert (found["said"].severity, found["said"].since) == (2, after(0.5))
    assert "entry firms" in found["said"].title.en
    assert found["said"].text.en == "police · cut off"
    assert (found["failing"].severity, found["failing"].since) == (3, after(0))
    first = next(iter(alerts(board, after(1.2)))).key
    assert first == found["failing"].key, "it is the same one for as long as it lasts"
    board.fold(entry("firms", 2, said=2))
    board.fold(called("a", 1, 100))
    assert list(alerts(board, after(2))) == []
