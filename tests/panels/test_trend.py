"""The trend: the running hour is no fall, and hours are the city's."""

from __future__ import annotations

from panels.trend import PANEL, levels, top
from tests.contracts.test_panels import context


def test_the_running_hour_is_a_mark_and_not_the_end_of_the_line() -> None:
    figure = PANEL.paint(PANEL.example, context())["trend-chart.figure"]
    opened = next(trace for trace in figure["data"] if trace.get("name") == "上报")
    assert len(opened["x"]) == 23
    assert opened["y"] == PANEL.example["trend"]["opened"][:-1]
    marks = [trace for trace in figure["data"] if trace["mode"] == "markers"]
    assert {trace["y"][0] for trace in marks} == {14, 6}


def test_hours_are_written_in_the_city_s_zone() -> None:
    view = {"trend": {"hours": [1_795_222_800.0], "opened": [1], "closed": [1], "day_before": [0]}}
    figure = PANEL.paint(view, context())["trend-chart.figure"]
    assert figure["data"][0]["x"] == ["2026-11-21T09:00"]


def test_the_axis_moves_now_and_then_and_not_with_each_ticket() -> None:
    ends = [top(n, levels(n)) for n in range(300, 400)]
    assert all(n < end < 1.2 * n + 25 for n, end in zip(range(300, 400), ends, strict=True))
    assert len(set(ends)) <= 5
