"""Days off: what was announced in China is known, what was not is said to be unknown, and a city file overrides."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dashboard.city import City, make_city
from dashboard.daysoff import calendar_of, counted, unknown_years
from dashboard.nouns.sla import Limit, Limits
from tests.dashboard.nouns.test_worktime import BY_HAND, CHINA, at, dates, told


def city(**calendar: Any) -> City:
    table = {"name": "town", "title": {"zh": "镇", "en": "Town"}, "zone": "Asia/Shanghai", "places": {}}
    return make_city({**table, "calendar": calendar}, Path("town.toml"))


def test_spring_festival_and_national_day_are_as_announced() -> None:
    """The library and the hand of ``test_worktime`` agree on each day of the four holidays, and around them."""
    found = calendar_of(city(country="CN"))
    for span in ("2025-01-20/2025-02-14", "2025-09-22/2025-10-17", "2026-02-09/2026-03-06", "2026-09-14/2026-09-24",
                 "2026-09-28/2026-10-16"):  # fmt: skip
        for day in sorted(dates(span)):
            assert found.is_workday(day) == CHINA.is_workday(day), date.fromordinal(day)


def test_deadlines_are_those_worked_by_hand() -> None:
    found = calendar_of(city(country="CN"))
    for start, amount, kind, end in BY_HAND:
        if not start.startswith("2026-04-30"):  # The library knows Labour Day.
            assert told(found.after(at(start), amount, kind)) == end
    assert told(found.after(at("2026-04-30 17:00"), 2, "work_hour")) == "2026-05-06 09:00"


def test_a_year_not_announced_is_not_guessed() -> None:
    found = calendar_of(city(country="CN"))
    last = max(found.known_years)
    assert {2001, 2025, 2026} <= found.known_years
    assert {1999, last + 1, 2100}.isdisjoint(found.known_years)
    first_of_may = date(last + 2, 5, 1)
    while first_of_may.weekday() >= 5:
        first_of_may = first_of_may.replace(year=first_of_may.year + 1)
    assert found.is_workday(first_of_may.toordinal())  # A holiday by law, but nobody has said which days go with it.
    said = list(unknown_years(found.known_years, date(last, 11, 21)))
    assert len(said) == 1
    assert said[0].startswith(f"the public holidays of {last + 1} are not known")
    assert list(unknown_years(found.known_years, date(last, 10, 1))) == []
    assert len(list(unknown_years(found.known_years, date(last + 1, 12, 31)))) == 2


def test_the_city_file_stands_above_the_library() -> None:
    found = calendar_of(
        city(country="CN", days_off=["2026-03-04"], days_on=["2026-02-18"], hours=["09:00-12:00", "13:00-17:30"])
    )
    assert not found.is_workday(date(2026, 3, 4).toordinal())
    assert found.is_workday(date(2026, 2, 18).toordinal())
    assert not found.is_workday(date(2026, 2, 19).toordinal())
    assert told(found.after(at("2026-03-03 17:00"), 1, "work_hour")) == "2026-03-05 09:30"
    # A make-up day that the city does not work, and a year it lists itself.
    assert not calendar_of(city(country="CN", days_off=["2026-02-14"])).is_workday(date(2026, 2, 14).toordinal())
    own = calendar_of(city(country="CN", years=[2026], days_off=["2026-10-01"]))
    assert own.is_workday(date(2026, 2, 18).toordinal())
    assert not own.is_workday(date(2026, 2, 14).toordinal())
    assert not own.is_workday(date(2026, 10, 1).toordinal())
    assert not own.is_workday(date(2025, 1, 28).toordinal())


def test_other_countries() -> None:
    boston = calendar_of(city(country="US", subdivision="MA"))
    assert not boston.is_workday(date(2026, 4, 20).toordinal())  # Patriots' Day.
    assert 2060 in boston.known_years
    singapore = calendar_of(city(country="SG"))
    assert 2026 in singapore.known_years
    assert 2060 not in singapore.known_years  # By the moon, and estimated.


def test_without_a_country_the_weekends_are_free() -> None:
    found = calendar_of(city())
    assert found.known_years == frozenset()
    assert found.is_workday(date(2026, 2, 18).toordinal())
    assert not found.is_workday(date(2026, 2, 14).toordinal())


@pytest.mark.parametrize(
    ("limits", "matter"),
    [
        (Limits(), False),
        (Limits(default=Limit(48)), False),
        (Limits(default=Limit(7, "natural_day"), categories={"路灯": Limit(2, "work_day")}), True),
        (Limits(exact={("井盖", "破损"): Limit(4, "work_hour")}), True),
    ],
)
def test_where_holidays_matter(limits: Limits, matter: bool) -> None:
    assert counted(limits) == matter
