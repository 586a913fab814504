"""Which days a city works: public holidays and make-up days from a kept library, overridden by the city file.

The library ``holidays`` follows each country's own announcements. In China these come year by year, and with the
holidays name the weekends that are worked in exchange (调休): a year that was not announced yet is not known,
whatever the law says of the holidays themselves, and in it only weekends and what the city file lists are free.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import date, timedelta

from dashboard.city import City, CityError
from dashboard.nouns.sla import Limits
from dashboard.nouns.worktime import WorkCalendar

YEARS = range(1970, 2101)  # As far as events may lie.
AHEAD = timedelta(days=60)  # So long before a year begins, tickets already run into it.
ESTIMATED = "estimated"  # What the library writes behind a lunar date that nobody has announced.


def calendar_of(city: City) -> WorkCalendar:
    """The working time of a city.

    Raises:
        CityError: if the country or its subdivision is not known to the library.
    """
    table = city.calendar
    off, on, known, weekend = set[int](), set[int](), set(table.years), frozenset({5, 6})
    if table.country:
        off, on, announced, weekend = _announced(city)
        # A year that the file lists itself is taken from the file alone.
        off = {day for day in off if date.fromordinal(day).year not in known}
        on = {day for day in on if date.fromordinal(day).year not in known}
        known |= announced
    off = off - {day.toordinal() for day in table.days_on} | {day.toordinal() for day in table.days_off}
    on = on - {day.toordinal() for day in table.days_off} | {day.toordinal() for day in table.days_on}
    return WorkCalendar(city.tz, table.minutes, frozenset(off), frozenset(on), frozenset(known), weekend)


def _announced(city: City) -> tuple[set[int], set[int], set[int], frozenset[int]]:
    """Days off, days on, the years that are really known, and the weekend, as the library has them."""
    import holidays

    country, subdivision = city.calendar.country, city.calendar.subdivision or None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # That not all years are known is just what is looked for here.
            found = holidays.country_holidays(country, subdivision, years=YEARS, language="en_US")
    except NotImplementedError:
        every = holidays.list_supported_countries()
        if country not in every:
            raise CityError(
                f"{city.where}: calendar.country: {country!r} is no country; write its two letters, such as CN"
            ) from None
        some = ", ".join(every[country]) or "none"
        raise CityError(
            f"{city.where}: calendar.subdivision: {subdivision!r} is not known of {country}; known are {some}"
        ) from None
    worked: set[date] = getattr(found, "weekend_workdays", set())
    if worked:  # What is announced year by year is known in the years that have been.
        known = set(getattr(found, "special_public_holidays", {}))
    else:
        first, last = getattr(found, "start_year", YEARS[0]), getattr(found, "end_year", YEARS[-1])
        guessed = {day.year for day, name in found.items() if ESTIMATED in name}
        known = {year for year in YEARS if first <= year <= last and year not in guessed}
    off = {day.toordinal() for day in found if day.year in known}
    on = {day.toordinal() for day in worked if day.year in known}
    return off, on, known, frozenset(found.weekend)


def counted(limits: Limits) -> bool:
    """Whether any limit runs by working hours or working days, so that holidays matter."""
    every = (*limits.exact.values(), *limits.categories.values(), limits.default, limits.urgent)
    return any(limit is not None and limit.clock in ("work_hour", "work_day") for limit in every)


def unknown_years(known: frozenset[int] | set[int], today: date) -> Iterator[str]:
    """A sentence for each year, of those that tickets run in now or soon, whose public holidays are not known."""
    for year in sorted({today.year, (today + AHEAD).year} - set(known)):
        yield (
            f"the public holidays of {year} are not known, so only its weekends are free: list them in [calendar] as "
            f"days_off and days_on with years = [{year}], or install a newer version of the library holidays"
        )
