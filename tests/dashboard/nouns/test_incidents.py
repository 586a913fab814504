"""Incidents: which open tickets are an emergency, by the time they have left, and as points of the map."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashboard.nouns.incidents import POINTS
from dashboard.nouns.shelf import Shelf
from dashboard.nouns.sla import Limit, Limits
from dashboard.nouns.thresholds import IncidentTable
from dashboard.nouns.tickets import LIGHTS
from tests.dashboard.nouns.test_tickets import HOUR, NOW, RULES, closing, folded, report, view

WET = replace(RULES, incidents=IncidentTable(categories=frozenset({"积水"}), hours=2))


def test_an_emergency_is_of_a_category_or_urgent_or_has_little_time() -> None:
    rules = replace(WET, limits=Limits(categories={"燃气": Limit(2), "噪声": Limit(2, "work_hour"), "路灯": Limit(24)}))
    tickets = folded(
        report("category", category="积水"), report("urgent", category="路灯", urgent=True),
        report("limit", category="燃气"), report("worked", category="噪声"), report("none", category="路灯"),
        rules=rules,
    )  # fmt: skip
    assert {row["number"] for row in view(tickets, "incidents")["incidents"]} == {"category", "urgent", "limit"}
    calm = replace(rules, incidents=IncidentTable(urgent=False))
    assert (
        view(folded(report("urgent", urgent=True), report("limit", category="燃气"), rules=calm), "incidents")["total"]
        == 0
    )


def test_they_stand_by_the_time_left_without_a_deadline_last_and_leave_when_closed() -> None:
    tickets = folded(
        report("later", category="积水", due=NOW + 5 * HOUR, place="v1"), report("never", category="积水", place="t2"),
        report("soon", category="积水", due=NOW + HOUR, place="v2"), report("other", due=NOW + HOUR), rules=WET,
    )  # fmt: skip
    found = view(tickets, "incidents")
    assert [(row["number"], row["due"] is None) for row in found["incidents"]] == [
        ("soon", False), ("later", False), ("never", True),
    ]  # fmt: skip
    assert (found["total"], found["places"], found["lights"]["normal"]) == (3, {"t1": 2, "t2": 1}, 2)
    tickets.advance((NOW + 2 * HOUR).timestamp())
    assert view(tickets, "incidents")["incidents"][0]["light"] == "overdue"
    assert view(tickets, "incident_states")["places"] == {"t1": [1, 2], "t2": [1, 1]}
    tickets.fold(closing("soon", NOW + 2 * HOUR))
    assert [row["number"] for row in view(tickets, "incidents", "t1")["incidents"]] == ["later"]


def test_the_states_stand_in_the_order_of_the_points_and_the_version_changes_with_the_points_alone() -> None:
    spots = [*((113.0 + n / 9, 23.0) for n in range(4)), None]
    events = [
        report(f"{n}", category="积水", place="v1", due=NOW + (n - 2) * HOUR, point=spot)
        for n, spot in enumerate(spots)
    ]
    tickets = folded(*events, now=NOW + timedelta(minutes=1), rules=WET)
    points, states = view(tickets, "incident_points"), view(tickets, "incident_states")
    assert points["version"] == states["version"]
    assert [row[0] for row in points["points"]] == ["s|0", "s|1", "s|2", "s|3"]
    lights = [LIGHTS[light] for light, many in zip(*[iter(states["states"])] * 2, strict=True) for _ in range(many)]
    assert lights == [LIGHTS[tickets.light(row[0])] for row in points["points"]]
    assert (sum(states["counts"]), states["unlocated"]) == (4, 1)
    assert [said[4] for said in states["said"]] == [(NOW + (n - 2) * HOUR).timestamp() for n in range(4)]
    tickets.advance((NOW + 3 * HOUR).timestamp())
    assert view(tickets, "incident_states")["version"] == states["version"]
    tickets.fold(closing("0", NOW + 3 * HOUR))
    assert view(tickets, "incident_states")["version"] != states["version"]


def test_of_too_many_those_with_the_least_time_left_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert POINTS == 5_000
    monkeypatch.setattr("dashboard.nouns.incidents.POINTS", 3)
    monkeypatch.setattr("dashboard.nouns.incidents.SAID", 2)
    events = [report(f"{n}", category="积水", due=NOW + (9 - n) * HOUR, point=(113.0, 23.0)) for n in range(9)]
    tickets = folded(*events, rules=WET)
    assert [row[0] for row in view(tickets, "incident_points")["points"]] == ["s|6", "s|7", "s|8"]
    states = view(tickets, "incident_states")
    assert (states["unlocated"], "said" in states) == (6, False)


class Looked(Shelf):
    """Tickets that count how often one of them is looked at."""

    times = 0

    def __getitem__(self, key: str) -> Any:
        Looked.times += 1
        return super().__getitem__(key)


def test_a_view_looks_at_the_emergencies_alone_however_many_tickets_are_open() -> None:
    tickets = folded(rules=WET)
    for n in range(3000):
        more: dict[str, Any] = {"category": "积水"} if n % 100 == 0 else {"category": "其他"}
        tickets.fold(report(str(n), place="g1", due=NOW + n * HOUR, point=(113.0, 23.0), **more))
    assert view(tickets, "incidents")["total"] == 30  # Settles what has been folded, once.
    tickets.tickets = Looked(tickets.tickets.values())
    for name in ("incidents", "incident_points", "incident_states"):
        Looked.times = 0
        view(tickets, name)
        assert 30 <= Looked.times <= 3 * 30, f"{name} looked at {Looked.times} tickets"
