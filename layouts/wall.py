"""The wall: the map in the middle, the deciding numbers over it, the day at its left, what is urgent at its right."""

from __future__ import annotations

from dashboard.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="wall",
    title=Words("大屏", "Wall"),
    pictures={
        "wide": """
            header     header header
            today      decide urgent
            today      map    urgent
            trend      map    urgent
            categories map    units
            channels   map    feeds
        """,
        "ultrawide": """
            header     header     header header header header
            today      categories decide decide urgent units
            today      categories map    map    urgent units
            trend      categories map    map    urgent units
            trend      channels   map    map    urgent feeds
        """,
        "tall": """
            header     header
            decide     decide
            map        map
            today      urgent
            trend      urgent
            categories units
            channels   feeds
        """,
    },
    columns={
        "wide": "45fr 88fr 59fr",
        "ultrawide": "62fr 52fr 70fr 70fr 62fr 66fr",
        "tall": "37fr 44fr",
    },
    rows={
        "wide": "7fr 13fr 3fr 25fr 34fr 23fr",
        "ultrawide": "7fr 14fr 8fr 43fr 33fr",
        "tall": "5fr 11fr 40fr 12fr 15fr 19fr 14fr",
    },
)
