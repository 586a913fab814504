"""Economy: what the figures say in the middle, how they move at the left, when they come and what was put right."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="economy",
    title=Words("经济发展", "Economy"),
    pictures={
        "wide": """
            header        header          header
            economy       economy_figures economy_releases
            economy_trend economy_figures economy_releases
            economy_trend economy_figures economy_revisions
            economy_trend economy_regions economy_revisions
        """,
        "small": """
            header        header          header
            economy       economy_figures economy_releases
            economy_trend economy_figures economy_releases
            economy_trend economy_figures economy_revisions
            economy_trend economy_regions economy_revisions
        """,
        "ultrawide": """
            header            header        header
            economy           economy_trend economy_figures
            economy_releases  economy_trend economy_figures
            economy_releases  economy_trend economy_regions
            economy_revisions economy_trend economy_regions
        """,
        "tall": """
            header           header
            economy          economy_trend
            economy_figures  economy_figures
            economy_regions  economy_regions
            economy_releases economy_revisions
        """,
    },
    columns={
        "wide": "52fr 84fr 58fr",
        "small": "44fr 73fr 47fr",
        "ultrawide": "92fr 130fr 150fr",
        "tall": "50fr 54fr",
    },
    rows={
        "wide": "7fr 28fr 10fr 8fr 50fr",
        "small": "6.5fr 26fr 10fr 8fr 45fr",
        "ultrawide": "7fr 34fr 12fr 24fr 26fr",
        "tall": "7fr 33fr 37fr 41fr 28fr",
    },
)
