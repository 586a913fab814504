"""Working time: worked by hand around holidays and changes of the clocks, and as laws over random calendars."""

from __future__ import annotations

from datetime import date, datetime
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.nouns.worktime import CLOCKS, ClockKind, WorkCalendar

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


def dates(*texts: str) -> frozenset[int]:
    """Dates, and spans of them written ``first/last``, as ordinals."""
    found: set[int] = set()
    for text in texts:
        first, _, last = text.partition("/")
        found |= set(range(date.fromisoformat(first).toordinal(), date.fromisoformat(last or first).toordinal() + 1))
    return frozenset(found)


# The State Council's notices for 2025 and 2026 (国办发明电〔2024〕12号, 〔2025〕7号), as far as these tests go.
CHINA = WorkCalendar(
    SHANGHAI,
    days_off=dates("2025-01-28/2025-02-04", "2025-10-01/2025-10-08", "2026-02-15/2026-02-23", "2026-10-01/2026-10-07"),
    days_on=dates("2025-01-26", "2025-02-08", "2025-09-28", "2025-10-11", "2026-02-14", "2026-02-28", "2026-09-20",
                  "2026-10-10"),
    known_years=frozenset({2025, 2026}),
)  # fmt: skip
YORK = WorkCalendar(NEW_YORK, ((9 * 60, 17 * 60),), days_off=dates("2026-07-03"))
ROUND_THE_CLOCK = WorkCalendar(NEW_YORK, ((0, 24 * 60),), weekend=frozenset())
ODD = WorkCalendar(ZoneInfo("America/Havana"), ((0, 90), (7 * 60 + 30, 23 * 60)), days_on=dates("2026-03-08"))
CALENDARS = [CHINA, YORK, ROUND_THE_CLOCK, ODD]


def at(text: str, calendar: WorkCalendar = CHINA) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=calendar.zone).timestamp()


def told(moment: float, calendar: WorkCalendar = CHINA) -> str:
    return datetime.fromtimestamp(moment, calendar.zone).strftime("%Y-%m-%d %H:%M:%S").removesuffix(":00")


# Each line was worked with a wall calendar and a pencil.
BY_HAND: list[tuple[str, float, ClockKind, str]] = [
    # Spring Festival 2025: free from Tuesday 28 January to Tuesday 4 February; Sunday 26 January and Saturday
    # 8 February are worked.
    ("2025-01-24 17:00", 2, "work_hour", "2025-01-26 09:00"),  # Friday → the Sunday that is worked.
    ("2025-01-27 17:00", 2, "work_hour", "2025-02-05 09:00"),  # The last day before → the first after.
    ("2025-01-27 23:59", 4, "work_hour", "2025-02-05 12:00"),  # A minute to midnight on the eve.
    ("2025-01-27 23:59", 2, "urgent_hour", "2025-01-28 01:59"),  # Danger knows no holiday.
    ("2025-01-27 23:59", 1, "work_day", "2025-02-05 18:00"),
    ("2025-01-27 23:59", 7, "natural_day", "2025-02-03 23:59"),
    ("2025-01-27 15:00", 2, "work_day", "2025-02-06 15:00"),  # 27 Jan, 5 and 6 Feb.
    ("2025-02-07 15:00", 1, "work_day", "2025-02-08 15:00"),  # Friday → the Saturday that is worked.
    ("2025-01-25 10:00", 1, "work_day", "2025-01-26 18:00"),  # Saturday is free.
    ("2025-01-24 10:00", 5, "work_day", "2025-02-07 10:00"),  # 24, 26, 27 Jan, 5, 6, 7 Feb.
    # National Day and Mid-Autumn 2025: 1 to 8 October; Sunday 28 September and Saturday 11 October are worked.
    ("2025-09-30 23:59", 2, "work_hour", "2025-10-09 10:00"),
    ("2025-09-26 16:00", 4, "work_hour", "2025-09-28 10:00"),  # Two on Friday, two on the Sunday.
    ("2025-09-30 16:00", 5, "work_day", "2025-10-14 16:00"),  # 30 Sep; 9, 10, 11, 13, 14 Oct.
    ("2025-10-10 17:30", 1, "work_hour", "2025-10-11 08:30"),
    # Spring Festival 2026: Sunday 15 to Monday 23 February; Saturdays 14 and 28 February are worked.
    ("2026-02-13 17:00", 2, "work_hour", "2026-02-14 09:00"),
    ("2026-02-14 23:59", 2, "work_hour", "2026-02-24 10:00"),
    ("2026-02-14 15:00", 5, "work_day", "2026-02-28 15:00"),  # 14; 24, 25, 26, 27, 28.
    ("2026-02-14 23:59", 15, "natural_day", "2026-03-01 23:59"),  # Over a month's end.
    # National Day 2026: 1 to 7 October; Sunday 20 September and Saturday 10 October are worked.
    ("2026-09-18 17:00", 1.5, "work_hour", "2026-09-20 08:30"),
    ("2026-09-30 23:59", 1, "work_day", "2026-10-08 18:00"),
    ("2026-09-30 09:00", 4, "work_day", "2026-10-12 09:00"),  # 30 Sep; 8, 9, 10 (Saturday), 12 Oct.
    # Months' ends, a leap day, the noon break, and the edges of the working day.
    ("2026-01-31 10:00", 1, "natural_day", "2026-02-01 10:00"),
    ("2024-02-28 10:00", 1, "natural_day", "2024-02-29 10:00"),
    ("2026-04-30 17:00", 2, "work_hour", "2026-05-01 09:00"),  # This calendar knows no Labour Day.
    ("2026-03-04 11:30", 1, "work_hour", "2026-03-04 14:30"),
    ("2026-03-04 08:00", 4, "work_hour", "2026-03-04 12:00"),  # Ends as the break begins, not as it ends.
    ("2026-03-04 12:30", 4, "work_hour", "2026-03-04 18:00"),
    ("2026-03-04 18:00", 1, "work_day", "2026-03-05 18:00"),
    ("2026-03-04 08:00", 1, "work_day", "2026-03-04 18:00"),
    ("2026-03-04 03:00", 0.5, "work_day", "2026-03-04 12:00"),
    ("2026-03-04 00:00", 0.25, "urgent_hour", "2026-03-04 00:15"),
]


@pytest.mark.parametrize(("start", "amount", "kind", "end"), BY_HAND)
def test_china_by_hand(start: str, amount: float, kind: ClockKind, end: str) -> None:
    assert told(CHINA.after(at(start), amount, kind)) == end
    assert CHINA.used(at(start), at(end), kind) == pytest.approx(amount, abs=1e-9)


# New York put its clocks forward on Sunday 8 March 2026 at two, and back on Sunday 1 November 2026 at two.
YORK_BY_HAND: list[tuple[WorkCalendar, str, float, ClockKind, str]] = [
    (YORK, "2026-03-07 12:00", 24, "urgent_hour", "2026-03-08 13:00"),
    (YORK, "2026-10-31 12:00", 24, "urgent_hour", "2026-11-01 11:00"),
    (YORK, "2026-03-07 12:00", 1, "natural_day", "2026-03-08 12:00"),  # 23 hours.
    (YORK, "2026-10-31 12:00", 1, "natural_day", "2026-11-01 12:00"),  # 25 hours.
    (YORK, "2026-03-07 02:30", 1, "natural_day", "2026-03-08 03:00"),  # That day had no half past two.
    (YORK, "2026-10-26 23:00", 7, "natural_day", "2026-11-02 23:00"),
    (YORK, "2026-03-06 16:00", 2, "work_hour", "2026-03-09 10:00"),  # Friday → Monday.
    (YORK, "2026-10-30 16:00", 1, "work_day", "2026-11-02 16:00"),
    (YORK, "2026-07-02 16:00", 1, "work_day", "2026-07-06 16:00"),  # Independence Day, observed on Friday.
    (ROUND_THE_CLOCK, "2026-03-08 01:00", 2, "work_hour", "2026-03-08 04:00"),
    (ROUND_THE_CLOCK, "2026-11-01 00:30", 4, "work_hour", "2026-11-01 03:30"),
    (ROUND_THE_CLOCK, "2026-03-08 00:00", 1, "work_day", "2026-03-09 00:00"),
    (ROUND_THE_CLOCK, "2026-11-01 00:00", 25, "work_hour", "2026-11-02 00:00"),
]


@pytest.mark.parametrize(("calendar", "start", "amount", "kind", "end"), YORK_BY_HAND)
def test_new_york_by_hand(calendar: WorkCalendar, start: str, amount: float, kind: ClockKind, end: str) -> None:
    assert told(calendar.after(at(start, calendar), amount, kind), calendar) == end


def test_a_skipped_day() -> None:
    apia = WorkCalendar(ZoneInfo("Pacific/Apia"))  # West of the date line until Thursday 29 December 2011.
    assert told(apia.after(at("2011-12-29 10:00", apia), 2, "natural_day"), apia) == "2011-12-31 10:00"
    assert told(apia.after(at("2011-12-29 17:00", apia), 2, "work_hour"), apia) == "2012-01-02 09:00"


amounts = st.integers(1, 400).map(lambda n: n / 4)
moments = st.integers(1_700_000_000, 1_830_000_000) | st.floats(1.7e9, 1.83e9).map(lambda moment: round(moment, 6))


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(CALENDARS), moments, amounts, st.sampled_from(CLOCKS))
@example(YORK, 1772868600, 1, "natural_day")  # Half past two of the day before there was none.
def test_after_and_used_are_inverses(calendar: WorkCalendar, start: float, amount: float, kind: ClockKind) -> None:
    end = calendar.after(start, amount, kind)
    slack = 1e-9
    if kind == "natural_day" and calendar.used(end - 0.001, end, kind) > 1e-6:
        slack = 1 / 24  # It ends in the hour that clocks jumped over: as it begins, and then it is over.
        assert calendar.used(start, end - 0.001, kind) <= amount
    assert calendar.used(start, end, kind) == pytest.approx(amount, rel=0, abs=slack)
    assert calendar.used(start, end - 1, kind) < amount  # And it is the first such moment.


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CALENDARS), st.lists(moments, min_size=3, max_size=3).map(sorted), st.sampled_from(CLOCKS))
def test_time_adds_up(calendar: WorkCalendar, three: list[float], kind: ClockKind) -> None:
    first, second, third = three
    whole = calendar.used(first, third, kind)
    assert whole == pytest.approx(calendar.used(first, second, kind) + calendar.used(second, third, kind), abs=1e-9)
    assert 0 <= whole <= calendar.used(first, third, "urgent_hour") + 1e-9


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(CALENDARS), moments, st.integers(1, 3000))
def test_work_is_what_walking_through_the_minutes_finds(calendar: WorkCalendar, start: float, minutes: int) -> None:
    start = start // 60 * 60
    worked = 0
    for minute in range(minutes):
        local = datetime.fromtimestamp(start + 60 * minute, calendar.zone)
        into = 60 * local.hour + local.minute
        worked += calendar.is_workday(local.toordinal()) and any(s <= into < e for s, e in calendar.hours)
    assert calendar.used(start, start + 60 * minutes, "work_hour") == pytest.approx(worked / 60, abs=1e-9)


def test_how_far_a_calendar_goes() -> None:
    assert CHINA.after(at("2099-12-31 12:00"), 1e6, "work_day") == inf
    assert told(CHINA.after(at("2199-12-20 12:00"), 1, "natural_day")) == "2199-12-21 12:00"
    assert CHINA.after(at("2026-03-04 12:00"), 0, "work_hour") == at("2026-03-04 12:00")
    assert CHINA.used(at("2026-03-04 12:00"), at("2026-03-04 08:00"), "work_hour") == 0
    for outside in (at("1960-01-01"), at("2300-01-01")):
        with pytest.raises(ValueError, match="a calendar goes from 1968 to 2200"):
            CHINA.after(outside, 1, "work_day")
        with pytest.raises(ValueError, match="a calendar goes from 1968 to 2200"):
            CHINA.used(min(outside, 0.0), max(outside, 0.0), "work_day")


@pytest.mark.parametrize(
    "hours", [(), ((600, 500),), ((480, 720), (700, 900)), ((480, 480),), ((1000, 1500),), ((-5, 9),)]
)
def test_hours_that_cannot_be(hours: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match="working hours must lie within the day"):
        WorkCalendar(SHANGHAI, hours)


def test_a_week_needs_a_working_day() -> None:
    with pytest.raises(ValueError, match="without a single working day"):
        WorkCalendar(SHANGHAI, weekend=frozenset(range(7)))
