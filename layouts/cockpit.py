"""Cockpit: the leaders' tablet: the numbers of the day, three things to look at, where, and what was asked of whom."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="cockpit",
    title=Words("驾驶舱", "Cockpit"),
    pictures={
        "small": """
            header          header          header
            cockpit_numbers cockpit_numbers cockpit_numbers
            cockpit_places  cockpit_today   cockpit_instructions
        """,
        "wide": """
            header          header          header
            cockpit_numbers cockpit_numbers cockpit_numbers
            cockpit_places  cockpit_today   cockpit_instructions
        """,
        "ultrawide": """
            header          header         header        header
            cockpit_numbers cockpit_places cockpit_today cockpit_instructions
        """,
        "tall": """
            header          header
            cockpit_numbers cockpit_numbers
            cockpit_today   cockpit_instructions
            cockpit_places  cockpit_places
        """,
    },
    columns={
        "small": "72fr 44fr 44fr",
        "wide": "84fr 54fr 54fr",
        "ultrawide": "150fr 90fr 66fr 66fr",
        "tall": "1fr 1fr",
    },
    rows={"small": "7fr 34fr 59fr", "wide": "7fr 40fr 58fr", "ultrawide": "7fr 98fr", "tall": "9fr 35fr 46fr 55fr"},
    orbits=False,
    kept=True,
)
