"""Casework: the tickets' closed loop, from the six stages at the top to those who are behind at the bottom."""

from __future__ import annotations

from dashboard.screens.layout import Layout
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
        "small": """
            header     header header
            stages     stages stages
            rates      flow   forecast
            grassroots hour   supervised
            whistles   stuck  supervised
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
        "small": "48fr 56fr 52fr",
        "ultrawide": "62fr 62fr 62fr 66fr 66fr 66fr",
        "tall": "51fr 51fr",
    },
    rows={
        "wide": "7fr 18fr 28fr 17fr 33fr",
        "small": "7fr 20fr 30fr 18fr 24fr",
        "ultrawide": "7fr 20fr 27fr 18fr 32fr",
        "tall": "7fr 19fr 26fr 30fr 16fr 20fr 21fr",
    },
)
