"""Values as outside systems write them: times, texts, points and places, read strictly or refused with a reason."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from dashboard.ground.outlines import Located, Point
from dashboard.masking import LONGEST_TEXT, clean, cut, mask, title
from dashboard.places import PlaceTree

RAW = 4096  # Characters of a refused record that are passed on.
EARLIEST, LATEST = 1970, 2100  # Years between which a date is possible.
LONGEST_NUMBER = 120  # Characters of a ticket's number.
FULL_WIDTH = {0xFF01 + sign: 0x21 + sign for sign in range(94)}
DEGREES = re.compile(r"[+-]?([0-9]{1,9}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
SECONDS = re.compile(r"-?[0-9]{1,15}(\.[0-9]*)?")  # Since 1970, as a program writes them.
ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+\d+")


class Refusal(Exception):
    """A record cannot be used: the reason in one word, and what is wrong in a sentence."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


def raw_of(record: Any) -> str:
    """A record as it is kept where it is refused: its beginning, without numbers of phones and identities."""
    if not isinstance(record, str):
        try:
            record = json.dumps(record, ensure_ascii=False, default=str)
        except (ValueError, RecursionError):
            record = repr(record)[:RAW]
    return mask(record[:RAW].encode("utf-8", "backslashreplace").decode())


def reason_of(error: str) -> str:
    """The one word for what msgspec says is wrong with an event."""
    if "missing required" in error:
        return "missing_field"
    if error.startswith("unknown field"):
        return "unknown_field"
    if re.search(r"Expected `\w+` [<>]=", error):
        return "out_of_range"
    return "bad_time" if "RFC3339" in error else "wrong_type"


class Moments:
    """Reads times as a source writes them. A local time that comes twice when clocks go back is its first run."""

    def __init__(self, zone: str, formats: tuple[str, ...]) -> None:
        self.zone, self.formats = ZoneInfo(zone), formats
        self._offsets: dict[str, timedelta] = {}

    def __call__(self, text: str) -> datetime:
        """``text`` as a moment in UTC.

        Raises:
            ValueError: if it has none of the formats, or its year is impossible.
        """
        offset = self._offsets.get(text[:13])
        if offset is not None and len(text) > 11:  # Behind a mere day a zone would be read as a time.
            try:
                return datetime.fromisoformat(text + "+00:00") - offset
            except ValueError:
                pass  # It names its own zone, or is no date after all.
        moment: datetime | None = None
        for form in self.formats:
            try:
                if form == "iso":
                    moment = datetime.fromisoformat(text)
                elif form == "unix":
                    moment = datetime.fromtimestamp(_seconds(text), UTC)
                elif form == "unix_ms":
                    moment = datetime.fromtimestamp(_seconds(text) / 1000, UTC)
                else:
                    moment = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is added below.
                break
            except (ValueError, OverflowError, OSError):
                continue
        if moment is None:
            raise ValueError(f"{text[:40]!r} is no date in {' or '.join(self.formats)}")
        if not EARLIEST <= moment.year <= LATEST:
            raise ValueError(f"{text[:40]!r} is not between {EARLIEST} and {LATEST}")
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        return (moment - self._offset(moment, text[:13])).replace(tzinfo=UTC)

    def _offset(self, moment: datetime, hour: str) -> timedelta:
        """How far local time is ahead of UTC; remembered by the text's hour where it is the same all that hour."""
        offsets = [
            cast(timedelta, part.replace(tzinfo=self.zone).utcoffset())
            for part in (moment, moment.replace(minute=0, second=0), moment.replace(minute=59, second=59))
        ]
        if offsets[1] == offsets[2] and self.formats[0] == "iso":
            if len(self._offsets) > 50_000:
                self._offsets.clear()
            self._offsets[hour] = offsets[0]
        return offsets[0]

    def second_run(self, moment: datetime) -> datetime:
        """The same local time in the hour that comes twice, if it is one; else the moment itself."""
        return moment.astimezone(self.zone).replace(fold=1).astimezone(UTC)

    def is_day(self, text: str) -> bool:
        """Whether ``text`` names a day and no time of day."""
        return (
            len(text) <= 11
            and ":" not in text
            and not (("unix" in self.formats or "unix_ms" in self.formats) and text.isdecimal())
        )

    def day_end(self, moment: datetime) -> datetime:
        """The last second of the local day."""
        return moment.astimezone(self.zone).replace(hour=23, minute=59, second=59, microsecond=0).astimezone(UTC)


def _seconds(text: str) -> float:
    if SECONDS.fullmatch(text) is None:
        raise ValueError(text)
    return float(text)


moments = lru_cache(maxsize=64)(Moments)
short_title = lru_cache(maxsize=8192)(title)


@lru_cache(maxsize=8192)
def short_text(text: str) -> str:
    """A category, unit or channel as it is kept."""
    return cut(mask(clean(text)), LONGEST_TEXT)


def point_of(lon: str, lat: str) -> Point | None:
    """A point from two texts; None if both are empty.

    Raises:
        Refusal: ``bad_coordinates`` if they are no numbers, or none that could be degrees.
    """
    if not lon and not lat:
        return None
    lon, lat = _degrees(lon), _degrees(lat)
    if DEGREES.fullmatch(lon) is None or DEGREES.fullmatch(lat) is None:
        raise Refusal("bad_coordinates", f"lon {lon[:20]!r}, lat {lat[:20]!r} are no numbers")
    point = float(lon), float(lat)
    if not (abs(point[0]) <= 180 and abs(point[1]) <= 180):  # NaN compares false.
        raise Refusal("bad_coordinates", f"lon {lon[:20]}, lat {lat[:20]} are no degrees")
    return point


def _degrees(text: str) -> str:
    """A coordinate in plain digits."""
    return text.strip() if text.isascii() else text.translate(FULL_WIDTH).strip()


def place_of(ways: tuple[str, ...], code: str, name: str, located: Located, places: PlaceTree) -> tuple[str, str]:
    """The code of a ticket's place, found in the order of ``ways``; or "" and the flaw that says why not.

    ``located`` is what the gazetteer said of its point.
    """
    for way in ways:
        found: str | None = None
        if way == "code" and code:
            found = code if code in places else None
        elif way == "name" and name:
            found = places.named(name)
        elif way == "point":
            found = located[0]
        if found is not None:
            return found, ""
    if "point" in ways and located[1] not in ("", "no_point", "no_outlines"):
        return "", located[1]
    return "", "unknown_place" if code or name else "no_place"


def number_of(text: str) -> str:
    """A ticket's number.

    Raises:
        Refusal: ``no_number``, or ``bad_number`` where it is endless, holds control characters, or was
            rounded by a spreadsheet (1.1E+17 is the number of many tickets, and so of none).
    """
    if not text:
        raise Refusal("no_number")
    if len(text) > LONGEST_NUMBER or not text.isprintable():
        raise Refusal("bad_number", f"{text[:40]!r} is too long, or holds what cannot be printed")
    if text.lower() in ("nan", "none", "null", "nat", "inf", "-inf"):
        raise Refusal("no_number", f"{text} is what programs write where there is none")
    if "+" in text and ROUNDED.fullmatch(text):
        raise Refusal("bad_number", f"{text} was rounded by a spreadsheet")
    return text
