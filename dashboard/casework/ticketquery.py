"""Tickets out of history: pages, counts and rates of what is asked, on SQLite and PostgreSQL alike.

Every number on a screen is the count of a filter, so the conditions here say the same as the board does. A page
goes on from the last row of the one before (keyset), so that scrolling costs the same at the millionth row and a
ticket that arrives meanwhile moves nothing. On SQLite one index holds all that can be asked, and is read through
where nothing narrower helps: a million tickets in about a tenth of a second; PostgreSQL chooses by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, not_, or_, select, tuple_
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

from dashboard.casework.ticketasks import RATES, Asked, span
from dashboard.casework.ticketwhere import (
    CLOSED,
    FACETS,
    KNOWN,
    OPEN,
    Condition,
    Levels,
    at,
    conditions,
    late,
    m,
    moved,
    rate_conditions,
    repeats,
    t,
    within,
)  # fmt: skip
from dashboard.nouns.periods import Calendar
from dashboard.places import PlaceTree
from dashboard.travel.history import History, tickets
from dashboard.travel.moves import moves

PAGE = 100  # Rows of a page.
NEAR = 3000  # Rows within which PostgreSQL looks for a page in their order, before it looks for all that is asked.
MOMENTS = ("deadline", "closed", "reported")  # What one can sort by that an index of its own has.
EMPTY = ("deadline", "closed")  # Of what one can sort by, that which a ticket may not have.
BY = ("unit", "category", "source", "channel", "place")


@dataclass(frozen=True)
class Page:
    """Rows of tickets, and the word with which the next ones are asked for; empty after the last."""

    rows: list[dict[str, Any]]
    after: tuple[Any, ...] | None


@dataclass(frozen=True)
class Rate:
    """Numerator and denominator."""

    part: int
    whole: int


class _Hinting(SQLiteCompiler):
    """SQLAlchemy knows hints, but not that SQLite has one too."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        """What stands behind the table's name."""
        return text


class TicketQuery:
    """Questions to one history. ``now`` is always the city's time, in seconds since 1970 UTC."""

    def __init__(self, history: History, places: PlaceTree, calendar: Calendar, levels: Levels | None = None) -> None:
        self.history, self.places, self.calendar, self.levels = history, places, calendar, levels
        if not history.postgres:
            history.engine.dialect.statement_compiler = _Hinting

    def where(self, what: Asked, now: float) -> list[Condition]:
        """The conditions that hold for exactly the tickets asked for."""
        return conditions(what, now, self.places, self.calendar, self.history.postgres, self.levels)

    # -- answers -----------------------------------------------------------------------------------------

    def page(self, what: Asked, now: float, after: Sequence[Any] | None = None, limit: int = PAGE) -> Page:
        """The tickets after the row ``after`` (of an earlier page), at most ``limit``; those without the value
        by which they are sorted come last, either way round.

        Raises:
            HistoryFailed: if the database cannot be reached.
        """
        sort, _ = order_of(what)
        with self.history.engine.connect() as db:
            keys: list[tuple[Any, ...]] = []
            if sort in EMPTY and self._by_order(what):  # Indexes have an order for each part, none for both.
                for known in (True, False):
                    if len(keys) <= limit and (after is None or known <= (after[0] is not None)):
                        keys += self._keys(db, what, now, after, limit + 1 - len(keys), known=known)
            else:
                keys += self._near(db, what, now, after, limit + 1) or self._keys(db, what, now, after, limit + 1)
            chosen = keys[:limit]
            found = self._rows(db, [(source, number) for _, source, number in chosen])
        rows = [found[key] for _, *pair in chosen if (key := tuple(pair)) in found]
        return Page(rows, chosen[-1] if len(keys) > limit else None)

    def _keys(
        self,
        db: Connection,
        what: Asked,
        now: float,
        after: Sequence[Any] | None,
        most: int,
        *,
        known: bool | None = None,
        edge: Any = None,
    ) -> list[tuple[Any, ...]]:
        """What it is sorted by, source and number of the next tickets; only those that are ``known`` to have it, or
        not, or both (None), and none behind an ``edge``.
        """
        sort, down = order_of(what)
        column, blank = t[sort], t[sort].is_(None)
        some = self.where(what, now)
        if known is not None:
            some.append(not_(blank) if known else blank)
        if after is not None and after[0] is None:
            some += [blank, _behind(after)]
        elif after is not None and known is not False:
            # So that one index is read from here on; of "less, or equal and behind" SQLite would read and sort it all.
            from_here = column <= after[0] if down else column >= after[0]
            going_on = and_(from_here, or_(column != after[0], _behind(after)))
            some.append(or_(blank, going_on) if known is None and sort in EMPTY else going_on)
        if edge is not None:
            some.append(column >= edge if down else column <= edge)
        # PostgreSQL does not know either how seldom a filter is met: an order that no index has makes it look for that.
        led = edge is None and self.history.postgres and not self._by_order(what)
        by = func.coalesce(column, column) if led else column
        order: list[Any] = [by.desc() if down else by.asc(), t.source, t.number]
        if known is None and sort in EMPTY:
            order.insert(0, blank)
        query = select(column, t.source, t.number).where(*some).order_by(*order).limit(most)
        return [tuple(row) for row in db.execute(query if self._by_order(what) else self._light(query))]

    def _near(
        self, db: Connection, what: Asked, now: float, after: Sequence[Any] | None, most: int
    ) -> list[tuple[Any, ...]]:
        """The same, for PostgreSQL, of the next ``NEAR`` tickets in their order; nothing if they do not fill a page."""
        sort, down = order_of(what)
        blank = after is not None and after[0] is None
        if not self.history.postgres or self._by_order(what) or sort not in MOMENTS or blank:
            return []
        column = t[sort]
        ask = select(column).where(column.is_not(None)).order_by(column.desc() if down else column.asc())
        if after is not None:
            ask = ask.where(column <= after[0] if down else column >= after[0])
        edge = db.execute(ask.offset(NEAR).limit(1)).scalar()
        found = [] if edge is None else self._keys(db, what, now, after, most, known=True, edge=edge)
        return found if len(found) == most else []

    def _by_order(self, what: Asked) -> bool:
        """Whether it is read by the index of what it is sorted by: only where nothing is filtered, as no database knows
        how seldom a filter is met; by PostgreSQL only that of a moment, as it sorts all tickets of a name.
        """
        all_of_them = not what.filters and what.place == self.places.root.code
        return all_of_them and (not self.history.postgres or order_of(what)[0] in MOMENTS)

    def every(self, what: Asked, now: float, most: int, chunk: int = 2000) -> Iterator[dict[str, Any]]:
        """All tickets asked for, in their order, but not more than ``most``."""
        after: tuple[Any, ...] | None = None
        while most > 0:
            page = self.page(what, now, after, min(chunk, most))
            yield from page.rows
            after, most = page.after, most - len(page.rows)
            if after is None:
                return

    def counts(self, what: Asked, now: float) -> dict[str, int]:
        """How many tickets are asked for, and of these: open, overdue now, closed on time, closed late; where moves are
        asked for, also how many those are.
        """
        query = self._light(select(
            func.count().label("n"), _number(OPEN).label("open"), _number(late(now)).label("late"),
            _number(and_(CLOSED, t.on_time == 1)).label("on_time"),
            _number(and_(CLOSED, t.on_time == 0)).label("not_on_time"),
        ).where(*self.where(what, now)))  # fmt: skip
        with self.history.engine.connect() as db:
            found = {name: int(n or 0) for name, n in db.execute(query).mappings().one().items()}
            if what.get("moved"):
                found["moves"] = self._moves(db, what, now)
        return found

    def _moves(self, db: Connection, what: Asked, now: float) -> int:
        """How many moves are asked for: those that have a row of their own, and the closings of plain tickets."""
        others = self.where(replace(what, filters=tuple(one for one in what.filters if one[0] != "moved")), now)
        rows, plain = moved(what, now, self.calendar)
        both = moves.join(tickets, and_(m.source == t.source, m.number == t.number))
        asks = (
            select(func.count()).select_from(both).where(*rows, *others),
            self._light(select(func.count()).select_from(tickets).where(plain, *others)),
        )
        return sum(int(db.execute(ask).scalar_one()) for ask in asks)

    def names(self, place: str, now: float) -> dict[str, list[tuple[str, int]]]:
        """Units, categories, channels and feeds of the tickets at a place with how many each has, the most first."""
        found: dict[str, list[tuple[str, int]]] = {}
        with self.history.engine.connect() as db:
            for name in ("unit", "category", "channel", "source"):
                query = self._light(
                    select(t[name], func.count().label("n")).where(KNOWN, *self._at(place)).group_by(t[name])
                )
                rows = [(str(value or ""), int(n)) for value, n in db.execute(query)]
                found[name] = sorted(rows, key=lambda row: (-row[1], row[0]))
        return found

    def ticket(self, source: str, number: str) -> dict[str, Any] | None:
        """All that is kept of one ticket, its trail included; None if there is none."""
        with self.history.engine.connect() as db:
            row = db.execute(select(tickets).where(t.source == source, t.number == number)).mappings().first()
        return None if row is None else dict(row)

    def related(self, row: Mapping[str, Any], now: float, most: int = 12) -> dict[str, list[dict[str, Any]]]:
        """Other tickets of the same caller and matter, and at the same spot (within about 30 metres), newest first."""
        other = or_(t.source != row["source"], t.number != row["number"])
        asks: dict[str, list[Condition]] = {}
        if row["caller"]:
            asks["caller"] = [t.caller == row["caller"], t.category == row["category"]]
        if row["lon"] is not None and row["lat"] is not None:
            near = 0.0003
            asks["spot"] = [
                t.place == row["place"], t.lat.between(row["lat"] - near, row["lat"] + near),
                t.lon.between(row["lon"] - near, row["lon"] + near),
            ]  # fmt: skip
        found = {}
        with self.history.engine.connect() as db:
            for name, conditions in asks.items():
                query = select(*_SHOWN).where(KNOWN, other, *conditions).order_by(t.reported.desc()).limit(most)
                found[name] = [dict(one) for one in db.execute(query).mappings()]
        return found

    def rates(self, place: str, period: str, now: float, by: str = "unit") -> dict[str, dict[str, Rate]]:
        """The rates of a period at a place: name of the group → rate → numerator and denominator.

        ``by`` is one of ``BY``; by ``place`` means the places directly below, and that of the whole has the
        empty name, which no place has. By anything else the whole is to be had with ``by=""``.
        """
        start, end = span(period, now, self.calendar)
        columns: list[Any] = []
        some: list[Condition] = []
        for name in RATES:
            if name != "repeat":
                whole, part = rate_conditions(name, start, end, now)
                columns += [_number(whole).label(f"{name}_n"), _number(and_(whole, part)).label(f"{name}_k")]
                some.append(whole)
        group = literal("") if by == "" else t[by]
        moments = (t.reported, t.closed, t.deadline, t.first_dispatched, t.filed, t.called)
        touched = or_(*(and_(*within(column, start, end)) for column in moments))
        query = self._light(select(group.label("name"), *columns).where(KNOWN, *self._at(place), touched))
        again = repeats(start, end, self.history.postgres)
        again_rows = select(
            (literal("") if by == "" else again.c[by]).label("name"), func.count().label("repeat_n"),
            func.sum(again.c.again).label("repeat_k"),
        ).where(*([again.c.place.in_(codes)] if (codes := at(place, self.places)) else []))  # fmt: skip
        if by:
            query, again_rows = query.group_by(group), again_rows.group_by(again.c[by])
        with self.history.engine.connect() as db:
            rows = [*db.execute(query).mappings(), *db.execute(again_rows).mappings()]
        found: dict[str, dict[str, Rate]] = {}
        for row in rows:
            name = self._child(place, row["name"]) if by == "place" else str(row["name"] or "")
            rates = found.setdefault(name, dict.fromkeys(RATES, Rate(0, 0)))
            for rate in RATES:
                if f"{rate}_n" in row:
                    rates[rate] = Rate(
                        rates[rate].part + int(row[f"{rate}_k"] or 0), rates[rate].whole + int(row[f"{rate}_n"] or 0)
                    )
        return found

    # -- how -----------------------------------------------------------------------------------------------

    def _light(self, query: Any) -> Any:
        """The query, read from the index that holds all that can be asked."""
        return query.with_hint(tickets, f"INDEXED BY {FACETS}", "sqlite")

    def _at(self, place: str) -> list[Condition]:
        codes = at(place, self.places)
        return [t.place.in_(codes)] if codes else []

    def _child(self, place: str, code: str) -> str:
        """The place directly below ``place`` that ``code`` lies in; empty where it lies in none of them."""
        path = self.places.path(code)
        below = path[path.index(place) + 1 :] if place in path else ()
        return below[0] if below else ""

    def _rows(self, db: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, ...], dict[str, Any]]:
        found: dict[tuple[str, ...], dict[str, Any]] = {}
        by_source: dict[str, list[str]] = {}
        for source, number in keys:
            by_source.setdefault(source, []).append(number)
        for source, numbers in by_source.items():
            for start in range(0, len(numbers), 500):
                query = select(*_SHOWN).where(t.source == source, t.number.in_(numbers[start : start + 500]))
                found.update({(row["source"], row["number"]): dict(row) for row in db.execute(query).mappings()})
        return found


_SHOWN = tuple(column for column in tickets.c if column.name != "trail")


def order_of(what: Asked) -> tuple[str, bool]:
    """By what and whether downwards the tickets are sorted: what is open by its deadline, else the newest first."""
    if what.sort:
        return what.sort, what.descending
    urgent = what.get("open") == ("1",) or what.get("late") == ("1",) or what.get("due_in") or what.get("light")
    return ("deadline", False) if urgent else ("reported", True)


def _behind(after: Sequence[Any]) -> Condition:
    return tuple_(t.source, t.number) > tuple_(literal(after[1]), literal(after[2]))


def _number(condition: Condition) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
