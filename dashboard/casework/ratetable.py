"""The rates of a period as a table: what an address asks for, the rows in their order, and what each number leads to.

A row is ranked by the bound that its rate surely keeps (Wilson, 95 %), so that three lucky tickets do not beat a
thousand good ones. Of a frozen month the frozen figures are shown, with today's beside them where they differ; links
always lead to today's tickets.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from dashboard.casework.frozen import Figures
from dashboard.casework.ticketasks import FORMULAS, RATES, AskError, place_and_words, span
from dashboard.casework.ticketquery import Rate
from dashboard.casework.ticketrows import Reader
from dashboard.casework.ticketsheet import guarded
from dashboard.nouns.periods import Calendar
from dashboard.nouns.rates import wilson
from dashboard.places import PlaceTree
from dashboard.words import DASH, Words, count, in_percent, percent

BY: dict[str, Words] = {
    "unit": Words("责任单位", "Unit"), "place": Words("地点", "Place"), "category": Words("事项", "Category"),
    "source": Words("数据源", "Feed"), "channel": Words("来源", "Channel"),
}  # fmt: skip
FALLING = frozenset({"repeat"})  # Rates of which less is better: ranked by what they surely do not pass.
ALL = Words("全部", "All")
HERE = Words("仅记在本级", "At this level only")
RANK = Words("名次", "Rank")
AT_LEAST, AT_MOST = Words("下限", "At least"), Words("上限", "At most")
PART, WHOLE = Words("分子", "numerator"), Words("分母", "denominator")
NO_PERIOD = Words(
    "“{text}”不是期间：请写年、月或日（如 2026、2026-10、2026-10-05），或以 .. 相连的起止两日",
    "“{text}” is no period: write a year, a month or a day such as 2026, 2026-10 or 2026-10-05, or two with .. between",
)
BACKWARDS = Words("期间“{text}”的终点早于起点", "The period “{text}” ends before it begins")
AHEAD = Words("期间“{text}”尚未开始", "The period “{text}” has not begun yet")
PASSED_OVER = frozenset({"lang", "theme"})


@dataclass(frozen=True)
class RatesAsked:
    """What is asked: a place with all below it, by what, of which period, and the order.

    ``sort`` is ``name`` or one of ``RATES``; rows without a denominator come last either way.
    """

    place: str
    by: str = "unit"
    period: str = "month"
    sort: str = "on_time"
    descending: bool = True

    def address(self, root: str) -> str:
        """The words of its address, in a fixed order; what is usual is left out.

        >>> RatesAsked("A", "place", "2026-10", "repeat", False).address("T")
        'place=A&by=place&period=2026-10&sort=repeat'
        """
        usual = RatesAsked(root)
        pairs = {name: str(getattr(self, name)) for name in ("place", "by", "period")}
        pairs["sort"] = ("-" if self.descending else "") + self.sort
        given = {"place": root, "by": usual.by, "period": usual.period, "sort": "-on_time"}
        return urlencode({name: value for name, value in pairs.items() if value != given[name]})


def rates_asked(pairs: Iterable[tuple[str, str]], places: PlaceTree, to: Reader, calendar: Calendar) -> RatesAsked:
    """What an address's words ask.

    Raises:
        AskError: saying in a sentence of the reader's language what is no period, else naming the word.
    """
    place, words = place_and_words(pairs, places, PASSED_OVER)
    found = RatesAsked(place)
    for name, value in words:
        if name == "by":
            if value not in BY:
                raise AskError(f"by: {value!r} is none of {', '.join(BY)}")
            found = replace(found, by=value)
        elif name == "period":
            _refuse(value, to, calendar)
            found = replace(found, period=value)
        elif name == "sort":
            sort = value.removeprefix("-")
            if sort not in ("name", *RATES):
                raise AskError(f"sort: {value!r} is none of name, {', '.join(RATES)}")
            found = replace(found, sort=sort, descending=value.startswith("-"))
        else:
            raise AskError(f"{name!r} is not known here; known are place, by, period, sort, lang")
    return found


def _refuse(text: str, to: Reader, calendar: Calendar) -> None:
    """Refuse a period that is none, or that lies wholly ahead of the city's time."""
    try:
        start, _ = span(text, to.now, calendar)
    except AskError as error:
        words = BACKWARDS if ".." in text and "before it begins" in str(error) else NO_PERIOD
        raise AskError(words[to.language].format(text=text)) from None
    if start > to.now:
        raise AskError(AHEAD[to.language].format(text=text))


def month_of(period: str, now: float, calendar: Calendar) -> str:
    """The month that a period is, as ``2026-10``; empty where it is none.

    >>> from zoneinfo import ZoneInfo
    >>> [month_of(text, 1_795_222_800.0, Calendar(ZoneInfo("UTC"))) for text in ("2026-10", "last_month", "week")]
    ['2026-10', '2026-10', '']
    """
    if re.fullmatch(r"\d{4}-\d\d", period):
        return period
    if period not in ("month", "last_month"):
        return ""
    _, month = calendar.day_and_month(span(period, now, calendar)[0])
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def bound(rate: str, found: Rate) -> float | None:
    """What a rate surely keeps, from 0 to 1: its lower bound, of one that should be small its upper; None for no
    denominator.

    >>> [round(bound(name, Rate(3, 4)) or 0, 3) for name in ("on_time", "repeat")], bound("on_time", Rate(0, 0))
    ([0.301, 0.954], None)
    """
    if rate not in FALLING:
        return wilson(found.part, found.whole)
    other = wilson(found.whole - found.part, found.whole)
    return None if other is None else 1 - other


@dataclass(frozen=True)
class Row:
    """The figures of one name: ``now`` as they are today, ``was`` as they were frozen, where they were. The rank is
    None without a denominator, as it is for the row of all.
    """

    name: str
    title: str
    now: Mapping[str, Rate]
    was: Mapping[str, Rate]
    rank: int | None = None

    def shown(self, rate: str) -> Rate:
        """The figure that counts: the frozen one where there is one."""
        return self.was.get(rate) or self.now[rate]


def rows_of(
    what: RatesAsked, whole: Mapping[str, Rate], groups: Mapping[str, Mapping[str, Rate]], kept: Figures, to: Reader
) -> tuple[Row, list[Row]]:
    """The row of all, and those of the names in the order asked for, each with its rank."""
    top = what.place == to.places.root.code
    all_was = _kept(kept, "", "") if top else _kept(kept, "place", what.place)
    was = {name: _kept(kept, what.by, name) for by, name, _ in kept if by == what.by} if top else {}
    none = dict.fromkeys(RATES, Rate(0, 0))
    names = {*groups, *was}
    if what.by == "place":  # Places with nothing to count are there too.
        names |= {child.code for child in to.places.children(what.place)}
    ranked = what.sort if what.sort in RATES else "on_time"
    rows = [Row(name, _title(what, name, to), groups.get(name, none), was.get(name, {})) for name in names]
    rows = [row for row in rows if row.name or any(row.shown(rate).whole for rate in RATES)]
    rows.sort(key=lambda row: (row.title, row.name))
    bounds = {row.name: bound(ranked, row.shown(ranked)) for row in rows}
    best = sorted(
        (row for row in rows if row.name and bounds[row.name] is not None),  # What is nobody's has no rank.
        key=lambda row: (bounds[row.name] or 0.0) * (1 if ranked in FALLING else -1),
    )
    ranks: dict[str, int] = {}
    for at, row in enumerate(best):
        before = best[at - 1]
        ranks[row.name] = ranks[before.name] if at and bounds[row.name] == bounds[before.name] else at + 1
    rows = [replace(row, rank=ranks.get(row.name)) for row in rows]
    if what.sort == "name":
        rows.sort(key=lambda row: (row.title, row.name), reverse=what.descending)
    else:
        sign = -1 if what.descending else 1
        rows.sort(key=lambda row: (bounds[row.name] is None, sign * (bounds[row.name] or 0.0)))
    return Row("", ALL[to.language], whole, all_was), rows


def _kept(kept: Figures, by: str, name: str) -> dict[str, Rate]:
    return {rate: found for rate in RATES if (found := kept.get((by, name, rate))) is not None}


def _title(what: RatesAsked, name: str, to: Reader) -> str:
    if what.by != "place":
        return name if what.by == "source" else to.name(name)
    return HERE[to.language] if not name else to.place(name)


# -- on the screen ------------------------------------------------------------------------------------------


def document(what: RatesAsked, all_of_it: Row, rows: list[Row], to: Reader) -> dict[str, Any]:
    """The table as its page draws it: columns with their formulas, and rows with a link behind every number."""
    ranked = what.sort if what.sort in RATES else "on_time"
    columns = [
        {"name": name, "title": words[to.language], "formula": FORMULAS[name][to.language], "falling": name in FALLING}
        for name, words in RATES.items()
    ]
    return {
        "by": what.by, "period": what.period, "sort": what.sort, "down": what.descending, "ranked": ranked,
        "bound": (AT_MOST if ranked in FALLING else AT_LEAST)[to.language], "columns": columns,
        "heads": {"rank": RANK[to.language], "name": BY[what.by][to.language]},
        "all": _row(what, all_of_it, ranked, to, whole=True),
        "rows": [_row(what, row, ranked, to) for row in rows],
    }  # fmt: skip


def _row(what: RatesAsked, row: Row, ranked: str, to: Reader, *, whole: bool = False) -> dict[str, Any]:
    surely = bound(ranked, row.shown(ranked))
    down = ""
    if what.by == "place" and row.name and not whole and to.places.children(row.name):
        down = replace(what, place=row.name).address(to.places.root.code)
    return {
        "name": row.name, "title": row.title, "rank": row.rank, "down": down,
        "bound": None if surely is None else in_percent(100 * surely), "n": count(row.shown(ranked).whole),
        "cells": {rate: _cell(what, row, rate, to, whole=whole) for rate in RATES},
    }  # fmt: skip


def _cell(what: RatesAsked, row: Row, rate: str, to: Reader, *, whole: bool) -> dict[str, Any]:
    shown, now = row.shown(rate), row.now[rate]
    cell: dict[str, Any] = {
        "rate": percent(shown.part, shown.whole, 2), "part": count(shown.part), "whole": count(shown.whole),
        "frozen": rate in row.was,
    }  # fmt: skip
    if not shown.whole:
        cell |= {"rate": DASH, "part": "", "whole": ""}
    if shown != now:
        cell["now"] = {"rate": percent(now.part, now.whole, 2), "part": count(now.part), "whole": count(now.whole)}
    if now.whole:
        cell["all"] = behind(what, None if whole else row.name, rate, to)
        cell["met"] = f"{cell['all']}&met=1"
    return cell


def behind(what: RatesAsked, name: str | None, rate: str, to: Reader) -> str:
    """The address of the tickets of a rate's denominator; ``name`` is that of the row, None that of all."""
    words = {"place": what.place} if what.place != to.places.root.code else {}
    if name is not None and what.by == "place":
        words |= {"place": name} if name else {"here": "1"}
    elif name is not None:
        words[what.by] = name
    words |= {"rate": rate, "period": what.period}
    if to.language != to.city.languages[0]:
        words["lang"] = to.language
    return f"/tickets?{urlencode(words)}"


# -- as a file ----------------------------------------------------------------------------------------------


def as_csv(what: RatesAsked, all_of_it: Row, rows: list[Row], to: Reader, last: str = "") -> bytes:
    """The table in UTF-8 with a mark that Excel reads: of each rate percent, numerator, denominator and bound."""
    buffer, language = io.StringIO(), to.language
    writer = csv.writer(buffer, lineterminator="\r\n")
    head = [RANK[language], BY[what.by][language]]
    for name, words in RATES.items():
        title, edge = words[language], AT_MOST if name in FALLING else AT_LEAST
        head += [
            f"{title} %",
            *(f"{title} – {part[language]}" for part in (PART, WHOLE)),
            f"{title} – {edge[language]} %",
        ]
    writer.writerow(head)
    for row in (all_of_it, *rows):
        line = ["" if row.rank is None else str(row.rank), guarded(row.title)]
        for name in RATES:
            found = row.shown(name)
            surely = bound(name, found)
            line += [percent(found.part, found.whole, 2), str(found.part), str(found.whole)]
            line.append(DASH if surely is None else in_percent(100 * surely, 2))
        writer.writerow(line)
    if last:
        writer.writerow([guarded(last)])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8", "replace")
