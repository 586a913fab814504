"""Tickets: what one contributes, when its light turns, and the arithmetic of the rates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.nouns.noun import Rules
from dashboard.nouns.rates import wilson
from dashboard.nouns.sla import Limit, Limits
from dashboard.nouns.tally import Tickets
from dashboard.nouns.tickets import (
    LIGHTS,
    TicketClosed,
    TicketReported,
    apply,
    deadline,
    light,
    on_time,
)
from dashboard.nouns.ticketviews import JUST_OVERDUE, NOUN, POINTS, URGENT
from dashboard.places import Place, PlaceTree
from dashboard.words import DASH, percent

TREE = PlaceTree.of(
    [
        Place("d", "区", "district"),
        Place("t1", "东镇", "town", "d", population=1000),
        Place("t2", "西镇", "town", "d"),
        Place("v1", "一村", "village", "t1"),
        Place("v2", "二村", "village", "t1"),
        Place("g1", "一村 01 网格", "grid", "v1"),
    ]
)
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 2, 30, tzinfo=UTC)  # Half past ten in Shanghai.
RULES = Rules(TREE, SHANGHAI, limits=Limits(categories={"井盖破损": Limit(24)}))
HOUR = timedelta(hours=1)


def report(number: str, time: datetime = NOW, **data: Any) -> TicketReported:
    return TicketReported(id=f"{number}.r", source="s", time=time, subject=number, **data)


def closing(number: str, time: datetime, **data: Any) -> TicketClosed:
    return TicketClosed(id=f"{number}.c", source="s", time=time, subject=number, **data)


def folded(*events: TicketReported | TicketClosed, now: datetime = NOW, rules: Rules = RULES) -> Tickets:
    tickets = Tickets(rules)
    tickets.advance(now.timestamp())
    for event in events:
        tickets.fold(event)
    return tickets


def view(tickets: Tickets, name: str, place: str = "d") -> Any:
    return NOUN.views[name](tickets, place, tickets.now)


# -- one ticket --------------------------------------------------------------------------------------------


def test_the_deadline_is_the_sources_own_or_else_the_citys_limit() -> None:
    own = apply(None, report("1", category="井盖破损", due=NOW + HOUR))
    limit = apply(None, report("2", category="井盖破损"))
    none = apply(None, report("3", category="其他"))
    assert deadline(own, RULES) == (NOW + HOUR).timestamp()
    assert deadline(limit, RULES) == (NOW + 24 * HOUR).timestamp()
    assert deadline(none, RULES) is None
    general = Rules(TREE, SHANGHAI, limits=Limits(default=Limit(48)))
    assert deadline(none, general) == (NOW + 48 * HOUR).timestamp()


def test_closed_at_the_deadline_is_on_time_and_a_moment_later_is_not() -> None:
    reported = report("1", due=NOW + HOUR)
    for late, expected in [(timedelta(), True), (timedelta(microseconds=1), False), (-HOUR, True)]:
        ticket = apply(apply(None, reported), closing("1", NOW + HOUR + late))
        assert on_time(ticket, RULES) is expected
    assert on_time(apply(None, reported), RULES) is None
    assert on_time(apply(apply(None, report("2")), closing("2", NOW + HOUR)), RULES) is None, "no deadline, no verdict"


def test_lights_turn_exactly_at_their_moments() -> None:
    tickets = folded(report("1", due=NOW + 10 * HOUR), report("2"))
    turns = [
        (timedelta(), "normal"),
        (7 * HOUR, "normal"),  # The last 30 % begin after seven of ten hours.
        (7 * HOUR + timedelta(milliseconds=1), "soon"),
        (10 * HOUR, "soon"),
        (10 * HOUR + timedelta(milliseconds=1), "overdue"),
        (20 * HOUR, "overdue"),
        (20 * HOUR + timedelta(milliseconds=1), "worst"),
        (500 * HOUR, "worst"),
    ]
    for after, expected in turns:
        tickets.advance((NOW + after).timestamp())
        lights = view(tickets, "tickets", "d")["lights"]
        assert lights == dict.fromkeys(LIGHTS, 0) | {expected: 1, "none": 1}, after
        ticket = tickets.tickets["s|1"]
        assert LIGHTS[light(ticket, tickets.now, RULES)[0]] == expected


def test_a_light_turns_over_several_steps_at_once() -> None:
    tickets = folded(report("1", due=NOW + 10 * HOUR, unit="u"))
    tickets.advance((NOW + 100 * HOUR).timestamp())
    assert view(tickets, "tickets")["lights"]["worst"] == 1
    assert view(tickets, "units")["units"][0]["late"] == 1


def test_a_closed_ticket_turns_no_more() -> None:
    tickets = folded(report("1", due=NOW + 10 * HOUR), closing("1", NOW + HOUR))
    tickets.advance((NOW + 100 * HOUR).timestamp())
    assert sum(view(tickets, "tickets")["lights"].values()) == 0


def test_the_thresholds_of_the_lights_are_the_citys() -> None:
    rules = Rules(TREE, SHANGHAI, soon_share=0.5, worst_multiple=2.0)
    ticket = apply(None, report("1", due=NOW + 10 * HOUR))
    for hours, expected in [(5, "normal"), (5.1, "soon"), (10.1, "overdue"), (30, "overdue"), (30.1, "worst")]:
        assert LIGHTS[light(ticket, (NOW + hours * HOUR).timestamp(), rules)[0]] == expected


def test_due_before_it_was_reported_is_overdue_at_once() -> None:
    tickets = folded(report("1", due=NOW - HOUR))
    assert view(tickets, "tickets")["lights"]["worst"] == 1


# -- what does not fit -------------------------------------------------------------------------------------


def test_a_closing_without_a_report_counts_nowhere_until_the_report_comes() -> None:
    tickets = folded(closing("1", NOW - HOUR))
    assert view(tickets, "tickets") == view(folded(), "tickets")
    assert tickets.anomalies() == {"s": {"closed_unreported": 1}}
    tickets.fold(report("1", NOW - 2 * HOUR))
    shown = view(tickets, "tickets")
    assert (shown["total"], shown["closed"], shown["open"]) == (1, 1, 0)
    assert tickets.anomalies() == {}


def test_closed_before_reported_is_an_anomaly_and_changes_no_count() -> None:
    tickets = folded(report("1", due=NOW + HOUR))
    expected = view(tickets, "tickets")
    tickets.fold(closing("1", NOW - HOUR))
    assert view(tickets, "tickets") == expected
    assert tickets.anomalies() == {"s": {"closed_before_reported": 1}}


def test_two_reports_of_one_ticket_are_settled_by_time_then_by_id() -> None:
    early, late = report("1", NOW - HOUR, place="v1"), TicketReported(
        id="0", source="s", time=NOW, subject="1", place="v2")  # fmt: skip
    same = TicketReported(id="0", source="s", time=NOW - HOUR, subject="1", place="t2")
    for events, winner in [((early, late), "v1"), ((late, early), "v1"), ((early, same, late), "t2")]:
        assert folded(*events).tickets["s|1"].place == winner
        assert view(folded(*events), "tickets")["total"] == 1
        assert view(folded(*events), "tickets", winner)["total"] == 1


def test_an_unknown_place_counts_in_the_city_alone_and_is_listed() -> None:
    tickets = folded(report("1", place="nowhere"), report("2", place="d", flaw="outside"), report("3", place="g1"))
    assert view(tickets, "tickets")["open"] == 3
    assert view(tickets, "tickets")["unplaced"] == 2
    assert view(tickets, "tickets", "t1")["unplaced"] == 0
    assert tickets.unplaced == {"unknown_place": 1, "outside": 1}
    assert view(tickets, "map")["only_here"] == 2
    assert view(tickets, "map")["places"]["t1"]["open"] == 1


# -- rates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "closed", "in_time", "closing_rate", "on_time_rate"),
    [(972, 911, 737, "93.72", "75.82"), (956, 902, 902, "94.35", "94.35"), (0, 0, 0, DASH, DASH)],
    ids=["bulletin_972", "bulletin_956", "nothing_due"],
)
def test_the_rates_of_the_bulletins(due: int, closed: int, in_time: int, closing_rate: str, on_time_rate: str) -> None:
    events: list[TicketReported | TicketClosed] = []
    for n in range(due):
        reported = NOW - timedelta(days=5)
        events.append(report(str(n), reported, due=reported + 24 * HOUR, place="v1", unit="u"))
        if n < closed:
            events.append(closing(str(n), reported + (20 if n < in_time else 30) * HOUR))
    tickets = folded(*events)
    for place in ("d", "t1", "v1"):
        shown = view(tickets, "tickets", place)
        assert shown["month_so_far"] == shown["due_month"] == [due, in_time]
        assert percent(shown["month_so_far"][1], shown["month_so_far"][0], 2) == on_time_rate
        assert percent(shown["closed"], shown["due_month"][0], 2) == closing_rate
    assert view(tickets, "tickets", "t2")["month_so_far"] == [0, 0]
    for row in view(tickets, "units")["units"]:
        assert (row["due"], row["on_time"], row["bound"]) == (due, in_time, wilson(in_time, due))


def test_due_in_a_period_is_what_falls_due_or_is_closed_in_it() -> None:
    october = datetime(2026, 10, 31, 15, 30, tzinfo=UTC)  # Half past eleven at night in Shanghai.
    cases = {
        "due_in_october": (report("1", october - 48 * HOUR, due=october), None, [0, 0]),
        "closed_in_november": (report("1", october - 48 * HOUR, due=october), NOW, [1, 0]),
        "due_and_closed_in_november": (report("1", NOW - HOUR, due=NOW), NOW - 0.5 * HOUR, [1, 1]),
        "due_in_december_closed_now": (report("1", NOW - HOUR, due=NOW + 480 * HOUR), NOW, [1, 1]),
        "due_later_this_month": (report("1", NOW, due=NOW + 48 * HOUR), None, [0, 0]),
        "overdue_this_month": (report("1", NOW - 9 * HOUR, due=NOW - HOUR), None, [1, 0]),
    }
    for name, (reported, closed, expected) in cases.items():
        tickets = folded(*([reported] if closed is None else [reported, closing("1", closed)]))
        assert view(tickets, "tickets")["month_so_far"] == expected, name


def test_agreement_is_counted_only_where_the_source_names_a_deadline() -> None:
    tickets = folded(
        report("1", NOW - 3 * HOUR, due=NOW), closing("1", NOW - HOUR, verdict="on_time"),
        report("2", NOW - 3 * HOUR, due=NOW), closing("2", NOW - HOUR, verdict="overdue"),
        report("3", NOW - 3 * HOUR, due=NOW), closing("3", NOW - HOUR),
        report("4", NOW - 3 * HOUR, category="井盖破损"), closing("4", NOW - HOUR, verdict="overdue"),
    )  # fmt: skip
    shown = view(tickets, "tickets")
    assert (shown["agree"], shown["disagree"], shown["on_time"], shown["with_target"]) == (1, 1, 4, 4)


def test_units_are_ranked_by_the_lower_bound_and_those_with_nothing_due_come_last() -> None:
    events: list[TicketReported | TicketClosed] = []
    for unit, whole, part in [("small", 3, 3), ("large", 100, 99), ("bad", 100, 50)]:
        for n in range(whole):
            number, reported = f"{unit}{n}", NOW - timedelta(days=3)
            events.append(report(number, reported, due=reported + HOUR, unit=unit))
            events.append(closing(number, reported + (0.5 if n < part else 2) * HOUR))
    events.append(report("x", due=NOW + HOUR, unit="new"))
    rows = view(folded(*events), "units")["units"]
    assert [row["unit"] for row in rows] == ["large", "small", "bad", "new"]
    assert (rows[-1]["due"], rows[-1]["bound"], rows[-1]["open"]) == (0, None, 1)


# -- today, the trend, the lists ---------------------------------------------------------------------------


def test_today_begins_at_the_citys_midnight_and_yesterday_ends_at_the_same_time_of_day() -> None:
    midnight = datetime(2026, 11, 20, tzinfo=SHANGHAI).astimezone(UTC)
    second = timedelta(seconds=1)
    tickets = folded(
        report("1", midnight), report("2", midnight - second), report("3", NOW), report("4", NOW - 24 * HOUR),
        report("5", NOW - 24 * HOUR - second), report("6", midnight - 24 * HOUR - second),
        closing("5", midnight), closing("6", midnight - second),
    )  # fmt: skip
    shown = view(tickets, "tickets")
    assert shown["today"] == {"opened": 2, "closed": 1}
    assert shown["yesterday"] == {"opened": 1, "closed": 0}


def test_due_within_the_hour() -> None:
    tickets = folded(
        report("1", due=NOW + HOUR, unit="a"), report("2", NOW - HOUR, due=NOW, unit="b"),
        report("3", due=NOW + HOUR - timedelta(seconds=1), unit="b"), report("4", NOW - HOUR, due=NOW - HOUR, unit="c"),
    )  # fmt: skip
    shown = view(tickets, "tickets")
    assert (shown["in_hour"], shown["in_hour_units"]) == (2, 1)
    assert shown["oldest_due"] == (NOW - HOUR).timestamp()


def test_the_trend_adds_up_to_the_last_day() -> None:
    events: list[TicketReported | TicketClosed] = [report(str(n), NOW - n * HOUR / 2) for n in range(100)]
    events += [closing(str(n), NOW - n * HOUR / 2 + HOUR / 4) for n in range(1, 100)]
    trend = view(folded(*events), "trend")
    assert len(trend["hours"]) == 24
    assert trend["hours"][-1] == NOW.timestamp() - 1800
    assert trend["opened"] == trend["day_before"] == [2] * 24
    assert trend["closed"] == [2] * 23 + [1]


def test_the_urgent_list_counts_down_and_long_overdue_ones_fill_it_up() -> None:
    hours = [-100, -50, -0.5, 0.5, 2, 30]
    tickets = folded(*(report(str(h), NOW - 200 * HOUR, due=NOW + h * HOUR) for h in hours), report("none"))
    rows = view(tickets, "urgent")["tickets"]
    assert [row["number"] for row in rows] == ["-100", "-50", "-0.5", "0.5", "2", "30"]
    assert [row["light"] for row in rows] == ["overdue"] * 3 + ["soon"] * 3
    assert view(tickets, "urgent")["open"] == 7
    for n in range(URGENT):
        tickets.fold(report(f"past{n}", NOW - 200 * HOUR, due=NOW - HOUR / 2))
        tickets.fold(report(f"ahead{n}", NOW - 200 * HOUR, due=NOW + HOUR / 4))
    lights = [row["light"] for row in view(tickets, "urgent")["tickets"]]
    assert lights == ["overdue"] * JUST_OVERDUE + ["soon"] * (URGENT - JUST_OVERDUE)


def test_points_are_those_of_the_lowest_levels_and_the_same_in_every_order() -> None:
    tickets = folded(*(report(str(n), place="g1", point=(113.0, 23.0)) for n in range(3)), report("x", place="g1"))
    assert view(tickets, "points")["points"] == []
    for place in ("v1", "g1"):
        assert [row[0] for row in view(tickets, "points", place)["points"]] == ["s|0", "s|1", "s|2"]
        assert view(tickets, "points", place)["open"] == 4


def test_of_too_many_points_the_same_ones_are_sent_in_every_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert POINTS == 20_000
    monkeypatch.setattr("dashboard.nouns.ticketviews.POINTS", 5)
    events = [report(f"{n:03}", place="g1", point=(113.0, 23.0)) for n in range(40)]
    there, back = view(folded(*events), "points", "g1"), view(folded(*reversed(events)), "points", "g1")
    assert there == back
    assert [row[0] for row in there["points"]] == [f"s|{n:03}" for n in range(5)]


def test_what_lies_before_the_windows_is_forgotten_the_same_way_whenever_it_comes() -> None:
    old, later = report("1", NOW, category="井盖破损"), (NOW + timedelta(days=20)).timestamp()
    before, after = folded(old), folded()
    before.advance(later)
    after.advance(later)
    after.fold(old)
    for tickets in (before, after):
        tickets.fold(closing("1", NOW + HOUR))
    assert before.tallies["d"].intake.moments == after.tallies["d"].intake.moments == []
    assert before.tallies["d"].closings.moments == after.tallies["d"].closings.moments == []
    for name in NOUN.views:
        assert view(before, name) == view(after, name), name


def test_a_dump_of_other_rules_is_counted_by_the_new_ones() -> None:
    tickets = folded(report("1", NOW - 5 * HOUR, category="其他", place="v1"))
    stricter = Tickets(Rules(TREE, SHANGHAI, limits=Limits(categories={"其他": Limit(4)})))
    stricter.load(tickets.dump())
    assert view(tickets, "tickets")["lights"]["none"] == 1
    assert view(stricter, "tickets")["lights"]["overdue"] == 1
