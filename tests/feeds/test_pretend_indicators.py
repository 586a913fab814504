"""Simulated figures: told on their release day, cumulative as said, one late, one put right, and added up by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from dashboard.board import Board
from dashboard.city import read_city
from dashboard.ground.outlines import Gazetteer
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.indicators import IndicatorReported
from dashboard.nouns.releases import Period, Release
from dashboard.screens.amounts import signed, singles
from dashboard.sources.feed import Context, bind, rules_of
from feeds.pretend_indicators import FEED, Bureau, Figure, Settings, figures_of

FILE = Path(__file__).parents[2] / "cities" / "nanhai.toml"
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
FLAT = Figure(name="甲", unit="亿元", annual=1200, growth=0, chance=0)
DAY = 86_400.0


def told(figure: Figure, release: Release, after: float = 0.0, until: float = NOW.timestamp()) -> list[Any]:
    """What one figure tells between two moments."""
    bureau = Bureau(1, {"x": figure}, {"东": 3.0, "西": 1.0})
    return figures_of(bureau, {"E": "东", "W": "西"}, ("C", "市"), {"x": release}, ZONE, after, until)


def test_a_cumulative_figure_counts_from_january_on() -> None:
    found = {one.period: one.value for one in told(FLAT, Release(day=18, skip=(1,)))}
    assert found["2026-02"] == 200
    assert found["2026-10"] == 1000
    assert "2026-01" not in found, "January is told with February"
    assert "2026-11" not in found, "its day has not come"


def test_each_comes_out_on_its_release_day() -> None:
    (october,) = (one for one in told(FLAT, Release(day=18, hour=10)) if one.period == "2026-10")
    assert datetime.fromtimestamp(october.moment, ZONE) == datetime(2026, 11, 18, 10, tzinfo=ZONE)
    assert not told(FLAT, Release(day=18), after=october.moment)


def test_one_comes_late_and_one_is_put_right() -> None:
    late = told(FLAT.model_copy(update={"late_days": 34}), Release(day=12))
    assert late[-1].period == "2026-09"
    rounds = [
        one for one in told(FLAT.model_copy(update={"revised_days": 28}), Release(day=18)) if one.period == "2026-08"
    ]
    assert [one.turn for one in rounds] == [1, 2]
    assert rounds[1].moment == rounds[0].moment + 28 * DAY
    assert rounds[0].value != rounds[1].value == 800


def test_towns_share_the_city_and_add_up_where_they_grow_alike() -> None:
    bureau = Bureau(1, {"x": FLAT}, {"东": 3.0, "西": 1.0})
    assert sum(bureau.shares.values()) == pytest.approx(1)
    found = told(FLAT.model_copy(update={"towns": True}), Release(day=18))
    assert {one.place for one in found} == {"C", "E", "W"}


def test_told_in_two_parts_it_is_the_same_as_told_at_once() -> None:
    figure = FLAT.model_copy(update={"towns": True, "revised_days": 20, "official": "g", "chance": 0.02})
    middle = NOW.timestamp() - 100 * DAY
    parts = told(figure, Release(day=18), until=middle) + told(figure, Release(day=18), after=middle)
    at_once = [one for one in told(figure, Release(day=18)) if one in parts]
    assert at_once == [one for one in parts if one in at_once]
    newest = [one for one in told(figure, Release(day=18)) if one.moment > middle]
    assert [one for one in parts if one.moment > middle] == newest


@pytest.fixture(scope="module")
def board() -> Board:
    """The board after the district's figures of three years."""
    city = read_city(FILE)
    rules = rules_of(city)
    (bound,) = (bound for bound in bind(city) if bound.feed is FEED)
    settings = cast(Settings, bound.settings)
    context = Context(city, rules.places, Gazetteer.of(city, rules.places), None, lambda: NOW, Path())
    root = rules.places.root
    children = rules.places.children(root.code)
    releases = {code: rule.release for code, rule in city.indicators.series.items() if rule.release is not None}
    payload = figures_of(
        Bureau(settings.seed, settings.figures, {town.name: float(town.population or 1) for town in children}),
        {town.code: town.name for town in children}, (root.code, root.name), releases, city.tz, 0.0, NOW.timestamp(),
    )  # fmt: skip
    assert len(payload) < 5000
    events = list(FEED.parse(payload, settings, replace(context)))
    assert len({cast(IndicatorReported, event).id for event in events}) == len(events)
    board = Board(rules)
    board.take([*cast(Any, events), ClockTick(id="t", source="clock", time=NOW, wall=NOW)])
    return board


def rows(board: Board) -> dict[str, dict[str, Any]]:
    """The indicators of the whole district, by code."""
    return {row["code"]: row for row in board.view("indicators", "440605")["data"]["series"]}


def test_what_is_shown_of_a_target_is_what_a_hand_works_out(board: Board) -> None:
    found = rows(board)
    industry, gdp, power, entities = (found[code] for code in ("industry", "gdp", "power", "entities"))
    assert industry["target"]["share"] == pytest.approx(industry["value"] / 9650)
    assert (industry["target"]["time"], gdp["target"]["time"]) == (10 / 12, 0.75)
    assert gdp["target"]["share"] == pytest.approx(gdp["value"] / 4330)
    growth = found["gdp_growth"]["target"]
    assert growth["share"] is None
    assert growth["gap"] == pytest.approx(found["gdp_growth"]["value"] - 5.0)
    year = sum(value for period, value in entities["history"] if period.startswith("2026-") and value is not None)
    assert entities["target"]["reached"] == pytest.approx(year)
    assert (power["state"], power["period"]) == ("overdue", "2026-09")
    assert industry["change"] == found["industry_growth"]["value"]
    assert industry["official"]
    gap = 100 * (industry["target"]["share"] - industry["target"]["time"])
    assert signed(gap, "pp") == f"{'+' if gap > 0 else '−'}{abs(gap):.1f} pp"


def test_single_months_are_differences_within_a_year_and_gaps_stay_gaps(board: Board) -> None:
    industry = rows(board)["industry"]
    known = dict(industry["history"])
    months = singles(industry["history"], "cumulative")
    assert months[Period.of("2026-10")] == pytest.approx(known["2026-10"] - known["2026-09"])
    assert months[Period.of("2026-10")] == pytest.approx(industry["single"])
    assert known["2026-01"] is None
    assert months[Period.of("2026-01")] is months[Period.of("2026-02")] is None


def test_the_calendar_the_revisions_and_the_towns_are_there(board: Board) -> None:
    releases = board.view("releases", "440605")["data"]["releases"]
    assert [row["code"] for row in releases if row["state"] == "overdue"] == ["power"]
    revisions = board.view("revisions", "440605")["data"]
    assert {row["code"] for row in revisions["revisions"]} == {"industry", "gdp"}
    regions = board.view("regions", "440605")["data"]["regions"]
    assert set(regions) == {"industry", "investment", "sales", "revenue"}
    assert all(len(region["places"]) == 7 for region in regions.values())
    assert (
        max(regions["industry"]["places"], key=lambda code: regions["industry"]["places"][code]["value"]) == "440605124"
    )
