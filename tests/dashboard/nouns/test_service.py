"""Government service: limits in working days, queues with their n, ratings and their redress, and nothing doubled."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.events import Event
from dashboard.nouns.noun import Alert, Rules
from dashboard.nouns.service import (
    ODDITIES,
    CaseAccepted,
    CaseFinished,
    DayReported,
    QueueSeen,
    Rated,
    Redressed,
)
from dashboard.nouns.servicetally import Service
from dashboard.nouns.serviceviews import NOUN, VIEWS
from dashboard.nouns.thresholds import ServiceTable
from dashboard.nouns.worktime import WorkCalendar
from tests.flow import PLACES, rules

ZONE = ZoneInfo("Asia/Shanghai")
HALLS = {"north": "A1", "south": "B"}


def day(text: str) -> int:
    return datetime.fromisoformat(text).toordinal()


# Spring Festival 2026 in China: off from 15 to 23 February; the Saturdays of 14 and 28 February are worked.
OFF = frozenset(range(day("2026-02-15"), day("2026-02-23") + 1))
ON = frozenset({day("2026-02-14"), day("2026-02-28")})
RULES: Rules = replace(
    rules(), service=ServiceTable(halls=HALLS), calendar=WorkCalendar(ZONE, days_off=OFF, days_on=ON)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def accepted(case: str, time: str, **more: Any) -> CaseAccepted:
    given: dict[str, Any] = {"hall": "north", "item": "licence", "channel": "counter", "place": "A1"}
    return CaseAccepted(id=f"{case}-a", source="s", subject=case, time=at(time), **{**given, **more})


def finished(case: str, time: str) -> CaseFinished:
    return CaseFinished(id=f"{case}-f", source="s", subject=case, time=at(time))


def rated(name: str, time: str, stars: int, **more: Any) -> Rated:
    return Rated(
        id=f"{name}-r", source="s", subject=name, time=at(time), stars=stars, **{"hall": "north", "place": "A1", **more}
    )


def redressed(name: str, time: str) -> Redressed:
    return Redressed(id=f"{name}-d", source="s", subject=name, time=at(time))


def queue(time: str, waiting: int, hall: str = "north", **more: Any) -> QueueSeen:
    return QueueSeen(id=f"{hall}:{time}", source="s", subject=hall, time=at(time), waiting=waiting, **more)


def report(hall: str, text: str, **more: Any) -> DayReported:
    return DayReported(
        id=f"{hall}:{text}", source="s", subject=hall, time=at(f"{text}T23:00") + timedelta(hours=2),
        **{"day": text, **more},
    )  # fmt: skip


def service(events: Sequence[Event], now: str, given: Rules = RULES) -> Service:
    found = Service(given)
    for event in events:
        found.fold(event)
    found.advance(at(now).timestamp())
    return found


def view(name: str, events: Sequence[Event], now: str, place: str = "T", given: Rules = RULES) -> dict[str, Any]:
    found: dict[str, Any] = VIEWS[name](service(events, now, given), place, at(now).timestamp())
    return found


def test_a_case_is_on_time_within_what_was_promised_and_counted_once() -> None:
    events = [
        accepted("1", "2026-03-02T09:00", promised_days=1, legal_days=5), finished("1", "2026-03-03T09:00"),
        accepted("2", "2026-03-02T09:00", promised_days=1, legal_days=5), finished("2", "2026-03-03T09:01"),
        accepted("3", "2026-03-02T10:00", promised_days=20), accepted("4", "2026-03-02T10:00", promised_days=1),
        accepted("5", "2026-03-02T11:00"), finished("5", "2026-03-02T11:05"),
    ]  # fmt: skip
    found = view("service", events, "2026-03-04T12:00")
    assert found["on_time"] == [1, 3], "1 in time, 2 a minute late, 4 open and late; 3 is not due, 5 has no limit"
    assert found["legal"] == [2, 2]
    assert (found["open"], found["late"], found["over"]) == (2, 1, 0)
    assert found["same_day"] == [1, 3]
    assert found["compressed"] == [2.0, 10.0]


def test_fifteen_working_days_go_around_spring_festival_and_make_up_days() -> None:
    """10 to 14 February (a worked Saturday) are 5 days, 24 to 28 (another) are 5, 2 to 6 March are 5."""
    events = [rated("bad", "2026-02-10T08:00", 1)]
    found = view("service_ratings", events, "2026-02-11T08:00")
    assert datetime.fromtimestamp(found["rows"][0]["due"], ZONE) == at("2026-03-06T18:00")
    assert found["rows"][0]["days"] == pytest.approx(14)
    assert view("service_ratings", events, "2026-02-24T08:00")["rows"][0]["days"] == pytest.approx(10)
    late = view("service_ratings", events, "2026-03-07T12:00")
    assert (late["rows"][0]["late"], late["redress"]["late"], late["redress"]["rate"]) == (True, 1, [0, 1])
    assert view("service_ratings", events, "2026-03-09T18:00")["rows"][0]["days"] == pytest.approx(-1)


def test_those_that_are_due_soon_are_counted_beyond_the_rows_that_are_shown() -> None:
    events = [rated(f"bad{at}", "2026-02-10T08:00", 1) for at in range(70)]
    found = view("service_ratings", events, "2026-03-04T18:00")
    assert (found["redress"]["soon"], len(found["rows"])) == (70, 60)
    assert view("service_ratings", events, "2026-03-02T12:00")["redress"]["soon"] == 0
    assert view("service_ratings", events, "2026-03-07T12:00")["redress"]["soon"] == 0, "they are overdue"


@pytest.mark.parametrize(("moment", "rate"), [("2026-03-06T17:59", [1, 1]), ("2026-03-06T18:01", [0, 1])])
def test_a_bad_rating_is_put_right_in_time_or_not(moment: str, rate: list[int]) -> None:
    found = view("service", [rated("1", "2026-02-10T08:00", 2), redressed("1", moment)], "2026-03-10T12:00")
    assert (found["redress"]["rate"], found["redress"]["open"]) == (rate, 0)


def test_the_two_lowest_levels_are_bad() -> None:
    events = [rated(str(stars), "2026-03-02T09:00", stars) for stars in range(1, 6)]
    found = view("service_ratings", events, "2026-03-03T09:00")
    assert (found["stars"], found["good"], found["redress"]["open"]) == ([1, 1, 1, 1, 1], [3, 5], 2)
    assert [row["stars"] for row in found["rows"]] == [1, 2]


def test_what_does_not_fit_is_named_and_bends_nothing() -> None:
    good = [
        accepted("ok", "2026-03-02T09:00", promised_days=2), finished("ok", "2026-03-02T10:00"),
        rated("fine", "2026-03-02T10:00", 5),
    ]  # fmt: skip
    odd: dict[str, list[Event]] = {
        "finished_unknown_case": [finished("9", "2026-03-02T10:00")],
        "redress_of_unknown_rating": [redressed("9", "2026-03-02T10:00")],
        "redress_of_good_rating": [redressed("fine", "2026-03-02T11:00")],
        "mean_without_number": [queue("2026-03-02T10:00", 3, mean=4.0)],
        "impossible_day": [report("north", "2026-02-28", day="2026-02-30", accepted=4)],
        "more_kept_than_due": [report("north", "2026-03-01", accepted=4, due=1, kept=2)],
    }  # fmt: skip
    plain = view("service", good, "2026-03-03T12:00")
    assert plain["odd"] == {}
    for name, events in odd.items():
        found = view("service", [*good, *events], "2026-03-03T12:00")
        assert found["odd"] == {name: 1}
        said = view("service_oddities", [*good, *events], "2026-03-03T12:00")
        assert said["sources"] == {"s": {name: 1}}
        assert [number.partition("|")[0] for number in said["some"]["s"][name]] == [events[0].subject]
        for key in ("today", "open", "on_time", "ratings", "redress"):
            assert found[key] == plain[key], name
    opened: dict[str, list[Event]] = {
        "finished_before_accepted": [accepted("8", "2026-03-02T09:00"), finished("8", "2026-03-02T08:59")],
        "promised_after_legal": [accepted("8", "2026-03-02T09:00", promised_days=9, legal_days=3)],
        "unknown_hall": [accepted("8", "2026-03-02T09:00", hall="nowhere")],
        "redressed_before_rated": [rated("8", "2026-03-02T09:00", 1), redressed("8", "2026-03-01T09:00")],
    }
    for name, events in opened.items():
        found = view("service", [*good, *events], "2026-03-03T12:00")
        assert found["odd"] == {name: 1}
        assert found["on_time"] == plain["on_time"]
        assert found["open"] + found["redress"]["open"] == 1, "it is counted as what it is otherwise: open"
    assert set(odd) | set(opened) == set(ODDITIES)


def told(events: Sequence[Event], now: str, given: Rules = RULES) -> list[Alert]:
    assert NOUN.alerts is not None
    return list(NOUN.alerts(service(events, now, given), at(now).timestamp()))


def test_a_wait_far_over_its_limit_is_an_alert_of_its_hall_and_many_are_one() -> None:
    long = queue("2026-03-02T10:00", 5, windows=2, longest=55.0)
    (one,) = told([long], "2026-03-02T10:05")
    assert (one.severity, one.place, one.title.zh) == (4, "A1", "等候 55 分钟 · north")
    assert one.since == at("2026-03-02T09:45").timestamp(), "since then somebody waits beyond the limit of 40"
    assert told([long], "2026-03-02T10:11") == [], "what was not heard of lately is not known"
    assert told([queue("2026-03-02T10:00", 5, longest=40.0)], "2026-03-02T10:05") == []
    assert told([queue("2026-03-02T10:00", 0, longest=55.0)], "2026-03-02T10:05") == []
    worse = queue("2026-03-02T10:04", 5, longest=81.0)
    assert [(a.key, a.severity) for a in told([long, worse], "2026-03-02T10:05")] == [(one.key, 3)], "graver, the same"
    assert told([queue("2026-03-03T10:00", 5, longest=55.0)], "2026-03-03T10:05")[0].key != one.key
    many = [queue("2026-03-02T10:00", 5, f"h{n}", longest=50.0 + n) for n in range(4)]
    (all_,) = told(many, "2026-03-02T10:05", replace(RULES, service=ServiceTable()))
    assert all_.title.en == "Waits too long in 4 halls, 53 min · h3"


def test_redress_that_has_lapsed_and_cases_beyond_their_limits_are_told_in_numbers() -> None:
    bad = [rated(str(n), f"2026-03-0{2 + n % 2}T09:00", 1) for n in range(3)]
    assert told(bad, "2026-03-23T08:59") == [], "fifteen working days are not over"
    (one,) = told(bad, "2026-03-25T12:00")
    assert (one.severity, one.title.en, one.text.en) == (
        4, "Bad ratings not put right in time: 3", "Beyond 15 working days · north 3"
    )  # fmt: skip
    (fewer,) = told([*bad, redressed("1", "2026-03-25T11:00")], "2026-03-25T12:00")
    assert (fewer.key == one.key, "2" in fewer.title.en) == (False, True), "the only one of the later day is put right"
    assert told([*bad, redressed("0", "2026-03-25T11:00")], "2026-03-25T12:00")[0].key == one.key
    few = replace(RULES, service=ServiceTable(redress_many=3, late_many=2, late_share=0.5))
    assert told(bad, "2026-03-25T12:00", few)[0].severity == 3
    cases = [accepted(str(n), "2026-03-02T09:00", promised_days=1) for n in range(2)]
    assert told(cases, "2026-03-04T12:00") == [], "two are not many"
    assert told(cases, "2026-03-04T12:00", few)[0].title.zh == "超承诺时限未办结 2 件"
    other = [accepted(f"o{n}", "2026-03-02T09:00", promised_days=90) for n in range(3)]
    assert told([*cases, *other], "2026-03-04T12:00", few) == [], "two of five are less than half"
    law = accepted("law", "2026-03-02T09:00", promised_days=1, legal_days=2)
    (found,) = told([law], "2026-03-05T12:00")
    assert (found.severity, found.title.zh, found.text.zh) == (3, "超法定时限未办结 1 件", "licence 1")


def test_a_promise_beyond_the_law_is_due_when_the_law_says() -> None:
    events = [accepted("8", "2026-03-02T08:00", promised_days=9, legal_days=3), finished("8", "2026-03-05T09:00")]
    assert view("service", events, "2026-03-06T12:00")["on_time"] == [0, 1]


def test_the_mean_wait_is_weighed_by_who_was_called_and_the_longest_has_its_hall() -> None:
    events = [
        queue("2026-03-02T10:00", 5, windows=4, longest=12.0, mean=10.0, called=30),
        queue("2026-03-02T10:01", 9, "south", windows=2, longest=25.0, mean=40.0, called=10),
    ]
    found = view("service", events, "2026-03-02T10:02")["waiting"]
    assert found["mean"] == [700.0, 40]
    assert (found["waiting"], found["windows"], found["longest"], found["where"]) == (14, 6, 25.0, "south")
    assert found["grade"] == "warn"
    assert view("service", events, "2026-03-02T10:02", "A")["waiting"]["waiting"] == 5, "a hall is where the city says"
    later = view("service", events, "2026-03-02T10:11")["waiting"]
    assert (later["silent"], later["waiting"], later["longest"]) == (1, 9, 25.0), "a silent queue is no empty queue"
    tomorrow = view("service", events, "2026-03-03T10:11")["waiting"]
    assert tomorrow["mean"] == [0, 0]


def test_today_stands_beside_the_working_day_before_up_to_the_same_time() -> None:
    events = [
        accepted("1", "2026-02-27T09:00"), accepted("2", "2026-02-27T16:00"), accepted("3", "2026-02-28T09:00"),
        accepted("4", "2026-02-28T11:59"), accepted("5", "2026-02-28T12:01"), accepted("6", "2026-03-02T09:00"),
    ]  # fmt: skip
    found = view("service", events, "2026-03-02T12:00")
    assert (found["like"], found["today"]["accepted"], found["before"]["accepted"]) == ("2026-02-28", 1, 2)
    assert (found["hours"][0][9], found["hours"][1][12]) == (1, 1)
    sunday = view("service", events, "2026-03-01T12:00")
    assert (sunday["like"], sunday["workday"]) == ("2026-02-22", False)
    told = view("service", [*events, report("south", "2026-02-28", accepted=7)], "2026-03-02T12:00")
    assert told["before"]["accepted"] is None, "a day that was told as a whole has no times"


def test_after_long_holidays_today_stands_beside_the_last_day_that_was_worked() -> None:
    events = [
        accepted("1", "2026-02-14T09:00"), finished("1", "2026-02-14T10:00"), accepted("2", "2026-02-14T11:59"),
        accepted("3", "2026-02-14T12:01"), accepted("4", "2026-02-17T09:00"), accepted("5", "2026-02-24T09:00"),
    ]  # fmt: skip
    found = view("service", events, "2026-02-24T12:00")
    assert (found["like"], found["workday"]) == ("2026-02-14", True), "nine days off lie between"
    assert (found["today"]["accepted"], found["before"]) == (1, {"accepted": 2, "finished": 1})
    assert found["hours"][1][9] == 1
    assert view("service_waiting", events, "2026-02-24T12:00")["like"] == "2026-02-14"
    # However far back the day may be that today is compared with, its moments are known.
    off = frozenset(range(day("2026-02-03"), day("2026-02-23")))
    long = service(
        [accepted("6", "2026-02-02T00:01"), accepted("7", "2026-02-02T12:01")], "2026-02-02T13:00",
        replace(RULES, calendar=WorkCalendar(ZONE, days_off=off)),
    )  # fmt: skip
    for text in ("2026-02-22T23:59", "2026-02-23T12:00"):
        long.advance(at(text).timestamp())
    shown = VIEWS["service"](long, PLACES.root.code, at("2026-02-23T12:00").timestamp())
    assert (shown["like"], shown["before"]["accepted"]) == ("2026-02-02", 1)


def test_a_report_counts_beside_what_is_told_one_by_one_and_its_correction_instead_of_it() -> None:
    events = [
        report("south", "2026-03-02", accepted=10, finished=9, due=9, kept=8, stars5=3, stars1=1, place="B"),
        report("north", "2026-03-02", accepted=2),
        accepted("1", "2026-03-02T09:00"),
    ]
    found = view("service", events, "2026-03-03T12:00")
    assert (found["on_time"], found["ratings"]["good"]) == ([8, 9], [3, 4])
    halls = {row["name"]: row["on_time"] for row in view("service_halls", events, "2026-03-03T12:00")["halls"]}
    assert halls == {"south": [8, 9], "north": [0, 0]}
    again = DayReported(
        id="new", source="s", subject="south", time=at("2026-03-04T09:00"), day="2026-03-02", due=9, kept=9, place="B"
    )
    assert view("service", [*events, again], "2026-03-03T12:00")["on_time"] == [9, 9]


def happenings(chance: random.Random, n: int = 60) -> list[Event]:
    """Everything that may happen, some of it odd, within three weeks."""
    events: list[Event] = []

    def moment() -> str:
        return (
            (at("2026-02-10T08:00") + timedelta(minutes=chance.randrange(21 * 1440))).replace(tzinfo=None).isoformat()
        )

    for number in range(n):
        name, where = (
            str(number),
            {"place": chance.choice(["A", "A1", "B", ""]), "hall": chance.choice([*HALLS, "x", ""])},
        )
        if chance.random() < 0.9:
            limits = {"promised_days": chance.choice([None, 1, 3]), "legal_days": chance.choice([None, 2, 9])}
            events.append(accepted(name, moment(), **where, **limits))
        events += [finished(name, moment())] if chance.random() < 0.7 else []
        events += [rated(name, moment(), chance.randint(1, 5), **where)] if chance.random() < 0.6 else []
        events += [redressed(name, moment())] if chance.random() < 0.3 else []
        found = queue(moment(), chance.randrange(9), chance.choice([*HALLS, "x"]), mean=1.5, called=4)
        if found.id not in {event.id for event in events}:  # One id has one content: a spool sees to that.
            events.append(found)
    for number in range(10):
        text = f"2026-02-{10 + number}"
        events.append(report(chance.choice([*HALLS]), text, accepted=3, due=2, kept=chance.randrange(4), stars1=1))
    return events


def everything(found: Service, now: float) -> str:
    return json.dumps({f"{name}|{p.code}": f(found, p.code, now) for name, f in VIEWS.items() for p in PLACES})


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000))
def test_order_repetition_and_snapshots_change_nothing(seed: int) -> None:
    chance = random.Random(seed)
    events, text = happenings(chance), "2026-03-01T15:00"
    now = at(text).timestamp()
    wanted = everything(service(events, text), now)
    chance.shuffle(events)
    other = service([*events, *events[:40]], text)
    assert everything(other, now) == wanted
    again = Service(RULES)
    again.load(msgspec.msgpack.decode(msgspec.msgpack.encode(other.dump())))
    again.advance(now)
    assert everything(again, now) == wanted


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000))
def test_when_the_clock_moved_does_not_matter_nor_that_it_ran_ahead(seed: int) -> None:
    chance = random.Random(seed)
    events = [event for event in happenings(chance) if not isinstance(event, QueueSeen)]
    now = at("2026-03-01T15:00").timestamp()
    wanted = everything(service(events, "2026-03-01T15:00"), now)
    other = Service(RULES)
    for event in events:
        other.fold(event)
        if chance.random() < 0.2:
            other.advance(now + 86400 * chance.choice([-15, -3, -1, 0.5, 12, 30]))
    other.advance(now)
    assert everything(other, now) == wanted


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_a_place_counts_what_its_children_count_and_what_is_known_only_there(seed: int) -> None:
    events = happenings(random.Random(seed))
    found = service(events, "2026-03-01T15:00")
    for kind, period in {slot for mine in found.ledger.counts.values() for slot in mine}:
        for place in PLACES:
            below = sum(found.ledger.total(child.code, kind, period) for child in PLACES.children(place.code))
            assert found.ledger.total(place.code, kind, period) >= below
    root, known = found.ledger, {"A": 0, "A1": 0, "B": 0, "": 0}
    for case in found.cases.values():
        if case.id:
            known[case.place] += 1
    accepted_now = {code: root.total(code, "hall accepted", 12 * 2026 + 1) for code in ("T", "A", "A1", "B")}
    reported = {"A1": 0, "B": 0}
    for one in found.reports.values():
        reported[one.place] += one.counts[0] if one.counts[3] <= one.counts[2] else 0
    march = sum(case.accepted >= at("2026-03-01T00:00").timestamp() for case in found.cases.values())
    assert accepted_now["A1"] + accepted_now["B"] <= accepted_now["T"]
    assert accepted_now["T"] == sum(known.values()) + sum(reported.values()) - march


def test_what_was_settled_long_ago_is_forgotten_and_what_is_open_is_not() -> None:
    events = [accepted("1", "2026-01-05T09:00"), finished("1", "2026-01-05T10:00"), accepted("2", "2026-01-05T09:00")]
    found = service(events, "2026-01-06T09:00")
    assert len(found.cases) == 2
    found.advance(at("2026-04-01T09:00").timestamp())
    assert [case.number for case in found.cases.values()] == ["2"]
    assert VIEWS["service"](found, "T", at("2026-04-01T09:00").timestamp())["open"] == 1


def test_a_queue_seen_by_a_clock_that_ran_ahead_is_of_now_once_it_is_put_right() -> None:
    found = service([queue("2026-03-02T10:00", 5)], "2026-03-02T10:00")
    found.fold(queue("2026-03-02T13:00", 7))
    found.advance(at("2026-03-02T13:00").timestamp())
    found.advance(at("2026-03-02T10:05").timestamp())
    found.fold(queue("2026-03-02T10:06", 3))
    found.advance(at("2026-03-02T10:06").timestamp())
    assert VIEWS["service"](found, "T", at("2026-03-02T10:06").timestamp())["waiting"]["waiting"] == 3
