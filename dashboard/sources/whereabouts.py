"""Where a source's points lie: turned at the edge from the system they are written in, and noticed where they sit off.

A layer in another system than it says lies some 500 m beside its streets, which nobody sees in a single point. Where a
payload brings enough points that also name their place, both are held against each other.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from dashboard.ground.coordinates import Point, System, in_china, sits_off, to_wgs84
from dashboard.sources.feed import Context, Rejected

SAMPLE = 400  # Points of a payload that are looked at; elsewhere than in China no system shifts them.


class PointSettings(BaseModel):
    """In which system a source writes its points."""

    coordinates: System = "wgs84"


def turned(point: Point | None, system: System) -> Point | None:
    """A point as the house keeps it, in WGS-84. One of zeros is none in any system, and stays to be named as such.

    >>> turned((0.0, 0.0), "bd09"), turned(None, "gcj02")
    ((0.0, 0.0), None)
    """
    return point if point is None or point == (0.0, 0.0) else to_wgs84(point, system)


def off(said: Sequence[tuple[Point, str]], system: System, ctx: Context) -> str | None:
    """The named warning for points that lie elsewhere than the places they are said to be in; see ``coordinates``."""

    def locate(points: Sequence[Point]) -> list[str]:
        wanted = [place for _, place in said]
        found = ctx.gazetteer.locate_many(list(points))
        # A point is in its place if the place is on the way down to where it was found.
        return [
            place if code is not None and place in ctx.places.path(code) else code or ""
            for (code, _), place in zip(found, wanted, strict=True)
        ]

    return sits_off([point for point, _ in said], [place for _, place in said], locate, system)


def beside(said: Sequence[tuple[Point, str]], system: System, ctx: Context, where: str) -> Rejected | None:
    """A note for the engineer where a payload's points, as (point, place it names), sit off; their records pass."""
    warning = off(said[:SAMPLE], system, ctx) if any(in_china(*point) for point, _ in said[:1]) else None
    if warning is None:
        return None
    wanted = warning.partition("_read_as_")[0]
    text = f"the points lie elsewhere than they say; as {wanted} they fit: set coordinates = {wanted!r}"
    return Rejected(warning, f"{len(said)} points", where, text, kept=True)
