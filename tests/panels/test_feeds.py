"""The sources: what does not fit is told with its reason in words, how often, and the numbers to find it by."""

from __future__ import annotations

import pytest

from dashboard.board import ODDITIES
from dashboard.nouns import market, service
from panels.feeds import PANEL, REASONS
from tests.contracts.test_panels import context


def test_every_reason_of_service_and_market_has_words() -> None:
    assert {*service.ODDITIES, *market.ODDITIES} <= REASONS.keys()
    assert {"anomalies", "service_oddities", "market_oddities"} <= set(ODDITIES)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_does_not_fit_can_be_found(language: str) -> None:
    mobile = "13800138000"
    views = {
        **PANEL.example,
        "anomalies": {"sources": {"grid": {"second_whistle": 1}}, "n": 1},
        "market_oddities": {
            "sources": {"grid": {"impossible_day": 2}, "hotline": {"impossible_day": 9}},
            "some": {"grid": {"impossible_day": ["P-7", mobile]}, "hotline": {"impossible_day": ["other"]}},
        },
        "service_oddities": {},
    }
    (row,) = [
        row for row in PANEL.paint(views, context(language=language))["feeds-rows.children"] if "grid" in str(row)
    ]
    (odd,) = [cell for cell in row.children if "odd" in (getattr(cell, "className", "") or "").split()]
    words = REASONS["impossible_day"][language]
    assert f"3 ({words} 2)" in odd.children
    assert f"{words} 2 (P-7, " in odd.title
    assert f"{REASONS['second_whistle'][language]} 1" in odd.title
    assert mobile not in odd.title
    assert "other" not in odd.title
