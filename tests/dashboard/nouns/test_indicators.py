"""Indicators: periods, vintages, calendars, change on the year before, targets, and what is not known."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.board import Board
from dashboard.nouns.indicators import IndicatorReported, Indicators, convert, progress, state_of
from dashboard.nouns.indicatorviews import NOUN, view_indicators, view_regions, view_releases, view_revisions
from dashboard.nouns.noun import Alert, Rules
from dashboard.nouns.releases import IndicatorTable, Period, Release
from tests.flow import PLACES

ZONE = ZoneInfo("Asia/Shanghai")
SAID = datetime(2025, 2, 1, tzinfo=UTC)


def rules(**series: Any) -> Rules:
    return Rules(PLACES, ZONE, indicators=IndicatorTable.model_validate({"series": series}))


def told(period: str, value: float | None, days: float = 0, **more: Any) -> IndicatorReported:
    given: dict[str, Any] = {
        "id": f"{period}@{days}", "source": "bureau", "subject": "GDP", "time": SAID + timedelta(days=days),
        "period": period, "span": "single", "unit": "亿元", "value": value, "name": "地区生产总值", "place": "T",
    }  # fmt: skip
    return IndicatorReported(**{**given, **more})


def board(*events: IndicatorReported, **series: Any) -> Indicators:
    found = Indicators(rules(**series))
    for event in events:
        found.fold(event)
    return found


def row(found: Indicators, now: datetime = SAID) -> dict[str, Any]:
    (only,) = view_indicators(found, "T", now.timestamp())["series"]
    return dict(only)


# -- periods -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "period", "cumulative"),
    [
        ("2024", "2024", False), ("2024年", "2024", False), ("2024年度", "2024", False), ("202409", "2024-09", False),
        ("2024-09", "2024-09", False), ("2024/9", "2024-09", False), ("2024年9月", "2024-09", False),
        ("２０２４年９月份", "2024-09", False), ("2024M09", "2024-09", False), ("2024年1-9月", "2024-09", True),
        ("2024年1—9月", "2024-09", True), ("2024年1－9月份", "2024-09", True), ("2024Q3", "2024Q3", False),
        ("2024-Q3", "2024Q3", False), ("2024C", "2024Q3", False), ("2024年三季度", "2024Q3", False),
        ("2024年第三季度", "2024Q3", False), ("2024年3季度", "2024Q3", False), ("2024年上半年", "2024Q2", True),
    ],
)  # fmt: skip
def test_periods_as_bureaus_write_them(text: str, period: str, cumulative: bool) -> None:
    found, up_to = Period.read(text)
    assert (str(found), up_to) == (period, cumulative)
    assert Period.of(str(found)) == found


@pytest.mark.parametrize(
    "text", ["", "2024-13", "202400", "0000", "9999", "1.1E+17", "2024E", "2024Q5", "去年", "2024-09-01", "24"]
)
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="is no period"):
        Period.read(text)


@given(st.text(max_size=12))
def test_any_text_is_a_period_or_is_refused(text: str) -> None:
    try:
        found, _ = Period.read(text)
    except ValueError:
        return
    assert Period.of(str(found)) == found


def test_periods_stand_in_order_and_know_their_year() -> None:
    december = Period.of("2024-12")
    assert str(december.shifted(1)) == "2025-01"
    assert str(december.year_before) == "2023-12"
    assert (december.share, Period.of("2024Q3").share, Period.of("2024-01").share) == (1, 0.75, 1 / 12)
    assert december.end.isoformat() == "2025-01-01"
    assert Period.of("2024-02") < Period.of("2024-11") < december


# -- vintages ----------------------------------------------------------------------------------------------------


def test_a_revision_is_kept_beside_the_first_value() -> None:
    found = board(told("2024", 100.0), told("2024", 100.0, 5), told("2024", 98.5, 30))
    shown = row(found)
    assert (shown["value"], shown["first"]) == (98.5, 100.0)
    assert shown["revised"] == (SAID + timedelta(days=30)).timestamp()
    (revision,) = view_revisions(found, "T", 0)["revisions"]
    assert (revision["from"], revision["to"]) == (100.0, 98.5)


def test_a_changed_unit_is_a_revision_and_no_number_is_bent() -> None:
    found = board(told("2024", 100.0), told("2024", 100.0, 5, unit="万元"))
    (revision,) = view_revisions(found, "T", 0)["revisions"]
    assert (revision["from_unit"], revision["to_unit"]) == ("亿元", "万元")
    assert row(found)["unit"] == "万元"


def test_the_order_of_arrival_decides_nothing() -> None:
    events = [told("2024", 1.0), told("2024", 2.0, 3), told("2024", None, 5), told("2023", 7.0, 1, name="x")]
    boards = [board(*order, *order[:2]).figures for order in permutations(events)]
    assert all(found == boards[0] for found in boards)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), max_size=60), st.randoms(use_true_random=False))
def test_many_vintages_are_bounded_and_still_do_not_depend_on_order(pairs: list[tuple[int, int]], chance: Any) -> None:
    events = [told("2024", float(value), days, id=f"{days}-{value}") for days, value in pairs]
    shuffled = [*events, *events]
    chance.shuffle(shuffled)
    first, second = board(*events), board(*shuffled)
    assert view_indicators(first, "T", 0) == view_indicators(second, "T", 0)
    assert all(len(vintages) <= 25 for figures in first.figures.values() for vintages in figures.periods.values())


def test_a_board_that_is_dumped_comes_back() -> None:
    found = board(told("2024", 1.0), told("2023", 0.5), told("2023", None, region="110000", place=""))
    again = Indicators(found.rules)
    again.load(json.loads(json.dumps(found.dump(), default=lambda value: __import__("msgspec").to_builtins(value))))
    assert view_indicators(again, "T", 0) == view_indicators(found, "T", 0)
    assert set(again.figures) == set(found.figures)


def test_it_is_a_noun_of_the_board() -> None:
    whole = Board(rules())
    whole.take([told("2024", 1.0)])
    assert Board.restore(rules(), whole.dump()).view("indicators", "T")["data"]["total"] == 1


# -- missing -----------------------------------------------------------------------------------------------------


def test_missing_is_a_dash_and_neither_zero_nor_carried_on() -> None:
    months = {1: None, 2: None, 3: 4.5, 4: 6.7, 5: 5.6, 6: None, 7: 5.1}
    events = [told(f"2024-{month:02d}", value, unit="%") for month, value in months.items() if month != 6]
    shown = row(board(*events))
    history = dict(shown["history"])
    assert (shown["period"], shown["value"]) == ("2024-07", 5.1)
    assert (history["2024-01"], history["2024-06"], history["2024-05"]) == (None, None, 5.6)
    assert len(history) == 25
    assert json.dumps(shown, allow_nan=False)


def test_a_series_of_nothing_but_gaps_has_no_value() -> None:
    shown = row(board(told("2023", None)))
    assert (shown["value"], shown["period"], shown["state"], shown["history"]) == (None, None, "never", [])


def test_a_value_that_is_taken_back_is_missing() -> None:
    found = board(told("2023", 5.0), told("2024", 7.0), told("2024", None, 9))
    assert row(found)["period"] == "2023"
    assert view_revisions(found, "T", 0)["revisions"][0]["to"] is None


# -- cumulative and single, change, target -----------------------------------------------------------------------


def test_single_values_of_a_cumulative_series() -> None:
    events = [told(f"2024-{month:02d}", 10.0 * month, span="cumulative") for month in (1, 2, 4)]
    figures = next(iter(board(*events).figures.values()))
    single = {text: figures.single(Period.of(text)) for text in ("2024-01", "2024-02", "2024-04")}
    assert single["2024-01"] is not None
    assert single["2024-01"].value == 10.0
    assert single["2024-02"] is not None
    assert single["2024-02"].value == 10.0
    assert single["2024-04"] is None  # March is not known.


def test_the_sum_of_the_year_needs_every_part_of_it() -> None:
    events = [told(f"2024Q{quarter}", 10.0) for quarter in (1, 2, 4)]
    figures = next(iter(board(*events).figures.values()))
    total = figures.year_to(Period.of("2024Q2"))
    assert total is not None
    assert total.value == 20
    assert figures.year_to(Period.of("2024Q4")) is None


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ((100.0, "亿元"), (105.0, "亿元"), (5.0, "%")),
        ((1_000_000.0, "万元"), (105.0, "亿元"), (5.0, "%")),
        ((6.8, "%"), (6.2, "%"), (-0.6, "pp")),
        ((100.0, "亿元"), (105.0, "万人"), None),
        ((0.0, "亿元"), (5.0, "亿元"), None),
        ((-3.0, "亿元"), (5.0, "亿元"), None),
        ((None, "亿元"), (5.0, "亿元"), None),
    ],
)
def test_year_on_year(before: tuple[Any, str], now: tuple[Any, str], expected: tuple[float, str] | None) -> None:
    shown = row(board(told("2023-05", before[0], unit=before[1]), told("2024-05", now[0], unit=now[1])))
    if expected is None:
        assert (shown["change"], shown["change_unit"]) == (None, "")
    else:
        assert (shown["change"], shown["change_unit"]) == (pytest.approx(expected[0]), expected[1])


def test_the_bureau_s_own_growth_is_preferred_to_ours() -> None:
    growth = told("2024", 5.8, subject="GROWTH", unit="%")
    shown = next(
        one
        for one in view_indicators(
            board(told("2023", 100.0), told("2024", 107.0), growth, GDP={"growth": "GROWTH"}), "T", 0
        )["series"]
        if one["code"] == "GDP"
    )
    assert (shown["change"], shown["change_unit"], shown["official"]) == (5.8, "%", True)


@pytest.mark.parametrize(
    ("target", "events", "expected"),
    [
        ({"value": 200}, [told("2024Q1", 40.0), told("2024Q2", 50.0)], (90.0, 0.45, None, 0.5)),
        ({"value": 2_000_000, "unit": "万元"}, [told("2024-06", 90.0, span="cumulative")], (9e5, 0.45, None, 0.5)),
        ({"value": 200}, [told("2024Q2", 50.0)], (None, None, None, 0.5)),
        ({"value": 5.5, "unit": "%"}, [told("2024-09", 5.1, unit="%", span="cumulative")], (5.1, None, -0.4, 0.75)),
        ({"value": 50, "unit": "万人"}, [told("2024-09", 48.0, unit="万人", span="level")], (48.0, 0.96, None, 0.75)),
        ({"value": 50, "unit": "万人"}, [told("2024-09", 48.0, span="level")], (None, None, None, 0.75)),
    ],
)  # fmt: skip
def test_targets_against_time(target: Any, events: list[IndicatorReported], expected: tuple[Any, ...]) -> None:
    found = board(*events, GDP={"targets": {"2024": target}})
    figures = next(iter(found.figures.values()))
    latest = figures.latest()
    assert latest is not None
    told_ = progress(figures, found.rules.indicators.of("GDP"), latest)
    assert told_ is not None
    for value, wanted in zip((told_["reached"], told_["share"], told_["gap"], told_["time"]), expected, strict=True):
        assert value == (None if wanted is None else pytest.approx(wanted))


def test_units_convert_or_do_not() -> None:
    assert convert("亿元", "元") == 1e8
    assert convert("千人", "万人") == pytest.approx(0.1)
    assert convert("亿元", "亿吨") is None


# -- the calendar ------------------------------------------------------------------------------------------------

MONTHLY = {"release": {"day": 17, "skip": [1]}}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("now", "state", "coming"),
    [
        ("2025-01-20 12:00", "current", "2025-02"),  # January has no release of its own.
        ("2025-03-17 09:59", "current", "2025-02"),
        ("2025-03-17 10:01", "overdue", "2025-02"),
    ],
)
def test_a_figure_is_overdue_when_its_release_has_passed_and_not_before(now: str, state: str, coming: str) -> None:
    found = board(told("2024-12", 6.2), GDP=MONTHLY)
    shown = row(found, moment(now))
    assert (shown["state"], shown["coming"]) == (state, coming)
    assert shown["due"] == moment("2025-03-17 10:00").timestamp()


def test_grace_and_days_that_are_named() -> None:
    rule = {"release": {"day": 31, "months": 1, "hour": 9, "grace_days": 2, "on": {"2024年": "2025-01-17"}}}
    found = board(told("2023", 1.0), GDP=rule)
    assert row(found, moment("2025-01-18 00:00"))["state"] == "current"
    assert row(found, moment("2025-01-20 00:00"))["state"] == "overdue"
    release = Release(day=31, months=0)
    assert release.due(Period.of("2025-01"), ZONE) == moment("2025-02-28 10:00").timestamp()
    assert release.due(Period.of("2024-12"), ZONE) == moment("2025-01-31 10:00").timestamp()


def test_what_is_expected_and_was_never_told() -> None:
    found = board(GDP={"every": "quarter", "release": {"day": 17}}, CPI={})
    now = moment("2025-02-01 00:00").timestamp()
    assert view_indicators(found, "T", now)["never"] == ["GDP", "CPI"]
    (release,) = view_releases(found, "T", now)["releases"]
    assert (release["code"], release["period"], release["state"]) == ("GDP", "2024Q4", "never")
    assert state_of(None, found.rules.indicators.of("CPI"), now, found.rules) == ("never", None, None)


def test_without_a_calendar_nothing_is_overdue() -> None:
    assert row(board(told("2001", 1.0)), moment("2025-01-01 00:00"))["state"] == "unscheduled"


# -- places ------------------------------------------------------------------------------------------------------


def test_a_place_shows_its_own_figures_and_those_below_side_by_side() -> None:
    found = board(
        told("2024", 9.0), told("2024", 5.0, region="甲", place="A", id="a"),
        told("2023", 4.0, region="甲", place="A", id="b"),
        told("2023", 2.0, region="乙", place="B", id="c"), told("2024", 77.0, region="外省", place="", id="d"),
    )  # fmt: skip
    assert [one["value"] for one in view_indicators(found, "T", 0)["series"]] == [9.0]
    regions = view_regions(found, "T", 0)["regions"]["GDP"]
    assert regions["period"] == "2023"
    assert {code: one["value"] for code, one in regions["places"].items()} == {"A": 4.0, "B": 2.0}


# -- alerts ------------------------------------------------------------------------------------------------------


def alerts_at(found: Indicators, day: str) -> list[Alert]:
    assert NOUN.alerts is not None
    return list(NOUN.alerts(found, datetime.fromisoformat(f"{day}T12:00+08:00").timestamp()))


def test_a_release_that_has_passed_is_an_alert_and_a_graver_one_after_a_week() -> None:
    monthly = {"every": "month", "release": {"day": 18, "grace_days": 1}, "name": "产值"}
    found = board(told("2025-01", 5.0, days=18), GDP=monthly)
    assert alerts_at(found, "2025-03-18") == [], "within its grace"
    (one,) = alerts_at(found, "2025-03-20")
    assert (one.severity, one.title.en) == (4, "Figure overdue · 产值 2025-02")
    assert one.since == datetime.fromisoformat("2025-03-19T10:00+08:00").timestamp()
    (worse,) = alerts_at(found, "2025-03-27")
    assert (worse.key, worse.severity) == (one.key, 3)
    found.fold(told("2025-02", 6.0, days=50))
    assert alerts_at(found, "2025-03-27") == []
    assert alerts_at(board(GDP={"every": "month"}), "2025-03-27") == [], "without a calendar nothing is due"
    assert alerts_at(board(told("2025-01", 5.0, place="A"), GDP=monthly), "2025-03-27") != [], "not of the city"
    (many,) = alerts_at(board(**{f"s{n}": monthly for n in range(5)}), "2025-03-20")
    assert many.title.en == "5 figures overdue"


def test_a_years_target_is_missed_when_the_year_is_over_and_not_before() -> None:
    year = {"good": "up", "targets": {"2025": {"value": 100, "unit": "亿元"}}}
    months = [told(f"2025-{n:02d}", 8.0, days=30 * n) for n in range(1, 13)]
    assert alerts_at(board(*months[:11], GDP=year), "2026-02-01") == [], "nobody knows December"
    found = board(*months, GDP=year)
    (one,) = alerts_at(found, "2026-02-01")
    assert (one.severity, one.text.en) == (3, "96 亿元, target 100 亿元")
    assert alerts_at(found, "2026-06-01") == [], "after a month it is no news"
    found.fold(told("2025-12", 12.0, days=362))
    assert alerts_at(found, "2026-02-01") == [], "a revision reached it"
    fewer = {"good": "down", "targets": {"2025": {"value": 90, "unit": "亿元"}}}
    assert len(alerts_at(board(*months, GDP=fewer), "2026-02-01")) == 1
    assert alerts_at(board(*months, GDP={**year, "good": ""}), "2026-02-01") == [], "which way is good is not known"
