"""A frozen month stays as it was reported, whatever comes later, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bench.ticketpages import NOW, district, rows
from dashboard.casework.frozen import Frozen, lines
from dashboard.casework.ticketquery import Rate, TicketQuery
from dashboard.nouns.noun import Rules
from dashboard.nouns.periods import Calendar
from dashboard.nouns.sla import Limit, Limits
from dashboard.refusal import Refused
from dashboard.travel.history import History, tickets, upsert

ZONE = ZoneInfo("Asia/Shanghai")


def put(history: History, found: list[dict[str, Any]]) -> None:
    with history.engine.begin() as db:
        upsert(db, tickets, [tuple(row.get(column.name) for column in tickets.c) for row in found])


@pytest.fixture
def frozen(database_url: str) -> Iterator[Frozen]:
    places = district()
    history = History(database_url)
    history.prepare()
    put(history, list(rows(800, places)))
    yield Frozen(TicketQuery(history, places, Calendar(ZONE)), Rules(places, ZONE))
    history.close()


def test_what_was_frozen_stays_and_tells_what_would_be_another_number_today(frozen: Frozen) -> None:
    made = frozen.freeze("2026-09", "王主任", NOW)
    kept = frozen.kept("2026-09")
    assert (made.version, made.who) == (1, "王主任")
    assert frozen.differences("2026-09") == []
    assert kept[("", "", "on_time")].whole == sum(
        r.whole for (by, _, rate), r in kept.items() if (by, rate) == ("unit", "on_time")
    )
    assert kept[("", "", "on_time")].whole > 20
    late = next(row for row in rows(800, district()) if row["state"] == "closed" and row["on_time"] == 1
                and not row["exempted"]
                and frozen.query.calendar.day_and_month(row["deadline"])[1] == 12 * 2026 + 8)  # fmt: skip
    put(frozen.query.history, [{**late, "on_time": 0}])
    assert frozen.kept("2026-09") == kept
    changed = {key: (before, after) for key, before, after in frozen.differences("2026-09")}
    before, after = changed["", "", "on_time"]
    assert (before.part - after.part, before.whole) == (1, after.whole)
    assert any("On-time rate" in line for line in lines(made, kept))


def test_freezing_again_adds_a_version_and_only_when_asked(frozen: Frozen) -> None:
    frozen.freeze("2026-09", "A", NOW)
    with pytest.raises(Refused, match="by A already"):
        frozen.freeze("2026-09", "B", NOW)
    assert frozen.freeze("2026-09", "B", NOW + 5, again=True).version == 2
    assert frozen.month("2026-09") == frozen.all_months()[0]
    assert frozen.kept("2026-09", 1) == frozen.kept("2026-09", 2)


@pytest.mark.parametrize(("month", "who", "why"), [
    ("2026-11", "A", "not over yet"), ("2026-9", "A", "is no month"), ("2026-13", "A", "period"),
    ("2026-09", " ", "by somebody"),
])  # fmt: skip
def test_what_cannot_be_frozen_is_refused(frozen: Frozen, month: str, who: str, why: str) -> None:
    with pytest.raises((Refused, ValueError), match=why):
        frozen.freeze(month, who, NOW)
    assert frozen.month(month) is None


def test_other_rules_have_another_digest(frozen: Frozen) -> None:
    other = Frozen(frozen.query, replace(frozen.rules, limits=Limits(default=Limit(5))))
    assert other.digest != frozen.digest
    assert Frozen(frozen.query, frozen.rules).digest == frozen.digest


def test_nothing_frozen_is_nothing_known(frozen: Frozen) -> None:
    assert frozen.month("2026-09") is None
    assert frozen.kept("2026-09") == {}
    assert frozen.figures("2031-01") == {} != {("", "", "x"): Rate(0, 1)}
