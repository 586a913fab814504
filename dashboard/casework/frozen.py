"""Frozen months: a month's rates as they were when somebody put their name to them, beside the rules they rest on.

What has been frozen is never overwritten. Freezing a month again adds a version, and ``differences`` tells what
would be another number today: late closings change a month after its end, and so may the city's rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import Column, Double, Integer, MetaData, Table, Text, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from dashboard.casework.ticketasks import RATES, span
from dashboard.casework.ticketquery import Rate, TicketQuery
from dashboard.nouns.noun import Rules
from dashboard.refusal import Refused
from dashboard.travel.history import HistoryFailed
from dashboard.travel.ticketfacts import fingerprint
from dashboard.words import percent

FORMULAS = "1"  # Another number when a formula of ``ticketwhere`` means something else than before.
BY = ("", "unit", "category", "source", "place")  # As a whole, and by what.
Figures = dict[tuple[str, str, str], Rate]
"""(by, name, rate) → numerator and denominator."""

metadata = MetaData()
months = Table(
    "frozen_months", metadata,
    Column("month", Text, primary_key=True), Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False), Column("who", Text, nullable=False), Column("digest", Text, nullable=False),
)  # fmt: skip
figures = Table(
    "frozen_rates", metadata,
    Column("month", Text, primary_key=True), Column("version", Integer, primary_key=True, autoincrement=False),
    Column("by", Text, primary_key=True), Column("name", Text, primary_key=True),
    Column("rate", Text, primary_key=True),
    Column("part", Integer, nullable=False), Column("whole", Integer, nullable=False),
)  # fmt: skip


@dataclass(frozen=True)
class Month:
    """A frozen month: when it was frozen (seconds since 1970 UTC), by whom, and a digest of the rules it rests on."""

    month: str
    version: int
    at: float
    who: str
    digest: str


class Frozen:
    """The frozen months of a city, in the same database as its tickets."""

    def __init__(self, query: TicketQuery, rules: Rules) -> None:
        self.query, self.rules = query, rules
        self.engine = query.history.engine

    @property
    def digest(self) -> str:
        """What the figures rest on now: the city's limits and calendar, and the formulas."""
        told = f"{FORMULAS} {fingerprint(self.rules)} {self.rules.zone.key}"
        return blake2b(told.encode(), digest_size=8).hexdigest()

    def freeze(self, month: str, who: str, now: float, *, again: bool = False) -> Month:
        """Freeze the rates of a month (``2026-10``) as they are now. ``who`` is kept with them.

        Raises:
            Refused: if it is no month, is not over by the city's time ``now``, or is frozen already and not ``again``.
            HistoryFailed: if the database cannot be reached.
        """
        if not re.fullmatch(r"\d{4}-\d\d", month):
            raise Refused(f"{month!r} is no month; write one such as 2026-10")
        if not who.strip():
            raise Refused("a month is frozen by somebody; say who with --by NAME")
        if span(month, now, self.query.calendar)[1] > now:
            raise Refused(f"{month} is not over yet by the city's time; a month can be frozen once it has ended")
        self._prepare()
        before = self.month(month)
        if before is not None and not again:
            raise Refused(
                f"{month} was frozen by {before.who} already (version {before.version}); --again adds a version"
            )
        made = Month(month, 1 if before is None else before.version + 1, now, who.strip(), self.digest)
        rows = [
            {"month": month, "version": made.version, "by": by, "name": name, "rate": rate,
             "part": r.part, "whole": r.whole}
            for (by, name, rate), r in self.figures(month).items()
        ]  # fmt: skip
        try:
            with self.engine.begin() as db:
                db.execute(insert(months), [vars(made)])
                if rows:
                    db.execute(insert(figures), rows)
        except IntegrityError:
            raise Refused(f"somebody else has frozen {month} at this very moment; look at it first") from None
        return made

    def figures(self, month: str) -> Figures:
        """The rates of a month as they would be frozen now; those without a denominator are left out."""
        end = span(month, 0.0, self.query.calendar)[1]
        root = self.query.places.root.code
        return {
            (by, name, rate): found
            for by in BY
            for name, rates in self.query.rates(root, month, end, by).items()
            for rate, found in rates.items()
            if found.whole
        }

    def month(self, month: str) -> Month | None:
        """The latest version of a frozen month; None if it is not frozen."""
        query = select(months).where(months.c.month == month).order_by(months.c.version.desc()).limit(1)
        try:
            with self.engine.connect() as db:
                row = db.execute(query).first()
        except HistoryFailed:  # Nothing was ever frozen, or nothing can be read; the caller's own question tells.
            return None
        return None if row is None else Month(*row)

    def kept(self, month: str, version: int | None = None) -> Figures:
        """The figures of a frozen month, of its latest version unless another is named."""
        found = self.month(month)
        if found is None:
            return {}
        chosen = found.version if version is None else version
        query = select(figures).where(figures.c.month == month, figures.c.version == chosen)
        with self.engine.connect() as db:
            return {(row.by, row.name, row.rate): Rate(row.part, row.whole) for row in db.execute(query)}

    def all_months(self) -> list[Month]:
        """The latest version of every frozen month, in order."""
        self._prepare()
        latest = select(months.c.month, func.max(months.c.version).label("version")).group_by(months.c.month).subquery()
        query = select(months).join(latest, (months.c.month == latest.c.month) & (months.c.version == latest.c.version))
        with self.engine.connect() as db:
            return [Month(*row) for row in db.execute(query.order_by(months.c.month))]

    def differences(self, month: str) -> list[tuple[tuple[str, str, str], Rate, Rate]]:
        """Which figures would be others today: (by, name, rate), as frozen, as now."""
        before, now = self.kept(month), self.figures(month)
        none = Rate(0, 0)
        keys = sorted(before.keys() | now.keys())
        return [(key, before.get(key, none), now.get(key, none)) for key in keys if before.get(key) != now.get(key)]

    def _prepare(self) -> None:
        with self.engine.begin() as db:
            for table in metadata.sorted_tables:
                db.execute(CreateTable(table, if_not_exists=True))


def lines(month: Month, found: Figures) -> Iterable[str]:
    """A frozen month as ``citywall freeze`` prints it."""
    yield f"{month.month}, version {month.version}, by {month.who}, rules {month.digest}"
    for rate, words in RATES.items():
        whole = found.get(("", "", rate))
        if whole:
            yield f"  {words.en:<20}{percent(whole.part, whole.whole, 2):>8} %   {whole.part:,} / {whole.whole:,}"
