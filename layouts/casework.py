"""Casework: the tickets' closed loop, from the six stages at the top to those who are behind at the bottom."""

from __future__ import annotations

from dashboard.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="casework",
    title=Words("工单", "Casework"),
    pictures={
        "wide": """
            header     header     header     header
            stages     stages     stages     stages
            rates      flow       flow       forecast
            grassroots flow       flow       hour
            places     whistles   supervised stuck
        """,
        "ultrawide": """
            header     header   header   header   header     header
            stages     stages   stages   stages   forecast   hour
            rates      flow     flow     whistles forecast   hour
            grassroots flow     flow     whistles supervised units
            places     flow     flow     stuck    supervised units
        """,
        "tall": """
            header     header
            stages     stages
            rates      forecast
            flow       flow
            grassroots hour
            whistles   supervised
            places     stuck
        """,
    },
    columns={
        "wide": "46fr 48fr 48fr 48fr",
        "ultrawide": "62fr 62fr 62fr 66fr 66fr 66fr",
        "tall": "51fr 51fr",
    },
    rows={
        "wide": "7fr 19fr 25fr 18fr 34fr",
        "ultrawide": "7fr 20fr 24fr 20fr 33fr",
        "tall": "6fr 19fr 25fr 31fr 16fr 20fr 21fr",
    },
)
