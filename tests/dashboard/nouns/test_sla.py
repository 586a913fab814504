"""Limits as people write them, and the arithmetic of clocks that stop and go on."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.nouns.sla import (
    Limit,
    LimitError,
    Limits,
    Span,
    parse_limit,
    reached,
    turns,
    used,
)
from dashboard.nouns.worktime import CLOCKS, ClockKind, WorkCalendar

SHANGHAI = WorkCalendar(ZoneInfo("Asia/Shanghai"))
CALENDARS = [SHANGHAI, WorkCalendar(ZoneInfo("America/New_York"), ((9 * 60, 17 * 60),))]


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI.zone).timestamp()


def told(moment: float | None) -> str:
    return "" if moment is None else datetime.fromtimestamp(moment, SHANGHAI.zone).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("text", "clock", "limit"),
    [
        ("2紧急工作时", "", Limit(2, "urgent_hour")),
        ("4工作时", "", Limit(4, "work_hour")),
        ("2工作日", "", Limit(2, "work_day")),
        ("5个工作日", "工作日", Limit(5, "work_day")),
        ("7自然日", "", Limit(7, "natural_day")),
        ("7天", "natural_day", Limit(7, "natural_day")),
        ("24小时", "", Limit(24, "urgent_hour")),
        (" 2 工作时 ", "", Limit(2, "work_hour")),
        ("２４工作时", "", Limit(24, "work_hour")),
        ("0.5工作日", "", Limit(0.5, "work_day")),
        ("15", "工作日", Limit(15, "work_day")),
        ("2 urgent hours", "", Limit(2, "urgent_hour")),
        ("1 Working Hour", "", Limit(1, "work_hour")),
        ("5 business days", "工作日", Limit(5, "work_day")),
        ("7 days", "", Limit(7, "natural_day")),
        ("24h", "", Limit(24, "urgent_hour")),
        ("3 work-days", "", Limit(3, "work_day")),
        ("15分钟", "", Limit(0.25, "urgent_hour")),
        ("15 min", "", Limit(0.25, "urgent_hour")),
    ],
)
def test_limits_are_read(text: str, clock: str, limit: Limit) -> None:
    assert parse_limit(text, clock) == limit


@pytest.mark.parametrize(
    ("text", "clock", "why"),
    [
        ("2紧急工作时", "工作时", "the text '2紧急工作时' means 紧急工作时 .* make the two agree"),
        ("2 working days", "natural_day", "make the two agree"),
        ("0工作日", "", "leaves no time"),
        ("-3工作时", "", "leaves no time"),
        ("0", "工作日", "leaves no time"),
        ("400000天", "", "over ten years"),
        ("1e400工作日", "", "is no clock"),
        ("9" * 400 + "工作日", "", "leaves no time"),  # Infinity, to a computer.
        ("2", "", "does not say of what"),
        ("两日", "", "is no limit"),
        ("", "工作日", "is no limit"),
        ("2紧急", "", "is no clock; the clocks are 紧急工作时"),
        ("2工作时3工作日", "", "is no clock"),
        ("2工作日", "周", "'周' is no clock"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(text: str, clock: str, why: str) -> None:
    with pytest.raises(LimitError, match=why):
        parse_limit(text, clock)


@given(st.integers(1, 500).map(lambda n: n / 10), st.sampled_from(CLOCKS), st.sampled_from(["zh", "en"]))
def test_what_is_written_is_read_again(amount: float, clock: ClockKind, language: str) -> None:
    limit = Limit(amount, clock)
    assert parse_limit(limit.words[language]) == limit


def test_the_longest_limit_can_be_extended() -> None:
    assert parse_limit("3660天").extended(2).amount == 3 * 3660


def test_words() -> None:
    assert Limit(1, "work_day").words.en == "1 working day"
    assert Limit(2.5, "urgent_hour").words.zh == "2.5紧急工作时"


MANHOLE = Limits(
    exact={
        ("井盖", "缺失，影响安全"): Limit(2, "urgent_hour"),
        ("井盖", "破损"): Limit(4, "work_hour"),
    },
    categories={"路灯": Limit(2, "work_day")},
    default=Limit(7, "natural_day"),
    complete=True,
)


def test_a_limit_belongs_to_category_and_condition() -> None:
    assert MANHOLE.of("井盖", "缺失，影响安全") == Limit(2, "urgent_hour")
    assert MANHOLE.of("井盖", "破损") == Limit(4, "work_hour")
    assert MANHOLE.of("井盖") == MANHOLE.of("无名") == Limit(7, "natural_day")
    assert MANHOLE.of("路灯", "不亮") == Limit(2, "work_day")
    assert Limits().of("井盖") is None


def test_an_emergency_runs_nights_and_holidays() -> None:
    assert MANHOLE.of("井盖", "破损", urgent=True) == Limit(4, "urgent_hour")
    assert MANHOLE.of("路灯", urgent=True) == Limit(2, "natural_day")
    assert Limits(MANHOLE.exact, urgent=Limit(2)).of("井盖", "破损", urgent=True) == Limit(2, "urgent_hour")
    assert Limits().of("井盖", urgent=True) is None


def test_what_the_table_does_not_know() -> None:
    assert MANHOLE.flaw("井盖", "破损") == MANHOLE.flaw("井盖") == MANHOLE.flaw("路灯") == ""
    assert MANHOLE.flaw("井盖", "丢了") == "unknown_condition"
    assert MANHOLE.flaw("火星", "破损") == "unknown_category"
    assert Limits(categories={"路灯": Limit(2)}).flaw("火星") == ""


def test_a_pause_is_not_counted() -> None:
    # Wednesday from 10:00; paused at 11:00 with one of four hours used, resumed on Friday at 17:00.
    paused: list[Span] = [(at("2026-03-04 10:00"), at("2026-03-04 11:00"))]
    resumed = [*paused, (at("2026-03-06 17:00"), None)]
    limit = Limit(4, "work_hour")
    assert turns(paused, limit, SHANGHAI).overdue is None
    assert told(turns(resumed, limit, SHANGHAI).overdue) == "03-09 10:00"  # An hour on Friday, two on Monday.
    assert used(resumed, at("2026-03-09 08:30"), SHANGHAI, "work_hour") == 2.5
    # One extension: eight hours, and what was overdue is not.
    assert told(turns(resumed, limit.extended(1), SHANGHAI).overdue) == "03-09 16:00"


def test_lights_of_a_working_clock() -> None:
    # Ten working hours from Friday 16:00: 30 % are left after seven, purple comes ten hours after red.
    found = turns([(at("2026-03-06 16:00"), None)], Limit(10, "work_hour"), SHANGHAI)
    assert list(map(told, found)) == ["03-09 15:00", "03-09 18:00", "03-11 10:00"]
    stopped = turns([(at("2026-03-06 16:00"), at("2026-03-09 16:00"))], Limit(10, "work_hour"), SHANGHAI)
    assert list(map(told, stopped)) == ["03-09 15:00", "", ""]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(CALENDARS),
    st.lists(st.integers(1_760_000_000, 1_800_000_000), min_size=2, max_size=9, unique=True).map(sorted),
    st.integers(1, 40).map(lambda n: n / 2),
    st.sampled_from(CLOCKS),
)
def test_running_and_paused_are_all_there_is(
    calendar: WorkCalendar, edges: list[int], amount: float, clock: ClockKind
) -> None:
    now = edges[-1] + 86400.0
    stretches = [*pairwise(edges), (edges[-1], None)]
    running, paused = stretches[::2], stretches[1::2]
    elapsed = calendar.used(edges[0], now, clock)
    spent = used(running, now, calendar, clock)
    assert spent + used(paused, now, calendar, clock) == pytest.approx(elapsed, abs=1e-8)
    # The deadline is the moment at which the limit is used up, whatever pauses lie before it.
    due = reached(running, amount, calendar, clock)
    if due is None:
        assert running[-1][1] is not None
        assert spent < amount
    else:
        slack = 1 / 24 if clock == "natural_day" else 1e-6  # It may end in the hour that clocks jump over.
        assert used(running, due, calendar, clock) == pytest.approx(amount, abs=slack)
        assert used(running, due - 1, calendar, clock) < amount
