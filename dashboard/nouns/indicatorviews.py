"""The indicators' views: each series with its change, its target and its state, and the calendar of what comes out."""

from __future__ import annotations

import itertools
from typing import Any

from dashboard.nouns.indicatoralerts import alerts
from dashboard.nouns.indicators import Figures, IndicatorReported, Indicators, Vintage, progress, state_of
from dashboard.nouns.noun import Document, Noun
from dashboard.nouns.releases import Period

PERIODS = 25  # Periods of a series that are sent, so that two years can be laid over each other.
REVISIONS = 50
ROWS = 400


def row_of(board: Indicators, figures: Figures, now: float) -> dict[str, Any]:
    """One series: its latest value, what it was a year before, its target, and whether the next one is overdue.

    ``history`` is ``[period, value]`` for the last periods without a gap in the calendar: what is not known is None.
    """
    rule = board.rules.indicators.of(figures.code)
    state, coming, due = state_of(figures, rule, now, board.rules)
    latest = figures.latest()
    row: dict[str, Any] = {
        "key": figures.key, "code": figures.code, "source": figures.source, "region": figures.region,
        "name": rule.name or figures.name or figures.code, "span": figures.span, "good": rule.good,
        "state": state, "coming": None if coming is None else str(coming), "due": due,
        "period": None, "value": None, "unit": "", "said": None, "change": None, "change_unit": "", "official": False,
        "single": None, "first": None, "revised": None, "target": None, "history": [],
    }  # fmt: skip
    if latest is None:
        return row
    found = figures.value(latest)
    assert found is not None
    changed, official = _change(board, figures, latest)
    single = figures.single(latest)
    revisions = figures.revisions(latest)
    row |= {
        "period": str(latest), "value": found.value, "unit": found.unit, "said": revisions[-1].at,
        "change": changed[0] if changed else None, "change_unit": changed[1] if changed else "", "official": official,
        "single": single.value if single is not None else None,
        "first": revisions[0].value, "revised": revisions[-1].at if len(revisions) > 1 else None,
        "target": progress(figures, rule, latest),
        "history": [_point(figures, latest.shifted(-back)) for back in range(PERIODS - 1, -1, -1)],
    }  # fmt: skip
    return row


def _point(figures: Figures, period: Period) -> list[Any]:
    found = figures.value(period)
    return [str(period), found.value if found is not None else None]


def _change(board: Indicators, figures: Figures, period: Period) -> tuple[tuple[float, str] | None, bool]:
    """The change on the year before, and whether it is the bureau's own: at comparable prices it is another one."""
    growth = board.rules.indicators.of(figures.code).growth
    official = board.of(growth, figures.place) if growth is not None else None
    told = official.value(period) if official is not None else None
    if told is not None and told.value is not None:
        return (told.value, told.unit), True
    return figures.change(period), False


def view_indicators(board: Indicators, place: str, now: float) -> Document:
    """The series of a place: those of the city file first and in its order, then the others by code.

    ``never`` are the expected ones that nobody has told of, ``overdue`` counts those whose release has passed.
    """
    order = {code: number for number, code in enumerate(board.rules.indicators.series)}
    rows = [row_of(board, figures, now) for figures in board.at(place)]
    rows.sort(key=lambda row: (order.get(row["code"], len(order)), row["code"], row["key"]))
    states = [row["state"] for row in rows]
    return {
        "series": rows[:ROWS], "total": len(rows), "overdue": states.count("overdue"),
        "never": _never(board) if place == board.rules.places.root.code else [],
    }  # fmt: skip


def _never(board: Indicators) -> list[str]:
    told = {figures.code for figures in board.figures.values()}
    return [code for code in board.rules.indicators.series if code not in told]


def view_releases(board: Indicators, place: str, now: float) -> Document:
    """What comes out next or should have, soonest first: code, name, period, moment, state."""
    rows: list[dict[str, Any]] = []
    for code, rule in board.rules.indicators.series.items():
        figures = board.of(code, place)
        if figures is None and place != board.rules.places.root.code:
            continue
        state, period, due = state_of(figures, rule, now, board.rules)
        if due is not None:
            name = rule.name or (figures.name if figures is not None else "") or code
            rows.append({"code": code, "name": name, "period": str(period), "due": due, "state": state})
    return {"releases": sorted(rows, key=lambda row: (row["due"], row["code"]))}


def view_revisions(board: Indicators, place: str, now: float) -> Document:
    """The figures that were changed after they had come out, the latest first: from what, to what, when."""
    rows: list[dict[str, Any]] = []
    for figures in board.at(place):
        for text in figures.periods:
            changed = figures.revisions(Period.of(text))
            for before, after in itertools.pairwise(changed):
                rows.append(_revision(figures, text, before, after))
    rows.sort(key=lambda row: (-row["at"], row["key"], row["period"]))
    return {"revisions": rows[:REVISIONS], "total": len(rows)}


def _revision(figures: Figures, period: str, before: Vintage, after: Vintage) -> dict[str, Any]:
    return {
        "key": figures.key, "code": figures.code, "name": figures.name or figures.code, "period": period,
        "at": after.at, "from": before.value, "from_unit": before.unit, "to": after.value, "to_unit": after.unit,
    }  # fmt: skip


def view_regions(board: Indicators, place: str, now: float) -> Document:
    """Each series by the places directly below, at the latest period that all who tell of it have in common."""
    found: dict[str, dict[str, Figures]] = {}
    for child in board.rules.places.children(place):
        for figures in board.at(child.code):
            found.setdefault(figures.code, {})[child.code] = figures
    rows = {}
    for code, places in sorted(found.items())[:ROWS]:
        known = [
            {period for text in figures.periods if figures.value(period := Period.of(text)) is not None}
            for figures in places.values()
        ]
        common = max(set.intersection(*known), default=None)
        if common is None:
            continue
        values = {}
        for child_code, figures in sorted(places.items()):
            told, changed = figures.value(common), figures.change(common)
            assert told is not None
            values[child_code] = {"value": told.value, "unit": told.unit, "change": changed[0] if changed else None,
                                  "change_unit": changed[1] if changed else ""}  # fmt: skip
        one = next(iter(places.values()))
        rows[code] = {"period": str(common), "span": one.span, "name": one.name or code, "places": values}
    return {"regions": rows}


NOUN = Noun(
    name="indicator",
    events=(IndicatorReported,),
    slice=Indicators,
    alerts=alerts,
    views={
        "indicators": view_indicators, "releases": view_releases, "revisions": view_revisions,
        "regions": view_regions,
    },
)  # fmt: skip
