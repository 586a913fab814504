"""Days and months in zones that change their clocks, and windows of moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.nouns.periods import Calendar, Window

# The last five change their clocks at or around midnight, or by half an hour.
ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Atlantic/Azores",
         "America/Havana", "America/Santiago", "Asia/Beirut"]  # fmt: skip
# Any moment, and more often one around midnight UTC±5 on the days of 2026 on which some of these zones change.
changes = [
    date(2026, 3, 8),
    date(2026, 3, 29),
    date(2026, 4, 5),
    date(2026, 9, 6),
    date(2026, 10, 25),
    date(2026, 11, 1),
]
around = st.tuples(st.sampled_from(changes), st.integers(-86400, 2 * 86400)).map(
    lambda drawn: int(datetime.combine(drawn[0], time(), UTC).timestamp()) + drawn[1]
)
moments = st.integers(1_700_000_000, 1_900_000_000) | around


def first_moment(day: date, zone: ZoneInfo) -> float:
    """The first moment of a local day, found by walking through the hours around it."""
    start = datetime.combine(day, time(), UTC).timestamp() - 16 * 3600
    return next(at for at in range(int(start), int(start) + 40 * 3600, 900)
                if datetime.fromtimestamp(at, zone).date() == day)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(moments, st.sampled_from(ZONES))
def test_day_and_month_are_the_local_ones(moment: int, name: str) -> None:
    local = datetime.fromtimestamp(moment, ZoneInfo(name))
    assert Calendar(ZoneInfo(name)).day_and_month(moment) == (local.toordinal(), 12 * local.year + local.month - 1)


@settings(max_examples=400, deadline=None)
@given(moments, st.sampled_from(ZONES))
def test_midnight_is_where_the_local_day_begins(moment: int, name: str) -> None:
    zone = ZoneInfo(name)
    calendar, today = Calendar(zone), datetime.fromtimestamp(moment, zone).date()
    assert calendar.midnight(moment) == first_moment(today, zone)
    assert calendar.next_midnight(moment) == first_moment(today + timedelta(days=1), zone)
    following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    assert calendar.next_month(moment) == first_moment(following, zone)


@pytest.mark.parametrize(
    ("zone", "moment", "hours"),
    [
        ("America/New_York", "2026-03-08T12:00:00-04:00", 23),
        ("America/New_York", "2026-11-01T12:00:00-05:00", 25),
        ("Asia/Shanghai", "2026-11-01T12:00:00+08:00", 24),
        ("Australia/Lord_Howe", "2026-10-04T12:00:00+11:00", 23.5),
    ],
)
def test_days_on_which_the_clocks_change_are_shorter_or_longer(zone: str, moment: str, hours: float) -> None:
    calendar, noon = Calendar(ZoneInfo(zone)), datetime.fromisoformat(moment).timestamp()
    assert calendar.next_midnight(noon) - calendar.midnight(noon) == hours * 3600


def test_in_the_hour_that_comes_twice_it_is_the_same_day_since_the_same_midnight() -> None:
    calendar = Calendar(ZoneInfo("America/Havana"))  # At 1:00 on 1 November 2026 it is 0:00 again.
    first = datetime(2026, 11, 1, 0, 30, tzinfo=ZoneInfo("America/Havana"))
    again = first.replace(fold=1)
    assert again.timestamp() - first.timestamp() == 3600
    assert calendar.midnight(again.timestamp()) == calendar.midnight(first.timestamp())


def test_day_before_is_the_same_time_on_the_clock() -> None:
    calendar = Calendar(ZoneInfo("America/New_York"))
    noon = datetime(2026, 11, 2, 9, tzinfo=ZoneInfo("America/New_York")).timestamp()
    assert noon - calendar.day_before(noon) == 24 * 3600
    sunday = datetime(2026, 11, 1, 9, tzinfo=ZoneInfo("America/New_York")).timestamp()
    assert sunday - calendar.day_before(sunday) == 25 * 3600


@given(st.lists(st.integers(0, 50)), st.lists(st.integers(0, 50)), st.integers(0, 50), st.integers(0, 50))
def test_a_window_counts_exactly(added: list[int], dropped: list[int], start: int, end: int) -> None:
    window, expected = Window(), sorted(added)
    for moment in added:
        window.count(moment, +1)
    for moment in dropped:
        if moment in expected:
            expected.remove(moment)
            window.count(moment, -1)
        else:
            with pytest.raises(ValueError, match="never counted"):
                window.count(moment, -1)
    assert window.moments == expected
    assert window.between(start, max(start, end)) == sum(start <= m < max(start, end) for m in expected)
    window.forget_before(start)
    assert window.moments == [m for m in expected if m >= start]
