"""Alerts of tickets: how grave each is, since when, and that a ticket is one alert however many reasons it has."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from dashboard.events import Event
from dashboard.nouns.noun import Alert
from dashboard.nouns.tally import Tickets
from dashboard.nouns.thresholds import IncidentTable
from dashboard.nouns.ticketalerts import alerts
from dashboard.nouns.ticketevents import TicketDispatched, TicketDone, TicketFiled, TicketSigned, TicketSupervised
from tests.dashboard.nouns.test_tickets import HOUR, NOW, RULES, closing, report

WET = replace(RULES, incidents=IncidentTable(categories=frozenset({"积水"})))


def made(kind: type[Event], number: str, after: timedelta = timedelta(), **more: Any) -> Event:
    return kind(id=f"{number}.{kind.__name__}", source="s", time=NOW + after, subject=number, **more)


def board(*events: Event, now: datetime = NOW) -> Tickets:
    tickets = Tickets(WET)
    for event in events:
        tickets.fold(event)
    tickets.advance(now.timestamp())
    return tickets


def told(tickets: Tickets) -> dict[str, Alert]:
    return {one.key.split("|")[2]: one for one in alerts(tickets, tickets.now) if one.key.startswith("ticket|")}


def handled(number: str) -> list[Event]:
    return [
        made(TicketFiled, number, HOUR / 12), made(TicketDispatched, number, HOUR / 6, unit="排水公司"),
        made(TicketSigned, number, HOUR / 4),
    ]  # fmt: skip


def test_an_emergency_is_graver_while_nobody_sees_to_it_or_its_time_runs_out() -> None:
    due = NOW + 10 * HOUR
    events = [report(name, category="积水", title="下穿通道积水", due=due) for name in ("new", "signed")]
    early = told(board(*events, *handled("signed"), now=NOW + HOUR))
    assert {name: one.severity for name, one in early.items()} == {"new": 2, "signed": 3}
    assert early["new"].since == NOW.timestamp()
    assert early["signed"].since == (NOW + HOUR / 4).timestamp()
    assert early["signed"].title.zh == "紧急事件处置中 · 下穿通道积水"
    assert early["signed"].unit == "排水公司"
    soon = told(board(*events, *handled("signed"), now=due - HOUR))
    assert {one.severity for one in soon.values()} == {2}
    late = told(board(*events, *handled("signed"), now=due + HOUR))
    assert {(one.severity, one.since, one.title.en.split(" · ")[0]) for one in late.values()} == {
        (1, due.timestamp(), "Emergency overdue")
    }
    assert early["new"].key == late["new"].key, "it is one alert that gets worse"


def test_a_ticket_is_one_alert_as_grave_as_its_worst_reason() -> None:
    tickets = board(
        report("1", category="积水", due=NOW + 10 * HOUR), *handled("1"), made(TicketSupervised, "1", HOUR, level=3),
        report("2", due=NOW + 10 * HOUR), made(TicketSupervised, "2", HOUR, level=1), report("3", due=NOW + HOUR),
        report("4", due=NOW + 10 * HOUR), now=NOW + 2.5 * HOUR,
    )  # fmt: skip
    found = told(tickets)
    assert {name: (one.severity, one.title.en.split(" · ")[0]) for name, one in found.items()} == {
        "1": (1, "Supervised, level 3, Emergency in hand"), "2": (3, "Supervised, level 1"),
        "3": (3, "Long overdue"),
    }  # fmt: skip
    assert found["1"].since == (NOW + HOUR).timestamp()
    tickets.fold(made(TicketDone, "1", 2 * HOUR))
    for number in ("1", "2", "3"):
        tickets.fold(closing(number, NOW + 2.5 * HOUR))
    assert told(tickets) == {}
