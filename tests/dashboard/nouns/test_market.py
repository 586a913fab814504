"""The market: stocks counted on, plans against time, what ends when, food with its n, and nothing doubled."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.board import NOUNS
from dashboard.events import Event
from dashboard.nouns.market import (
    ODDITIES,
    CertificateTold,
    EntityCancelled,
    EntityListed,
    EntityRegistered,
    EntityUnlisted,
    FoodFollowedUp,
    FoodSampled,
    InspectionTold,
    StockTold,
)
from dashboard.nouns.markettally import Market
from dashboard.nouns.noun import Alert
from tests.flow import PLACES, rules

ZONE = ZoneInfo("Asia/Shanghai")
NOON = "2026-03-20T12:00"
VIEWS = NOUNS["market"].views


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def stock(count: int, time: str, place: str = "A", kind: str = "shop", group: Any = "entity") -> StockTold:
    name = f"{group}{kind}{place}{time}"
    return StockTold(id=name, source="s", subject=kind, time=at(time), group=group, count=count, place=place)


def registered(name: str, time: str, place: str = "A", form: str = "shop", **more: Any) -> EntityRegistered:
    return EntityRegistered(id=f"{name}r", source="s", subject=name, time=at(time), form=form, place=place, **more)


def cancelled(name: str, time: str, place: str = "A", form: str = "shop", **more: Any) -> EntityCancelled:
    return EntityCancelled(id=f"{name}c", source="s", subject=name, time=at(time), form=form, place=place, **more)


def plan(time: str, done: int, planned: int = 100, name: str = "p", **more: Any) -> InspectionTold:
    given: dict[str, Any] = {"begins": "2026-03-01", "ends": "2026-03-31", "place": "A", **more}
    return InspectionTold(
        id=f"{name}{time}", source="s", subject=name, time=at(time), planned=planned, done=done, **given
    )


def certificate(name: str, expires: str, time: str = "2026-01-05T09:00", **more: Any) -> CertificateTold:
    given: dict[str, Any] = {"category": "elevator", "place": "A1", **more}
    return CertificateTold(id=f"{name}{time}", source="s", subject=name, time=at(time), expires=at(expires), **given)


def sample(name: str, time: str, passed: bool, category: str = "fish", place: str = "A") -> FoodSampled:
    return FoodSampled(id=name, source="s", subject=name, time=at(time), passed=passed, category=category, place=place)


def followed(name: str, time: str) -> FoodFollowedUp:
    return FoodFollowedUp(id=f"{name}{time}u", source="s", subject=name, time=at(time))


def market(events: Sequence[Event], now: str = NOON) -> Market:
    found = Market(rules())
    for event in events:
        found.fold(event)
    found.advance(at(now).timestamp())
    return found


def view(name: str, events: Sequence[Event], now: str = NOON, place: str = "T") -> dict[str, Any]:
    return VIEWS[name](market(events, now), place, at(now).timestamp())


def test_a_stock_is_counted_on_from_its_last_word() -> None:
    events = [
        stock(100, "2026-03-10T00:00"), stock(50, "2026-03-12T00:00", "B"),
        registered("1", "2026-03-09T09:00"), registered("2", "2026-03-11T09:00", "A1"),
        registered("3", "2026-03-11T10:00", "B"), registered("4", "2026-03-12T10:00", "B"),
        cancelled("5", "2026-03-13T10:00", "A1"), registered("6", "2026-03-20T11:00"),
        registered("7", "2026-03-20T13:00"),
    ]  # fmt: skip
    found = view("market", events)
    assert found["active"] == 100 + 2 - 1 + 50 + 1, "1 and 3 are in the stocks already, 7 is not yet"
    assert view("market", events, place="B")["active"] == 51
    assert view("market", events, place="A1")["active"] is None, "nobody has told of a stock there: a dash"
    assert found["month"] == [6, 1]
    assert found["today"] == [2, 0]


def test_growth_is_of_whole_months_and_needs_every_stock() -> None:
    months = [f"{2025 + (1 + at) // 12}-{(1 + at) % 12 + 1:02d}-28T12:00" for at in range(13)]
    events = [stock(1000 + 10 * number, month) for number, month in enumerate(months)]
    found = view("market", events)
    assert found["months"][0] == ["2025-02", 1000]
    assert found["year"] == [1120, 1000]
    gap = view("market", [*events, stock(5, "2026-02-01T00:00", "B")])
    assert (gap["months"][0], gap["year"]) == (["2025-02", None], None), (
        "one that was not told is not taken for nothing"
    )


def test_a_plan_is_behind_when_less_is_done_than_its_days_ask_for() -> None:
    events = [plan("2026-03-19T17:00", 40, found=8, put_right=6), plan("2026-03-20T11:00", 45, found=9, put_right=6)]
    found = view("market_inspections", events)
    (row,) = found["plans"]
    assert (row["done"], row["found"], row["put_right"], row["left"]) == (45, 9, 6, 11)
    assert row["gap"] == pytest.approx(100 * 19 / 31 - 45)
    assert (found["all"]["today"], found["all"]["behind"]) == (5, 1)
    assert found["days"][-1] == ["2026-03-20", 5]
    assert view("market_inspections", events, place="B")["plans"] == []


def test_certificates_are_counted_by_their_end_and_a_renewal_takes_its_place() -> None:
    events = [
        certificate("1", "2026-03-19T12:00"), certificate("2", "2026-03-25T12:00"),
        certificate("3", "2026-04-15T12:00"), certificate("4", "2026-06-01T12:00"),
        certificate("5", "2026-03-01T12:00", gone=True),
        stock(40, "2026-01-01T00:00", kind="elevator", group="equipment"),
    ]  # fmt: skip
    found = view("market_due", events)
    assert (found["overdue"], found["soon"], found["near"]) == (1, 1, 2)
    assert found["weeks"] == [1, 1, 0, 0, 1, 0]
    assert found["categories"] == [{"name": "elevator", "overdue": 1, "near": 2, "of": 40, "soon": 1}]
    assert [row["number"] for row in found["rows"]] == ["1", "2", "3"]
    renewed = [*events, certificate("1", "2027-03-19T12:00", "2026-03-18T09:00")]
    assert view("market_due", renewed)["overdue"] == 0
    assert view("market_due", events, "2026-03-19T11:59")["overdue"] == 0


def test_food_has_its_n_and_few_samples_do_not_lead() -> None:
    events = [sample(f"f{n}", "2026-03-02T09:00", n >= 12) for n in range(100)]
    events += [sample("x", "2026-03-02T09:00", False, "jam"), sample("old", "2025-12-30T09:00", False)]
    found = view("market_food", events)
    assert found["rate"] == [88, 101], "of this year"
    assert [(row["name"], row["rate"]) for row in found["categories"]] == [("jam", [0, 1]), ("fish", [88, 100])]
    assert found["categories"][0]["bound"] < 0.21, "one bad one of one says no more than that"
    assert found["months"][-4][1:] == [0, 1]
    again = [*events, FoodSampled(id="c", source="s", subject="x", time=at("2026-03-03T09:00"), passed=True)]
    assert view("market_food", again)["rate"] == [89, 101], "the second analysis counts instead of the first"


def told(events: Sequence[Event], now: str = NOON) -> list[Alert]:
    tell = NOUNS["market"].alerts
    assert tell is not None
    return list(tell(market(events, now), at(now).timestamp()))


def test_what_has_lapsed_is_one_alert_that_another_days_lapse_renews() -> None:
    events = [certificate(str(n), f"2026-03-{10 + n % 5}T12:00") for n in range(7)]
    (one,) = told([*events, certificate("ahead", "2026-03-21T12:00")])
    assert (one.severity, one.since, one.title.en) == (4, at("2026-03-10T12:00").timestamp(), "Certificates lapsed: 7")
    assert one.text.zh == "elevator 7"
    fewer = [*events, certificate("0", "2027-03-10T12:00", "2026-03-19T09:00")]
    assert told(fewer)[0].key == one.key, "one that was renewed leaves the alert what it is"
    assert told([*events, certificate("ahead", "2026-03-19T12:00")])[0].key != one.key
    assert told([certificate(str(n), "2026-03-10T12:00") for n in range(20)])[0].severity == 3
    assert told([certificate("gone", "2026-03-10T12:00", gone=True)]) == []


def test_failed_food_is_an_alert_when_its_source_tells_of_follow_ups_and_of_none_in_time() -> None:
    failed = [sample("f", "2025-12-01T09:00", False), sample("g", "2025-12-19T11:00", False)]
    assert told(failed) == [], "whether anybody followed it up is not known"
    events = [*failed, sample("h", "2026-01-20T09:00", False), followed("h", "2026-02-20T09:00")]
    (one,) = told(events)
    assert (one.title.en, one.since) == ("Failed food not followed up: 2 samples", at("2026-03-01T09:00").timestamp())
    assert told(events, "2026-03-19T10:59")[0].title.en.endswith("1 samples")
    assert told([*events, *(followed(name, "2026-03-20T09:00") for name in "fg")]) == []
    rows = {row["number"]: row["followed"] for row in view("market_food", events)["failed"]}
    assert rows == {"f": False, "g": False, "h": True}
    assert view("market_food", events)["neglected"] == 2
    assert view("market_food", events, place="B")["neglected"] == 0
    again = [*events, *(followed(name, "2026-03-20T09:00") for name in "fg"), sample("f2", "2025-12-01T09:00", False)]
    random.Random(3).shuffle(again)
    assert [one.text.en for one in told(again)] == ["Beyond 90 days · f2"]


def test_an_older_snapshot_knows_nothing_of_follow_ups() -> None:
    board = market([sample("f", "2025-12-01T09:00", False), certificate("1", "2026-03-10T12:00")])
    dumped = msgspec.msgpack.decode(msgspec.msgpack.encode(board.dump()))
    fresh = Market(rules())
    fresh.load(dumped[:5])
    assert (len(fresh.samples), fresh.follows, fresh.followed("s|f")) == (1, {}, None)


def test_lists_are_counted_on_too() -> None:
    def moved(kind: Any, name: str, time: str) -> Event:
        found: Event = kind(id=f"{name}{time}", source="s", subject=name, time=at(time), roll="abnormal", place="A")
        return found

    events = [
        stock(10, "2026-03-01T00:00", kind="abnormal", group="listed"), moved(EntityListed, "1", "2026-03-02T09:00"),
        moved(EntityUnlisted, "1", "2026-03-05T09:00"), moved(EntityListed, "1", "2026-03-09T09:00"),
    ]  # fmt: skip
    found = view("market", events)
    assert (found["listed"], found["moved"]) == ({"abnormal": 11}, [2, 1])


def test_what_does_not_fit_is_named_and_bends_nothing() -> None:
    good: list[Event] = [
        stock(100, "2026-03-01T00:00"),
        registered("1", "2026-03-02T09:00"),
        plan("2026-03-19T17:00", 40),
    ]
    plain = view("market", good)
    assert plain["odd"] == {}
    odd: dict[str, list[Event]] = {
        "more_found_than_done": [plan("2026-03-19T17:00", 4, name="q", found=5)],
        "more_put_right_than_found": [plan("2026-03-19T17:00", 4, name="q", found=1, put_right=2)],
        "ends_before_it_begins": [plan("2026-03-19T17:00", 4, name="q", ends="2026-02-28")],
        "impossible_day": [plan("2026-03-19T17:00", 4, name="q", begins="2026-02-30")],
        "cancelled_before_registered": [cancelled("1", "2026-03-01T09:00")],
    }
    odd |= {
        "follow_up_of_unknown_sample": [followed("q", "2026-03-03T09:00")],
        "follow_up_of_passed_sample": [sample("q", "2026-03-03T09:00", True), followed("q", "2026-03-04T09:00")],
        "followed_up_before_judged": [sample("q", "2026-03-03T09:00", False), followed("q", "2026-03-02T09:00")],
    }
    assert set(odd) == set(ODDITIES)
    for name, events in odd.items():
        found = view("market", [*good, *events])
        told = view("market_oddities", [*good, *events])
        assert told["sources"] == {"s": {name: 1}}
        assert told["some"]["s"][name] == ["1" if name == "cancelled_before_registered" else "q"]
        assert found["odd"] == {name: 1}
        for key in ("active", "month", "inspections", "due"):
            assert found[key] == plain[key], name


def happenings(chance: random.Random) -> list[Event]:
    events: list[Event] = []

    def moment() -> str:
        return (
            (at("2026-01-20T08:00") + timedelta(minutes=chance.randrange(60 * 1440))).replace(tzinfo=None).isoformat()
        )

    for number in range(60):
        where, name = chance.choice(["A", "A1", "B", ""]), str(chance.randrange(40))
        form = chance.choice(["shop", "firm"])
        events.append(registered(name, moment(), where, form, sector=chance.choice(["food", "trade"])))
        events.append(cancelled(name, moment(), where, form))
        events.append(certificate(name, moment(), moment(), place=where, gone=chance.random() < 0.2))
        events.append(sample(name, moment(), chance.random() < 0.8, place=where))
        if number % 4 == 0:
            events.append(stock(chance.randrange(500), moment(), where, form))
            events.append(plan(moment(), chance.randrange(50), name=name, found=chance.randrange(20), place=where))
            roll = {"roll": "abnormal", "place": where, "source": "s", "time": at(moment())}
            kind: Any = chance.choice([EntityListed, EntityUnlisted])
            events.append(kind(id=f"{name}{number}", subject=name, **roll))
    return events


def everything(found: Market) -> str:
    now = at(NOON).timestamp()
    return json.dumps({f"{name}|{p.code}": f(found, p.code, now) for name, f in VIEWS.items() for p in PLACES})


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_order_repetition_snapshots_and_clocks_change_nothing(seed: int) -> None:
    chance = random.Random(seed)
    events = happenings(chance)
    wanted = everything(market(events))
    chance.shuffle(events)
    other = Market(rules())
    for event in [*events, *events[:60]]:
        other.fold(event)
        if chance.random() < 0.1:
            other.advance(at(NOON).timestamp() + 86400 * chance.choice([-40, -1, 0.5, 30]))
    other.advance(at(NOON).timestamp())
    assert everything(other) == wanted
    again = Market(rules())
    again.load(msgspec.msgpack.decode(msgspec.msgpack.encode(other.dump())))
    again.advance(at(NOON).timestamp())
    assert everything(again) == wanted


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_a_place_counts_what_its_children_count_and_what_is_known_only_there(seed: int) -> None:
    events = happenings(random.Random(seed))
    found, now = market(events), at(NOON).timestamp()
    judged = list(found.samples.values())
    expiring = [one for one in found.certificates.values() if one.expires < now and not one.gone]
    months = {found.calendar.day_and_month(sample.at)[1] for sample in judged}
    for place in PLACES:
        inner = PLACES.children(place.code)
        # What comes without a place is known of the whole city only.
        own = (place.code, "") if place.code == PLACES.root.code else (place.code,)
        below = sum(found.ending(child.code, 0, now) for child in inner)
        assert found.ending(place.code, 0, now) == below + sum(one.place in own for one in expiring)
        for month in months:
            told = sum(one.place in own and found.calendar.day_and_month(one.at)[1] == month for one in judged)
            below = sum(found.ledger.total(child.code, "sampled", month) for child in inner)
            assert found.ledger.total(place.code, "sampled", month) == below + told


def test_what_is_older_than_the_series_is_forgotten() -> None:
    events = [
        registered("1", "2024-12-01T09:00"),
        cancelled("1", "2026-03-01T09:00"),
        sample("1", "2024-12-01T09:00", True),
    ]
    found = market(events)
    assert [change.what for change in found.changes.values()] == ["cancelled"]
    assert not found.samples
    assert VIEWS["market"](found, "T", at(NOON).timestamp())["month"] == [0, 1]
