"""Cameras as they are read, and the city's own list of those that should be there: a CSV beside the city file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from dashboard.ground.coordinates import System
from dashboard.ground.outlines import Point
from dashboard.masking import mask
from dashboard.nouns.video import DOWN
from dashboard.sources.feed import Context, Rejected, Settings, SourceFailed
from dashboard.sources.values import Refusal, moments, point_of

COLUMNS = ("id", "name", "place", "street", "switch", "lon", "lat", "planned", "address", "user", "device")


class VideoSettings(Settings):
    """What every video platform's feed may be told: its name on the wall, its points' system, and an inventory.

    ``inventory`` is a CSV beside the city file with the columns id, name, place, street, switch, lon, lat, planned
    (``2026-11-21T09:00/2026-11-21T17:00``, several with ``|``), any of them but id left out.
    """

    platform: str = ""
    coordinates: System = "wgs84"
    inventory: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A camera as a platform or an inventory has it; ``point`` as it was written, ``status`` as ``video`` numbers it.

    ``found`` is False for one that only the inventory knows; ``more`` are the inventory's other columns.
    """

    id: str
    name: str = ""
    point: Point | None = None
    place: str = ""
    street: str = ""
    switch: str = ""
    status: int = 0
    planned: tuple[tuple[float, float], ...] = ()
    found: bool = True
    more: Mapping[str, str] = field(default_factory=dict)


def inventory_of(settings: VideoSettings, ctx: Context) -> tuple[tuple[Seen, ...], tuple[Rejected, ...]]:
    """The cameras that should be there, by the city's own list, and its bad lines; read again when it has changed.

    Raises:
        SourceFailed: if it cannot be read, or has no column ``id``.
    """
    if settings.inventory is None:
        return (), ()
    file = ctx.city.path(settings.inventory)
    try:
        return _inventory(file, file.stat().st_mtime_ns, ctx.city.zone)
    except OSError as error:
        raise SourceFailed(f"inventory: {file} cannot be read ({error.strerror}); put the CSV there") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceFailed(f"inventory: {file} cannot be read ({error}); name a CSV in UTF-8") from None


@lru_cache(maxsize=16)
def _inventory(file: Path, changed: int, zone: str) -> tuple[tuple[Seen, ...], tuple[Rejected, ...]]:
    found: dict[str, Seen] = {}
    letters: list[Rejected] = []
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream)
        names = [name.strip() for name in rows.fieldnames or ()]
        unknown = [name for name in names if name not in COLUMNS]
        if "id" not in names or unknown:
            wrong = f"has a column {unknown[0]!r}" if unknown else "has no column 'id'"
            raise SourceFailed(f"inventory: {file} {wrong}; known are {', '.join(COLUMNS)}")
        for row in rows:
            line = f"line {rows.line_num}"
            values = {str(name).strip(): (value or "").strip() for name, value in row.items() if isinstance(value, str)}
            name = values.get("id", "")
            try:
                if not name or None in row:
                    raise Refusal("bad_line", "a line without an id, or with more cells than the header")
                if name in found:
                    raise Refusal("camera_twice", "its first line counts")
                found[name] = Seen(
                    name, values.get("name", ""), point_of(values.get("lon", ""), values.get("lat", "")),
                    values.get("place", ""), values.get("street", ""), values.get("switch", ""), DOWN,
                    _planned(values.get("planned", ""), zone), found=False,
                    more={key: values[key] for key in ("address", "user", "device") if values.get(key)},
                )  # fmt: skip
            except Refusal as refusal:
                letters.append(Rejected(refusal.reason, mask(str(values))[:1000], line, refusal.detail))
    return tuple(found.values()), tuple(letters)


def _planned(text: str, zone: str) -> tuple[tuple[float, float], ...]:
    """Announced outages.

    Raises:
        Refusal: ``bad_plan``.
    """
    spans = []
    for span in filter(None, text.split("|")):
        try:
            start, end = (moments(zone, ("iso",))(part.strip()).timestamp() for part in span.split("/"))
        except ValueError as error:
            raise Refusal("bad_plan", f"{span[:60]!r}: {error}; write 2026-11-21T09:00/2026-11-21T17:00") from None
        if end <= start:
            raise Refusal("bad_plan", f"{span[:60]!r} ends before it begins")
        spans.append((start, end))
    return tuple(spans)
