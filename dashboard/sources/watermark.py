"""A watermark: up to where the rows of a database were read, in the form its source writes it, and what was known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.sources.feed import SourceFailed
from dashboard.sources.rows import value_of

REMEMBERED = 10_000  # Rows within the overlap, at least, that are known to be unchanged.
SOON = timedelta(hours=3)  # A clock that is put back so soon after a watermark may write it, or less, once more.
KEPT = 2_000  # As many of them are in the cursor, so that a restart does not read them as new.


@dataclass(slots=True)
class Mark:
    """Where we are. ``high`` is the greatest watermark up to which all was read, ``known`` the rows of the overlap.

    ``column`` is the watermark's, ``overlap`` how much before ``high`` is read again, and ``zone`` that of a time which
    names none. ``after`` is where a reading that is under way goes on: watermark and key of the last row.
    """

    column: str
    overlap: float
    zone: ZoneInfo
    high: Any = None
    after: tuple[Any, Any] | None = None
    known: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: str | None, column: str, overlap: float, zone: ZoneInfo) -> Mark:
        """The mark that a cursor holds."""
        if cursor is None:
            return cls(column, overlap, zone)
        held = json.loads(cursor)
        after = None if held["after"] is None else (_read(held["after"][0]), _read(held["after"][1]))
        return cls(column, overlap, zone, _read(held["high"]), after, dict.fromkeys(held["known"]))

    def cursor(self) -> str:
        """The mark as a cursor."""
        known = list(self.known)[-KEPT:]
        after = None if self.after is None else [_written(self.after[0]), _written(self.after[1])]
        return json.dumps({"high": _written(self.high), "after": after, "known": known})

    @property
    def start(self) -> Any:
        """The watermark to begin at; None for the beginning of all."""
        return None if self.high is None else self._before(self.high)

    def _before(self, value: Any) -> Any:
        try:
            return earlier(value, self.overlap + put_back(value, self.overlap, self.zone))
        except OverflowError:
            return None
        except (ValueError, TypeError):
            said = f"{self.column} holds {str(value)[:40]!r}, which is neither a time nor a number"
            raise SourceFailed(f"watermark: {said}; choose another column") from None

    def new(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows that were not seen with this content; all are remembered for the next overlap."""
        found = []
        for row in rows:
            written = json.dumps([value_of(value) for value in row.values()], default=str, ensure_ascii=False)
            digest = blake2b(written.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
            if digest not in self.known:
                found.append(row)
            else:
                self.known.pop(digest)
            self.known[digest] = row[self.column]
        if len(self.known) > 2 * REMEMBERED:
            self.known = dict(list(self.known.items())[-REMEMBERED:])
        return found

    def settle(self, past: Callable[[object], bool]) -> None:
        """All was read: the greatest watermark that is not ahead of the clock (``past``) is the new ``high``."""
        if self.after is not None and past(self.after[0]):
            self.high = self.after[0]
        else:
            behind = [value for value in self.known.values() if value is not None and past(value)]
            if behind:
                self.high = max(behind)
            elif self.after is not None and str(self.after[0]).lstrip("-") != "infinity":
                self._before(self.after[0])  # It says so where the column is none for a watermark.
        self.after = None
        floor = self.start
        self.known = {name: value for name, value in self.known.items() if value is None or not less(value, floor)}


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    return {"number": str(value)} if isinstance(value, Decimal) else value


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "time" in value:
        return datetime.fromisoformat(value["time"])
    return date.fromisoformat(value["day"]) if "day" in value else Decimal(value["number"])


def moment_of(value: object, zone: ZoneInfo) -> datetime | None:
    """A watermark as a moment; None if it is no time. One without a zone is of ``zone``."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the zone is added below.
    if not isinstance(value, datetime):
        return None
    try:
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:  # The first and the last day that Python knows.
        return None


def put_back(value: object, overlap: float, zone: ZoneInfo) -> float:
    """By how many seconds the clocks of ``zone`` are put back between ``overlap`` before a watermark and soon after it.

    What happens in the hour that comes twice is written with times up to so much before those already read.
    """
    moment = moment_of(value, zone)
    if moment is None:
        return 0.0
    before, behind = (moment - timedelta(seconds=overlap)).astimezone(zone), (moment + SOON).astimezone(zone)
    return max(0.0, ((before.utcoffset() or timedelta()) - (behind.utcoffset() or timedelta())).total_seconds())


def earlier(value: Any, overlap: float) -> Any:
    """A watermark ``overlap`` before this one, in the form the source writes it.

    Raises:
        ValueError: if it is neither a number nor a time.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value - type(value)(overlap)
    if isinstance(value, Decimal):
        return value - Decimal(overlap)
    if isinstance(value, datetime):
        return value - timedelta(seconds=overlap)
    if isinstance(value, date):
        return value - timedelta(days=-(-overlap // 86400))
    moment = datetime.fromisoformat(str(value))
    if len(str(value)) <= 10:
        return (moment - timedelta(days=-(-overlap // 86400))).date().isoformat()
    return (moment - timedelta(seconds=overlap)).isoformat(str(value)[10])


def less(one: Any, other: Any) -> bool:
    """Whether one watermark is before another; False where they cannot be compared."""
    try:
        return other is not None and bool(one < other)
    except TypeError:
        return False
