"""What stands at the top of the pages beside the wall: whose city, where, what kind of data, how old."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.city import City
from dashboard.screens.marks import both
from dashboard.words import Words

BACK = Words("返回大屏", "Back to the wall")
SIMULATED = Words("模拟数据", "Simulated data")
REPLAYED = Words("历史回放", "Replay")
LANGUAGES = {"zh": "中文", "en": "EN"}


def bar(city: City, *more: Any) -> list[Any]:
    """The parts of the bar, with ``more`` behind the path; the scripts of the page fill path and age."""
    badges = [
        html.Span(both(words), className="badge news")
        for words, yes in ((SIMULATED, city.simulated), (REPLAYED, city.replayed))
        if yes
    ]
    switch = [
        html.A(LANGUAGES[language], href=f"?lang={language}", lang=language, **{"data-set-lang": language})
        for language in city.languages
    ]
    return [
        html.A(["‹ ", both(BACK)], href=f"/{city.screens[0]}", id="desk-back", className="back"),
        html.Span(both(city.title.words), className="city"), html.Nav(id="desk-path", className="path"), *more,
        html.Span(badges, className="badges"), html.Span(className="gap"),
        html.Span(id="desk-age", className="age", role="status"),
        html.Nav(switch if len(switch) > 1 else [], className="languages"),
    ]  # fmt: skip
