"""Intake: the day of the tickets, how much comes in by which way, what it is about, where, and who handles it."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="intake",
    title=Words("受理", "Intake"),
    pictures={
        "wide": """
            header     header header
            today      decide urgent
            today      map    urgent
            trend      map    urgent
            categories map    units
            channels   map    feeds
        """,
        "small": """
            header     header   header
            decide     decide   decide
            today      map      urgent
            trend      map      urgent
            trend      map      units
            categories channels units
            categories channels feeds
        """,
        "ultrawide": """
            header     header     header header header
            today      today      decide urgent units
            trend      categories map    urgent units
            channels   categories map    urgent feeds
        """,
        "tall": """
            header     header
            decide     decide
            map        today
            map        urgent
            trend      units
            categories units
            categories feeds
            channels   feeds
        """,
    },
    columns={
        "wide": "45fr 88fr 59fr",
        "small": "47fr 55fr 58fr",
        "ultrawide": "60fr 54fr 110fr 78fr 82fr",
        "tall": "56fr 50fr",
    },
    rows={
        "wide": "7fr 13fr 3fr 25fr 34fr 23fr",
        "small": "6.5fr 13fr 14.5fr 10fr 11fr 13fr 19fr",
        "ultrawide": "7fr 16fr 45fr 35fr",
        "tall": "7fr 12fr 14fr 33fr 20fr 13fr 7fr 19fr",
    },
)
