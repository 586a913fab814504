"""Intake: how much comes in today and by which way, what it is about, and where."""

from __future__ import annotations

from dashboard.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="intake",
    title=Words("受理", "Intake"),
    pictures={
        "wide": """
            header   header header
            today    map    categories
            trend    map    categories
            channels map    urgent
        """,
        "small": """
            header   header header
            today    map    categories
            trend    map    categories
            channels map    urgent
        """,
        "ultrawide": """
            header header   header header     header
            today  channels map    categories urgent
            trend  trend    map    categories urgent
        """,
        "tall": """
            header     header
            today      channels
            map        map
            trend      trend
            categories urgent
        """,
    },
    columns={
        "wide": "60fr 76fr 56fr",
        "small": "50fr 58fr 52fr",
        "ultrawide": "60fr 60fr 110fr 66fr 80fr",
        "tall": "54fr 52fr",
    },
    rows={
        "wide": "7fr 20fr 46fr 34fr",
        "small": "6.5fr 19fr 38fr 35fr",
        "ultrawide": "7fr 40fr 60fr",
        "tall": "7.5fr 24fr 48fr 26fr 38fr",
    },
)
