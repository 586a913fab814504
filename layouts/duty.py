"""Duty: the night on a wall, with what is to be said to whom, what runs out next, and who is behind."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="duty",
    title=Words("值班", "Duty"),
    pictures={
        "wide": """
            header header header
            alarms urgent units
            alarms urgent categories
        """,
        "ultrawide": """
            header header header header
            alarms urgent units categories
        """,
        "tall": """
            header     header
            alarms     alarms
            urgent     units
            categories feeds
        """,
    },
    columns={
        "wide": "72fr 58fr 62fr",
        "ultrawide": "110fr 90fr 100fr 80fr",
        "tall": "50fr 56fr",
    },
    rows={
        "wide": "7fr 52fr 47fr",
        "ultrawide": "7fr 100fr",
        "tall": "7fr 44fr 40fr 34fr",
    },
)
